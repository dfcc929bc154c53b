package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/ballast-go/ballast/decision"
)

// Errors that callers branch on.
var (
	// ErrNotFound says that there is nothing under the id.
	ErrNotFound = errors.New("store: not found")
	// ErrConflict says that the id belongs to something of other content.
	ErrConflict = errors.New("store: the id belongs to other content")
	// ErrID says that an id is empty or longer than MaxIDBytes.
	ErrID = errors.New("store: invalid record id")
	// ErrCorrupt says that what is kept is not what was written.
	ErrCorrupt = errors.New("store: the kept content is damaged")
	// ErrReadOnly says that the store was opened to be read.
	ErrReadOnly = errors.New("store: opened read-only")
)

// MaxIDBytes is how long the id of a record may be.
const MaxIDBytes = 128

// Store keeps records under Result.ID. The contract, which storetest checks:
//
//   - Append returns nil once the record is kept. The same id with the same
//     content (equal Digest) is nil again, with other content ErrConflict; an
//     empty or too long id is ErrID, an account that CheckAccountID refuses
//     ErrAccount, and a record without a canonical encoding an error. When ctx
//     ended first the error wraps the context's and nothing is kept.
//   - Record returns what was appended, digit for digit, or ErrNotFound.
//   - Records yields what the filter selects, newest Result.At first and
//     equal times by descending Key of their id. An error ends the sequence. A record that
//     is appended meanwhile may be yielded or not; one never comes twice.
//   - What was returned may be changed without changing what is kept. What
//     was appended may be changed afterwards too, apart from Input.Market and
//     Input.Indicators, which are read-only to everybody.
//   - Times are ordered and compared to the microsecond.
//   - All methods are safe for concurrent use.
//
// A store that keeps more offers it by the other interfaces of this package:
// History, Chain, Outcomes, Metrics, Strategies, Assignments, Accounts, Halts,
// Breakers, Candles, and llm.Ledger for budgets. The three stores of this
// module have them all.
type Store interface {
	decision.Store
	Record(ctx context.Context, id string) (decision.Record, error)
	Records(ctx context.Context, f Filter) iter.Seq2[decision.Record, error]
}

// Filter selects records; all of its conditions must hold. The zero value
// selects every record.
type Filter struct {
	AccountID  string    // of the account; empty: any
	Symbol     string    // that the decision names; empty: any
	StrategyID string    // of the strategy; empty: any
	Since      time.Time // Result.At at or after; zero: any
	Until      time.Time // Result.At before; zero: any
	Limit      int       // at most so many, the newest; 0: all
}

// Validate reports every problem of the filter.
func (f Filter) Validate() error {
	var problems []error
	if f.Limit < 0 {
		problems = append(problems, fmt.Errorf("store: limit must not be negative, was %d", f.Limit))
	}
	if !f.Since.IsZero() && !f.Until.IsZero() && f.Until.Before(f.Since) {
		problems = append(problems, fmt.Errorf("store: until must not be before since %s, was %s",
			f.Since.UTC().Format(time.RFC3339Nano), f.Until.UTC().Format(time.RFC3339Nano)))
	}
	for _, bound := range [...]struct {
		name string
		at   time.Time
	}{{"since", f.Since}, {"until", f.Until}} {
		if !inYears(bound.at) {
			problems = append(problems, fmt.Errorf("store: %s must be in the years 1 to 9999, was in %d", bound.name, bound.at.UTC().Year()))
		}
	}
	for _, text := range [...]struct{ name, value string }{{"account", f.AccountID}, {"symbol", f.Symbol}, {"strategy", f.StrategyID}} {
		if !utf8.ValidString(text.value) {
			problems = append(problems, fmt.Errorf("store: %s must be UTF-8", text.name))
		}
	}
	return errors.Join(problems...)
}

// Matches reports whether the filter selects the record; Limit is not looked
// at.
func (f Filter) Matches(r decision.Record) bool {
	at := r.Result.At.UnixMicro()
	return (f.AccountID == "" || f.AccountID == r.Input.Account.ID) &&
		(f.StrategyID == "" || f.StrategyID == r.Input.Strategy.ID) &&
		(f.Symbol == "" || slices.ContainsFunc(r.Result.Decision.Decisions, func(d decision.AssetDecision) bool { return d.Asset == f.Symbol })) &&
		(f.Since.IsZero() || at >= f.Since.UnixMicro()) &&
		(f.Until.IsZero() || at < f.Until.UnixMicro())
}

// CheckID reports an id that no record may have; the error is ErrID.
func CheckID(id string) error {
	if id == "" || len(id) > MaxIDBytes {
		return fmt.Errorf("%w: must have 1 to %d bytes, had %d", ErrID, MaxIDBytes, len(id))
	}
	return nil
}
