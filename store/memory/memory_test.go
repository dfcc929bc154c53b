package memory_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/memory"
	"github.com/ballast-go/ballast/store/storetest"
)

func TestStoreKeepsThePromises(t *testing.T) {
	t.Parallel()
	storetest.RunAll(t, func(*testing.T) storetest.Full { return memory.New() })
}

func TestTheOldestAppendedIsForgottenFirst(t *testing.T) {
	t.Parallel()
	s := memory.NewSized(memory.Config{MaxRecords: 3})
	for i := range 5 {
		at := storetest.Start().Add(-time.Duration(i) * time.Hour) // the newest appended is the oldest decision
		require.NoError(t, s.Append(t.Context(), storetest.Sample(fmt.Sprint("r", i), at)))
	}
	require.Equal(t, []string{"r2", "r3", "r4"}, ids(t, s))
	_, err := s.Record(t.Context(), "r1")
	require.ErrorIs(t, err, store.ErrNotFound)

	other := storetest.Sample("r0", storetest.Start())
	other.ModelError = "other content"
	require.NoError(t, s.Append(t.Context(), other), "a forgotten id counts as new")
	require.Equal(t, []string{"r0", "r3", "r4"}, ids(t, s))
}

func TestCandlesThatRecordsShareCountOnce(t *testing.T) {
	t.Parallel()
	const n = 200
	s := memory.NewSized(memory.Config{MaxBytes: 16 << 20})
	shared := series(t, storetest.Start(), 1000)
	for i := range n {
		require.NoError(t, s.Append(t.Context(), withSeries(fmt.Sprintf("r%03d", i), shared)))
	}
	require.Len(t, ids(t, s), n)
}

func TestRecordsWithTheirOwnCandlesAreForgottenByBytes(t *testing.T) {
	t.Parallel()
	const n = 60
	s := memory.NewSized(memory.Config{MaxBytes: 16 << 20})
	for i := range n {
		own := series(t, storetest.Start(), 1000)
		require.NoError(t, s.Append(t.Context(), withSeries(fmt.Sprintf("r%03d", i), own)))
	}
	kept := ids(t, s)
	require.LessOrEqual(t, len(kept), 32, "1,000 candles take about half a mebibyte")
	require.Greater(t, len(kept), 5)
	require.Equal(t, "r059", kept[0], "the newest stays")

	shared := series(t, storetest.Start(), 10)
	for i := range 150 {
		require.NoError(t, s.Append(t.Context(), withSeries(fmt.Sprintf("s%03d", i), shared)))
	}
	require.GreaterOrEqual(t, len(ids(t, s)), 150, "what was forgotten freed its bytes")
}

func TestARecordBeyondTheBoundIsKeptAlone(t *testing.T) {
	t.Parallel()
	s := memory.NewSized(memory.Config{MaxBytes: 1})
	require.NoError(t, s.Append(t.Context(), storetest.Sample("r1", storetest.Start())))
	require.NoError(t, s.Append(t.Context(), storetest.Sample("r2", storetest.Start())))
	require.Equal(t, []string{"r2"}, ids(t, s))
}

