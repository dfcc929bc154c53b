package postgres_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/internal/pgtest"
	"github.com/ballast-go/ballast/store/postgres"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(pgtest.Exit)) }

// database is the URL of an empty database with the schema.
func database(tb testing.TB) string {
	tb.Helper()
	return migrated(tb, pgtest.New(tb))
}

func migrated(tb testing.TB, databaseURL string) string {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), databaseURL)
	require.NoError(tb, err)
	files, err := filepath.Glob("../../migrations/postgres/*.sql")
	require.NoError(tb, err)
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(tb, err)
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		_, err = conn.Exec(tb.Context(), up, pgx.QueryExecModeSimpleProtocol)
		require.NoError(tb, err)
	}
	require.NoError(tb, conn.Close(tb.Context()))
	return databaseURL
}

// open is a store on a database of its own.
func open(tb testing.TB) *postgres.Store {
	tb.Helper()
	return openAt(tb, database(tb))
}

func openAt(tb testing.TB, databaseURL string) *postgres.Store {
	tb.Helper()
	s, err := postgres.Open(tb.Context(), databaseURL, postgres.Config{MaxConns: 4})
	require.NoError(tb, err)
	tb.Cleanup(s.Close)
	return s
}

// exec runs SQL beside the store.
func exec(tb testing.TB, s *postgres.Store, sql string, args ...any) {
	tb.Helper()
	_, err := s.Pool().Exec(context.Background(), sql, args...)
	require.NoError(tb, err)
}

// scan reads one value beside the store.
func scan[T any](tb testing.TB, s *postgres.Store, sql string, args ...any) (v T) {
	tb.Helper()
	require.NoError(tb, s.Pool().QueryRow(context.Background(), sql, args...).Scan(&v))
	return v
}

// counts are the numbers of rows that an append makes.
func counts(tb testing.TB, s *postgres.Store) map[string]int64 {
	tb.Helper()
	n := map[string]int64{}
	for _, table := range []string{"accounts", "decisions", "asset_decisions", "decision_records", "record_series", "llm_calls"} {
		n[table] = scan[int64](tb, s, "SELECT count(*) FROM "+table)
	}
	return n
}
