//go:build unix

package durable

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Acquire takes the lock, or is ErrHeld at once. The file is made when there
// is none, and stays.
func Acquire(path string) (*Lock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrHeld
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", err, path), file.Close())
	}
	return &Lock{file: file, path: path}, nil
}

// Release gives the lock up.
func (l *Lock) Release() error { return l.file.Close() }

// SyncFolder makes durable which files a folder has.
func SyncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
