package breaker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Change is one change of what a circuit shows. A change's From is the To of
// the one before, unless changes were dropped.
type Change struct {
	Name    string        `json:"name"`
	From    Phase         `json:"from"`
	To      Phase         `json:"to"`
	Reason  string        `json:"reason"`
	At      time.Time     `json:"at"`          // UTC
	RetryIn time.Duration `json:"retry_in_ns"` // until a call may be made; 0: at once
}

// maxNotices bounds the changes that wait for a slow listener; the next are
// dropped and counted in Stats.
const maxNotices = 256

// notices delivers changes in order on a goroutine that lives only while
// there are some.
type notices struct {
	tell func(Change)
	crew *crew

	mu         sync.Mutex
	queue      []Change
	delivering bool
	dropped    uint64
}

func (n *notices) push(c Change) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.queue) == maxNotices || !n.delivering && !n.crew.join() {
		n.dropped++
		return
	}
	n.queue = append(n.queue, c)
	if !n.delivering {
		n.delivering = true
		go n.deliver()
	}
}

func (n *notices) pop() (Change, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.queue) == 0 {
		n.delivering, n.queue = false, nil
		return Change{}, false
	}
	c := n.queue[0]
	n.queue = n.queue[1:]
	return c, true
}

func (n *notices) deliver() {
	done := false
	defer func() {
		if !done { // the listener ended the goroutine
			go n.deliver()
			return
		}
		n.crew.leave()
	}()
	for {
		c, some := n.pop()
		if !some {
			done = true
			return
		}
		n.tell(c)
	}
}

// telling logs a change and passes it on.
func telling(logger *slog.Logger, listener func(Change)) func(Change) {
	return func(c Change) {
		ctx := context.Background() // a change belongs to no single call
		unharmed(func() {
			logger.LogAttrs(ctx, slog.LevelWarn, "circuit_breaker", slog.String("name", c.Name),
				slog.String("from", string(c.From)), slog.String("to", string(c.To)),
				slog.String("reason", c.Reason), slog.Duration("retry_in", c.RetryIn))
		})
		if listener == nil {
			return
		}
		defer func() {
			if r := recover(); r != nil {
				unharmed(func() {
					logger.LogAttrs(ctx, slog.LevelError, "circuit_listener_panicked",
						slog.String("name", c.Name), slog.String("panic", clip(fmt.Sprint(r))))
				})
			}
		}()
		listener(c)
	}
}

// unharmed keeps the panic of the host's log handler from ending the process.
// There is nobody left to tell of it.
func unharmed(log func()) {
	defer func() { _ = recover() }() //nolint:errcheck // see above
	log()
}

func (n *notices) lost() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dropped
}
