package store_test

import (
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/store"
)

func dec(text string) decimal.Decimal { return decimal.RequireFromString(text) }

// said is a nullable number as text.
func said(d decimal.NullDecimal) string {
	if !d.Valid {
		return "null"
	}
	return d.Decimal.String()
}

func TestQuotientsHaveEightPlacesHalfAwayFromZero(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b, want string }{
		{"1", "3", "0.33333333"},
		{"2", "3", "0.66666667"},
		{"-2", "3", "-0.66666667"},
		{"0.000000005", "1", "0.00000001"},
		{"-0.000000005", "1", "-0.00000001"},
		{"0.0000000049", "1", "0"},
		{"98765432109876543210.5", "1", "98765432109876543210.5"},
		{"0", "7", "0"},
		{"7", "0", "null"},
		{"7", "-0.5", "-14"},
	} {
		require.Equal(t, c.want, said(store.Quotient(dec(c.a), dec(c.b))), "%s ÷ %s", c.a, c.b)
	}
	require.Equal(t, "66.66666667", said(store.Rate(2, 3)))
	require.Equal(t, "null", said(store.Rate(0, 0)))
	require.Equal(t, "-1.5", said(store.Average(dec("-3"), 2)))
	require.Equal(t, "null", said(store.Average(dec("0"), 0)))
}

// sharpeOf is Sharpe of single trades.
func sharpeOf(pnls ...decimal.Decimal) decimal.NullDecimal {
	var sums store.TradeSums
	for _, pnl := range pnls {
		sums = sums.Trade(store.Outcome{PnLUSD: pnl})
	}
	return store.Sharpe(sums.Trades, sums.PnLUSD, sums.SquaresUSD)
}

func TestSharpe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pnls []string
		want string
	}{
		"no trade":                      {nil, "null"},
		"one trade":                     {[]string{"5"}, "null"},
		"no deviation":                  {[]string{"5", "5.0", "5"}, "null"},
		"a mean of zero":                {[]string{"5", "-5"}, "0"},
		"one standard deviation":        {[]string{"1", "3", "2"}, "2"}, // mean 2, deviation 1
		"by n − 1":                      {[]string{"10", "-4.5", "-2", "4.5"}, "0.30558994"},
		"losses":                        {[]string{"-4.5", "-2"}, "-1.83847763"},
		"a deviation of the last place": {[]string{"1", "1.000000000000000002"}, "707106781186547525.10795114"},
		"large and small":               {[]string{"1e30", "1e-18"}, "0.70710678"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var pnls []decimal.Decimal
			for _, p := range c.pnls {
				pnls = append(pnls, dec(p))
			}
			require.Equal(t, c.want, said(sharpeOf(pnls...)))
		})
	}
}

// The oracle computes the mean and the deviation one after the other with 400
// bits, as a textbook does.
func TestSharpeIsTheMeanByTheDeviation(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pnls := make([]decimal.Decimal, rapid.IntRange(2, 12).Draw(t, "trades"))
		exact := func() *big.Float { return new(big.Float).SetPrec(400) }
		sum := exact()
		values := make([]*big.Float, len(pnls))
		for i := range pnls {
			pnls[i] = decimal.New(rapid.Int64Range(-1e9, 1e9).Draw(t, "pnl"), rapid.Int32Range(-9, 3).Draw(t, "exponent"))
			values[i] = exact().SetRat(pnls[i].Rat())
			sum.Add(sum, values[i])
		}
		n := exact().SetInt64(int64(len(pnls)))
		mean := exact().Quo(sum, n)
		variance := exact()
		for _, v := range values {
			d := exact().Sub(v, mean)
			variance.Add(variance, d.Mul(d, d))
		}
		variance.Quo(variance, exact().Sub(n, exact().SetInt64(1)))
		got := sharpeOf(pnls...)
		if slices.IndexFunc(pnls, func(p decimal.Decimal) bool { return !p.Equal(pnls[0]) }) < 0 {
			require.False(t, got.Valid)
			return
		}
		want := exact().Quo(mean, exact().Sqrt(variance))
		difference := want.Sub(want, exact().SetRat(got.Decimal.Rat()))
		require.True(t, got.Valid)
		require.LessOrEqual(t, difference.Abs(difference).Cmp(big.NewFloat(0.5000001e-8)), 0, "%s", got.Decimal)
	})
}

func TestSumsDoNotDependOnTheirOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		outcomes := make([]store.Outcome, rapid.IntRange(0, 20).Draw(t, "trades"))
		for i := range outcomes {
			outcomes[i] = store.Outcome{
				Asset:    rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "asset"),
				PnLUSD:   decimal.New(rapid.Int64().Draw(t, "pnl"), -18),
				ClosedAt: time.UnixMicro(rapid.Int64Range(0, 1e15).Draw(t, "closed")),
			}
			outcomes[i].OpenedAt = outcomes[i].ClosedAt.Add(-time.Hour)
		}
		one := store.SumTrades(outcomes)
		cut := rapid.IntRange(0, len(outcomes)).Draw(t, "cut")
		other := store.SumTrades(outcomes[cut:])
		for asset, sums := range store.SumTrades(outcomes[:cut]) {
			other[asset] = other[asset].Plus(sums)
		}
		require.Equal(t, fmt.Sprint(store.Performance(one, decimal.Zero)), fmt.Sprint(store.Performance(other, decimal.Zero)))
		require.Equal(t, fmt.Sprint(store.Summary(one)), fmt.Sprint(store.Summary(other)))
		if len(outcomes) > 0 {
			require.Equal(t, "1", said(store.Summary(one).AvgTradeDurationHours))
		}
	})
}

func TestBestAndWorstAreTiedByName(t *testing.T) {
	t.Parallel()
	sums := func(pnls ...string) map[string]store.TradeSums {
		all := map[string]store.TradeSums{}
		for i, pnl := range pnls {
			name := string(rune('A' + i))
			all[name] = all[name].Trade(store.Outcome{PnLUSD: dec(pnl)})
		}
		return all
	}
	for _, c := range []struct {
		pnls        []string
		best, worst string
	}{{nil, "", ""}, {[]string{"-1"}, "A", "A"}, {[]string{"1", "2", "2"}, "B", "A"}, {[]string{"3", "1", "1"}, "A", "B"}, {[]string{"0", "0"}, "A", "A"}} {
		got := store.Summary(sums(c.pnls...))
		require.Equal(t, []string{c.best, c.worst}, []string{got.BestPerformingAsset, got.WorstPerformingAsset}, "%v", c.pnls)
	}
}

func TestDrawdown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pnls []string
		want string
	}{
		{nil, "0"},
		{[]string{"1", "2"}, "0"},
		{[]string{"-1", "-2"}, "3"}, // from 0 on
		{[]string{"5", "-3", "-2", "10", "-4"}, "5"},
		{[]string{"5", "-3", "1", "-4", "2"}, "6"},
		{[]string{"0.000000000000000001", "-0.000000000000000003"}, "0.000000000000000003"},
	} {
		var d store.Drawdown
		for _, pnl := range c.pnls {
			d.Trade(dec(pnl))
		}
		require.Equal(t, c.want, d.MaxUSD().String(), "%v", c.pnls)
	}
}

func TestDecisionSums(t *testing.T) {
	t.Parallel()
	var sums store.DecisionSums
	require.Equal(t, "null", said(sums.Metrics(store.TradeSummary{}).ExecutionRate))
	require.NotNil(t, sums.Metrics(store.TradeSummary{}).ModelUsage)
	sums.Decision(store.Row{
		Source: string(decision.OriginFallback), Model: "m", Cached: true, Took: 1500 * time.Microsecond, Usage: llm.Usage{CostUSD: decimal.NewNullDecimal(dec("0.5"))},
		Decision: decision.Decision{Decisions: []decision.AssetDecision{{Action: decision.ActionHold, Confidence: dec("1")}, {Action: decision.ActionBuy, Confidence: dec("60")}}},
		Calls:    []llm.Attempt{{Kind: llm.KindTimeout}, {}},
	}, true)
	sums.Decision(store.Row{Source: store.SourceLegacy, Refused: []decision.Refusal{{}}}, false)
	m := sums.Metrics(store.TradeSummary{})
	require.Equal(t, "50 1.5 60 50 50 50 50", fmt.Sprint(said(m.ExecutionRate), " ", said(m.AvgGenerationTimeMS), " ", said(m.AvgConfidence), " ",
		said(m.ValidationSuccessRate), " ", said(m.CacheHitRate), " ", said(m.APIErrorRate), " ", said(m.FallbackRate)), "a legacy decision took nobody knows how long")
	require.Equal(t, map[string]int64{"m": 1}, m.ModelUsage)
	require.Equal(t, "0.5", m.APICostsUSD.String())
	require.Equal(t, []int64{2, 1}, []int64{m.TotalDecisions, m.DecisionsExecuted})
}
