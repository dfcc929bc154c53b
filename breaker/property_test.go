package breaker_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/breaker"
)

// step is one thing that happens to a policy.
type step struct {
	Does string
	Wait time.Duration
}

// model is what a policy should be, written as plainly as possible.
type model struct {
	threshold    int
	recovery     time.Duration
	phase        breaker.Phase
	failures     int
	probe, until time.Time
	idle         time.Time // no probe before
	made, opened int
}

func (m *model) fail() {
	m.failures++
	if m.phase == breaker.PhaseHalfOpen || m.failures >= m.threshold {
		m.trip()
	}
}

func (m *model) trip() {
	m.phase, m.failures, m.probe = breaker.PhaseOpen, 0, time.Now().Add(m.recovery)
	m.idle = time.Time{}
	m.opened++
}

func (m *model) shows() breaker.Phase {
	if m.phase == breaker.PhaseOpen && time.Now().After(m.probe) {
		m.phase = breaker.PhaseHalfOpen
	}
	if m.phase != breaker.PhaseOpen && time.Now().Before(m.until) {
		return breaker.PhaseCooldown
	}
	return m.phase
}

// call is what a call that ends as the step says does to the model, and
// whether it is made.
func (m *model) call(s step) bool {
	if shows := m.shows(); shows == breaker.PhaseOpen || shows == breaker.PhaseCooldown || time.Now().Before(m.until) {
		return false
	}
	if m.phase == breaker.PhaseHalfOpen && time.Now().Before(m.idle) {
		return false
	}
	m.made++
	switch s.Does {
	case "succeed":
		m.phase, m.failures = breaker.PhaseClosed, 0
	case "fail":
		m.fail()
	case "block":
		m.trip()
	case "limit":
		m.until = time.Now().Add(s.Wait)
	case "exclude":
		if m.phase == breaker.PhaseHalfOpen {
			m.idle = time.Now().Add(m.recovery / 10)
		}
	}
	return true
}

var ends = map[string]error{"succeed": nil, "fail": errDown, "block": errBlocked, "exclude": errConfig}

func (m *model) play(t *testing.T, p *breaker.Policy, s step) (*breaker.Policy, error) {
	t.Helper()
	switch s.Does {
	case "wait":
		time.Sleep(s.Wait)
	case "reset":
		p.Reset()
		m.phase, m.failures, m.until = breaker.PhaseClosed, 0, time.Time{}
	case "restart":
		saved := p.Save()
		p = open(t, breaker.Config{FailureThreshold: m.threshold, RecoveryTimeout: m.recovery, Attempts: 1})
		if err := p.Restore(saved); err != nil {
			return p, err
		}
		if m.shows(); m.phase == breaker.PhaseHalfOpen {
			m.phase, m.probe = breaker.PhaseOpen, time.Now().Add(max(time.Until(m.idle), 1))
			m.idle = time.Time{}
		} else if m.phase == breaker.PhaseOpen && !m.probe.After(time.Now()) {
			m.probe = time.Now().Add(1)
		}
		m.made, m.opened = 0, 0
	default:
		err := ends[s.Does]
		if s.Does == "limit" {
			err = &failure{limited: true, wait: s.Wait}
		}
		made, refused := m.call(s), errors.Is(does(t, p, err), breaker.ErrOpen)
		if made == refused {
			return p, fmt.Errorf("made %v, refused %v", made, refused)
		}
	}
	return p, nil
}

func (m *model) differs(s breaker.Stats) error {
	if shows := m.shows(); s.State != shows {
		return fmt.Errorf("state %s instead of %s", s.State, shows)
	}
	if s.Total != uint64(m.made) || s.Opened != uint64(m.opened) || s.Total != s.Successes+s.Failures+s.Excluded {
		return fmt.Errorf("%+v instead of %+v", s, m)
	}
	return nil
}

func TestPolicy_isTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{
			threshold: rapid.IntRange(1, 4).Draw(rt, "threshold"), recovery: 10 * time.Second, phase: breaker.PhaseClosed,
		}
		waits := rapid.OneOf(rapid.Int64Range(1, int64(12*time.Second)), rapid.SampledFrom([]int64{1, int64(10 * time.Second), int64(10*time.Second) + 1}))
		steps := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
			return step{
				Does: rapid.SampledFrom([]string{"succeed", "fail", "fail", "fail", "block", "exclude", "limit", "wait", "wait", "reset", "restart"}).Draw(rt, "does"),
				Wait: time.Duration(waits.Draw(rt, "wait")),
			}
		}), 1, 60).Draw(rt, "steps")
		var wrong error
		synctest.Test(t, func(t *testing.T) { wrong = m.run(t, steps) })
		if wrong != nil {
			rt.Fatal(wrong)
		}
	})
}

// run plays the steps; every change must also begin where the last ended and
// end where Stats is.
func (m *model) run(t *testing.T, steps []step) error {
	t.Helper()
	told := &changes{}
	p := open(t, breaker.Config{FailureThreshold: m.threshold, RecoveryTimeout: m.recovery, Attempts: 1, OnChange: told.note})
	first := p
	for i, s := range steps {
		var err error
		if p, err = m.play(t, p, s); err == nil {
			err = m.differs(p.Stats())
		}
		if err != nil {
			return fmt.Errorf("step %d (%+v): %w", i, s, err)
		}
	}
	at := breaker.PhaseClosed
	for _, change := range told.settled() {
		if change.From != at || change.To == at {
			return fmt.Errorf("%+v does not follow %s", change, at)
		}
		at = change.To
	}
	if state := first.Stats().State; p == first && at != state {
		return fmt.Errorf("told %s, is %s", at, state)
	}
	return nil
}
