package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/ballast-go/ballast/migrations"
	"github.com/ballast-go/ballast/store/internal/pack"
)

// Open opens the database in a file, whose schema must be that of package
// migrations: migrations.ErrOldSchema and ErrNewerSchema say that it is not.
// The path is taken as it is, whatever characters it has. A failed Open leaves
// an existing file as it was, apart from migrations that were done.
func Open(ctx context.Context, path string, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	path, err := locate(path, cfg)
	if err != nil {
		return nil, err
	}
	packer, err := pack.New()
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	if cfg.Migrate {
		if err := migrate(ctx, path, cfg); err != nil {
			return nil, wrap(ctx, "open "+path, err)
		}
	}
	s := &Store{path: path, cfg: cfg, pack: packer, sessions: make(chan *session, cfg.Readers)}
	for range cfg.Readers {
		s.sessions <- nil
	}
	if err := s.open(ctx); err != nil {
		if s.reads != nil {
			err = errors.Join(err, s.Close())
		}
		return nil, wrap(ctx, "open "+path, err)
	}
	return s, nil
}

// locate is the absolute path, if there can be a database.
func locate(path string, cfg Config) (string, error) {
	if path == "" || strings.Contains(path, "\x00") {
		return "", fmt.Errorf("%w: must not be empty or contain NUL, was %.200q", ErrPath, path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrPath, err)
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return "", fmt.Errorf("%w: %s is no regular file", ErrNotDatabase, path)
	case err == nil:
		return path, nil
	case errors.Is(err, fs.ErrPermission):
		return "", fmt.Errorf("%w: %w", ErrPermission, err)
	}
	if folder, err := os.Stat(filepath.Dir(path)); err != nil || !folder.IsDir() {
		return "", fmt.Errorf("%w: %s", ErrFolder, filepath.Dir(path))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: %w", ErrPath, err)
	}
	if !cfg.Migrate {
		return "", fmt.Errorf("%w: %s", ErrMissing, path)
	}
	return path, nil
}

// uri is how SQLite is told of a file: everything in the path that would mean
// something in a URI is escaped.
func uri(path, mode string, cfg Config, pragmas ...string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // of a drive
	}
	query := url.Values{"mode": {mode}, "_pragma": append([]string{fmt.Sprintf("busy_timeout(%d)", cfg.BusyTimeout.Milliseconds())}, pragmas...)}
	return "file://" + (&url.URL{Path: path}).EscapedPath() + "?" + query.Encode()
}

// cachePragma gives each connection 16 MiB of pages at most: enough for the
// decisions of a day.
const cachePragma = "cache_size(-16384)"

func pool(dsn string, conns int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// OpenSQL opens a file as database/sql does, for package migrations, whatever
// its schema is; with makeIt, also one that is not there. What keeps it from
// opening is one of the errors of Open. Foreign keys are off, as steps move
// tables. Close the pool in the end, and before a Store is opened on the file.
func OpenSQL(ctx context.Context, path string, makeIt bool) (*sql.DB, error) {
	cfg := Config{Migrate: makeIt}.withDefaults()
	path, err := locate(path, cfg)
	if err != nil {
		return nil, err
	}
	if makeIt {
		if err := makeFile(path); err != nil {
			return nil, err
		}
	}
	db, err := pool(uri(path, "rw", cfg)+"&_txlock=immediate", 2)
	if err != nil {
		return nil, wrap(ctx, "open "+path, err)
	}
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return nil, errors.Join(wrap(ctx, "open "+path, err), db.Close())
	}
	return db, nil
}

// makeFile makes the file if there is none, for its owner's eyes only: SQLite's
// own would be open to whoever the umask lets. An empty file is a database. One
// that is there is not opened: closing it again would drop the locks of Stores.
func makeFile(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", ErrPermission, err)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrPath, err)
	}
	return file.Close()
}

// migrate makes the file if there is none.
func migrate(ctx context.Context, path string, cfg Config) (err error) {
	if err := makeFile(path); err != nil {
		return err
	}
	db, err := pool(uri(path, "rwc", cfg)+"&_txlock=immediate", 2) // foreign keys are off, as steps move tables
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	m, err := migrations.New(db, migrations.SQLite, migrations.Config{LockPath: path + ".lock"})
	if err != nil {
		return err
	}
	if m.Check(ctx) == nil {
		return nil
	}
	return m.Up(ctx)
}

func (s *Store) open(ctx context.Context) error {
	if err := s.openReads(ctx); err != nil || s.cfg.ReadOnly {
		return err
	}
	var err error
	s.writes, err = pool(uri(s.path, "rw", s.cfg, "journal_mode(wal)", "synchronous(full)", "foreign_keys(on)", "journal_size_limit(67108864)", cachePragma), 1)
	if err != nil {
		return err
	}
	session, err := openSession(ctx, s.writes)
	if err != nil {
		return err
	}
	s.writer = &writer{patience: s.cfg.BusyTimeout, session: session, slot: make(chan struct{}, 1)}
	if _, err := session.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", stepTimeout.Milliseconds())); err != nil {
		return err
	}
	// A file that may not be written says so only when something is.
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, "UPDATE accounts SET decisions = decisions WHERE false")
		return err
	})
}

// openReads opens the file to read it, and checks its schema.
func (s *Store) openReads(ctx context.Context) error {
	mode := "rw"
	if s.cfg.ReadOnly {
		mode = "ro"
	}
	dsn := uri(s.path, mode, s.cfg, "query_only(on)", cachePragma)
	err := s.check(ctx, dsn)
	if s.cfg.ReadOnly && errors.Is(meaning(err), ErrPermission) && noLog(s.path) {
		err = s.check(ctx, dsn+"&immutable=1")
	}
	return err
}

// noLog reports whether all of the database is in its file.
func noLog(path string) bool {
	info, err := os.Stat(path + "-wal")
	return errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0
}

func (s *Store) check(ctx context.Context, dsn string) error {
	db, err := pool(dsn, s.cfg.Readers)
	if err != nil {
		return err
	}
	m, err := migrations.New(db, migrations.SQLite, migrations.Config{})
	if err == nil {
		err = m.Check(ctx)
	}
	if err != nil {
		return errors.Join(err, db.Close())
	}
	s.reads = db
	return nil
}
