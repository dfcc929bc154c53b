package llm

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Trace makes every call of c an entry in the Tried of the Failover around it,
// those that a breaker repeats and a Ladder adds too, but for those that the
// adapter refuses because it knows that its endpoint rejects the format: they
// are not made. It belongs around the adapter itself. Without a Failover it
// does nothing.
func Trace(c Client) Client {
	return ClientFunc(func(ctx context.Context, req Request) (Response, error) {
		calls, ok := ctx.Value(trailKey{}).(*trail)
		if !ok {
			return c.Complete(ctx, req)
		}
		end := calls.begin(req.Model)
		resp, err := c.Complete(ctx, req)
		end(resp.Usage, err)
		return resp, err
	})
}

// trailKey finds the trail of a hop in its context.
type trailKey struct{}

// maxTrail bounds what one hop can leave behind; the calls beyond are counted
// by nobody.
const maxTrail = 128

// trail collects the calls of one hop. A breaker leaves a call alone that does
// not return in time, so that one may end after its hop did.
type trail struct {
	now      func() time.Time
	endpoint string

	mu       sync.Mutex
	attempts []Attempt
	started  []time.Time
	running  []bool
	unmade   []bool
	closed   bool
}

func (t *trail) begin(model string) func(Usage, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.attempts)
	if t.closed || n == maxTrail {
		return func(Usage, error) {}
	}
	t.attempts = append(t.attempts, Attempt{Model: model, Endpoint: t.endpoint, Kind: KindTimeout})
	t.started = append(t.started, t.now())
	t.running = append(t.running, true)
	t.unmade = append(t.unmade, false)
	return func(usage Usage, err error) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if !t.closed {
			t.end(n)
			t.attempts[n].Kind, t.attempts[n].Usage = kindOf(err), usage
			refused, ok := errors.AsType[*Error](err)
			t.unmade[n] = ok && refused.FormatRejected && refused.Status == 0
		}
	}
}

func (t *trail) end(n int) {
	t.running[n] = false
	t.attempts[n].Took = t.now().Sub(t.started[n])
}

// close ends the trail. A call that has not returned took until then.
func (t *trail) close() []Attempt {
	t.mu.Lock()
	defer t.mu.Unlock()
	for n, running := range t.running {
		if running {
			t.end(n)
		}
	}
	t.closed = true
	made := make([]Attempt, 0, len(t.attempts))
	for n := range t.attempts {
		if !t.unmade[n] {
			made = append(made, t.attempts[n])
		}
	}
	return made
}
