package app

import (
	"context"
	"database/sql"
	"errors"

	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/migrations"
	"github.com/ballast-go/ballast/store/legacy"
	"github.com/ballast-go/ballast/store/postgres"
	"github.com/ballast-go/ballast/store/sqlite"
)

// LegacyImport says what to import from a single-asset system.
type LegacyImport struct {
	From     string // URL or file of its database
	Name     string // of the source, in the ids of its decisions
	Mapping  legacy.Mapping
	Progress func(done, total int64) // nil: nobody is told
}

// ImportLegacy copies into the database of the settings, which is made when it
// is not there yet. The report counts also when there is an error.
func ImportLegacy(ctx context.Context, c config.Database, from LegacyImport) (report legacy.Report, err error) {
	target, err := OpenDatabase(ctx, c, DatabaseOptions{}) // says whether it can be used
	if err == nil {
		err = target.Close()
	}
	if err != nil {
		return legacy.Report{}, err
	}
	source, dialect, err := legacy.OpenSource(from.From)
	if err != nil {
		return legacy.Report{}, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	db, kind, err := openTarget(ctx, c)
	if err != nil {
		return legacy.Report{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return legacy.Import(ctx, legacy.Config{
		Source: source, SourceDialect: dialect, Target: db, TargetDialect: kind, Name: from.Name, Mapping: from.Mapping, Progress: from.Progress,
	})
}

func openTarget(ctx context.Context, c config.Database) (*sql.DB, migrations.Dialect, error) {
	if c.Kind == config.DatabaseSQLite {
		db, err := sqlite.OpenSQL(ctx, c.Path, false)
		return db, migrations.SQLite, err
	}
	db, err := postgres.OpenSQL(ctx, c.URL.Reveal(), postgres.Config{})
	return db, migrations.Postgres, err
}
