package aster

import (
	"sync"
	"time"
)

// nonces hands out microseconds of the venue's clock, each once and each
// larger than the one before.
type nonces struct {
	mu   sync.Mutex
	last int64
}

func (n *nonces) next(now time.Time) int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last = max(now.UnixMicro(), n.last+1)
	return n.last
}

// nonceWindow is how far a nonce may be from the venue's time.
const nonceWindow = 10 * time.Second

// rewind is for when the venue has refused a nonce and its time was measured
// anew: nonces that ran further ahead than the window were all refused, and to
// go on above them would be refused for as long as they are ahead.
func (n *nonces) rewind(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.last > now.Add(nonceWindow).UnixMicro() {
		n.last = now.UnixMicro()
	}
}
