package breaker

import (
	"errors"
	"time"
)

// State is what a restart must not forget: a small value for a store or a
// file, without secrets. Save makes it, Restore checks it.
type State struct {
	Name string `json:"name"`
	// Phase is PhaseClosed or PhaseOpen; a half-open circuit, whose probe a
	// restart forgets, is open with a probe that is due.
	Phase               Phase     `json:"phase"`
	ConsecutiveFailures int       `json:"consecutive_failures"` // when closed; below the threshold
	Reason              string    `json:"reason,omitempty"`     // of the opening or the cooldown
	ProbeAt             time.Time `json:"probe_at,omitzero"`    // UTC; when open
	CooldownUntil       time.Time `json:"cooldown_until,omitzero"`
}

// Save is the present state. Its times are Config.Now plus what is left.
func (c *core) Save() State {
	c.look()
	counts := c.circuit.Load().breaker.Counts()
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.stamp().UTC()
	s := State{Name: c.name, Phase: PhaseClosed}
	switch c.phase {
	case PhaseOpen:
		s.Phase, s.Reason, s.ProbeAt = PhaseOpen, c.reason, at.Add(max(time.Until(c.probeAt), 0))
	case PhaseHalfOpen:
		s.Phase, s.Reason, s.ProbeAt = PhaseOpen, c.reason, at.Add(max(time.Until(c.idleUntil), 0))
	default:
		s.ConsecutiveFailures = min(int(counts.ConsecutiveFailures), c.threshold-1)
	}
	if c.cooling {
		s.CooldownUntil = at.Add(max(time.Until(c.coolUntil), 0))
		if s.Reason == "" {
			s.Reason = c.coolReason
		}
	}
	return s
}

// Restore puts a saved state in place of the present one, as a change that is
// delivered; counts stay. A probe or cooldown further away than this policy's
// own RecoveryTimeout or MaxCooldown, after a change of clock or
// configuration, is brought forward to it. The error joins all problems, and
// then nothing has changed.
func (c *core) Restore(s State) error {
	if err := c.check(s); err != nil {
		return err
	}
	at := c.stamp()
	cool := min(s.CooldownUntil.Sub(at), c.maxCooldown)
	cooling := !s.CooldownUntil.IsZero() && cool > 0
	coolUntil := now().Add(max(cool, 0))
	if s.Phase == PhaseClosed {
		n := c.newCircuitAfter(c.recovery, s.ConsecutiveFailures, &outcome{class: ClassFailure})
		c.replace(n, PhaseClosed, s.Reason, time.Time{}, cooling, coolUntil)
		return nil
	}
	wait := min(max(s.ProbeAt.Sub(at), 1), c.recovery) // gobreaker reads 0 as its own default
	probeAt := now().Add(wait)
	n := c.newCircuitAfter(wait, 1, &outcome{class: ClassBlocked})
	c.replace(n, PhaseOpen, s.Reason, probeAt, cooling, coolUntil)
	return nil
}

func (c *core) check(s State) error {
	var p problems
	if s.Name != c.name {
		p.add("State.Name must be %q, was %q", c.name, clip(s.Name))
	}
	if s.Phase != PhaseClosed && s.Phase != PhaseOpen {
		p.add("State.Phase must be %q or %q, was %q", PhaseClosed, PhaseOpen, clip(string(s.Phase)))
	}
	if s.ConsecutiveFailures < 0 || s.ConsecutiveFailures >= c.threshold {
		p.add("State.ConsecutiveFailures must be between 0 and %d, was %d", c.threshold-1, s.ConsecutiveFailures)
	}
	if s.Reason != clip(s.Reason) {
		p.add("State.Reason must be one line of at most %d bytes, was %d bytes", maxTextBytes, len(s.Reason))
	}
	return errors.Join(p...)
}
