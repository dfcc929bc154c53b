package aster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	usablePercent = 80              // of the limit: others may share the address
	maxHeader     = 10_000_000      // a used weight beyond is not believed
	maxBan        = 72 * time.Hour  // the longest that the venue documents
	defaultBan    = 2 * time.Minute // the shortest
	maxPause      = time.Hour       // as httpx.MaxRetryAfter
	weightHeader  = "X-MBX-USED-WEIGHT-1M"
)

// budget keeps requests within the weight that the venue grants per minute of
// its clock. Requests that do not fit wait in the order in which they came.
type budget struct {
	turn chan struct{} // held by the one that takes or waits for weight

	mu          sync.Mutex
	limit       int
	minute      int64 // of the venue's clock, since 1970
	used        int
	waiting     int
	pausedUntil time.Time
	bannedUntil time.Time
	banned      chan struct{} // closed and replaced at each ban
}

func newBudget(limit int) *budget {
	return &budget{turn: make(chan struct{}, 1), limit: limit, banned: make(chan struct{})}
}

// refusal is a request that the budget keeps from being sent.
type refusal struct {
	kind Kind
	wait time.Duration
	text string
}

// Error is the reason.
func (r *refusal) Error() string { return r.text }

var errTooHeavy = errors.New("aster: dearer than a whole minute allows")

// reserve takes weight from the present minute, and waits for the next one
// when it does not fit. It returns the minute taken from. The error is a
// *refusal (banned; or the wait would outlast ctx), errTooHeavy or ctx's.
func (b *budget) reserve(ctx context.Context, weight int, now func() time.Time) (int64, error) {
	if err := b.mayWait(ctx, weight, now()); err != nil {
		return 0, err
	}
	b.wait(1)
	defer b.wait(-1)
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() { <-b.turn }()
	for {
		minute, wait, err := b.take(weight, now())
		if err != nil || wait == 0 {
			return minute, err
		}
		if err := inVain(ctx, wait); err != nil { // a rate limit since has made it longer
			return 0, err
		}
		if err := b.sleep(ctx, wait); err != nil {
			return 0, err
		}
	}
}

// mayWait refuses at once what could only wait in vain.
func (b *budget) mayWait(ctx context.Context, weight int, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	wait, err := b.waitFor(weight, now)
	if err != nil {
		return err
	}
	return inVain(ctx, wait)
}

// inVain refuses a wait that ctx would not outlast.
func inVain(ctx context.Context, wait time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && wait > time.Until(deadline) {
		return &refusal{KindRateLimit, wait, fmt.Sprintf("not sent: the venue's limit leaves no weight for another %v, which is more time than the call has", wait.Round(time.Millisecond))}
	}
	return nil
}

// take takes weight, or says how long to wait before trying again.
func (b *budget) take(weight int, now time.Time) (int64, time.Duration, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wait, err := b.waitFor(weight, now)
	if err == nil && wait == 0 {
		b.used += weight
	}
	return b.minute, wait, err
}

// waitFor is called with mu held.
func (b *budget) waitFor(weight int, now time.Time) (time.Duration, error) {
	b.roll(now)
	usable := b.limit * usablePercent / 100
	switch {
	case now.Before(b.bannedUntil):
		wait := b.bannedUntil.Sub(now)
		return 0, &refusal{KindBanned, wait, fmt.Sprintf("nothing is sent for another %v", wait.Round(time.Second))}
	case weight > usable:
		return 0, fmt.Errorf("%w: weight %d, of %d", errTooHeavy, weight, usable)
	case now.Before(b.pausedUntil):
		return b.pausedUntil.Sub(now), nil
	case b.used+weight > usable:
		return b.nextMinute().Sub(now), nil
	}
	return 0, nil
}

// roll begins the minute that now is in. A clock that was set back a little
// must not grant the same minute twice; one set back further must not stop
// the budget until it has caught up.
func (b *budget) roll(now time.Time) {
	if minute := now.Unix() / 60; minute > b.minute || minute < b.minute-1 {
		b.minute, b.used = minute, 0
	}
}

func (b *budget) nextMinute() time.Time { return time.Unix((b.minute+1)*60, 0).UTC() }

func (b *budget) wait(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting += n
}

// sleep waits, no longer than until a ban.
func (b *budget) sleep(ctx context.Context, wait time.Duration) error {
	b.mu.Lock()
	banned := b.banned
	b.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-banned:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// observe learns what the venue counted for the minute, other programs at the
// same address included. A header that is no number is as good as none.
func (b *budget) observe(minute int64, header http.Header, now time.Time) {
	used, err := strconv.Atoi(header.Get(weightHeader))
	if err != nil || used < 0 || used > maxHeader {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roll(now)
	if minute == b.minute {
		b.used = max(b.used, used)
	}
}

// pause holds everything for wait, or until the next minute when wait is 0. It
// returns how long that is.
func (b *budget) pause(now time.Time, wait time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roll(now)
	until := now.Add(min(wait, maxPause))
	if wait <= 0 {
		until = b.nextMinute()
	}
	if until.After(b.pausedUntil) {
		b.pausedUntil = until
	}
	return b.pausedUntil.Sub(now)
}

// ban keeps everything from being sent, what waits included. It returns how
// long that is.
func (b *budget) ban(now, until time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if latest := now.Add(maxBan); until.After(latest) {
		until = latest
	}
	if until.After(b.bannedUntil) {
		b.bannedUntil = until
	}
	close(b.banned)
	b.banned = make(chan struct{})
	return b.bannedUntil.Sub(now)
}

// lower takes over the venue's own limit when it is the smaller one.
func (b *budget) lower(limit int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = min(b.limit, max(limit, minWeight))
}

func (b *budget) usage(now time.Time) Usage {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roll(now)
	u := Usage{UsedWeight: b.used, Limit: b.limit, Minute: time.Unix(b.minute*60, 0).UTC(), Waiting: b.waiting}
	if now.Before(b.bannedUntil) {
		u.BannedUntil = b.bannedUntil.UTC()
	}
	return u
}
