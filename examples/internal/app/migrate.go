package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/migrations"
	"github.com/ballast-go/ballast/store/postgres"
	"github.com/ballast-go/ballast/store/sqlite"
)

// OpenMigrator opens a database to migrate it, whatever its schema. A SQLite
// file that there is not is made, unless only looking is asked for: then it is
// ErrNoDatabase. The function closes the database.
func OpenMigrator(ctx context.Context, c config.Database, looking bool) (*migrations.Migrator, func() error, error) {
	var db *sql.DB
	var err error
	dialect, cfg := migrations.Postgres, migrations.Config{}
	if c.Kind == config.DatabaseSQLite {
		dialect, cfg.LockPath = migrations.SQLite, c.Path+".lock"
		if db, err = openSQLiteFile(ctx, c, looking); err != nil {
			return nil, nil, err
		}
	} else {
		ctx, cancel := context.WithTimeout(ctx, min(c.PoolTimeout, connectTimeout))
		defer cancel()
		if db, err = postgres.OpenSQL(ctx, c.URL.Reveal(), postgres.Config{}); err != nil {
			return nil, nil, err
		}
	}
	m, err := migrations.New(db, dialect, cfg)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return m, db.Close, nil
}

func openSQLiteFile(ctx context.Context, c config.Database, looking bool) (*sql.DB, error) {
	path := c.Path
	if !looking && !c.Given {
		if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
			return nil, err
		}
	}
	db, err := sqlite.OpenSQL(ctx, path, !looking)
	if looking && (errors.Is(err, sqlite.ErrMissing) || errors.Is(err, sqlite.ErrFolder)) {
		err = fmt.Errorf("%s: %w", path, ErrNoDatabase)
	}
	return db, err
}

// fill brings a database that is empty to the newest schema; one that is not
// is left as it is.
func fill(ctx context.Context, c config.Database) error {
	m, closeDatabase, err := OpenMigrator(ctx, c, false)
	if err != nil {
		return err
	}
	return errors.Join(fillEmpty(ctx, m), closeDatabase())
}

func fillEmpty(ctx context.Context, m *migrations.Migrator) error {
	now, err := m.Current(ctx)
	if err != nil || now.Version != 0 {
		return err
	}
	plan, err := m.Plan(ctx, m.Head())
	if err != nil {
		return err
	}
	for _, step := range plan {
		if step.Destructive || step.Direction == "adopt" {
			return nil // Open says what to do
		}
	}
	return m.Up(ctx)
}
