package sqlite

import (
	"context"
	"database/sql"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
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

// Held runs SQL while Hold lasts.
func (s *Store) Held(text string) {
	if _, err := s.writer.conn.ExecContext(context.Background(), text); err != nil {
		panic(err)
	}
}

// Path is that of the file.
func (s *Store) Path() string { return s.path }

// AppendEncoded is Append without the encoding: the rows of a record again and
// again, under other ids.
func (s *Store) AppendEncoded(ctx context.Context, r decision.Record) (func(ctx context.Context, id, account string) error, error) {
	p, err := s.prepare(ctx, r)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, id, account string) error {
		own := *p
		own.id, own.account, own.decision.UID, own.decision.Account = id, account, store.Key(id), store.Key(account)
		return s.write(ctx, func(ctx context.Context, t *tx) error { return s.insert(ctx, t, &own) })
	}, nil
}
