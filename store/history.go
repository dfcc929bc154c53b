package store

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm"
)

// SourceLegacy is Row.Source of decisions that came from a single-asset
// system. They have no record and are in no chain.
const SourceLegacy = "legacy"

// Row is a decision as lists, statistics and SQL see it: what Project takes
// from a record. NUL characters of texts are U+FFFD here; the record has them,
// and so have ids and the assets of decisions and refusals.
type Row struct {
	ID        string    `json:"id"`
	AccountID string    `json:"account_id"`
	At        time.Time `json:"timestamp"` // UTC, to the microsecond
	// Decision is the one after the gate. With Filter.Symbol its assets are
	// narrowed to that symbol, while TotalAllocationUSD stays that of all.
	Decision     decision.Decision    `json:"decision"`
	StrategyID   string               `json:"strategy_used"`
	StrategyHash string               `json:"strategy_hash"` // SHA-256 in hexadecimal
	Model        string               `json:"model_used"`    // empty: none answered
	Source       string               `json:"source"`        // a decision.Origin, or SourceLegacy
	Reason       string               `json:"reason"`
	Cached       bool                 `json:"cached"`
	Refused      []decision.Refusal   `json:"refused"`  // narrowed like Decision
	Warnings     []decision.Violation `json:"warnings"` // of every asset
	Degraded     []string             `json:"degraded"`
	Took         time.Duration        `json:"took_ns"` // to the microsecond
	Usage        llm.Usage            `json:"usage"`   // tokens and cost alone
	Calls        []llm.Attempt        `json:"calls"`   // of models, in order; empty in pages
}

// IsValid reports whether the gate refused nothing.
func (r Row) IsValid() bool { return len(r.Refused) == 0 }

// Narrow is the row without the decisions and refusals of assets other than
// the symbol.
func (r Row) Narrow(symbol string) Row {
	decisions, refused := r.Decision.Decisions, r.Refused
	r.Decision.Decisions, r.Refused = nil, nil
	for i := range decisions {
		if decisions[i].Asset == symbol {
			r.Decision.Decisions = append(r.Decision.Decisions, decisions[i])
		}
	}
	for i := range refused {
		if refused[i].Asset == symbol {
			r.Refused = append(r.Refused, refused[i])
		}
	}
	return r
}

// Entry is a line of the history.
type Entry struct {
	Row
	Link       Link      `json:"link,omitzero"`        // zero: legacy
	ExecutedAt time.Time `json:"executed_at,omitzero"` // of the first fill, UTC; zero: not executed
	Outcomes   []Outcome `json:"outcomes"`             // of closed trades, oldest first (ByClosing); narrowed like Decision
}

// Bounds of pages.
const (
	DefaultPageSize = 50
	MaxPageSize     = 200
)

// Query asks for one page of the history. Filter.Limit is the size of the
// page, 0 for DefaultPageSize, at most MaxPageSize.
type Query struct {
	Filter
	ID     string // the one decision with this id; empty: any
	Cursor string // Page.Next of the page before; empty: the newest
	Offset int    // skipped after the cursor; the cost grows with it, so page by Cursor
	// Count asks for Page.Total. It is at hand for a Filter of nothing but an
	// account, or of nothing; otherwise the store counts what it selects.
	Count bool
}

// Validate reports every problem of the query apart from its cursor.
func (q Query) Validate() error {
	if err := q.Filter.Validate(); err != nil {
		return err
	}
	if q.Limit > MaxPageSize {
		return fmt.Errorf("store: limit must be at most %d, was %d", MaxPageSize, q.Limit)
	}
	if q.Offset < 0 {
		return fmt.Errorf("store: offset must not be negative, was %d", q.Offset)
	}
	return nil
}

// Size is the size of the page.
func (q Query) Size() int {
	if q.Limit == 0 {
		return DefaultPageSize
	}
	return q.Limit
}

// Page is a part of the history, newest first and equal times by descending
// Key of their id. Pages that are read by Next, one after the other, never repeat an entry
// and miss none that was there when the first was read, whatever is appended
// meanwhile.
type Page struct {
	Entries []Entry `json:"entries"`
	Total   int64   `json:"total"`          // with Query.Count
	Next    string  `json:"next,omitempty"` // Query.Cursor of the page after; empty: this is the last
}

// History pages through decisions without reading their records. A cursor
// that this package did not make is ErrCursor.
type History interface {
	Page(ctx context.Context, q Query) (Page, error)
}

// Outcome is what became of one asset of a decision: a trade that was closed.
type Outcome struct {
	DecisionID string          `json:"decision_id"`
	Key        string          `json:"key"`   // of the caller, unique; 1–128 bytes
	Asset      string          `json:"asset"` // that the decision names
	PnLUSD     decimal.Decimal `json:"pnl"`   // after fees and funding
	// PnLPercent is of the margin or of the notional, as the host counts; in
	// percent units.
	PnLPercent decimal.NullDecimal `json:"pnl_percentage"`
	OpenedAt   time.Time           `json:"opened_at"` // UTC; zero: see Normal
	ClosedAt   time.Time           `json:"closed_at"` // UTC
}

// Fill is an execution of one asset of a decision.
type Fill struct {
	DecisionID string          `json:"decision_id"`
	Key        string          `json:"key"`      // of the caller, unique; 1–128 bytes
	Asset      string          `json:"asset"`    // that the decision names
	Quantity   decimal.Decimal `json:"quantity"` // base units, > 0
	Price      decimal.Decimal `json:"price"`    // > 0
	FeeUSD     decimal.Decimal `json:"fee_usd"`  // negative: a rebate
	At         time.Time       `json:"at"`       // UTC
}

// Outcomes keeps what became of decisions, as Normal writes it. What Validate
// refuses is an error. An unknown decision is ErrNotFound, and so is an asset
// that it does not name. The same key with the same content (Equal) is nil
// again, with other content ErrConflict; keys of fills and of outcomes are
// apart. Fills and outcomes come back oldest first and equal times by key.
type Outcomes interface {
	AddFill(ctx context.Context, f Fill) error
	AddOutcome(ctx context.Context, o Outcome) error
	// Fills are those of a decision; its outcomes stand in Entry.
	Fills(ctx context.Context, decisionID string) ([]Fill, error)
}
