package astertest

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

// tape is where prices come from: the candles of a source, which it asks as of
// the times that it needs, and the path through the shortest of them. It is
// guarded by Exchange.mu.
type tape struct {
	// snapshot asks the source. What it reads is at hand or in memory, so there
	// is nothing to cancel.
	snapshot func(marketdata.Query) (marketdata.Snapshot, error)
	asOf     time.Time // the source's present
	base     marketdata.Interval
	memo     map[string][]marketdata.Candle // the base candles that were used last
	newest   map[string]marketdata.Candle   // the latest that was found to exist
	ends     map[string]time.Time           // where data ended
	ticks    map[string]decimal.Decimal
}

func newTape(cfg Config) (*tape, error) {
	t := &tape{
		memo: map[string][]marketdata.Candle{}, newest: map[string]marketdata.Candle{}, ends: map[string]time.Time{}, ticks: map[string]decimal.Decimal{},
		base: marketdata.Interval1m,
	}
	now := func() time.Time { return t.asOf }
	if cfg.Dir == "" && cfg.FS == nil {
		sim, err := marketdata.NewSim(marketdata.SimConfig{Seed: cfg.Seed, Symbols: cfg.Assets, Now: now})
		t.use(sim)
		return t, err
	}
	t.base = marketdata.Interval1h
	csv, err := marketdata.NewCSV(marketdata.CSVConfig{Dir: cfg.Dir, FS: cfg.FS, Interval: t.base, Now: now})
	t.use(csv)
	return t, err
}

func (t *tape) use(source marketdata.Source) {
	t.snapshot = func(q marketdata.Query) (marketdata.Snapshot, error) { return source.Snapshot(context.Background(), q) }
}

// query is the newest n candles of the source that were closed at asOf.
func (t *tape) query(symbol string, interval marketdata.Interval, n int, asOf time.Time) ([]marketdata.Candle, error) {
	if end, ended := t.ends[symbol]; ended && asOf.After(end) {
		asOf = end
	}
	t.asOf = asOf
	snap, err := t.snapshot(marketdata.Query{
		Symbols: []string{symbol}, Intervals: []marketdata.Interval{interval}, Candles: min(n, marketdata.MaxCandles),
	})
	if err != nil {
		return nil, err
	}
	if failure, failed := snap.Failures[symbol]; failed {
		return nil, failure
	}
	return snap.Assets[symbol].Series[interval].Candles(), nil
}

// candle is the base candle that contains at. When data has ended it is the
// last one there was, and found is false.
func (t *tape) candle(symbol string, at time.Time) (c marketdata.Candle, found bool) {
	open := t.base.Floor(at)
	if c, found = t.find(t.memo[symbol], open); found {
		return c, true
	}
	if c, found = t.load(symbol, open); found {
		if c.OpenTime.After(t.newest[symbol].OpenTime) {
			t.newest[symbol] = c
		}
		return c, true
	}
	if newest := t.newest[symbol]; open.After(newest.OpenTime) {
		t.findEnd(symbol, open)
	}
	return t.newest[symbol], false
}

// find looks in candles that follow each other.
func (t *tape) find(candles []marketdata.Candle, open time.Time) (marketdata.Candle, bool) {
	if len(candles) == 0 {
		return marketdata.Candle{}, false
	}
	i := int(open.Sub(candles[0].OpenTime) / t.base.Duration())
	if i < 0 || i >= len(candles) || !candles[i].OpenTime.Equal(open) {
		return marketdata.Candle{}, false
	}
	return candles[i], true
}

// load asks for the candles of an hour, since most are asked for one after the
// other, and where data ends in that hour for the one alone.
func (t *tape) load(symbol string, open time.Time) (marketdata.Candle, bool) {
	hour := marketdata.Interval1h
	for _, try := range [...]struct {
		n   int
		end time.Time
	}{{int(hour.Duration() / t.base.Duration()), hour.Floor(open).Add(hour.Duration())}, {1, open.Add(t.base.Duration())}} {
		candles, err := t.query(symbol, t.base, try.n, try.end)
		if err != nil {
			continue
		}
		if c, found := t.find(candles, open); found {
			t.memo[symbol] = candles
			return c, true
		}
	}
	return marketdata.Candle{}, false
}

