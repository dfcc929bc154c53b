package decision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// flight is one proposal in the making, for every request that is identical.
// It is joined until one of them has its decision, so that nobody asks again in
// between.
type flight struct {
	key    cacheKey
	number uint64
	prices pricesAt                // that it took off at
	cancel context.CancelCauseFunc // set by the asker before it can leave
	done   chan struct{}
	rec    Record // what the asker's record will say; read after done

	// Guarded by Cache.mu.
	offer    *offer // nil until it landed
	aboard   int
	orphaned bool // the asker left without its answer: the first to take it is the asker
}

var errNobodyWaits = errors.New("nobody waits any longer")

// seat is one decision's part in a proposal that others may share. The zero
// value has no part in any.
type seat struct {
	cache  *Cache
	offer  *offer // what it decides by
	flight *flight
	asker  bool // the flight took off for it
	aboard bool
}

// recall finds a proposal that was made for an identical request, waits for one
// that is being made, or has it made.
func (e *Engine) recall(ctx context.Context, rec *Record, refresh bool) seat {
	key, err := e.cacheKey(&rec.Input)
	if err != nil {
		rec.Result.Degraded = append(rec.Result.Degraded, "cache: "+err.Error())
		e.proposeAnew(ctx, rec, e.left(ctx))
		return seat{}
	}
	s := e.cfg.Cache.board(key, &rec.Input, refresh)
	if s.offer != nil {
		s.offer.fill(rec, s.cache.cfg.Now())
		return s
	}
	if s.asker {
		e.fly(ctx, s.cache, s.flight, rec)
	}
	e.wait(ctx, &s, rec)
	return s
}

// board finds an offer that holds, or else a seat in a flight.
func (c *Cache) board(key cacheKey, in *Input, refresh bool) seat {
	now := c.cfg.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !refresh {
		if o := c.recall(key, in, now); o != nil {
			c.stats.Hits++
			return seat{cache: c, offer: o}
		}
		if f := c.flights[key]; f != nil && f.boards(in, now) {
			f.aboard++
			c.stats.Shared++
			return seat{cache: c, flight: f, aboard: true}
		}
	}
	c.stats.Misses++
	c.flown++
	f := &flight{key: key, number: c.flown, prices: pricesOf(in), done: make(chan struct{}), aboard: 1}
	c.flights[key] = f
	return seat{cache: c, flight: f, asker: true, aboard: true}
}

// boards reports whether what the flight brings is for this input too. The
// caller holds the cache's mu.
func (f *flight) boards(in *Input, now time.Time) bool {
	return f.prices.hold(in) && (f.offer == nil || f.offer.current(now))
}

// fly has the proposal made. Whoever waits may leave; only when nobody waits
// any longer is it cancelled. The engine owns the goroutine: Close waits for it.
func (e *Engine) fly(ctx context.Context, c *Cache, f *flight, asker *Record) {
	limit := min(e.cfg.ModelTimeout+scoreGrace, e.cfg.Timeout)
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), limit)
	ctx, f.cancel = context.WithCancelCause(ctx)
	blank := Record{Schema: asker.Schema, Input: asker.Input, Result: Result{ID: asker.Result.ID}}
	made, arrived := blank, false
	e.calls.Add(1)
	go func() {
		defer e.calls.Done()
		defer stop()
		defer func() {
			if cause := recover(); !arrived { // also when it ended its goroutine
				made = blank
				made.crash(cause)
			}
			c.land(f, made)
		}()
		e.proposeAnew(ctx, &made, limit)
		arrived = true
	}()
}

// crash holds everything, because what makes proposals panicked or, without a
// cause, ended its goroutine.
func (r *Record) crash(cause any) {
	err := fmt.Errorf("proposal: %w", errPanic)
	if cause != nil {
		err = fmt.Errorf("%w: %v", err, clipPanic(cause))
	}
	r.Proposal, r.ModelError = holdAll(r.Input, err), err.Error()
	r.Result.Origin, r.Result.Reason, r.Result.Degraded = OriginHold, err.Error(), []string{err.Error()}
}

