package decision_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

// gateCase is a proposal, what is refused by which rule, and the warnings.
type gateCase struct {
	name     string
	edit     func(*decision.Input)
	propose  []decision.AssetDecision
	refused  map[string]string // asset → first rule that refused it
	warnings []string          // rules
	message  string            // of the first violation of the only refusal, when given
}

func runGate(t *testing.T, cases []gateCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := dt.Input("BTCUSDT", "ETHUSDT", "SOLUSDT")
			if c.edit != nil {
				c.edit(&in)
			}
			verdict := decision.DefaultRules().Gate(in, dt.Propose(c.propose...))
			refused := map[string]string{}
			for _, r := range verdict.Refused {
				require.NotEmpty(t, r.Violations)
				refused[r.Asset] = r.Violations[0].Rule
				if c.message != "" {
					require.Equal(t, c.message, r.Violations[0].Message)
				}
			}
			if c.refused == nil {
				c.refused = map[string]string{}
			}
			require.Equal(t, c.refused, refused)
			var warnings []string
			for _, w := range verdict.Warnings {
				warnings = append(warnings, w.Rule)
			}
			require.Equal(t, c.warnings, warnings)
			require.Len(t, c.propose, len(verdict.Kept)+len(verdict.Refused))
		})
	}
}

func open(positions ...decision.Position) func(*decision.Input) {
	return func(in *decision.Input) { in.Account.Positions = positions }
}

func list(actions ...decision.AssetDecision) []decision.AssetDecision { return actions }

func with(d decision.AssetDecision, edit func(*decision.AssetDecision)) decision.AssetDecision {
	edit(&d)
	return d
}

func TestGateKeepsWhatIsWithinEveryLimit(t *testing.T) {
	t.Parallel()
	runGate(t, []gateCase{
		{name: "entries on both sides", propose: list(dt.Buy("BTCUSDT", "3000"), dt.Sell("ETHUSDT", "3000"), dt.Act("SOLUSDT", decision.ActionHold))},
		{name: "hold without market data", edit: func(in *decision.Input) { in.Market = dt.Market("ETHUSDT") }, propose: list(dt.Act("BTCUSDT", decision.ActionHold))},
		{name: "at the limit exactly", propose: list(dt.Buy("BTCUSDT", "6666.66")), warnings: []string{"large_allocation"}},
	})
}

