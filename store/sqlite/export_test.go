package sqlite

import (
	"context"
	"database/sql"
)

// Fail lets f decide before every statement of the writer whether it fails.
func (s *Store) Fail(f func(statement string) error) { s.writer.fail = f }

// Hold keeps others from writing until free is called.
func (s *Store) Hold() (free func()) {
	s.writer.slot <- struct{}{}
	return func() { <-s.writer.slot }
}

// Waiting is how many writes wait.
func (s *Store) Waiting() int {
	s.writer.mu.Lock()
	defer s.writer.mu.Unlock()
	return len(s.writer.waiting)
}

// Writing runs f on the connection that writes.
func (s *Store) Writing(f func(c *sql.Conn)) {
	defer s.Hold()()
	f(s.writer.conn)
}

// Explain is how a query reads.
func (s *Store) Explain(ctx context.Context, text string, args ...any) (plan []string, err error) {
	var (
		a, b, c int64
		detail  string
	)
	err = s.read(ctx, func(q querier) error {
		return each(ctx, q, []any{&a, &b, &c, &detail}, func() error {
			plan = append(plan, detail)
			return nil
		}, "EXPLAIN QUERY PLAN "+text, args...)
	})
	return plan, err
}
