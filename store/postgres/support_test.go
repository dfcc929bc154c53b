package postgres_test

import (
	"context"
	"database/sql"
	"flag"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // registers "pgx"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/internal/pgtest"
	"github.com/ballast-go/ballast/migrations"
	"github.com/ballast-go/ballast/store/postgres"
)

var long = flag.Bool("long", false, "kill 200 processes that write, in place of 5")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(pgtest.Exit)) }

// database is the URL of an empty database with the schema.
func database(tb testing.TB) string {
	tb.Helper()
	return migrated(tb, pgtest.New(tb))
}

func migrated(tb testing.TB, databaseURL string) string {
	tb.Helper()
	migrate(tb, databaseURL, func(m *migrations.Migrator) error { return m.Up(tb.Context()) })
	return databaseURL
}

func migrate(tb testing.TB, databaseURL string, f func(*migrations.Migrator) error) {
	tb.Helper()
	db, err := sql.Open("pgx", databaseURL)
	require.NoError(tb, err)
	m, err := migrations.New(db, migrations.Postgres, migrations.Config{})
	require.NoError(tb, err)
	require.NoError(tb, f(m))
	require.NoError(tb, db.Close())
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
func exec(tb testing.TB, s *postgres.Store, statement string, args ...any) {
	tb.Helper()
	_, err := s.Pool().Exec(context.Background(), statement, args...)
	require.NoError(tb, err)
}

// scan reads one value beside the store.
func scan[T any](tb testing.TB, s *postgres.Store, statement string, args ...any) (v T) {
	tb.Helper()
	require.NoError(tb, s.Pool().QueryRow(context.Background(), statement, args...).Scan(&v))
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
