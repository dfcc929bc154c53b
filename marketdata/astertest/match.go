package astertest

import (
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// working is the price that the order's trigger looks at.
func (e *Exchange) working(o *order) decimal.Decimal {
	if o.workingType == markPrice {
		return o.market.mark(e.now)
	}
	return o.market.last
}

// triggered reports whether the price is where the order waits for it.
func (e *Exchange) triggered(o *order) bool {
	if o.above() {
		return e.working(o).GreaterThanOrEqual(o.stop)
	}
	return e.working(o).LessThanOrEqual(o.stop)
}

// crossing is something that happens when the last price of a market reaches
// a level: an order triggers or trades, or a position is liquidated.
type crossing struct {
	market   *market
	level    decimal.Decimal
	at       time.Time
	order    *order    // or
	position *position // of
	account  *account
}

// leg is how the price of a market moves between two turns: on a line.
type leg struct {
	market   *market
	from, to decimal.Decimal
}

// reach is when the leg, which lasts from start to end, reaches a level, and
// whether it does. Already past counts as at once.
func (l leg) reach(level decimal.Decimal, above bool, start, end time.Time) (time.Time, bool) {
	past := func(price decimal.Decimal) bool {
		if above {
			return price.GreaterThanOrEqual(level)
		}
		return price.LessThanOrEqual(level)
	}
	switch {
	case past(l.from):
		return start, true
	case !past(l.to):
		return end, false
	}
	part := level.Sub(l.from).Abs().Mul(decimal.NewFromInt(int64(end.Sub(start)))).DivRound(l.to.Sub(l.from).Abs(), 0)
	return start.Add(min(time.Duration(part.IntPart()), end.Sub(start))), true
}

// match lets everything happen that the prices cause on their way from now to
// a time before which no path turns.
func (e *Exchange) match(to time.Time) {
	for {
		legs := e.legs(to)
		first := e.firstCrossing(legs, to)
		if first == nil {
			for _, l := range legs {
				l.market.last = l.to
			}
			break
		}
		e.now = first.at
		for _, l := range legs {
			l.market.last = e.tape.price(l.market.symbol, e.now)
		}
		first.market.last = first.market.within(first.level, legs[first.market.symbol])
		e.happen(first)
	}
	e.now = to
}

// within is the level as a last price: on a tick, not beyond the leg.
func (m *market) within(level decimal.Decimal, l leg) decimal.Decimal {
	price := floorTo(level, m.tick)
	if l.to.GreaterThan(l.from) && price.LessThan(level) {
		price = price.Add(m.tick)
	}
	return decimal.Max(decimal.Min(price, decimal.Max(l.from, l.to)), decimal.Min(l.from, l.to))
}

// legs are the ways of the markets in which somebody has an interest.
func (e *Exchange) legs(to time.Time) map[string]leg {
	legs := map[string]leg{}
	add := func(m *market) {
		if _, found := legs[m.symbol]; !found {
			legs[m.symbol] = leg{m, m.last, e.tape.price(m.symbol, to)}
		}
	}
	for _, a := range e.accounts {
		for _, p := range a.positions {
			add(p.market)
		}
		for _, o := range a.open {
			add(o.market)
		}
	}
	return legs
}

// firstCrossing is the earliest of all, of equals the first account's, its
// liquidations before its orders; nil when nothing happens.
func (e *Exchange) firstCrossing(legs map[string]leg, to time.Time) *crossing {
	var first *crossing
	consider := func(c crossing, above bool) {
		at, reached := legs[c.market.symbol].reach(c.level, above, e.now, to)
		if reached && (first == nil || at.Before(first.at)) {
			c.at = at
			first = &c
		}
	}
	for _, a := range e.accounts {
		for _, p := range a.positions {
			if price := e.liquidationPrice(a, p); price.IsPositive() {
				level := price.DivRound(p.market.basis(e.now), pricePlaces)
				consider(crossing{market: p.market, level: level, position: p, account: a}, p.amount.IsNegative())
			}
		}
		for _, o := range a.open {
			level, above := e.level(o)
			consider(crossing{market: o.market, level: level, order: o, account: a}, above)
		}
	}
	return first
}

// level is the last price that an order waits for.
func (e *Exchange) level(o *order) (level decimal.Decimal, above bool) {
	switch {
	case o.conditional() && o.workingType == markPrice:
		return o.stop.DivRound(o.market.basis(e.now), pricePlaces), o.above()
	case o.conditional():
		return o.stop, o.above()
	case o.side == buy:
		return o.price.Sub(o.market.tick), false // the ask is a tick above
	}
	return o.price, true
}

func (e *Exchange) happen(c *crossing) {
	switch {
	case c.position != nil:
		e.liquidate(c.account, c.position, floorTo(c.market.mark(e.now), c.market.tick))
	case c.order.conditional():
		e.trigger(c.order)
	default:
		e.tradeResting(c.order)
	}
}

// trigger turns a conditional order into its child and lets it trade.
func (e *Exchange) trigger(o *order) {
	p := o.account.position(o.market, o.positionSide)
	if strings.HasSuffix(o.kind, "_MARKET") {
		o.kind = marketType
	} else {
		o.kind = limit
	}
	o.updated = e.now
	if o.closePosition {
		o.quantity = p.amount.Abs()
	}
	if !o.reduces() && e.affordable(o, p) != nil || o.reduces() && !o.closes(p).IsPositive() {
		e.finish(o, statusExpired)
		return
	}
	e.tryTrade(o)
}

// tradeResting fills a limit order that the price has come to. Its margin was
// bound since it was accepted; a position to reduce may be gone.
func (e *Exchange) tradeResting(o *order) {
	if o.reduces() && !o.closes(o.account.position(o.market, o.positionSide)).IsPositive() {
		e.finish(o, statusExpired)
		return
	}
	e.fill(o, o.price, true)
}
