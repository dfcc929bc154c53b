package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/store"
)

// MaxLineBytes bounds a line of an export: some ten times the longest record
// that an engine makes.
const MaxLineBytes = 64 << 20

// maxExportAccounts bounds what is remembered while an export is verified.
const maxExportAccounts = 1_000_000

// ErrLine says that a line of an export is not one.
var ErrLine = errors.New("audit: not a line of an export")

// line is a link with its record, candles included, as a line of an export.
type line struct {
	AccountID string     `json:"account_id"`
	Seq       int64      `json:"seq"`
	Previous  store.Hash `json:"previous"`
	Digest    store.Hash `json:"digest"`
	Hash      store.Hash `json:"hash"`
	Record    jsonx.Raw  `json:"record"`
}

// WriteLine writes a link as one line of JSON, with the whole record, candles
// included, so that the file can be verified without a database. It does not
// check the link.
func WriteLine(w io.Writer, c store.Chained) error {
	record, err := c.Canonical.Record()
	if err != nil {
		return fmt.Errorf("audit: export: account %q: link %d: %w", c.AccountID, c.Link.Seq, err)
	}
	out := line{AccountID: c.AccountID, Seq: c.Link.Seq, Previous: c.Link.Previous, Digest: c.Link.Digest, Hash: c.Link.Hash}
	if out.Record, err = record.MarshalJSON(); err != nil {
		return fmt.Errorf("audit: export: account %q: link %d: %w", c.AccountID, c.Link.Seq, err)
	}
	text, err := jsonx.Marshal(out)
	if err != nil {
		return fmt.Errorf("audit: export: account %q: link %d: %w", c.AccountID, c.Link.Seq, err)
	}
	if _, err := w.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("audit: export: %w", err)
	}
	return nil
}

// ReadLines reads an export link by link. The columns of a link are those of
// its record. A record that cannot be read yields an error that wraps
// store.ErrCorrupt beside the rest of its line, and the sequence goes on; a line
// that is none is ErrLine and ends it.
func ReadLines(ctx context.Context, r io.Reader) iter.Seq2[store.Chained, error] {
	return func(yield func(store.Chained, error) bool) {
		in := bufio.NewReaderSize(r, 64<<10)
		for number := 1; ; number++ {
			if err := ctx.Err(); err != nil {
				yield(store.Chained{}, fmt.Errorf("audit: export: %w", err))
				return
			}
			text, err := readLine(in)
			if errors.Is(err, io.EOF) {
				return
			}
			var c store.Chained
			if err == nil {
				c, err = parseLine(text)
			}
			if err != nil {
				err = fmt.Errorf("audit: export: line %d: %w", number, err)
			}
			if !yield(c, err) || err != nil && !errors.Is(err, store.ErrCorrupt) {
				return
			}
		}
	}
}

// readLine is the next line without its end; the error is io.EOF after the
// last.
func readLine(in *bufio.Reader) ([]byte, error) {
	var text []byte
	for {
		part, err := in.ReadSlice('\n')
		if len(text)+len(part) > MaxLineBytes {
			return nil, fmt.Errorf("%w: must have at most %d bytes", ErrLine, MaxLineBytes)
		}
		text = append(text, part...)
		switch {
		case err == nil, errors.Is(err, io.EOF) && len(text) > 0: // the last may have no end
			return bytes.TrimSuffix(text, []byte("\n")), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

func parseLine(text []byte) (store.Chained, error) {
	var l line
	if err := jsonx.Unmarshal(text, &l); err != nil {
		return store.Chained{}, fmt.Errorf("%w: %w", ErrLine, err)
	}
	c := store.Chained{AccountID: l.AccountID, Link: store.Link{Seq: l.Seq, Previous: l.Previous, Digest: l.Digest, Hash: l.Hash}}
	var record decision.Record
	err := record.UnmarshalJSON(l.Record)
	if err == nil {
		c.Canonical, err = record.Canonical()
	}
	if err == nil {
		c.Row, err = store.Project(record)
	}
	if err != nil {
		return c, fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	return c, nil
}

// VerifyExport verifies a file of WriteLine's lines as Verify does a store,
// columns and heads apart: the file has neither, so only a checkpoint shows that
// its end is missing. Accounts may alternate. A chain may begin after one of the
// Checkpoints instead of at its first link.
func VerifyExport(ctx context.Context, r io.Reader, o Options) (Report, error) {
	walks := make(map[string]*walk)
	start := func(account string) *walk {
		w := newWalk(account, o.of(account))
		w.anchored = true
		walks[account] = w
		return w
	}
	for _, account := range o.named() {
		start(account)
	}
	var total int64
	for c, err := range ReadLines(ctx, r) {
		if err != nil && !errors.Is(err, store.ErrCorrupt) {
			return Report{}, err
		}
		if !o.selects(c.AccountID) {
			continue
		}
		w := walks[c.AccountID]
		if w == nil {
			if len(walks) == maxExportAccounts {
				return Report{}, fmt.Errorf("audit: export: accounts must be at most %d", maxExportAccounts)
			}
			w = start(c.AccountID)
		}
		w.next(c, err)
		total++
		if o.Progress != nil {
			o.Progress(Progress{AccountID: c.AccountID, Links: w.out.Links, Total: total})
		}
	}
	var out Report
	for _, w := range walks {
		out.Accounts = append(out.Accounts, w.end())
	}
	slices.SortFunc(out.Accounts, func(a, b Account) int { return cmp.Compare(a.AccountID, b.AccountID) })
	return out, nil
}
