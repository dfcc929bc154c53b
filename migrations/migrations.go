package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// Dialect is a kind of database.
type Dialect string

// The dialects.
const (
	Postgres Dialect = "postgres"
	SQLite   Dialect = "sqlite"
)

// VersionTable holds which versions are applied, LogTable all that ever
// happened, with checksums.
const (
	VersionTable = "goose_db_version"
	LogTable     = "migration_log"
)

// Config is how a Migrator works. The zero value is of use.
type Config struct {
	// LockPath is a file, such as the database's path with ".lock", that SQLite
	// migrations lock, so that processes wait for each other; it stays. Default:
	// none, for databases in memory.
	LockPath string
	// Now gives applied_at of the log. Default: time.Now.
	Now func() time.Time

	steps []Migration // instead of the embedded ones, in tests
}

// Migrator moves one database between versions. Its methods may be called
// concurrently, from several processes too.
type Migrator struct {
	db       *sql.DB
	dialect  Dialect
	cfg      Config
	steps    []Migration
	provider *goose.Provider
	store    database.Store
}

// New is a Migrator of a database that stays the caller's. PostgreSQL needs a
// pool of at least two connections, one of which holds the lock; SQLite should
// be opened with _txlock=immediate and a busy timeout.
func New(db *sql.DB, dialect Dialect, cfg Config) (*Migrator, error) {
	if db == nil {
		return nil, errors.New("migrations: db must not be nil")
	}
	if dialect != Postgres && dialect != SQLite {
		return nil, fmt.Errorf("migrations: dialect must be %q or %q, was %q", Postgres, SQLite, dialect)
	}
	if dialect == Postgres && db.Stats().MaxOpenConnections == 1 {
		return nil, errors.New("migrations: the pool must allow 2 connections or more, was 1")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	m := &Migrator{db: db, dialect: dialect, cfg: cfg, steps: cfg.steps}
	if m.steps == nil {
		steps, err := Embedded(dialect)
		if err != nil {
			return nil, err
		}
		m.steps = steps
	}
	kind := database.DialectPostgres
	if dialect == SQLite {
		kind = database.DialectSQLite3
	}
	store, err := database.NewStore(kind, VersionTable)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	m.store = store
	all := make([]*goose.Migration, len(m.steps))
	for i, s := range m.steps {
		all[i] = goose.NewGoMigration(s.Version, m.run(s, directionUp), m.run(s, directionDown))
	}
	m.provider, err = goose.NewProvider("", db, fs.FS(nil), goose.WithStore(store), goose.WithGoMigrations(all...), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	return m, nil
}

func (m *Migrator) head() int64 { return m.steps[len(m.steps)-1].Version }

func (m *Migrator) step(version int64) (Migration, bool) {
	for _, s := range m.steps {
		if s.Version == version {
			return s, true
		}
	}
	return Migration{}, false
}

// Up applies what is missing. A single-asset database that was not made by
// this package is recognised by the exact columns of its table and stamped 1
// first; another table named decisions is ErrForeignSchema.
func (m *Migrator) Up(ctx context.Context) error { return m.UpTo(ctx, m.head()) }

// UpTo is Up as far as a version; what is above already stays.
func (m *Migrator) UpTo(ctx context.Context, version int64) error {
	if _, ok := m.step(version); !ok {
		return m.unknown(version)
	}
	return m.locked(ctx, func(ctx context.Context) error {
		if err := m.adopt(ctx); err != nil {
			return err
		}
		_, err := m.provider.UpTo(ctx, version)
		return wrap(err)
	})
}

// Down takes the newest version back; nothing where there is none.
func (m *Migrator) Down(ctx context.Context) error {
	return m.locked(ctx, func(ctx context.Context) error {
		st, err := m.state(ctx)
		if err != nil || st.version == 0 {
			return err
		}
		_, err = m.provider.Down(ctx)
		return wrap(err)
	})
}

// DownTo takes back all versions above one, which may be 0.
func (m *Migrator) DownTo(ctx context.Context, version int64) error {
	if _, ok := m.step(version); !ok && version != 0 {
		return m.unknown(version)
	}
	return m.locked(ctx, func(ctx context.Context) error {
		st, err := m.state(ctx)
		if err != nil || st.version <= version {
			return err
		}
		_, err = m.provider.DownTo(ctx, version)
		return wrap(err)
	})
}

// Stamp marks a version and all before it as applied, and all after it as not,
// without running anything. It takes over the checksums of this program.
func (m *Migrator) Stamp(ctx context.Context, version int64) error {
	if _, ok := m.step(version); !ok && version != 0 {
		return m.unknown(version)
	}
	return m.lock(ctx, func(ctx context.Context) error {
		st, err := m.state(ctx)
		if err != nil {
			return err
		}
		if st.version > m.head() {
			return &VersionError{Database: st.version, Program: m.head()}
		}
		return m.stamp(ctx, st, version, directionStamp)
	})
}

func (m *Migrator) stamp(ctx context.Context, st state, version int64, why direction) error {
	return m.inTx(ctx, func(tx *sql.Tx) error {
		if !st.versioned {
			if err := m.store.CreateVersionTable(ctx, tx); err != nil {
				return err
			}
			if err := m.store.Insert(ctx, tx, database.InsertRequest{Version: 0}); err != nil {
				return err
			}
		}
		if err := m.createLog(ctx, tx); err != nil {
			return err
		}
		for _, s := range m.steps {
			if err := m.mark(ctx, tx, s, st.applied[s.Version], s.Version <= version, why); err != nil {
				return err
			}
		}
		if version == 0 {
			return m.note(ctx, tx, Migration{Name: "empty"}, why)
		}
		return nil
	})
}

// mark makes a step applied or not.
func (m *Migrator) mark(ctx context.Context, tx *sql.Tx, s Migration, is, shall bool, why direction) error {
	if !shall {
		if !is {
			return nil
		}
		return m.store.Delete(ctx, tx, s.Version)
	}
	if !is {
		if err := m.store.Insert(ctx, tx, database.InsertRequest{Version: s.Version}); err != nil {
			return err
		}
	}
	return m.note(ctx, tx, s, why)
}

func (m *Migrator) inTx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := m.db.BeginTx(ctx, nil)
	if err != nil {
		return wrap(err)
	}
	if err := f(tx); err != nil {
		return wrap(errors.Join(err, tx.Rollback()))
	}
	return wrap(tx.Commit())
}

// locked runs f under the lock, on a database that this program knows.
func (m *Migrator) locked(ctx context.Context, f func(context.Context) error) error {
	return m.lock(ctx, func(ctx context.Context) error {
		st, err := m.state(ctx)
		if err != nil {
			return err
		}
		if err := m.verify(st); err != nil {
			return err
		}
		return f(ctx)
	})
}

// run is one step as goose calls it, in the transaction that moves the version.
func (m *Migrator) run(s Migration, d direction) *goose.GoFunc {
	return &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
		if err := m.move(ctx, tx, s, d); err != nil {
			return fmt.Errorf("%s %s: %w", s, d, err)
		}
		if err := m.createLog(ctx, tx); err != nil {
			return err
		}
		return m.note(ctx, tx, s, d)
	}}
}

func (m *Migrator) move(ctx context.Context, tx *sql.Tx, s Migration, d direction) error {
	text := s.down
	if d == directionUp {
		archived, err := m.hasTable(ctx, tx, fmt.Sprintf("archive_%04d_decisions", s.Version))
		if err != nil {
			return err
		}
		if text = s.up; archived && s.restore != "" {
			text = s.restore
		}
	}
	if m.dialect == Postgres { // limits of the host's pool are for queries
		text = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;\n" + text
	}
	if _, err := tx.ExecContext(ctx, text); err != nil {
		return err
	}
	if m.dialect == SQLite && d == directionUp && s.Version == recordsVersion {
		return fillGenesis(ctx, tx)
	}
	return nil
}

func (m *Migrator) unknown(version int64) error {
	return fmt.Errorf("%w: it must be one of 1 to %d, was %d", ErrUnknownVersion, m.head(), version)
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("migrations: %w", err)
}
