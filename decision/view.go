package decision

import (
	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

var (
	one     = decimal.NewFromInt(1)   //nolint:gochecknoglobals // a constant that Go cannot write as one
	hundred = decimal.NewFromInt(100) //nolint:gochecknoglobals // a constant that Go cannot write as one
)

// view is what the rules read: the input, the proposal and what follows from
// them, derived once a gate.
type view struct {
	in        *Input
	p         *Proposal
	entries   []entry
	marginUSD decimal.Decimal // of all open positions
	// maxLossUSD is what one position may lose at its stop; pnlUSD is the
	// day's, and nothing may be risked once it has reached pnlLimitUSD.
	maxLossUSD, pnlUSD, pnlLimitUSD decimal.Decimal
	cross                           crossed // see crossEquityUSD
}

// entry is one proposed action as limits see it.
type entry struct {
	index    int
	d        *AssetDecision
	ask      ask
	addsRisk bool
	opens    bool            // a position in an asset that has none
	addUSD   decimal.Decimal // notional that it adds; zero for reductions and moved stops
	// stop and take are those in force after the action, null when none.
	stop, take decimal.NullDecimal
	// setsStop and setsTake: the action itself names the price.
	setsStop, setsTake bool
	fixes              fixes // what is taken off the kept action, with a warning
}

// fixes are flaws of an action that adds no risk. They cost it the flawed part
// and not the reduction.
type fixes struct {
	stop, take, confidence, percentage bool
	capUSD                             decimal.NullDecimal // for a decrease beyond the position
}

// ask is an Ask with what is known of its asset.
type ask struct {
	asset string
	side  Side // empty when the action has none
	// stopPercent is the distance of the stop, at least the strategy's: a stop
	// beside the price must not make room for any size.
	stopPercent decimal.Decimal
	market      *marketdata.Asset // nil: no fresh data
	position    *Position         // nil: none open
	leverage    decimal.Decimal   // of the position, or of the account for a new one
	// within is the room that other rules leave; a rule that leaves as much may
	// answer that it has no bound.
	within  decimal.NullDecimal
	sureUSD decimal.NullDecimal // see surelyTradableUSD
}

func newView(in *Input, p *Proposal) *view {
	v := &view{in: in, p: p, entries: make([]entry, len(p.Decision.Decisions))}
	v.maxLossUSD = in.Account.BalanceUSD.Mul(in.Strategy.Risk.MaxRiskPerTrade).Shift(-2)
	for i := range in.Account.Positions {
		a := v.ask(in.Account.Positions[i].Symbol, in.Account.Positions[i].Side)
		v.marginUSD = v.marginUSD.Add(divUp(a.heldUSD(), a.leverage))
	}
	v.pnlUSD, v.pnlLimitUSD = v.dayLoss()
	for i := range p.Decision.Decisions {
		v.entries[i] = v.entry(i, &p.Decision.Decisions[i])
	}
	return v
}

// ask looks up what is known of an asset.
func (v *view) ask(asset string, side Side) ask {
	a := ask{asset: asset, side: side, stopPercent: v.in.Strategy.Risk.StopLossPercentage, leverage: v.in.Account.Leverage}
	if m, ok := v.in.Market.Assets[asset]; ok && m.Quote.Last.IsPositive() {
		a.market = &m
	}
	for i := range v.in.Account.Positions {
		if v.in.Account.Positions[i].Symbol == asset {
			a.position = &v.in.Account.Positions[i]
			a.leverage = a.position.Leverage
		}
	}
	return a
}

func (v *view) entry(index int, d *AssetDecision) entry {
	e := entry{index: index, d: d, ask: v.ask(d.Asset, "")}
	held := e.ask.position
	if held != nil {
		e.ask.side = held.Side
		e.stop, e.take = e.ask.resting(held.SLPrice, held.Side == Long), e.ask.resting(held.TPPrice, held.Side == Short)
	}
	switch d.Action {
	case ActionBuy, ActionSell:
		e.ask.side = Long
		if d.Action == ActionSell {
			e.ask.side = Short
		}
		e.addUSD, e.opens = d.AllocationUSD, held == nil
		e.set(d.SLPrice, d.TPPrice)
	case ActionAdjustPosition:
		if a := d.PositionAdjustment; a != nil {
			if a.Type != AdjustDecrease {
				e.addUSD = a.AmountUSD
			}
			e.set(a.NewSLPrice, a.NewTPPrice)
		}
	case ActionAdjustOrders:
		if a := d.OrderAdjustment; a != nil {
			e.setOrders(a)
		}
	case ActionHold, ActionClosePosition:
	}
	e.addsRisk = v.in.addsRisk(d, held, e.ask.worth())
	if e.stop.Valid && e.ask.market != nil {
		last := e.ask.market.Quote.Last
		e.ask.stopPercent = decimal.Max(e.ask.stopPercent, divUp(last.Sub(e.stop.Decimal).Abs().Mul(hundred), last))
	}
	return e
}

// resting is an order of the open position, null when the price has crossed it
// already: it was filled or it failed, and protects nothing any more.
func (a *ask) resting(price decimal.NullDecimal, below bool) decimal.NullDecimal {
	last, known := a.last()
	if price.Valid && known && (below && !price.Decimal.LessThan(last) || !below && !price.Decimal.GreaterThan(last)) {
		return decimal.NullDecimal{}
	}
	return price
}

func (e *entry) set(stop, take decimal.NullDecimal) {
	if stop.Valid {
		e.stop, e.setsStop = stop, true
	}
	if take.Valid {
		e.take, e.setsTake = take, true
	}
}

func (e *entry) setOrders(a *OrderAdjustment) {
	if a.AdjustSL && a.NewSLPrice.Valid {
		e.stop, e.setsStop = a.NewSLPrice, true
	}
	if a.AdjustTP && a.NewTPPrice.Valid {
		e.take, e.setsTake = a.NewTPPrice, true
	}
	if a.CancelSL { // also when it is adjusted, which Shape refuses
		e.stop, e.setsStop = decimal.NullDecimal{}, false
	}
	if a.CancelTP {
		e.take, e.setsTake = decimal.NullDecimal{}, false
	}
}

// last is the price that stops and targets are judged by; false without data.
func (a *ask) last() (decimal.Decimal, bool) {
	if a.market == nil {
		return decimal.Decimal{}, false
	}
	return a.market.Quote.Last, true
}

// heldUSD is the notional that is open already, by the account's mark price or
// the market's last price, whichever makes it larger: a wrong mark must not
// make room.
func (a *ask) heldUSD() decimal.Decimal {
	if a.position == nil {
		return decimal.Zero
	}
	return a.position.Quantity.Mul(decimal.Max(a.position.MarkPrice, a.worth()))
}

// worth is the market's last price, or the account's mark price without one;
// zero when there is neither.
func (a *ask) worth() decimal.Decimal {
	if last, ok := a.last(); ok {
		return last
	}
	if a.position != nil {
		return a.position.MarkPrice
	}
	return decimal.Zero
}

// AddsRisk reports whether the action can increase what may be lost, given the
// open position: opening and increasing do; moving or cancelling a stop does
// when the loss at the stop afterwards is larger than before. A position without
// a stop, or with one that was crossed, counts as able to lose its whole
// notional; crossed is a stop once both the last price and the account's mark
// are beyond it, for exchanges trigger by either. A decrease never does: the
// gate takes a stop off it that would be farther away.
func (in Input) AddsRisk(d AssetDecision) bool {
	held, ok := in.Account.Position(d.Asset)
	if !ok {
		return in.addsRisk(&d, nil, decimal.Zero)
	}
	price := held.MarkPrice
	if m, ok := in.Market.Assets[d.Asset]; ok && m.Quote.Last.IsPositive() {
		price = m.Quote.Last
	}
	return in.addsRisk(&d, &held, price)
}

func (in *Input) addsRisk(d *AssetDecision, held *Position, price decimal.Decimal) bool {
	if !d.AddsRisk() || held == nil || d.Action == ActionBuy || d.Action == ActionSell {
		return d.AddsRisk()
	}
	after := *held
	switch {
	case d.PositionAdjustment != nil && d.Action == ActionAdjustPosition:
		return d.PositionAdjustment.Type != AdjustDecrease
	case d.OrderAdjustment != nil && d.Action == ActionAdjustOrders:
		a := d.OrderAdjustment
		if a.CancelSL {
			after.SLPrice = decimal.NullDecimal{}
		} else if a.AdjustSL {
			after.SLPrice = a.NewSLPrice
		}
		return losesMore(held, &after, price)
	}
	return true
}

// losesMore reports whether the position with the stop of after can lose more
// from this price than it can before. Without a stop, or with one that this
// price and the account's mark have crossed, the loss has no bound.
func losesMore(before, after *Position, price decimal.Decimal) bool {
	if !before.Quantity.IsPositive() || !before.SLPrice.Valid {
		return false
	}
	if !stopDistance(before, price).IsPositive() && !stopDistance(before, before.MarkPrice).IsPositive() {
		return false
	}
	return !after.SLPrice.Valid || stopDistance(after, price).GreaterThan(stopDistance(before, price))
}

// stopDistance is how far the price is from the stop on the losing side, in
// price units; zero for a stop that the price has crossed.
func stopDistance(p *Position, price decimal.Decimal) decimal.Decimal {
	distance := price.Sub(p.SLPrice.Decimal)
	if p.Side == Short {
		distance = distance.Neg()
	}
	return decimal.Max(distance, decimal.Zero)
}