func TestGateRefusesContradictions(t *testing.T) {
	t.Parallel()
	long := open(dt.Position("BTCUSDT", decision.Long, "10"))
	runGate(t, []gateCase{
		{name: "unknown action", propose: list(dt.Act("BTCUSDT", "long")), refused: map[string]string{"BTCUSDT": "shape"}, message: `unknown action "long"`},
		{name: "buy of nothing", propose: list(dt.Buy("BTCUSDT", "0")), refused: map[string]string{"BTCUSDT": "shape"}, message: "allocation_usd must be positive for buy, was 0"},
		{name: "negative allocation", propose: list(dt.Buy("BTCUSDT", "-5")), refused: map[string]string{"BTCUSDT": "shape"}},
		{name: "blank rationale", propose: list(with(dt.Buy("BTCUSDT", "100"), func(d *decision.AssetDecision) { d.Rationale = " \n" })), refused: map[string]string{"BTCUSDT": "shape"}},
		{name: "blank exit plan", propose: list(with(dt.Buy("BTCUSDT", "100"), func(d *decision.AssetDecision) { d.ExitPlan = "" })), refused: map[string]string{"BTCUSDT": "shape"}},
		{name: "confidence above 100", propose: list(with(dt.Buy("BTCUSDT", "100"), func(d *decision.AssetDecision) { d.Confidence = dt.D("100.1") })), refused: map[string]string{"BTCUSDT": "shape"}},
		{name: "asset not asked about", propose: list(dt.Buy("DOGEUSDT", "100")), refused: map[string]string{"DOGEUSDT": "shape"}},
		{name: "lower-case asset", propose: list(dt.Buy("btcusdt", "100")), refused: map[string]string{"btcusdt": "shape"}},
		{name: "same asset twice", propose: list(dt.Buy("BTCUSDT", "100"), dt.Sell("BTCUSDT", "100")), refused: map[string]string{"BTCUSDT": "shape"}, message: "BTCUSDT is decided more than once"},
		{name: "adjust without object", edit: long, propose: list(dt.Act("BTCUSDT", decision.ActionAdjustPosition)), refused: map[string]string{"BTCUSDT": "shape"}},
		{name: "adjust by nothing", edit: long, propose: list(dt.Adjust("BTCUSDT", decision.AdjustDecrease, "0")), refused: map[string]string{"BTCUSDT": "shape"}},
		{name: "adjustment of unknown type", edit: long, propose: list(dt.Adjust("BTCUSDT", "double", "10")), refused: map[string]string{"BTCUSDT": "shape"}},
		{name: "orders without object", edit: long, propose: list(dt.Act("BTCUSDT", decision.ActionAdjustOrders)), refused: map[string]string{"BTCUSDT": "shape"}},
		{name: "orders without a flag", edit: long, propose: list(orders(decision.OrderAdjustment{})), refused: map[string]string{"BTCUSDT": "shape"}},
		{name: "adjust and cancel the same order", edit: long, propose: list(orders(decision.OrderAdjustment{AdjustTP: true, CancelTP: true, NewTPPrice: dt.Null("110")})), refused: map[string]string{"BTCUSDT": "shape"}},
		{name: "adjust and no price", edit: long, propose: list(orders(decision.OrderAdjustment{AdjustTP: true})), refused: map[string]string{"BTCUSDT": "shape"}},
		{name: "hold with an allocation", propose: list(with(dt.Act("BTCUSDT", decision.ActionHold), func(d *decision.AssetDecision) { d.AllocationUSD = dt.D("5") })), warnings: []string{"shape"}},
	})
}

func orders(a decision.OrderAdjustment) decision.AssetDecision {
	return with(dt.Act("BTCUSDT", decision.ActionAdjustOrders), func(d *decision.AssetDecision) { d.OrderAdjustment = &a })
}

