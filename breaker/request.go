package breaker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// trial is the time that one attempt gets.
type trial struct {
	begun time.Time
	limit time.Duration
}

// failing is the last attempt that ended by itself.
type failing struct {
	class Class
	err   error
	fault error // of the last attempt that failed by the provider's fault
}

// outcome is a failure also when a rate limit came after one: the limit
// already has its cooldown, and proves nothing of the attempts before it.
func (f failing) outcome() *outcome {
	class, err := f.class, f.err
	if class == ClassRateLimited && f.fault != nil {
		class, err = ClassFailure, f.fault
	}
	return &outcome{class: class, reason: clip(err.Error()), wait: retryAfter(err)}
}

// request makes the attempts of one admitted call.
func (p *Policy) request(ctx context.Context, try func(trial) error) (*outcome, error) {
	attempts := p.cfg.Attempts
	enough := min(p.cfg.AttemptTimeout/2, enoughForAll)
	if !p.isClosed() {
		attempts, enough = 1, min(p.cfg.AttemptTimeout/3, enoughForProbe)
	}
	t := trial{begun: now()}
	end := t.begun.Add(p.cfg.Timeout)
	var last failing
	for n := 1; ; n++ {
		t.limit = min(p.cfg.AttemptTimeout, end.Sub(t.begun))
		p.logAttempt(ctx, n, attempts, t.limit)
		if err := p.start(); err != nil {
			return p.unstarted(ctx, n, last, err)
		}
		err := try(t)
		if err == nil {
			p.tally.time(t.begun)
			return nil, nil
		}
		if wasCut(ctx, err) {
			if !hadItsTime(ctx, t, enough) {
				return p.giveUp(ctx, n, last)
			}
			err = p.timedOut(t.begun, t.limit)
		}
		last.class, last.err = p.classify(err), err
		if last.class == ClassFailure {
			last.fault = err
		}
		if last.class == ClassExcluded || last.class == ClassBlocked {
			return last.outcome(), err
		}
		p.tally.time(t.begun)
		wait := p.wait(n, last)
		if n >= attempts || isFinal(err) || !p.pause(ctx, end, wait) {
			return p.giveUp(ctx, n, last)
		}
		t.begun = now()
	}
}

// An attempt that the caller's deadline cuts after this long has timed out, or
// hosts whose deadlines are shorter than AttemptTimeout would never see a
// provider that hangs. A shorter deadline says nothing of the provider. A
// probe needs less: the circuit had a reason to open.
const (
	enoughForAll   = 5 * time.Second
	enoughForProbe = 2 * time.Second
)

// over is the context's error, also in the instant in which its deadline has
// passed but its timer has not run: a function may have gone by the deadline.
func over(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// wasCut reports whether an attempt ended because the caller's context did.
func wasCut(ctx context.Context, err error) bool {
	ended := over(ctx)
	return ended != nil && (errors.Is(err, errEnded) || errors.Is(err, ended))
}

func hadItsTime(ctx context.Context, t trial, enough time.Duration) bool {
	return errors.Is(over(ctx), context.DeadlineExceeded) && -time.Until(t.begun) >= min(enough, t.limit)
}

func (p *Policy) timedOut(begun time.Time, limit time.Duration) *TimeoutError {
	return &TimeoutError{After: min(-time.Until(begun), limit), Call: limit < p.cfg.AttemptTimeout}
}

// unstarted is a call whose nth attempt may not start.
func (p *Policy) unstarted(ctx context.Context, n int, last failing, err error) (*outcome, error) {
	if n == 1 {
		return &outcome{class: ClassExcluded, unmade: true, reason: err.Error()}, err
	}
	return p.giveUp(ctx, n-1, last)
}

// giveUp is a call that makes no further attempt. A caller's deadline that
// found the provider failing already leaves it at that; when the caller went
// away in any other way, nothing is known.
func (p *Policy) giveUp(ctx context.Context, made int, last failing) (*outcome, error) {
	cause := last.err
	if err := over(ctx); err != nil {
		if last.err == nil || !errors.Is(err, context.DeadlineExceeded) {
			return &outcome{class: ClassExcluded, reason: err.Error()}, err
		}
		cause = fmt.Errorf("%w after %w", err, last.err)
	}
	return last.outcome(), &ExhaustedError{Name: p.name, Attempts: made, Err: cause}
}

// pause waits before the next attempt, and reports whether there is one: none
// once other calls have opened the circuit or prolonged a cooldown.
func (p *Policy) pause(ctx context.Context, end time.Time, wait time.Duration) bool {
	return p.isClosed() && fits(ctx, end, wait) && sleep(ctx, wait) && p.isClosed() && p.cooldown() == nil
}

func (p *Policy) classify(err error) Class {
	if isFinal(err) {
		return ClassFailure
	}
	switch class := p.cfg.Classify(err); class {
	case ClassRateLimited, ClassBlocked, ClassExcluded:
		return class
	default:
		return ClassFailure
	}
}

// isFinal says that the function is at fault, so that a retry would find the
// same.
func isFinal(err error) bool {
	_, panicked := errors.AsType[*PanicError](err)
	return panicked || errors.Is(err, ErrGoexit)
}

// wait is how long to wait after attempt n; a rate limit starts its cooldown.
func (p *Policy) wait(n int, last failing) time.Duration {
	wait := backoff(p.cfg, n)
	asked := retryAfter(last.err)
	if last.class == ClassRateLimited {
		if asked == 0 {
			asked = p.cfg.Cooldown
		}
		p.cool(min(asked, p.cfg.MaxCooldown), clip(last.err.Error()))
	}
	return max(wait, asked)
}

// fits reports whether an attempt could still begin after the wait.
func fits(ctx context.Context, end time.Time, wait time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(end) {
		end = deadline
	}
	return wait < time.Until(end)
}

func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (p *Policy) logAttempt(ctx context.Context, n, attempts int, limit time.Duration) {
	if !p.cfg.Logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	p.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "llm_api_call", slog.String("name", p.name),
		slog.Int("attempt", n), slog.Int("attempts", attempts), slog.Duration("timeout", limit))
}
