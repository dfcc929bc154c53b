package ballast_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmreplay"
	"github.com/ballast-go/ballast/llm/llmtest"
)

// decisionBytes is a result without its id and its times.
func decisionBytes(t *testing.T, res decision.Result) string {
	t.Helper()
	res.ID, res.At, res.Took = "", time.Time{}, 0
	res.Decision.Timestamp = time.Time{}
	data, err := json.Marshal(res)
	require.NoError(t, err)
	return string(data)
}

// A decision that was recorded through the whole engine is the same bytes when
// it is replayed, whoever decided.
func TestARecordedDecisionReplaysToTheSameBytes(t *testing.T) {
	t.Parallel()
	host, replayed := newFaultHost(t), 0
	for _, s := range llmtest.Scenarios() {
		if s.Expect.Stalls() {
			continue // what ends such a call is the engine's own time, which a replay does not take
		}
		replayed++
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			var file bytes.Buffer
			recorder := llmreplay.Record(faultClient(t, s), &file)
			decide := func(client llm.Client) (decision.Result, decision.Record) {
				engine, req, store := host.engine(t, client, modelTimeout(s.Expect))
				res, err := engine.Decide(t.Context(), req)
				require.NoError(t, err)
				record, err := store.Record(t.Context(), res.ID)
				require.NoError(t, err)
				return res, record
			}
			res, record := decide(recorder)
			require.NoError(t, recorder.Err())
			require.Equal(t, s.Expect.DecidedBy, string(res.Origin))

			player, err := llmreplay.Open(bytes.NewReader(file.Bytes()))
			require.NoError(t, err)
			again, recordAgain := decide(player)
			require.Equal(t, decisionBytes(t, res), decisionBytes(t, again))
			require.Equal(t, record.Request, recordAgain.Request)
			require.Equal(t, record.ModelError, recordAgain.ModelError)

			_, err = player.Complete(t.Context(), record.Request)
			require.ErrorIs(t, err, llmreplay.ErrNotRecorded, "no answer is given twice")
			if len(record.Responses) > 0 {
				require.Len(t, recordAgain.Responses, len(record.Responses))
				require.Equal(t, record.Responses[0].Took, recordAgain.Responses[0].Took)
			}
		})
	}
	require.Greater(t, replayed, 50)
}
