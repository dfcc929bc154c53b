package decision_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

// brackets are those of an exchange with continuous maintenance margins.
func brackets() []marketdata.Bracket {
	return []marketdata.Bracket{
		{UpToUSD: dt.Null("5000"), MaxLeverage: dt.D("20"), MaintenancePercent: dt.D("1")},
		{UpToUSD: dt.Null("20000"), MaxLeverage: dt.D("20"), MaintenancePercent: dt.D("2.5"), DeductionUSD: dt.D("75")},
		{MaxLeverage: dt.D("20"), MaintenancePercent: dt.D("5"), DeductionUSD: dt.D("575")},
	}
}

// roomy has no limit but that of liquidation.
func roomy(symbols ...string) decision.Input {
	in := dt.Input(symbols...)
	in.Account.MaxPositionSizeUSD, in.Account.Leverage = dt.D("1000000"), dt.D("10")
	in.Strategy.Risk.MaxLeverage, in.Strategy.Risk.MaxRiskPerTrade, in.Strategy.Risk.MaxDailyLoss = dt.D("20"), dt.D("100"), dt.D("100")
	in.Strategy.Risk.LiquidationBuffer, in.Strategy.MaxPositions = dt.D("0.01"), 50
	in.Strategy.Risk.StopLossPercentage = dt.D("0.01")
	return in
}

func withBrackets(in decision.Input, steps []marketdata.Bracket) decision.Input {
	for symbol, a := range in.Market.Assets {
		a.Instrument = &marketdata.Instrument{Brackets: steps}
		in.Market.Assets[symbol] = a
	}
	return in
}

// TestLiquidationPrices checks figures that were computed by hand from the
// formula of the exchanges: the price at which equity is the maintenance
// margin.
func TestLiquidationPrices(t *testing.T) {
	t.Parallel()
	held := func(side decision.Side, quantity, entry, mark string) decision.Position {
		p := dt.Position("BTCUSDT", side, quantity)
		p.EntryPrice, p.MarkPrice, p.Leverage = dt.D(entry), dt.D(mark), dt.D("10")
		return p
	}
	for _, c := range []struct {
		name      string
		mode      decision.MarginMode
		brackets  bool
		positions []decision.Position
		propose   decision.AssetDecision
		price     string // of the first position
	}{
		// 100 backed by 10: 100 − 10 = 90 must be 99 % of the price.
		{"isolated long", "isolated", false, nil, dt.Buy("BTCUSDT", "100"), "90.909091"},
		// 110 must be 101 % of the price.
		{"isolated short", "isolated", false, nil, dt.Sell("BTCUSDT", "100"), "108.910891"},
		// 10,000 at 10x with 2.5 % less 75: 9,000 − 75 must be 97.5 %.
		{"isolated long in the second bracket", "isolated", true, nil, dt.Buy("BTCUSDT", "10000"), "91.538462"},
		// 5,100 at 10x leaves the second bracket on the way down: 4,590 must be 99 % of 51 × price.
		{"isolated long that falls into the first bracket", "isolated", true, nil, dt.Buy("BTCUSDT", "5100"), "90.909091"},
		// 4,900 at 10x enters the second bracket on the way up: 5,390 + 75 = 102.5 % of 49 × price.
		{"isolated short that rises into the second bracket", "isolated", true, nil, dt.Sell("BTCUSDT", "4900"), "108.810353"},
		// Opened at 105, so that 10.5 − 5 = 5.5 are left of the margin: 94.5 must be 99 %.
		{"isolated long at a loss", "isolated", false, []decision.Position{held(decision.Long, "1", "105", "100")}, dt.Act("BTCUSDT", decision.ActionHold), "95.454546"},
		// 20,000 backed by the 10,000 of the account: 10,000 must be 99 % of 200 × price.
		{"cross long", "cross", false, nil, dt.Buy("BTCUSDT", "20000"), "50.505051"},
		{"cross short", "cross", false, nil, dt.Sell("BTCUSDT", "20000"), "148.514851"},
		// 400 × price, the loss of 2,000 is the account's: 40,000 − 8,000 = 99 %.
		{"cross long at a loss", "cross", false, []decision.Position{held(decision.Long, "400", "105", "100")}, dt.Act("BTCUSDT", decision.ActionHold), "80.808081"},
		// The nearer of both: isolated.
		{"unknown mode", "", false, nil, dt.Buy("BTCUSDT", "100"), "90.909091"},
		// 9,000 are enough for 9,000.
		{"cross long that cannot be liquidated", "cross", false, nil, dt.Buy("BTCUSDT", "9000"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := roomy("BTCUSDT")
			if c.brackets {
				in = withBrackets(in, brackets())
			}
			in.Account.MarginMode, in.Account.Positions = c.mode, c.positions
			risk := decision.DefaultRules().Assess(in, dt.Propose(c.propose))
			require.Len(t, risk.Positions, 1)
			got := risk.Positions[0].LiquidationPrice
			require.Equal(t, c.price != "", got.Valid)
			if c.price != "" {
				require.Equal(t, c.price, got.Decimal.Round(6).String())
			}
		})
	}
}