func TestGateChecksPricesAndMarket(t *testing.T) {
	t.Parallel()
	stop := func(d decision.AssetDecision, price string) decision.AssetDecision {
		return with(d, func(d *decision.AssetDecision) { d.SLPrice = dt.Null(price) })
	}
	take := func(d decision.AssetDecision, price string) decision.AssetDecision {
		return with(d, func(d *decision.AssetDecision) { d.TPPrice = dt.Null(price) })
	}
	long := open(dt.Position("BTCUSDT", decision.Long, "10"))
	refused := func(rule string) map[string]string { return map[string]string{"BTCUSDT": rule} }
	runGate(t, []gateCase{
		{name: "no data", edit: func(in *decision.Input) { in.Market = dt.Market("ETHUSDT") }, propose: list(dt.Buy("BTCUSDT", "100")), refused: refused("market_data"), message: "no fresh market data for BTCUSDT: no market data"},
		{name: "failed data", edit: func(in *decision.Input) {
			in.Market = dt.Market("ETHUSDT")
			in.Market.Failures = map[string]marketdata.Failure{"BTCUSDT": {Symbol: "BTCUSDT", Reason: marketdata.ReasonGap}}
		}, propose: list(dt.Buy("BTCUSDT", "100")), refused: refused("market_data"), message: "no fresh market data for BTCUSDT: gap"},
		{name: "old price", edit: func(in *decision.Input) { in.At = in.At.Add(61 * time.Second) }, propose: list(dt.Buy("BTCUSDT", "100")), refused: refused("market_data"), message: "last price of BTCUSDT must be at most 1m0s old, was 1m1s"},
		{name: "long stop at the price", propose: list(stop(dt.Buy("BTCUSDT", "100"), "100")), refused: refused("price_logic"), message: "stop of a long must be below the price 100, was 100"},
		{name: "short stop below", propose: list(stop(dt.Sell("BTCUSDT", "100"), "99")), refused: refused("price_logic")},
		{name: "long target below", propose: list(take(dt.Buy("BTCUSDT", "100"), "99")), refused: refused("price_logic")},
		{name: "short target above", propose: list(take(dt.Sell("BTCUSDT", "100"), "101")), refused: refused("price_logic")},
		{name: "stop of zero", propose: list(stop(dt.Buy("BTCUSDT", "100"), "0")), refused: refused("price_logic"), warnings: []string{"reward_risk"}, message: "stop of a long must be positive, was 0"},
		{name: "moved stop above a long", edit: long, propose: list(dt.MoveStop("BTCUSDT", "101")), refused: refused("price_logic")},
		{name: "adjusted target below a long", edit: long, propose: list(orders(decision.OrderAdjustment{AdjustTP: true, NewTPPrice: dt.Null("90")})), refused: refused("price_logic")},
		{name: "entry without stop", propose: list(with(dt.Buy("BTCUSDT", "100"), func(d *decision.AssetDecision) { d.SLPrice.Valid = false })), refused: refused("stop_required"), message: "strategy conservative_swing requires a stop for BTCUSDT"},
		{name: "cancelled stop", edit: long, propose: list(orders(decision.OrderAdjustment{CancelSL: true})), refused: refused("stop_required")},
		{name: "reward below risk", propose: list(take(dt.Buy("BTCUSDT", "100"), "102")), warnings: []string{"reward_risk"}},
		{name: "buy while short", edit: open(dt.Position("BTCUSDT", decision.Short, "10")), propose: list(dt.Buy("BTCUSDT", "100")), refused: refused("position_exists"), message: "buy while a short is open in BTCUSDT: close it first"},
		{name: "sell while long", edit: long, propose: list(dt.Sell("BTCUSDT", "100")), refused: refused("position_exists")},
		{name: "close nothing", propose: list(dt.Act("BTCUSDT", decision.ActionClosePosition)), refused: refused("position_exists")},
		{name: "adjust nothing", propose: list(dt.Adjust("BTCUSDT", decision.AdjustIncrease, "100")), refused: refused("stop_required")},
		{name: "too little confidence", edit: func(in *decision.Input) { in.Strategy.Risk.MinConfidence = dt.Null("70.5") }, propose: list(dt.Buy("BTCUSDT", "100")), refused: refused("min_confidence"), message: "confidence must be at least 70.5, was 70"},
	})
}

