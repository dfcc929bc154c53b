package breaker

import (
	"context"
	"sync"
)

// crew owns the goroutines of a policy: it counts them, bounds those that
// nobody waits for, and can wait for all.
type crew struct {
	maxAbandoned int

	mu        sync.Mutex
	running   int
	abandoned int
	stopped   bool
	idle      []chan struct{} // closed when running reaches 0
}

func newCrew(maxAbandoned int) *crew { return &crew{maxAbandoned: maxAbandoned} }

// flight is the state of one attempt, guarded by its crew's mutex.
type flight struct{ finished, abandoned bool }

func (c *crew) hasStopped() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopped
}

// start counts an attempt in, or reports why none may start.
func (c *crew) start() (stopped, full bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stopped, full = c.stopped, c.abandoned >= c.maxAbandoned
	if !stopped && !full {
		c.running++
	}
	return stopped, full
}

// finish counts an attempt out and reports whether somebody waits for it.
func (c *crew) finish(f *flight) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.finished = true
	if f.abandoned {
		c.abandoned--
	}
	c.less()
	return !f.abandoned
}

// abandon stops waiting for an attempt, unless it has finished.
func (c *crew) abandon(f *flight) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.finished {
		return false
	}
	f.abandoned = true
	c.abandoned++
	return true
}

// join counts a goroutine in that is no attempt, leave counts it out. Once all
// have stopped none joins.
func (c *crew) join() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped && c.running == 0 {
		return false
	}
	c.running++
	return true
}

func (c *crew) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.less()
}

func (c *crew) less() {
	c.running--
	if c.running > 0 {
		return
	}
	for _, idle := range c.idle {
		close(idle)
	}
	c.idle = nil
}

func (c *crew) count() (running, abandoned int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running, c.abandoned
}

func (c *crew) stop(ctx context.Context) error {
	idle := make(chan struct{})
	c.mu.Lock()
	c.stopped = true
	if c.running == 0 {
		close(idle)
	} else {
		c.idle = append(c.idle, idle)
	}
	c.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
