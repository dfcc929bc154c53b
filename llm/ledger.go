package llm

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// Amount is what calls cost, or may cost at most.
type Amount struct {
	USD    decimal.Decimal `json:"usd"`    // not negative
	Tokens int64           `json:"tokens"` // prompt and answer together; not negative
}

// Add sums two amounts.
func (a Amount) Add(b Amount) Amount {
	return Amount{USD: a.USD.Add(b.USD), Tokens: a.Tokens + b.Tokens}
}

// Sub is what is left of a without b.
func (a Amount) Sub(b Amount) Amount {
	return Amount{USD: a.USD.Sub(b.USD), Tokens: a.Tokens - b.Tokens}
}

// Bounds on an amount: beyond what an account spends in a day, and small enough
// that a sum over any number of calls still reads back.
const (
	maxAmountTokens = 1_000_000_000_000_000
	maxUSDExponent  = 30
	usdDecimals     = 18
)

// Validate reports an amount that is negative, of 10^12 USD or 10^15 tokens and
// more, or has more than 18 decimals.
func (a Amount) Validate() error {
	var problems []error
	if a.Tokens < 0 || a.Tokens >= maxAmountTokens {
		problems = append(problems, fmt.Errorf("tokens must be between 0 and %d, were %d", int64(maxAmountTokens-1), a.Tokens))
	}
	if a.USD.Exponent() < -usdDecimals {
		problems = append(problems, fmt.Errorf("usd must have at most %d decimals, had %d", usdDecimals, -int64(a.USD.Exponent())))
	} else if err := validateUSD("usd", a.USD); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// validateUSD looks at the exponent first: the digits of 1e1000000 are never
// written out.
func validateUSD(field string, usd decimal.Decimal) error {
	if e := usd.Exponent(); e < -maxUSDExponent || e > maxUSDExponent {
		return fmt.Errorf("%s must have an exponent within ±%d, had %d", field, maxUSDExponent, e)
	}
	if usd.IsNegative() || usd.GreaterThanOrEqual(decimal.New(1, 12)) {
		return fmt.Errorf("%s must be at least 0 and below 10^12", field)
	}
	return nil
}

// Limits is what an account may spend in one UTC day.
type Limits struct {
	USD    decimal.NullDecimal `json:"usd"`    // null: not limited; 0: nothing
	Tokens int64               `json:"tokens"` // 0: not limited
}

func (l Limits) isNone() bool { return !l.USD.Valid && l.Tokens == 0 }

func (l Limits) admits(total Amount) bool {
	return (!l.USD.Valid || total.USD.LessThanOrEqual(l.USD.Decimal)) && (l.Tokens == 0 || total.Tokens <= l.Tokens)
}

// Reservation is the most that one call may cost, held back before the call.
type Reservation struct {
	ID      string // unique for ever; 1–128 bytes
	Account string // whose budget pays; at most 200 bytes
	Day     string // UTC, "2006-01-02"
	Bound   Amount
	Limits  Limits // of the account for the day
}

// Validate reports every problem of the reservation.
func (r Reservation) Validate() error {
	var problems []error
	if len(r.ID) < 1 || len(r.ID) > 128 || !utf8.ValidString(r.ID) {
		problems = append(problems, fmt.Errorf("id must be 1 to 128 bytes of UTF-8, had %d", len(r.ID)))
	}
	if err := validateAccount(r.Account); err != nil {
		problems = append(problems, err)
	}
	if _, err := time.Parse(time.DateOnly, r.Day); err != nil {
		problems = append(problems, fmt.Errorf("day must be a date like 2026-01-31, was %.40q", r.Day))
	}
	return errors.Join(append(problems, r.Bound.Validate())...)
}

func validateAccount(account string) error {
	if len(account) > 200 || !utf8.ValidString(account) {
		return fmt.Errorf("account must be at most 200 bytes of UTF-8, had %d", len(account))
	}
	return nil
}

// Check is nil when the reservation is valid and the account's balance leaves
// room for it; without room it is the *BudgetError to refuse it with.
func (r Reservation) Check(b Balance) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("llm: reservation: %w", err)
	}
	if r.Limits.admits(b.Spent.Add(b.Reserved).Add(r.Bound)) {
		return nil
	}
	return &BudgetError{
		Reason: BudgetExhausted, Account: r.Account, Limits: r.Limits, Spent: b.Spent, Reserved: b.Reserved, Asked: r.Bound,
		ResetsAt: nextDay(r.Day),
	}
}

// nextDay is zero for what is no day.
func nextDay(day string) time.Time {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return time.Time{}
	}
	return at.AddDate(0, 0, 1)
}

// Balance is what an account spent on one UTC day and what is held back for
// calls that have not settled.
type Balance struct {
	Account  string `json:"account"`
	Day      string `json:"day"` // "2006-01-02"
	Spent    Amount `json:"spent"`
	Reserved Amount `json:"reserved"`
}

// Ledger keeps what accounts spend. It is safe for concurrent use, and quick:
// a call waits for it twice.
type Ledger interface {
	// Reserve holds r.Bound back, in one step with looking whether r.Limits
	// leave room (r.Check), and refuses with that *BudgetError. An id that is
	// reserved already is an error. After any error nothing may be spent.
	Reserve(ctx context.Context, r Reservation) error
	// Settle ends the reservation: actual was spent, which may be more than
	// was reserved, on the day of the reservation. An id that holds nothing
	// back (settled before, or taken over at its bound after a crash) changes
	// nothing and is no error.
	Settle(ctx context.Context, id string, actual Amount) error
	// Balance is zero for an account and day of which nothing is known.
	Balance(ctx context.Context, account, day string) (Balance, error)
}
