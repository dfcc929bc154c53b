package marketdata

import (
	"fmt"
	"slices"
	"time"
)

// Regime is how a simulated asset behaves. The zero value means the cycle of
// trends, ranges and an occasional crash.
type Regime string

// The regimes that a SimAsset can pin.
const (
	RegimeTrendUp   Regime = "trend_up"   // rises until it costs eight times its Price
	RegimeTrendDown Regime = "trend_down" // falls until it costs an eighth of its Price
	RegimeRange     Regime = "range"      // keeps coming back to Price
	RegimeCrash     Regime = "crash"      // one day of collapse, then a range
	RegimeGap       Regime = "gap"        // answers with a gap failure
	RegimeDeadFeed  Regime = "dead_feed"  // data stops, and its times with it
)

// Regimes lists every regime.
func Regimes() []Regime {
	return []Regime{RegimeTrendUp, RegimeTrendDown, RegimeRange, RegimeCrash, RegimeGap, RegimeDeadFeed}
}

// Valid reports whether the regime is one of the constants.
func (r Regime) Valid() bool { return slices.Contains(Regimes(), r) }

// UnmarshalText rejects what is not a regime.
func (r *Regime) UnmarshalText(text []byte) error {
	if !Regime(text).Valid() {
		return fmt.Errorf("marketdata: unknown regime %.20q: must be one of %v", text, Regimes())
	}
	*r = Regime(text)
	return nil
}

const (
	simStageDays = 5 // a stage of the cycle
	simReach     = 8 // prices stay within Price ÷ 8 and Price × 8
	simSpike     = 3 // half standard deviations by which a crash overshoots the close of its day
	secondsADay  = 24 * 3600
	ppm          = 1_000_000
)

// simCycle is the order of stages; assets enter it at different points.
func simCycle() [8]Regime {
	return [...]Regime{
		RegimeTrendUp, RegimeRange, RegimeTrendDown, RegimeRange,
		RegimeTrendUp, RegimeCrash, RegimeTrendUp, RegimeTrendDown,
	}
}

// simBegin and simEnd bound the simulated time.
func simBegin() time.Time { return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) }
func simEnd() time.Time   { return time.Date(2041, 1, 1, 0, 0, 0, 0, time.UTC) }

// simMarket is the price path of one asset. It is immutable once made.
type simMarket struct {
	key        uint64
	base       int64 // price level in ticks
	volatility int64 // standard deviation of a day's return, ppm
	lots       int64 // traded on a quiet day
	pinned     Regime
	from       int64   // first day of the pinned regime, days since the Unix epoch
	opens      []int64 // price at each midnight since simBegin
}

// walk fills the table of midnight prices.
func (m *simMarket) walk() {
	first, last := simBegin().Unix()/secondsADay, simEnd().Unix()/secondsADay
	m.opens = make([]int64, 0, last-first+1)
	price := m.base
	for day := first; day <= last; day++ {
		m.opens = append(m.opens, price)
		price += price * m.dayReturn(day, price) / ppm
		price = min(max(price, m.base/simReach), m.base*simReach)
	}
}

// regime is what rules a day, and whether the day is the regime's first.
func (m *simMarket) regime(day int64) (Regime, bool) {
	if m.pinned != "" && m.pinned != RegimeGap && m.pinned != RegimeDeadFeed && day >= m.from {
		return m.pinned, day == m.from
	}
	cycle := simCycle()
	day += int64(m.key % uint64(len(cycle)*simStageDays)) //nolint:gosec // below 40
	return cycle[day/simStageDays%int64(len(cycle))], day%simStageDays == 0
}

// spread is a stage's volatility in ppm: some are calmer than others.
func (m *simMarket) spread(day int64) int64 {
	dice := m.dice(14, day/simStageDays)
	return m.volatility * (700 + dice.below(700)) / 1000
}

// dayReturn is the relative change over a day in ppm. Outside pinned trends
// the price is drawn towards its base, so that decades do not carry it away.
func (m *simMarket) dayReturn(day, price int64) int64 {
	dice := m.dice(15, day)
	sigma := m.spread(day)
	noise := sigma * dice.bell() / 1000
	pull := (m.base - price) * ppm / price / 64
	regime, first := m.regime(day)
	switch regime {
	case RegimeTrendUp:
		noise = noise*3/5 + sigma*3/5
	case RegimeTrendDown:
		noise = noise*3/5 - sigma*3/5
	case RegimeCrash:
		if first {
			return -4*sigma - dice.below(2*sigma)
		}
		noise /= 2
	default:
		noise /= 2
		pull *= 4
	}
	if m.pinned == regime && regime != RegimeRange {
		pull = 0
	}
	return max(noise+pull, -ppm/3)
}

// day is the candle of one day.
func (m *simMarket) day(day int64) simCandle {
	i := day - simBegin().Unix()/secondsADay
	c := simCandle{open: m.opens[i], close: m.opens[i+1]}
	dice := m.dice(0, day)
	reach := c.open * m.spread(day) / ppm / 2
	c.high = max(c.open, c.close) + dice.below(reach+1) + 1
	c.low = min(c.open, c.close) - dice.below(reach+1) - 1
	if regime, first := m.regime(day); regime == RegimeCrash && first {
		c.low -= reach * simSpike // most of the fall is bought back before midnight
	}
	c.low = max(c.low, 1)
	busy := 1000 + (c.high-c.low)*20_000/c.open // a range of 5 % doubles the volume
	c.volume = m.lots * (600 + dice.below(800)) / 1000 * min(busy, 7000) / 1000
	c.quote = c.volume * ((c.open + c.high + c.low + c.close) / 4)
	return c
}
