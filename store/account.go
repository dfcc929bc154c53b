package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ballast-go/ballast/decision"
)

// DefaultAccount is the account of a host that has one.
const DefaultAccount = "default"

// Account is a number that stays, and the id that decisions use.
type Account struct {
	// Number is 1, 2, 3 … in the order of first appearance. Where accounts appear
	// at the same moment, or a transaction is undone, a number may be left out.
	Number    int64     `json:"number"`
	ID        string    `json:"account_id"`
	CreatedAt time.Time `json:"created_at"` // UTC
	Decisions int64     `json:"decisions"`  // how many are kept
}

// Accounts numbers accounts. Append, Assign and AddAccount make those that are
// missing. An id that CheckAccountID refuses is ErrAccount where one would be
// made, and not found elsewhere.
type Accounts interface {
	// AddAccount is the account with this id, made when it is new.
	AddAccount(ctx context.Context, id string) (Account, error)
	// Account finds one by number or, when that is 0, by id; ErrNotFound.
	Account(ctx context.Context, number int64, id string) (Account, error)
	// Accounts are all, by number.
	Accounts(ctx context.Context) ([]Account, error)
}

// SavedStrategy is one version of a strategy.
type SavedStrategy struct {
	Strategy decision.Strategy `json:"strategy"`
	Hash     string            `json:"hash"`     // of its content
	SavedAt  time.Time         `json:"saved_at"` // UTC
}

// Strategies keeps versions of strategies, none of which is ever overwritten.
type Strategies interface {
	// SaveStrategy keeps a version, which must Validate, and returns its hash.
	// Saving equal content again changes nothing but which version is newest.
	// The order of saving says which is, whatever the times.
	SaveStrategy(ctx context.Context, s decision.Strategy, at time.Time) (hash string, err error)
	// Strategy is a version by id and hash, the newest when hash is empty;
	// ErrNotFound.
	Strategy(ctx context.Context, id, hash string) (SavedStrategy, error)
	// Strategies are the newest versions by id.
	Strategies(ctx context.Context) ([]SavedStrategy, error)
}

// Assignment says which strategy an account follows.
type Assignment struct {
	AccountID  string    `json:"account_id"`
	StrategyID string    `json:"strategy_id"`
	Hash       string    `json:"hash"` // version; empty: whatever is newest
	By         string    `json:"by,omitempty"`
	At         time.Time `json:"assigned_at"` // UTC
}

// Validate reports every problem of the assignment.
func (a Assignment) Validate() error {
	var problems []error
	for _, f := range [...]struct {
		name, value string
		min, max    int
	}{{"account_id", a.AccountID, 1, MaxHaltAccountBytes}, {"strategy_id", a.StrategyID, 1, 100}, {"hash", a.Hash, 0, 64}, {"by", a.By, 0, 100}} {
		if n := len(f.value); n < f.min || n > f.max || !utf8.ValidString(f.value) || f.name != "account_id" && strings.Contains(f.value, "\x00") {
			problems = append(problems, fmt.Errorf("store: assignment: %s must have %d to %d bytes of UTF-8, had %d, NUL in account_id alone", f.name, f.min, f.max, n))
		}
	}
	if a.At.IsZero() || !inYears(a.At) {
		problems = append(problems, fmt.Errorf("store: assignment: assigned_at must be a time in the years 1 to 9999, was in %d", a.At.UTC().Year()))
	}
	return errors.Join(problems...)
}

// Normal is the assignment as it is kept: its time in UTC to the microsecond.
func (a Assignment) Normal() Assignment {
	a.At = micros(a.At)
	return a
}

// Assignments keeps which strategy accounts follow, and followed: at most one
// is active for an account at any time.
type Assignments interface {
	// Assign makes an assignment the active one and returns the one before,
	// zero when there was none.
	Assign(ctx context.Context, a Assignment) (previous Assignment, err error)
	// Assigned is the active one; ErrNotFound.
	Assigned(ctx context.Context, accountID string) (Assignment, error)
	// Assignments are all of an account, newest first.
	Assignments(ctx context.Context, accountID string) ([]Assignment, error)
}
