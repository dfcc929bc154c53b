package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	osexec "os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/internal/pgtest"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/postgres"
	"github.com/ballast-go/ballast/store/storetest"
)

const (
	urlVariable  = "POSTGRES_TEST_URL"
	nameVariable = "POSTGRES_TEST_NAME"
	crashName    = "ballast-crash"
)

// TestWriter is a process of its own that appends until it is killed.
func TestWriter(t *testing.T) {
	t.Parallel()
	databaseURL, name := os.Getenv(urlVariable), os.Getenv(nameVariable)
	if databaseURL == "" {
		t.Skip("only as a child of the test below")
	}
	s, err := postgres.Open(t.Context(), databaseURL, postgres.Config{ApplicationName: crashName})
	require.NoError(t, err)
	t.Fatal(storetest.AppendUntilKilled(t.Context(), s, name, os.Stdout))
}

func TestWhatAppendKeptSurvivesAKill(t *testing.T) {
	t.Parallel()
	rounds := 5
	if *long {
		rounds = 200
	}
	server := pgtest.Start(t, "fsync=on", "synchronous_commit=on", "full_page_writes=on")
	databaseURL := migrated(t, server.New(t))
	s := openAt(t, databaseURL)
	program, err := os.Executable()
	require.NoError(t, err)
	storetest.RunCrash(t, rounds,
		func(t *testing.T, name string) *osexec.Cmd {
			t.Helper()
			cmd := osexec.CommandContext(t.Context(), program, "-test.run=^TestWriter$")
			cmd.Env = append(os.Environ(), urlVariable+"="+databaseURL, nameVariable+"="+name)
			return cmd
		},
		func(t *testing.T) storetest.Chain {
			t.Helper()
			untilNone(t, s, "application_name = '"+crashName+"'")
			return s
		})
}

// untilNone waits until the server has no backend of that kind: those of a
// process that is gone finish what they were told.
func untilNone(t *testing.T, s *postgres.Store, which string) {
	t.Helper()
	require.Eventually(t, func() bool {
		var n int
		err := s.Pool().QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "+which).Scan(&n)
		return err == nil && n == 0
	}, time.Minute, 5*time.Millisecond)
}

// TestWhatAppendKeptSurvivesTheServersDeath kills the server, not its client.
func TestWhatAppendKeptSurvivesTheServersDeath(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, "fsync=on", "synchronous_commit=on", "full_page_writes=on")
	databaseURL := migrated(t, server.New(t))
	kept := 0
	for round := range 3 {
		var out said
		s, err := postgres.Open(t.Context(), databaseURL, postgres.Config{})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		var writer sync.WaitGroup
		writer.Go(func() { out.failed = storetest.AppendUntilKilled(ctx, s, fmt.Sprint("r", round), &out) })
		require.Eventually(t, func() bool { return len(out.ids()) > 10 }, time.Minute, time.Millisecond)
		server.Kill()
		writer.Wait()
		cancel()
		s.Close()
		require.Error(t, out.failed)
		server.Restart(t)

		again := openAt(t, databaseURL)
		linked := map[string]int{}
		heads, err := again.Heads(t.Context())
		require.NoError(t, err)
		for _, head := range heads {
			last := store.Checkpoint{Hash: store.Genesis(head.AccountID)}
			for l, err := range again.Links(t.Context(), head.AccountID, 0) {
				require.NoError(t, err)
				require.Equal(t, last.Seq+1, l.Link.Seq)
				require.Equal(t, last.Hash, l.Link.Previous)
				require.Equal(t, store.Next(l.Link.Previous, l.Link.Seq, l.Link.Digest), l.Link.Hash)
				linked[l.Row.ID]++
				last.Seq, last.Hash = l.Link.Seq, l.Link.Hash
			}
			require.Equal(t, last.Hash, head.Hash)
		}
		for _, id := range out.ids() {
			require.Equal(t, 1, linked[id], id)
			_, err := again.Record(t.Context(), id)
			require.NoError(t, err, id)
		}
		kept += len(out.ids())
	}
	require.Greater(t, kept, 30)
}

// said is what a writer wrote.
type said struct {
	failed error

	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) ids() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range strings.Lines(s.text.String()) {
		if words := strings.Fields(line); len(words) == 3 {
			out = append(out, words[1])
		}
	}
	return out
}
