package decision_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// sized is an input of 10,000 USD at 2x, 2 % risk, a 3 % stop and three
// positions, with this sizing and no limit but the account's.
func sized(method decision.PositionSizing, edits ...func(*decision.Input)) decision.Input {
	in := dt.Input("BTCUSDT", "ETHUSDT")
	in.Strategy.PositionSizing = method
	in.Account.MaxPositionSizeUSD = dt.D("100000")
	for _, edit := range edits {
		edit(&in)
	}
	return in
}

func withRecord(trades, wins int) func(*decision.Input) {
	return func(in *decision.Input) {
		in.Account.TrackRecord = &decision.TrackRecord{Trades: trades, Wins: wins}
	}
}

func withATR(values ...float64) func(*decision.Input) {
	return func(in *decision.Input) {
		in.Indicators = map[string]map[marketdata.Interval]indicator.Set{"BTCUSDT": {in.Interval: {Interval: in.Interval, ATR14: values}}}
	}
}

func suggestion(t require.TestingT, in decision.Input) (long, short string) {
	e, ok := decision.DefaultRules().Envelope(in).Asset("BTCUSDT")
	require.True(t, ok)
	text := func(d decimal.NullDecimal) string {
		if !d.Valid {
			return "unknown"
		}
		return d.Decimal.String()
	}
	return text(e.SuggestedLongUSD), text(e.SuggestedShortUSD)
}

