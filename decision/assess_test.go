package decision_test

import (
	"encoding/json"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
)

func assess(in decision.Input, actions ...decision.AssetDecision) decision.RiskAssessment {
	return decision.DefaultRules().Assess(in, dt.Propose(actions...))
}

func unprotected(p decision.Position) decision.Position {
	p.SLPrice.Valid = false
	return p
}

// TestAssessedFigures: 10,000 USD, at most 2x, 80 % exposure, 5 % (500 USD) of
// daily loss. Scores are 10 × (0.4 × margin ÷ 8,000 + 0.2 × concentration +
// 0.2 × leverage + 0.2 × loss ÷ 500).
func TestAssessedFigures(t *testing.T) {
	t.Parallel()
	long := open(dt.Position("BTCUSDT", decision.Long, "10")) // 1,000 USD, 500 of margin, 30 at the stop
	cancel := orders(decision.OrderAdjustment{CancelSL: true})
	for _, c := range []struct {
		name                                   string
		edit                                   func(*decision.Input)
		propose                                []decision.AssetDecision
		notional, margin, loss                 string
		score, concentration, leverage, byRisk string
	}{
		{"an empty account", nil, list(dt.Act("BTCUSDT", decision.ActionHold)), "0", "0", "0", "0", "0", "0", ""},
		// 1,500 of 8,000, 0.15, 3,000 of 20,000, 90 of 500: 0.75 + 0.3 + 0.3 + 0.36.
		{"a long", nil, list(dt.Buy("BTCUSDT", "3000")), "3000", "1500", "90", "1.71", "0.15", "0.15", "BTCUSDT long 90"},
		{"a short", nil, list(dt.Sell("BTCUSDT", "3000")), "3000", "1500", "90", "1.71", "0.15", "0.15", "BTCUSDT short 90"},
		// 500 of 8,000, 0.05, 1,000 of 20,000, 30 of 500: 0.25 + 0.1 + 0.1 + 0.12.
		{"an open position", long, list(dt.Act("BTCUSDT", decision.ActionHold)), "1000", "500", "30", "0.57", "0.05", "0.05", "BTCUSDT long 30"},
		{"one that was not asked about", open(dt.Position("XRPUSDT", decision.Long, "10")), list(dt.Act("BTCUSDT", decision.ActionHold)), "1000", "500", "30", "0.57", "0.05", "0.05", "XRPUSDT long 30"},
		{"a close", long, list(dt.Act("BTCUSDT", decision.ActionClosePosition)), "0", "0", "0", "0", "0", "0", ""},
		{"a decrease by 40 %", long, list(dt.Adjust("BTCUSDT", decision.AdjustDecrease, "400")), "600", "300", "18", "0.34", "0.03", "0.03", "BTCUSDT long 18"},
		{"a decrease beyond the position", long, list(dt.Adjust("BTCUSDT", decision.AdjustDecrease, "5000")), "0", "0", "0", "0", "0", "0", ""},
		{"a decrease by less than nothing", long, list(dt.Adjust("BTCUSDT", decision.AdjustDecrease, "-500")), "1000", "500", "30", "0.57", "0.05", "0.05", "BTCUSDT long 30"},
		{"an increase", long, list(dt.Adjust("BTCUSDT", decision.AdjustIncrease, "2000")), "3000", "1500", "90", "1.71", "0.15", "0.15", "BTCUSDT long 90"},
		{"a buy of more", long, list(with(dt.Buy("BTCUSDT", "2000"), func(d *decision.AssetDecision) { d.SLPrice.Valid = false })), "3000", "1500", "90", "1.71", "0.15", "0.15", "BTCUSDT long 90"},
		// 10 of 500 at the stop: 0.25 + 0.1 + 0.1 + 0.04.
		{"a tightened stop", long, list(dt.MoveStop("BTCUSDT", "99")), "1000", "500", "10", "0.49", "0.05", "0.05", "BTCUSDT long 10"},
		{"a loosened stop", long, list(dt.MoveStop("BTCUSDT", "91")), "1000", "500", "90", "0.81", "0.05", "0.05", "BTCUSDT long 90"},
		{"a first stop", open(unprotected(dt.Position("BTCUSDT", decision.Long, "10"))), list(dt.MoveStop("BTCUSDT", "97")), "1000", "500", "30", "0.57", "0.05", "0.05", "BTCUSDT long 30"},
		// Without a stop the last part is whole: 0.25 + 0.1 + 0.1 + 2.
		{"a cancelled stop", long, list(cancel), "1000", "500", "unknown", "2.45", "0.05", "0.05", "BTCUSDT long unknown"},
		{"no stop", open(unprotected(dt.Position("BTCUSDT", decision.Short, "10"))), list(dt.Act("BTCUSDT", decision.ActionHold)), "1000", "500", "unknown", "2.45", "0.05", "0.05", "BTCUSDT short unknown"},
		{"a stop that was crossed", open(marked(dt.Position("BTCUSDT", decision.Long, "10"), func(p *decision.Position) { p.SLPrice = dt.Null("101") })), list(dt.Act("BTCUSDT", decision.ActionHold)), "1000", "500", "unknown", "2.45", "0.05", "0.05", "BTCUSDT long unknown"},
		{"an entry without stop", nil, list(with(dt.Buy("BTCUSDT", "1000"), func(d *decision.AssetDecision) { d.SLPrice.Valid = false })), "1000", "500", "unknown", "2.45", "0.05", "0.05", "BTCUSDT long unknown"},
		{"a stop behind the price", nil, list(with(dt.Buy("BTCUSDT", "1000"), func(d *decision.AssetDecision) { d.SLPrice = dt.Null("101") })), "1000", "500", "unknown", "2.45", "0.05", "0.05", "BTCUSDT long unknown"},
		{"a short stop of zero", nil, list(with(dt.Sell("BTCUSDT", "1000"), func(d *decision.AssetDecision) { d.SLPrice = dt.Null("0") })), "1000", "500", "unknown", "2.45", "0.05", "0.05", "BTCUSDT short unknown"},
		// Without a price the position's mark stands in.
		{"a position without data", func(in *decision.Input) {
			long(in)
			delete(in.Market.Assets, "BTCUSDT")
		}, list(dt.Act("BTCUSDT", decision.ActionHold)), "1000", "500", "30", "0.57", "0.05", "0.05", "BTCUSDT long 30"},
		{"an entry without data", func(in *decision.Input) { delete(in.Market.Assets, "BTCUSDT") }, list(dt.Buy("BTCUSDT", "1000")), "1000", "500", "unknown", "2.45", "0.05", "0.05", "BTCUSDT long unknown"},
		// A mark of 99 does not make 10 × the market's 100 less.
		{"a mark below the market", open(marked(dt.Position("BTCUSDT", decision.Long, "10"), func(p *decision.Position) { p.MarkPrice, p.EntryPrice = dt.D("99"), dt.D("99") })), list(dt.Act("BTCUSDT", decision.ActionHold)), "1000", "500", "30", "0.57", "0.05", "0.05", "BTCUSDT long 30"},
		// The gate refuses it, the risk counts both: 1,000 long with 30, 2,000 short with 60.
		{"an entry against a position", long, list(dt.Sell("BTCUSDT", "2000")), "3000", "1500", "90", "1.71", "0.15", "0.15", "BTCUSDT long 30, BTCUSDT short 60"},
		{"an entry against one, without stop", long, list(with(dt.Sell("BTCUSDT", "2000"), func(d *decision.AssetDecision) { d.SLPrice.Valid = false })), "3000", "1500", "unknown", "3.35", "0.15", "0.15", "BTCUSDT long 30, BTCUSDT short unknown"},
		{"the same twice", nil, list(dt.Buy("BTCUSDT", "1000"), dt.Buy("BTCUSDT", "2000")), "3000", "1500", "90", "1.71", "0.15", "0.15", "BTCUSDT long 90"},
		{"less than nothing beside it", nil, list(dt.Buy("BTCUSDT", "3000"), dt.Buy("BTCUSDT", "-2999")), "3000", "1500", "90", "1.71", "0.15", "0.15", "BTCUSDT long 90"},
		{"a stop of less than nothing", nil, list(dt.Buy("BTCUSDT", "3000"), with(dt.Buy("BTCUSDT", "-1"), func(d *decision.AssetDecision) { d.SLPrice.Valid = false })), "3000", "1500", "90", "1.71", "0.15", "0.15", "BTCUSDT long 90"},
		{"less than nothing before it", nil, list(with(dt.Buy("BTCUSDT", "-1"), func(d *decision.AssetDecision) { d.SLPrice.Valid = false }), dt.Buy("BTCUSDT", "3000")), "3000", "1500", "90", "1.71", "0.15", "0.15", "BTCUSDT long 90"},
		// Of two stops the one behind the price counts: 0.75 + 0.3 + 0.3 + 2.
		{"a stop and one behind the price", nil, list(dt.Buy("BTCUSDT", "2000"), with(dt.Buy("BTCUSDT", "1000"), func(d *decision.AssetDecision) { d.SLPrice = dt.Null("101") })), "3000", "1500", "unknown", "3.35", "0.15", "0.15", "BTCUSDT long unknown"},
		{"less than nothing", nil, list(dt.Buy("BTCUSDT", "-3000")), "0", "0", "0", "0", "0", "0", ""},
		{"a close twice", long, list(dt.Act("BTCUSDT", decision.ActionClosePosition), dt.Act("BTCUSDT", decision.ActionClosePosition)), "0", "0", "0", "0", "0", "0", ""},
		{"a stop moved twice", long, list(dt.MoveStop("BTCUSDT", "99"), dt.MoveStop("BTCUSDT", "91")), "1000", "500", "90", "0.81", "0.05", "0.05", "BTCUSDT long 90"},
		{"a stop moved and cancelled", long, list(cancel, dt.MoveStop("BTCUSDT", "99")), "1000", "500", "unknown", "2.45", "0.05", "0.05", "BTCUSDT long unknown"},
		{"a stop moved and left", long, list(dt.MoveStop("BTCUSDT", "99"), dt.Act("BTCUSDT", decision.ActionHold)), "1000", "500", "10", "0.49", "0.05", "0.05", "BTCUSDT long 10"},
		{"a hold that would adjust", long, list(with(dt.Adjust("BTCUSDT", decision.AdjustIncrease, "2000"), func(d *decision.AssetDecision) { d.Action = decision.ActionHold })), "1000", "500", "30", "0.57", "0.05", "0.05", "BTCUSDT long 30"},
		// 16,000 of 8,000 in all, 10,000 of 10,000 in one: 4 + 2 + 2 + 2; the loss of 600 is more than 500.
		{"everything at its limit", nil, list(dt.Buy("BTCUSDT", "20000")), "20000", "10000", "600", "10", "1", "1", "BTCUSDT long 600"},
		{"far beyond", nil, list(dt.Buy("BTCUSDT", "1e12")), "1000000000000", "500000000000", "30000000000", "10", "1", "1", "BTCUSDT long 30000000000"},
		{"numbers that nobody can add", nil, list(dt.Buy("BTCUSDT", "1e61")), "0", "0", "0", "0", "0", "0", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := dt.Input("BTCUSDT", "ETHUSDT")
			if c.edit != nil {
				c.edit(&in)
			}
			got := assess(in, c.propose...)
			require.Equal(t, c.notional, got.NotionalUSD.String(), "notional")
			require.Equal(t, c.margin, got.MarginUSD.String(), "margin")
			require.Equal(t, c.loss, orUnknown(got.LossAtStopsUSD), "loss")
			require.Equal(t, c.concentration, got.ConcentrationRisk.String(), "concentration")
			require.Equal(t, c.leverage, got.LeverageRisk.String(), "leverage")
			require.Equal(t, c.score, got.PortfolioRiskScore.String(), "score")
			text := ""
			for i, p := range got.Positions {
				if i > 0 {
					text += ", "
				}
				text += p.Asset + " " + string(p.Side) + " " + orUnknown(p.LossAtStopUSD)
			}
			require.Equal(t, c.byRisk, text)
		})
	}
}

