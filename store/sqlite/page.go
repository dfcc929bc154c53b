package sqlite

import (
	"context"
	"slices"

	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/internal/columns"
)

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
	var page store.Page
	err = s.view(ctx, func(db querier) (err error) {
		page, err = readPage(ctx, db, q, after)
		return err
	})
	if err != nil {
		return store.Page{}, wrap(ctx, "page", err)
	}
	return page, nil
}

func readPage(ctx context.Context, db querier, q store.Query, after store.Position) (page store.Page, err error) {
	sel, err := selection(ctx, db, q.Filter)
	if err != nil {
		return page, err
	}
	if q.ID != "" {
		sel.and(`d.uid = ?`, store.Key(q.ID))
	}
	if q.Count {
		if page.Total, err = count(ctx, db, q, sel); err != nil {
			return page, err
		}
	}
	sel.after(after)
	var (
		l   line
		all []line
	)
	// One more than the page says that there is a next page.
	from, args := sel.page("", q.Size()+1, q.Offset)
	err = lines(ctx, db, noMore, func() { all = append(all, l) }, &l, `SELECT `+lineColumns+from, args...)
	if err != nil {
		return page, err
	}
	more := len(all) > q.Size()
	if page.Entries, err = entries(ctx, db, all[:min(len(all), q.Size())], q.Symbol); err != nil {
		return page, err
	}
	if more {
		last := page.Entries[len(page.Entries)-1]
		page.Next = store.Position{At: last.At, ID: last.ID}.Cursor()
	}
	return page, nil
}

func noMore(*damage) []any { return nil }

// entries adds assets and outcomes to the lines.
func entries(ctx context.Context, q querier, all []line, symbol string) ([]store.Entry, error) {
	entries := make([]store.Entry, len(all))
	if len(all) == 0 {
		return entries, nil
	}
	ids := make([]int64, len(all))
	for i := range all {
		ids[i] = all[i].id
	}
	list := idList(ids)
	assets, err := assetLists(ctx, q, list, make(map[int64]error))
	if err != nil {
		return nil, err
	}
	trades := make(map[int64][]store.Outcome)
	err = eachTrade(ctx, q, func(id int64, o store.Outcome, _ error) error {
		trades[id] = append(trades[id], o)
		return nil
	}, ` FROM trades t`+inIDs+` ORDER BY t.closed_at, t.key`, list)
	if err != nil {
		return nil, err
	}
	for i := range all {
		entries[i] = entry(&all[i], assets[all[i].id], trades[all[i].id], symbol)
	}
	return entries, nil
}

func entry(l *line, assets []columns.Asset, trades []store.Outcome, symbol string) store.Entry {
	row, _ := columns.Decode(l.decision, assets, nil) //nolint:errcheck // what could be read
	if symbol != "" {
		row = row.Narrow(symbol)
		trades = slices.DeleteFunc(trades, func(o store.Outcome) bool { return o.Asset != symbol })
	}
	e := store.Entry{Row: row, Outcomes: trades}
	var err error
	if e.Link, err = l.link(); err != nil {
		e.Link = store.Link{Seq: e.Link.Seq}
	}
	if l.executed {
		e.ExecutedAt = l.executedAt
	}
	for i := range trades {
		trades[i].DecisionID = row.ID
	}
	return e
}

// count is at hand for whole accounts.
func count(ctx context.Context, db querier, q store.Query, sel *query) (n int64, err error) {
	if q.ID == "" && q.Filter == (store.Filter{AccountID: q.AccountID, Limit: q.Limit}) {
		accounts := &query{}
		if q.AccountID != "" {
			accounts.and(`name = ?`, store.Key(q.AccountID))
		}
		err = one(ctx, db, []any{&n}, `SELECT coalesce(sum(decisions), 0) FROM accounts`+accounts.where(), accounts.args...)
		return n, err
	}
	err = one(ctx, db, []any{&n}, `SELECT count(*)`+sel.all(), sel.args...)
	return n, err
}
