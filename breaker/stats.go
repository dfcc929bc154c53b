package breaker

import (
	"slices"
	"sync"
	"time"
)

// Stats is what a policy has seen since it was made. Durations are in JSON
// nanoseconds. Totals are of calls, not attempts:
// Total = Successes + Failures + Excluded, and Rejected comes on top.
type Stats struct {
	Name      string `json:"name"`
	State     Phase  `json:"state"`
	Total     uint64 `json:"total"` // calls made
	Successes uint64 `json:"successes"`
	Failures  uint64 `json:"failures"`
	Excluded  uint64 `json:"excluded"` // cancelled, rate limited, or a request that could not succeed
	Rejected  uint64 `json:"rejected"` // refused with ErrOpen or ErrStopped

	ConsecutiveFailures int `json:"consecutive_failures"` // in the order in which calls ended
	// SuccessRate is the model's: successes ÷ (successes + failures) in
	// percent; nil when there was neither. Rejected calls are no successes
	// of anybody and are not in it.
	SuccessRate *float64 `json:"success_rate"`
	// ServedRate is the share in percent of what ReportServed was told that
	// was served, by the model or by its fallback; nil when told nothing.
	ServedRate *float64 `json:"served_rate"`

	LastFailureAt     time.Time     `json:"last_failure_at,omitzero"` // UTC; zero: none yet
	LastFailureReason string        `json:"last_failure_reason,omitempty"`
	NextProbeIn       time.Duration `json:"next_probe_in_ns"` // until a call may be made; 0: at once, or a probe is under way
	Opened            uint64        `json:"opened"`           // times

	// Latency of the last 1,024 attempts that ended in an answer or a
	// failure, one that timed out with its limit; 0 when there was none.
	LatencyP50 time.Duration `json:"latency_p50_ns"`
	LatencyP95 time.Duration `json:"latency_p95_ns"`
	LatencyP99 time.Duration `json:"latency_p99_ns"`

	Running        int    `json:"running"`         // goroutines of attempts and deliveries
	Abandoned      int    `json:"abandoned"`       // attempts nobody waits for that have not returned
	DroppedChanges uint64 `json:"dropped_changes"` // behind a listener 256 late, or found by who asked after Close
}

// latencies is how many attempts the percentiles are of.
const latencies = 1024

// tally counts calls.
type tally struct {
	mu          sync.Mutex
	stats       Stats // the counts; the rest is filled in when asked
	served      uint64
	reported    uint64
	ring        [latencies]time.Duration
	ringWritten uint64
}

func (t *tally) count(o *outcome, stamp func() time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.stats
	if o != nil && o.unmade {
		s.Rejected++
		return
	}
	s.Total++
	switch {
	case o == nil:
		s.Successes++
		s.ConsecutiveFailures = 0
	case o.counts():
		s.Failures++
		s.ConsecutiveFailures++
		s.LastFailureAt, s.LastFailureReason = stamp().UTC(), o.reason
	default:
		s.Excluded++
	}
}

func (t *tally) reject() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Rejected++
}

func (t *tally) forgive() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.ConsecutiveFailures = 0
}

func (t *tally) time(begun time.Time) {
	took := -time.Until(begun)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ring[t.ringWritten%latencies] = took
	t.ringWritten++
}

func (t *tally) report(served bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reported++
	if served {
		t.served++
	}
}

func (t *tally) snapshot() Stats {
	t.mu.Lock()
	s, served, reported := t.stats, t.served, t.reported
	took := slices.Clone(t.ring[:min(t.ringWritten, latencies)])
	t.mu.Unlock()
	s.SuccessRate = percent(s.Successes, s.Successes+s.Failures)
	s.ServedRate = percent(served, reported)
	slices.Sort(took)
	s.LatencyP50, s.LatencyP95, s.LatencyP99 = percentile(took, 50), percentile(took, 95), percentile(took, 99)
	return s
}

func percent(part, whole uint64) *float64 {
	if whole == 0 {
		return nil
	}
	rate := 100 * float64(part) / float64(whole)
	return &rate
}

// percentile is the nearest-rank percentile of sorted values.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*p+99)/100-1]
}

// Stats is a copy of the counts. Asking moves a circuit whose recovery time is
// over to half-open, so a gauge that polls is never late.
func (c *core) Stats() Stats {
	state := c.look()
	s := c.tally.snapshot()
	s.Name, s.State = c.name, state
	s.Running, s.Abandoned = c.crew.count()
	s.DroppedChanges = c.notices.lost()
	c.mu.Lock()
	defer c.mu.Unlock()
	s.NextProbeIn, s.Opened = c.retryIn(), c.opened
	return s
}

// ReportServed tells whether one request of the host was served at all, by
// the model or by a fallback. Only the host knows; it moves nothing but
// Stats.ServedRate.
func (c *core) ReportServed(ok bool) { c.tally.report(ok) }
