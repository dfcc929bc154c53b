package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/internal/durable"
	"github.com/ballast-go/ballast/store"
)

// Run delivers what is in the journal, at once and then whenever there is
// something, until the context ends. The host starts it in a goroutine and
// waits for it before Close. The error is the context's.
func (s *Spool) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.wake:
		}
		if _, err := s.Deliver(ctx); err == nil {
			continue
		}
		timer := time.NewTimer(s.cfg.RetryEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
			s.rouse()
		}
	}
}

// Deliver gives the journal's records to the store in the order in which they
// came, and returns how many it took, those put aside apart. The first that it does not take ends the
// delivery; one that it refuses for good is put aside. A delivery that a crash
// interrupts begins anew: stores take equal records twice.
func (s *Spool) Deliver(ctx context.Context) (int, error) {
	s.delivering.Lock()
	defer s.delivering.Unlock()
	for n := 0; ; {
		payload, next, err := s.next()
		if err != nil || payload == nil {
			return n, err
		}
		r, err := s.decode(payload)
		if err == nil {
			err = s.give(ctx, r)
		}
		switch {
		case err == nil:
			n++
			s.passed(next, true)
		case permanent(err) && !errors.Is(err, store.ErrReadOnly), errors.Is(err, ErrCorrupt):
			if err := s.putAside(ctx, r.Result.ID, payload, err); err != nil {
				return n, err
			}
			s.passed(next, false)
		default:
			s.mu.Lock()
			s.stats.LastError = err.Error()
			s.mu.Unlock()
			return n, fmt.Errorf("spool: deliver: %w", err)
		}
	}
}

// give delivers one record. A store that hangs must not hold up what waits for
// the delivery.
func (s *Spool) give(ctx context.Context, r decision.Record) error {
	ctx, cancel := context.WithTimeout(ctx, max(s.cfg.Timeout, deliveryTimeout))
	defer cancel()
	return s.cfg.Store.Append(ctx, r)
}

const deliveryTimeout = 30 * time.Second

// next is the oldest record that was not delivered, nil when there is none:
// then the journal is emptied.
func (s *Spool) next() (payload []byte, next int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return nil, 0, s.broken
	}
	if s.read == s.journal.size {
		if s.read == 0 {
			return nil, 0, nil
		}
		if err := s.journal.empty(); err != nil {
			s.read = min(s.read, s.journal.size)
			return nil, 0, fmt.Errorf("spool: emptying the journal: %w", err)
		}
		s.read, s.stats.Bytes, s.stats.Pending, s.stats.Since, s.stats.LastError = 0, 0, 0, time.Time{}, ""
		return nil, 0, nil
	}
	payload, next, err = s.journal.read(s.read, s.journal.size)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %s, byte %d: %w", ErrCorrupt, s.cfg.Path, s.read, err)
	}
	return payload, next, nil
}

func (s *Spool) decode(payload []byte) (r decision.Record, err error) {
	data, err := s.pack.Unpack(payload)
	if err == nil {
		err = r.UnmarshalJSON(data)
	}
	switch {
	case errors.Is(err, decision.ErrSchema): // a newer program wrote it, and may read it again
		return r, err
	case err != nil:
		return r, fmt.Errorf("%w: a record cannot be read: %w", ErrCorrupt, err)
	}
	return r, nil
}

// passed notes that a record need not be delivered again. The journal counts
// as pending until it was emptied, so that what comes meanwhile queues behind.
func (s *Spool) passed(next int64, delivered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = next
	if delivered {
		s.stats.Delivered++
	} else {
		s.stats.Refused++
	}
	if s.read < s.journal.size {
		s.stats.Pending--
	}
}

// putAside keeps a record that the store refuses, for a person to look at.
func (s *Spool) putAside(ctx context.Context, id string, payload []byte, why error) error {
	s.cfg.Logger.LogAttrs(ctx, slog.LevelError, "record_refused", slog.String("decision_id", id), slog.String("error", why.Error()))
	file, err := os.OpenFile(s.cfg.Path+".refused", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	_, err = file.Write(frame(payload))
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = durable.SyncFolder(filepath.Dir(s.cfg.Path))
	}
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}
