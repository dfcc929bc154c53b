package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/store/haltfile"
	"github.com/ballast-go/ballast/store/memory"
	"github.com/ballast-go/ballast/store/postgres"
	"github.com/ballast-go/ballast/store/spool"
)

// Storage is where an App keeps what it decides:
//
//	engine → memory (to read back) → spool → database
//	                                   ↓
//	                                journal in DATA_DIR
//
// A database that cannot be reached is not an error: its decisions wait in the
// journal, and because its kill switches cannot be read they add no risk.
type Storage struct {
	database Database       // nil: it is down, or none is wanted
	records  decision.Store // where records go
	spool    *spool.Spool   // nil: without a database, or another process has it
	switches decision.Halts
	warnings []string
}

// SpoolPath is the journal in DATA_DIR of records that wait for this database
// and for no other.
func SpoolPath(c config.Config) string {
	sum := sha256.Sum256([]byte(c.Database.Name))
	return filepath.Join(c.DataDir, "spool-"+hex.EncodeToString(sum[:4]))
}

// deliveryTimeout bounds how long a run waits before it decides.
const deliveryTimeout = 5 * time.Second

// StorageOptions say what the storage is for.
type StorageOptions struct {
	NoRecord bool         // nothing that is decided is recorded
	ReadOnly bool         // nothing is written at all: for looking and checking
	Logger   *slog.Logger // nil discards
}

// OpenStorage opens what the settings name, and delivers what an earlier run
// left in the journal. Close it after the App.
func OpenStorage(ctx context.Context, c config.Config, o StorageOptions) (*Storage, error) {
	file, err := haltfile.Open(HaltsPath(c.DataDir))
	if err != nil {
		return nil, err
	}
	s := &Storage{records: nowhere(), switches: file}
	if c.Database.Kind == config.DatabaseMemory {
		return s, nil
	}
	s.database, err = OpenDatabase(ctx, c.Database, DatabaseOptions{ReadOnly: o.ReadOnly, Logger: o.Logger})
	switch {
	case err == nil:
		s.records, s.switches = s.database, bothHalts{file, s.database}
	case o.ReadOnly && errors.Is(err, ErrNoDatabase): // nothing was halted in it
	case errors.Is(err, postgres.ErrUnreachable):
		s.warn("%v; until it is back, decisions wait in %s and add no risk", err, SpoolPath(c))
		s.records, s.switches = down{err}, down{err}
	default:
		return nil, err
	}
	if o.NoRecord || o.ReadOnly {
		s.records = nowhere()
		return s, nil
	}
	if err := s.openSpool(ctx, c, o.Logger); err != nil {
		return nil, errors.Join(err, s.closeDatabase())
	}
	return s, nil
}

// nowhere is for decisions that nobody wants recorded.
func nowhere() decision.Store {
	return decision.StoreFunc(func(context.Context, decision.Record) error { return nil })
}

func (s *Storage) openSpool(ctx context.Context, c config.Config, logger *slog.Logger) error {
	if err := os.MkdirAll(c.DataDir, dirMode); err != nil {
		return err
	}
	journal, err := spool.Open(spool.Config{Store: s.records, Path: SpoolPath(c), Logger: logger})
	if errors.Is(err, spool.ErrHeld) {
		return nil // whoever has it delivers it; this run goes without
	}
	if err != nil {
		return err
	}
	s.spool, s.records = journal, journal
	s.others(c)
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
	defer cancel()
	s.deliver(ctx)
	return nil
}

// others warns of records that wait for other databases.
func (s *Storage) others(c config.Config) {
	found, err := filepath.Glob(filepath.Join(c.DataDir, "spool-????????"))
	if err != nil {
		return // the pattern is fine
	}
	for _, path := range found {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 && path != SpoolPath(c) {
			s.warn("%s has records that wait for another DATABASE_URL", path)
		}
	}
}

// deliver gives the database what waits for it.
func (s *Storage) deliver(ctx context.Context) {
	if s.spool == nil || s.spool.Stats().Pending == 0 || s.database == nil {
		return
	}
	n, err := s.spool.Deliver(ctx)
	if refused := s.spool.Stats().Refused; refused > 0 {
		s.warn("%d records that had waited were refused by the database, and lie in the journal's .refused", refused)
	}
	if err != nil {
		s.warn("%d records wait for the database: %v", s.spool.Stats().Pending, err)
	} else if n > 0 {
		s.warn("%d records that had waited for the database were delivered", n)
	}
}

// keeper keeps a copy of what was recorded, to be read back without asking the
// database.
func (s *Storage) keeper(copies *memory.Store) decision.Store {
	return decision.StoreFunc(func(ctx context.Context, r decision.Record) error {
		if err := s.records.Append(ctx, r); err != nil {
			return err
		}
		return copies.Append(ctx, r)
	})
}

func (s *Storage) warn(format string, args ...any) {
	s.warnings = append(s.warnings, fmt.Sprintf(format, args...))
}

// Database is what was opened; nil without one.
func (s *Storage) Database() Database { return s.database }

// Warnings are what went wrong, also after Close.
func (s *Storage) Warnings() []string { return s.warnings }

// Close tries once more to deliver what waits, and closes everything.
func (s *Storage) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.deliver(ctx)
	var err error
	if s.spool != nil {
		err = s.spool.Close()
	}
	return errors.Join(err, s.closeDatabase())
}

func (s *Storage) closeDatabase() error {
	if s.database == nil {
		return nil
	}
	return s.database.Close()
}

// down is a database that could not be reached.
type down struct{ err error }

func (d down) Append(context.Context, decision.Record) error { return d.err }

func (d down) Halted(context.Context, string) (*decision.Halt, error) { return nil, d.err }

// bothHalts are the kill switches of this machine's file and those of the
// database, which count for every machine.
type bothHalts struct{ file, database decision.Halts }

func (b bothHalts) Halted(ctx context.Context, accountID string) (*decision.Halt, error) {
	if h, err := b.file.Halted(ctx, accountID); h != nil || err != nil {
		return h, err
	}
	return b.database.Halted(ctx, accountID)
}
