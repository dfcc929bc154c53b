package llmreplay_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmreplay"
)

// FuzzOpen holds that a recording is refused with the number of a line, or
// answers each request that is in it.
func FuzzOpen(f *testing.F) {
	var file bytes.Buffer
	recorder := llmreplay.Record(scripted(outcome{resp: say("1")}, outcome{err: &llm.Error{Kind: llm.KindServer, Wait: 7}}, outcome{err: errors.New("x")}), &file)
	recorder.Now = stopped
	for _, question := range []string{"a", "a", "b"} {
		_, _ = recorder.Complete(f.Context(), ask(question))
	}
	require.NoError(f, recorder.Err())
	f.Add(file.Bytes())
	f.Add([]byte(`{"format":"ballast-llm","schema":1}`))
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		player, err := llmreplay.Open(bytes.NewReader(data))
		if err != nil {
			var bad *llmreplay.LineError
			require.ErrorAs(t, err, &bad)
			require.Positive(t, bad.Line)
			return
		}
		header := true
		for line := range bytes.Lines(data) {
			if header {
				header = false
				continue
			}
			var call struct{ Request llm.Request }
			require.NoError(t, json.Unmarshal(line, &call))
			_, err := player.Complete(t.Context(), call.Request)
			require.NotErrorIs(t, err, llmreplay.ErrNotRecorded)
		}
	})
}
