package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/internal/pack"
)

// batchRecords is how many records Records and Links read at once. Between
// batches they hold no connection.
const batchRecords = 32

// kept is a record as its table has it.
type kept struct {
	uid    string
	at     time.Time
	digest []byte
	series []byte
	body   []byte
	damage error
}

const recordColumns = `d.uid, d.timestamp, d.record_hash, r.series, r.body`

const joinRecords = ` JOIN decision_records r ON r.decision_id = d.id`

// records reads rows of recordColumns.
func records(ctx context.Context, q querier, text string, args ...any) (batch []kept, err error) {
	var (
		d damage
		k kept
	)
	targets := []any{&k.uid, d.time("timestamp", &k.at), d.blob("record_hash", &k.digest), d.blob("series", &k.series), d.blob("body", &k.body)}
	err = each(ctx, q, targets, func() error {
		k.damage = d.take()
		batch = append(batch, k)
		return nil
	}, `SELECT `+recordColumns+text, args...)
	return batch, err
}

// Record is the record with this id, or store.ErrNotFound. What is not what
// was appended is store.ErrCorrupt.
func (s *Store) Record(ctx context.Context, id string) (decision.Record, error) {
	var all []outcome
	err := s.view(ctx, func(q querier) error {
		batch, err := records(ctx, q, ` FROM decisions d`+joinRecords+` WHERE d.uid = ?`, store.Key(id))
		if err != nil {
			return err
		}
		all, err = s.decoded(ctx, q, batch)
		return err
	})
	switch {
	case err != nil:
		return decision.Record{}, wrap(ctx, "record", err)
	case len(all) == 0:
		return decision.Record{}, fmt.Errorf("%w: record %.128q", store.ErrNotFound, id)
	}
	return all[0].record, all[0].err
}

// Records yields what the filter selects, newest first. It reads in batches,
// so the store may be used meanwhile.
func (s *Store) Records(ctx context.Context, f store.Filter) iter.Seq2[decision.Record, error] {
	return func(yield func(decision.Record, error) bool) {
		b, err := batches{filter: f, left: f.Limit}, f.Validate()
		for err == nil && !b.done {
			var batch []outcome
			if batch, err = s.next(ctx, &b); err != nil {
				break
			}
			for i := range batch {
				if !yield(batch[i].record, batch[i].err) || batch[i].err != nil {
					return
				}
			}
		}
		if err != nil {
			yield(decision.Record{}, err)
		}
	}
}

// batches is how far an iteration over records is.
type batches struct {
	filter store.Filter
	after  string // timestamp and uid as they are kept
	uid    string
	left   int // of filter.Limit
	done   bool
}

func (s *Store) next(ctx context.Context, b *batches) (all []outcome, err error) {
	size := batchRecords
	if b.filter.Limit > 0 {
		size = min(size, b.left)
	}
	err = s.view(ctx, func(q querier) error {
		sel, err := selection(ctx, q, b.filter)
		if err != nil {
			return err
		}
		if b.uid != "" {
			sel.and(`(d.timestamp, d.uid) < (?, ?)`, b.after, b.uid)
		}
		sel.and(`EXISTS (SELECT 1 FROM decision_records WHERE decision_id = d.id)`) // legacy decisions have none
		from, args := sel.page(joinRecords, size, 0)
		batch, err := records(ctx, q, from, args...)
		if err != nil {
			return err
		}
		b.left -= len(batch)
		b.done = len(batch) < size || b.filter.Limit > 0 && b.left == 0
		if len(batch) > 0 {
			end := &batch[len(batch)-1]
			b.after, b.uid = timeText(end.at), end.uid
		}
		all, err = s.decoded(ctx, q, batch)
		return err
	})
	return all, wrap(ctx, "records", err)
}

// outcome is a record, or why it cannot be read.
type outcome struct {
	record decision.Record
	err    error
}

// decoded reads the records and compares their digests.
func (s *Store) decoded(ctx context.Context, q querier, batch []kept) ([]outcome, error) {
	series, err := s.series(ctx, q, batch)
	if err != nil {
		return nil, err
	}
	all := make([]outcome, len(batch))
	for i := range batch {
		c, err := canonical(s.pack, &batch[i], series)
		if err == nil && c.Digest() != store.Hash(batch[i].digest) {
			err = errors.New("its digest is another")
		}
		if err == nil {
			all[i].record, err = c.Record()
		}
		if err != nil {
			all[i].err = damaged(&batch[i], err)
		}
	}
	return all, nil
}

// damaged says that a record is corrupt, unless a newer version wrote it.
func damaged(k *kept, err error) error {
	if errors.Is(err, decision.ErrSchema) {
		return fmt.Errorf("sqlite: record %.128q: %w", store.FromKey(k.uid), err)
	}
	return fmt.Errorf("%w: record %.128q: %w", store.ErrCorrupt, store.FromKey(k.uid), err)
}

// canonical is what is kept of a record: its candles are among series. With an
// error it has what could be read.
func canonical(p *pack.Packer, k *kept, series map[store.Hash]candles) (c decision.Canonical, err error) {
	if k.damage != nil {
		return c, k.damage
	}
	if len(k.digest) != len(store.Hash{}) {
		return c, fmt.Errorf("record_hash must have %d bytes, had %d", len(store.Hash{}), len(k.digest))
	}
	if c.Body, err = p.Unpack(k.body); err != nil {
		return c, err
	}
	hashes, err := split(k.series)
	for _, hash := range hashes {
		own := series[hash]
		if own.err != nil {
			err = errors.Join(err, fmt.Errorf("candles %s: %w", hash, own.err))
			continue
		}
		c.Series = append(c.Series, own.series)
	}
	return c, err
}
