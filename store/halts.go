package store

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/ballast-go/ballast/decision"
)

// Bounds of halts.
const (
	// MaxHaltAccountBytes is how long the account id of a halt may be.
	MaxHaltAccountBytes = 100
	// MaxHalts is how many accounts a store of bounded size lets be halted one
	// by one. The global halt always has room.
	MaxHalts = 10_000
)

// Halts keeps kill switches. The contract, which storetest.RunHalts checks:
//
//   - SetHalt with a halt turns the switch of an account on, in place of the
//     halt that was there; with nil it turns it off, which is fine when it is
//     off. Account "" is every account, and its switch leaves those of single
//     accounts as they are. Nil is returned only once the switch would survive
//     what the store promises to. What CheckHalt refuses, and a context that
//     ended first, are errors and change nothing.
//   - Halted is the global halt, else that of the account, else nil. Halts are
//     all of them, the global one first and then by the bytes of the account
//     id. An account id that CheckHalt refuses is an error.
//   - Halt.At comes back in UTC, exact to the microsecond or better.
//   - What was given or returned may be changed without changing what is kept.
//   - All methods are safe for concurrent use: a switch that is on and that
//     nobody turns off is never seen off.
type Halts interface {
	decision.Halts
	SetHalt(ctx context.Context, accountID string, h *decision.Halt) error
	Halts(ctx context.Context) ([]decision.Halt, error)
}

// CheckHalt reports every problem of a switch that is to be set: an account id
// that is too long or not UTF-8, and unless h is nil, a halt that is not valid,
// of another account, or of a year outside 1–9999.
func CheckHalt(accountID string, h *decision.Halt) error {
	var problems []error
	if len(accountID) > MaxHaltAccountBytes || !utf8.ValidString(accountID) {
		problems = append(problems, fmt.Errorf("store: halt: the account must have at most %d bytes of UTF-8, had %d", MaxHaltAccountBytes, len(accountID)))
	}
	if h != nil {
		problems = append(problems, h.Validate())
		if h.AccountID != accountID {
			problems = append(problems, fmt.Errorf("store: halt: account_id must be that of the switch, %.100q, was %.100q", accountID, h.AccountID))
		}
		if year := h.At.UTC().Year(); year < 1 || year > 9999 {
			problems = append(problems, fmt.Errorf("store: halt: at must be in the years 1 to 9999, was in %d", year))
		}
	}
	return errors.Join(problems...)
}
