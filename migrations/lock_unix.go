//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package migrations

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks a file until it is closed or the process ends.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) //nolint:gosec // a descriptor is small
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	return err == nil, err
}
