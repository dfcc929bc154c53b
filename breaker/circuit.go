package breaker

import (
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"
)

// Phase is the state of a circuit. The zero value is invalid.
type Phase string

// The phases. A circuit that is due for its probe shows as open until
// somebody asks for a call, Stats or Save.
const (
	PhaseClosed   Phase = "closed"    // calls are made
	PhaseOpen     Phase = "open"      // calls are refused
	PhaseHalfOpen Phase = "half_open" // one call, the probe, is made
	PhaseCooldown Phase = "cooldown"  // not open, but calls are refused for as long as a provider asked
)

// now is the clock of intervals.
func now() time.Time {
	return time.Now() //nolint:forbidigo // gobreaker reads this clock; an injected one would disagree with it
}

// outcome is how a call ended, an error so that gobreaker carries it; nil is
// success.
type outcome struct {
	class  Class
	unmade bool // refused after all, before the first attempt
	reason string
	wait   time.Duration // what the provider asked for; 0: nothing
}

func (o *outcome) Error() string { return o.reason }

func (o *outcome) counts() bool { return o.class != ClassExcluded && o.class != ClassRateLimited }

// circuit is one gobreaker and what its callbacks, all of which run under its
// mutex, need. It is replaced rather than moved by hand: gobreaker has neither
// a reset nor a choice of how long to stay open.
type circuit struct {
	breaker  *gobreaker.CircuitBreaker[struct{}]
	core     *core
	openFor  time.Duration
	building bool
	last     *outcome // guarded by gobreaker's mutex
}

func (c *core) newCircuit(openFor time.Duration) *circuit {
	n := &circuit{core: c, openFor: openFor}
	n.breaker = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name: c.name, MaxRequests: 1, Timeout: openFor,
		IsExcluded: n.isExcluded, IsSuccessful: isSuccess, ReadyToTrip: n.readyToTrip, OnStateChange: n.onStateChange,
	})
	return n
}

// newCircuitAfter starts with consecutive failures, without telling anybody.
// A blocked outcome opens it.
func (c *core) newCircuitAfter(openFor time.Duration, failures int, o *outcome) *circuit {
	n := c.newCircuit(openFor)
	n.building = true
	for range failures {
		n.report(o)
	}
	n.building = false
	return n
}

// report runs a call that is over already; an open circuit ignores it.
func (n *circuit) report(o *outcome) {
	_, _ = n.breaker.Execute(func() (struct{}, error) { return struct{}{}, o.err() }) //nolint:errcheck // the outcome itself, or that refusal
}

// err avoids a nil *outcome in a non-nil error.
func (o *outcome) err() error {
	if o == nil {
		return nil
	}
	return o
}

// isExcluded is the first callback to see a result, and keeps it for the
// other two.
func (n *circuit) isExcluded(err error) bool {
	if err == nil {
		n.last = nil
		return false
	}
	o, ok := errors.AsType[*outcome](err)
	if !ok { // the host's Classify panicked
		o = &outcome{class: ClassFailure, reason: clip(err.Error())}
	}
	n.last = o
	return !o.counts()
}

func isSuccess(err error) bool { return err == nil }

func (n *circuit) readyToTrip(counts gobreaker.Counts) bool {
	return n.last.class == ClassBlocked || int64(counts.ConsecutiveFailures) >= int64(n.core.threshold)
}

// onStateChange only notes: asking the breaker anything here would deadlock.
func (n *circuit) onStateChange(_ string, _, to gobreaker.State) {
	c := n.core
	if n.building {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.circuit.Load() != n {
		return // a result from before Reset or Restore
	}
	switch to {
	case gobreaker.StateOpen:
		c.phase, c.reason, c.probeAt = PhaseOpen, n.last.reason, now().Add(c.recovery)
		c.opened++
		c.idleUntil = time.Time{}
		if wait := min(n.last.wait, c.maxCooldown); wait > c.recovery { // gobreaker opens for its recovery time alone
			c.prolong(wait, c.reason)
		}
		if n.openFor != c.recovery { // restored: gobreaker would stay open for what was left then
			c.circuit.Store(c.newCircuitAfter(c.recovery, 1, &outcome{class: ClassBlocked}))
		}
		c.settle(c.reason)
	case gobreaker.StateHalfOpen:
		c.phase = PhaseHalfOpen
		c.settle("the recovery time is over")
	case gobreaker.StateClosed:
		c.phase = PhaseClosed
		c.settle("the probe succeeded")
	}
}