func TestSuggestedSizes(t *testing.T) {
	t.Parallel()
	fixed, percentage := decision.SizingFixed, decision.SizingPercentage
	kelly, volatility := decision.SizingKelly, decision.SizingVolatilityAdjusted
	long := func(quantity string) func(*decision.Input) {
		return open(dt.Position("BTCUSDT", decision.Long, quantity))
	}
	most := func(usd string) func(*decision.Input) {
		return func(in *decision.Input) { in.Account.MaxPositionSizeUSD = dt.D(usd) }
	}
	risk := func(edit func(*decision.RiskParameters)) func(*decision.Input) {
		return func(in *decision.Input) { edit(&in.Strategy.Risk) }
	}
	least := func(usd string) func(*decision.Input) {
		return func(in *decision.Input) {
			a := in.Market.Assets["BTCUSDT"]
			a.Instrument = &marketdata.Instrument{MinNotionalUSD: dt.Null(usd)}
			in.Market.Assets["BTCUSDT"] = a
		}
	}
	for _, c := range []struct {
		name        string
		in          decision.Input
		long, short string
	}{
		// 10,000 ÷ 3, down to a cent.
		{"fixed", sized(fixed, most("10000")), "3333.33", "3333.33"},
		// 12,000 ÷ 3 = 4,000 less 10 × 100; no short against a long.
		{"fixed with what is held", sized(fixed, most("12000"), long("10")), "3000", "0"},
		{"fixed and more is held", sized(fixed, most("10000"), long("40")), "0", "0"},
		// 100,000 ÷ 3 = 33,333.33, but a 3 % stop may lose 200: 6,666.66.
		{"fixed beyond the envelope", sized(fixed), "6666.66", "6666.66"},
		{"fixed below the smallest order", sized(fixed, most("10000"), least("3333.34")), "0", "0"},
		{"fixed at the smallest order", sized(fixed, most("10000"), least("3333.33")), "3333.33", "3333.33"},
		{"fixed while halted", sized(fixed, func(in *decision.Input) { in.Halted = true }), "0", "0"},
		{"fixed without data", sized(fixed, func(in *decision.Input) { delete(in.Market.Assets, "BTCUSDT") }), "0", "0"},

		// 80 % of 10,000 at 2x is 16,000, ÷ 3.
		{"percentage", sized(percentage), "5333.33", "5333.33"},
		{"percentage of one position", sized(percentage, func(in *decision.Input) { in.Strategy.MaxPositions = 1 }), "6666.66", "6666.66"},
		// The open position has 4x: 32,000 ÷ 3 less 1,000 = 9,666.66, the envelope leaves 6,666.66 − 1,000.
		{"percentage at the leverage of the position", sized(percentage, risk(func(r *decision.RiskParameters) { r.MaxLeverage = dt.D("4") }), func(in *decision.Input) {
			p := dt.Position("BTCUSDT", decision.Long, "10")
			p.Leverage = dt.D("4")
			in.Account.Positions = []decision.Position{p}
		}), "5666.66", "0"},
		{"percentage of nothing", sized(percentage, func(in *decision.Input) { in.Account.BalanceUSD = dt.D("0") }), "0", "0"},
		{"percentage of a debt", sized(percentage, func(in *decision.Input) { in.Account.BalanceUSD = dt.D("-5000") }), "0", "0"},

		{"kelly without a record", sized(kelly), "unknown", "unknown"},
		{"kelly after 29 trades", sized(kelly, withRecord(29, 29)), "unknown", "unknown"},
		// p = 10/32 = 0.3125, b = 2.5: f = 0.3125 − 0.6875 ÷ 2.5 = 0.0375, half of it 1.875 %.
		// 187.50 at risk with a 3 % stop: 6,250.
		{"kelly after 30 trades", sized(kelly, withRecord(30, 9)), "6250", "6250"},
		// p = 9/32 = 0.28125: f = 0.28125 − 0.2875 < 0.
		{"kelly without an edge", sized(kelly, withRecord(30, 8)), "0", "0"},
		{"kelly that never won", sized(kelly, withRecord(30, 0)), "0", "0"},
		// p = 31/32: half of f is 47.8 %, but 2 % may be lost: 200 at 3 % is 6,666.66.
		{"kelly at its cap", sized(kelly, withRecord(30, 30)), "6666.66", "6666.66"},
		// 6,250 less 10 × 100.
		{"kelly with what is held", sized(kelly, withRecord(30, 9), long("10")), "5250", "0"},
		{"kelly of counts that cannot be", sized(kelly, withRecord(30, 31)), "unknown", "unknown"},
		{"kelly of overflowing counts", sized(kelly, withRecord(math.MaxInt, math.MaxInt)), "unknown", "unknown"},
		{"kelly without a ratio", sized(kelly, withRecord(30, 30), risk(func(r *decision.RiskParameters) { r.TakeProfitRatio = dt.D("0") })), "unknown", "unknown"},

		{"volatility without indicators", sized(volatility), "unknown", "unknown"},
		{"volatility without ATR", sized(volatility, withATR()), "unknown", "unknown"},
		{"volatility of NaN", sized(volatility, withATR(2, math.NaN())), "unknown", "unknown"},
		{"volatility of infinity", sized(volatility, withATR(math.Inf(1))), "unknown", "unknown"},
		{"volatility below zero", sized(volatility, withATR(-1)), "unknown", "unknown"},
		{"volatility without data", sized(volatility, withATR(2), func(in *decision.Input) { delete(in.Market.Assets, "BTCUSDT") }), "unknown", "unknown"},
		// The newest ATR of 2.5 is 2.5 % of 100: 200 at risk with a stop 5 % away is 4,000.
		{"volatility", sized(volatility, withATR(9, 2.5)), "4000", "4000"},
		// Two ATR are 2 %, the strategy's 3 % are farther: 6,666.66.
		{"volatility of a calm market", sized(volatility, withATR(1)), "6666.66", "6666.66"},
		{"volatility of almost nothing", sized(volatility, withATR(math.SmallestNonzeroFloat64)), "6666.66", "6666.66"},
		{"volatility without end", sized(volatility, withATR(math.MaxFloat64)), "0", "0"},
		{"volatility with what is held", sized(volatility, withATR(2.5), long("10")), "3000", "0"},

		{"no method", sized("martingale"), "unknown", "unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			gotLong, gotShort := suggestion(t, c.in)
			require.Equal(t, c.long, gotLong, "long")
			require.Equal(t, c.short, gotShort, "short")
		})
	}
}

