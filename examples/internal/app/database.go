package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/migrations"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/memory"
	"github.com/ballast-go/ballast/store/postgres"
	"github.com/ballast-go/ballast/store/sqlite"
)

// Database is a store with all that it keeps.
type Database interface {
	store.Store
	store.History
	store.Chain
	store.Outcomes
	store.Metrics
	store.Accounts
	store.Strategies
	store.Assignments
	store.Halts
	store.Breakers
	store.Candles
	llm.Ledger
	Close() error
}

// DatabaseOptions say how to open one.
type DatabaseOptions struct {
	// ReadOnly opens what is there and changes nothing: no file is made, no
	// table.
	ReadOnly bool
	Logger   *slog.Logger // nil discards
}

// ErrNoDatabase says that there is nothing to read yet.
var ErrNoDatabase = errors.New("there is no database yet: a first decision or \"ballast migrate up\" makes it")

// OpenDatabase opens the database of the settings. An empty one gets its
// tables; one of an earlier version is an error that says to migrate it.
func OpenDatabase(ctx context.Context, c config.Database, o DatabaseOptions) (Database, error) {
	switch c.Kind {
	case config.DatabaseMemory:
		return unclosed{memory.New()}, nil
	case config.DatabasePostgres:
		return openPostgres(ctx, c, o)
	case config.DatabaseSQLite:
		return openSQLite(ctx, c, o)
	}
	return nil, fmt.Errorf("app: no such kind of database: %q", c.Kind)
}

// unclosed needs no closing.
type unclosed struct{ *memory.Store }

func (unclosed) Close() error { return nil }

func openSQLite(ctx context.Context, c config.Database, o DatabaseOptions) (Database, error) {
	if _, err := os.Stat(c.Path); errors.Is(err, os.ErrNotExist) {
		if o.ReadOnly {
			return nil, fmt.Errorf("%s: %w", c.Path, ErrNoDatabase)
		}
		if err := fill(ctx, c); err != nil {
			return nil, err
		}
	}
	return opened(sqlite.Open(ctx, c.Path, sqlite.Config{ReadOnly: o.ReadOnly}))
}

func openPostgres(ctx context.Context, c config.Database, o DatabaseOptions) (Database, error) {
	ctx, cancel := context.WithTimeout(ctx, min(c.PoolTimeout, connectTimeout))
	defer cancel()
	cfg := postgres.Config{MaxConns: min(c.MaxConns, 1000)}
	db, err := postgres.Open(ctx, c.URL.Reveal(), cfg)
	if errors.Is(err, migrations.ErrOldSchema) && !o.ReadOnly {
		if err := fill(ctx, c); err != nil {
			return nil, err
		}
		db, err = postgres.Open(ctx, c.URL.Reveal(), cfg)
	}
	return opened(closing{db}, err)
}

// opened is nil with an error, not an interface that holds nil.
func opened[T Database](db T, err error) (Database, error) {
	if err != nil {
		return nil, err
	}
	return db, nil
}

// closing gives closing an error to return, as files have.
type closing struct{ *postgres.Store }

func (c closing) Close() error {
	c.Store.Close()
	return nil
}

// connectTimeout bounds how long a decision waits for a database that is down.
const connectTimeout = 5 * time.Second
