package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/internal/pack"
)

// batchRecords is how many records Records and Links read at once. Between
// batches they hold no connection.
const batchRecords = 32

// kept is a record as its table has it.
type kept struct {
	ID     int64
	UID    string
	At     time.Time
	Digest []byte
	Series [][]byte
	Body   []byte
}

const recordColumns = `d.id, d.uid, d.timestamp, d.record_hash, r.series, r.body`

// Record is the record with this id, or store.ErrNotFound. What is not what
// was appended is store.ErrCorrupt.
func (s *Store) Record(ctx context.Context, id string) (decision.Record, error) {
	if err := ctx.Err(); err != nil {
		return decision.Record{}, fmt.Errorf("postgres: record: %w", err)
	}
	k, err := one(ctx, s.db, pgx.RowToStructByPos[kept],
		`SELECT `+recordColumns+` FROM decisions d JOIN decision_records r ON r.decision_id = d.id WHERE d.uid = $1`, plain(store.Key(id)))
	if err != nil {
		return decision.Record{}, found(ctx, "record", id, err)
	}
	records, err := s.decoded(ctx, []kept{k})
	if err != nil {
		return decision.Record{}, err
	}
	return records[0].record, records[0].err
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
	after  store.Position
	left   int // of filter.Limit
	done   bool
}

func (s *Store) next(ctx context.Context, b *batches) ([]outcome, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("postgres: records: %w", err)
	}
	size := batchRecords
	if b.filter.Limit > 0 {
		size = min(size, b.left)
	}
	q, err := s.selected(ctx, b.filter)
	if err != nil {
		return nil, err
	}
	q.after(b.after)
	batch, err := all(ctx, s.db, pgx.RowToStructByPos[kept], `SELECT `+recordColumns+
		` FROM decisions d JOIN decision_records r ON r.decision_id = d.id`+q.where()+newestFirst+q.bind(` LIMIT $?`, size), q.arguments()...)
	if err != nil {
		return nil, wrap(ctx, "records", err)
	}
	b.left -= len(batch)
	b.done = len(batch) < size || b.filter.Limit > 0 && b.left == 0
	if len(batch) == 0 {
		return nil, nil
	}
	end := batch[len(batch)-1]
	b.after = store.Position{At: end.At, ID: store.FromKey(end.UID)}
	return s.decoded(ctx, batch)
}

// outcome is a record, or why it cannot be read.
type outcome struct {
	record decision.Record
	err    error
}

// decoded reads the records and compares their digests.
func (s *Store) decoded(ctx context.Context, batch []kept) ([]outcome, error) {
	series, err := s.series(ctx, batch)
	if err != nil {
		return nil, err
	}
	records := make([]outcome, len(batch))
	for i := range batch {
		c, err := canonical(s.pack, &batch[i], series)
		if err == nil && c.Digest() != store.Hash(batch[i].Digest) {
			err = errors.New("its digest is another")
		}
		if err == nil {
			records[i].record, err = c.Record()
		}
		if err != nil {
			records[i].err = damaged(&batch[i], err)
		}
	}
	return records, nil
}

// damaged says that a record is corrupt, unless a newer version wrote it.
func damaged(k *kept, err error) error {
	if errors.Is(err, decision.ErrSchema) {
		return fmt.Errorf("postgres: record %.128q: %w", store.FromKey(k.UID), err)
	}
	return fmt.Errorf("%w: record %.128q: %w", store.ErrCorrupt, store.FromKey(k.UID), err)
}

// canonical is what is kept of a record: its candles are among series. With an
// error it has what could be read.
func canonical(p *pack.Packer, k *kept, series map[string]candles) (c decision.Canonical, err error) {
	if len(k.Digest) != len(store.Hash{}) {
		return c, fmt.Errorf("record_hash must have %d bytes, had %d", len(store.Hash{}), len(k.Digest))
	}
	if c.Body, err = p.Unpack(k.Body); err != nil {
		return c, err
	}
	for _, hash := range k.Series {
		own, ok := series[string(hash)]
		switch {
		case !ok:
			err = errors.Join(err, fmt.Errorf("candles %.64x are missing", hash))
		case own.err != nil:
			err = errors.Join(err, fmt.Errorf("candles %.64x: %w", hash, own.err))
		default:
			c.Series = append(c.Series, own.series)
		}
	}
	return c, err
}

// candles are a row of record_series, or why it cannot be read.
type candles struct {
	series marketdata.Series
	err    error
}

// series reads the candles of a batch, each once.
func (s *Store) series(ctx context.Context, batch []kept) (map[string]candles, error) {
	known := make(map[string]candles)
	var hashes [][]byte
	for i := range batch {
		for _, h := range batch[i].Series {
			if _, ok := known[string(h)]; !ok {
				known[string(h)] = candles{err: errors.New("missing")}
				hashes = append(hashes, h)
			}
		}
	}
	if len(hashes) == 0 {
		return known, nil
	}
	type row struct{ Hash, Body []byte }
	rows, err := all(ctx, s.db, pgx.RowToStructByPos[row], `SELECT hash, body FROM record_series WHERE hash = ANY($1)`, hashes)
	if err != nil {
		return nil, wrap(ctx, "candles of records", err)
	}
	for _, r := range rows {
		known[string(r.Hash)] = s.candles(r.Hash, r.Body)
	}
	return known, nil
}

func (s *Store) candles(hash, body []byte) (c candles) {
	text, err := s.pack.Unpack(body)
	if err == nil {
		err = c.series.UnmarshalJSON(text)
	}
	if err == nil && string(hash) != digestOf(c.series) {
		err = errors.New("its digest is another")
	}
	c.err = err
	return c
}

func digestOf(s marketdata.Series) string {
	digest := s.Digest()
	return string(digest[:])
}
