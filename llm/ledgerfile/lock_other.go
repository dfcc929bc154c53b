//go:build !unix

package ledgerfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// lock is a file that exists while the ledger is open. After a crash a person
// removes it.
type lock struct {
	file *os.File
	path string
}

func acquire(path string) (*lock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w, or died: then remove %s", ErrLocked, path)
	}
	if err != nil {
		return nil, fmt.Errorf("ledgerfile: %w", err)
	}
	return &lock{file: file, path: path}, nil
}

func (l *lock) release() error { return errors.Join(l.file.Close(), os.Remove(l.path)) }

// syncFolder does nothing: these systems have no way to.
func syncFolder(string) error { return nil }
