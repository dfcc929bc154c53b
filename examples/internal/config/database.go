package config

import (
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/ballast-go/ballast/secret"
)

// DatabaseKind is what records are kept in.
type DatabaseKind string

// The kinds.
const (
	DatabaseSQLite   DatabaseKind = "sqlite"
	DatabasePostgres DatabaseKind = "postgres"
	DatabaseMemory   DatabaseKind = "memory" // forgotten with the process
)

// Database is where records are kept. Each comment names the variable, its
// rule and its default.
type Database struct {
	// Kind comes from DATABASE_URL: postgres://, postgresql:// (a driver such
	// as +asyncpg is ignored), sqlite://PATH or memory:. Default a SQLite file,
	// ballast.db in DATA_DIR.
	Kind DatabaseKind
	URL  secret.Value // of PostgreSQL, with its password
	Path string       // of the SQLite file
	// Given says that DATABASE_URL is set: then its folder must be there, which
	// keeps a disk that is not mounted from being taken for an empty database.
	Given bool
	Name  string // for people: DATABASE_URL without user and password

	MaxConns    int           // DB_POOL_SIZE, 1–1,000, default 20, and DB_MAX_OVERFLOW, 0–1,000, default 10, together
	PoolTimeout time.Duration // DB_POOL_TIMEOUT, 1–3,600 seconds, for a connection; default 30
}

// databaseFile is the SQLite file in DATA_DIR.
const databaseFile = "ballast.db"

func (r *reader) database(dataDir string) Database {
	d := Database{
		MaxConns:    r.whole("DB_POOL_SIZE", 20, 1, 1000) + r.whole("DB_MAX_OVERFLOW", 10, 0, 1000),
		PoolTimeout: time.Duration(r.whole("DB_POOL_TIMEOUT", 30, 1, maxTimeoutSeconds)) * time.Second,
	}
	text := r.text("DATABASE_URL")
	kind, path, name, err := ParseDatabase(text)
	switch {
	case text == "":
		d.Kind, d.Path = DatabaseSQLite, filepath.Join(dataDir, databaseFile)
		d.Name = d.Path
		return d
	case err != "":
		_, label := r.lookup("DATABASE_URL")
		r.problem("%s %s", label, err)
	}
	d.Kind, d.Path, d.Name, d.Given = kind, path, name, true
	if kind == DatabasePostgres {
		d.URL = secret.New(text)
	}
	return d
}

// ParseDatabase reads the URL of a database: its kind, the path of a SQLite
// file, and a name without secrets. What is wrong continues the name of the
// setting and never shows what may be a password.
func ParseDatabase(text string) (kind DatabaseKind, path, name, wrong string) {
	scheme, rest, found := strings.Cut(text, ":")
	base, _, _ := strings.Cut(scheme, "+")
	switch {
	case found && base == "memory" && rest == "":
		return DatabaseMemory, "", "memory", ""
	case found && base == "sqlite":
		path, ok := strings.CutPrefix(rest, "//")
		if !ok || path == "" {
			return "", "", "", "must name a file, such as sqlite://data/ballast.db or sqlite:///var/lib/ballast.db"
		}
		return DatabaseSQLite, path, path, ""
	case found && (base == "postgres" || base == "postgresql"):
		u, err := url.Parse(base + ":" + rest)
		if err != nil || u.Host == "" && u.Query().Get("host") == "" || strings.Contains(u.Path, "@") || u.Fragment != "" {
			return "", "", "", "must be like postgresql://user:password@host:5432/name, and could not be read as a URL (special characters of a password must be percent-encoded)"
		}
		return DatabasePostgres, "", base + "://" + u.Host + u.Path, ""
	}
	if len(scheme) > 20 || !found {
		scheme = "something else"
	}
	return "", "", "", "must begin with postgres://, postgresql://, sqlite:// or be memory:, began with " + strings.ToValidUTF8(scheme, "?")
}
