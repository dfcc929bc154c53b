package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// maxGroup bounds how many writes become one transaction.
const maxGroup = 64

// stepTimeout is how long SQLite itself waits for other processes, before the
// writer looks at whose context ended meanwhile.
const stepTimeout = 50 * time.Millisecond

// writer has the one connection that writes. Whoever finds it free writes for
// all who wait, in one transaction with one sync of the disk.
type writer struct {
	patience time.Duration
	*session
	slot chan struct{} // holds a value while somebody writes

	mu      sync.Mutex
	waiting []*job

	fail func(statement string) error // in tests; called before every statement
}

// job is one write.
type job struct {
	ended func() error // of its context
	run   func(ctx context.Context, t *tx) error
	done  chan struct{}
	err   error
}

func (j *job) finish(err error) {
	j.err = err
	close(j.done)
}

// do runs one write in a transaction. A context that ends before the write was
// taken up ends it; after that the write is run to its end. run may be called
// more than once, each time after what it did was undone.
func (w *writer) do(ctx context.Context, run func(ctx context.Context, t *tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{ended: ctx.Err, run: run, done: make(chan struct{})}
	w.mu.Lock()
	w.waiting = append(w.waiting, j)
	w.mu.Unlock()
	for {
		select {
		case <-j.done:
			return j.err
		case <-ctx.Done():
			if w.drop(j) {
				return ctx.Err()
			}
			<-j.done
			return j.err
		case w.slot <- struct{}{}:
			w.lead(context.WithoutCancel(ctx))
		}
	}
}

func (w *writer) drop(j *job) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.waiting, j)
	if i >= 0 {
		w.waiting = slices.Delete(w.waiting, i, i+1)
	}
	return i >= 0
}

var errAborted = errors.New("the transaction was aborted")

// lead writes for those who wait, at most maxGroup, and frees the slot.
func (w *writer) lead(ctx context.Context) {
	w.mu.Lock()
	n := min(len(w.waiting), maxGroup)
	group := slices.Clone(w.waiting[:n])
	w.waiting = slices.Delete(w.waiting, 0, n)
	w.mu.Unlock()
	defer func() {
		for _, j := range group { // only after a panic
			select {
			case <-j.done:
			default:
				j.finish(errAborted)
			}
		}
		<-w.slot
	}()
	w.write(ctx, slices.Clone(group))
}

// write runs the group as one transaction. When that fails, or one of them
// fails halfway, each is run again on its own, so that none pays for another.
func (w *writer) write(ctx context.Context, group []*job) {
	group = living(group)
	if len(group) == 0 {
		return
	}
	results, err := w.attempt(ctx, &group)
	switch {
	case err == nil:
		for i, j := range group {
			j.finish(results[i])
		}
	case len(group) == 1 || errors.Is(err, ErrBusy):
		for _, j := range group {
			j.finish(err)
		}
	default:
		for _, j := range group {
			w.write(ctx, []*job{j})
		}
	}
}

// living finishes those whose context ended and returns the others.
func living(group []*job) []*job {
	return slices.DeleteFunc(group, func(j *job) bool {
		err := j.ended()
		if err != nil {
			j.finish(err)
		}
		return err != nil
	})
}

// attempt is one transaction. An error undid all of it; results are those of
// writes that failed without having changed anything.
func (w *writer) attempt(ctx context.Context, group *[]*job) (results []error, err error) {
	if err := w.begin(ctx, group); err != nil || len(*group) == 0 {
		return nil, err
	}
	committed := false
	defer func() {
		if !committed {
			w.rollback(ctx)
		}
	}()
	results = make([]error, len(*group))
	for i, j := range *group {
		t := &tx{w: w}
		if results[i] = j.run(ctx, t); results[i] != nil && (t.changes > 0 || code(results[i]) != 0 || t.failed) {
			return nil, results[i]
		}
	}
	if _, err := w.step(ctx, "COMMIT"); err != nil {
		return nil, err
	}
	committed = true
	return results, nil
}

// begin waits for other processes as long as anybody in the group does.
func (w *writer) begin(ctx context.Context, group *[]*job) error {
	patience, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	for {
		_, err := w.step(ctx, "BEGIN IMMEDIATE")
		if !errors.Is(meaning(err), ErrBusy) {
			return err
		}
		if *group = living(*group); len(*group) == 0 {
			return nil
		}
		if patience.Err() != nil {
			return fmt.Errorf("%w for longer than %s: %w", ErrBusy, w.patience, err)
		}
	}
}

// rollback leaves the connection outside of any transaction: SQLite itself may
// have ended this one, which is the only error there is.
func (w *writer) rollback(ctx context.Context) {
	_, _ = w.exec(ctx, "ROLLBACK") //nolint:errcheck // see above
}

func (w *writer) step(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if w.fail != nil {
		if err := w.fail(text); err != nil {
			return nil, err
		}
	}
	return w.exec(ctx, text, args...)
}

// tx is the transaction as one write sees it.
type tx struct {
	w       *writer
	changes int64 // rows that it changed
	failed  bool  // a statement of it did
}

func (t *tx) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	result, err := t.w.step(ctx, text, args...)
	if err != nil {
		t.failed = true
		return nil, err
	}
	n, err := result.RowsAffected()
	t.changes += n
	return result, err
}

func (t *tx) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if t.w.fail != nil {
		if err := t.w.fail(text); err != nil {
			t.failed = true
			return nil, err
		}
	}
	return t.w.query(ctx, text, args...)
}
