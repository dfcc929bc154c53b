package haltfile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/internal/durable"
	"github.com/ballast-go/ballast/store"
)

// Errors to branch on.
var (
	// ErrLocked says that other processes held the lock for 10 seconds.
	ErrLocked = durable.ErrHeld
	// ErrReplaced says that somebody removed the lock while it was held.
	ErrReplaced = durable.ErrReplaced
)

// CorruptError is a file that cannot be trusted. It is left as it is.
type CorruptError struct {
	Path string
	Err  error
}

// Error names the file and the problem.
func (e *CorruptError) Error() string { return fmt.Sprintf("haltfile: %s: %v", e.Path, e.Err) }

// Unwrap is the problem.
func (e *CorruptError) Unwrap() error { return e.Err }

// File is a store.Halts in a file. It holds nothing open. It is safe for
// concurrent use, beside other Files of the same path in any process.
type File struct {
	path string
	turn chan struct{} // a mutex that a context can give up on
}

var _ store.Halts = (*File)(nil)

// Open names the file; neither it nor its folder need exist. What it says is
// read with each question.
func Open(path string) (*File, error) {
	if path == "" {
		return nil, errors.New("haltfile: the path must be set")
	}
	return &File{path: path, turn: make(chan struct{}, 1)}, nil
}

// Halted is the halt that holds for the account, as store.Halts says. It reads
// the file.
func (f *File) Halted(ctx context.Context, accountID string) (*decision.Halt, error) {
	if err := store.CheckHalt(accountID, nil); err != nil {
		return nil, err
	}
	halts, err := f.Halts(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range [...]string{"", accountID} {
		if i, on := find(halts, id); on {
			return &halts[i], nil
		}
	}
	return nil, nil
}

// Halts lists every switch that is on, as store.Halts says. It reads the file.
func (f *File) Halts(ctx context.Context) ([]decision.Halt, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("haltfile: %w", err)
	}
	return read(f.path)
}

// SetHalt turns a switch on or off, as store.Halts says: nil means that the
// file and its place in its folder, which must exist, are on the disk. After
// another error than those of store.Halts the switch may be set or not.
//
// It is an error when more than store.MaxHalts accounts would be halted one by
// one, or the file would have more than 1 MiB; the global halt has room kept
// for it. A file that cannot be read is never replaced.
func (f *File) SetHalt(ctx context.Context, accountID string, h *decision.Halt) error {
	if err := store.CheckHalt(accountID, h); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("haltfile: %w", err)
	}
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return fmt.Errorf("haltfile: %w", ctx.Err())
	}
	path, err := durable.Resolve(f.path)
	if h == nil && errors.Is(err, fs.ErrNotExist) {
		_, err := read(f.path) // no error when there is no folder: then nothing is on
		return err
	}
	if err != nil {
		return fmt.Errorf("haltfile: %w", err)
	}
	lock, err := acquire(ctx, path+".lock")
	if err != nil {
		return fmt.Errorf("haltfile: %w", err)
	}
	err = change(lock, path, accountID, h)
	if released := lock.Release(); err == nil && released != nil {
		err = fmt.Errorf("haltfile: %w", released)
	}
	return err
}

// How long a writer waits for others, and how long between two looks.
const (
	lockWait  = 10 * time.Second
	firstLook = time.Millisecond
	lastLook  = 5 * time.Millisecond
)

// acquire waits for the lock.
func acquire(ctx context.Context, path string) (*durable.Lock, error) {
	enough := time.NewTimer(lockWait)
	defer enough.Stop()
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		lock, err := durable.Acquire(path)
		if !errors.Is(err, ErrLocked) {
			return lock, err
		}
		select {
		case <-time.After(pause):
		case <-enough.C:
			return nil, err
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", err, ctx.Err())
		}
	}
}

// change writes the file anew under its lock.
func change(lock *durable.Lock, path, accountID string, h *decision.Halt) error {
	halts, err := read(path)
	if err != nil {
		return fmt.Errorf("%w: not replaced, as its halts would be lost", err)
	}
	i, on := find(halts, accountID)
	switch {
	case h != nil && on:
		halts[i] = *h
	case h != nil:
		halts = slices.Insert(halts, i, *h)
	case on:
		halts = slices.Delete(halts, i, i+1)
	default: // whoever turned it off may have died before that was durable
		return wrap(durable.SyncFolder(filepath.Dir(path)))
	}
	room := maxBytes
	if h != nil && accountID != "" {
		room -= globalBytes
	}
	text, err := encode(halts, room)
	if err == nil {
		err = durable.Write(path+".new", text)
	}
	if err == nil {
		err = lock.Check()
	}
	if err == nil {
		err = durable.Rename(path+".new", path)
	}
	return wrap(err)
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("haltfile: %w", err)
	}
	return nil
}

// find is where the account is, or belongs, in sorted halts.
func find(halts []decision.Halt, accountID string) (int, bool) {
	return slices.BinarySearchFunc(halts, accountID, func(h decision.Halt, id string) int { return cmp.Compare(h.AccountID, id) })
}
