package marketdata

import (
	"fmt"
	"time"
)

// MaxFutureStamp is how far ahead of the asking clock a price may be stamped
// before it is refused; it absorbs clocks that disagree a little.
const MaxFutureStamp = 5 * time.Second

// Freshness says how old market data may be to be decided on. The zero value
// is the default policy.
type Freshness struct {
	MaxPriceAge time.Duration // of the last price; default 60 s
	Slack       time.Duration // beyond 1.5 intervals for the newest candle; default 30 s
}

// Check reports why the asset must not be decided on at the given time, or
// nil. Each interval's newest candle must have closed at most 1.5 intervals
// and Slack ago (ReasonStale) and not in the future (ReasonBadCandle), every
// interval must have candles (ReasonUnavailable), and the last price must be
// positive, at most MaxPriceAge old and not stamped ahead (ReasonStale). It
// is pure and allocates only for a failure.
func (f Freshness) Check(a Asset, intervals []Interval, at time.Time) *Failure {
	if f.MaxPriceAge <= 0 {
		f.MaxPriceAge = time.Minute
	}
	if f.Slack <= 0 {
		f.Slack = 30 * time.Second
	}
	for _, i := range intervals {
		if failure := f.checkCandles(a, i, at); failure != nil {
			return failure
		}
	}
	return f.checkPrice(a, at)
}

func (f Freshness) checkCandles(a Asset, i Interval, at time.Time) *Failure {
	s := a.Series[i]
	if s.Len() == 0 {
		return &Failure{Symbol: a.Symbol, Reason: ReasonUnavailable, Detail: fmt.Sprintf("no closed %s candles", i)}
	}
	closed := s.CloseTime()
	age := at.Sub(closed)
	if age < 0 {
		return &Failure{Symbol: a.Symbol, Reason: ReasonBadCandle, Detail: fmt.Sprintf(
			"the newest %s candle closes at %s, which is %s in the future", i, closed.Format(time.RFC3339), -age)}
	}
	if limit := i.Duration()*3/2 + f.Slack; age > limit {
		return &Failure{Symbol: a.Symbol, Reason: ReasonStale, Detail: fmt.Sprintf(
			"the newest %s candle must have closed at most %s ago, was %s (%s)", i, limit, age, closed.Format(time.RFC3339))}
	}
	return nil
}

func (f Freshness) checkPrice(a Asset, at time.Time) *Failure {
	if !a.Quote.Last.IsPositive() {
		return &Failure{Symbol: a.Symbol, Reason: ReasonUnavailable, Detail: "no last price"}
	}
	age := at.Sub(a.Quote.LastAt)
	if age < -MaxFutureStamp {
		return &Failure{Symbol: a.Symbol, Reason: ReasonStale, Detail: fmt.Sprintf(
			"the last price is stamped %s, which is %s in the future; at most %s is accepted", a.Quote.LastAt.UTC().Format(time.RFC3339), -age, MaxFutureStamp)}
	}
	if age > f.MaxPriceAge {
		return &Failure{Symbol: a.Symbol, Reason: ReasonStale, Detail: fmt.Sprintf(
			"the last price must be at most %s old, was %s (%s)", f.MaxPriceAge, age, a.Quote.LastAt.UTC().Format(time.RFC3339))}
	}
	return nil
}