func TestPercentageSizingSharesTheNarrowestExposure(t *testing.T) {
	t.Parallel()
	in := sized(decision.SizingPercentage)
	// A host allows 30 % of 10,000 at 2x for three positions: 2,000 each.
	rules := append(decision.DefaultRules(), decision.Exposure{WarnPercent: 20, MaxPercent: 30})
	e, _ := rules.Envelope(in).Asset("BTCUSDT")
	require.Equal(t, "2000", e.SuggestedLongUSD.Decimal.String())
	// Its limit cannot widen what the engine enforces.
	rules[len(rules)-1] = decision.Exposure{WarnPercent: 90, MaxPercent: 95}
	e, _ = rules.Envelope(in).Asset("BTCUSDT")
	require.Equal(t, "5333.33", e.SuggestedLongUSD.Decimal.String())
}

// TestSuggestionsStayWithinTheEnvelope: whatever is suggested is allowed, not
// only by its figures but by the gate.
func TestSuggestionsStayWithinTheEnvelope(t *testing.T) {
	t.Parallel()
	rules := decision.DefaultRules()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		in.Strategy.PositionSizing = rapid.SampledFrom([]decision.PositionSizing{
			decision.SizingFixed, decision.SizingPercentage, decision.SizingKelly, decision.SizingVolatilityAdjusted,
		}).Draw(t, "sizing")
		trades := rapid.IntRange(0, 200).Draw(t, "trades")
		withRecord(trades, rapid.IntRange(0, trades).Draw(t, "wins"))(&in)
		withATR(rapid.Float64().Draw(t, "atr"))(&in)
		in.Account.BalanceUSD = drawUSD(t, "balance")
		for symbol, a := range in.Market.Assets {
			a.Instrument = &marketdata.Instrument{MinNotionalUSD: decimal.NewNullDecimal(decimal.NewFromInt(rapid.Int64Range(0, 500).Draw(t, symbol+" least")))}
			in.Market.Assets[symbol] = a
		}
		for _, e := range rules.Envelope(in).Assets {
			for _, side := range []struct {
				suggested decimal.NullDecimal
				most      decimal.Decimal
				entry     decision.AssetDecision
			}{{e.SuggestedLongUSD, e.MaxLongUSD, dt.Buy(e.Asset, "0")}, {e.SuggestedShortUSD, e.MaxShortUSD, dt.Sell(e.Asset, "0")}} {
				if !side.suggested.Valid {
					continue
				}
				usd := side.suggested.Decimal
				require.False(t, usd.IsNegative())
				require.True(t, usd.LessThanOrEqual(side.most), "%s above %s", usd, side.most)
				require.True(t, usd.Equal(usd.RoundDown(2)), "whole cents")
				if p, has := in.Account.Position(e.Asset); usd.IsPositive() && (!has || p.SLPrice.Valid) {
					side.entry.AllocationUSD = usd
					distance := e.StopPercent
					if side.entry.Action == decision.ActionSell {
						distance = distance.Neg()
					}
					side.entry.SLPrice = decimal.NewNullDecimal(dt.D("100").Sub(distance)) // the price is 100
					require.Empty(t, rules.Gate(in, dt.Propose(side.entry)).Refused)
				}
			}
		}
	})
}

func TestThePromptShowsSuggestionsThatAreKnown(t *testing.T) {
	t.Parallel()
	shown := func(in decision.Input) map[string]any {
		_, data := promptOf(t, in)
		return data["assets"].([]any)[1].(map[string]any) // without a position
	}
	in := promptInput(t, decision.DefaultStrategy)
	in.Account.LastEntryAt = nil
	in.Strategy.PositionSizing = decision.SizingFixed
	in.Envelope = decision.DefaultRules().Envelope(in)
	asset, _ := in.Envelope.Asset("1000PEPE-USDT")
	// 2,500 ÷ 3.
	require.Equal(t, "833.33", asset.SuggestedLongUSD.Decimal.String())
	require.Equal(t, "833.33", fmt.Sprint(shown(in)["suggested_long_usd"]))
	require.Contains(t, shown(in), "suggested_short_usd")

	in.Strategy.PositionSizing = decision.SizingKelly
	in.Envelope = decision.DefaultRules().Envelope(in)
	require.NotContains(t, shown(in), "suggested_long_usd", "without a track record nothing is suggested")
	require.NotContains(t, shown(in), "suggested_short_usd")
}
