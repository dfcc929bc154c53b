//go:build !unix

package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Acquire takes the lock, or is ErrHeld at once. The file exists while it is
// held.
func Acquire(path string) (*Lock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w, or died: then remove %s", ErrHeld, path)
	}
	if err != nil {
		return nil, err
	}
	return &Lock{file: file, path: path}, nil
}

// Release gives the lock up.
func (l *Lock) Release() error { return errors.Join(l.file.Close(), os.Remove(l.path)) }

// SyncFolder does nothing: these systems have no way to.
func SyncFolder(string) error { return nil }
