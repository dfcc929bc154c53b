//go:build unix

package ledgerfile

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock is held by the open file, so that the end of a process, however it
// comes, gives it up.
type lock struct {
	file *os.File
	path string
}

func acquire(path string) (*lock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("ledgerfile: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrLocked
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", err, path), file.Close())
	}
	return &lock{file: file, path: path}, nil
}

func (l *lock) release() error { return l.file.Close() }

// syncFolder makes a rename durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
