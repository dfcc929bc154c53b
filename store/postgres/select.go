package postgres

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/ballast-go/ballast/store"
)

// newestFirst is the order of the history, which its indexes have.
const newestFirst = ` ORDER BY d.timestamp DESC, d.uid DESC`

// query collects conditions and their arguments.
type query struct {
	conditions []string
	args       []any
	skewed     bool // the right plan depends on the arguments
}

// bind is the text with its $? numbered.
func (q *query) bind(text string, args ...any) string {
	for _, arg := range args {
		q.args = append(q.args, arg)
		text = strings.Replace(text, "$?", "$"+strconv.Itoa(len(q.args)), 1)
	}
	return text
}

func (q *query) and(condition string, args ...any) {
	q.conditions = append(q.conditions, q.bind(condition, args...))
}

func (q *query) where() string {
	if len(q.conditions) == 0 {
		return ""
	}
	return ` WHERE ` + strings.Join(q.conditions, ` AND `)
}

// arguments are those of the statement. Of a skewed one they come with the
// order not to reuse a plan made for other arguments.
func (q *query) arguments() []any {
	if q.skewed {
		return append([]any{pgx.QueryExecModeExec}, q.args...)
	}
	return q.args
}

// selected is selection for a statement whose plan depends on its arguments:
// the account's number says how many decisions it has, its name does not.
func (s *Store) selected(ctx context.Context, f store.Filter) (*query, error) {
	if f.AccountID == "" || f.Symbol == "" {
		return selection(f), nil
	}
	a, err := s.Account(ctx, 0, f.AccountID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	f.AccountID = ""
	q := selection(f)
	q.and(`d.account_id = $?::bigint`, a.Number) // 0 is nobody's
	return q, nil
}

// selection is the filter as conditions on decisions d.
func selection(f store.Filter) *query {
	q := &query{}
	if f.AccountID != "" {
		q.and(`d.account_id = (SELECT id FROM accounts WHERE name = $?)`, plain(store.Key(f.AccountID)))
	}
	if f.StrategyID != "" {
		q.and(`d.strategy_used = $?`, plain(store.Key(f.StrategyID)))
	}
	if f.Symbol != "" {
		// A symbol that is in no decision is found out at once: the order keeps
		// to the index, which the planner leaves when it expects many.
		q.skewed = true
		symbol := plain(store.Key(f.Symbol))
		q.and(`(SELECT x.asset FROM asset_decisions x WHERE x.asset >= $? ORDER BY x.asset LIMIT 1) = $?`, symbol, symbol)
		q.and(`EXISTS (SELECT FROM asset_decisions x WHERE x.decision_id = d.id AND x.asset = $?)`, symbol)
	}
	q.span("d.timestamp", store.Span{Since: f.Since, Until: f.Until})
	return q
}

func (q *query) span(column string, s store.Span) {
	if !s.Since.IsZero() {
		q.and(column+` >= $?::timestamptz`, micros(s.Since))
	}
	if !s.Until.IsZero() {
		q.and(column+` < $?::timestamptz`, micros(s.Until))
	}
}

// after leaves out everything up to the position.
func (q *query) after(p store.Position) {
	if p != (store.Position{}) {
		q.and(`(d.timestamp, d.uid) < ($?::timestamptz, $?)`, micros(p.At), plain(store.Key(p.ID)))
	}
}

// plain is a text to look for. PostgreSQL refuses what is not UTF-8, and keeps
// none, so such a text is replaced by one that nothing equals.
func plain(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return `\`
}
