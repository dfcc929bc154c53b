package memory

import (
	"context"
	"fmt"
	"slices"

	"github.com/ballast-go/ballast/store"
)

var _ store.History = (*Store)(nil)

// Page is as store.History says.
func (s *Store) Page(ctx context.Context, q store.Query) (store.Page, error) {
	if err := q.Validate(); err != nil {
		return store.Page{}, err
	}
	after, err := store.ParseCursor(q.Cursor)
	if err != nil {
		return store.Page{}, err
	}
	if err := ctx.Err(); err != nil {
		return store.Page{}, fmt.Errorf("memory: page: %w", err)
	}
	var page store.Page
	skip, full := q.Offset, false
	for _, e := range s.newestFirst() {
		if !q.Matches(e.record) {
			continue
		}
		if q.Count {
			page.Total++
		}
		switch {
		case full || q.Cursor != "" && !e.before(after):
		case skip > 0:
			skip--
		case len(page.Entries) == q.Size():
			full = true
			last := page.Entries[len(page.Entries)-1]
			page.Next = store.Position{At: last.At, ID: last.ID}.Cursor()
		default:
			page.Entries = append(page.Entries, s.line(e, q.Symbol))
		}
		if full && !q.Count {
			break
		}
	}
	return page, nil
}

// before reports whether the entry comes after the position in pages.
func (e *entry) before(p store.Position) bool {
	at := p.At.UnixMicro()
	return e.micros < at || e.micros == at && store.Key(e.row.ID) < store.Key(p.ID)
}

// line is the entry as pages show it.
func (s *Store) line(e *entry, symbol string) store.Entry {
	out := store.Entry{Row: cloneRow(e.row), Link: e.link}
	out.Calls = nil
	s.mu.RLock()
	if d := s.deeds[e.row.ID]; d != nil {
		out.ExecutedAt = d.executedAt()
		out.Outcomes = slices.Clone(d.outcomes)
	}
	s.mu.RUnlock()
	if symbol != "" {
		out.Row = out.Narrow(symbol)
		out.Outcomes = slices.DeleteFunc(out.Outcomes, func(o store.Outcome) bool { return o.Asset != symbol })
	}
	return out
}
