package legacy

import (
	"context"
	"database/sql"
	"errors"

	"github.com/ballast-go/ballast/migrations"
)

// source reads the foreign database and writes nothing to it.
type source struct{ cfg Config }

// raw is a row as text, in the order of Mapping.columns.
type raw struct {
	id     int64
	values [13]sql.NullString
}

func (s source) count(ctx context.Context) (n int64, err error) {
	err = s.cfg.Source.QueryRowContext(ctx, "SELECT count(*) FROM "+s.cfg.Mapping.from()).Scan(&n) //nolint:gosec // names are quoted
	return n, err
}

// page is the next rows after an id.
func (s source) page(ctx context.Context, after int64) (all []raw, err error) {
	tx, err := s.cfg.Source.BeginTx(ctx, &sql.TxOptions{ReadOnly: s.cfg.SourceDialect == migrations.Postgres})
	if err != nil {
		return nil, err
	}
	defer func() {
		if endErr := tx.Rollback(); endErr != nil && !errors.Is(endErr, sql.ErrTxDone) {
			err = errors.Join(err, endErr)
		}
	}()
	if s.cfg.SourceDialect == migrations.Postgres {
		if _, err := tx.ExecContext(ctx, "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'"); err != nil {
			return nil, err
		}
	}
	rows, err := tx.QueryContext(ctx, s.cfg.Mapping.query(), after, s.cfg.Batch)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err says it
	for rows.Next() {
		var r raw
		targets := []any{&r.id}
		for i := range r.values {
			targets = append(targets, &r.values[i])
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}
