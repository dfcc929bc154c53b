package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/internal/pack"
)

// DB is where a Store keeps things: a *pgxpool.Pool, a *pgx.Conn or a pgx.Tx.
// A Store may do as much at once as its DB, and a connection or transaction is
// for one goroutine at a time.
type DB interface {
	Begin(ctx context.Context) (pgx.Tx, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Store keeps everything that package store knows in PostgreSQL. Make it with
// New or Open. It is safe for concurrent use if its DB is.
type Store struct {
	db    DB
	host  bool // db is a transaction of the host, which it goes on to use
	known *known
	pack  *pack.Packer
	pool  *pgxpool.Pool // that Close closes; nil: none
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

// New makes a Store on the host's connections, whose schema must be that of
// package migrations. It reads nothing and never closes them; of cfg it uses
// what is not about a pool.
func New(db DB, cfg Config) (*Store, error) {
	if db == nil {
		return nil, errors.New("postgres: New: db must not be nil")
	}
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	packer, err := pack.New()
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	_, host := db.(pgx.Tx)
	return &Store{db: db, host: host, known: newKnown(cfg.KnownSeries), pack: packer}, nil
}

// With is the store within a transaction of the host: nothing is kept until
// the host commits, and an error of the store leaves the transaction usable.
// Until then appends of others to the same accounts wait.
func (s *Store) With(tx pgx.Tx) *Store {
	within := *s
	within.db, within.host, within.pool = tx, true, nil
	return &within
}

// maxTries bounds how often a transaction is run that another got in the way of.
const maxTries = 5

// retrying runs one transaction or statement again while the database says
// that only others were in its way. Within a transaction of the host that
// would not help, and a savepoint keeps the transaction usable instead.
func (s *Store) retrying(ctx context.Context, f func(DB) error) error {
	if s.host {
		return s.within(ctx, func(tx pgx.Tx) error { return f(tx) })
	}
	var err error
	for range maxTries {
		if err = f(s.db); err == nil || !again(err) || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// transact runs several statements as one transaction.
func (s *Store) transact(ctx context.Context, f func(pgx.Tx) error) error {
	if s.host {
		return s.within(ctx, f)
	}
	return s.retrying(ctx, func(DB) error { return s.within(ctx, f) })
}

// within is a transaction, or a savepoint in the host's.
func (s *Store) within(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.db, f)
}

// one reads the only row of a query; pgx.ErrNoRows when there is none.
func one[T any](ctx context.Context, db DB, scan pgx.RowToFunc[T], sql string, args ...any) (T, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		var none T
		return none, err
	}
	return pgx.CollectExactlyOneRow(rows, scan)
}

// all reads every row of a query.
func all[T any](ctx context.Context, db DB, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}
