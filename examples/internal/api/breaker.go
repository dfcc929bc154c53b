package api

import "time"

// Breaker is one circuit of "breakers --json". Null is unknown.
type Breaker struct {
	Name                string     `json:"name"`
	State               string     `json:"state"` // closed, open, half_open or cooldown
	NextProbeSeconds    *int64     `json:"next_probe_seconds"`
	Total               uint64     `json:"total"` // calls made; one has several attempts
	Successes           uint64     `json:"successes"`
	Failures            uint64     `json:"failures"`
	Excluded            uint64     `json:"excluded"`     // rate limited, cancelled, or a request that could not succeed
	Rejected            uint64     `json:"rejected"`     // not made, on top of total
	SuccessRate         *float64   `json:"success_rate"` // percent of successes and failures
	ServedRate          *float64   `json:"served_rate"`  // percent of decisions, by the model or by the fallback
	ConsecutiveFailures uint64     `json:"consecutive_failures"`
	LastFailureAt       *time.Time `json:"last_failure_at"` // UTC
	LastFailureReason   *string    `json:"last_failure_reason"`
	Opened              uint64     `json:"opened"`         // times
	LatencyP50Ms        *int64     `json:"latency_p50_ms"` // of attempts, in the latest run that made any
	LatencyP95Ms        *int64     `json:"latency_p95_ms"`
	LatencyP99Ms        *int64     `json:"latency_p99_ms"`
	SavedAt             time.Time  `json:"saved_at"` // UTC
}

// WholeSeconds is d rounded up; nil unless it is above 0.
func WholeSeconds(d time.Duration) *int64 {
	if d <= 0 {
		return nil
	}
	seconds := int64(d / time.Second)
	if d%time.Second > 0 {
		seconds++
	}
	return &seconds
}
