package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/ballast-go/ballast/migrations"
)

// check makes sure that the database can be used. What exists is looked at for
// rights first, because the schema's own tables must be read.
func check(ctx context.Context, pool *pgxpool.Pool, settings *pgxpool.Config) error {
	version, err := one(ctx, pool, pgx.RowTo[int], `SELECT current_setting('server_version_num')::integer`)
	if err != nil {
		return connectError(ctx, settings, err)
	}
	if err := checkVersion(version); err != nil {
		return err
	}
	if err := checkRights(ctx, pool); err != nil {
		return err
	}
	return checkSchema(ctx, pool)
}

func checkSchema(ctx context.Context, pool *pgxpool.Pool) (err error) {
	db := stdlib.OpenDBFromPool(pool)
	defer func() { err = errors.Join(err, db.Close()) }() // of the pool nothing is closed
	m, err := migrations.New(db, migrations.Postgres, migrations.Config{})
	if err != nil {
		return err
	}
	return m.Check(ctx)
}

// checkVersion takes the server's own number, as 150004 for 15.4.
func checkVersion(version int) error {
	if version/10_000 < MinVersion {
		return fmt.Errorf("%w: it must be PostgreSQL %d or newer, was %d", ErrVersion, MinVersion, version/10_000)
	}
	return nil
}

// rightsSQL lists what is missing. A server in recovery refuses writes, which
// is no question of rights: its store can be read.
const rightsSQL = `
SELECT r || ' on ' || t FROM (VALUES
	('SELECT', '{accounts,decisions,asset_decisions,decision_records,record_series,llm_calls,fills,trades,strategies,strategy_assignments,halts,llm_budgets,llm_reservations,breaker_states,candles,goose_db_version,migration_log}'::text[]),
	('INSERT', '{accounts,decisions,asset_decisions,decision_records,record_series,llm_calls,fills,trades,strategies,strategy_assignments,halts,llm_budgets,llm_reservations,breaker_states,candles}'),
	('UPDATE', '{accounts,decisions,strategies,strategy_assignments,halts,llm_budgets,breaker_states,candles}'),
	('DELETE', '{halts,llm_reservations}')
) AS v (r, tables), unnest(tables) t
WHERE to_regclass(t) IS NOT NULL AND NOT has_table_privilege(to_regclass(t), r)
ORDER BY 1`

func checkRights(ctx context.Context, db DB) error {
	missing, err := all(ctx, db, pgx.RowTo[string], rightsSQL)
	if err != nil {
		return wrap(ctx, "open", err)
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w: the user needs %s", ErrRights, strings.Join(missing, ", "))
	}
	return nil
}
