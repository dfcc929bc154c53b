package haltfile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/store"
)

const (
	schema      = 1
	maxBytes    = 1 << 20
	globalBytes = 8 << 10 // more than the longest halt: each byte is at most six in JSON
)

type document struct {
	Schema int              `json:"schema"`
	Halts  *[]decision.Halt `json:"halts"` // nil: the member is missing
}

// read is what the file says, sorted by account id.
func read(path string) ([]decision.Halt, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() { // which could keep its reader waiting
		return nil, &CorruptError{path, errors.New("must be a regular file")}
	}
	var file *os.File
	if err == nil {
		file, err = os.Open(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, absent(path)
	}
	if err != nil {
		return nil, fmt.Errorf("haltfile: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("haltfile: %w", err)
	}
	halts, err := decode(data)
	if err != nil {
		return nil, &CorruptError{path, err}
	}
	return halts, nil
}

// absent is an error when a symbolic link on the way leads nowhere: then the
// file may well exist, on a disk that is not mounted.
func absent(path string) error {
	for {
		if _, err := os.Lstat(path); err == nil {
			if _, err := os.Stat(path); err != nil {
				return fmt.Errorf("haltfile: %w", err)
			}
			return nil
		}
		folder := filepath.Dir(path)
		if folder == path {
			return nil
		}
		path = folder
	}
}

// decode reads a whole document. Nothing in it is believed that SetHalt would
// not have written.
func decode(data []byte) ([]decision.Halt, error) {
	if len(data) > maxBytes {
		return nil, fmt.Errorf("must have at most %d bytes", maxBytes)
	}
	var doc document
	if err := jsonx.Unmarshal(data, &doc); err != nil {
		return nil, clipped(err)
	}
	if doc.Schema != schema {
		return nil, fmt.Errorf("schema must be %d, was %d", schema, doc.Schema)
	}
	if doc.Halts == nil {
		return nil, errors.New("halts must be a list")
	}
	halts := *doc.Halts
	for i := range halts {
		h := &halts[i]
		if err := store.CheckHalt(h.AccountID, h); err != nil {
			return nil, fmt.Errorf("halts.%d: %w", i, clipped(err))
		}
		h.At = h.At.UTC()
	}
	slices.SortFunc(halts, func(a, b decision.Halt) int { return cmp.Compare(a.AccountID, b.AccountID) })
	for i := range halts[:max(len(halts)-1, 0)] {
		if halts[i].AccountID == halts[i+1].AccountID {
			return nil, fmt.Errorf("halts must have each account once, had %q twice", halts[i].AccountID)
		}
	}
	return halts, checkCount(halts)
}

// encode writes sorted halts, each on a line of its own.
func encode(halts []decision.Halt, room int) ([]byte, error) {
	if err := checkCount(halts); err != nil {
		return nil, err
	}
	text := fmt.Appendf(nil, `{"schema":%d,"halts":[`, schema)
	for i, h := range halts {
		h.At = h.At.UTC()
		line, err := jsonx.Marshal(h)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(text, '\n'), line...)
	}
	text = append(text, "\n]}\n"...)
	if len(text) > room {
		return nil, fmt.Errorf("the file must have at most %d bytes, would have %d: halt every account instead of one by one", room, len(text))
	}
	return text, nil
}

// checkCount does not count the global halt, which comes first.
func checkCount(halts []decision.Halt) error {
	accounts := len(halts)
	if accounts > 0 && halts[0].AccountID == "" {
		accounts--
	}
	if accounts > store.MaxHalts {
		return fmt.Errorf("at most %d accounts can be halted one by one, were %d: halt every account instead", store.MaxHalts, accounts)
	}
	return nil
}

// clipped bounds an error that quotes the document, and says only in words what
// it is: nobody branches on it.
func clipped(err error) error {
	const most = 300
	text := err.Error()
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return errors.New(text)
}