func TestCrossLiquidationCountsTheOthers(t *testing.T) {
	t.Parallel()
	in := roomy("BTCUSDT", "ETHUSDT")
	in.Account.MarginMode = decision.MarginCross
	in.Strategy.Risk.LiquidationBuffer = dt.D("0.2475")
	in.Account.AvailableUSD, in.Account.BalanceUSD = dt.D("10000"), dt.D("10000")
	alone := dt.Buy("BTCUSDT", "39000") // stands until 10,000 − 39,000 × d = 390 × (1 − d): d = 0.2489
	gate := func(actions ...decision.AssetDecision) decision.Verdict {
		return decision.Rules{decision.LiquidationBuffer{}}.Gate(in, dt.Propose(actions...))
	}
	require.Empty(t, gate(alone).Refused)
	v := gate(alone, dt.Sell("ETHUSDT", "10000")) // needs 100 of maintenance
	require.Len(t, v.Refused, 1)
	require.Equal(t, "liquidation of BTCUSDT must be at least 0.2475 of the price away, would be 0.24630924 at 10x (cross margin)", v.Refused[0].Violations[0].Message)

	isolated := dt.Position("ETHUSDT", decision.Long, "10")
	isolated.MarginMode = decision.MarginIsolated
	in.Account.Positions = []decision.Position{isolated} // its 500 of margin back nothing else
	require.Len(t, gate(alone).Refused, 1)
	isolated.MarginMode, isolated.EntryPrice = "", dt.D("90")
	in.Account.Positions = []decision.Position{isolated} // gains 100, needs 10
	require.Empty(t, gate(alone).Refused)
	isolated.EntryPrice = dt.D("110")
	in.Account.Positions = []decision.Position{isolated} // has lost 100
	require.Len(t, gate(alone).Refused, 1)
}

func TestAPositionNearLiquidationMayNotGrow(t *testing.T) {
	t.Parallel()
	in := roomy("BTCUSDT")
	in.Account.MarginMode = decision.MarginIsolated
	p := dt.Position("BTCUSDT", decision.Long, "1")
	p.EntryPrice, p.Leverage = dt.D("108"), dt.D("10") // 10.8 of margin less 8 lost
	p.SLPrice = dt.Null("99.5")
	in.Account.Positions = []decision.Position{p}
	in.Strategy.Risk.LiquidationBuffer = dt.D("0.02")
	v := decision.DefaultRules().Gate(in, dt.Propose(dt.Adjust("BTCUSDT", decision.AdjustIncrease, "2000")))
	require.Len(t, v.Refused, 1)
	require.Equal(t, "the open position in BTCUSDT must be at least 0.02 of the price away from liquidation before it may grow, is 0.01818181 (isolated margin)",
		v.Refused[0].Violations[0].Message)
	envelope, _ := decision.DefaultRules().Envelope(in).Asset("BTCUSDT")
	require.Equal(t, "0", envelope.MaxLongUSD.String())
	require.Equal(t, "liquidation_buffer", envelope.LongLimit)
}

// TestTheBufferIsTheDistance: whatever is allowed is liquidated no nearer than
// the buffer, whatever is refused is, in the figures that Assess reports.
func TestTheBufferIsTheDistance(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := roomy("BTCUSDT", "ETHUSDT")
		in.Account.MarginMode = rapid.SampledFrom([]decision.MarginMode{"", "isolated", "cross"}).Draw(t, "mode")
		in.Account.Leverage = decimal.NewFromInt(rapid.Int64Range(1, 20).Draw(t, "leverage"))
		in.Strategy.Risk.LiquidationBuffer = decimal.New(rapid.Int64Range(0, 400).Draw(t, "buffer"), -3)
		if rapid.Bool().Draw(t, "brackets") {
			in = withBrackets(in, brackets())
		}
		if rapid.Bool().Draw(t, "other") {
			in.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Short, decimal.New(rapid.Int64Range(1, 20000).Draw(t, "quantity"), -2).String())}
		}
		d := dt.Buy("BTCUSDT", decimal.NewFromInt(rapid.Int64Range(1, 80_000).Draw(t, "usd")).String())
		d.SLPrice = dt.Null("99.99")
		if rapid.Bool().Draw(t, "short") {
			d.Action, d.SLPrice = decision.ActionSell, dt.Null("100.01")
		}
		kept := len(decision.Rules{decision.LiquidationBuffer{}}.Gate(in, dt.Propose(d)).Kept) == 1
		risks := decision.DefaultRules().Assess(in, dt.Propose(d)).Positions
		risk := risks[len(risks)-1]
		require.Equal(t, "BTCUSDT", risk.Asset)
		distance := dt.D("100") // percent, of a long that cannot be liquidated
		if risk.LiquidationPercent.Valid {
			distance = risk.LiquidationPercent.Decimal
		}
		buffer := decimal.Max(in.Strategy.Risk.LiquidationBuffer.Shift(2), dt.D("0.01"))
		epsilon := dt.D("0.000002")
		if kept {
			require.True(t, distance.GreaterThanOrEqual(buffer.Sub(epsilon)), "%s under %s", distance, buffer)
		} else {
			require.True(t, distance.LessThanOrEqual(buffer.Add(epsilon)), "%s over %s", distance, buffer)
		}
	})
}

