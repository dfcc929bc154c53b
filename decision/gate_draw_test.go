package decision_test

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

// dice draw evenly. Rapid's own generators prefer small numbers, and of an
// input of thirty of them next to nothing is ever kept by the gate.
type dice struct {
	*rand.Rand
	continuous bool // brackets always have deductions
}

func throw(t *rapid.T) dice {
	return rolled(rapid.Uint64().Draw(t, "seed"), rapid.Uint64().Draw(t, "seed"))
}

func rolled(a, b uint64) dice {
	return dice{Rand: rand.New(rand.NewPCG(a, b))} //nolint:gosec // of tests
}

// decimal is low to high in steps of 10^-places.
func (d dice) decimal(low, high int64, places int32) decimal.Decimal {
	steps := decimal.NewFromInt(high - low).Shift(places).IntPart()
	return decimal.NewFromInt(low).Add(decimal.New(d.Int64N(steps+1), -places))
}

func (d dice) oneIn(n int) bool { return d.IntN(n) == 0 }

func oneOf[T any](d dice, values ...T) T { return values[d.IntN(len(values))] }

// drawWildInput is an account and a market of any kind: most of it plausible,
// so that something is kept, and some of it at or beyond a limit.
func drawWildInput(t *rapid.T) decision.Input { return throw(t).input() }

func (d dice) input() decision.Input {
	in := dt.Input(propertySymbols...)
	in.Strategy = d.strategy()
	in.Account = d.account()
	if !d.oneIn(4) {
		in.Account.Leverage = decimal.Min(in.Account.Leverage, in.Strategy.Risk.MaxLeverage)
	}
	in.Halted = d.oneIn(30)
	for _, symbol := range append([]string{"XRPUSDT"}, propertySymbols...) {
		last := d.decimal(0, 3, 6).Add(dt.D("0.1")).Mul(decimal.New(1, oneOf(d, int32(-3), 0, 2, 4)))
		if d.oneIn(12) {
			delete(in.Market.Assets, symbol)
			in.Market.Failures = map[string]marketdata.Failure{symbol: {Symbol: symbol, Reason: marketdata.ReasonStale}}
		} else {
			in.Market.Assets[symbol] = d.asset(symbol, last, in.At)
		}
		if d.oneIn(5) {
			in.Account.Positions = append(in.Account.Positions, d.position(symbol, last))
		}
		if d.oneIn(6) {
			in.Account.LastEntryAt = map[string]time.Time{symbol: in.At.Add(-time.Duration(d.IntN(2000)-10) * time.Second)}
		}
	}
	if err := in.Account.Validate(); err != nil {
		panic(err) // these dice are wrong
	}
	in.Envelope = decision.DefaultRules().Envelope(in)
	return in
}

func (d dice) strategy() decision.Strategy {
	s, err := decision.LoadStrategy(oneOf(d, decision.StrategyIDs()...))
	if err != nil {
		panic(err) // the strategies are embedded
	}
	if d.oneIn(2) {
		s.Risk.LiquidationBuffer = d.decimal(0, 1, 3).Mul(dt.D("0.3"))
		return s
	}
	s.Risk.MaxRiskPerTrade = d.decimal(0, 10, 2).Add(dt.D("0.1"))
	s.Risk.MaxDailyLoss = s.Risk.MaxRiskPerTrade.Add(d.decimal(0, 20, 1))
	s.Risk.StopLossPercentage = d.decimal(0, 8, 2).Add(dt.D("0.1"))
	s.Risk.MaxLeverage = d.decimal(2, 20, 1)
	s.Risk.MaxFundingRateBps = d.decimal(0, 20, 1)
	s.Risk.LiquidationBuffer = d.decimal(0, 1, 3).Mul(dt.D("0.3"))
	s.Risk.StopRequired = d.oneIn(2)
	s.Risk.CooldownSeconds = d.IntN(1800)
	s.MaxPositions = 1 + d.IntN(6)
	if d.oneIn(3) {
		s.Risk.MinConfidence = decimal.NewNullDecimal(d.decimal(0, 100, 1))
	}
	if d.oneIn(3) {
		s.Risk.MinRewardRisk = decimal.NewNullDecimal(d.decimal(0, 4, 2).Add(dt.D("0.01")))
	}
	return s
}

func (d dice) mode() decision.MarginMode {
	return oneOf(d, "", decision.MarginIsolated, decision.MarginCross)
}

