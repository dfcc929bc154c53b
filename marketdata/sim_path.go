package marketdata

import (
	"math/bits"
	"time"
)

// The simulated market is computed in whole numbers alone: prices in ticks,
// volume in lots, quote volume in ticks × lots, chances from hashed counters.
// So it is the same on every machine, and any window of it can be computed
// without the ones before: a table holds the price at each midnight, and a
// day's candle is split into shorter ones on demand, each level adding up
// exactly to the one above.

// simCandle is one bar in ticks and lots.
type simCandle struct{ open, high, low, close, volume, quote int64 }

// merge appends the next bar of the same market.
func (c *simCandle) merge(next simCandle) {
	c.high, c.low, c.close = max(c.high, next.high), min(c.low, next.low), next.close
	c.volume += next.volume
	c.quote += next.quote
}

// simLevel is one step of the subdivision.
type simLevel struct {
	interval Interval
	parts    int // children of one candle of the level above
}

const simMaxParts = 6

func simLevels() [6]simLevel {
	return [...]simLevel{
		{Interval1d, 1}, {Interval4h, 6}, {Interval1h, 4}, {Interval15m, 4}, {Interval5m, 3}, {Interval1m, 5},
	}
}

// simDice is a counter-based source of chance (SplitMix64): the same place in
// the market always rolls the same.
type simDice uint64

func (d *simDice) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below is uniform in [0, n).
func (d *simDice) below(n int64) int64 {
	if n <= 0 {
		return 0
	}
	hi, _ := bits.Mul64(d.next(), uint64(n))
	return int64(hi) //nolint:gosec // below n
}

// bell is nearly normal with mean 0 and a standard deviation of 1,000.
func (d *simDice) bell() int64 {
	sum := int64(-6000)
	for range 12 {
		sum += d.below(1001)
	}
	return sum
}

// dice is the chance of one place: a level and the candle's number in it.
func (m *simMarket) dice(level int, index int64) simDice {
	d := simDice(m.key)
	d = simDice(d.next() ^ uint64(level)<<56 ^ uint64(index)) //nolint:gosec // both are small and not negative
	return simDice(d.next())
}

// split divides a candle into n that chain from its open to its close, reach
// its high and low and share its volume. The path runs from the open over both
// extremes to the close, with noise.
func (c simCandle) split(n int, dice simDice) [simMaxParts]simCandle {
	var out [simMaxParts]simCandle
	first, second := dice.below(int64(n)), dice.below(int64(n))
	first, second = min(first, second), max(first, second)
	extremes := [2]int64{c.low, c.high} // a rising candle tends to dip first
	if c.close < c.open != (dice.below(5) == 0) {
		extremes = [2]int64{c.high, c.low}
	}
	span := c.high - c.low
	at := c.open
	for i := range int64(n) {
		next := c.close
		if i < int64(n)-1 {
			next = waypoint(c, i+1, int64(n), first, second, extremes) + dice.below(span/3+1) - span/6
			next = min(max(next, c.low), c.high)
		}
		wick := span/int64(2*n) + 1
		child := simCandle{open: at, close: next}
		child.high = min(max(at, next)+dice.below(wick+1), c.high)
		child.low = max(min(at, next)-dice.below(wick+1), c.low)
		if i == first {
			child.reach(extremes[0])
		}
		if i == second {
			child.reach(extremes[1])
		}
		out[i] = child
		at = next
	}
	c.share(out[:n], &dice)
	return out
}

func (c *simCandle) reach(price int64) { c.high, c.low = max(c.high, price), min(c.low, price) }

// waypoint is where the path stands at the i-th of n boundaries, on straight
// lines from the open over the middle of two children to the close.
func waypoint(c simCandle, i, n, first, second int64, extremes [2]int64) int64 {
	line := func(from, to, start, end int64) int64 { // times are in half children
		return from + (to-from)*(2*i-start)/(end-start)
	}
	switch t := 2 * i; {
	case t <= 2*first+1:
		return line(c.open, extremes[0], 0, 2*first+1)
	case t <= 2*second+1:
		return line(extremes[0], extremes[1], 2*first+1, 2*second+1)
	default:
		return line(extremes[1], c.close, 2*second+1, 2*n)
	}
}

// share gives each child a part of the volume; wide children trade more.
func (c simCandle) share(children []simCandle, dice *simDice) {
	var weights [simMaxParts]int64
	var total int64
	for i, child := range children {
		weights[i] = 1000 + dice.below(1000) + 4000*(child.high-child.low)/(c.high-c.low+1)
		total += weights[i]
	}
	volume, quote := c.volume, c.quote
	for i := range children {
		children[i].volume, children[i].quote = mulDiv(volume, weights[i], total), mulDiv(quote, weights[i], total)
		volume, quote, total = volume-children[i].volume, quote-children[i].quote, total-weights[i]
	}
}

// mulDiv is a × b ÷ c for 0 ≤ b ≤ c, 0 < c, without overflow between.
func mulDiv(a, b, c int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b)) //nolint:gosec // not negative
	q, _ := bits.Div64(hi, lo, uint64(c))      //nolint:gosec // b ≤ c, so the quotient is at most a
	return int64(q)                            //nolint:gosec // at most a
}

// candles are the market's candles of an interval that open in [from, to).
// Both are aligned and inside the simulated time.
func (m *simMarket) candles(i Interval, from, to time.Time) []simCandle {
	levels := simLevels()
	level := 0
	for i.Duration()%levels[level].interval.Duration() != 0 {
		level++
	}
	var out []simCandle
	step := int64(Interval1d.Duration() / time.Second)
	w := simWindow{market: m, levels: levels, target: level, from: from.Unix(), to: to.Unix()}
	for day := w.from / step; day*step < w.to; day++ {
		out = w.descend(out, m.day(day), 0, day)
	}
	k := int(i.Duration() / levels[level].interval.Duration())
	merged := out[:0]
	for ; len(out) >= k; out = out[k:] {
		c := out[0]
		for _, next := range out[1:k] {
			c.merge(next)
		}
		merged = append(merged, c)
	}
	return merged
}

// simWindow is one walk down the levels.
type simWindow struct {
	market   *simMarket
	levels   [6]simLevel
	target   int
	from, to int64 // Unix seconds
}

// descend appends the candles of the target level within c that the window
// contains.
func (w *simWindow) descend(out []simCandle, c simCandle, level int, index int64) []simCandle {
	if level == w.target {
		return append(out, c)
	}
	next := w.levels[level+1]
	children := c.split(next.parts, w.market.dice(level+1, index))
	step := int64(next.interval.Duration() / time.Second)
	for i := range next.parts {
		child := index*int64(next.parts) + int64(i)
		if (child+1)*step > w.from && child*step < w.to {
			out = w.descend(out, children[i], level+1, child)
		}
	}
	return out
}

// price is the last price at t, on its way through the minute of t.
func (m *simMarket) price(t time.Time) int64 {
	minute := Interval1m.Floor(t)
	c := m.candles(Interval1m, minute, minute.Add(time.Minute))[0]
	return c.open + (c.close-c.open)*int64(t.Sub(minute)/time.Millisecond)/60_000
}
