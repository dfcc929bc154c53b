package astertest

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

// path is how the price runs through one candle: from the open to one extreme
// in the first quarter of the time, to the other until the last quarter, then
// to the close. A rising candle visits its low first.
type path struct {
	candle marketdata.Candle
	length time.Duration
	tick   decimal.Decimal
}

func (p path) points() [4]decimal.Decimal {
	c := p.candle
	if c.Close.LessThan(c.Open) {
		return [...]decimal.Decimal{c.Open, c.High, c.Low, c.Close}
	}
	return [...]decimal.Decimal{c.Open, c.Low, c.High, c.Close}
}

// turns are when the path passes its points.
func (p path) turns() [4]time.Duration {
	return [...]time.Duration{0, p.length / 4, p.length / 4 * 3, p.length}
}

// price is where the path is after the offset, on a tick between the points.
func (p path) price(offset time.Duration) decimal.Decimal {
	points, turns := p.points(), p.turns()
	for i := range 3 {
		from, to := turns[i], turns[i+1]
		if offset > to {
			continue
		}
		if offset == to {
			return points[i+1]
		}
		way := points[i+1].Sub(points[i])
		at := points[i].Add(way.Mul(decimal.NewFromInt(int64(offset-from))).DivRound(decimal.NewFromInt(int64(to-from)), 12))
		low, high := decimal.Min(points[i], points[i+1]), decimal.Max(points[i], points[i+1])
		return decimal.Min(decimal.Max(floorTo(at, p.tick), low), high)
	}
	return p.candle.Close
}

// part is the candle of the path from one offset to another. The volumes of
// adjoining parts add up to the candle's.
func (p path) part(from, to time.Duration) marketdata.Candle {
	if from == 0 && to >= p.length {
		return p.candle
	}
	c := marketdata.Candle{OpenTime: p.candle.OpenTime.Add(from), Open: p.price(from), Close: p.price(to)}
	c.High, c.Low = decimal.Max(c.Open, c.Close), decimal.Min(c.Open, c.Close)
	points, turns := p.points(), p.turns()
	for i, turn := range turns {
		if turn > from && turn < to {
			c.High, c.Low = decimal.Max(c.High, points[i]), decimal.Min(c.Low, points[i])
		}
	}
	c.Volume = p.share(p.candle.Volume, to).Sub(p.share(p.candle.Volume, from))
	c.QuoteVolume = p.share(p.candle.QuoteVolume, to).Sub(p.share(p.candle.QuoteVolume, from))
	return c
}

// share is what was traded until the offset, evenly over the time.
func (p path) share(total decimal.Decimal, offset time.Duration) decimal.Decimal {
	if offset >= p.length {
		return total
	}
	return total.Mul(decimal.NewFromInt(int64(offset))).Div(decimal.NewFromInt(int64(p.length))).Truncate(max(-total.Exponent(), 0))
}

// merge appends a candle to the one before.
func merge(c *marketdata.Candle, next marketdata.Candle) {
	if c.OpenTime.IsZero() {
		*c = next
		return
	}
	c.High, c.Low, c.Close = decimal.Max(c.High, next.High), decimal.Min(c.Low, next.Low), next.Close
	c.Volume, c.QuoteVolume = c.Volume.Add(next.Volume), c.QuoteVolume.Add(next.QuoteVolume)
}

// floorTo is the greatest multiple of step that is not above v ≥ 0.
func floorTo(v, step decimal.Decimal) decimal.Decimal { return v.Sub(v.Mod(step)) }
