package decision

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Halt is a kill switch that is on. While it is, nothing that adds risk passes
// the gate; holding, reducing, closing and tightening a stop always do.
type Halt struct {
	AccountID string    `json:"account_id,omitempty"` // empty: every account
	Reason    string    `json:"reason,omitempty"`     // for people, at most 500 bytes
	By        string    `json:"by,omitempty"`         // who threw it, at most 100 bytes
	At        time.Time `json:"at"`                   // when, UTC
}

// Validate reports every problem of the halt.
func (h Halt) Validate() error {
	var problems []error
	for _, f := range [...]struct {
		name, value string
		limit       int
	}{{"account_id", h.AccountID, 100}, {"reason", h.Reason, 500}, {"by", h.By, 100}} {
		if len(f.value) > f.limit || !utf8.ValidString(f.value) {
			problems = append(problems, fmt.Errorf("decision: halt: %s must be at most %d bytes of UTF-8, had %d", f.name, f.limit, len(f.value)))
		}
	}
	if h.At.IsZero() {
		problems = append(problems, errors.New("decision: halt: at must be a time, was zero"))
	}
	return errors.Join(problems...)
}

// String says who halted what, when and why.
func (h Halt) String() string {
	what := "every account"
	if h.AccountID != "" {
		what = "account " + h.AccountID
	}
	text := what + " halted at " + h.At.UTC().Format(time.RFC3339)
	if h.By != "" {
		text += " by " + h.By
	}
	if h.Reason != "" {
		text += ": " + h.Reason
	}
	return text
}

// Halts is where the engine reads the kill switches. Halted is the global halt,
// else that of the account, nil when neither is on. It is safe for concurrent
// use. An error counts as a halt, and so does a Halt that does not Validate or
// no answer within 1 s, less when little of the decision's time is left.
type Halts interface {
	Halted(ctx context.Context, accountID string) (*Halt, error)
}

// HaltsFunc makes a function a Halts.
type HaltsFunc func(ctx context.Context, accountID string) (*Halt, error)

// Halted calls the function.
func (f HaltsFunc) Halted(ctx context.Context, accountID string) (*Halt, error) {
	return f(ctx, accountID)
}
