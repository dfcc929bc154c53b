package memory

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/store"
)

// Config bounds a Store. What was appended first is forgotten first, with its
// fills and outcomes; its account and the end of its chain stay.
type Config struct {
	MaxRecords int // default 10,000
	// MaxBytes bounds the estimated memory of all records: their texts and,
	// once however many records share them, their candles. The newest record
	// is kept whatever its size. Default 512 MiB.
	MaxBytes int64
	// Now is when accounts are made. Default time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.MaxRecords <= 0 {
		c.MaxRecords = 10_000
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = 512 << 20
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Store keeps records, and all else that package store names, in memory. Make
// it with New or NewSized.
type Store struct {
	config Config

	mu     sync.RWMutex
	byID   map[string]*entry
	queue  []*entry                  // in the order of Append
	series map[marketdata.Series]int // how many records hold it
	bytes  int64
	halts  map[string]decision.Halt // by account

	accounts    map[string]*account // by id
	numbered    []*account          // by number, from 1
	deeds       map[string]*deeds   // by decision
	fills       map[string]store.Fill
	outcomes    map[string]store.Outcome
	strategies  map[string][]store.SavedStrategy // by id, the newest last
	versions    int                              // of all strategies
	assignments map[string][]store.Assignment    // by account, the active one last
	assigned    int                              // of all accounts
	breakers    map[string]store.BreakerState
	candles     map[candleKey][]marketdata.Candle // in order
	candleCount int
	ledger      *llm.MemoryLedger
}

// entry is never changed once it is in the Store.
type entry struct {
	record decision.Record
	row    store.Row
	link   store.Link
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
		halts: map[string]decision.Halt{}, accounts: map[string]*account{},
		deeds: map[string]*deeds{}, fills: map[string]store.Fill{}, outcomes: map[string]store.Outcome{},
		strategies: map[string][]store.SavedStrategy{}, assignments: map[string][]store.Assignment{},
		breakers: map[string]store.BreakerState{}, candles: map[candleKey][]marketdata.Candle{}, ledger: llm.NewMemoryLedger(),
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
	if err := store.CheckAccountID(r.Input.Account.ID); err != nil {
		return err
	}
	canonical, err := r.Canonical()
	if err != nil {
		return fmt.Errorf("memory: append: %w", err)
	}
	row, err := store.Project(r)
	if err != nil {
		return fmt.Errorf("memory: append: %w", err)
	}
	return s.insert(&entry{
		record: cloneOwn(r), row: row, link: store.Link{Digest: canonical.Digest()},
		micros: r.Result.At.UnixMicro(), bytes: recordBytes(r), series: seriesOf(r),
	})
}

// insert links the entry to the chain of its account, unless its id is taken.
func (s *Store) insert(e *entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.byID[e.row.ID]; kept != nil {
		if kept.link.Digest != e.link.Digest {
			return fmt.Errorf("%w: %q", store.ErrConflict, e.row.ID)
		}
		return nil
	}
	a, err := s.account(e.row.AccountID)
	if err != nil {
		return err
	}
	a.extend(e)
	s.byID[e.row.ID] = e
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
	delete(s.byID, e.row.ID)
	s.forgetDeeds(e.row.ID)
	s.accounts[e.row.AccountID].Decisions--
	s.bytes -= e.bytes
	for _, series := range e.series {
		if s.series[series]--; s.series[series] == 0 {
			delete(s.series, series)
			s.bytes -= candleBytes(series)
		}
	}
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
		return cmp.Or(cmp.Compare(b.micros, a.micros), strings.Compare(store.Key(b.row.ID), store.Key(a.row.ID)))
	})
	return entries
}
