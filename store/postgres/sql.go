package postgres

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// OpenSQL connects as database/sql does, for package migrations. What keeps it
// from connecting is one of the errors of Open. Close the pool in the end.
func OpenSQL(ctx context.Context, databaseURL string, cfg Config) (*sql.DB, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	settings, err := poolConfig(databaseURL, cfg)
	if err != nil {
		return nil, err
	}
	delete(settings.ConnConfig.RuntimeParams, "statement_timeout") // converting a large table takes its time
	delete(settings.ConnConfig.RuntimeParams, "idle_in_transaction_session_timeout")
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err == nil {
		err = pool.Ping(ctx)
		pool.Close()
	}
	if err != nil {
		return nil, connectError(ctx, settings, err)
	}
	db := stdlib.OpenDB(*settings.ConnConfig)
	var version int
	if err := db.QueryRowContext(ctx, `SELECT current_setting('server_version_num')::integer`).Scan(&version); err != nil {
		return nil, errors.Join(connectError(ctx, settings, err), db.Close())
	}
	if err := checkVersion(version); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
