package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/ballast-go/ballast/store"
)

// What keeps a Store from opening or using its file, beside what package
// migrations says of its schema.
var (
	// ErrPath says that the path names no file.
	ErrPath = errors.New("sqlite: invalid path")
	// ErrFolder says that the folder of the file does not exist.
	ErrFolder = errors.New("sqlite: the folder does not exist")
	// ErrMissing says that there is no file, and Config.Migrate did not ask for
	// a new one.
	ErrMissing = errors.New("sqlite: there is no database, run `ballast migrate up`")
	// ErrPermission says that the file or its folder may not be used so.
	ErrPermission = errors.New("sqlite: the file or its folder may not be opened or written")
	// ErrNotDatabase says that the file is something else.
	ErrNotDatabase = errors.New("sqlite: the file is not a database")
	// ErrFull says that the disk has no space left. What was to be written was
	// not; with space there, the same write succeeds.
	ErrFull = errors.New("sqlite: the disk is full")
	// ErrBusy says that others wrote for longer than Config.BusyTimeout.
	ErrBusy = errors.New("sqlite: others hold the database")
	// ErrClosed says that the Store was closed.
	ErrClosed = errors.New("sqlite: the store is closed")
)

// code is the primary result code of SQLite, 0 for other errors.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// meaning is what callers may branch on; nil: nothing.
func meaning(err error) error {
	switch code(err) {
	case sqlite3.SQLITE_FULL:
		return ErrFull
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return ErrBusy
	case sqlite3.SQLITE_CORRUPT:
		return store.ErrCorrupt
	case sqlite3.SQLITE_NOTADB:
		return ErrNotDatabase
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY:
		return ErrPermission
	}
	return nil
}

// wrap says what was tried, and what the error means.
func wrap(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil && !errors.Is(err, ctx.Err()) && code(err) == sqlite3.SQLITE_INTERRUPT {
		return fmt.Errorf("sqlite: %s: %w: %w", what, ctx.Err(), err)
	}
	if known := meaning(err); known != nil {
		return fmt.Errorf("sqlite: %s: %w: %w", what, known, err)
	}
	return fmt.Errorf("sqlite: %s: %w", what, err)
}

// found is wrap for a query by id.
func found(ctx context.Context, what, id string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w: %s %.128q", store.ErrNotFound, what, id)
	}
	return wrap(ctx, what, err)
}