func TestGateLimitsCapital(t *testing.T) {
	t.Parallel()
	refused := func(rule string, assets ...string) map[string]string {
		out := map[string]string{}
		for _, a := range assets {
			out[a] = rule
		}
		return out
	}
	wide := func(in *decision.Input) { in.Strategy.Risk.MaxRiskPerTrade = dt.D("100") }
	runGate(t, []gateCase{
		{
			name: "capital", edit: func(in *decision.Input) {
				wide(in)
				in.Account.AvailableUSD, in.Account.MaxPositionSizeUSD = dt.D("5000"), dt.D("20000")
			},
			propose: list(dt.Buy("BTCUSDT", "12000")), refused: refused("available_capital", "BTCUSDT"), warnings: []string{"large_allocation"},
			message: "allocation exceeds available capital: margin 6000 of 5000 available (BTCUSDT 12000 at 2x)",
		},
		{
			name: "capital shared by all", edit: func(in *decision.Input) { in.Account.AvailableUSD = dt.D("2000") },
			propose: list(dt.Buy("BTCUSDT", "3000"), dt.Sell("ETHUSDT", "3000")), refused: refused("available_capital", "BTCUSDT", "ETHUSDT"),
			warnings: []string{"large_allocation", "large_allocation"},
		},
		{name: "position size", edit: wide, propose: list(dt.Buy("BTCUSDT", "10000.01")), refused: refused("position_size", "BTCUSDT"), warnings: []string{"large_allocation"}, message: "position in BTCUSDT must be at most 10000 USD, would be 10000.01"},
		{name: "position size with what is open", edit: func(in *decision.Input) {
			wide(in)
			open(dt.Position("BTCUSDT", decision.Long, "90"))(in)
		}, propose: list(dt.Adjust("BTCUSDT", decision.AdjustIncrease, "1001")), refused: refused("position_size", "BTCUSDT")},
		{name: "leverage of the account", edit: func(in *decision.Input) { in.Account.Leverage = dt.D("3") }, propose: list(dt.Buy("BTCUSDT", "100")), refused: refused("leverage", "BTCUSDT"), message: "leverage of BTCUSDT must be at most 2, is 3"},
		{name: "leverage of the bracket", edit: func(in *decision.Input) {
			a := in.Market.Assets["BTCUSDT"]
			a.Instrument = &marketdata.Instrument{Brackets: []marketdata.Bracket{
				{UpToUSD: dt.Null("1000"), MaxLeverage: dt.D("5"), MaintenancePercent: dt.D("0.5")}, {MaxLeverage: dt.D("1"), MaintenancePercent: dt.D("1")},
			}}
			in.Market.Assets["BTCUSDT"] = a
		}, propose: list(dt.Buy("BTCUSDT", "1000.01"), dt.Buy("ETHUSDT", "1000.01")), refused: refused("leverage", "BTCUSDT")},
		{name: "risk of a trade", propose: list(dt.Buy("BTCUSDT", "6666.67")), refused: refused("risk_per_trade", "BTCUSDT"), warnings: []string{"large_allocation"}, message: "loss at the stop of BTCUSDT must be at most 200 USD (2 % of balance), would be 200.0001 at a distance of 3 %"},
		{name: "risk of a wide stop", propose: list(with(dt.Buy("BTCUSDT", "500"), func(d *decision.AssetDecision) { d.SLPrice = dt.Null("50") })), refused: refused("risk_per_trade", "BTCUSDT"), warnings: []string{"reward_risk"}},
		{name: "risk of a loosened stop", edit: open(dt.Position("BTCUSDT", decision.Long, "60")), propose: list(dt.MoveStop("BTCUSDT", "96")), refused: refused("risk_per_trade", "BTCUSDT")},
		{name: "risk without a stop", edit: func(in *decision.Input) { in.Strategy.Risk.StopRequired = false }, propose: list(with(dt.Buy("BTCUSDT", "6667"), func(d *decision.AssetDecision) { d.SLPrice.Valid = false })), refused: refused("risk_per_trade", "BTCUSDT"), warnings: []string{"large_allocation"}},
		{name: "exposure warning", propose: list(dt.Buy("BTCUSDT", "5000"), dt.Buy("ETHUSDT", "5000"), dt.Buy("SOLUSDT", "2001")), warnings: []string{"exposure"}},
		{name: "exposure", propose: list(dt.Buy("BTCUSDT", "5000"), dt.Buy("ETHUSDT", "5000"), dt.Sell("SOLUSDT", "6001")), refused: refused("exposure", "BTCUSDT", "ETHUSDT", "SOLUSDT"), warnings: []string{"large_allocation"}},
		{name: "exposure of assets not asked about", edit: open(dt.Position("XRPUSDT", decision.Long, "155")), propose: list(dt.Buy("BTCUSDT", "600")), refused: refused("exposure", "BTCUSDT")},
		{name: "concentration warning", edit: func(in *decision.Input) {
			wide(in)
			in.Account.MaxPositionSizeUSD = dt.D("50000")
		}, propose: list(dt.Buy("BTCUSDT", "12002")), warnings: []string{"large_allocation", "exposure", "concentration"}},
		{
			name: "too many positions", edit: open(dt.Position("XRPUSDT", decision.Long, "1"), dt.Position("ADAUSDT", decision.Long, "1")),
			propose: list(dt.Buy("BTCUSDT", "100"), dt.Buy("ETHUSDT", "100")), refused: refused("max_positions", "BTCUSDT", "ETHUSDT"),
			message: "positions must number at most 3, would be 4 (2 open, 2 new)",
		},
		{
			name: "an increase needs no slot", edit: open(dt.Position("XRPUSDT", decision.Long, "1"), dt.Position("ADAUSDT", decision.Long, "1"), dt.Position("BTCUSDT", decision.Long, "1")),
			propose: list(dt.Adjust("BTCUSDT", decision.AdjustIncrease, "100")),
		},
	})
}

