package breaker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// errEnded says that the caller's context ended before the attempt did.
var errEnded = errors.New("breaker: the caller's context ended")

// attemptContext is the context of one attempt: the caller's values, the
// nearest deadline, and an end that the waiting caller sets. It costs no
// allocation of its own until somebody waits for its end, and no place among
// the parent's children.
type attemptContext struct {
	parent   context.Context //nolint:containedctx // it is a context
	deadline time.Time

	mu   sync.Mutex
	done chan struct{} // made when first asked for
	err  error
}

// Deadline implements context.Context, as do the next three.
func (c *attemptContext) Deadline() (time.Time, bool) { return c.deadline, true }

func (c *attemptContext) Value(key any) any { return c.parent.Value(key) }

func (c *attemptContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

func (c *attemptContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *attemptContext) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	if c.done != nil {
		close(c.done)
	}
}

// slot is what a finished attempt leaves to the next.
type slot struct {
	timer *time.Timer
	done  chan struct{} // holds one, so that a finisher never waits
}

func (p *Policy) slot() *slot {
	if s, ok := p.slots.Get().(*slot); ok {
		return s
	}
	s := &slot{timer: time.NewTimer(time.Hour), done: make(chan struct{}, 1)}
	s.timer.Stop()
	return s
}

// task is one attempt on a goroutine of its own: a function that ignores its
// context then holds up neither the caller nor a half-open circuit, and one
// that ends its goroutine ends nobody else's.
type task[T any] struct {
	attemptContext
	flight
	crew  *crew
	fn    func(context.Context) (T, error)
	over  chan<- struct{}
	value T
	fault error
}

func (t *task[T]) run() {
	returned := false
	defer func() {
		if !returned {
			t.fault = ErrGoexit
			if r := recover(); r != nil {
				t.fault = &PanicError{Text: clip(fmt.Sprint(r))}
			}
		}
		t.end(context.Canceled)
		if t.crew.finish(&t.flight) {
			t.over <- struct{}{}
		}
	}()
	t.value, t.fault = t.fn(&t.attemptContext)
	returned = true
}

// attempt runs fn once for at most limit. The error is fn's, a *TimeoutError,
// a *PanicError, ErrGoexit, or errEnded.
func attempt[T any](ctx context.Context, p *Policy, begun time.Time, limit time.Duration, fn func(context.Context) (T, error)) (T, error) {
	s := p.slot()
	deadline := begun.Add(limit)
	t := &task[T]{crew: p.crew, fn: fn, over: s.done, attemptContext: attemptContext{parent: ctx, deadline: deadline}}
	if own, ok := ctx.Deadline(); ok && own.Before(deadline) {
		t.deadline = own
	}
	s.timer.Reset(limit)
	go t.run() //nolint:contextcheck // the task holds it

	var zero T
	select {
	case <-s.done:
	case <-s.timer.C:
		if p.crew.abandon(&t.flight) {
			t.end(context.DeadlineExceeded)
			return zero, p.timedOut(begun, limit)
		}
		<-s.done
	case <-ctx.Done():
		if p.crew.abandon(&t.flight) {
			s.timer.Stop()
			t.end(ctx.Err())
			return zero, errEnded
		}
		<-s.done
	}
	s.timer.Stop()
	p.slots.Put(s)
	return t.value, t.fault
}
