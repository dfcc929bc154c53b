package breaker

import (
	"errors"
	"log/slog"
	"time"

	"github.com/sony/gobreaker/v2"
)

// QualityConfig makes a Quality. Zero values are defaults.
type QualityConfig struct {
	Name            string        // default "quality"
	Threshold       int           // undecodable answers in a row that open it; 1–1,000; default 3
	RecoveryTimeout time.Duration // from opening to the probe; at most 24 h; default 300 s
	// Lease is the longest that an allowed call takes to be reported, and so
	// how long one that never is holds off a probe; at most 1 h; default 60 s,
	// two of Config.Timeout.
	Lease    time.Duration
	OnChange func(Change)     // as Config.OnChange
	Logger   *slog.Logger     // circuit_breaker at Warn; default: discards
	Now      func() time.Time // stamps only; default time.Now
}

// config is the part that a Policy has as well.
func (c QualityConfig) config() Config {
	return Config{
		Name: or(c.Name, "quality"), FailureThreshold: c.Threshold, RecoveryTimeout: c.RecoveryTimeout,
		OnChange: c.OnChange, Logger: c.Logger, Now: c.Now,
	}
}

const defaultLease = 60 * time.Second

// Validate reports every problem of the configuration, defaults included.
func (c QualityConfig) Validate() error {
	var p problems
	own := c.config().withDefaults()
	p.name(own.Name)
	p.whole("Threshold", own.FailureThreshold, maxThreshold)
	p.between("RecoveryTimeout", own.RecoveryTimeout, maxPause)
	p.between("Lease", or(c.Lease, defaultLease), maxTimeout)
	return errors.Join(p...)
}

// Quality is the second circuit of a model, for answers that arrive but
// cannot be decoded: calls go through its Policy between Allow and Report.
// It recovers by the same rules and is safe for concurrent use.
type Quality struct {
	*core

	lease time.Duration

	// guarded by mu
	leaseUntil time.Time // of the probe
	unreported int       // calls that were allowed by a closed circuit
	lastCall   time.Time // of them
}

// NewQuality checks the configuration; the error joins all its problems.
func NewQuality(cfg QualityConfig) (*Quality, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Quality{core: newCore(cfg.config().withDefaults()), lease: or(cfg.Lease, defaultLease)}, nil
}

// Allow reports whether the model may be asked: nil, or an *OpenError. Half
// open it allows one call per Lease until a Report, and none while a call from
// before the opening may still report.
func (q *Quality) Allow() error {
	switch q.circuit.Load().breaker.State() {
	case gobreaker.StateClosed:
		q.mu.Lock()
		defer q.mu.Unlock()
		q.unreported++
		q.lastCall = now()
		return nil
	case gobreaker.StateOpen:
		q.tally.reject()
		return q.refusal(gobreaker.ErrOpenState)
	case gobreaker.StateHalfOpen:
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if left := time.Until(q.leaseUntil); left > 0 {
		q.tally.reject()
		return &OpenError{Name: q.name, Phase: PhaseHalfOpen, Reason: "its probe is under way", RetryIn: left}
	}
	if left := time.Until(q.lastCall.Add(q.lease)); q.unreported > 0 && left > 0 {
		q.tally.reject()
		return &OpenError{Name: q.name, Phase: PhaseHalfOpen, Reason: "a call from before it opened may still report", RetryIn: left}
	}
	q.unreported = 0
	q.leaseUntil = now().Add(q.lease)
	return nil
}

// Report says whether an answer could be decoded. A call that brought no
// answer reports nothing. A report that finds the circuit open, or half open
// without a probe under way, is of a call from before; it is counted in Stats
// and does not move the circuit. Reports carry no name, so one that comes later
// than Lease after its Allow may be taken for a probe's.
func (q *Quality) Report(ok bool) {
	var o *outcome
	if !ok {
		o = &outcome{class: ClassFailure, reason: "the answer could not be decoded"}
	}
	q.tally.count(o, q.stamp)
	if q.expects() {
		q.circuit.Load().report(o)
	}
}

// expects takes one report off those that are due, and says whether it moves
// the circuit. One that finds it open does not, also when the probe is due: it
// would pass for the probe.
func (q *Quality) expects() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.phase == PhaseClosed:
		q.unreported = max(q.unreported-1, 0)
		return true
	case q.phase == PhaseHalfOpen && !q.leaseUntil.IsZero():
		q.leaseUntil = time.Time{}
		return true
	default:
		q.unreported = max(q.unreported-1, 0)
		return false
	}
}