func marked(p decision.Position, edit func(*decision.Position)) decision.Position {
	edit(&p)
	return p
}

func orUnknown(d decimal.NullDecimal) string {
	if !d.Valid {
		return "unknown"
	}
	return d.Decimal.String()
}

func TestConcentrationIsOfTheLargestAsset(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT", "ETHUSDT")
	in.Account.Positions = []decision.Position{dt.Position("XRPUSDT", decision.Short, "20")}
	// Margins: 1,000, 1,500 and 500 of 10,000.
	got := assess(in, dt.Buy("BTCUSDT", "3000"), dt.Buy("ETHUSDT", "1000"))
	require.Equal(t, "0.15", got.ConcentrationRisk.String())
	require.Equal(t, []string{"XRPUSDT", "BTCUSDT", "ETHUSDT"}, []string{got.Positions[0].Asset, got.Positions[1].Asset, got.Positions[2].Asset}, "open ones first")
	// 1 ÷ 3 of a share is rounded up to 4 places.
	require.Equal(t, "0.0334", assess(dt.Input("BTCUSDT"), dt.Buy("BTCUSDT", "666.67")).ConcentrationRisk.String())
}

func TestLeverageRiskIsOfTheEquity(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	p := dt.Position("BTCUSDT", decision.Long, "100") // 10,000 USD, bought at 150: 5,000 lost
	p.EntryPrice = dt.D("150")
	in.Account.Positions = []decision.Position{p}
	require.Equal(t, "1", assess(in).LeverageRisk.String(), "10,000 of 2 × 5,000")
	in.Strategy.Risk.MaxLeverage = dt.D("8")
	require.Equal(t, "0.25", assess(in).LeverageRisk.String(), "10,000 of 8 × 5,000")
	in.Strategy.Risk.MaxLeverage = dt.D("100")
	require.Equal(t, "0.1", assess(in).LeverageRisk.String(), "10,000 of 20 × 5,000: no strategy allows more")
}