// TestTheRoomBeforeLiquidationIsExact: what the rule leaves is kept, and nothing
// beyond it, whatever the table of brackets looks like.
func TestTheRoomBeforeLiquidationIsExact(t *testing.T) {
	t.Parallel()
	rules := decision.Rules{decision.LiquidationBuffer{}}
	rapid.Check(t, func(t *rapid.T) {
		d := throw(t)
		in := roomy("BTCUSDT", "ETHUSDT")
		in.Account.MarginMode, in.Account.Leverage = d.mode(), oneOf(d, dt.D("2"), dt.D("5"), d.decimal(1, 20, 1))
		in.Strategy.Risk.LiquidationBuffer = d.decimal(0, 1, 3).Mul(dt.D("0.4"))
		in = withBrackets(in, d.brackets())
		if d.oneIn(3) {
			p := d.position("BTCUSDT", dt.D("100"))
			p.SLPrice.Valid = false
			in.Account.Positions = append(in.Account.Positions, p)
		}
		for _, side := range []decision.Side{decision.Long, decision.Short} {
			if held, open := in.Account.Position("BTCUSDT"); open && held.Side != side {
				continue
			}
			envelope, _ := rules.Envelope(in).Asset("BTCUSDT")
			room, limit := envelope.MaxLongUSD, envelope.LongLimit
			if side == decision.Short {
				room, limit = envelope.MaxShortUSD, envelope.ShortLimit
			}
			if limit == "" { // without bound
				continue
			}
			kept := func(usd decimal.Decimal) bool {
				a := dt.Act("BTCUSDT", decision.ActionBuy)
				if side == decision.Short {
					a.Action = decision.ActionSell
				}
				a.AllocationUSD = usd
				return len(rules.Gate(in, dt.Propose(a)).Kept) == 1
			}
			if room.IsPositive() {
				require.True(t, kept(room), "%s %s", side, room)
			}
			least := room.Add(dt.D("0.02"))
			require.False(t, kept(least), "%s %s more than %s", side, least, room)
			require.False(t, kept(least.Mul(d.decimal(1, 9, 2))), "%s beyond %s", side, room)
		}
	})
}

func TestBracketsThatJumpCountOnTheWay(t *testing.T) {
	t.Parallel()
	in := withBrackets(roomy("BTCUSDT"), []marketdata.Bracket{
		{UpToUSD: dt.Null("5000"), MaxLeverage: dt.D("20"), MaintenancePercent: dt.D("1")},
		{MaxLeverage: dt.D("20"), MaintenancePercent: dt.D("10")}, // no deduction
	})
	in.Account.MarginMode = decision.MarginIsolated
	in.Strategy.Risk.LiquidationBuffer = dt.D("0.05")
	d := dt.Buy("BTCUSDT", "5100") // needs 510 at once, all of its margin, although it would stand again below 5,000
	v := decision.Rules{decision.LiquidationBuffer{}}.Gate(in, dt.Propose(d))
	require.Len(t, v.Refused, 1)
	require.Equal(t, "0", v.Refused[0].Violations[0].Value)
	require.True(t, decision.DefaultRules().Assess(in, dt.Propose(d)).Positions[0].LiquidationPercent.Decimal.IsZero())
}

func TestNewIsolatedPositionsTakeTheirMarginFromTheCrossOnes(t *testing.T) {
	t.Parallel()
	in := roomy("BTCUSDT", "ETHUSDT")
	in.Account.MarginMode = decision.MarginIsolated
	p := dt.Position("BTCUSDT", decision.Long, "200")
	p.MarginMode, p.Leverage, p.SLPrice = decision.MarginCross, dt.D("10"), dt.Null("99")
	in.Account.Positions = []decision.Position{p}
	in.Strategy.Risk.LiquidationBuffer = dt.D("0.2")
	increase := dt.Adjust("BTCUSDT", decision.AdjustIncrease, "1000")
	gate := func(actions ...decision.AssetDecision) []decision.Refusal {
		return decision.Rules{decision.LiquidationBuffer{}}.Gate(in, dt.Propose(actions...)).Refused
	}
	require.Empty(t, gate(increase), "10,000 back 21,000")
	require.Len(t, gate(increase, dt.Buy("ETHUSDT", "60000")), 2, "6,000 of them go to ETH: 18 %, and ETH's own 9 %")
}
