package breaker

import (
	"math"
	"time"
)

// backoff is the wait after attempt n: jitter over
// min(FirstDelay × BackoffFactor^(n−1), MaxDelay).
func backoff(cfg Config, n int) time.Duration {
	longest := cfg.MaxDelay
	if grown := float64(cfg.FirstDelay) * math.Pow(cfg.BackoffFactor, float64(n-1)); grown < float64(longest) {
		longest = time.Duration(grown)
	}
	return min(max(cfg.Jitter(longest), 0), longest)
}
