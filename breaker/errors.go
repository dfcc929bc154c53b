package breaker

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

var (
	// ErrOpen says that the call was not made; the error is an *OpenError.
	ErrOpen = errors.New("breaker: circuit is open")
	// ErrStopped says that the call was not made because Close was called.
	ErrStopped = errors.New("breaker: policy is stopped")
	// ErrGoexit says that the call ended its goroutine by runtime.Goexit.
	ErrGoexit = errors.New("breaker: the call ended its goroutine")
)

// OpenError is a call that was not made: the circuit is open, its probe is
// under way, the provider asked for a pause, or too many abandoned attempts
// have not returned. It is ErrOpen.
type OpenError struct {
	Name    string
	Phase   Phase
	Reason  string        // why, clipped
	RetryIn time.Duration // until a call may be made; 0: not known
}

// Error reads "breaker: NAME is open for another 5m0s: reason".
func (e *OpenError) Error() string {
	text := fmt.Sprintf("breaker: %s is %s", e.Name, e.Phase)
	if e.RetryIn > 0 {
		text += fmt.Sprintf(" for another %s", e.RetryIn.Round(time.Millisecond))
	}
	return text + ": " + e.Reason
}

// Is reports whether target is ErrOpen.
func (e *OpenError) Is(target error) bool { return target == ErrOpen }

// Circuit is Phase as text, for hosts that do not import this package.
func (e *OpenError) Circuit() string { return string(e.Phase) }

// RetryAfter is RetryIn.
func (e *OpenError) RetryAfter() time.Duration { return e.RetryIn }

// ExhaustedError is a call whose attempts ended without an answer. Its chain
// leads to the last attempt's error and, when the caller's deadline cut that
// attempt, to context.DeadlineExceeded.
type ExhaustedError struct {
	Name     string
	Attempts int // made, not allowed
	Err      error
}

// Error reads "breaker: NAME: gave up after 3 attempts: cause".
func (e *ExhaustedError) Error() string {
	plural := "s"
	if e.Attempts == 1 {
		plural = ""
	}
	return fmt.Sprintf("breaker: %s: gave up after %d attempt%s: %v", e.Name, e.Attempts, plural, e.Err)
}

// Unwrap is the cause.
func (e *ExhaustedError) Unwrap() error { return e.Err }

// TimeoutError is an attempt that had its time. It is not
// context.DeadlineExceeded, so that it can be told from the caller's deadline.
type TimeoutError struct {
	After time.Duration // that the attempt had
	Call  bool          // Config.Timeout ended it; false: Config.AttemptTimeout
}

// Error names the limit.
func (e *TimeoutError) Error() string {
	if e.Call {
		return fmt.Sprintf("breaker: no answer in %s, all that was left of the call", e.After)
	}
	return fmt.Sprintf("breaker: no answer in %s", e.After)
}

// Timeout is true, as for net.Error.
func (e *TimeoutError) Timeout() bool { return true }

// Retryable is true.
func (e *TimeoutError) Retryable() bool { return true }

// PanicError is a call that panicked. It counts as a failure and is not
// retried.
type PanicError struct{ Text string } // the panic's value as text, clipped

// Error names the panic.
func (e *PanicError) Error() string { return "breaker: the call panicked: " + e.Text }

const maxTextBytes = 200

// clip bounds text that came from elsewhere and keeps it on one line. What it
// returns it would return unchanged.
func clip(text string) string {
	text = text[:min(len(text), 4*maxTextBytes)]
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	if len(text) <= maxTextBytes {
		return text
	}
	const dots = "…"
	cut := maxTextBytes - len(dots)
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + dots
}
