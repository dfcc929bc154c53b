package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/store"
)

// Metrics is what RunMetrics needs of a store.
type Metrics interface {
	store.Store
	store.Outcomes
	store.Metrics
}

// RunMetrics checks every promise of store.Metrics, as Run does of store.Store.
func RunMetrics(t *testing.T, open func(t *testing.T) Metrics) {
	t.Helper()
	run(t, open, []promise[Metrics]{
		{"nothing has no rates", metricsOfNothing},
		{"decisions are counted", decisionsCounted},
		{"decisions are selected by account and span", decisionsSelected},
		{"one decision without calls or trades has no rates of them", metricsOfOne},
		{"trades of a strategy are summed up", performanceSums},
		{"trades are selected by strategy, account and closing", performanceSelected},
		{"trades that never lose or win", performanceOneSided},
		{"sums keep every digit", metricsDigits},
		{"equal closings fall in the order of their keys", drawdownOrder},
		{"an invalid span is an error", invalidSpan},
		{"an ended context is the error of metrics", endedMetrics},
	})
}

func decided(t *testing.T, s store.Metrics, account string, span store.Span) store.DecisionMetrics {
	t.Helper()
	m, err := s.DecisionMetrics(t.Context(), account, span)
	require.NoError(t, err)
	return m
}

func performed(t *testing.T, s store.Metrics, strategy, account string, span store.Span) store.StrategyPerformance {
	t.Helper()
	p, err := s.StrategyPerformance(t.Context(), strategy, account, span)
	require.NoError(t, err)
	return p
}

func metricsOfNothing(t *testing.T, s Metrics) {
	m := decided(t, s, "", store.Span{})
	same(t, store.DecisionMetrics{}, m)
	require.NotNil(t, m.ModelUsage)
	p := performed(t, s, "swing", "", store.Span{})
	same(t, store.StrategyPerformance{}, p)
	require.NotNil(t, p.Assets)
}

// work appends four decisions of two accounts, a minute apart, with fills,
// outcomes and everything else that statistics count.
func work(t *testing.T, s Metrics) {
	t.Helper()
	type asset struct {
		name       string
		action     decision.Action
		confidence string
	}
	for i, d := range []struct {
		account, strategy, model string
		origin                   decision.Origin
		took                     time.Duration
		cached, refused          bool
		cost                     decimal.NullDecimal
		assets                   []asset
		calls                    []llm.Kind
	}{
		{"acct-1", "swing", "m1", decision.OriginModel, 1500 * time.Millisecond, false, false, null("0.01"), []asset{{"BTCUSDT", decision.ActionBuy, "70"}, {"ETHUSDT", decision.ActionHold, "90"}}, []llm.Kind{""}},
		{"acct-1", "swing", "", decision.OriginFallback, 2 * time.Millisecond, false, true, decimal.NullDecimal{}, []asset{{"BTCUSDT", decision.ActionHold, "10"}}, []llm.Kind{llm.KindTimeout, llm.KindTimeout}},
		{"acct-2", "swing", "m1", decision.OriginModel, 500 * time.Microsecond, true, false, null("0.000000000000000001"), []asset{{"BTCUSDT", decision.ActionSell, "55.5"}, {"ETHUSDT", decision.ActionClosePosition, "60"}}, nil},
		{"acct-1", "scalp", "m2", decision.OriginModel, time.Second, false, true, null("0.02"), []asset{{"SOLUSDT", decision.ActionBuy, "80"}}, []llm.Kind{llm.KindTimeout, ""}},
	} {
		r := of(d.account, fmt.Sprint("d", i), Start().Add(time.Duration(i)*time.Minute))
		r.Input.Strategy.ID = d.strategy
		res := &r.Result
		res.Model, res.Origin, res.Took, res.Cached, res.Usage.CostUSD = d.model, d.origin, d.took, d.cached, d.cost
		if !d.refused {
			res.Refused = nil
		}
		res.Decision.Decisions = nil
		for _, a := range d.assets {
			res.Decision.Decisions = append(res.Decision.Decisions, decision.AssetDecision{Asset: a.name, Action: a.action, Confidence: dec(a.confidence), RiskLevel: decision.RiskLow})
		}
		for _, kind := range d.calls {
			res.Tried = append(res.Tried, llm.Attempt{Model: "m", Kind: kind})
		}
		require.NoError(t, s.Append(t.Context(), r))
	}
	for i, f := range []store.Fill{fillOf("d0", "", Start()), fillOf("d0", "", Start()), fillOf("d2", "", Start())} {
		f.Key = fmt.Sprint("f", i)
		require.NoError(t, s.AddFill(t.Context(), f))
	}
	for i, o := range []struct {
		id, asset, pnl string
		closed, held   time.Duration // after the start
	}{
		{"d0", "BTCUSDT", "10", 2 * time.Hour, time.Hour},
		{"d0", "ETHUSDT", "-4.5", 3 * time.Hour, 90 * time.Minute},
		{"d2", "BTCUSDT", "-2", 4 * time.Hour, time.Hour},
		{"d2", "ETHUSDT", "4.5", 5 * time.Hour, 30 * time.Minute},
		{"d3", "SOLUSDT", "0", 6 * time.Hour, 20 * time.Minute},
	} {
		at := Start().Add(o.closed)
		require.NoError(t, s.AddOutcome(t.Context(), store.Outcome{DecisionID: o.id, Key: fmt.Sprint("o", i), Asset: o.asset, PnLUSD: dec(o.pnl), OpenedAt: at.Add(-o.held), ClosedAt: at}))
	}
}

