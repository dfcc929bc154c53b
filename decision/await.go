package decision

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// maxAbandoned bounds the calls that outlive their decisions. A seam that
// ignores its context this often is not called again until some return.
const maxAbandoned = 64

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
func await[T any](ctx context.Context, e *Engine, seam string, fn func(context.Context) (T, error)) (T, error) {
	return begin(ctx, e, seam, fn)()
}

// begin is await in two parts: the call starts now, the function returned
// waits for it.
func begin[T any](ctx context.Context, e *Engine, seam string, fn func(context.Context) (T, error)) func() (T, error) {
	var zero T
	failed := func(err error) func() (T, error) {
		return func() (T, error) { return zero, fmt.Errorf("%s: %w", seam, err) }
	}
	if err := ctx.Err(); err != nil {
		return failed(err)
	}
	if e.abandoned.Load() >= maxAbandoned {
		return failed(errAbandoned)
	}
	done := make(chan outcome[T], 1)
	e.calls.Add(1)
	e.abandoned.Add(1)
	go func() {
		out := outcome[T]{err: fmt.Errorf("%s: %w", seam, errPanic)}
		defer func() {
			if cause := recover(); cause != nil {
				out.err = fmt.Errorf("%s: %w: %v", seam, errPanic, clipPanic(cause))
			}
			e.abandoned.Add(-1)
			done <- out
			e.calls.Done()
		}()
		value, err := fn(ctx)
		out = outcome[T]{value, err}
	}()
	return func() (T, error) {
		select {
		case out := <-done:
			return out.value, out.err
		case <-ctx.Done():
			return zero, fmt.Errorf("%s: %w", seam, ctx.Err())
		}
	}
}

// clipPanic keeps a panic's text short: it ends up in logs and records.
func clipPanic(cause any) string {
	if err, ok := cause.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%.200v", cause)
}
