package sqlite_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/sqlite"
	"github.com/ballast-go/ballast/store/storetest"
)

const (
	pathVariable = "SQLITE_TEST_PATH"
	nameVariable = "SQLITE_TEST_NAME"
	manyVariable = "SQLITE_TEST_MANY" // 0: until it is killed
)

// TestWriter is a process of its own that appends.
func TestWriter(t *testing.T) {
	t.Parallel()
	path, name := os.Getenv(pathVariable), os.Getenv(nameVariable)
	if path == "" {
		t.Skip("only as a child of the tests below")
	}
	many, err := strconv.Atoi(os.Getenv(manyVariable))
	require.NoError(t, err)
	s, err := sqlite.Open(t.Context(), path, sqlite.Config{Migrate: true, BusyTimeout: time.Minute})
	require.NoError(t, err)
	if many == 0 {
		t.Fatal(storetest.AppendUntilKilled(t.Context(), s, name, os.Stdout))
	}
	for i := range many {
		require.NoError(t, s.Append(t.Context(), storetest.Sample(fmt.Sprintf("%s-%d", name, i), storetest.Start())))
	}
	require.NoError(t, s.Close())
}

// writer is a process that appends so many records.
func writer(t *testing.T, path, name string, many int) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestWriter$")
	cmd.Env = append(os.Environ(), pathVariable+"="+path, nameVariable+"="+name, manyVariable+"="+strconv.Itoa(many))
	return cmd
}

func TestWhatAppendKeptSurvivesAKill(t *testing.T) {
	t.Parallel()
	rounds := 5
	if *long {
		rounds = 200
	}
	path := filepath.Join(t.TempDir(), "ballast.db")
	storetest.RunCrash(t, rounds,
		func(t *testing.T, name string) *exec.Cmd {
			t.Helper()
			return writer(t, path, name, 0)
		},
		func(t *testing.T) storetest.Chain {
			t.Helper()
			return openAt(t, path)
		})
}

// Processes make the same file, with the same account, and write at once.
func TestProcessesAtOnceMakeOneChain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ballast.db")
	const processes, many = 3, 20
	var wait sync.WaitGroup
	failures, outputs := make([]error, processes), make([][]byte, processes)
	for i := range processes {
		cmd := writer(t, path, fmt.Sprint("p", i), many)
		wait.Go(func() { outputs[i], failures[i] = cmd.CombinedOutput() })
	}
	wait.Wait()
	for i := range failures {
		require.NoError(t, failures[i], string(outputs[i]))
	}
	require.Len(t, verify(t, openAt(t, path), "acct-1"), processes*many)
}

func TestTwoStoresOnOneFileMakeOneChain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b?c%41#d", "ballast.db")
	require.NoError(t, os.Mkdir(filepath.Dir(path), 0o700))
	a, b := openAt(t, path), openAt(t, path)
	var wait sync.WaitGroup
	for i := range 40 {
		s := []*sqlite.Store{a, b}[i%2]
		wait.Go(func() {
			if err := s.Append(t.Context(), storetest.Sample(fmt.Sprint("r", i/2), storetest.Start())); err != nil {
				t.Error(err) // each record twice, from both
			}
		})
	}
	wait.Wait()
	require.Len(t, verify(t, a, "acct-1"), 20)
	require.Equal(t, verify(t, a, "acct-1"), verify(t, b, "acct-1"))
}

// verify returns the ids of a chain in its order.
func verify(tb testing.TB, s store.Chain, account string) (ids []string) {
	tb.Helper()
	last := store.Genesis(account)
	for l, err := range s.Links(tb.Context(), account, 0) {
		require.NoError(tb, err)
		require.Equal(tb, int64(len(ids)+1), l.Link.Seq)
		require.Equal(tb, last, l.Link.Previous)
		require.Equal(tb, store.Hash(l.Canonical.Digest()), l.Link.Digest)
		last = store.Next(l.Link.Previous, l.Link.Seq, l.Link.Digest)
		require.Equal(tb, last, l.Link.Hash)
		ids = append(ids, l.Row.ID)
	}
	return ids
}