// land publishes what a flight brought.
func (c *Cache) land(f *flight, made Record) {
	o := newOffer(f, &made, c.cfg.Now(), c.lifetime(&made.Result))
	f.rec = made
	c.mu.Lock()
	defer c.mu.Unlock()
	f.offer = o
	close(f.done)
}

// wait takes what the flight brings. When the decision's time runs out before
// that, the Scorer proposes for it alone.
func (e *Engine) wait(ctx context.Context, s *seat, rec *Record) {
	left := e.left(ctx)
	limit := left - min(left/6, scoreGrace)
	if landed(ctx, s.flight, limit) {
		s.take(rec)
		return
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return // Decide leaves, and says so
	}
	late := fmt.Errorf("no answer within %s", limit.Round(time.Millisecond))
	last := s.leave(fmt.Errorf("%w: %w", late, errNobodyWaits))
	if last && landed(ctx, s.flight, e.left(ctx)) { // cancelled, it says what it tried, and what the Scorer answered
		s.take(rec)
		return
	}
	scorerCtx, cancel := context.WithTimeout(ctx, e.left(ctx))
	defer cancel()
	scored, err := e.score(scorerCtx, rec.Input)()
	if !last {
		late = fmt.Errorf("%w: identical requests still wait", late)
	}
	rec.fallBack(late, scored, err)
}

// landed waits for the flight, at most so long and only while the caller does.
func landed(ctx context.Context, f *flight, limit time.Duration) bool {
	patience := time.NewTimer(limit)
	defer patience.Stop()
	select {
	case <-f.done:
	case <-ctx.Done():
	case <-patience.C:
	}
	select {
	case <-f.done: // also when it was in time and the one who waits was not
		return !errors.Is(ctx.Err(), context.Canceled)
	default:
		return false
	}
}

// take fills the record in from a flight that has landed. One record says what
// was asked, answered and spent; the others that they shared it.
func (s *seat) take(rec *Record) {
	f := s.flight
	s.cache.mu.Lock()
	own := s.asker || f.orphaned
	f.orphaned = false
	s.offer = f.offer
	s.cache.mu.Unlock()
	if !own {
		s.offer.fill(rec, s.cache.cfg.Now())
		return
	}
	id, degraded := rec.Result.ID, rec.Result.Degraded
	in := rec.Input
	*rec = f.rec
	rec.Input, rec.Result.ID = in, id
	rec.Result.Degraded = append(slices.Clip(degraded), f.rec.Result.Degraded...)
	if !s.asker {
		rec.Result.Degraded = append(rec.Result.Degraded, adoptedNote)
	}
}

// adoptedNote says that the question is from the input of somebody who left,
// which is like the record's own only as far as a Cache looks.
const adoptedNote = "proposal: made for an identical request that did not wait for it"

// leave gives the seat up. When nobody else is aboard the flight is cancelled
// for this cause, and leave reports it.
func (s *seat) leave(cause error) (last bool) {
	if !s.aboard {
		return false
	}
	f := s.flight
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	s.aboard = false
	f.aboard--
	f.orphaned = f.orphaned || s.asker && s.offer == nil
	if f.aboard > 0 {
		return false
	}
	s.cache.close(f)
	if f.offer == nil {
		f.cancel(cause)
	}
	return true
}

// settle tells the cache what became of the decision: its proposal is kept once
// a decision that the gate refused nothing of is recorded, and forgotten once
// the gate refused any of it.
func (s *seat) settle(refused, recorded bool) {
	if s.offer == nil {
		return
	}
	o, c := s.offer, s.cache
	c.mu.Lock()
	if s.flight != nil {
		c.close(s.flight)
	}
	switch {
	case refused:
		o.refused = true
		c.forget(o)
	case recorded && !o.kept && !o.refused && o.until.After(o.answered) && o.bytes() <= maxOfferBytes:
		o.kept = true
		c.keep(o)
	}
	c.mu.Unlock()
	s.leave(nil)
}

// close ends boarding. The caller holds mu.
func (c *Cache) close(f *flight) {
	if c.flights[f.key] == f {
		delete(c.flights, f.key)
	}
}
