package markettest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/marketdata"
)

// Harness is a source under test. Its clock should stand still between calls
// of SetNow.
type Harness struct {
	Source    marketdata.Source
	Symbols   []string              // two or more that it has data for
	Unknown   string                // one that it does not know
	Intervals []marketdata.Interval // one or more that it serves, shortest first
	// SetNow moves the source's clock. Nil: the clock cannot be set, and what
	// needs that (determinism, look-ahead) is skipped.
	SetNow func(time.Time)
	// Times are two or more moments for SetNow, ascending, within one
	// shortest interval times ten, at which every symbol has data.
	Times []time.Time
}

// Run checks the contract of marketdata.Source. Each check opens a source of
// its own.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	for _, check := range []struct {
		name string
		run  func(t *testing.T, h Harness)
	}{
		{"every symbol is answered once with closed candles", checkAnswers},
		{"an unknown symbol fails alone", checkUnknown},
		{"no more candles than asked for", checkCount},
		{"quotes alone carry no candles", checkQuotes},
		{"an ended context is an error that wraps it", checkContext},
		{"an invalid query is an error", checkQuery},
		{"what was returned can be changed without effect", checkImmutable},
		{"concurrent callers are all answered", checkConcurrent},
		{"longer candles are the aggregate of shorter ones", checkAggregates},
		{"decimals survive the wire and prices lie on the tick", checkDecimals},
		{"the same moment gives the same answer", checkDeterminism},
		{"an earlier moment knows a prefix of a later one", checkLookAhead},
	} {
		t.Run(check.name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			require.GreaterOrEqual(t, len(h.Symbols), 2, "Harness.Symbols")
			require.NotEmpty(t, h.Intervals, "Harness.Intervals")
			require.NotEmpty(t, h.Unknown, "Harness.Unknown")
			check.run(t, h)
		})
	}
}

const candles = 60

func (h Harness) query() marketdata.Query {
	return marketdata.Query{Symbols: h.Symbols, Intervals: h.Intervals, Candles: candles}
}

// ask also checks what holds for every answer.
func (h Harness) ask(t *testing.T, q marketdata.Query) marketdata.Snapshot {
	t.Helper()
	snap, err := h.Source.Snapshot(t.Context(), q)
	require.NoError(t, err)
	require.False(t, snap.At.IsZero(), "the snapshot has no time")
	require.Len(t, snap.Assets, len(q.Symbols)-len(snap.Failures), "symbols that were not asked for, or not answered")
	for _, symbol := range q.Symbols {
		asset, found := snap.Assets[symbol]
		failure, failed := snap.Failures[symbol]
		require.NotEqual(t, found, failed, "%s must be in Assets or in Failures", symbol)
		if failed {
			require.Equal(t, symbol, failure.Symbol)
			require.NotEmpty(t, failure.Reason)
			require.NotEmpty(t, failure.Detail)
			continue
		}
		require.Equal(t, symbol, asset.Symbol)
		require.True(t, asset.Quote.Last.IsPositive(), "%s: last price %s", symbol, asset.Quote.Last)
		require.False(t, asset.Quote.LastAt.IsZero(), "%s: the last price has no time", symbol)
		require.Len(t, asset.Series, len(q.Intervals), "%s", symbol)
		for _, i := range q.Intervals {
			require.Equal(t, i, asset.Series[i].Interval(), "%s", symbol)
			require.False(t, asset.Series[i].CloseTime().After(snap.At), "%s %s: a candle closes after the snapshot", symbol, i)
		}
	}
	return snap
}

func checkAnswers(t *testing.T, h Harness) {
	snap := h.ask(t, h.query())
	require.Len(t, snap.Assets, len(h.Symbols), "failures: %v", snap.Failures)
	for symbol, asset := range snap.Assets {
		require.Positive(t, asset.Series[h.Intervals[0]].Len(), "%s has no candles", symbol)
	}
}