func TestOfNothingEverythingIsAtRisk(t *testing.T) {
	t.Parallel()
	for _, balance := range []string{"0", "-1", "-1e12"} {
		in := dt.Input("BTCUSDT")
		in.Account.BalanceUSD = dt.D(balance)
		require.Equal(t, "10", assess(in, dt.Buy("BTCUSDT", "0.01")).PortfolioRiskScore.String(), balance)
		require.Equal(t, "0", assess(in, dt.Act("BTCUSDT", decision.ActionHold)).PortfolioRiskScore.String(), balance)
		in.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Short, "10")}
		require.Equal(t, "10", assess(in).PortfolioRiskScore.String(), balance)
	}
	require.Equal(t, "0", decision.Rules{}.Assess(decision.Input{}, decision.Proposal{}).PortfolioRiskScore.String())
	require.NotPanics(t, func() { decision.Rules{}.Assess(decision.Input{}, dt.Propose(dt.Buy("BTCUSDT", "1"))) })
}

func TestAssessCountsAStricterExposure(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	rules := append(decision.DefaultRules(), decision.Exposure{MaxPercent: 15})
	// The 1,500 of margin are all that is allowed: 4 + 0.3 + 0.3 + 0.36.
	require.Equal(t, "4.96", rules.Assess(in, dt.Propose(dt.Buy("BTCUSDT", "3000"))).PortfolioRiskScore.String())
	// Without the rule the whole balance is: 0.6 + 0.3 + 0.3 + 0.36.
	require.Equal(t, "1.56", decision.Rules{}.Assess(in, dt.Propose(dt.Buy("BTCUSDT", "3000"))).PortfolioRiskScore.String())
}

