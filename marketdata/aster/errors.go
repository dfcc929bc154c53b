package aster

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ballast-go/ballast/marketdata"
)

// What callers branch on. An *Error is them by its Kind.
var (
	// ErrUnknownOutcome says that a write may or may not have been done. Ask
	// the venue before doing anything else; never send it again blindly.
	ErrUnknownOutcome = errors.New("aster: outcome unknown")
	// ErrBanned says that nothing was sent: the venue has banned this address.
	ErrBanned = errors.New("aster: banned")
	// ErrUnknownSymbol is marketdata.ErrUnknownSymbol, said by this venue.
	ErrUnknownSymbol = fmt.Errorf("aster: %w", marketdata.ErrUnknownSymbol)
	// ErrCircuitOpen says that nothing was sent: the host does not answer.
	ErrCircuitOpen = errors.New("aster: circuit is open")
)

// Kind is what a failure means for the caller.
type Kind string

// The kinds. The zero value is invalid.
const (
	KindRateLimit      Kind = "rate_limit"      // too much at once: wait
	KindBanned         Kind = "banned"          // the address is banned for a time: wait
	KindAuth           Kind = "auth"            // key or signature is not accepted
	KindPermission     Kind = "permission"      // the key or the account may not do this
	KindDeposit        Kind = "deposit"         // the main wallet must make a deposit first
	KindClock          Kind = "clock"           // time or nonce outside the venue's window
	KindUnknownSymbol  Kind = "unknown_symbol"  // the venue does not know the symbol
	KindInvalid        Kind = "invalid"         // the request itself is wrong
	KindFilter         Kind = "filter"          // price, quantity or notional breaks a filter of the symbol
	KindMargin         Kind = "margin"          // balance, leverage or position limit is not enough
	KindOrder          Kind = "order"           // the state of an order or position does not allow it
	KindServer         Kind = "server"          // the venue failed or answered what cannot be read
	KindUnknownOutcome Kind = "unknown_outcome" // a write that may or may not have been done
	KindNetwork        Kind = "network"         // no answer, or one that broke off
	KindBlocked        Kind = "blocked"         // something before the venue refused: a firewall, a region, a redirect
	KindCircuit        Kind = "circuit"         // not sent: the host does not answer
)

// Error is a call that failed. It never holds a key, a signature or a URL.
type Error struct {
	Op      string        // method and path, "GET /fapi/v3/klines"
	Status  int           // of HTTP; 0: no answer
	Code    int           // the venue's; 0: none
	Message string        // the venue's or our own words, redacted and clipped
	Kind    Kind          // what to do about it
	Wait    time.Duration // before the same may succeed; 0: not known
	Err     error         // the cause, or nil

	final bool // another attempt at once would be the same
}

// Error reads "aster: GET /fapi/v3/klines: unknown_symbol (400, code -1121):
// Invalid symbol.: what to do".
func (e *Error) Error() string {
	var out strings.Builder
	fmt.Fprintf(&out, "aster: %s: %s", e.Op, e.Kind)
	switch {
	case e.Status != 0 && e.Code != 0:
		fmt.Fprintf(&out, " (%d, code %d)", e.Status, e.Code)
	case e.Status != 0:
		fmt.Fprintf(&out, " (%d)", e.Status)
	}
	for _, part := range [...]string{e.Message, e.hint()} {
		if part != "" {
			out.WriteString(": ")
			out.WriteString(part)
		}
	}
	return out.String()
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes the kinds with a sentinel that sentinel.
func (e *Error) Is(target error) bool {
	switch e.Kind {
	case KindUnknownOutcome:
		return target == ErrUnknownOutcome
	case KindBanned:
		return target == ErrBanned
	case KindUnknownSymbol:
		return target == ErrUnknownSymbol || target == marketdata.ErrUnknownSymbol
	case KindCircuit:
		return target == ErrCircuitOpen
	default:
		return false
	}
}

// Retryable reports whether the same call may succeed later without anybody
// changing anything. It is false for an unknown outcome: sending it again may
// do it twice.
func (e *Error) Retryable() bool {
	switch e.Kind {
	case KindRateLimit, KindBanned, KindClock, KindServer, KindNetwork, KindCircuit:
		return true
	default:
		return false
	}
}

// RateLimited reports a call to repeat after a pause that says nothing about
// the venue's health.
func (e *Error) RateLimited() bool { return e.Kind == KindRateLimit || e.Kind == KindBanned }

// Blocked reports that no call of this kind succeeds until a person acts.
func (e *Error) Blocked() bool {
	switch e.Kind {
	case KindAuth, KindPermission, KindDeposit, KindBlocked:
		return true
	default:
		return false
	}
}

// RetryAfter is how long to wait before the same may succeed; 0: not known.
func (e *Error) RetryAfter() time.Duration { return e.Wait }

// repeatable reports whether a read is worth another attempt now.
func (e *Error) repeatable() bool {
	return !e.final && (e.Kind == KindServer || e.Kind == KindNetwork || e.Kind == KindRateLimit)
}

// hint is what to do, where it is the same for all failures of the kind.
func (e *Error) hint() string {
	switch e.Kind {
	case KindRateLimit:
		return "ask less often, or share no address with other programs"
	case KindBanned:
		return "the venue bans addresses that go on after a rate limit"
	case KindAuth:
		return "check that key, network and interface belong together, that the key has not expired, and what it may do from which address"
	case KindPermission:
		return "check the key's permissions and list of addresses, and the account's state"
	case KindDeposit:
		return "the main wallet must make a deposit before the venue takes authenticated calls"
	case KindClock:
		return "the time of this machine and the venue's differ, or two programs share one key"
	case KindUnknownSymbol:
		return "take symbols from exchange information"
	case KindFilter:
		return "round to the symbol's steps and keep to its limits"
	case KindMargin:
		return "lower the size or check leverage and balance"
	case KindUnknownOutcome:
		return "it may have been done: ask for the order by its client id, do not send it again"
	case KindNetwork:
		return "check the connection and the network's address; the venue may be down"
	case KindServer:
		return "this is the venue's failure: try again later"
	case KindBlocked:
		return "a firewall or a region block may be in the way"
	default:
		return ""
	}
}
