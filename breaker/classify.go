package breaker

import (
	"errors"
	"time"
)

// Class is what an error means for the circuit. Any other value than the
// four is ClassFailure.
type Class string

// The classes.
const (
	ClassFailure     Class = "failure"      // retried; counts once the attempts are exhausted
	ClassRateLimited Class = "rate_limited" // starts a cooldown; retried when the wait fits; does not count
	ClassBlocked     Class = "blocked"      // opens the circuit at once; not retried
	ClassExcluded    Class = "excluded"     // returned at once; neither trips nor heals
)

// Classify asks the chain of err about its behaviour, so that any client's
// errors fit: Blocked() is ClassBlocked, RateLimited() is ClassRateLimited,
// Retryable() false is ClassExcluded, and so is what another policy refused
// (ErrOpen, ErrStopped) unless it says Retryable(); all else is ClassFailure.
func Classify(err error) Class {
	if e, ok := errors.AsType[blocking](err); ok && e.Blocked() {
		return ClassBlocked
	}
	if e, ok := errors.AsType[limiting](err); ok && e.RateLimited() {
		return ClassRateLimited
	}
	if e, ok := errors.AsType[retrying](err); ok {
		if e.Retryable() {
			return ClassFailure
		}
		return ClassExcluded
	}
	if errors.Is(err, ErrOpen) || errors.Is(err, ErrStopped) {
		return ClassExcluded
	}
	return ClassFailure
}

type blocking interface {
	error
	Blocked() bool
}

type limiting interface {
	error
	RateLimited() bool
}

type retrying interface {
	error
	Retryable() bool
}

type waiting interface {
	error
	RetryAfter() time.Duration
}

func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[waiting](err); ok {
		return max(e.RetryAfter(), 0)
	}
	return 0
}
