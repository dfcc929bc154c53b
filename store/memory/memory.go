package memory

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/store"
)

// Config bounds a Store. What was appended first is forgotten first.
type Config struct {
	MaxRecords int // default 10,000
	// MaxBytes bounds the estimated memory of all records: their texts and,
	// once however many records share them, their candles. The newest record
	// is kept whatever its size. Default 512 MiB.
	MaxBytes int64
}

func (c Config) withDefaults() Config {
	if c.MaxRecords <= 0 {
		c.MaxRecords = 10_000
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = 512 << 20
	}
	return c
}

// Store keeps records and kill switches in memory. Make it with New or NewSized.
type Store struct {
	config Config

	mu     sync.RWMutex
	byID   map[string]*entry
	queue  []*entry                  // in the order of Append
	series map[marketdata.Series]int // how many records hold it
	bytes  int64
	halts  map[string]decision.Halt // by account
}

// entry is never changed once it is in the Store.
type entry struct {
	record decision.Record
	micros int64               // Result.At
	bytes  int64               // without candles
	series []marketdata.Series // of the record
}

var _ store.Store = (*Store)(nil)

// New makes an empty store with the default bounds.
func New() *Store { return NewSized(Config{}) }

// NewSized makes an empty store with these bounds.
func NewSized(c Config) *Store {
	return &Store{
		config: c.withDefaults(), byID: map[string]*entry{}, series: map[marketdata.Series]int{},
		halts: map[string]decision.Halt{},
	}
}

// Append keeps a copy of the record, as store.Store says. An id that was
// forgotten counts as new.
func (s *Store) Append(ctx context.Context, r decision.Record) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memory: append: %w", err)
	}
	if err := store.CheckID(r.Result.ID); err != nil {
		return err
	}
	e := &entry{record: cloneOwn(r), micros: r.Result.At.UnixMicro(), bytes: recordBytes(r), series: seriesOf(r)}
	if kept := s.insert(e); kept != nil {
		return same(kept.record, r)
	}
	return nil
}

// insert returns the entry that has the id already, or nil.
func (s *Store) insert(e *entry) (kept *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.byID[e.record.Result.ID]; kept != nil {
		return kept
	}
	s.byID[e.record.Result.ID] = e
	s.queue = append(s.queue, e)
	s.bytes += e.bytes
	for _, series := range e.series {
		if s.series[series]++; s.series[series] == 1 {
			s.bytes += candleBytes(series)
		}
	}
	for len(s.queue) > 1 && (len(s.queue) > s.config.MaxRecords || s.bytes > s.config.MaxBytes) {
		s.forget()
	}
	return nil
}

// forget drops the entry that was appended first.
func (s *Store) forget() {
	e := s.queue[0]
	s.queue[0] = nil
	s.queue = s.queue[1:]
	delete(s.byID, e.record.Result.ID)
	s.bytes -= e.bytes
	for _, series := range e.series {
		if s.series[series]--; s.series[series] == 0 {
			delete(s.series, series)
			s.bytes -= candleBytes(series)
		}
	}
}

// same reports records of one id whose content differs.
func same(kept, offered decision.Record) error {
	a, err := kept.Digest()
	if err != nil {
		return fmt.Errorf("memory: digest of the kept record: %w", err)
	}
	b, err := offered.Digest()
	if err != nil {
		return fmt.Errorf("memory: digest of the offered record: %w", err)
	}
	if a != b {
		return fmt.Errorf("%w: %q", store.ErrConflict, kept.Result.ID)
	}
	return nil
}

// Record is a copy of the record with this id, or store.ErrNotFound.
func (s *Store) Record(ctx context.Context, id string) (decision.Record, error) {
	if err := ctx.Err(); err != nil {
		return decision.Record{}, fmt.Errorf("memory: record: %w", err)
	}
	s.mu.RLock()
	e := s.byID[id]
	s.mu.RUnlock()
	if e == nil {
		return decision.Record{}, fmt.Errorf("%w: %.128q", store.ErrNotFound, id)
	}
	return clone(e.record), nil
}

// Records yields copies of the records that the filter selects, as they were
// when the iteration began, newest first.
func (s *Store) Records(ctx context.Context, f store.Filter) iter.Seq2[decision.Record, error] {
	return func(yield func(decision.Record, error) bool) {
		if err := f.Validate(); err != nil {
			yield(decision.Record{}, err)
			return
		}
		yielded := 0
		for _, e := range s.newestFirst() {
			if err := ctx.Err(); err != nil {
				yield(decision.Record{}, fmt.Errorf("memory: records: %w", err))
				return
			}
			if !f.Matches(e.record) {
				continue
			}
			if !yield(clone(e.record), nil) {
				return
			}
			if yielded++; yielded == f.Limit {
				return
			}
		}
	}
}

func (s *Store) newestFirst() []*entry {
	s.mu.RLock()
	entries := slices.Clone(s.queue)
	s.mu.RUnlock()
	slices.Reverse(entries) // nearly sorted, because records arrive in the order of time
	slices.SortFunc(entries, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(b.micros, a.micros), strings.Compare(b.record.Result.ID, a.record.Result.ID))
	})
	return entries
}
