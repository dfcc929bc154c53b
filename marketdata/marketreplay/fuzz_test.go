package marketreplay_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/marketreplay"
)

// FuzzOpen holds that a recording is refused with the number of a line, or
// answers each query that is in it; and that what was read can be recorded
// again. The second part seals what the fuzzer makes up, which could not guess
// a sum.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(headerLine), false)
	f.Add([]byte(sealed(`{"series":`+someSeries+`}`, answered(), answered())), false)
	f.Add([]byte(`{"series":`+someSeries+"}\n"+answered()), true)
	f.Add([]byte(`{"query":{"symbols":["A"]},"error":{"context":"canceled"}}`), true)
	f.Add([]byte(`{"query":{"symbols":["A"]},"snapshot":{"at":"1970-01-01T02:00:00+01:00","failures":{"A":{"symbol":"A","reason":"x","detail":""}}}}`), true)
	f.Add([]byte("{}\n"), true)
	f.Fuzz(func(t *testing.T, data []byte, seal bool) {
		if seal {
			var entries []string
			for line := range bytes.Lines(data) {
				entries = append(entries, string(bytes.TrimSpace(line)))
			}
			data = []byte(sealed(entries...))
		}
		replay, err := marketreplay.Open(bytes.NewReader(data), marketreplay.Config{AllowTorn: true})
		if err != nil {
			var bad *marketreplay.LineError
			require.ErrorAs(t, err, &bad)
			require.Positive(t, bad.Line)
			return
		}
		var again bytes.Buffer
		recorder, err := marketreplay.Record(replay, &again)
		require.NoError(t, err)
		for _, was := range replay.Answers() {
			_, err := recorder.Snapshot(t.Context(), was.Query)
			require.NotErrorIs(t, err, marketreplay.ErrNotRecorded)
		}
		require.NoError(t, recorder.Err())
		copied, err := marketreplay.Open(&again, marketreplay.Config{})
		require.NoError(t, err)
		require.Len(t, copied.Answers(), len(replay.Answers()))
	})
}