func (d dice) account() decision.Account {
	a := dt.Account()
	a.BalanceUSD = oneOf(d, append(slices.Repeat([]decimal.Decimal{d.decimal(1000, 20_000, 2)}, 15), d.decimal(-100, 100, 2))...)
	a.AvailableUSD = oneOf(d, decimal.Max(a.BalanceUSD, decimal.Zero), d.decimal(0, 20_000, 2))
	a.Leverage = oneOf(d, dt.D("1"), dt.D("2"), d.decimal(1, 5, 1), d.decimal(1, 20, 1))
	a.MaxPositionSizeUSD = oneOf(d, d.decimal(1000, 50_000, 0), d.decimal(1, 2000, 0))
	a.RealizedPnLTodayUSD = oneOf(d, decimal.Zero, decimal.Zero, decimal.Zero, d.decimal(-600, 600, 2))
	if d.oneIn(3) {
		a.EquityAtMidnightUSD = decimal.NewNullDecimal(decimal.Max(a.BalanceUSD.Mul(d.decimal(95, 105, 1)).Shift(-2), decimal.Zero))
	}
	a.Halted = d.oneIn(25)
	a.MarginMode = d.mode()
	return a
}

func (d dice) asset(symbol string, last decimal.Decimal, at time.Time) marketdata.Asset {
	age := oneOf(d, 0, 0, 0, time.Duration(d.IntN(66))*time.Second)
	a := marketdata.Asset{Symbol: symbol, Quote: marketdata.Quote{Last: last, LastAt: at.Add(-age), Mark: decimal.NewNullDecimal(last)}}
	if d.oneIn(2) {
		a.Quote.FundingRate = decimal.NewNullDecimal(d.decimal(-10, 10, 1).Shift(-4))
	}
	if d.oneIn(2) {
		a.Instrument = &marketdata.Instrument{
			TickSize: dt.Null("0.000001"), MinNotionalUSD: decimal.NewNullDecimal(d.decimal(0, 50, 0)),
			LotSize:     decimal.NewNullDecimal(divided(d.decimal(1, 40, 0), last)),
			MinQuantity: decimal.NewNullDecimal(divided(d.decimal(1, 60, 0), last)),
		}
		if d.oneIn(2) {
			a.Instrument.Brackets = d.brackets()
		}
	}
	return a
}

func divided(usd, price decimal.Decimal) decimal.Decimal {
	return usd.DivRound(price, 4).Add(dt.D("0.0001"))
}

// brackets are a table as exchanges have them: rates rise, and the deductions
// make the maintenance margin continuous. Sometimes there are none.
func (d dice) brackets() []marketdata.Bracket {
	steps, deducts := 1+d.IntN(4), d.oneIn(2) || d.continuous
	var out []marketdata.Bracket
	floor, rate, deduction := decimal.Zero, d.decimal(0, 2, 2), decimal.Zero
	for i := range steps {
		b := marketdata.Bracket{MaxLeverage: decimal.NewFromInt(int64(20 / (i + 1))), MaintenancePercent: rate, DeductionUSD: deduction}
		floor = floor.Add(d.decimal(100, 9000, 0))
		if i < steps-1 || d.oneIn(2) {
			b.UpToUSD = decimal.NewNullDecimal(floor)
		}
		out = append(out, b)
		more := d.decimal(0, 5, 2)
		rate = rate.Add(more)
		if deducts {
			deduction = deduction.Add(floor.Mul(more).Shift(-2))
		}
	}
	return out
}

func (d dice) position(symbol string, last decimal.Decimal) decision.Position {
	near := func(percent int64) decimal.Decimal {
		return last.Mul(dt.D("1").Add(d.decimal(-percent, percent, 1).Shift(-2))).Round(8).Add(dt.D("0.00000001"))
	}
	p := dt.Position(symbol, oneOf(d, decision.Long, decision.Short), "1")
	p.MarkPrice, p.EntryPrice = near(1), near(4)
	p.Quantity = divided(d.decimal(1, 4000, 0), last)
	p.Leverage = oneOf(d, dt.D("2"), d.decimal(1, 5, 1), d.decimal(1, 20, 1))
	p.SLPrice = decimal.NullDecimal{Decimal: near(5), Valid: !d.oneIn(4)}
	p.TPPrice = decimal.NullDecimal{Decimal: near(10), Valid: d.oneIn(2)}
	p.MarginMode = d.mode()
	return p
}

// drawWildProposal asks for amounts at, near and far from what the envelope
// says, with stops and targets at any distance.
func drawWildProposal(t *rapid.T, in decision.Input) decision.Proposal { return throw(t).proposal(in) }

