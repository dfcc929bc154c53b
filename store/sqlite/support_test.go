package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/store/sqlite"
)

// open is a store in a file of its own.
func open(tb testing.TB) *sqlite.Store {
	tb.Helper()
	return openAt(tb, filepath.Join(tb.TempDir(), "ballast.db"))
}

func openAt(tb testing.TB, path string) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), path, sqlite.Config{Migrate: true})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s
}

// execute runs SQL beside the store.
func execute(tb testing.TB, s *sqlite.Store, text string, args ...any) {
	tb.Helper()
	s.Writing(func(c *sql.Conn) {
		_, err := c.ExecContext(context.Background(), text, args...)
		require.NoError(tb, err)
	})
}

// scan reads one value beside the store.
func scan[T any](tb testing.TB, s *sqlite.Store, text string, args ...any) (v T) {
	tb.Helper()
	s.Writing(func(c *sql.Conn) {
		require.NoError(tb, c.QueryRowContext(context.Background(), text, args...).Scan(&v))
	})
	return v
}

// counts are the numbers of rows that an append makes.
func counts(tb testing.TB, s *sqlite.Store) map[string]int64 {
	tb.Helper()
	n := map[string]int64{}
	for _, table := range []string{"accounts", "decisions", "asset_decisions", "decision_records", "record_series", "llm_calls"} {
		n[table] = scan[int64](tb, s, "SELECT count(*) FROM "+table)
	}
	return n
}

// rawDB opens a file as no store does.
func rawDB(tb testing.TB, path string) *sql.DB {
	tb.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(tb, err)
	return db
}
