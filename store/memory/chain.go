package memory

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/ballast-go/ballast/store"
)

var _ store.Chain = (*Store)(nil)

// extend makes the entry the end of the account's chain.
func (a *account) extend(e *entry) {
	e.link.Seq, e.link.Previous = a.head.Seq+1, a.head.Hash
	e.link.Hash = store.Next(e.link.Previous, e.link.Seq, e.link.Digest)
	a.head.Seq, a.head.Hash, a.head.At = e.link.Seq, e.link.Hash, e.row.At
	a.Decisions++
}

// Heads is as store.Chain says. Links that were forgotten count.
func (s *Store) Heads(ctx context.Context) ([]store.Checkpoint, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memory: heads: %w", err)
	}
	heads := make([]store.Checkpoint, len(s.numbered))
	for i, a := range s.numbered {
		heads[i] = a.head
	}
	slices.SortFunc(heads, func(a, b store.Checkpoint) int { return strings.Compare(a.AccountID, b.AccountID) })
	return heads, nil
}

// Links is as store.Chain says. Links that were forgotten are missing at its
// beginning: the first that it yields need not be the one after the given.
func (s *Store) Links(ctx context.Context, accountID string, after int64) iter.Seq2[store.Chained, error] {
	return func(yield func(store.Chained, error) bool) {
		s.mu.RLock()
		entries := slices.Clone(s.queue)
		s.mu.RUnlock()
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				yield(store.Chained{}, fmt.Errorf("memory: links: %w", err))
				return
			}
			if e.row.AccountID != accountID || e.link.Seq <= after {
				continue
			}
			canonical, err := e.record.Canonical()
			if err != nil {
				err = fmt.Errorf("%w: %w", store.ErrCorrupt, err)
			}
			if !yield(store.Chained{AccountID: accountID, Link: e.link, Row: cloneRow(e.row), Canonical: canonical}, err) {
				return
			}
		}
		if err := ctx.Err(); err != nil && len(entries) == 0 {
			yield(store.Chained{}, fmt.Errorf("memory: links: %w", err))
		}
	}
}
