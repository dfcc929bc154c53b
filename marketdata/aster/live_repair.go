package aster

import (
	"context"
	"time"

	"github.com/ballast-go/ballast/marketdata"
)

const (
	maxRepairs    = 16          // requests for series at once
	watchEvery    = time.Second // by a timer; what is checked then goes by the client's clock
	interestEvery = time.Minute
	interestAge   = 5 * time.Minute // after which it is unknown
	refreshFirst  = time.Second     // wait after a request that failed; it doubles
)

// askRepair makes watch look at once.
func (l *Live) askRepair() {
	select {
	case l.wakeRepair <- struct{}{}:
	default:
	}
}

// watch looks for candles that are missing and connections that are old.
func (l *Live) watch(ctx context.Context) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		for _, f := range l.feeds {
			f.look()
		}
		now := l.source.client.venueNow()
		l.mu.Lock()
		for _, b := range l.books {
			for _, r := range b.series {
				if !r.fetching && r.lacks(now, closeGrace) {
					r.fetching = true
					l.tasks.Go(func() { l.repair(ctx, r) })
				}
			}
		}
		l.mu.Unlock()
		select {
		case <-ticker.C:
		case <-l.wakeRepair:
		case <-ctx.Done():
			return
		}
	}
}

// repair takes a series over from an answer to a request. After a failure it
// waits before it lets another be made.
func (l *Live) repair(ctx context.Context, r *run) {
	select {
	case l.fetches <- struct{}{}:
	case <-ctx.Done():
		return
	}
	series, err := l.fetch(ctx, r)
	<-l.fetches
	if wait := l.repaired(r, series, err); wait > 0 && !pause(ctx, wait) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r.fetching = false
	l.askRepair()
}

func (l *Live) fetch(ctx context.Context, r *run) (marketdata.Series, error) {
	candles, err := l.source.client.Klines(ctx, r.symbol, r.interval, l.cfg.Candles, time.Time{})
	if err != nil {
		return marketdata.Series{}, err
	}
	return marketdata.NewSeries(r.interval, candles)
}

// repaired returns how long to wait until the next request for the series.
func (l *Live) repaired(r *run, series marketdata.Series, err error) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.signal()
	enough := false
	switch {
	case err != nil:
		l.counts.Failed++
	case r.replace(series, l.cfg.Candles):
		l.counts.Repairs++
		enough = !r.lacks(l.source.client.venueNow(), closeGrace)
	}
	if enough {
		r.failures = 0
		return 0
	}
	r.failures++
	return reconnectDelay(r.failures)
}

// refresh keeps what has no stream: exchange information, funding intervals,
// brackets, the venue's clock and open interest.
func (l *Live) refresh(ctx context.Context) {
	failures := 0
	for {
		wait := watchEvery
		if err := l.refreshOnce(ctx); err != nil {
			failures++
			wait = max(reconnectDelay(failures), refreshFirst)
		} else {
			failures = 0
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// refreshOnce asks for what is due. Most of the time nothing is.
func (l *Live) refreshOnce(ctx context.Context) error {
	s := l.source
	return together(ctx, s.client.measureIfDue, func(ctx context.Context) error {
		return s.loadInfo(ctx).err
	}, func(ctx context.Context) error {
		s.funding.load(ctx, func(ctx context.Context) (map[string]FundingInfo, error) { return s.client.fundingInfo(ctx, s.do) })
		return nil // a snapshot can do without
	}, func(ctx context.Context) error {
		if s.client.cfg.Signer != nil {
			s.brackets.load(ctx, func(ctx context.Context) (map[string][]marketdata.Bracket, error) {
				return s.client.brackets(ctx, "", s.do)
			})
		}
		return nil // the same
	}, func(ctx context.Context) error {
		l.pollInterest(ctx)
		return nil // the same
	})
}

// pollInterest asks for open interest where it is due.
func (l *Live) pollInterest(ctx context.Context) {
	now := l.source.client.venueNow()
	var tasks []func(context.Context) error
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.books {
		age := now.Sub(b.polled)
		switch {
		case age >= 0 && age < interestEvery:
		case l.source.cfg.SkipOpenInterest:
			b.polled = now
			l.signal()
		default:
			tasks = append(tasks, func(ctx context.Context) error {
				l.tellInterest(ctx, b, fetchOne[interestRow](ctx, l.source, "/openInterest", b.symbol), now)
				return nil
			})
		}
	}
	l.mu.Unlock()
	_ = together(ctx, tasks...) //nolint:errcheck // none of them fails
	l.mu.Lock()
}

// tellInterest keeps what was known for a while when there is no answer.
func (l *Live) tellInterest(ctx context.Context, b *book, got fetched[interestRow], now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	b.polled = now
	switch {
	case got.err == nil:
		b.interest, b.interestAt = got, now
	case b.interestAt.IsZero() || now.Sub(b.interestAt) > interestAge:
		b.interest = got
		l.counts.Failed++
	default:
		l.counts.Failed++
	}
	l.signal()
}
