package marketdata

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// flightKey is what one load of one symbol is for.
type flightKey struct{ symbol, shape string }

// flight is one call of the source on behalf of everyone who waits for it.
// Its results are read only after done is closed.
type flight struct {
	symbols []string
	started time.Time
	cancel  context.CancelFunc
	done    chan struct{}

	entries  map[string]*cacheEntry
	failures map[string]Failure
	at       time.Time
	notes    []string
	err      error // why the source said nothing
}

var errSourceEnded = errors.New("marketdata: cache: the source ended without an answer")

// fetch waits for the missing symbols, joining loads under way.
func (c *Cache) fetch(ctx context.Context, answer *cacheAnswer, missing []string, now time.Time) error {
	flights, err := c.board(ctx, answer, missing, now)
	if err != nil {
		return err
	}
	var errs []error
	for f, symbols := range flights {
		select {
		case <-f.done:
		case <-ctx.Done():
			return fmt.Errorf("marketdata: cache: %w", ctx.Err())
		}
		for _, symbol := range symbols {
			answer.addFrom(f, symbol)
		}
		if f.err != nil {
			errs = append(errs, f.err)
		}
	}
	if len(errs) == len(flights) && len(answer.snap.Assets) == 0 && len(errs) > 0 {
		return errors.Join(errs...)
	}
	return nil
}

// addFrom takes one symbol from a flight that has ended.
func (a *cacheAnswer) addFrom(f *flight, symbol string) {
	if e := f.entries[symbol]; e != nil {
		a.add(symbol, e)
		return
	}
	failure, ok := f.failures[symbol]
	switch {
	case f.err != nil:
		failure = Failure{Symbol: symbol, Reason: ReasonUnavailable, Detail: f.err.Error(), Err: f.err}
	case !ok:
		failure = Failure{Symbol: symbol, Reason: ReasonUnavailable, Detail: "the source did not answer for it"}
	}
	a.fail(failure)
	a.heard(f.at, f.notes)
}

// board finds a flight for every missing symbol, starting at most one. A
// flight that took off before the newest candle closed is not joined: it may
// land without that candle.
func (c *Cache) board(ctx context.Context, answer *cacheAnswer, missing []string, now time.Time) (map[*flight][]string, error) {
	shape := answer.want.key()
	flights := map[*flight][]string{}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrCacheClosed
	}
	var own []string
	for _, symbol := range missing {
		f := c.flights[flightKey{symbol, shape}]
		if f != nil && answer.want.currentAt(f.started, now) && now.Sub(f.started) < answer.ttl {
			flights[f] = append(flights[f], symbol)
		} else if e := c.entries.fresh(symbol, answer.want, answer.ttl, now); e != nil { // landed since it was missed
			answer.add(symbol, e)
		} else {
			own = append(own, symbol)
		}
	}
	if len(own) > 0 {
		flights[c.start(ctx, answer.want, own, now)] = own
	}
	return flights, nil
}

// start begins a load that outlives its caller. The caller holds mu.
func (c *Cache) start(ctx context.Context, want shape, symbols []string, now time.Time) *flight {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.LoadTimeout)
	want.intervals = slices.Clone(want.intervals) // the caller may reuse its slice
	f := &flight{symbols: symbols, started: now, cancel: cancel, done: make(chan struct{}), err: errSourceEnded}
	shape := want.key()
	for _, symbol := range symbols {
		c.flights[flightKey{symbol, shape}] = f
	}
	c.calls.Add(1)
	c.loads.Go(func() {
		defer c.land(f, shape)
		c.load(ctx, f, want)
	})
	return f
}

// load asks the source. A panic becomes an error, because it would otherwise
// end the process from a goroutine that no host can guard.
func (c *Cache) load(ctx context.Context, f *flight, want shape) {
	defer func() {
		if p := recover(); p != nil {
			f.err = fmt.Errorf("marketdata: cache: the source panicked: %v", p)
		}
	}()
	snap, err := c.src.Snapshot(ctx, Query{Symbols: f.symbols, Intervals: want.intervals, Candles: want.candles})
	if f.err = err; err != nil {
		return
	}
	f.at, f.notes = snap.At, snap.Notes
	f.entries, f.failures = make(map[string]*cacheEntry, len(f.symbols)), make(map[string]Failure)
	for _, symbol := range f.symbols {
		if asset, ok := snap.Assets[symbol]; ok {
			f.entries[symbol] = newCacheEntry(asset, snap, want, f.started)
		} else if failure, ok := snap.Failures[symbol]; ok {
			f.failures[symbol] = failure
		}
	}
}

// land publishes what a flight brought, also when the source panicked or ended
// its goroutine.
func (c *Cache) land(f *flight, shape string) {
	f.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, symbol := range f.symbols {
		if e := f.entries[symbol]; e != nil {
			c.entries.keep(symbol, e, c.cfg.TTL)
		}
		key := flightKey{symbol, shape}
		if c.flights[key] == f {
			delete(c.flights, key)
		}
	}
	close(f.done)
}
