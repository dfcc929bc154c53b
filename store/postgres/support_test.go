package postgres_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/store/postgres"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	creating sync.Mutex
	number   atomic.Int64
)

// database is the URL of an empty database with the schema.
func database(tb testing.TB) string {
	tb.Helper()
	admin := os.Getenv("BALLAST_TEST_DATABASE_URL")
	if admin == "" {
		tb.Skip("no server")
	}
	name := fmt.Sprintf("t_%d_%d", os.Getpid(), number.Add(1))
	run := func(dsn string, sql string) {
		creating.Lock()
		defer creating.Unlock()
		conn, err := pgx.Connect(context.Background(), dsn)
		require.NoError(tb, err)
		_, err = conn.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol)
		require.NoError(tb, err)
		require.NoError(tb, conn.Close(context.Background()))
	}
	run(admin, "CREATE DATABASE "+name)
	tb.Cleanup(func() { run(admin, "DROP DATABASE "+name+" WITH (FORCE)") })
	u, err := url.Parse(admin)
	require.NoError(tb, err)
	u.Path = "/" + name
	files, err := filepath.Glob("../../migrations/postgres/*.sql")
	require.NoError(tb, err)
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(tb, err)
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		run(u.String(), up)
	}
	return u.String()
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
