package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ballast-go/ballast/store"
)

// What keeps Open from opening a database, beside what package migrations says
// of its schema.
var (
	// ErrURL says that the URL is none of PostgreSQL.
	ErrURL = errors.New("postgres: invalid URL")
	// ErrUnreachable says that no server answered, or not in time.
	ErrUnreachable = errors.New("postgres: the server cannot be reached")
	// ErrPassword says that the server did not accept the user or password.
	ErrPassword = errors.New("postgres: the server refused the user or password")
	// ErrDatabase says that the server has no such database.
	ErrDatabase = errors.New("postgres: unknown database")
	// ErrVersion says that the server is older than MinVersion.
	ErrVersion = errors.New("postgres: the server is too old")
	// ErrRights says that the user may not read or write a table.
	ErrRights = errors.New("postgres: missing rights")
)

// MinVersion is the oldest major version of PostgreSQL that Open accepts.
const MinVersion = 14

// SQLSTATEs that this package tells apart.
const (
	codeUnique        = "23505"
	codeSerialization = "40001"
	codeDeadlock      = "40P01"
	codeReadOnly      = "25006"
	codeRights        = "42501"
	codeNoDatabase    = "3D000"
	codeNoPassword    = "28P01"
	codeNoLogin       = "28000"
)

func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// again reports an error after which the same statement may succeed: the
// database picked it as the victim, or it was never sent.
func again(err error) bool {
	switch code(err) {
	case codeSerialization, codeDeadlock:
		return true
	}
	return pgconn.SafeToRetry(err)
}

// wrap says what was tried, and what the error means to callers of package
// store. pgx's own errors hold no password.
func wrap(ctx context.Context, what string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		return fmt.Errorf("postgres: %s: %w: %w", what, ctx.Err(), err)
	case code(err) == codeReadOnly:
		return fmt.Errorf("postgres: %s: %w: %w", what, store.ErrReadOnly, err)
	case code(err) == codeRights:
		return fmt.Errorf("postgres: %s: %w: %w", what, ErrRights, err)
	}
	return fmt.Errorf("postgres: %s: %w", what, err)
}

// found is wrap for a query by id.
func found(ctx context.Context, what, id string, err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("%w: %s %.128q", store.ErrNotFound, what, id)
	}
	return wrap(ctx, what, err)
}