func checkUnknown(t *testing.T, h Harness) {
	snap := h.ask(t, marketdata.Query{Symbols: []string{h.Symbols[0], h.Unknown}, Intervals: h.Intervals[:1]})
	require.Contains(t, snap.Assets, h.Symbols[0])
	require.Contains(t, snap.Failures, h.Unknown)
	require.Equal(t, marketdata.ReasonUnknownSymbol, snap.Failures[h.Unknown].Reason)
	require.ErrorIs(t, snap.Failures[h.Unknown], marketdata.ErrUnknownSymbol)
}

func checkCount(t *testing.T, h Harness) {
	for _, n := range []int{7, 1} {
		q := h.query()
		q.Candles = n
		for symbol, asset := range h.ask(t, q).Assets {
			for i, s := range asset.Series {
				require.LessOrEqual(t, s.Len(), n, "%s %s", symbol, i)
			}
		}
	}
}

func checkQuotes(t *testing.T, h Harness) {
	h.ask(t, h.query())
	snap := h.ask(t, marketdata.Query{Symbols: h.Symbols})
	require.Len(t, snap.Assets, len(h.Symbols))
}

func checkContext(t *testing.T, h Harness) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Source.Snapshot(ctx, h.query())
	require.ErrorIs(t, err, context.Canceled)
	h.ask(t, h.query())
}

func checkQuery(t *testing.T, h Harness) {
	symbol := h.Symbols[0]
	for name, q := range map[string]marketdata.Query{
		"no symbols":       {Intervals: h.Intervals},
		"symbol twice":     {Symbols: []string{symbol, symbol}},
		"unknown interval": {Symbols: []string{symbol}, Intervals: []marketdata.Interval{"7m"}},
		"negative count":   {Symbols: []string{symbol}, Candles: -1},
		"too many candles": {Symbols: []string{symbol}, Candles: marketdata.MaxCandles + 1},
	} {
		_, err := h.Source.Snapshot(t.Context(), q)
		require.Error(t, err, name)
	}
}

func checkImmutable(t *testing.T, h Harness) {
	first := h.ask(t, h.query())
	want := encode(t, first.Assets)
	mine := h.ask(t, h.query())
	for _, asset := range mine.Assets {
		clear(asset.Series)
		clear(asset.Degraded)
	}
	clear(mine.Notes)
	clear(mine.Assets)
	clear(mine.Failures)
	if h.SetNow != nil {
		require.Equal(t, want, encode(t, h.ask(t, h.query()).Assets))
	}
	require.Len(t, h.ask(t, h.query()).Assets, len(h.Symbols))
	require.Equal(t, want, encode(t, first.Assets), "an earlier answer changed")
}

func checkConcurrent(t *testing.T, h Harness) {
	const callers = 8
	snaps, errs := make([]marketdata.Snapshot, callers), make([]error, callers)
	var wg sync.WaitGroup
	for n := range callers {
		q := h.query()
		q.Symbols = slices.Clone(q.Symbols)
		if n%2 == 1 {
			slices.Reverse(q.Symbols)
		}
		wg.Go(func() { snaps[n], errs[n] = h.Source.Snapshot(t.Context(), q) })
	}
	wg.Wait()
	for n := range callers {
		require.NoError(t, errs[n])
		require.Len(t, snaps[n].Assets, len(h.Symbols))
		if h.SetNow != nil {
			require.Equal(t, encode(t, snaps[0].Assets), encode(t, snaps[n].Assets))
		}
	}
}

func checkDeterminism(t *testing.T, h Harness) {
	h.needClock(t)
	h.SetNow(h.Times[0])
	whole := h.ask(t, h.query())
	for _, symbol := range h.Symbols {
		q := h.query()
		q.Symbols = []string{symbol}
		require.Equal(t, encode(t, whole.Assets[symbol]), encode(t, h.ask(t, q).Assets[symbol]), "asked for alone")
	}
}

func (h Harness) needClock(t *testing.T) {
	t.Helper()
	if h.SetNow == nil {
		t.Skip("the source's clock cannot be set")
	}
	require.GreaterOrEqual(t, len(h.Times), 2, "Harness.Times")
}

func encode(t *testing.T, v any) string {
	t.Helper()
	b, err := jsonx.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
