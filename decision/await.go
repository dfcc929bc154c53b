package decision

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
)

// maxAbandoned bounds the calls of one seam that outlive their decisions. A
// seam that ignores its context this often is not called again until some
// return.
const maxAbandoned = 64

// seam is a part that the host supplied, and how many of its calls are still
// under way although nobody waits for them any more.
type seam struct {
	name string
	late atomic.Int64
}

var (
	errAbandoned = errors.New("too many earlier calls still ignore their ended contexts")
	errPanic     = errors.New("panicked")
)

type outcome[T any] struct {
	value T
	err   error
}

// await calls fn and stops waiting when ctx ends, so that a seam that ignores
// its context cannot hold up a decision. A panic or runtime.Goexit in fn is an
// error. The engine owns the goroutine: Close waits for it.
func await[T any](ctx context.Context, e *Engine, s *seam, fn func(context.Context) (T, error)) (T, error) {
	return begin(ctx, e, s, fn)()
}

// The states of a call: whoever moves it away from running counts it.
const (
	callRunning int32 = iota
	callReturned
	callAbandoned
)

// begin is await in two parts: the call starts now, the function returned
// waits for it and must be called.
func begin[T any](ctx context.Context, e *Engine, s *seam, fn func(context.Context) (T, error)) func() (T, error) {
	var zero T
	failed := func(err error) func() (T, error) {
		return func() (T, error) { return zero, fmt.Errorf("%s: %w", s.name, err) }
	}
	if err := ctx.Err(); err != nil {
		return failed(err)
	}
	if s.late.Load() >= maxAbandoned {
		return failed(errAbandoned)
	}
	done := make(chan outcome[T], 1)
	var state atomic.Int32
	e.calls.Add(1)
	go func() {
		out := outcome[T]{err: fmt.Errorf("%s: %w", s.name, errPanic)}
		defer func() {
			if cause := recover(); cause != nil {
				out.err = fmt.Errorf("%s: %w: %v", s.name, errPanic, clipPanic(cause))
			}
			if !state.CompareAndSwap(callRunning, callReturned) {
				s.late.Add(-1)
			}
			done <- out
			e.calls.Done()
		}()
		value, err := fn(ctx)
		if err != nil {
			_ = err.Error() // an error that cannot say what it is panics here, where that is caught
		}
		out = outcome[T]{value, err}
	}()
	return func() (T, error) {
		select {
		case out := <-done:
			return out.value, out.err
		case <-ctx.Done():
			select {
			case out := <-done: // it was in time, the one who waits was not
				return out.value, out.err
			default:
			}
			if state.CompareAndSwap(callRunning, callAbandoned) {
				s.late.Add(1)
			}
			return zero, fmt.Errorf("%s: %w", s.name, ctx.Err())
		}
	}
}

// judgeByRules is await for what the rules compute. Without rules of a host
// there is nothing that could hang, so no goroutine is needed.
func judgeByRules[T any](ctx context.Context, e *Engine, fn func() T) (out T, err error) {
	if len(e.cfg.Rules) > 0 {
		return await(ctx, e, &e.gate, func(context.Context) (T, error) { return fn(), nil })
	}
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%s: %w: %v", e.gate.name, errPanic, clipPanic(cause))
		}
	}()
	return fn(), nil
}

// clipPanic keeps a panic's text short: it ends up in logs and records.
func clipPanic(cause any) string {
	if err, ok := cause.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%.200v", cause)
}
