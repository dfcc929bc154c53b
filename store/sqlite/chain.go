package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/internal/columns"
)

// Heads are the ends of the chains of all accounts.
func (s *Store) Heads(ctx context.Context) ([]store.Checkpoint, error) {
	var (
		d          damage
		c          store.Checkpoint
		hash       []byte
		checkpoint []store.Checkpoint
	)
	targets := []any{d.key("name", &c.AccountID), d.whole("chain_length", &c.Seq), d.blob("chain_head", &hash), d.time("timestamp", &c.At)}
	err := s.read(ctx, func(q querier) error {
		return each(ctx, q, targets, func() error {
			c.Hash = store.Hash{}
			if copy(c.Hash[:], hash); len(hash) == 0 && c.Seq == 0 {
				c.Hash = store.Genesis(c.AccountID)
			}
			checkpoint = append(checkpoint, c)
			return d.take()
		}, `SELECT a.name, a.chain_length, a.chain_head,
			(SELECT d.timestamp FROM decisions d WHERE d.account_id = a.id AND d.seq = a.chain_length) FROM accounts a`)
	})
	if err != nil {
		return nil, wrap(ctx, "heads", err)
	}
	slices.SortFunc(checkpoint, func(a, b store.Checkpoint) int { return cmp.Compare(a.AccountID, b.AccountID) })
	return checkpoint, nil
}

// Links yields the links of an account after a sequence number. It reads in
// batches, so the store may be used meanwhile.
func (s *Store) Links(ctx context.Context, accountID string, after int64) iter.Seq2[store.Chained, error] {
	return func(yield func(store.Chained, error) bool) {
		for {
			batch, err := s.linkBatch(ctx, accountID, after)
			if err != nil {
				yield(store.Chained{}, wrap(ctx, "links", err))
				return
			}
			for i := range batch {
				if !yield(batch[i].chained, batch[i].err) {
					return
				}
				after = batch[i].chained.Link.Seq
			}
			if len(batch) < batchRecords {
				return
			}
		}
	}
}

// readLink is a link, and why not all of it can be read.
type readLink struct {
	chained store.Chained
	err     error
}

// chained is a row of decisions with the record as its table has it.
type chained struct {
	line
	kept
	has bool // the record is there
}

func (s *Store) linkBatch(ctx context.Context, accountID string, after int64) (links []readLink, err error) {
	err = s.view(ctx, func(q querier) error {
		links, err = s.readLinks(ctx, q, accountID, after)
		return err
	})
	return links, err
}

func (s *Store) readLinks(ctx context.Context, q querier, accountID string, after int64) ([]readLink, error) {
	var (
		c   chained
		all []chained
		ids []int64
	)
	err := lines(ctx, q, func(d *damage) []any {
		return []any{d.blob("series", &c.series), d.blob("body", &c.body), &c.has}
	}, func() {
		c.uid, c.kept.digest = c.decision.UID, c.line.digest
		all, ids = append(all, c), append(ids, c.id)
	}, &c.line, `SELECT `+lineColumns+`, r.series, r.body, r.decision_id IS NOT NULL
		FROM decisions d LEFT JOIN decision_records r ON r.decision_id = d.id
		WHERE d.account_id = (SELECT id FROM accounts WHERE name = ?) AND d.seq > ? ORDER BY d.seq LIMIT ?`,
		store.Key(accountID), after, batchRecords)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	batch := make([]kept, len(all))
	for i := range all {
		batch[i] = all[i].kept
	}
	series, err := s.series(ctx, q, batch)
	if err != nil {
		return nil, err
	}
	damages, list := make(map[int64]error), idList(ids)
	assets, err := assetLists(ctx, q, list, damages)
	if err != nil {
		return nil, err
	}
	calls, err := callLists(ctx, q, list, damages)
	if err != nil {
		return nil, err
	}
	links := make([]readLink, len(all))
	for i := range all {
		l := &all[i]
		note(damages, l.id, l.line.damage)
		links[i] = s.readLink(l, series, assets[l.id], calls[l.id], damages[l.id])
		links[i].chained.AccountID = accountID
	}
	return links, nil
}

func (s *Store) readLink(l *chained, series map[store.Hash]candles, assets []columns.Asset, calls []columns.Call, damage error) readLink {
	var c store.Chained
	problems := [4]error{damage}
	c.Link, problems[1] = l.link()
	c.Row, problems[2] = columns.Decode(l.decision, assets, calls)
	if l.has {
		c.Canonical, problems[3] = canonical(s.pack, &l.kept, series)
	} else {
		problems[3] = errors.New("its record is missing")
	}
	if err := errors.Join(problems[:]...); err != nil {
		return readLink{c, fmt.Errorf("%w: link %d: %w", store.ErrCorrupt, c.Link.Seq, err)}
	}
	return readLink{chained: c}
}
