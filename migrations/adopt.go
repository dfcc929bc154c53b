package migrations

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// column is one of the single-asset schema: its type as PostgreSQL's catalog
// names it, without a length, and as SQLite declares it.
type column struct {
	name     string
	postgres []string
	sqlite   string
	nullable bool
}

func legacyColumns() []column {
	number, text, whole := []string{"numeric"}, []string{"character varying", "text"}, []string{"bigint", "integer"}
	return []column{
		{"id", whole, "INTEGER", false},
		{"account_id", whole, "INTEGER", false},
		{"timestamp", []string{"timestamp with time zone"}, "TEXT", false},
		{"strategy_used", text, "TEXT", true},
		{"model_used", text, "TEXT", true},
		{"symbol", text, "TEXT", false},
		{"action", text, "TEXT", false},
		{"allocation_usd", number, "TEXT", false},
		{"tp_price", number, "TEXT", true},
		{"sl_price", number, "TEXT", true},
		{"exit_plan", text, "TEXT", true},
		{"rationale", text, "TEXT", false},
		{"confidence", number, "TEXT", false},
		{"risk_level", text, "TEXT", false},
	}
}

// adopt stamps 1 on a single-asset database without a version.
func (m *Migrator) adopt(ctx context.Context) error {
	st, err := m.state(ctx)
	if err != nil || st.version > 0 {
		return err
	}
	problems, found, err := m.legacyProblems(ctx)
	if err != nil || !found {
		return wrap(err)
	}
	if len(problems) > 0 {
		return &ForeignError{Problems: problems}
	}
	return m.stamp(ctx, st, 1, directionAdopt)
}

type shape struct {
	kind    string
	notNull bool
}

// legacyProblems compares the table decisions, if there is one, and the tables
// that the way up would make.
func (m *Migrator) legacyProblems(ctx context.Context) (problems []string, found bool, err error) {
	if found, err = m.hasTable(ctx, m.db, "decisions"); err != nil {
		return nil, false, err
	}
	for _, other := range []string{"asset_decisions", "accounts", "decision_records"} {
		taken, err := m.hasTable(ctx, m.db, other)
		if err != nil {
			return nil, false, err
		}
		if taken {
			problems = append(problems, "table "+other+" is there already")
		}
	}
	if !found {
		return problems, len(problems) > 0, nil
	}
	have, err := m.columns(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, want := range legacyColumns() {
		got, ok := have[want.name]
		delete(have, want.name)
		kinds := want.postgres
		if m.dialect == SQLite {
			kinds = []string{want.sqlite}
		}
		switch {
		case !ok:
			problems = append(problems, "column decisions."+want.name+" is missing")
		case !slices.Contains(kinds, got.kind):
			problems = append(problems, fmt.Sprintf("column decisions.%s must be %s, was %s", want.name, strings.Join(kinds, " or "), got.kind))
		case !want.nullable && !got.notNull && (m.dialect != SQLite || want.name != "id"):
			problems = append(problems, "column decisions."+want.name+" must be NOT NULL")
		}
	}
	for name := range have {
		problems = append(problems, fmt.Sprintf("column decisions.%.64s is unknown", name))
	}
	if m.dialect == SQLite && len(problems) == 0 {
		if problems, err = m.legacyTexts(ctx); err != nil {
			return nil, false, err
		}
	}
	slices.Sort(problems)
	return problems, true, nil
}

// legacyTexts finds times and amounts that SQLite took as texts and that are
// none: converted in place they could not be read. Package store/legacy reads
// more forms of them, and says which rows it cannot take.
func (m *Migrator) legacyTexts(ctx context.Context) (problems []string, err error) {
	const day, clock = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]", "[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]"
	wrong := map[string]string{"timestamp": "timestamp NOT GLOB '" + day + "T" + clock + "Z'"}
	for _, amount := range []string{"allocation_usd", "tp_price", "sl_price", "confidence"} {
		wrong[amount] = amount + " NOT GLOB '*[0-9]*' OR " + amount + " GLOB '*[^0-9.eE+-]*'"
	}
	for column, condition := range wrong {
		var rows int64
		if err := m.db.QueryRowContext(ctx, "SELECT count(*) FROM decisions WHERE "+condition).Scan(&rows); err != nil {
			return nil, err
		}
		if rows > 0 {
			problems = append(problems, fmt.Sprintf("column decisions.%s of %d rows is not like %s: use `ballast import-legacy` on it",
				column, rows, map[bool]string{true: "2006-01-02T15:04:05.000000Z", false: "1234.5"}[column == "timestamp"]))
		}
	}
	return problems, nil
}

func (m *Migrator) columns(ctx context.Context) (map[string]shape, error) {
	query := `SELECT a.attname, regexp_replace(format_type(a.atttypid, NULL), '\(.*\)', ''), a.attnotnull FROM pg_attribute a
		JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = 'decisions' AND a.attnum > 0 AND NOT a.attisdropped`
	if m.dialect == SQLite {
		query = `SELECT name, upper(type), "notnull" FROM pragma_table_info('decisions')`
	}
	have := map[string]shape{}
	err := collect(ctx, m.db, query, func(rows *sql.Rows) error {
		var name string
		var s shape
		if err := rows.Scan(&name, &s.kind, &s.notNull); err != nil {
			return err
		}
		have[name] = s
		return nil
	})
	return have, err
}
