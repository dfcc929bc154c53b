package durable_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/internal/durable"
)

func TestOnlyOneHoldsALock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	for range 3 {
		lock, err := durable.Acquire(path)
		require.NoError(t, err)
		_, err = durable.Acquire(path)
		require.ErrorIs(t, err, durable.ErrHeld)
		require.ErrorContains(t, err, path)
		require.NoError(t, lock.Check())
		require.NoError(t, lock.Release())
	}
	_, err := durable.Acquire(filepath.Join(path, "below a file"))
	require.Error(t, err)
	require.NotErrorIs(t, err, durable.ErrHeld)
}

func TestALockThatWasRemovedOrReplacedIsNoticed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	lock, err := durable.Acquire(path)
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	require.ErrorIs(t, lock.Check(), durable.ErrReplaced)
	other, err := durable.Acquire(path)
	require.NoError(t, err)
	require.ErrorIs(t, lock.Check(), durable.ErrReplaced)
	require.NoError(t, other.Check())
	require.NoError(t, other.Release())
	require.NoError(t, lock.Release())
	require.Error(t, lock.Check(), "which is not held")
}

func TestAFileIsWrittenAnewWithItsOwnMode(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, target := filepath.Join(folder, "x"), filepath.Join(folder, "target")
	require.NoError(t, os.WriteFile(target, []byte("kept"), 0o600))
	require.NoError(t, os.Symlink(target, path))
	require.NoError(t, durable.Write(path, []byte("one")), "a link is replaced, not followed")
	kept, err := os.ReadFile(target)
	require.NoError(t, err)
	require.Equal(t, "kept", string(kept))

	require.NoError(t, os.Chmod(path, 0o666)) //nolint:gosec // as somebody else left it
	require.NoError(t, durable.Write(path, []byte("2")))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "2", string(data))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode())

	require.NoError(t, durable.Rename(path, target))
	require.NoFileExists(t, path)
	data, err = os.ReadFile(target)
	require.NoError(t, err)
	require.Equal(t, "2", string(data))
	require.ErrorIs(t, durable.Rename(path, target), fs.ErrNotExist)
	require.ErrorIs(t, durable.Write(filepath.Join(folder, "none", "x"), nil), fs.ErrNotExist)
	require.NoError(t, os.MkdirAll(filepath.Join(path, "in the way"), 0o700))
	require.Error(t, durable.Write(path, nil))
}

func TestResolveFollowsLinksAndRefusesThoseToNothing(t *testing.T) {
	t.Parallel()
	folder, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "file"), nil, 0o600))
	require.NoError(t, os.Symlink(folder, filepath.Join(folder, "folder")))
	require.NoError(t, os.Symlink(filepath.Join(folder, "file"), filepath.Join(folder, "link")))
	require.NoError(t, os.Symlink(filepath.Join(folder, "none"), filepath.Join(folder, "nowhere")))
	for name, want := range map[string]string{
		"file": "file", "link": "file", "folder/file": "file", "folder/link": "file", "none": "none", "folder/none": "none",
	} {
		got, err := durable.Resolve(filepath.Join(folder, filepath.FromSlash(name)))
		require.NoError(t, err, name)
		require.Equal(t, filepath.Join(folder, want), got, name)
	}
	for _, name := range []string{"nowhere", "none/x", "nowhere/x"} {
		_, err := durable.Resolve(filepath.Join(folder, filepath.FromSlash(name)))
		require.ErrorIs(t, err, fs.ErrNotExist, name)
	}
}