// findEnd looks for the last candle between the newest known one and one that
// does not exist.
func (t *tape) findEnd(symbol string, missing time.Time) {
	if _, known := t.ends[symbol]; known {
		return
	}
	step := t.base.Duration()
	good := t.newest[symbol]
	for missing.Sub(good.OpenTime) > step {
		middle := t.base.Floor(good.OpenTime.Add((missing.Sub(good.OpenTime) + step) / 2))
		if c, found := t.load(symbol, middle); found {
			good = c
		} else {
			missing = middle
		}
	}
	t.newest[symbol] = good
	t.ends[symbol] = good.OpenTime.Add(step)
}

// price is the last price at a time; it stays where data ended.
func (t *tape) price(symbol string, at time.Time) decimal.Decimal {
	c, found := t.candle(symbol, at)
	if !found {
		return c.Close
	}
	return t.path(symbol, c).price(at.Sub(c.OpenTime))
}

func (t *tape) path(symbol string, c marketdata.Candle) path {
	return path{candle: c, length: t.base.Duration(), tick: t.ticks[symbol]}
}

// turn is when some path next changes its direction.
func (t *tape) turn(after time.Time) time.Time {
	open := t.base.Floor(after)
	for _, offset := range (path{length: t.base.Duration()}).turns() {
		if at := open.Add(offset); at.After(after) {
			return at
		}
	}
	return open.Add(t.base.Duration())
}

// closed is up to n candles of an interval that ended at or before asOf.
func (t *tape) closed(symbol string, interval marketdata.Interval, n int, asOf time.Time) ([]marketdata.Candle, error) {
	if n <= 0 {
		return nil, nil
	}
	if interval.Duration() >= t.base.Duration() {
		return t.query(symbol, interval, n, asOf)
	}
	to := interval.LastClose(asOf)
	from := to.Add(-time.Duration(n) * interval.Duration())
	until := t.base.Floor(to.Add(t.base.Duration() - 1))
	whole, err := t.query(symbol, t.base, int(until.Sub(t.base.Floor(from))/t.base.Duration()), until)
	if err != nil {
		return nil, err
	}
	var out []marketdata.Candle
	for _, c := range whole {
		p := t.path(symbol, c)
		for offset := time.Duration(0); offset < p.length; offset += interval.Duration() {
			if at := c.OpenTime.Add(offset); !at.Before(from) && at.Before(to) {
				out = append(out, p.part(offset, offset+interval.Duration()))
			}
		}
	}
	return out, nil
}

// span is one candle from any time to any later one: whole hours, whole base
// candles and parts of paths. Data that is missing is left out; no data at all
// is the zero candle.
func (t *tape) span(symbol string, from, to time.Time) (marketdata.Candle, error) {
	var out marketdata.Candle
	hour := marketdata.Interval1h
	first, last := hour.Floor(from.Add(time.Hour-1)), hour.Floor(to)
	if !first.Before(last) {
		err := t.fine(&out, symbol, from, to)
		return out, err
	}
	if err := t.fine(&out, symbol, from, first); err != nil {
		return out, err
	}
	hours, err := t.query(symbol, hour, int(last.Sub(first)/time.Hour), last)
	if err != nil {
		return out, fmt.Errorf("hours of %s: %w", symbol, err)
	}
	for _, c := range hours {
		merge(&out, c)
	}
	err = t.fine(&out, symbol, last, to)
	return out, err
}

// fine merges what lies between two times of at most two hours.
func (t *tape) fine(out *marketdata.Candle, symbol string, from, to time.Time) error {
	first, last := t.base.Floor(from.Add(t.base.Duration()-1)), t.base.Floor(to)
	if first.After(last) {
		t.mergePart(out, symbol, from, to)
		return nil
	}
	t.mergePart(out, symbol, from, first)
	if first.Before(last) {
		whole, err := t.query(symbol, t.base, int(last.Sub(first)/t.base.Duration()), last)
		if err != nil {
			return fmt.Errorf("candles of %s: %w", symbol, err)
		}
		for _, c := range whole {
			merge(out, c)
		}
	}
	t.mergePart(out, symbol, last, to)
	return nil
}

// mergePart merges a part of one base candle.
func (t *tape) mergePart(out *marketdata.Candle, symbol string, from, to time.Time) {
	if !from.Before(to) {
		return
	}
	if c, found := t.candle(symbol, from); found {
		merge(out, t.path(symbol, c).part(from.Sub(c.OpenTime), to.Sub(c.OpenTime)))
	}
}

// instrument is what the source says about a symbol, or nil.
func (t *tape) instrument(symbol string) *marketdata.Instrument {
	snap, err := t.snapshot(marketdata.Query{Symbols: []string{symbol}})
	if err != nil {
		return nil
	}
	return snap.Assets[symbol].Instrument
}
