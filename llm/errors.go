package llm

import (
	"fmt"
	"strings"
	"time"
)

// Kind classifies a failed call. The zero value is invalid.
type Kind string

// The kinds of failure.
const (
	KindConfig      Kind = "config"       // 400, 404, 413, 422 or a request that may not be sent: asking again cannot help
	KindAuth        Kind = "auth"         // 401
	KindPayment     Kind = "payment"      // 402
	KindForbidden   Kind = "forbidden"    // 403
	KindRateLimited Kind = "rate_limited" // 429
	KindTimeout     Kind = "timeout"      // 408, 504, 524 or no answer in time
	KindServer      Kind = "server"       // any other 5xx, or an error inside a 200
	KindTransport   Kind = "transport"    // connection refused, reset, cut
	KindMalformed   Kind = "malformed"    // an answer that is not the protocol: HTML, truncated JSON, too large
	KindModel       Kind = "model"        // served by a model that was not asked for
	KindOther       Kind = "other"        // of an Attempt: refused by a decorator, such as an open circuit
)

// Error is a failed call. It never holds a key, a prompt or an answer.
type Error struct {
	Kind         Kind
	Endpoint     string        // host of the endpoint, or a name
	Model        string        // as requested
	Status       int           // HTTP status, or the code inside a 200; 0: none
	Message      string        // the provider's, clipped and redacted
	Wait         time.Duration // what Retry-After asked for; 0: nothing
	GenerationID string        // the provider's id of the call, when it gave one
	Err          error         // the cause, or nil
	// FormatRejected says that the endpoint does not take the Format that was
	// asked for; another may do.
	FormatRejected bool
	// Partial says that part of an answer came first, which may be billed.
	Partial bool
}

// Error reads "llm: openrouter.ai: rate_limited (429): message".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("llm: ")
	if e.Endpoint != "" {
		b.WriteString(e.Endpoint + ": ")
	}
	b.WriteString(string(e.Kind))
	if e.Status != 0 {
		fmt.Fprintf(&b, " (%d)", e.Status)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	return b.String()
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Retryable reports whether the same call may succeed later.
func (e *Error) Retryable() bool {
	switch e.Kind {
	case KindRateLimited, KindTimeout, KindServer, KindTransport, KindMalformed:
		return true
	case KindConfig, KindAuth, KindPayment, KindForbidden, KindModel, KindOther:
		return false
	}
	return false
}

// RetryAfter is how long the provider asked to wait; 0 when it did not.
func (e *Error) RetryAfter() time.Duration { return e.Wait }

// RateLimited reports a call to repeat after a pause that says nothing about
// the provider's health.
func (e *Error) RateLimited() bool { return e.Kind == KindRateLimited }

// Blocked reports that no call will succeed until a person acts: the key, the
// credit or the permission is missing.
func (e *Error) Blocked() bool {
	return e.Kind == KindAuth || e.Kind == KindPayment || e.Kind == KindForbidden
}
