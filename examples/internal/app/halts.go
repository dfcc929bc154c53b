package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/haltfile"
)

const haltsName = "halts.json"

// HaltsPath is the file of the kill switches in DATA_DIR.
func HaltsPath(dir string) string { return filepath.Join(dir, haltsName) }

// haltTimeout is how long the database may take for a halt.
const haltTimeout = 5 * time.Second

// Switches are the kill switches that decisions of these settings honour: those
// of the database and those of the file in DATA_DIR, which are thrown when the
// database does not take one. Close them when done.
type Switches struct {
	dir      string
	file     *haltfile.File
	database Database // nil: there is none
	broken   error    // why there is none although there should be
}

// OpenSwitches opens them. A database that cannot be opened is found by Halt
// and the others. ReadOnly makes nothing.
func OpenSwitches(ctx context.Context, c config.Config, readOnly bool) (*Switches, error) {
	file, err := haltfile.Open(HaltsPath(c.DataDir))
	if err != nil {
		return nil, err
	}
	s := &Switches{dir: c.DataDir, file: file}
	if c.Database.Kind == config.DatabaseMemory {
		return s, nil
	}
	s.database, err = OpenDatabase(ctx, c.Database, DatabaseOptions{ReadOnly: readOnly})
	if err != nil {
		s.database = nil
	}
	if !readOnly || !errors.Is(err, ErrNoDatabase) {
		s.broken = err
	}
	return s, nil
}

// Close closes the database.
func (s *Switches) Close() error {
	if s.database == nil {
		return nil
	}
	return s.database.Close()
}

// LocalError says that a halt counts for this machine's DATA_DIR alone.
type LocalError struct {
	Path string // of the file that has it
	Err  error  // why the database has it not
}

// Error says where the halt counts.
func (e *LocalError) Error() string {
	return fmt.Sprintf("halted for this machine alone, by %s: %v", e.Path, e.Err)
}

// Unwrap is why.
func (e *LocalError) Unwrap() error { return e.Err }

// Halt turns the switch of the halt's account on: in the database, else, with
// a *LocalError, in the file. It returns where.
func (s *Switches) Halt(ctx context.Context, h decision.Halt) (where string, err error) {
	if err := store.CheckHalt(h.AccountID, &h); err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	failed := s.broken
	if s.database != nil {
		ctx, cancel := context.WithTimeout(ctx, haltTimeout) // then the file has it: nobody halts at leisure
		defer cancel()
		if failed = s.database.SetHalt(ctx, h.AccountID, &h); failed == nil {
			return "the database", nil
		}
	}
	if errors.Is(failed, context.Canceled) {
		return "", failed
	}
	if err := os.MkdirAll(s.dir, dirMode); err != nil {
		return "", errors.Join(failed, err)
	}
	path := HaltsPath(s.dir)
	if err := s.file.SetHalt(context.WithoutCancel(ctx), h.AccountID, &h); err != nil {
		return "", errors.Join(failed, err)
	}
	if failed != nil {
		return path, &LocalError{Path: path, Err: failed}
	}
	return path, nil
}

// Resume turns the switch of one account off wherever it is on, with an empty
// id the global one. It returns whether it was, and the switches that still
// are.
func (s *Switches) Resume(ctx context.Context, accountID string) (was bool, still []decision.Halt, err error) {
	before, err := s.Halts(ctx)
	if err != nil {
		return false, nil, err
	}
	if s.database != nil { // first: while it fails, the file's switch stays on too
		if err := s.database.SetHalt(ctx, accountID, nil); err != nil {
			return false, nil, err
		}
	}
	if err := s.file.SetHalt(ctx, accountID, nil); err != nil {
		return false, nil, err
	}
	still, err = s.Halts(ctx)
	return slices.ContainsFunc(before, func(h decision.Halt) bool { return h.AccountID == accountID }), still, err
}

// Halts lists the switches that are on, the global one first. The error says
// what is wrong with what cannot be read: then nothing may add risk.
func (s *Switches) Halts(ctx context.Context) ([]decision.Halt, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	all, err := s.file.Halts(ctx)
	if err != nil || s.database == nil {
		return all, err
	}
	more, err := s.database.Halts(ctx)
	if err != nil {
		return nil, err
	}
	all = append(all, more...)
	slices.SortStableFunc(all, func(a, b decision.Halt) int { return cmp.Compare(a.AccountID, b.AccountID) })
	return slices.CompactFunc(all, func(a, b decision.Halt) bool { return a.AccountID == b.AccountID }), nil
}
