package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/store"
)

// noon is a time with nanoseconds in another zone; its microsecond is 7.
func noon() time.Time {
	return time.Date(2026, 3, 1, 13, 0, 0, 7_999, time.FixedZone("CET", 3600))
}

func outcome() store.Outcome {
	return store.Outcome{DecisionID: "r", Key: "k", Asset: "A", PnLUSD: dec("1.50"), OpenedAt: noon().Add(-time.Hour), ClosedAt: noon()}
}

func TestCheckAccountID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a", "\x00", "é", strings.Repeat("x", 100)} {
		require.NoError(t, store.CheckAccountID(id))
	}
	for _, id := range []string{"", "\xff", strings.Repeat("x", 101)} {
		require.ErrorIs(t, store.CheckAccountID(id), store.ErrAccount)
	}
	require.EqualError(t, store.CheckAccountID(""), "store: invalid account id: must have 1 to 100 bytes of UTF-8, had 0")
}

func TestOutcomeReportsEveryProblem(t *testing.T) {
	t.Parallel()
	require.NoError(t, outcome().Validate())
	bad := outcome()
	bad.Key, bad.PnLUSD, bad.PnLPercent, bad.ClosedAt = "\x00", decimal.New(1, 61), decimal.NewNullDecimal(decimal.New(1, -61)), time.Time{}
	require.EqualError(t, bad.Validate(), strings.Join([]string{
		"store: outcome: key must have 1 to 128 bytes of UTF-8 without NUL, had 1",
		"store: outcome: pnl must have an exponent within ±60 and at most 100 digits",
		"store: outcome: pnl_percentage must have an exponent within ±60 and at most 100 digits",
		"store: outcome: closed_at must be a time in the years 1 to 9999, was in 1",
		"store: outcome: opened_at must not be after closed_at, was 2026-03-01T11:00:00.000007999Z",
	}, "\n"))
}

func TestAnOutcomeIsKeptInMicroseconds(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 7_000, time.UTC)
	got := outcome().Normal(time.Time{})
	require.Equal(t, at, got.ClosedAt)
	require.Equal(t, at.Add(-time.Hour), got.OpenedAt)
	open := outcome()
	open.OpenedAt = time.Time{}
	require.Equal(t, at.Add(-time.Minute), open.Normal(noon().Add(-time.Minute)).OpenedAt)
	require.Equal(t, at, open.Normal(noon().Add(time.Minute)).OpenedAt, "no trade closes before it opens")
	same := outcome()
	same.PnLUSD, same.ClosedAt, same.PnLPercent.Decimal = dec("1.5"), at, dec("7")
	require.True(t, got.Equal(same.Normal(time.Time{})))
	for _, change := range []func(o *store.Outcome){
		func(o *store.Outcome) { o.DecisionID = "x" }, func(o *store.Outcome) { o.Key = "x" }, func(o *store.Outcome) { o.Asset = "x" },
		func(o *store.Outcome) { o.PnLUSD = dec("1.6") }, func(o *store.Outcome) { o.PnLPercent.Valid = true },
		func(o *store.Outcome) { o.OpenedAt = at }, func(o *store.Outcome) { o.ClosedAt = at.Add(time.Microsecond) },
	} {
		other := got
		change(&other)
		require.False(t, got.Equal(other))
	}
}

func TestFillReportsEveryProblem(t *testing.T) {
	t.Parallel()
	good := store.Fill{Key: "k", Quantity: dec("1"), Price: dec("2"), FeeUSD: dec("-1"), At: noon()}
	require.NoError(t, good.Validate())
	require.Equal(t, 7_000, good.Normal().At.Nanosecond())
	require.Equal(t, time.UTC, good.Normal().At.Location())
	require.True(t, good.Normal().Equal(good.Normal()))
	require.EqualError(t, store.Fill{FeeUSD: decimal.New(1, 61), Price: dec("-1")}.Validate(), strings.Join([]string{
		"store: fill: key must have 1 to 128 bytes of UTF-8 without NUL, had 0",
		"store: fill: quantity must be positive, was 0",
		"store: fill: price must be positive, was -1",
		"store: fill: fee_usd must have an exponent within ±60 and at most 100 digits",
		"store: fill: at must be a time in the years 1 to 9999, was in 1",
	}, "\n"))
}

func TestBreakerStateReportsEveryProblem(t *testing.T) {
	t.Parallel()
	require.NoError(t, store.BreakerState{Name: "a\x00", State: []byte(" {} "), SavedAt: noon()}.Validate())
	require.EqualError(t, store.BreakerState{State: []byte("{")}.Validate(), strings.Join([]string{
		"store: breaker: name must have 1 to 300 bytes of UTF-8, had 0",
		"store: breaker: state must be a JSON value of at most 65536 bytes, had 1",
		"store: breaker: saved_at must be a time in the years 1 to 9999, was in 1",
	}, "\n"))
}

func TestCheckCandles(t *testing.T) {
	t.Parallel()
	c := marketdata.Candle{OpenTime: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Open: dec("1"), High: dec("1"), Low: dec("1"), Close: dec("1")}
	require.NoError(t, store.CheckCandles("A", "1h", []marketdata.Candle{c, c}), "of one open time")
	late := c
	late.OpenTime = noon()
	err := store.CheckCandles("", "1h", []marketdata.Candle{c, late, {}})
	require.ErrorContains(t, err, "store: candles: symbol must have 1 to 100 bytes of UTF-8 without NUL, had 0")
	require.ErrorContains(t, err, "store: candles: [1]: ")
	var bad *marketdata.CandleError
	require.ErrorAs(t, err, &bad)
	require.ErrorIs(t, store.CheckCandles("A", "1y", nil), marketdata.ErrInterval)

	require.NoError(t, store.CheckCandleQuery("A", noon(), noon(), store.MaxCandles))
	require.EqualError(t, store.CheckCandleQuery("A", noon(), noon().Add(-1), 0), strings.Join([]string{
		"store: candles: limit must be between 1 and 100000, was 0",
		"store: candles: until must not be before since, both in the years 1 to 9999, were 2026 and 2026",
	}, "\n"))
}

func TestFiltersAreBounded(t *testing.T) {
	t.Parallel()
	far := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	require.EqualError(t, store.Filter{Until: far, AccountID: "\xff", Symbol: "\xff", StrategyID: "\xff"}.Validate(), strings.Join([]string{
		"store: until must be in the years 1 to 9999, was in 10000",
		"store: account must be UTF-8", "store: symbol must be UTF-8", "store: strategy must be UTF-8",
	}, "\n"))
	require.ErrorContains(t, store.Span{Since: far}.Validate(), "since must be in the years 1 to 9999")
	span := store.Span{Since: noon(), Until: noon().Add(time.Microsecond)}
	require.True(t, span.Contains(noon().Add(-999)))
	require.False(t, span.Contains(noon().Add(-time.Microsecond)))
	require.False(t, span.Contains(noon().Add(time.Microsecond)))
	require.True(t, store.Span{}.Contains(far))
}

func TestAssignmentReportsEveryProblem(t *testing.T) {
	t.Parallel()
	good := store.Assignment{AccountID: "a\x00", StrategyID: "s", At: noon()}
	require.NoError(t, good.Validate())
	require.Equal(t, time.UTC, good.Normal().At.Location())
	err := store.Assignment{By: "\x00", Hash: strings.Repeat("x", 65)}.Validate()
	for _, part := range []string{"account_id", "strategy_id", "hash", "by", "assigned_at"} {
		require.ErrorContains(t, err, "store: assignment: "+part+" must")
	}
}
