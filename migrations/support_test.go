package migrations_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/ballast-go/ballast/internal/pgtest"
	"github.com/ballast-go/ballast/migrations"
)

func TestMain(m *testing.M) {
	if racing() {
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(pgtest.Exit))
}

// place is an empty database: where another process finds it too.
type place struct {
	t       *testing.T
	dialect migrations.Dialect
	dsn     string
	lock    string
}

func (p place) open() (*sql.DB, error) {
	if p.dialect == migrations.Postgres {
		return sql.Open("pgx", p.dsn)
	}
	db, err := sql.Open("sqlite", p.dsn)
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

func (p place) start(t *testing.T) (*sql.DB, *migrations.Migrator) {
	t.Helper()
	db, err := p.open()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	m, err := migrations.New(db, p.dialect, migrations.Config{LockPath: p.lock})
	require.NoError(t, err)
	return db, m
}

func sqlitePlace(t *testing.T) place {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ballast.db")
	return place{t, migrations.SQLite, "file:" + path + "?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)", path + ".lock"}
}

// each runs a test on an empty database of each dialect. Statements are not
// cached: their plans would be of tables before the migration.
func each(t *testing.T, test func(p place)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(sqlitePlace(t)) })
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(place{t: t, dialect: migrations.Postgres, dsn: pgtest.New(t) + "&default_query_exec_mode=exec"})
	})
}

// tables are the names of all tables but those of package migrations.
func tables(t *testing.T, db *sql.DB, d migrations.Dialect) []string {
	t.Helper()
	query := "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"
	if d == migrations.SQLite {
		query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1"
	}
	var all []string
	for _, row := range query1(t, db, query) {
		if row != migrations.VersionTable && row != migrations.LogTable {
			all = append(all, row)
		}
	}
	return all
}

// query1 is the rows of a query as text.
func query1(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err, query)
	defer rows.Close()
	names, err := rows.Columns()
	require.NoError(t, err)
	var all []string
	for rows.Next() {
		values, targets := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		require.NoError(t, rows.Scan(targets...))
		text := make([]string, len(values))
		for i, v := range values {
			text[i] = fmt.Sprint(v)
		}
		all = append(all, strings.Join(text, "|"))
	}
	require.NoError(t, rows.Err())
	return all
}

// dump is the content of all tables, the state of sequences and the definition
// of indexes.
func dump(t *testing.T, db *sql.DB, d migrations.Dialect) map[string][]string {
	t.Helper()
	content := map[string][]string{}
	for _, table := range tables(t, db, d) {
		content[table] = query1(t, db, "SELECT * FROM "+table)
		slices.Sort(content[table])
	}
	if d == migrations.SQLite {
		content["sequences"] = query1(t, db, "SELECT name, seq FROM sqlite_sequence WHERE seq > 0 AND name NOT IN ('goose_db_version', 'migration_log') ORDER BY 1")
		content["indexes"] = query1(t, db, `SELECT name, tbl_name, replace(sql, '"', '') FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1`)
		return content
	}
	content["sequences"] = query1(t, db, "SELECT sequencename, last_value FROM pg_sequences WHERE sequencename NOT LIKE 'goose%' AND sequencename NOT LIKE 'migration_log%' ORDER BY 1")
	content["indexes"] = query1(t, db, "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1")
	return content
}

func execute(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), statement, args...)
	require.NoError(t, err, statement)
}
