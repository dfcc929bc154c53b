package ledgerfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/ledgerfile"
)

// disk counts what was written since it was last written through.
type disk struct {
	ledgerfile.File

	pending, synced int
	fails           error
}

func (d *disk) Write(text []byte) (int, error) {
	d.pending++
	return d.File.Write(text)
}

func (d *disk) Sync() error {
	if d.fails != nil {
		return d.fails
	}
	d.synced, d.pending = d.synced+d.pending, 0
	return d.File.Sync()
}

func TestEveryLineIsOnTheDiskBeforeTheCallReturns(t *testing.T) {
	t.Parallel()
	ledger := open(t, newPath(t))
	var d disk
	ledger.Intercept(func(f ledgerfile.File) ledgerfile.File {
		d.File = f
		return &d
	})
	require.NoError(t, ledger.Reserve(t.Context(), hold("first", "1"))) // a new day: the journal is written anew
	ledger.Intercept(func(f ledgerfile.File) ledgerfile.File {
		d.File = f
		return &d
	})
	require.NoError(t, ledger.Reserve(t.Context(), hold("a", "1")))
	require.Equal(t, [2]int{1, 0}, [2]int{d.synced, d.pending})
	require.NoError(t, ledger.Settle(t.Context(), "a", llm.Amount{}))
	require.Equal(t, [2]int{2, 0}, [2]int{d.synced, d.pending})
	d.fails = errors.New("the disk is gone")
	err := ledger.Reserve(t.Context(), hold("b", "1"))
	require.ErrorIs(t, err, d.fails)
	require.Equal(t, err, ledger.Settle(t.Context(), "b", llm.Amount{}), "from then on nothing is promised")
}

func TestAReplacedFileEndsTheLedger(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(tb testing.TB, path string){
		"lock removed": func(tb testing.TB, path string) {
			tb.Helper()
			require.NoError(tb, os.Remove(path+".lock"))
		},
		"lock of another": func(tb testing.TB, path string) {
			tb.Helper()
			require.NoError(tb, os.Remove(path+".lock"))
			require.NoError(tb, os.WriteFile(path+".lock", nil, 0o600))
		},
		"journal removed": func(tb testing.TB, path string) {
			tb.Helper()
			require.NoError(tb, os.Remove(path))
		},
		"journal of another": func(tb testing.TB, path string) {
			tb.Helper()
			data, err := os.ReadFile(path)
			require.NoError(tb, err)
			require.NoError(tb, os.WriteFile(path+".other", data, 0o600))
			require.NoError(tb, os.Rename(path+".other", path))
		},
	} {
		for _, compacts := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				path := newPath(t)
				ledger := open(t, path)
				require.NoError(t, ledger.Reserve(t.Context(), hold("a", "1")))
				replace(t, path)
				left, _ := os.ReadFile(path) // it may be gone
				r := hold("b", "1")
				if compacts {
					r.Day = "2026-11-22"
				}
				err := ledger.Reserve(t.Context(), r)
				require.ErrorIs(t, err, ledgerfile.ErrReplaced)
				require.Equal(t, err, ledger.Settle(t.Context(), "a", llm.Amount{}))
				now, _ := os.ReadFile(path)
				require.Equal(t, string(left), string(now), "the other's journal is left alone")
			})
		}
	}
}

func TestTwoNamesOfOneFileShareItsLock(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	ledger := open(t, path)
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(path, link))
	folder := filepath.Join(t.TempDir(), "folder")
	require.NoError(t, os.Symlink(filepath.Dir(path), folder))
	for _, name := range []string{link, filepath.Join(folder, filepath.Base(path))} {
		_, err := ledgerfile.Open(ledgerfile.Config{Path: name})
		require.ErrorIs(t, err, ledgerfile.ErrLocked)
	}
	require.NoError(t, ledger.Close())
	require.NoError(t, open(t, link).Close())
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.Equal(t, os.ModeSymlink, info.Mode().Type(), "the link is not replaced by a journal")
}

func TestALinkToNothingIsRefused(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(newPath(t), link))
	_, err := ledgerfile.Open(ledgerfile.Config{Path: link})
	require.ErrorIs(t, err, os.ErrNotExist)
}
