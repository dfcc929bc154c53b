package sqlite

import (
	"context"
	"slices"
	"strings"

	"github.com/ballast-go/ballast/store"
)

// newestFirst is the order of the history, which its indexes have.
const newestFirst = ` ORDER BY d.timestamp DESC, d.uid DESC`

// rare is up to how many decisions it is cheaper to find all that name a
// symbol than to look for it in one decision after the other.
const rare = 4096

// selection is the filter as conditions on decisions d.
func selection(ctx context.Context, q querier, f store.Filter) (*query, error) {
	sel := &query{}
	if f.AccountID != "" {
		sel.and(`d.account_id = (SELECT id FROM accounts WHERE name = ?)`, store.Key(f.AccountID))
	}
	if f.StrategyID != "" {
		sel.and(`d.strategy_used = ?`, store.Key(f.StrategyID))
	}
	sel.span("d.timestamp", store.Span{Since: f.Since, Until: f.Until})
	if f.Symbol == "" {
		return sel, nil
	}
	var n int64
	symbol := store.Key(f.Symbol)
	err := one(ctx, q, []any{&n}, `SELECT count(*) FROM (SELECT 1 FROM asset_decisions WHERE asset = ? LIMIT ?)`, symbol, rare+1)
	if n <= rare {
		sel.with(`(SELECT DISTINCT decision_id FROM asset_decisions WHERE asset = ?) x CROSS JOIN decisions d ON d.id = x.decision_id`, symbol)
	} else {
		sel.and(`EXISTS (SELECT 1 FROM asset_decisions x WHERE x.decision_id = d.id AND +x.asset = ?)`, symbol)
	}
	return sel, err
}

// after leaves out everything up to the position.
func (q *query) after(p store.Position) {
	if p != (store.Position{}) {
		q.and(`(d.timestamp, d.uid) < (?, ?)`, timeText(p.At), store.Key(p.ID))
	}
}

// query collects conditions on decisions d and their arguments.
type query struct {
	from       string // the decisions to choose from; empty: all
	conditions []string
	args       []any
}

func (q *query) with(from string, arg any) {
	q.from = from
	q.args = append([]any{arg}, q.args...)
}

// all is whence and where, for conditions that need no more tables.
func (q *query) all() string {
	if q.from == "" {
		return ` FROM decisions d` + q.where()
	}
	return ` FROM ` + q.from + q.where()
}

// page is a page of all; join is what its rows are joined with. Where the
// order is not that of an index, only the rows of the page are read whole.
func (q *query) page(join string, size, offset int) (text string, args []any) {
	const limit = newestFirst + ` LIMIT ? OFFSET ?`
	args = append(slices.Clone(q.args), size, offset)
	if q.from == "" {
		return ` FROM decisions d` + join + q.where() + limit, args
	}
	return ` FROM (SELECT d.id AS page_id` + q.all() + limit + `) CROSS JOIN decisions d ON d.id = page_id` + join + newestFirst, args
}

func (q *query) and(condition string, args ...any) {
	q.conditions = append(q.conditions, condition)
	q.args = append(q.args, args...)
}

func (q *query) where() string {
	if len(q.conditions) == 0 {
		return ""
	}
	return ` WHERE ` + strings.Join(q.conditions, ` AND `)
}

func (q *query) span(column string, s store.Span) {
	if !s.Since.IsZero() {
		q.and(column+` >= ?`, timeText(s.Since))
	}
	if !s.Until.IsZero() {
		q.and(column+` < ?`, timeText(s.Until))
	}
}
