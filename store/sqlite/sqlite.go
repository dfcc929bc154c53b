package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/internal/pack"
)

// Store keeps everything that package store knows in one file. Make it with
// Open. It is safe for concurrent use.
type Store struct {
	path string
	cfg  Config
	pack *pack.Packer

	gate   sync.RWMutex // read-locked by every use, locked by Close
	closed bool
	fate   error // of Close

	reads    *sql.DB
	sessions chan *session // one per reader; nil: not open yet
	writes   *sql.DB       // nil: read-only
	writer   *writer
}

var (
	_ store.Store       = (*Store)(nil)
	_ store.History     = (*Store)(nil)
	_ store.Chain       = (*Store)(nil)
	_ store.Outcomes    = (*Store)(nil)
	_ store.Metrics     = (*Store)(nil)
	_ store.Accounts    = (*Store)(nil)
	_ store.Strategies  = (*Store)(nil)
	_ store.Assignments = (*Store)(nil)
	_ store.Halts       = (*Store)(nil)
	_ store.Breakers    = (*Store)(nil)
	_ store.Candles     = (*Store)(nil)
	_ llm.Ledger        = (*Store)(nil)
)

// Close waits for what is under way and closes the file. Later uses are
// ErrClosed; closing again says what the first time said.
func (s *Store) Close() error {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.closed {
		return s.fate
	}
	s.closed = true
	var problems []error
	for range cap(s.sessions) {
		if session := <-s.sessions; session != nil {
			problems = append(problems, session.close())
		}
	}
	problems = append(problems, s.reads.Close())
	if s.writes != nil { // last, so that it can fold the log into the file
		if s.writer != nil {
			problems = append(problems, s.writer.close())
		}
		problems = append(problems, s.writes.Close())
	}
	if err := errors.Join(problems...); err != nil {
		s.fate = fmt.Errorf("sqlite: close: %w", err)
	}
	return s.fate
}

func (s *Store) enter() error {
	s.gate.RLock()
	if s.closed {
		s.gate.RUnlock()
		return ErrClosed
	}
	return nil
}

// write runs one write in a transaction. It may run more than once, each time
// after what it did was undone.
func (s *Store) write(ctx context.Context, run func(ctx context.Context, t *tx) error) error {
	if s.cfg.ReadOnly {
		return store.ErrReadOnly
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.gate.RUnlock()
	return s.writer.do(ctx, run)
}

// read runs one statement.
func (s *Store) read(ctx context.Context, f func(q querier) error) error {
	return s.reading(ctx, func(r *session) error { return f(r) })
}

// view runs several statements that all see the same state.
func (s *Store) view(ctx context.Context, f func(q querier) error) error {
	return s.reading(ctx, func(r *session) (err error) {
		if _, err := r.exec(ctx, "BEGIN"); err != nil {
			return err
		}
		defer func() {
			_, end := r.exec(context.WithoutCancel(ctx), "ROLLBACK")
			err = errors.Join(err, end)
		}()
		return f(r)
	})
}

func (s *Store) reading(ctx context.Context, f func(r *session) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.gate.RUnlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	var r *session
	select {
	case r = <-s.sessions:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.sessions <- r }()
	if r == nil {
		var err error
		if r, err = openSession(ctx, s.reads); err != nil {
			return err
		}
	}
	err := f(r)
	if err != nil && ctx.Err() != nil { // it was interrupted in the middle of something
		err = errors.Join(err, r.close())
		r = nil
	}
	return err
}
