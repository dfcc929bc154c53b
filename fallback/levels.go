package fallback

import (
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
)

// levels are the protective prices of an entry and their distances from the
// last price, in percent.
type levels struct {
	stop, target               decimal.Decimal
	stopPercent, targetPercent decimal.Decimal
}

// levels places stop and target. The stop is the nearer of support (or
// resistance) and a multiple of ATR, and never nearer than the strategy's
// distance. Both prices are rounded away from the last price, so that neither
// the stop's distance nor the ratio falls below what the strategy asks.
func (s settings) levels(a *subject, side decision.Side) (levels, error) {
	risk, last := a.in.Strategy.Risk, a.asset.Quote.Last
	if !a.reading.atr.Valid {
		return levels{}, errNoATR
	}
	distance := a.reading.atr.Decimal.Mul(s.stops.ATRMultiple)
	if room := a.reading.room(last, side); room.IsPositive() {
		distance = decimal.Min(distance, room)
	}
	distance = decimal.Max(distance, last.Mul(risk.StopLossPercentage).Shift(-2))
	tick := a.tick()
	var l levels
	l.stop = away(last, distance.Neg(), side, tick)
	reached := last.Sub(l.stop).Abs()
	l.target = away(last, reached.Mul(risk.TakeProfitRatio), side, tick)
	l.stopPercent, l.targetPercent = percentUp(reached, last), percentUp(l.target.Sub(last).Abs(), last)
	below, above := l.stop, l.target
	if side == decision.Short {
		below, above = l.target, l.stop
	}
	if !below.IsPositive() || !below.LessThan(last) || !above.GreaterThan(last) {
		return levels{}, fmt.Errorf("no stop and target around %s: stop %s, target %s", last, l.stop, l.target)
	}
	return l, nil
}

// room is how far support (for a long) or resistance (for a short) is from
// the price; not positive when the price is already beyond it.
func (r reading) room(price decimal.Decimal, side decision.Side) decimal.Decimal {
	if side == decision.Short {
		return r.high.Sub(price)
	}
	return price.Sub(r.low)
}

// away is the price a signed distance in favour of the side, rounded to the
// tick away from where it started.
func away(from, gain decimal.Decimal, side decision.Side, tick decimal.NullDecimal) decimal.Decimal {
	if side == decision.Short {
		gain = gain.Neg()
	}
	return round(from.Add(gain), tick, gain.IsPositive())
}

// round is the next multiple of the tick, or without one the next number of 8
// significant digits, up or down. A price that is not positive stays as it is.
func round(price decimal.Decimal, tick decimal.NullDecimal, up bool) decimal.Decimal {
	const digits = 8
	if !price.IsPositive() {
		return price
	}
	step := tick.Decimal
	if !tick.Valid {
		step = decimal.New(1, int32(price.NumDigits())+price.Exponent()-digits) //nolint:gosec // at most a few hundred digits
	}
	steps, rest := price.QuoRem(step, 0)
	if up && rest.IsPositive() {
		steps = steps.Add(decimal.New(1, 0))
	}
	return steps.Mul(step)
}

// percentUp is part ÷ whole in percent, rounded up to 8 places.
func percentUp(part, whole decimal.Decimal) decimal.Decimal {
	return part.Mul(decimal.New(100, 0)).DivRound(whole, 16).RoundUp(8)
}

// tick is the price step of the asset; null when it is unknown.
func (a *subject) tick() decimal.NullDecimal {
	if i := a.asset.Instrument; i != nil && i.TickSize.Valid && usable(i.TickSize.Decimal) {
		return i.TickSize
	}
	return decimal.NullDecimal{}
}

// tighter is the stop that a position against the trend gets: a multiple of
// ATR from the last close, rounded away from it. The error says why the
// present stop stays.
func (s settings) tighter(a *subject) (decimal.Decimal, error) {
	if !a.reading.atr.Valid {
		return decimal.Decimal{}, errNoATR
	}
	p := a.position
	stop := away(a.reading.close, a.reading.atr.Decimal.Mul(s.stops.TightenATRMultiple).Neg(), p.Side, a.tick())
	sign := decimal.New(1, 0)
	if p.Side == decision.Short {
		sign = sign.Neg()
	}
	for _, price := range [...]decimal.Decimal{a.asset.Quote.Last, a.asset.Quote.Price()} {
		if !stop.IsPositive() || !price.Sub(stop).Mul(sign).IsPositive() {
			return decimal.Decimal{}, fmt.Errorf("a stop at %s is not on the losing side of the price %s", stop, price)
		}
	}
	if p.SLPrice.Valid && !stop.Sub(p.SLPrice.Decimal).Mul(sign).IsPositive() {
		return decimal.Decimal{}, fmt.Errorf("the stop at %s is already as tight as %s", p.SLPrice.Decimal, stop)
	}
	return stop, nil
}

// usable reports a price that arithmetic can be done with: positive and of a
// size that markets have.
func usable(price decimal.Decimal) bool {
	e := price.Exponent()
	return price.IsPositive() && e >= -60 && e <= 30 && price.NumDigits() <= 90
}
