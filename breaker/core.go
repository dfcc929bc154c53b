package breaker

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// core is a circuit with its cooldown, counts and listeners.
type core struct {
	name        string
	threshold   int
	recovery    time.Duration
	maxCooldown time.Duration
	stamp       func() time.Time
	crew        *crew
	notices     *notices
	tally       tally

	circuit atomic.Pointer[circuit] // stored under mu

	mu         sync.Mutex // taken inside gobreaker's, so never held while asking it
	phase      Phase      // of the circuit
	shown      Phase      // as last noted for delivery
	reason     string     // of the last opening
	probeAt    time.Time
	idleUntil  time.Time // when half open: no probe before it
	cooling    bool
	coolReason string
	coolUntil  time.Time
	opened     uint64
}

func newCore(cfg Config) *core {
	c := &core{
		name: cfg.Name, threshold: cfg.FailureThreshold, recovery: cfg.RecoveryTimeout, maxCooldown: cfg.MaxCooldown, stamp: cfg.Now,
		crew: newCrew(cfg.MaxAbandoned), phase: PhaseClosed, shown: PhaseClosed,
	}
	c.notices = &notices{tell: telling(cfg.Logger, cfg.OnChange), crew: c.crew}
	c.circuit.Store(c.newCircuit(c.recovery))
	return c
}

// settle notes a change of what the circuit shows. It needs mu.
func (c *core) settle(reason string) {
	shows := c.phase
	if c.cooling && c.phase != PhaseOpen {
		shows = PhaseCooldown
	}
	if shows == c.shown {
		return
	}
	c.notices.push(Change{
		Name: c.name, From: c.shown, To: shows, Reason: reason, At: c.stamp().UTC(), RetryIn: c.retryIn(),
	})
	c.shown = shows
}

// retryIn is the time until a call may be made. It needs mu.
func (c *core) retryIn() time.Duration {
	wait := time.Duration(0)
	if c.phase == PhaseOpen {
		wait = max(time.Until(c.probeAt), 1) // at the very instant gobreaker is still open
	}
	if c.phase == PhaseHalfOpen {
		wait = max(time.Until(c.idleUntil), 0)
	}
	if c.cooling {
		wait = max(wait, time.Until(c.coolUntil))
	}
	return wait
}

// maxIdle bounds the pause after a probe that proved nothing, which is a tenth
// of the recovery time.
const maxIdle = 30 * time.Second

// idle pauses the probes of a half-open circuit, so that calls which end
// without saying anything of the provider are not all made.
func (c *core) idle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == PhaseHalfOpen {
		c.idleUntil = now().Add(min(c.recovery/10, maxIdle))
	}
}

// idling is the refusal of a probe during that pause, or nil.
func (c *core) idling() *OpenError {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != PhaseHalfOpen || time.Until(c.idleUntil) <= 0 {
		return nil
	}
	return &OpenError{Name: c.name, Phase: PhaseHalfOpen, Reason: "its last probe proved nothing", RetryIn: c.retryIn()}
}

// cool starts or prolongs a cooldown.
func (c *core) cool(pause time.Duration, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prolong(pause, reason)
	c.settle(reason)
}

// prolong is cool without the notice. It needs mu.
func (c *core) prolong(pause time.Duration, reason string) {
	if until := now().Add(pause); !c.cooling || until.After(c.coolUntil) {
		c.cooling, c.coolUntil, c.coolReason = true, until, reason
	}
}

// warm ends a cooldown that is over. It needs mu.
func (c *core) warm() {
	if c.cooling && time.Until(c.coolUntil) <= 0 {
		c.cooling = false
		c.settle("the cooldown is over")
	}
}

// cooldown is the refusal of a call during a cooldown, or nil.
func (c *core) cooldown() *OpenError {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.warm()
	if !c.cooling {
		return nil
	}
	refusal := &OpenError{Name: c.name, Phase: PhaseCooldown, Reason: c.coolReason, RetryIn: c.retryIn()}
	if c.phase == PhaseOpen {
		refusal.Phase, refusal.Reason = PhaseOpen, c.reason
	}
	return refusal
}

// refusal explains what gobreaker refused.
func (c *core) refusal(err error) *OpenError {
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(err, gobreaker.ErrTooManyRequests) {
		return &OpenError{Name: c.name, Phase: PhaseHalfOpen, Reason: "its probe is under way"}
	}
	return &OpenError{Name: c.name, Phase: PhaseOpen, Reason: c.reason, RetryIn: c.retryIn()}
}

// isClosed reports whether other calls than a probe are made.
func (c *core) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase == PhaseClosed
}

// look polls gobreaker, which moves from open to half-open only when asked,
// and reports the phase that shows.
func (c *core) look() Phase {
	c.circuit.Load().breaker.State()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.warm()
	return c.shown
}

// replace puts a circuit in place of the present one, whose calls under way
// no longer count for it.
func (c *core) replace(n *circuit, phase Phase, reason string, probeAt time.Time, cooling bool, coolUntil time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.circuit.Store(n)
	c.phase, c.reason, c.probeAt, c.idleUntil = phase, reason, probeAt, time.Time{}
	c.cooling, c.coolUntil, c.coolReason = cooling, coolUntil, reason
	c.settle(reason)
}

// Reset closes the circuit by hand and ends a cooldown. The counts stay; the
// results of calls under way no longer move the circuit.
func (c *core) Reset() {
	c.tally.forgive()
	c.replace(c.newCircuit(c.recovery), PhaseClosed, "reset by hand", time.Time{}, false, time.Time{})
}

// Close refuses further calls with ErrStopped and waits until every call,
// abandoned ones included, has returned and every change is delivered, or
// until ctx ends, whose error it returns. Calls under way are not cancelled:
// their contexts are their callers'. It may be called again. Without it
// nothing leaks: an idle policy has no goroutine.
func (c *core) Close(ctx context.Context) error { return c.crew.stop(ctx) }
