package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/internal/durable"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/internal/pack"
)

// Config describes a Spool. Store and Path are required.
type Config struct {
	Store decision.Store // where records belong; it must heed its context
	// Path is the journal; beside it lie Path + ".lock" and, when the store
	// refused a record for good, Path + ".refused".
	Path string
	// MaxBytes bounds the journal: what does not fit is not recorded.
	// Default 256 MiB, some thousand records.
	MaxBytes int64
	// Timeout is how long the store may take for a record before the journal
	// takes it; at most half of the caller's time is used. Default 2 s.
	Timeout time.Duration
	// RetryEvery is how long Run waits between deliveries. Default 5 s.
	RetryEvery time.Duration
	Logger     *slog.Logger // nil discards
}

func (c Config) withDefaults() Config {
	if c.MaxBytes == 0 {
		c.MaxBytes = 256 << 20
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	if c.RetryEvery == 0 {
		c.RetryEvery = 5 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	var problems []error
	add := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("spool: config: "+format, args...))
	}
	if c.Store == nil {
		add("missing Store")
	}
	if c.Path == "" {
		add("missing Path")
	}
	if c.MaxBytes < headBytes {
		add("MaxBytes must be at least %d, was %d", headBytes, c.MaxBytes)
	}
	if c.Timeout < 0 {
		add("Timeout must not be negative, was %s", c.Timeout)
	}
	if c.RetryEvery < 0 {
		add("RetryEvery must not be negative, was %s", c.RetryEvery)
	}
	return errors.Join(problems...)
}

// Errors that callers branch on.
var (
	// ErrFull says that the journal has no room for the record.
	ErrFull = errors.New("spool: the journal is full")
	// ErrHeld says that another process has the journal open.
	ErrHeld = durable.ErrHeld
	// ErrClosed says that the Spool was closed.
	ErrClosed = errors.New("spool: closed")
)

// Spool is a store that goes on while its store is down. It is safe for
// concurrent use. Close it when done.
type Spool struct {
	cfg  Config
	pack *pack.Packer
	lock *durable.Lock
	wake chan struct{} // has room for one: there is something to deliver

	delivering sync.Mutex // one delivery at a time

	mu      sync.Mutex
	journal *journal
	read    int64 // in the journal, of what was delivered
	stats   Stats
	broken  error // why nothing may be written any more
}

var _ decision.Store = (*Spool)(nil)

// Stats is what a Spool holds.
type Stats struct {
	Pending   int       `json:"pending"` // records in the journal
	Bytes     int64     `json:"bytes"`   // of the journal
	Spooled   uint64    `json:"spooled"` // records that went to the journal since Open
	Delivered uint64    `json:"delivered"`
	Refused   uint64    `json:"refused"` // by the store for good, since Open; they are in Path + ".refused"
	Since     time.Time `json:"since,omitzero"`
	LastError string    `json:"last_error,omitempty"` // of the store
}

// Open takes the journal of an earlier run over, with what it holds. Another
// process that has it is ErrHeld, a damaged journal ErrCorrupt.
func Open(cfg Config) (*Spool, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	packer, err := pack.New()
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	lock, err := durable.Acquire(cfg.Path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	j, frames, err := openJournal(cfg.Path)
	if err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	s := &Spool{cfg: cfg, pack: packer, lock: lock, journal: j, wake: make(chan struct{}, 1)}
	s.stats.Pending, s.stats.Bytes = frames, j.size
	if frames > 0 {
		s.rouse()
	}
	return s, nil
}

// Append gives the record to the store or, when that fails or others wait
// already, to the journal. A record that the store refuses for good is not kept. The error wraps the store's and the journal's.
func (s *Spool) Append(ctx context.Context, r decision.Record) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("spool: append: %w", err)
	}
	if err := errors.Join(store.CheckID(r.Result.ID), store.CheckAccountID(r.Input.Account.ID)); err != nil {
		return err
	}
	var failed error
	if s.Stats().Pending == 0 {
		failed = s.direct(ctx, r)
		if failed == nil || permanent(failed) {
			return failed
		}
		if err := ctx.Err(); err != nil { // nobody waits for the answer
			return fmt.Errorf("spool: append: %w", errors.Join(err, failed))
		}
	}
	if err := s.keep(ctx, r, failed); err != nil {
		return errors.Join(err, failed)
	}
	s.rouse()
	return nil
}

// permanent reports a refusal that no later try changes.
func permanent(err error) bool {
	for _, never := range [...]error{store.ErrConflict, store.ErrID, store.ErrAccount, store.ErrCorrupt, store.ErrReadOnly} {
		if errors.Is(err, never) {
			return true
		}
	}
	return false
}

// direct gives the record to the store, within the time that leaves the
// journal its turn.
func (s *Spool) direct(ctx context.Context, r decision.Record) error {
	limit := s.cfg.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)/2)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return s.cfg.Store.Append(ctx, r)
}

// keep writes the record to the journal.
func (s *Spool) keep(ctx context.Context, r decision.Record, why error) error {
	data, err := r.MarshalJSON()
	if err == nil {
		_, err = r.Canonical() // which stores need
	}
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	payload := s.pack.Pack(data)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	if len(payload) > maxPayload || s.journal.size+headBytes+int64(len(payload)) > s.cfg.MaxBytes {
		return fmt.Errorf("%w: %d bytes of at most %d, and a record of %d", ErrFull, s.journal.size, s.cfg.MaxBytes, len(payload))
	}
	if err := s.journal.add(payload); err != nil {
		err = fmt.Errorf("spool: %w", err)
		if errors.Is(err, errBroken) {
			s.broken = err
		}
		return err
	}
	if s.stats.Pending == 0 {
		s.stats.Since = r.Result.At
	}
	s.stats.Pending++
	s.stats.Spooled++
	s.stats.Bytes = s.journal.size
	if why != nil {
		s.stats.LastError = why.Error()
		s.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "record_spooled", slog.String("decision_id", r.Result.ID), slog.String("error", why.Error()))
	}
	return nil
}

// Stats is what the Spool holds now.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

func (s *Spool) rouse() {
	select {
	case s.wake <- struct{}{}:
	default: // it was told already
	}
}

// Close gives the journal up, with what it holds. Run must have returned.
func (s *Spool) Close() error {
	s.delivering.Lock()
	defer s.delivering.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(s.broken, ErrClosed) {
		return nil
	}
	s.broken = ErrClosed
	return errors.Join(s.journal.file.Close(), s.lock.Release())
}
