package ledgerfile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/durable"
	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/llm"
)

const (
	version     = 1
	maxLine     = 4 << 10
	maxReplayed = 4_000_000 // lines: more than any day of a ledger that compacts
)

// The operations. A journal begins with its version; opSpent sums up what was
// settled before the journal was last written anew.
const (
	opVersion = "version"
	opSpent   = "spent"
	opReserve = "reserve"
	opSettle  = "settle"
)

type line struct {
	Op      string          `json:"op"`
	Version int             `json:"version,omitzero"`
	ID      string          `json:"id,omitzero"`
	Account string          `json:"account,omitzero"`
	Day     string          `json:"day,omitzero"`
	USD     decimal.Decimal `json:"usd"`
	Tokens  int64           `json:"tokens"`
}

func reserveLine(r llm.Reservation) line {
	return line{Op: opReserve, ID: r.ID, Account: r.Account, Day: r.Day, USD: r.Bound.USD, Tokens: r.Bound.Tokens}
}

func (l line) amount() llm.Amount { return llm.Amount{USD: l.USD, Tokens: l.Tokens} }

// journal is an open file that lines are added to.
type journal interface {
	io.WriteCloser
	Sync() error
}

// replay reads the journal. A last line without its end is read if it is whole
// otherwise; a part of one was never promised to anybody and is ignored. A
// journal is never without its first line, because it takes its place whole.
func replay(path string) (*llm.MemoryLedger, error) {
	state := llm.NewMemoryLedger()
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return state, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ledgerfile: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	reader := bufio.NewReaderSize(file, maxLine)
	ended := false
	for n := 1; !ended; n++ {
		text, err := reader.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			if n > 1 && jsonx.Unmarshal(text, &line{}) != nil {
				return state, nil
			}
			ended, err = true, nil
		}
		if err == nil && n > maxReplayed {
			err = fmt.Errorf("a journal must have at most %d lines", maxReplayed)
		}
		if err == nil {
			err = apply(state, n, text)
		}
		if err != nil {
			return nil, &CorruptError{Path: path, Line: n, Err: err}
		}
	}
	return state, nil
}

func apply(state *llm.MemoryLedger, n int, text []byte) error {
	var entry line
	if err := jsonx.Unmarshal(text, &entry); err != nil {
		return err
	}
	if (n == 1) != (entry.Op == opVersion) {
		return errors.New("a journal must begin with its version, once")
	}
	ctx := context.Background()
	switch entry.Op {
	case opVersion:
		if entry.Version != version {
			return fmt.Errorf("version must be %d, was %d", version, entry.Version)
		}
		return nil
	case opReserve:
		return state.Reserve(ctx, llm.Reservation{ID: entry.ID, Account: entry.Account, Day: entry.Day, Bound: entry.amount()})
	case opSettle:
		return state.Settle(ctx, entry.ID, entry.amount())
	case opSpent:
		const id = "spent before" // no reservation of a Budget: those have no space
		if err := state.Reserve(ctx, llm.Reservation{ID: id, Account: entry.Account, Day: entry.Day}); err != nil {
			return err
		}
		return state.Settle(ctx, id, entry.amount())
	default:
		return fmt.Errorf("op must be version, spent, reserve or settle, was %.20q", entry.Op)
	}
}

// write puts down what the state already says: one line, through to the disk.
func (l *Ledger) write(entry line) error {
	if l.added >= l.limit {
		return l.compact()
	}
	text, err := encode(nil, entry)
	if err == nil {
		err = l.isOurs()
	}
	if err == nil {
		_, err = l.file.Write(text)
	}
	if err == nil {
		err = l.file.Sync()
	}
	l.added++
	return l.check(err)
}

// check remembers the first failure: after it the file may hold half a line.
func (l *Ledger) check(err error) error {
	if err == nil {
		return nil
	}
	l.broken = fmt.Errorf("ledgerfile: %w", err)
	return l.broken
}

// isOurs is ErrReplaced unless the paths still lead to the files that are open.
// It cannot see what is replaced between here and the write.
func (l *Ledger) isOurs() error {
	err := l.lock.Check()
	if err == nil && l.file != nil {
		err = durable.SameFile(l.cfg.Path, l.self)
	}
	return err
}

func encode(text []byte, entry line) ([]byte, error) {
	data, err := jsonx.Marshal(entry)
	if err != nil {
		return nil, err
	}
	if len(data) >= maxLine {
		return nil, fmt.Errorf("a line must have less than %d bytes, had %d", maxLine, len(data))
	}
	return append(append(text, data...), '\n'), nil
}

// compact writes the journal anew, beside the old one, and puts it in its
// place in one step. A long journal is written anew more rarely.
func (l *Ledger) compact() error {
	text, lines, err := l.snapshot()
	if err == nil {
		err = l.isOurs()
	}
	if err != nil {
		return l.check(err)
	}
	next := l.cfg.Path + ".new"
	if err := durable.Write(next, text); err != nil {
		return l.check(err)
	}
	if l.file != nil {
		err = l.file.Close()
		l.file = nil
	}
	if err == nil {
		err = durable.Rename(next, l.cfg.Path)
	}
	if err == nil {
		err = l.reopen()
	}
	l.added, l.limit = 0, max(l.cfg.CompactAfter, 2*lines)
	return l.check(err)
}

func (l *Ledger) reopen() error {
	file, err := os.OpenFile(l.cfg.Path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	l.file = file
	l.self, err = file.Stat()
	return err
}

func (l *Ledger) snapshot() ([]byte, int, error) {
	entries := []line{{Op: opVersion, Version: version}}
	for _, b := range l.state.Balances() {
		for _, part := range parts(b.Spent) {
			entries = append(entries, line{Op: opSpent, Account: b.Account, Day: b.Day, USD: part.USD, Tokens: part.Tokens})
		}
	}
	for _, r := range l.state.Open() {
		entries = append(entries, reserveLine(r))
	}
	var text []byte
	for _, entry := range entries {
		var err error
		if text, err = encode(text, entry); err != nil {
			return nil, 0, err
		}
	}
	return text, len(entries), nil
}

// parts splits a sum that is more than one amount may be.
func parts(sum llm.Amount) []llm.Amount {
	most := llm.Amount{USD: decimal.New(1, 11), Tokens: 1e14}
	var list []llm.Amount
	for {
		part := llm.Amount{USD: decimal.Min(sum.USD, most.USD), Tokens: min(sum.Tokens, most.Tokens)}
		list, sum = append(list, part), sum.Sub(part)
		if sum.USD.IsZero() && sum.Tokens == 0 {
			return list
		}
	}
}
