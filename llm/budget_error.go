package llm

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrBudget says that a call was not made because nothing allows its cost; the
// error is a *BudgetError.
var ErrBudget = errors.New("llm: budget")

// BudgetReason says why a Budget refused a call. The zero value is invalid.
type BudgetReason string

// The reasons.
const (
	BudgetExhausted BudgetReason = "exhausted" // the call might exceed the day's limit
	BudgetUnpriced  BudgetReason = "unpriced"  // USD are limited and the model has no price
	BudgetUnbounded BudgetReason = "unbounded" // the request has no MaxTokens
	BudgetUnlimited BudgetReason = "unlimited" // nobody gave the account a limit
	BudgetLedger    BudgetReason = "ledger"    // the ledger failed; Err says how
)

// BudgetError is a call that was not made. It is ErrBudget.
type BudgetError struct {
	Reason          BudgetReason
	Account         string // not in the text of Error
	Model           string
	Limits          Limits
	Spent, Reserved Amount // of the day, for BudgetExhausted
	Asked           Amount // the most that the call might have cost
	ResetsAt        time.Time
	Err             error // for BudgetLedger
}

// Error names the limit and what stood against it.
func (e *BudgetError) Error() string {
	var b strings.Builder
	b.WriteString("llm: budget: ")
	switch e.Reason {
	case BudgetExhausted:
		e.writeExhausted(&b)
	case BudgetUnpriced:
		fmt.Fprintf(&b, "%q has no price", e.Model)
	case BudgetUnbounded:
		b.WriteString("max_tokens must be set, so that the cost is bounded")
	case BudgetUnlimited:
		b.WriteString("no limit is set for the account")
	case BudgetLedger:
		fmt.Fprintf(&b, "the ledger failed: %v", e.Err)
	default:
		b.WriteString(string(e.Reason))
	}
	return b.String()
}

func (e *BudgetError) writeExhausted(b *strings.Builder) {
	if limit := e.Limits.USD; limit.Valid {
		fmt.Fprintf(b, "%s USD spent and %s reserved of %s, the call may cost %s; ",
			e.Spent.USD, e.Reserved.USD, limit.Decimal, e.Asked.USD)
	}
	if limit := e.Limits.Tokens; limit != 0 {
		fmt.Fprintf(b, "%d tokens spent and %d reserved of %d, the call may take %d; ",
			e.Spent.Tokens, e.Reserved.Tokens, limit, e.Asked.Tokens)
	}
	b.WriteString("resets at " + e.ResetsAt.Format(time.RFC3339))
}

// Is reports whether target is ErrBudget.
func (e *BudgetError) Is(target error) bool { return target == ErrBudget }

// Unwrap is the ledger's error, or nil.
func (e *BudgetError) Unwrap() error { return e.Err }

// OtherModel reports whether the call might be made with another model, at a
// lower or at a known price: true when USD alone stood against it.
func (e *BudgetError) OtherModel() bool {
	switch e.Reason {
	case BudgetUnpriced:
		return true
	case BudgetExhausted:
		tokens := Limits{Tokens: e.Limits.Tokens}
		return e.Limits.USD.Valid && tokens.admits(e.Spent.Add(e.Reserved).Add(e.Asked))
	case BudgetUnbounded, BudgetUnlimited, BudgetLedger:
	}
	return false
}

// Retryable is false: only time, a person or another model helps. So a breaker
// does not hold it against the provider.
func (e *BudgetError) Retryable() bool { return false }