func TestGateStopsAfterLossesAndWhenHalted(t *testing.T) {
	t.Parallel()
	all := map[string]string{"BTCUSDT": "daily_loss", "ETHUSDT": "daily_loss"}
	entries := list(dt.Buy("BTCUSDT", "100"), dt.Sell("ETHUSDT", "100"))
	runGate(t, []gateCase{
		{name: "realised loss", edit: func(in *decision.Input) {
			in.Account.BalanceUSD, in.Account.RealizedPnLTodayUSD, in.Account.EquityAtMidnightUSD = dt.D("9500"), dt.D("-500"), dt.Null("10000")
		}, propose: entries, refused: all, message: "P&L since 00:00 UTC must be above -500 USD (-5 % of the day's opening equity), is -500"},
		{name: "just not lost", edit: func(in *decision.Input) {
			in.Account.BalanceUSD, in.Account.RealizedPnLTodayUSD, in.Account.EquityAtMidnightUSD = dt.D("9500.01"), dt.D("-499.99"), dt.Null("10000")
		}, propose: entries},
		{name: "unrealised loss in an asset not asked about", edit: func(in *decision.Input) {
			p := dt.Position("XRPUSDT", decision.Long, "10")
			p.MarkPrice = dt.D("50")
			in.Account.Positions = []decision.Position{p}
		}, propose: entries, refused: all},
		{name: "yesterday's profit does not hide today's loss", edit: func(in *decision.Input) {
			p := dt.Position("XRPUSDT", decision.Long, "20") // entered at 100, 150 at midnight, now 115
			p.MarkPrice = dt.D("115")
			in.Account.Positions, in.Account.EquityAtMidnightUSD = []decision.Position{p}, dt.Null("11000")
		}, propose: entries, refused: all, message: "P&L since 00:00 UTC must be above -550 USD (-5 % of the day's opening equity), is -700"},
		{name: "yesterday's loss does not count today", edit: func(in *decision.Input) {
			p := dt.Position("XRPUSDT", decision.Long, "20") // entered at 100, 65 at midnight, now 70
			p.MarkPrice = dt.D("70")
			in.Account.Positions, in.Account.EquityAtMidnightUSD = []decision.Position{p}, dt.Null("9300")
		}, propose: entries},
		{name: "without a midnight, realised and unrealised", edit: func(in *decision.Input) {
			in.Account.BalanceUSD, in.Account.RealizedPnLTodayUSD = dt.D("9500"), dt.D("-500")
		}, propose: entries, refused: all},
		{name: "halted account", edit: func(in *decision.Input) { in.Account.Halted = true }, propose: entries, refused: map[string]string{"BTCUSDT": "halted", "ETHUSDT": "halted"}},
		{name: "halted globally", edit: func(in *decision.Input) { in.Halted = true }, propose: entries, refused: map[string]string{"BTCUSDT": "halted", "ETHUSDT": "halted"}},
		{name: "cooldown", edit: func(in *decision.Input) {
			in.Account.LastEntryAt = map[string]time.Time{"BTCUSDT": in.At.Add(-599 * time.Second), "ETHUSDT": in.At.Add(-600 * time.Second)}
		}, propose: entries, refused: map[string]string{"BTCUSDT": "cooldown"}, message: "last entry on BTCUSDT must be at least 10m0s ago, was 9m59s"},
		{name: "funding of longs", edit: funding("0.000501"), propose: entries, refused: map[string]string{"BTCUSDT": "funding"}, message: "a long in BTCUSDT may pay at most 5 bps of funding, would pay 5.01"},
		{name: "funding of shorts", edit: funding("-0.000501"), propose: entries, refused: map[string]string{"ETHUSDT": "funding"}},
		{name: "funding at the limit", edit: funding("0.0005"), propose: entries},
		{name: "liquidation too close", edit: func(in *decision.Input) { in.Strategy.Risk.LiquidationBuffer = dt.D("0.4950") }, propose: entries, refused: map[string]string{"BTCUSDT": "liquidation_buffer", "ETHUSDT": "liquidation_buffer"}},
	})
}