func decisionsCounted(t *testing.T, s Metrics) {
	work(t, s)
	same(t, store.DecisionMetrics{
		TotalDecisions: 4, DecisionsExecuted: 2, ExecutionRate: null("50"),
		AvgGenerationTimeMS:   null("625.625"), // (1500 + 2 + 0.5 + 1000) ÷ 4
		AvgConfidence:         null("66.375"),  // (70 + 55.5 + 60 + 80) ÷ 4
		ValidationSuccessRate: null("50"), CacheHitRate: null("25"), APIErrorRate: null("60"), FallbackRate: null("25"),
		ModelUsage: map[string]int64{"m1": 2, "m2": 1}, APICostsUSD: dec("0.030000000000000001"),
		Trades: store.TradeSummary{
			TotalPnLUSD: dec("8"), WinRate: null("40"),
			AvgTradeDurationHours: null("0.86666667"), // 260 min ÷ 5
			BestPerformingAsset:   "BTCUSDT", WorstPerformingAsset: "ETHUSDT",
		},
	}, decided(t, s, "", store.Span{}))
}

func decisionsSelected(t *testing.T, s Metrics) {
	work(t, s)
	same(t, store.DecisionMetrics{
		TotalDecisions: 1, DecisionsExecuted: 1, ExecutionRate: null("100"), AvgGenerationTimeMS: null("0.5"), AvgConfidence: null("57.75"),
		ValidationSuccessRate: null("100"), CacheHitRate: null("100"), FallbackRate: null("0"),
		ModelUsage: map[string]int64{"m1": 1}, APICostsUSD: dec("0.000000000000000001"),
		Trades: store.TradeSummary{
			TotalPnLUSD: dec("2.5"), WinRate: null("50"), AvgTradeDurationHours: null("0.75"), BestPerformingAsset: "ETHUSDT", WorstPerformingAsset: "BTCUSDT",
		},
	}, decided(t, s, "acct-2", store.Span{}))
	minute := Start().Add(time.Minute)
	for _, c := range []struct {
		account string
		span    store.Span
		want    int64
	}{
		{"acct-1", store.Span{}, 3},
		{"acct", store.Span{}, 0},
		{"", store.Span{Since: minute}, 3},
		{"", store.Span{Since: minute.Add(time.Microsecond)}, 2},
		{"", store.Span{Until: minute}, 1},
		{"", store.Span{Until: minute.Add(time.Microsecond)}, 2},
		{"", store.Span{Since: minute.In(time.FixedZone("CET", 3600)), Until: minute.Add(2 * time.Minute)}, 2},
		{"", store.Span{Since: minute, Until: minute}, 0},
		{"acct-1", store.Span{Since: minute, Until: minute.Add(2 * time.Minute)}, 1},
		{"%", store.Span{}, 0},
	} {
		require.Equal(t, c.want, decided(t, s, c.account, c.span).TotalDecisions, "%+v", c)
	}
	m := decided(t, s, "", store.Span{Since: minute, Until: minute.Add(time.Minute)})
	require.Equal(t, "100", m.APIErrorRate.Decimal.String())
	require.Zero(t, m.Trades, "trades count by the time of their decision")
	require.False(t, m.AvgConfidence.Valid, "holds do not count")
}