func (d dice) proposal(in decision.Input) decision.Proposal {
	var actions []decision.AssetDecision
	for _, symbol := range append(slices.Clone(propertySymbols), "DOGEUSDT") {
		if symbol == "DOGEUSDT" && !d.oneIn(10) || d.oneIn(4) {
			continue
		}
		actions = append(actions, d.action(in, symbol))
		if d.oneIn(15) {
			actions = append(actions, d.action(in, symbol))
		}
	}
	return numbered(dt.Propose(actions...))
}

func (d dice) action(in decision.Input, symbol string) decision.AssetDecision {
	kinds := append(decision.Actions(), decision.ActionBuy, decision.ActionSell, decision.ActionBuy, decision.ActionSell, decision.ActionAdjustPosition)
	if _, open := in.Account.Position(symbol); !open && !d.oneIn(6) {
		kinds = []decision.Action{decision.ActionBuy, decision.ActionSell, decision.ActionHold}
	}
	a := dt.Act(symbol, oneOf(d, kinds...))
	if d.oneIn(60) {
		a.Action = "long"
	}
	a.Confidence = oneOf(d, dt.D("80"), dt.D("95"), d.decimal(-1, 102, 0))
	a.Rationale = oneOf(d, append(slices.Repeat([]string{"because"}, 20), " ")...)
	last, long := dt.D("100"), a.Action != decision.ActionSell
	if m, ok := in.Market.Assets[symbol]; ok {
		last = m.Quote.Last
	}
	if held, ok := in.Account.Position(symbol); ok && a.Action != decision.ActionBuy {
		long = held.Side == decision.Long
	}
	away := func(below bool, most int64) decimal.NullDecimal {
		if d.oneIn(8) {
			return decimal.NullDecimal{}
		}
		fraction := d.decimal(0, most, 2).Shift(-2)
		if below != d.oneIn(20) { // now and then on the wrong side
			fraction = fraction.Neg()
		}
		return decimal.NewNullDecimal(last.Mul(dt.D("1").Add(fraction)).Round(6))
	}
	stop, take := func() decimal.NullDecimal { return away(long, 4) }, func() decimal.NullDecimal { return away(!long, 12) }
	amount := d.amount(in, symbol)
	if a.Action == decision.ActionBuy || a.Action == decision.ActionSell || d.oneIn(20) {
		a.AllocationUSD = amount
	}
	a.SLPrice, a.TPPrice = stop(), take()
	if a.Action == decision.ActionAdjustPosition && !d.oneIn(20) || d.oneIn(20) {
		kind := oneOf(d, decision.AdjustIncrease, decision.AdjustDecrease, decision.AdjustIncrease, decision.AdjustDecrease, "both")
		a.PositionAdjustment = &decision.PositionAdjustment{Type: kind, AmountUSD: amount, NewSLPrice: stop(), NewTPPrice: take()}
	}
	if a.Action == decision.ActionAdjustOrders && !d.oneIn(20) {
		a.OrderAdjustment = &decision.OrderAdjustment{
			AdjustTP: d.oneIn(2), AdjustSL: d.oneIn(2), CancelTP: d.oneIn(6), CancelSL: d.oneIn(6), NewSLPrice: stop(), NewTPPrice: take(),
		}
	}
	return a
}

func (d dice) amount(in decision.Input, symbol string) decimal.Decimal {
	room, _ := in.Envelope.Asset(symbol)
	if !room.MaxLongUSD.IsPositive() && !room.MaxShortUSD.IsPositive() {
		return d.decimal(1, 2000, 2)
	}
	most := decimal.Max(room.MaxLongUSD, room.MaxShortUSD)
	switch n := d.IntN(40); {
	case n < 24:
		return most.Mul(d.decimal(0, 1, 2)).Mul(dt.D("0.5")).Add(dt.D("0.01")).Round(2)
	case n < 30:
		return oneOf(d, room.MaxLongUSD, room.MaxShortUSD)
	case n < 34:
		return oneOf(d, room.MaxLongUSD, room.MaxShortUSD).Add(dt.D("0.01"))
	case n < 39:
		return oneOf(d, most.Mul(d.decimal(1, 3, 2)), d.decimal(0, 2000, 2), d.decimal(0, 30_000, 2))
	}
	return oneOf(d, dt.D("-1"), dt.D("0"), dt.D("1e12"), dt.D("1e70"))
}
