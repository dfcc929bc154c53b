package aster

import (
	"fmt"
	"time"

	"github.com/ballast-go/ballast/marketdata"
)

// closeGrace is how long the stream may take to say that a candle is closed
// before it is asked for by a request.
const closeGrace = 3 * time.Second

// book is what a Live knows of one symbol. It is guarded by Live.mu.
type book struct {
	symbol   string
	ticker   tickerRow
	premium  premiumRow
	interest fetched[interestRow]
	// polled is when interest was asked for, answered or not, and interestAt
	// when it was answered; zero: never.
	polled, interestAt time.Time

	series map[marketdata.Interval]*run
}

// run is one series. It is guarded by Live.mu.
type run struct {
	symbol   string
	interval marketdata.Interval
	series   marketdata.Series
	loaded   bool
	whole    bool      // the venue has no older candles
	broken   error     // *marketdata.CandleError: what came cannot be right
	due      time.Time // a candle is known that closed then
	fetching bool
	failures int // of requests, in a row
}

func newBook(symbol string, intervals []marketdata.Interval) *book {
	b := &book{symbol: symbol, series: make(map[marketdata.Interval]*run, len(intervals))}
	for _, interval := range intervals {
		b.series[interval] = &run{symbol: symbol, interval: interval}
	}
	return b
}

// begun tells whether there is something of everything.
func (b *book) begun() bool {
	for _, r := range b.series {
		if !r.loaded {
			return false
		}
	}
	return b.ticker.CloseTime.set && b.premium.Time.set && !b.polled.IsZero()
}

// lacks tells whether a request should be made. A candle that has just closed
// is left to the stream for patience.
func (r *run) lacks(now time.Time, patience time.Duration) bool {
	closed := r.series.CloseTime()
	return r.broken != nil || !r.loaded || closed.Before(r.due) || closed.Before(r.interval.LastClose(now.Add(-patience)))
}

// closedCandle takes a candle that the stream says is closed. It reports
// whether it was new, and whether a request should be made.
func (r *run) closedCandle(c marketdata.Candle, keep int) (fresh, repair bool) {
	ends := c.OpenTime.Add(r.interval.Duration())
	last, some := r.series.Last()
	switch {
	case !r.loaded || r.broken != nil:
		r.expect(ends)
		return true, false
	case some && c.OpenTime.Before(last.OpenTime):
		return false, false
	case some && c.OpenTime.Equal(last.OpenTime):
		if same(c, last) {
			return false, false
		}
		r.refuse(c, marketdata.ReasonBadCandle, "came twice with different values")
		return true, true
	case some && c.OpenTime.After(r.series.CloseTime()):
		r.expect(ends)
		return true, true
	}
	next, err := marketdata.NewSeries(r.interval, append(r.series.Tail(keep-1).Candles(), c))
	if err != nil {
		r.broken = err
		r.expect(ends)
		return true, true
	}
	r.series = next
	return true, false
}

func (r *run) expect(closed time.Time) {
	if closed.After(r.due) {
		r.due = closed
	}
}

func (r *run) refuse(c marketdata.Candle, reason marketdata.Reason, detail string) {
	r.broken = &marketdata.CandleError{Index: r.series.Len() - 1, OpenTime: c.OpenTime, Reason: reason, Detail: detail}
	r.expect(c.OpenTime.Add(r.interval.Duration()))
}

func same(a, b marketdata.Candle) bool {
	return a.Open.Equal(b.Open) && a.High.Equal(b.High) && a.Low.Equal(b.Low) && a.Close.Equal(b.Close) &&
		a.Volume.Equal(b.Volume) && a.QuoteVolume.Equal(b.QuoteVolume)
}

// replace takes over the answer to a request for the newest asked candles,
// unless the stream was ahead of it. It reports whether that was enough.
func (r *run) replace(series marketdata.Series, asked int) bool {
	if series.CloseTime().Before(r.due) {
		return false
	}
	if r.broken != nil || !r.loaded || !series.CloseTime().Before(r.series.CloseTime()) {
		r.series, r.loaded, r.broken, r.whole = series, true, nil, series.Len() < asked
	}
	return true
}

// read is the newest candles at a time; false: ask the venue. The error says
// what nobody should decide on.
func (r *run) read(count int, now time.Time) (marketdata.Series, bool, error) {
	if r.broken != nil {
		return marketdata.Series{}, true, fmt.Errorf("aster: %s candles: %w", r.interval, r.broken)
	}
	series := r.series.Until(now)
	enough := series.Len() >= count || r.whole && series.Len() > 0
	if !r.loaded || !enough || series.CloseTime().Before(r.interval.LastClose(now)) {
		return marketdata.Series{}, false, nil
	}
	return series.Tail(count), true, nil
}

// priced tells whether both prices are of the last while, and open interest is
// not too old.
func (b *book) priced(now time.Time, while time.Duration) bool {
	for _, at := range [...]moment{b.ticker.CloseTime, b.premium.Time} {
		if age := now.Sub(at.at); !at.set || age > while || age < -marketdata.MaxFutureStamp {
			return false
		}
	}
	return now.Sub(b.polled) <= interestAge
}

// connected implements listener.
func (l *Live) connected(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.signal()
	if on {
		l.askRepair() // what closed while nobody listened
	}
}

// garbled implements listener. What was in it comes again, or is missed.
func (l *Live) garbled() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.Malformed++
	l.signal()
}

// event implements listener.
func (l *Live) event(kind string, data []byte) {
	var err error
	switch kind {
	case eventKline:
		err = receive(data, l.takeKline)
	case eventMark:
		err = receive(data, l.takeMark)
	case eventTicker:
		err = receive(data, l.takeTicker)
	default:
		return // the venue adds kinds as it likes
	}
	if err != nil {
		l.garbled()
	}
}

// receive reads one event and hands it on.
func receive[T any, P row[T]](data []byte, take func(P)) error {
	var event one[T, P]
	if err := decode(data, &event); err != nil {
		return err
	}
	take(&event.value)
	return nil
}

// take counts an event of a symbol, if it is one of ours.
func (l *Live) take(symbol text, change func(*book) (fresh bool)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.books[string(symbol)]
	if b == nil {
		return
	}
	l.counts.Events++
	if !change(b) {
		l.counts.Dropped++
	}
	l.signal()
}

func (l *Live) takeTicker(e *tickerEvent) {
	l.take(e.Symbol, func(b *book) bool {
		if b.ticker.CloseTime.set && !e.CloseTime.at.After(b.ticker.CloseTime.at) {
			return false
		}
		b.ticker = e.row()
		return true
	})
}

func (l *Live) takeMark(e *markEvent) {
	l.take(e.Symbol, func(b *book) bool {
		if b.premium.Time.set && !e.At.at.After(b.premium.Time.at) {
			return false
		}
		b.premium = e.row()
		return true
	})
}

// takeKline wants closed candles alone.
func (l *Live) takeKline(e *klineEvent) {
	future := e.Bar.CloseTime.at.After(l.source.client.venueNow().Add(marketdata.MaxFutureStamp))
	l.take(e.Symbol, func(b *book) bool {
		r := b.series[e.interval()]
		if r == nil || !e.Bar.Closed.on {
			return true
		}
		if future { // it cannot be closed
			l.counts.Malformed++
			return true
		}
		fresh, repair := r.closedCandle(e.candle(), l.cfg.Candles)
		if repair {
			l.askRepair()
		}
		return fresh
	})
}
