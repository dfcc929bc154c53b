//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package migrations

import (
	"errors"
	"fmt"
	"os"
)

// tryLock cannot lock here: leave LockPath empty and migrate from one process.
func tryLock(*os.File) (bool, error) {
	return false, fmt.Errorf("lock a file: %w", errors.ErrUnsupported)
}