func TestRecordsEndWhenTheContextEndsMeanwhile(t *testing.T) {
	t.Parallel()
	s := memory.New()
	for i := range 3 {
		require.NoError(t, s.Append(t.Context(), storetest.Sample(fmt.Sprint("r", i), storetest.Start())))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []string
	var last error
	for r, err := range s.Records(ctx, store.Filter{}) {
		got, last = append(got, r.Result.ID), err
		cancel()
	}
	require.Equal(t, []string{"r2", ""}, got)
	require.ErrorIs(t, last, context.Canceled)
}

func TestARecordWithoutADigestIsRefused(t *testing.T) {
	t.Parallel()
	s := memory.New()
	good, bad := storetest.Sample("r1", storetest.Start()), storetest.Sample("r1", storetest.Start())
	bad.ModelError = "\xff is not UTF-8"
	require.ErrorContains(t, s.Append(t.Context(), bad), "memory: append: ")
	require.Empty(t, ids(t, s))
	require.NoError(t, s.Append(t.Context(), good))
	require.ErrorContains(t, s.Append(t.Context(), bad), "memory: append: ")
	require.Equal(t, []string{"r1"}, ids(t, s))
}

func ids(t *testing.T, s store.Store) []string {
	t.Helper()
	var out []string
	for r, err := range s.Records(t.Context(), store.Filter{}) {
		require.NoError(t, err)
		out = append(out, r.Result.ID)
	}
	return out
}

func series(tb testing.TB, end time.Time, n int) marketdata.Series {
	tb.Helper()
	candle, ok := storetest.Sample("x", end).Input.Market.Assets["BTCUSDT"].Series[marketdata.Interval1h].Last()
	require.True(tb, ok)
	candles := make([]marketdata.Candle, n)
	for i := range candles {
		candles[i] = candle
		candles[i].OpenTime = candle.OpenTime.Add(time.Duration(i-n+1) * time.Hour)
	}
	s, err := marketdata.NewSeries(marketdata.Interval1h, candles)
	require.NoError(tb, err)
	return s
}

func withSeries(id string, s marketdata.Series) decision.Record {
	r := storetest.Sample(id, storetest.Start())
	r.Input.Market.Assets["BTCUSDT"].Series[marketdata.Interval1h] = s
	return r
}

// tenAssets is a record as a full request leaves it: ten assets on two
// intervals with ten values of each indicator.
func tenAssets(tb testing.TB) decision.Record {
	tb.Helper()
	r := storetest.Sample("r", storetest.Start())
	s := series(tb, storetest.Start(), 250)
	set, err := indicator.Compute(s)
	require.NoError(tb, err)
	asset := r.Input.Market.Assets["BTCUSDT"]
	asset.Series = map[marketdata.Interval]marketdata.Series{marketdata.Interval1h: s, marketdata.Interval4h: s}
	for i := range 10 {
		symbol := fmt.Sprintf("A%dUSDT", i)
		r.Input.Market.Assets[symbol] = asset
		r.Input.Indicators[symbol] = map[marketdata.Interval]indicator.Set{
			marketdata.Interval1h: set.Tail(decision.IndicatorDepth), marketdata.Interval4h: set.Tail(decision.IndicatorDepth),
		}
	}
	return r
}

func BenchmarkAppend(b *testing.B) {
	s := memory.New()
	r := tenAssets(b)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		r.Result.ID = fmt.Sprint(i)
		r.Result.At = r.Result.At.Add(time.Millisecond)
		if err := s.Append(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewest50Of10000(b *testing.B) {
	s := memory.New()
	for i := range 10_000 {
		r := storetest.Sample(fmt.Sprint(i), storetest.Start().Add(time.Duration(i)*time.Millisecond))
		require.NoError(b, s.Append(b.Context(), r))
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range s.Records(b.Context(), store.Filter{Limit: 50}) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func TestForgettingLeavesTheHeadOfTheChain(t *testing.T) {
	t.Parallel()
	s := memory.NewSized(memory.Config{MaxRecords: 3})
	var previous store.Hash
	for i := range 5 {
		id := fmt.Sprint("r", i)
		require.NoError(t, s.Append(t.Context(), storetest.Sample(id, storetest.Start())))
		require.NoError(t, s.AddFill(t.Context(), store.Fill{DecisionID: id, Key: id, Asset: "BTCUSDT", Quantity: decimal.NewFromInt(1), Price: decimal.NewFromInt(1), At: storetest.Start()}))
		require.NoError(t, s.AddOutcome(t.Context(), store.Outcome{DecisionID: id, Key: id, Asset: "BTCUSDT", PnLUSD: decimal.NewFromInt(1), ClosedAt: storetest.Start()}))
	}
	var seqs []int64
	for c, err := range s.Links(t.Context(), "acct-1", 0) {
		require.NoError(t, err)
		if previous != (store.Hash{}) {
			require.Equal(t, previous, c.Link.Previous)
		}
		seqs, previous = append(seqs, c.Link.Seq), c.Link.Hash
	}
	require.Equal(t, []int64{3, 4, 5}, seqs)
	heads, err := s.Heads(t.Context())
	require.NoError(t, err)
	require.Equal(t, []store.Checkpoint{{AccountID: "acct-1", Seq: 5, Hash: previous, At: storetest.Start()}}, heads)
	account, err := s.Account(t.Context(), 1, "")
	require.NoError(t, err)
	require.Equal(t, int64(3), account.Decisions)
	m, err := s.StrategyPerformance(t.Context(), "conservative_swing", "", store.Span{})
	require.NoError(t, err)
	require.Equal(t, int64(3), m.TotalTrades, "outcomes are forgotten with their decision")
	_, err = s.Fills(t.Context(), "r0")
	require.ErrorIs(t, err, store.ErrNotFound)
	require.ErrorIs(t, s.AddFill(t.Context(), store.Fill{DecisionID: "r4", Key: "r3", Asset: "BTCUSDT", Quantity: decimal.NewFromInt(1), Price: decimal.NewFromInt(1), At: storetest.Start()}), store.ErrConflict)
	require.NoError(t, s.AddFill(t.Context(), store.Fill{DecisionID: "r4", Key: "r0", Asset: "BTCUSDT", Quantity: decimal.NewFromInt(1), Price: decimal.NewFromInt(1), At: storetest.Start()}), "and so are keys")
}
