package api

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
)

// History answers GET /decisions/history and "history --json".
type History struct {
	Decisions  []HistoryEntry `json:"decisions"`   // newest first
	TotalCount int64          `json:"total_count"` // of all pages
	Page       int            `json:"page"`        // by offset, from 1
	PageSize   int            `json:"page_size"`
	NextCursor *string        `json:"next_cursor"` // null: this is the last page
}

// HistoryEntry is one decision. With a symbol its assets are narrowed to that
// one, while its totals stay those of all.
type HistoryEntry struct {
	ID           string             `json:"id"`
	AccountID    string             `json:"account_id"`
	Decision     decision.Decision  `json:"decision"`
	Timestamp    time.Time          `json:"timestamp"` // UTC
	StrategyUsed *string            `json:"strategy_used"`
	StrategyHash *string            `json:"strategy_hash"`
	ModelUsed    *string            `json:"model_used"` // null: no model's answer was used
	Source       string             `json:"source"`     // model, fallback, hold; legacy: of a single-asset system
	Reason       *string            `json:"reason"`
	IsValid      bool               `json:"is_valid"` // nothing was refused
	Refused      []decision.Refusal `json:"refused"`
	Degraded     []string           `json:"degraded"`
	Executed     bool               `json:"executed"`
	ExecutedAt   *time.Time         `json:"executed_at"`
	Outcome      *Outcome           `json:"outcome"`  // of all outcomes together; null: none yet
	Outcomes     []Outcome          `json:"outcomes"` // by asset
	Seq          *int64             `json:"seq"`      // in the account's chain; null: in none
	RecordHash   *string            `json:"record_hash"`
}

// Outcome is what closed trades brought.
type Outcome struct {
	Asset         *string   `json:"asset,omitempty"`
	PnL           Number    `json:"pnl"`            // USD
	PnLPercentage Number    `json:"pnl_percentage"` // null: not given, or of several
	ClosedAt      time.Time `json:"closed_at"`      // of the last, UTC
}

// NewHistory is a page as it was asked for.
func NewHistory(p store.Page, q store.Query) History {
	out := History{
		Decisions: make([]HistoryEntry, len(p.Entries)), TotalCount: p.Total, Page: 1 + q.Offset/q.Size(), PageSize: q.Size(),
		NextCursor: known(p.Next),
	}
	for i := range p.Entries {
		out.Decisions[i] = NewHistoryEntry(p.Entries[i])
	}
	return out
}

// NewHistoryEntry is one decision of the history.
func NewHistoryEntry(e store.Entry) HistoryEntry {
	out := HistoryEntry{
		ID: e.ID, AccountID: e.AccountID, Decision: e.Decision, Timestamp: e.At, StrategyUsed: known(e.StrategyID), StrategyHash: known(e.StrategyHash),
		ModelUsed: known(e.Model), Source: e.Source, Reason: known(e.Reason), IsValid: e.IsValid(), Refused: list(e.Refused),
		Degraded: list(e.Degraded), Executed: !e.ExecutedAt.IsZero(), Outcomes: []Outcome{},
	}
	if out.Executed {
		out.ExecutedAt = &e.ExecutedAt
	}
	if e.Link.Seq > 0 {
		out.Seq, out.RecordHash = &e.Link.Seq, known(e.Link.Digest.String())
	}
	total := decimal.Zero
	for _, o := range e.Outcomes {
		out.Outcomes = append(out.Outcomes, Outcome{Asset: known(o.Asset), PnL: Of(o.PnLUSD), PnLPercentage: Number{o.PnLPercent}, ClosedAt: o.ClosedAt})
		total = total.Add(o.PnLUSD)
	}
	if n := len(e.Outcomes); n > 0 {
		sum := Outcome{PnL: Of(total), ClosedAt: e.Outcomes[n-1].ClosedAt}
		if n == 1 {
			sum.PnLPercentage = Number{e.Outcomes[0].PnLPercent}
		}
		out.Outcome = &sum
	}
	return out
}