func funding(rate string) func(*decision.Input) {
	return func(in *decision.Input) {
		for symbol, a := range in.Market.Assets {
			a.Quote.FundingRate = dt.Null(rate)
			in.Market.Assets[symbol] = a
		}
	}
}

func TestGateChecksExchangeFilters(t *testing.T) {
	t.Parallel()
	filters := func(in *decision.Input) {
		for symbol, a := range in.Market.Assets {
			a.Instrument = &marketdata.Instrument{TickSize: dt.Null("0.5"), LotSize: dt.Null("0.1"), MinNotionalUSD: dt.Null("5")}
			in.Market.Assets[symbol] = a
		}
	}
	held := func(in *decision.Input) {
		filters(in)
		open(dt.Position("BTCUSDT", decision.Long, "10"))(in)
	}
	runGate(t, []gateCase{
		{name: "below the smallest notional", edit: filters, propose: list(dt.Buy("BTCUSDT", "4.99")), refused: map[string]string{"BTCUSDT": "min_notional"}},
		{name: "below one lot", edit: filters, propose: list(dt.Buy("BTCUSDT", "9.99")), refused: map[string]string{"BTCUSDT": "min_notional"}, message: "allocation in BTCUSDT must be at least 5 USD in whole lots, was 0 of 9.99"},
		{name: "one lot", edit: filters, propose: list(dt.Buy("BTCUSDT", "10"))},
		{name: "stop off the tick", edit: filters, propose: list(with(dt.Buy("BTCUSDT", "100"), func(d *decision.AssetDecision) { d.SLPrice = dt.Null("97.3") })), refused: map[string]string{"BTCUSDT": "tick_size"}},
		{name: "tightened stop off the tick is kept", edit: held, propose: list(dt.MoveStop("BTCUSDT", "98.3")), warnings: []string{"tick_size"}},
	})
}

