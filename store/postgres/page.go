package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/internal/columns"
)

// line is a row of decisions; texts that a legacy row lacks read as empty.
type line struct {
	ID       int64
	Decision columns.Decision
	Executed *time.Time
	Seq      *int64
	Digest   []byte
	Previous []byte
	Hash     []byte
}

const lineColumns = `d.id, d.uid, (SELECT a.name FROM accounts a WHERE a.id = d.account_id), d.timestamp, coalesce(d.strategy_used, ''), d.strategy_hash,
	coalesce(d.model_used, ''), d.source, d.reason, d.portfolio_rationale, d.total_allocation_usd, d.portfolio_risk_level, d.is_valid,
	d.errors::text, d.warnings::text, d.degraded::text, d.cached, d.generation_time_ms, d.prompt_tokens, d.completion_tokens, d.cost_usd,
	CASE WHEN d.executed THEN d.executed_at END, d.seq, d.record_hash, d.previous_hash, d.link_hash`

// targets are where lineColumns are scanned to.
func (l *line) targets() []any {
	d := &l.Decision
	return []any{
		&l.ID, &d.UID, &d.Account, &d.At, &d.Strategy, &d.StrategyHash, &d.Model, &d.Source, &d.Reason, &d.PortfolioRationale,
		&d.TotalAllocationUSD, &d.PortfolioRiskLevel, &d.IsValid, &d.Errors, &d.Warnings, &d.Degraded, &d.Cached, &d.GenerationTimeMS,
		&d.PromptTokens, &d.CompletionTokens, &d.CostUSD, &l.Executed, &l.Seq, &l.Digest, &l.Previous, &l.Hash,
	}
}

func scanLine(row pgx.CollectableRow) (l line, err error) {
	err = row.Scan(l.targets()...)
	l.nulls()
	return l, err
}

func (l *line) nulls() { nulls(&l.Decision.GenerationTimeMS, &l.Decision.CostUSD) }

// nulls forgets what a scan left in a null: its zero value is the one that
// compares and encodes as none.
func nulls(all ...*decimal.NullDecimal) {
	for _, d := range all {
		if !d.Valid {
			*d = decimal.NullDecimal{}
		}
	}
}

// link is zero for a legacy row.
func (l *line) link() (store.Link, error) {
	if l.Seq == nil {
		return store.Link{}, nil
	}
	link, err := store.Link{Seq: *l.Seq}, error(nil)
	for _, h := range [...]struct {
		name string
		from []byte
		to   *store.Hash
	}{{"record_hash", l.Digest, &link.Digest}, {"previous_hash", l.Previous, &link.Previous}, {"link_hash", l.Hash, &link.Hash}} {
		if copy(h.to[:], h.from); len(h.from) != len(h.to) {
			err = errors.Join(err, fmt.Errorf("%s must have %d bytes, had %d", h.name, len(h.to), len(h.from)))
		}
	}
	return link, err
}

// Page reads a page of the history. Entries whose columns nobody here wrote
// have what could be read.
func (s *Store) Page(ctx context.Context, q store.Query) (store.Page, error) {
	if err := q.Validate(); err != nil {
		return store.Page{}, err
	}
	after, err := store.ParseCursor(q.Cursor)
	if err != nil {
		return store.Page{}, err
	}
	lines, err := s.lines(ctx, q, after)
	if err != nil {
		return store.Page{}, wrap(ctx, "page", err)
	}
	more := len(lines) > q.Size()
	lines = lines[:min(len(lines), q.Size())]
	page := store.Page{}
	if page.Entries, err = s.entries(ctx, lines, q.Symbol); err != nil {
		return store.Page{}, wrap(ctx, "page", err)
	}
	if more {
		last := page.Entries[len(page.Entries)-1]
		page.Next = store.Position{At: last.At, ID: last.ID}.Cursor()
	}
	if q.Count {
		if page.Total, err = s.count(ctx, q.Filter); err != nil {
			return store.Page{}, wrap(ctx, "page", err)
		}
	}
	return page, nil
}

// lines are the page and one more, which says that there is a next page.
func (s *Store) lines(ctx context.Context, q store.Query, after store.Position) ([]line, error) {
	sel, err := s.selected(ctx, q.Filter)
	if err != nil {
		return nil, err
	}
	sel.after(after)
	return all(ctx, s.db, scanLine, `SELECT `+lineColumns+` FROM decisions d`+sel.where()+newestFirst+
		sel.bind(` LIMIT $? OFFSET $?`, q.Size()+1, q.Offset), sel.arguments()...)
}

