package marketreplay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/marketreplay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noon() time.Time { return time.Date(2025, 10, 10, 12, 0, 30, 0, time.UTC) }

// clock is one that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func simulated(tb testing.TB, now func() time.Time) *marketdata.Sim {
	tb.Helper()
	sim, err := marketdata.NewSim(marketdata.SimConfig{Now: now})
	require.NoError(tb, err)
	return sim
}

func query(symbols ...string) marketdata.Query {
	return marketdata.Query{Symbols: symbols, Intervals: []marketdata.Interval{marketdata.Interval1h, marketdata.Interval4h}, Candles: 30}
}

// outcome is what a source returns to one query.
type outcome struct {
	snap marketdata.Snapshot
	err  error
}

// scripted answers with the outcomes in order.
func scripted(outcomes ...outcome) marketdata.Source {
	next := 0
	return marketdata.SourceFunc(func(context.Context, marketdata.Query) (marketdata.Snapshot, error) {
		next++
		return outcomes[next-1].snap, outcomes[next-1].err
	})
}

// priced is a snapshot of one quote.
func priced(symbol string, at time.Time, price string) marketdata.Snapshot {
	quote := marketdata.Quote{Last: decimal.RequireFromString(price), LastAt: at}
	return marketdata.Snapshot{At: at, Assets: map[string]marketdata.Asset{symbol: {Symbol: symbol, Quote: quote}}}
}

// recording is what a recorder writes about these queries.
func recording(t *testing.T, source marketdata.Source, queries ...marketdata.Query) []byte {
	t.Helper()
	var file bytes.Buffer
	recorder, err := marketreplay.Record(source, &file)
	require.NoError(t, err)
	for _, q := range queries {
		_, _ = recorder.Snapshot(t.Context(), q)
	}
	require.NoError(t, recorder.Err())
	return file.Bytes()
}

func open(t *testing.T, file []byte, cfg marketreplay.Config) *marketreplay.Replay {
	t.Helper()
	replay, err := marketreplay.Open(bytes.NewReader(file), cfg)
	require.NoError(t, err)
	require.NoError(t, replay.Torn())
	return replay
}

// text is a snapshot as JSON.
func text(t require.TestingT, snap marketdata.Snapshot) string {
	data, err := json.Marshal(snap)
	require.NoError(t, err)
	return string(data)
}

func requireNotRecorded(t *testing.T, err error, message string) {
	t.Helper()
	require.ErrorIs(t, err, marketreplay.ErrNotRecorded)
	var missing *marketreplay.NotRecordedError
	require.ErrorAs(t, err, &missing)
	require.EqualError(t, missing, message)
}