func TestGateNeverBlocksWhatReducesRisk(t *testing.T) {
	t.Parallel()
	// Every limit is broken at once: no data, halted, over every size, deep in
	// loss, nothing available.
	broken := func(in *decision.Input) {
		in.Halted, in.Account.Halted = true, true
		in.Account.BalanceUSD, in.Account.AvailableUSD = dt.D("-1"), dt.D("0")
		in.Account.RealizedPnLTodayUSD, in.Account.Leverage = dt.D("-9000"), dt.D("20")
		in.Strategy.MaxPositions = 1
		in.Market = marketdata.Snapshot{At: in.At}
		in.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "5000"), dt.Position("ETHUSDT", decision.Short, "5000"), dt.Position("SOLUSDT", decision.Long, "1")}
		in.Account.LastEntryAt = map[string]time.Time{"BTCUSDT": in.At}
	}
	runGate(t, []gateCase{
		{name: "close", edit: broken, propose: list(dt.Act("BTCUSDT", decision.ActionClosePosition))},
		{name: "decrease", edit: broken, propose: list(dt.Adjust("BTCUSDT", decision.AdjustDecrease, "1000"))},
		{name: "tighten a long", edit: broken, propose: list(dt.MoveStop("BTCUSDT", "99"))},
		{name: "tighten a short", edit: broken, propose: list(dt.MoveStop("ETHUSDT", "101"))},
		{name: "move a target", edit: broken, propose: list(orders(decision.OrderAdjustment{AdjustTP: true, NewTPPrice: dt.Null("105")}))},
		{name: "hold", edit: broken, propose: list(dt.Act("BTCUSDT", decision.ActionHold))},
		{name: "an entry does not take a close with it", edit: broken, propose: list(dt.Act("BTCUSDT", decision.ActionClosePosition), dt.Sell("ETHUSDT", "10")), refused: map[string]string{"ETHUSDT": "market_data"}, warnings: []string{"large_allocation"}},
		{name: "loosening is refused", edit: broken, propose: list(dt.MoveStop("BTCUSDT", "96")), refused: map[string]string{"BTCUSDT": "market_data"}},
	})
}

func TestAddsRiskKnowsThePosition(t *testing.T) {
	t.Parallel()
	noStop := func(p decision.Position) decision.Position { p.SLPrice.Valid = false; return p }
	decreaseTo := func(usd, stop string) decision.AssetDecision {
		return with(dt.Adjust("BTCUSDT", decision.AdjustDecrease, usd), func(d *decision.AssetDecision) { d.PositionAdjustment.NewSLPrice = dt.Null(stop) })
	}
	long, short := dt.Position("BTCUSDT", decision.Long, "10"), dt.Position("BTCUSDT", decision.Short, "10")
	for name, c := range map[string]struct {
		position decision.Position
		act      decision.AssetDecision
		adds     bool
	}{
		"buy":                           {long, dt.Buy("BTCUSDT", "1"), true},
		"hold":                          {long, dt.Act("BTCUSDT", decision.ActionHold), false},
		"close":                         {long, dt.Act("BTCUSDT", decision.ActionClosePosition), false},
		"increase":                      {long, dt.Adjust("BTCUSDT", decision.AdjustIncrease, "1"), true},
		"decrease":                      {long, dt.Adjust("BTCUSDT", decision.AdjustDecrease, "1"), false},
		"decrease by a negative amount": {long, decreaseTo("-500", "97"), false},
		"decrease, looser stop":         {long, decreaseTo("500", "93.9"), false},
		"tighter long stop":             {long, dt.MoveStop("BTCUSDT", "98"), false},
		"same stop":                     {long, dt.MoveStop("BTCUSDT", "97"), false},
		"looser long stop":              {long, dt.MoveStop("BTCUSDT", "96.99"), true},
		"tighter short stop":            {short, dt.MoveStop("BTCUSDT", "102"), false},
		"looser short stop":             {short, dt.MoveStop("BTCUSDT", "103.01"), true},
		"first stop of a long":          {noStop(long), dt.MoveStop("BTCUSDT", "1"), false},
		"first stop of a short":         {noStop(short), dt.MoveStop("BTCUSDT", "900"), false},
		"cancelled stop":                {long, orders(decision.OrderAdjustment{CancelSL: true}), true},
		"cancelled stop that never was": {noStop(long), orders(decision.OrderAdjustment{CancelSL: true}), false},
		"cancelled target":              {long, orders(decision.OrderAdjustment{CancelTP: true}), false},
		"unknown action":                {long, dt.Act("BTCUSDT", "liquidate"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := dt.Input("BTCUSDT")
			in.Account.Positions = []decision.Position{c.position}
			require.Equal(t, c.adds, in.AddsRisk(c.act))
		})
	}
}
