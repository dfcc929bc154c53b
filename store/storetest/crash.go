package storetest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/store"
)

// crashWriters is how many goroutines of a process append at once.
const crashWriters = 4

// AppendUntilKilled is what the process of RunCrash does: it appends records
// and writes the id of each to out once Append returned. name must differ from
// process to process. It returns only with an error.
func AppendUntilKilled(ctx context.Context, s store.Store, name string, out io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		wait sync.WaitGroup
		mu   sync.Mutex
	)
	for w := range crashWriters {
		wait.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("%s-%d-%d", name, w, n)
				r := Sample(id, Start().Add(time.Duration(n)*time.Millisecond))
				r.Input.Account.ID = fmt.Sprint("crash-", w%2)
				if err := s.Append(ctx, r); err != nil {
					cancel(fmt.Errorf("append %s: %w", id, err))
					return
				}
				mu.Lock()
				_, err := fmt.Fprintln(out, "kept", id, ".")
				mu.Unlock()
				if err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	wait.Wait()
	return context.Cause(ctx)
}

// RunCrash checks that what Append kept survives the death of the process that
// called it. In each round start makes, without starting it, a process that
// calls AppendUntilKilled with this name on its standard output; it is killed
// at a random moment, and the store that open returns must have every record
// whose id was written, whole and once, in chains without a gap. open may
// return the same store every time.
func RunCrash(t *testing.T, rounds int, start func(t *testing.T, name string) *exec.Cmd, open func(t *testing.T) Chain) {
	t.Helper()
	seen := crashChains{heads: make(map[string]store.Checkpoint), linked: make(map[string]bool)}
	for round := range rounds {
		said := runUntilKilled(t, start(t, fmt.Sprint("r", round)))
		s := open(t)
		fresh := seen.follow(t, s)
		for _, id := range said {
			require.True(t, seen.linked[id], "%s was kept and is in no chain after round %d", id, round)
			r, err := s.Record(t.Context(), id)
			require.NoError(t, err, "%s was kept and cannot be read after round %d", id, round)
			require.Equal(t, id, r.Result.ID)
		}
		require.LessOrEqual(t, fresh, len(said)+crashWriters, "each writer was about to append one at most")
	}
	whole := crashChains{heads: make(map[string]store.Checkpoint), linked: make(map[string]bool)}
	require.Equal(t, len(seen.linked), whole.follow(t, open(t)), "the chains as a whole, from their beginning")
}

// runUntilKilled returns the ids that the process wrote.
func runUntilKilled(t *testing.T, cmd *exec.Cmd) (ids []string) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines, least := bufio.NewScanner(out), 1+rand.IntN(40) //nolint:gosec // when to kill is no secret
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) != 3 || words[0] != "kept" || words[2] != "." {
			continue // of the test framework, or cut short
		}
		if ids = append(ids, words[1]); len(ids) == least {
			require.NoError(t, cmd.Process.Kill()) // what it wrote before is still read
		}
	}
	require.Error(t, cmd.Wait(), "it was killed")
	require.GreaterOrEqual(t, len(ids), least, "the process ended by itself")
	return ids
}

// crashChains is how far chains were verified.
type crashChains struct {
	heads  map[string]store.Checkpoint
	linked map[string]bool // ids
}

// follow verifies the links that are new and returns how many there are.
func (c *crashChains) follow(t *testing.T, s Chain) (fresh int) {
	t.Helper()
	heads, err := s.Heads(t.Context())
	require.NoError(t, err)
	for _, head := range heads {
		last, known := c.heads[head.AccountID]
		if !known {
			last.Hash = store.Genesis(head.AccountID)
		}
		for l, err := range s.Links(t.Context(), head.AccountID, last.Seq) {
			require.NoError(t, err)
			require.Equal(t, last.Seq+1, l.Link.Seq, "a gap in %s", head.AccountID)
			require.Equal(t, last.Hash, l.Link.Previous)
			require.Equal(t, store.Hash(l.Canonical.Digest()), l.Link.Digest)
			require.Equal(t, store.Next(l.Link.Previous, l.Link.Seq, l.Link.Digest), l.Link.Hash)
			r, err := l.Canonical.Record()
			require.NoError(t, err)
			row, err := store.Project(r)
			require.NoError(t, err)
			same(t, row, l.Row, "the columns are those of the record")
			require.False(t, c.linked[row.ID], "%s is there twice", row.ID)
			c.linked[row.ID] = true
			last.Seq, last.Hash = l.Link.Seq, l.Link.Hash
			fresh++
		}
		require.Equal(t, last.Seq, head.Seq)
		require.Equal(t, last.Hash, head.Hash)
		c.heads[head.AccountID] = last
	}
	return fresh
}
