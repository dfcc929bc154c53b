package legacy

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/ballast-go/ballast/migrations"
)

// OpenSource opens a database to import from: a URL of PostgreSQL, also as
// SQLAlchemy writes it (postgresql+asyncpg://…), or a file of SQLite by its
// path or as sqlite:///path, which is opened to be read only. It does not
// connect yet. No error has the URL's password.
func OpenSource(address string) (*sql.DB, migrations.Dialect, error) {
	scheme, rest, isURL := strings.Cut(address, "://")
	if !isURL {
		return openFile(address)
	}
	path, _, _ := strings.Cut(rest, "?")
	scheme, _, _ = strings.Cut(scheme, "+")
	switch scheme {
	case "postgres", "postgresql":
		cfg, err := pgx.ParseConfig("postgres://" + rest)
		if err != nil { // its text may repeat the URL
			return nil, "", errors.New("legacy: the URL of the source is not one of PostgreSQL")
		}
		cfg.RuntimeParams["application_name"] = "ballast import-legacy"
		return stdlib.OpenDB(*cfg), migrations.Postgres, nil
	case "sqlite":
		return openFile(strings.TrimPrefix(path, "/"))
	case "file":
		return openFile(path)
	}
	return nil, "", fmt.Errorf("legacy: the source must be a URL of PostgreSQL or a file of SQLite, its scheme was %.20q", scheme)
}

// openFile opens a file of SQLite. As in SQLAlchemy, sqlite:///a is relative
// and sqlite:////a is not.
func openFile(path string) (*sql.DB, migrations.Dialect, error) {
	info, err := os.Stat(path)
	var broken *fs.PathError
	if errors.As(err, &broken) { // what was taken for a path may be a URL with a password
		return nil, "", fmt.Errorf("legacy: the source must be a URL of PostgreSQL or a file of SQLite: %w", broken.Err)
	}
	if err != nil {
		return nil, "", fmt.Errorf("legacy: the source: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, "", fmt.Errorf("legacy: the source must be a file, was %s", info.Mode().Type())
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, "", fmt.Errorf("legacy: the source: %w", err)
	}
	dsn := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: "mode=ro&_pragma=busy_timeout(5000)&_pragma=query_only(1)"}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, "", fmt.Errorf("legacy: the source: %w", err)
	}
	return db, migrations.SQLite, nil
}
