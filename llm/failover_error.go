package llm

import (
	"context"
	"errors"
	"strings"
	"time"
)

// FailoverError says that no model answered. What it says of itself sums its
// causes up; errors.Is and errors.As reach each of them.
type FailoverError struct {
	Tried  []Attempt
	Causes []error // one per hop that was tried, in order; then the end of the context, if that is why
}

// Error reads "llm: no model answered: " and the causes in order.
func (e *FailoverError) Error() string {
	texts := make([]string, len(e.Causes))
	for i, cause := range e.Causes {
		texts[i] = strings.TrimPrefix(cause.Error(), "llm: ")
	}
	return "llm: no model answered: " + strings.Join(texts, "; ")
}

// Unwrap is the causes.
func (e *FailoverError) Unwrap() []error { return e.Causes }

// Retryable reports whether one of the models may answer later.
func (e *FailoverError) Retryable() bool {
	for _, cause := range e.Causes {
		if mayPass(cause) {
			return true
		}
	}
	return false
}

// RetryAfter is the shortest wait among the models that may answer later.
func (e *FailoverError) RetryAfter() time.Duration {
	shortest, found := time.Duration(0), false
	for _, cause := range e.Causes {
		if !mayPass(cause) {
			continue
		}
		if wait := waitOf(cause); !found || wait < shortest {
			shortest, found = wait, true
		}
	}
	return shortest
}

// RateLimited reports that every model only asks for a pause.
func (e *FailoverError) RateLimited() bool {
	return e.all(func(cause error) bool {
		limited, ok := errors.AsType[interface {
			error
			RateLimited() bool
		}](cause)
		return ok && limited.RateLimited()
	})
}

// Blocked reports that no model will answer until a person acts.
func (e *FailoverError) Blocked() bool {
	return e.all(func(cause error) bool {
		blocked, ok := errors.AsType[interface {
			error
			Blocked() bool
		}](cause)
		return ok && blocked.Blocked()
	})
}

func (e *FailoverError) all(holds func(error) bool) bool {
	for _, cause := range e.Causes {
		if !holds(cause) {
			return false
		}
	}
	return len(e.Causes) > 0
}

// hopError says whose failure it is.
type hopError struct {
	name string
	err  error
}

func (e *hopError) Error() string {
	text := strings.TrimPrefix(e.err.Error(), "llm: ")
	if e.name == "" {
		return text
	}
	return e.name + ": " + text
}

func (e *hopError) Unwrap() error { return e.err }

// mayPass asks the cause; one that does not say, such as an open circuit, may.
func mayPass(cause error) bool {
	if told, ok := errors.AsType[interface {
		error
		Retryable() bool
	}](cause); ok {
		return told.Retryable()
	}
	return !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded)
}

func waitOf(cause error) time.Duration {
	if told, ok := errors.AsType[interface {
		error
		RetryAfter() time.Duration
	}](cause); ok {
		return told.RetryAfter()
	}
	return 0
}
