package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Errors to branch on.
var (
	// ErrHeld says that a lock is taken, by another process or by another Lock
	// of this one.
	ErrHeld = errors.New("another process has it open")
	// ErrReplaced says that a path leads to another file than was opened by
	// it, or to none.
	ErrReplaced = errors.New("the file was replaced while it was open")
)

// Lock is a file that one process holds at a time. On Unix the end of the
// process, however it comes, gives it up; elsewhere a person removes the file
// after a crash.
type Lock struct {
	file *os.File
	path string
}

// Check is ErrReplaced unless the lock is still where it was taken. It cannot
// see what happens between here and what follows.
func (l *Lock) Check() error {
	self, err := l.file.Stat()
	if err != nil {
		return err
	}
	return SameFile(l.path, self)
}

// SameFile is ErrReplaced unless the path leads to that file.
func SameFile(path string, self os.FileInfo) error {
	there, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrReplaced, err)
	}
	if !os.SameFile(there, self) {
		return fmt.Errorf("%w: %s", ErrReplaced, path)
	}
	return nil
}

// Resolve follows symbolic links, so that two names of one file share a lock
// and a link is not replaced by a file. The file need not exist, its folder
// must; a link to nothing is an error.
func Resolve(path string) (string, error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return filepath.EvalSymlinks(path)
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	return filepath.Join(folder, filepath.Base(path)), err
}

// Write makes a file of mode 0600, through to the disk. One that a crash left
// there is removed first.
func Write(path string, data []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// Rename puts a file in the place of another in one step, and makes that
// durable.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(to))
}
