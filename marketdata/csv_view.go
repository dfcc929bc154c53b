package marketdata

import (
	"fmt"
	"sort"
	"time"

	"github.com/shopspring/decimal"
)

// csvView is a file as of a time.
type csvView struct {
	symbol  string
	base    Interval
	now     time.Time
	candles []Candle // the whole file, ordered by open time
}

func (v csvView) asset(q Query) (Asset, error) {
	if err := v.covers(); err != nil {
		return Asset{}, err
	}
	newest := v.base.LastClose(v.now)
	last, err := v.window(newest.Add(-v.base.Duration()), newest)
	if err != nil {
		return Asset{}, err
	}
	a := Asset{
		Symbol: v.symbol, Quote: v.quote(last[0], newest), Series: make(map[Interval]Series, len(q.Intervals)),
		Degraded: []string{"last price is the close of the candle that closed at " + newest.Format(time.RFC3339)},
	}
	for _, i := range q.Intervals {
		if a.Series[i], err = v.series(i, q.CandleCount()); err != nil {
			return Asset{}, err
		}
	}
	return a, nil
}

// covers reports a time before the first close or after the data ended.
func (v csvView) covers() error {
	step := v.base.Duration()
	first, last := v.candles[0].OpenTime.Add(step), v.candles[len(v.candles)-1].OpenTime.Add(step)
	if !v.now.Before(first) && v.now.Before(last.Add(step)) {
		return nil
	}
	return Failure{Symbol: v.symbol, Reason: ReasonUnavailable, Detail: fmt.Sprintf("%s.csv has candles that closed from %s to %s, asked as of %s",
		v.symbol, first.Format(time.RFC3339), last.Format(time.RFC3339), v.now.Format(time.RFC3339))}
}

// at is the index of the first candle that opens at or after t.
func (v csvView) at(t time.Time) int {
	return sort.Search(len(v.candles), func(i int) bool { return !v.candles[i].OpenTime.Before(t) })
}

// window returns the candles that open in [from, to), all of them or a gap.
func (v csvView) window(from, to time.Time) ([]Candle, error) {
	step := v.base.Duration()
	first, end := v.at(from), v.at(to)
	candles := v.candles[first:end]
	if len(candles) == int(to.Sub(from)/step) {
		return candles, nil
	}
	missing := 0
	for missing < len(candles) && candles[missing].OpenTime.Equal(from.Add(time.Duration(missing)*step)) {
		missing++
	}
	bad := &CSVError{
		File: v.symbol + ".csv", Line: first + missing + 2, Column: "open_time_ms", // rows start on line 2
		Problem: "the candle that opens at " + from.Add(time.Duration(missing)*step).Format(time.RFC3339) + " is missing before this row",
	}
	return nil, Failure{Symbol: v.symbol, Reason: ReasonGap, Detail: bad.detail(), Err: bad}
}

// series aggregates the newest n closed candles of an interval; fewer when the
// file starts later.
func (v csvView) series(i Interval, n int) (Series, error) {
	length := i.Duration()
	to := i.LastClose(v.now)
	from := to.Add(-time.Duration(n) * length)
	start := v.candles[0].OpenTime
	if complete := i.Floor(start.Add(length - 1)); from.Before(complete) {
		from = complete // the first bucket that the file holds from its beginning
	}
	if !from.Before(to) {
		return NewSeries(i, nil)
	}
	candles, err := v.window(from, to)
	if err != nil {
		return Series{}, err
	}
	series, err := NewSeries(i, aggregate(candles, int(length/v.base.Duration())))
	if err != nil {
		return Series{}, Failure{Symbol: v.symbol, Reason: ReasonBadCandle, Detail: fmt.Sprintf("%s.csv: %s", v.symbol, err), Err: err}
	}
	return series, nil
}

// aggregate merges each k consecutive candles into one.
func aggregate(candles []Candle, k int) []Candle {
	if k == 1 {
		return candles
	}
	merged := make([]Candle, 0, len(candles)/k)
	for ; len(candles) >= k; candles = candles[k:] {
		c := candles[0]
		for _, next := range candles[1:k] {
			if next.High.GreaterThan(c.High) {
				c.High = next.High
			}
			if next.Low.LessThan(c.Low) {
				c.Low = next.Low
			}
			c.Close = next.Close
			c.Volume, c.QuoteVolume = c.Volume.Add(next.Volume), c.QuoteVolume.Add(next.QuoteVolume)
		}
		merged = append(merged, c)
	}
	return merged
}

// quote knows what candles tell; the rest stays null.
func (v csvView) quote(last Candle, closed time.Time) Quote {
	const day = 24 * time.Hour
	q := Quote{Last: last.Close, LastAt: v.now}
	before := v.at(last.OpenTime.Add(-day))
	if earlier := v.candles[before]; earlier.OpenTime.Equal(last.OpenTime.Add(-day)) {
		q.Change24hPercent = decimal.NewNullDecimal(percentChange(earlier.Close, last.Close))
	}
	if day%v.base.Duration() != 0 {
		return q
	}
	if candles, err := v.window(closed.Add(-day), closed); err == nil { // a gap leaves the volume unknown
		sum := decimal.Zero
		for _, c := range candles {
			sum = sum.Add(c.QuoteVolume)
		}
		q.QuoteVolume24h = decimal.NewNullDecimal(sum)
	}
	return q
}

// percentChange is the change from one positive price to another in percent,
// to eight decimals.
func percentChange(from, to decimal.Decimal) decimal.Decimal {
	return to.Sub(from).Shift(2).DivRound(from, 8)
}
