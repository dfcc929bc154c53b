package ledgerfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/ballast-go/ballast/internal/durable"
	"github.com/ballast-go/ballast/llm"
)

// Config describes a ledger's file.
type Config struct {
	// Path is required, and its folder exists. "Path.lock" is made beside it
	// and stays; beside the file itself when Path is a symbolic link.
	Path string
	// CompactAfter is the number of lines that are added before the journal is
	// written anew; also done at Open and with each new day. 2–1,000,000;
	// default 10,000.
	CompactAfter int
}

// Errors to branch on.
var (
	ErrLocked = durable.ErrHeld // another process has it open
	ErrClosed = errors.New("ledgerfile: closed")
	// ErrReplaced says that the journal or its lock is another file than was
	// opened, or gone: another process may have one that it believes its own.
	ErrReplaced = durable.ErrReplaced
)

// CorruptError is a journal that cannot be trusted: any line but an unfinished
// last one does not read, or there is none. The file is left as it is.
type CorruptError struct {
	Path string
	Line int // from 1
	Err  error
}

// Error names the line.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("ledgerfile: %s: line %d: %v", e.Path, e.Line, e.Err)
}

// Unwrap is what is wrong with the line.
func (e *CorruptError) Unwrap() error { return e.Err }

// Ledger is a durable llm.Ledger. It is safe for concurrent use. After a
// failure to write it refuses everything: what the disk holds is known again
// after the next Open.
type Ledger struct {
	cfg  Config
	lock *durable.Lock

	mu     sync.Mutex
	state  *llm.MemoryLedger
	file   journal
	self   os.FileInfo // of file
	added  int         // lines since the journal was written anew
	limit  int         // of added
	day    string      // the latest that was reserved on
	broken error       // why nothing works any more
}

var _ llm.Ledger = (*Ledger)(nil)

// Open reads the journal, or begins one, and settles at their bounds the
// reservations that a dead process left open.
func Open(cfg Config) (*Ledger, error) {
	if cfg.CompactAfter == 0 {
		cfg.CompactAfter = 10_000
	}
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("ledgerfile: %w", err)
	}
	path, err := durable.Resolve(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("ledgerfile: %w", err)
	}
	cfg.Path = path
	lock, err := durable.Acquire(cfg.Path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("ledgerfile: %w", err)
	}
	l := &Ledger{cfg: cfg, lock: lock}
	if err := l.load(); err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return l, nil
}

func (c Config) validate() error {
	var problems []error
	if c.Path == "" {
		problems = append(problems, errors.New("Path must be set"))
	}
	if c.CompactAfter < 2 || c.CompactAfter > 1_000_000 {
		problems = append(problems, fmt.Errorf("CompactAfter must be between 2 and 1000000, was %d", c.CompactAfter))
	}
	return errors.Join(problems...)
}

func (l *Ledger) load() error {
	state, err := replay(l.cfg.Path)
	if err != nil {
		return err
	}
	for _, r := range state.Open() {
		if err := state.Settle(context.Background(), r.ID, r.Bound); err != nil {
			return fmt.Errorf("ledgerfile: %w", err)
		}
	}
	l.state = state
	if balances := state.Balances(); len(balances) > 0 {
		l.day = balances[len(balances)-1].Day
	}
	return l.compact()
}

// Reserve is as llm.Ledger says. When it returns nil the reservation is on the
// disk.
func (l *Ledger) Reserve(ctx context.Context, r llm.Reservation) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("ledgerfile: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	if err := l.state.Reserve(ctx, r); err != nil {
		return err
	}
	if r.Day > l.day {
		l.day = r.Day
		return l.compact() // writes this reservation too
	}
	return l.write(reserveLine(r))
}

// Settle is as llm.Ledger says. Its context does not stop it: a settlement
// that is not written costs the account the whole bound.
func (l *Ledger) Settle(ctx context.Context, id string, actual llm.Amount) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	if err := l.state.Settle(ctx, id, actual); err != nil {
		return err
	}
	return l.write(line{Op: opSettle, ID: id, USD: actual.USD, Tokens: actual.Tokens})
}

// Balance is as llm.Ledger says.
func (l *Ledger) Balance(ctx context.Context, account, day string) (llm.Balance, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return llm.Balance{}, l.broken
	}
	return l.state.Balance(ctx, account, day)
}

// Close gives the file up. What is open then counts at its bound after the
// next Open. Closing twice is no error.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(l.broken, ErrClosed) {
		return nil
	}
	l.broken = ErrClosed
	err := l.lock.Release()
	if l.file != nil { // nil after a journal that could not be written anew
		err = errors.Join(l.file.Close(), err)
	}
	return err
}
