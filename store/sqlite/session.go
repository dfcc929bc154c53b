package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// maxStatements bounds what a session keeps prepared.
const maxStatements = 128

// session is one connection with its statements, for one goroutine at a time.
type session struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
}

func openSession(ctx context.Context, db *sql.DB) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &session{conn: conn, statements: make(map[string]*sql.Stmt)}, nil
}

func (s *session) close() error {
	return errors.Join(s.forget(), s.conn.Close())
}

func (s *session) forget() error {
	var problems []error
	for _, st := range s.statements {
		problems = append(problems, st.Close())
	}
	clear(s.statements)
	return errors.Join(problems...)
}

func (s *session) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if st := s.statements[text]; st != nil {
		return st, nil
	}
	if len(s.statements) >= maxStatements {
		if err := s.forget(); err != nil {
			return nil, err
		}
	}
	st, err := s.conn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s.statements[text] = st
	return st, nil
}

func (s *session) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	st, err := s.prepare(ctx, text) //nolint:sqlclosecheck // forget closes it
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, args...)
}

func (s *session) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	st, err := s.prepare(ctx, text) //nolint:sqlclosecheck // forget closes it
	if err != nil {
		return nil, err
	}
	return st.ExecContext(ctx, args...)
}

// querier is a session, or a transaction of the writer.
type querier interface {
	query(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

// each scans every row into the same targets and calls f after each.
func each(ctx context.Context, q querier, targets []any, f func() error, text string, args ...any) (err error) {
	rows, err := q.query(ctx, text, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		if err := f(); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one scans the only row; sql.ErrNoRows when there is none.
func one(ctx context.Context, q querier, targets []any, text string, args ...any) error {
	n := 0
	err := each(ctx, q, targets, func() error {
		n++
		return nil
	}, text, args...)
	if err == nil && n == 0 {
		err = sql.ErrNoRows
	}
	return err
}
