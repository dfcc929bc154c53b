package aster

import (
	"context"
	"fmt"
	"time"

	"github.com/ballast-go/ballast/marketdata"
)

// NewIdleLive makes a Live that nobody tells anything but Hear and Repair.
func NewIdleLive(source *Source, cfg LiveConfig) (*Live, error) {
	l, err := newLive(source, cfg)
	if err == nil {
		l.end = func() {}
	}
	return l, err
}

// Hear is one message of a stream.
func (l *Live) Hear(message string) {
	(&session{}).take(&feed{feedConfig: feedConfig{to: l}}, []byte(message))
}

// Refresh is one round of what has no stream.
func (l *Live) Refresh(ctx context.Context) error { return l.refreshOnce(ctx) }

// Poll asks for all open interest. What was asked for before and is answered
// later goes to a book that nobody reads any more.
func (l *Live) Poll(ctx context.Context) error {
	l.mu.Lock()
	for symbol, b := range l.books {
		next := *b
		next.polled = time.Time{}
		l.books[symbol] = &next
	}
	l.mu.Unlock()
	l.pollInterest(ctx)
	return ctx.Err()
}

// Repair asks for all series once, needed or not, and tells whether each was
// taken over with nothing left to ask for.
func (l *Live) Repair(ctx context.Context) (enough bool) {
	enough = true
	for _, b := range l.books {
		for _, r := range b.series {
			series, err := l.fetch(ctx, r)
			enough = l.repaired(r, series, err) == 0 && enough
		}
	}
	return enough
}

// Measure measures the venue's clock, after whoever does so already.
func (l *Live) Measure(ctx context.Context) error {
	turn := l.source.client.clock.turn
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-turn }()
	_, err := l.source.client.Time(ctx)
	return err
}

// Lacks tells whether watch would ask for a series.
func (l *Live) Lacks(symbol string, interval marketdata.Interval) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.books[symbol].series[interval].lacks(l.source.client.venueNow(), closeGrace)
}

// Await returns when cond holds.
func (l *Live) Await(ctx context.Context, cond func(LiveStats) bool) error {
	return l.await(ctx, func() bool { return cond(l.stats()) })
}

// AwaitTime returns when everything is known as of a time.
func (l *Live) AwaitTime(ctx context.Context, at time.Time) error {
	at = at.Truncate(time.Millisecond)
	return l.await(ctx, func() bool {
		for _, b := range l.books {
			if !b.begun() || b.ticker.CloseTime.at.Before(at) || b.premium.Time.at.Before(at) {
				return false
			}
			for _, r := range b.series {
				if r.lacks(at, 0) {
					return false
				}
			}
		}
		return true
	})
}

func (a *LiveAccount) Await(ctx context.Context, cond func(LiveAccountStats) bool) error {
	return a.await(ctx, func() bool {
		out := a.stats
		out.Connected, out.Lost = a.listening, a.feed.lost.Load()
		return cond(out)
	})
}

// Topics are the streams that are subscribed to, by connection.
func (l *Live) Topics() (out [][]string) {
	for _, f := range l.feeds {
		out = append(out, f.topics)
	}
	return out
}

func ReadUserEvent(kind string, data []byte) (UserEvent, bool, error) {
	return readUserEvent(kind, data)
}

// StreamMessage is a message as the reader of a stream sees it.
func StreamMessage(data []byte) (kind string, event []byte, answers bool, refused string, err error) {
	m, err := readStreamMessage(data)
	return m.kind, m.event, m.answers, m.refused, err
}

func ReconnectDelay(failures int) time.Duration { return reconnectDelay(failures) }

// Describe is what is known, for a failing test.
func (l *Live) Describe() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := fmt.Sprintf("%+v\n", l.stats())
	for _, b := range l.books {
		out += fmt.Sprintf("%s ticker %s mark %s polled %s\n", b.symbol, b.ticker.CloseTime.at, b.premium.Time.at, b.polled)
		for _, r := range b.series {
			out += fmt.Sprintf("  %s loaded %v whole %v closed %s due %s broken %v fetching %v failures %d\n", r.interval, r.loaded, r.whole, r.series.CloseTime(), r.due, r.broken, r.fetching, r.failures)
		}
	}
	return out
}

// Klines are the last hours by the source's client.
func (s *Source) Klines(ctx context.Context, symbol string) ([]marketdata.Candle, error) {
	return s.client.Klines(ctx, symbol, marketdata.Interval1h, 5, time.Time{})
}