func TestLiquidationIsUnknownWhereNothingLiquidates(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Account.MarginMode = decision.MarginCross
	short := assess(in, dt.Sell("BTCUSDT", "0.001")).Positions[0] // a rise by more than a million times
	require.False(t, short.LiquidationPrice.Valid)
	require.False(t, short.LiquidationPercent.Valid)
	near := assess(in, dt.Sell("BTCUSDT", "5000")).Positions[0]
	// 10,000 − 5,000 × d = 50 × (1 + d): d = 9,950 ÷ 5,050.
	require.Equal(t, "197.029702", near.LiquidationPercent.Decimal.Round(6).String())
	require.Equal(t, "297.029702", near.LiquidationPrice.Decimal.Round(6).String())
}

func TestADecreaseTakesItsMarginAlong(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Account.MarginMode = decision.MarginIsolated
	in.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "10")}
	before := assess(in).Positions[0]
	after := assess(in, dt.Adjust("BTCUSDT", decision.AdjustDecrease, "600")).Positions[0]
	require.Equal(t, "400", after.NotionalUSD.String())
	require.Equal(t, before.LiquidationPrice, after.LiquidationPrice, "the same leverage, the same price")
}

// TestAssessmentsAreBounded: whatever is proposed to whatever account, figures
// stay in their bounds, and the order of what is proposed changes none.
func TestAssessmentsAreBounded(t *testing.T) {
	t.Parallel()
	within := func(t *rapid.T, d decimal.Decimal, most int64) {
		require.False(t, d.IsNegative())
		require.True(t, d.LessThanOrEqual(decimal.NewFromInt(most)), d.String())
	}
	rapid.Check(t, func(t *rapid.T) {
		in, p := drawInput(t), drawProposal(t)
		in.Account.BalanceUSD = drawUSD(t, "balance")
		in.Account.MarginMode = rapid.SampledFrom([]decision.MarginMode{"", "isolated", "cross"}).Draw(t, "mode")
		if rapid.Bool().Draw(t, "brackets") {
			in = withBrackets(in, brackets())
		}
		got := decision.DefaultRules().Assess(in, p)
		within(t, got.PortfolioRiskScore, 10)
		within(t, got.ConcentrationRisk, 1)
		within(t, got.LeverageRisk, 1)
		seen := map[string]bool{}
		for _, one := range got.Positions {
			key := one.Asset + string(one.Side)
			require.False(t, seen[key], "one a side")
			seen[key] = true
			require.True(t, one.NotionalUSD.IsPositive())
			require.False(t, one.LossAtStopUSD.Decimal.IsNegative())
			require.False(t, one.LiquidationPercent.Decimal.IsNegative())
			require.Equal(t, one.LiquidationPercent.Valid, one.LiquidationPrice.Valid)
			if one.Side == decision.Long && one.LossAtStopUSD.Valid {
				require.True(t, one.LossAtStopUSD.Decimal.LessThanOrEqual(one.NotionalUSD), "a long loses at most all of it")
			}
		}
		again := decision.DefaultRules().Assess(in, dt.Propose(rapid.Permutation(p.Decision.Decisions).Draw(t, "order")...))
		require.ElementsMatch(t, jsonOf(t, got.Positions), jsonOf(t, again.Positions))
		got.Positions, again.Positions = nil, nil
		require.Equal(t, jsonOf(t, []decision.RiskAssessment{got}), jsonOf(t, []decision.RiskAssessment{again}))
	})
}

func jsonOf[T any](t require.TestingT, values []T) []string {
	out := make([]string, len(values))
	for i := range values {
		data, err := json.Marshal(values[i])
		require.NoError(t, err)
		out[i] = string(data)
	}
	return out
}

func TestAssessmentsAreWrittenInNumbers(t *testing.T) {
	t.Parallel()
	got := assess(dt.Input("BTCUSDT"), dt.Buy("BTCUSDT", "3000"))
	data, err := json.Marshal(got)
	require.NoError(t, err)
	require.Contains(t, string(data), `"portfolio_risk_score":1.71,"concentration_risk":0.15,"leverage_risk":0.15,"notional_usd":3000,"margin_usd":1500,"loss_at_stops_usd":90,`)
	var back decision.RiskAssessment
	require.NoError(t, json.Unmarshal(data, &back))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	require.Equal(t, string(data), string(again))
	require.Error(t, json.Unmarshal([]byte(`{"score":1}`), &back))

	empty, err := json.Marshal(assess(dt.Input("BTCUSDT")))
	require.NoError(t, err)
	require.Contains(t, string(empty), `"positions":[]`)
}