func metricsOfOne(t *testing.T, s Metrics) {
	r := Sample("r1", Start())
	r.Result = decision.Result{ID: "r1", At: r.Result.At, Origin: decision.OriginHold}
	require.NoError(t, s.Append(t.Context(), r))
	same(t, store.DecisionMetrics{
		TotalDecisions: 1, ExecutionRate: null("0"), AvgGenerationTimeMS: null("0"), ValidationSuccessRate: null("100"), CacheHitRate: null("0"), FallbackRate: null("0"),
	}, decided(t, s, "acct-1", store.Span{}))
	for i := range 2 { // a third has eight places, rounded
		require.NoError(t, s.Append(t.Context(), Sample(fmt.Sprint("q", i), Start())))
	}
	require.Equal(t, "33.33333333", decided(t, s, "", store.Span{}).ValidationSuccessRate.Decimal.String())
	require.Equal(t, "66.66666667", decided(t, s, "", store.Span{}).FallbackRate.Decimal.String())
}

func performanceSums(t *testing.T, s Metrics) {
	work(t, s)
	want := store.StrategyPerformance{
		TotalTrades: 4, WinningTrades: 2, LosingTrades: 2, WinRate: null("50"), TotalPnLUSD: dec("8"),
		AvgWinUSD: null("7.25"), AvgLossUSD: null("-3.25"), ProfitFactor: null("2.23076923"), // 14.5 ÷ 6.5
		SharpeRatio:           null("0.30558994"), // 2 ÷ √(128.5 ÷ 3)
		MaxDrawdownUSD:        dec("6.5"),         // 10, 5.5, 3.5, 8
		AvgTradeDurationHours: null("1"),
		Assets: map[string]store.AssetPerformance{
			"BTCUSDT": {Trades: 2, WinRate: null("50"), PnLUSD: dec("8")},
			"ETHUSDT": {Trades: 2, WinRate: null("50"), PnLUSD: dec("0")},
		},
	}
	same(t, want, performed(t, s, "swing", "", store.Span{}))
}

func performanceSelected(t *testing.T, s Metrics) {
	work(t, s)
	third := Start().Add(3 * time.Hour)
	for _, c := range []struct {
		strategy, account string
		span              store.Span
		trades            int64
		pnl               string
	}{
		{"swing", "", store.Span{}, 4, "8"},
		{"swing", "acct-1", store.Span{}, 2, "5.5"},
		{"swing", "acct-2", store.Span{}, 2, "2.5"},
		{"swing", "acct-3", store.Span{}, 0, "0"},
		{"scalp", "", store.Span{}, 1, "0"},
		{"", "", store.Span{}, 0, "0"},
		{"swin", "", store.Span{}, 0, "0"},
		{"swing", "", store.Span{Since: third}, 3, "-2"},
		{"swing", "", store.Span{Since: third.Add(time.Microsecond)}, 2, "2.5"},
		{"swing", "", store.Span{Until: third}, 1, "10"},
		{"swing", "acct-1", store.Span{Since: third, Until: third.Add(2 * time.Hour)}, 1, "-4.5"},
	} {
		p := performed(t, s, c.strategy, c.account, c.span)
		require.Equal(t, c.trades, p.TotalTrades, "%+v", c)
		require.Equal(t, c.pnl, p.TotalPnLUSD.String(), "%+v", c)
	}
}