// entries adds assets and outcomes to the lines.
func (s *Store) entries(ctx context.Context, lines []line, symbol string) ([]store.Entry, error) {
	entries := make([]store.Entry, len(lines))
	if len(lines) == 0 {
		return entries, nil
	}
	ids := make([]int64, len(lines))
	for i := range lines {
		ids[i] = lines[i].ID
	}
	assets, err := s.assets(ctx, ids)
	if err != nil {
		return nil, err
	}
	trades, err := s.trades(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i := range lines {
		l := &lines[i]
		row, err := columns.Decode(l.Decision, assets[l.ID], nil)
		if err != nil && !errors.Is(err, store.ErrCorrupt) {
			return nil, err
		}
		if symbol != "" {
			row = row.Narrow(symbol)
		}
		e := &entries[i]
		e.Row, e.Outcomes = row, trades[l.ID]
		if e.Link, err = l.link(); err != nil {
			e.Link = store.Link{Seq: e.Link.Seq}
		}
		if l.Executed != nil {
			e.ExecutedAt = l.Executed.UTC()
		}
		for j := range e.Outcomes {
			e.Outcomes[j].DecisionID = row.ID
		}
		if symbol != "" {
			e.Outcomes = slices.DeleteFunc(e.Outcomes, func(o store.Outcome) bool { return o.Asset != symbol })
		}
	}
	return entries, nil
}

func (s *Store) assets(ctx context.Context, ids []int64) (map[int64][]columns.Asset, error) {
	rows, err := s.db.Query(ctx, `SELECT decision_id, position, asset, action, allocation_usd, tp_price, sl_price, coalesce(exit_plan, ''), rationale,
		confidence, risk_level, position_adjustment::text, order_adjustment::text, refused, refusal::text
		FROM asset_decisions WHERE decision_id = ANY($1) ORDER BY decision_id, position`, ids)
	if err != nil {
		return nil, err
	}
	assets := make(map[int64][]columns.Asset, len(ids))
	var (
		id int64
		a  columns.Asset
	)
	_, err = pgx.ForEachRow(rows, []any{
		&id, &a.Position, &a.Asset, &a.Action, &a.AllocationUSD, &a.TPPrice, &a.SLPrice, &a.ExitPlan, &a.Rationale,
		&a.Confidence, &a.RiskLevel, &a.PositionAdjustment, &a.OrderAdjustment, &a.Refused, &a.Refusal,
	}, func() error {
		nulls(&a.TPPrice, &a.SLPrice)
		assets[id] = append(assets[id], a)
		return nil
	})
	return assets, err
}

// trades are outcomes by decision, without its id.
func (s *Store) trades(ctx context.Context, ids []int64) (map[int64][]store.Outcome, error) {
	rows, err := s.db.Query(ctx, `SELECT decision_id, `+tradeColumns+` FROM trades WHERE decision_id = ANY($1) ORDER BY closed_at, key`, ids)
	if err != nil {
		return nil, err
	}
	trades := make(map[int64][]store.Outcome)
	var (
		id int64
		o  store.Outcome
	)
	_, err = pgx.ForEachRow(rows, append([]any{&id}, tradeTargets(&o)...), func() error {
		trades[id] = append(trades[id], readTrade(o))
		return nil
	})
	return trades, err
}

// count is at hand for whole accounts.
func (s *Store) count(ctx context.Context, f store.Filter) (int64, error) {
	if (f == store.Filter{AccountID: f.AccountID, Limit: f.Limit}) {
		q := &query{}
		if f.AccountID != "" {
			q.and(`name = $?`, plain(store.Key(f.AccountID)))
		}
		total, err := one(ctx, s.db, pgx.RowTo[decimal.Decimal], `SELECT coalesce(sum(decisions), 0) FROM accounts`+q.where(), q.args...)
		return total.IntPart(), err
	}
	q, err := s.selected(ctx, f)
	if err != nil {
		return 0, err
	}
	return one(ctx, s.db, pgx.RowTo[int64], `SELECT count(*) FROM decisions d`+q.where(), q.arguments()...)
}
