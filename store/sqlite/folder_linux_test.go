package sqlite_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/store/sqlite"
	"github.com/ballast-go/ballast/store/storetest"
)

const readerVariable = "SQLITE_TEST_READ"

// TestReader is a process without the rights of root that opens a file in a
// folder which it may only read.
func TestReader(t *testing.T) {
	t.Parallel()
	path := os.Getenv(readerVariable)
	if path == "" {
		t.Skip("only as a child of the test below")
	}
	_, err := sqlite.Open(t.Context(), path, sqlite.Config{})
	require.ErrorIs(t, err, sqlite.ErrPermission)
	_, err = sqlite.Open(t.Context(), filepath.Join(filepath.Dir(path), "new.db"), sqlite.Config{Migrate: true})
	require.ErrorIs(t, err, sqlite.ErrPermission)
	_, err = sqlite.Open(t.Context(), filepath.Join(filepath.Dir(path), "closed", "x.db"), sqlite.Config{Migrate: true})
	require.ErrorIs(t, err, sqlite.ErrPermission)
	s, err := sqlite.Open(t.Context(), path, sqlite.Config{ReadOnly: true})
	require.NoError(t, err)
	require.Equal(t, []string{"r1"}, verify(t, s, "acct-1"))
	require.NoError(t, s.Close())
}

// A folder that may only be read, as of a backup, can be read.
func TestReadOnlyReadsAFolderThatMayNotBeWritten(t *testing.T) {
	t.Parallel()
	folder, err := os.MkdirTemp("", "ballast-readonly") //nolint:usetesting // that is closed to other users
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, os.Chmod(folder, 0o700)) //nolint:gosec // a folder
		require.NoError(t, os.RemoveAll(folder))
	})
	path := filepath.Join(folder, "ballast.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Config{Migrate: true})
	require.NoError(t, err)
	require.NoError(t, s.Append(t.Context(), storetest.Sample("r1", storetest.Start())))
	require.NoError(t, s.Close())
	require.NoError(t, os.Mkdir(filepath.Join(folder, "closed"), 0o000))
	require.NoError(t, os.Chmod(path, 0o444))   //nolint:gosec // to be read by others
	require.NoError(t, os.Chmod(folder, 0o555)) //nolint:gosec // to be read by others

	program := executable(t)
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestReader$")
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), readerVariable+"="+path)
	if os.Getuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}

// executable is this program where every user may start it.
func executable(t *testing.T) string {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	data, err := os.ReadFile(program)
	require.NoError(t, err)
	folder, err := os.MkdirTemp("", "ballast-program") //nolint:usetesting // that is closed to other users
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	require.NoError(t, os.Chmod(folder, 0o755)) //nolint:gosec // for every user
	own := filepath.Join(folder, "sqlite.test")
	require.NoError(t, os.WriteFile(own, data, 0o755)) //nolint:gosec // for every user
	return own
}

// The disk is a real one that is full, not a limit of SQLite.
func TestADiskWithoutSpaceKeepsNothingAndIsNoEnd(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("this user may not mount: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(disk, syscall.MNT_DETACH)) })
	s := openAt(t, filepath.Join(disk, "ballast.db"))
	require.NoError(t, s.Append(t.Context(), storetest.Sample("r0", storetest.Start())))
	ballast := filepath.Join(disk, "ballast")
	require.NoError(t, os.WriteFile(ballast, make([]byte, 600<<10), 0o600))
	big := storetest.Sample("big", storetest.Start())
	big.ModelError = noise(1_200_000)
	require.ErrorIs(t, s.Append(t.Context(), big), sqlite.ErrFull)
	require.Equal(t, []string{"r0"}, verify(t, s, "acct-1"))
	require.NoError(t, os.Remove(ballast))
	require.NoError(t, s.Append(t.Context(), storetest.Sample("r1", storetest.Start())))
	require.Equal(t, []string{"r0", "r1"}, verify(t, s, "acct-1"))

	fill(t, ballast)
	_, err := sqlite.Open(t.Context(), filepath.Join(disk, "new.db"), sqlite.Config{Migrate: true})
	require.ErrorIs(t, err, sqlite.ErrFull)
	require.NoError(t, os.Remove(ballast))
	again := openAt(t, filepath.Join(disk, "new.db"))
	require.Empty(t, verify(t, again, "acct-1"))
}

// fill leaves no space.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, f.Close())
}