func performanceOneSided(t *testing.T, s Metrics) {
	work(t, s)
	same(t, store.StrategyPerformance{
		TotalTrades: 1, WinRate: null("0"), AvgTradeDurationHours: null("0.33333333"),
		Assets: map[string]store.AssetPerformance{"SOLUSDT": {Trades: 1, WinRate: null("0")}},
	}, performed(t, s, "scalp", "", store.Span{}), "neither won nor lost")
	same(t, store.StrategyPerformance{
		TotalTrades: 1, WinningTrades: 1, WinRate: null("100"), TotalPnLUSD: dec("10"), AvgWinUSD: null("10"), AvgTradeDurationHours: null("1"),
		Assets: map[string]store.AssetPerformance{"BTCUSDT": {Trades: 1, WinRate: null("100"), PnLUSD: dec("10")}},
	}, performed(t, s, "swing", "", store.Span{Until: Start().Add(3 * time.Hour)}), "without losses there is no factor")
	same(t, store.StrategyPerformance{
		TotalTrades: 2, LosingTrades: 2, WinRate: null("0"), TotalPnLUSD: dec("-6.5"), AvgLossUSD: null("-3.25"), ProfitFactor: null("0"),
		SharpeRatio: null("-1.83847763"), MaxDrawdownUSD: dec("6.5"), AvgTradeDurationHours: null("1.25"), // −3.25 ÷ √3.125
		Assets: map[string]store.AssetPerformance{"BTCUSDT": {Trades: 1, WinRate: null("0"), PnLUSD: dec("-2")}, "ETHUSDT": {Trades: 1, WinRate: null("0"), PnLUSD: dec("-4.5")}},
	}, performed(t, s, "swing", "", store.Span{Since: Start().Add(3 * time.Hour), Until: Start().Add(5 * time.Hour)}))
}

func metricsDigits(t *testing.T, s Metrics) {
	r := of("a\x00", "r\x00\\", Start())
	r.Input.Strategy.ID = "s\\\x00"
	r.Result.Decision.Decisions[0].Asset = "B\\\x00"
	require.NoError(t, s.Append(t.Context(), r))
	for i, pnl := range []string{"98765432109876543210.000000000000000001", "-98765432109876543210", "0.000000000000000002"} {
		o := outcomeOf("r\x00\\", fmt.Sprint("k", i), pnl, Start().Add(time.Duration(i)))
		o.Asset = "B\\\x00"
		require.NoError(t, s.AddOutcome(t.Context(), o))
	}
	p := performed(t, s, "s\\\x00", "a\x00", store.Span{})
	require.Equal(t, "0.000000000000000003", p.TotalPnLUSD.String())
	require.Equal(t, "98765432109876543210", p.MaxDrawdownUSD.String())
	require.Equal(t, "0.000000000000000003", p.Assets["B\\\x00"].PnLUSD.String())
	require.Equal(t, "0", p.SharpeRatio.Decimal.String())
	m := decided(t, s, "a\x00", store.Span{})
	require.Equal(t, "0.000000000000000003", m.Trades.TotalPnLUSD.String())
	require.Equal(t, "B\\\x00", m.Trades.BestPerformingAsset)
	require.Equal(t, "B\\\x00", m.Trades.WorstPerformingAsset)
	require.Equal(t, "1", m.Trades.AvgTradeDurationHours.Decimal.String())
}

func drawdownOrder(t *testing.T, s Metrics) {
	require.NoError(t, s.Append(t.Context(), Sample("r1", Start())))
	for _, o := range []struct{ key, pnl string }{{"b", "-3"}, {"a", "5"}, {"d", "4"}, {"B", "-1"}, {"c", "-2"}} { // B, a, b, c, d: −1, 4, 1, −1, 3
		require.NoError(t, s.AddOutcome(t.Context(), outcomeOf("r1", o.key, o.pnl, Start())))
	}
	require.Equal(t, "5", performed(t, s, "conservative_swing", "", store.Span{}).MaxDrawdownUSD.String())
}

func invalidSpan(t *testing.T, s Metrics) {
	for _, span := range []store.Span{{Since: Start(), Until: Start().Add(-time.Microsecond)}, {Until: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}} {
		_, err := s.DecisionMetrics(t.Context(), "", span)
		require.EqualError(t, err, span.Validate().Error())
		_, err = s.StrategyPerformance(t.Context(), "swing", "", span)
		require.EqualError(t, err, span.Validate().Error())
	}
}

func endedMetrics(t *testing.T, s Metrics) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.DecisionMetrics(ctx, "", store.Span{})
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.StrategyPerformance(ctx, "swing", "", store.Span{})
	require.ErrorIs(t, err, context.Canceled)
}
