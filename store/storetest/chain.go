package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
)

// Chain is what RunChain needs of a store.
type Chain interface {
	store.Store
	store.History
	store.Chain
}

// RunChain checks every promise of store.Chain, as Run does of store.Store.
func RunChain(t *testing.T, open func(t *testing.T) Chain) {
	t.Helper()
	run(t, open, []promise[Chain]{
		{"an empty store has no chains", noChains},
		{"links count and hash what was appended", linksHash},
		{"a link has its record and row", linkContent},
		{"what is not kept is not linked", notLinked},
		{"chains of accounts are apart", chainsApart},
		{"links follow a number", linksAfter},
		{"links can stop early and start again", linksStopEarly},
		{"writers at once leave no gap", chainWriters},
		{"one id from many writers is linked once", sameIDFromManyWriters},
		{"an ended context is the error of a chain", endedChain},
	})
}

// of is a sample of an account.
func of(account, id string, at time.Time) decision.Record {
	r := Sample(id, at)
	r.Input.Account.ID = account
	return r
}

// links reads a chain after a number.
func links(t *testing.T, s store.Chain, account string, after int64) []store.Chained {
	t.Helper()
	var all []store.Chained
	for c, err := range s.Links(t.Context(), account, after) {
		require.NoError(t, err)
		all = append(all, c)
	}
	return all
}

// whole reads a chain from its start and checks that it is one.
func whole(t *testing.T, s store.Chain, account string) []store.Chained {
	t.Helper()
	all := links(t, s, account, 0)
	previous := store.Genesis(account)
	for i, c := range all {
		require.Equal(t, account, c.AccountID)
		require.Equal(t, int64(i)+1, c.Link.Seq)
		require.Equal(t, previous, c.Link.Previous)
		require.Equal(t, store.Hash(c.Canonical.Digest()), c.Link.Digest)
		require.Equal(t, store.Next(previous, c.Link.Seq, c.Link.Digest), c.Link.Hash)
		previous = c.Link.Hash
	}
	return all
}

func linked(all []store.Chained) []string {
	out := []string{}
	for _, c := range all {
		out = append(out, c.Row.ID)
	}
	return out
}

func heads(t *testing.T, s store.Chain) []store.Checkpoint {
	t.Helper()
	all, err := s.Heads(t.Context())
	require.NoError(t, err)
	return all
}

func noChains(t *testing.T, s Chain) {
	require.Empty(t, heads(t, s))
	require.Empty(t, links(t, s, "acct-1", 0))
}

func linksHash(t *testing.T, s Chain) {
	for i, after := range []time.Duration{time.Hour, 0, time.Minute} { // times do not matter
		require.NoError(t, s.Append(t.Context(), Sample(fmt.Sprint("r", i), Start().Add(after))))
		all := whole(t, s, "acct-1")
		require.Len(t, all, i+1)
		last := all[i].Link
		require.Equal(t, []store.Checkpoint{{AccountID: "acct-1", Seq: int64(i) + 1, Hash: last.Hash, At: Start().Add(after)}}, heads(t, s))
	}
	all := whole(t, s, "acct-1")
	require.Equal(t, []string{"r0", "r1", "r2"}, linked(all))
	for _, e := range page(t, s, store.Query{}).Entries {
		require.Equal(t, all[e.Link.Seq-1].Link, e.Link)
		require.Equal(t, all[e.Link.Seq-1].Row.ID, e.ID)
	}
}

func linkContent(t *testing.T, s Chain) {
	records := []decision.Record{rich("r1", Start()), Sample("r2", Start().Add(time.Second)), rich("r\x00\\3", Start())}
	records[1].Input.Market.Assets = nil
	for _, r := range records {
		require.NoError(t, s.Append(t.Context(), r))
	}
	for i, c := range whole(t, s, "acct-1") {
		want, err := records[i].Canonical()
		require.NoError(t, err)
		require.Equal(t, string(want.Body), string(c.Canonical.Body))
		require.Len(t, c.Canonical.Series, len(want.Series))
		row, err := store.Project(records[i])
		require.NoError(t, err)
		same(t, row, c.Row, "calls and all")
		back, err := c.Canonical.Record()
		require.NoError(t, err)
		equal(t, records[i], back)
	}
}

func notLinked(t *testing.T, s Chain) {
	require.NoError(t, s.Append(t.Context(), Sample("r1", Start())))
	require.NoError(t, s.Append(t.Context(), Sample("r1", Start())))
	require.ErrorIs(t, s.Append(t.Context(), Sample("r1", Start().Add(1))), store.ErrConflict)
	require.ErrorIs(t, s.Append(t.Context(), of("acct-2", "r1", Start())), store.ErrConflict)
	require.ErrorIs(t, s.Append(t.Context(), Sample("", Start())), store.ErrID)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Append(ctx, Sample("r2", Start())), context.Canceled)
	broken := Sample("r3", Start())
	broken.ModelError = "\xff"
	require.Error(t, s.Append(t.Context(), broken), "it has no canonical encoding")
	require.Equal(t, []string{"r1"}, linked(whole(t, s, "acct-1")))
	require.NoError(t, s.Append(t.Context(), Sample("r4", Start())))
	require.Equal(t, []string{"r1", "r4"}, linked(whole(t, s, "acct-1")), "without a gap")
	require.Empty(t, links(t, s, "acct-2", 0))
}

func chainsApart(t *testing.T, s Chain) {
	accounts := append(words(), "a", "A", "a!", "a ")
	for n := range 2 {
		for i, a := range accounts {
			require.NoError(t, s.Append(t.Context(), of(a, fmt.Sprint(n, "-", i), Start().Add(time.Duration(i)*time.Second))))
		}
	}
	got := heads(t, s)
	require.Len(t, got, len(accounts))
	for i, h := range got {
		if i > 0 {
			require.Less(t, got[i-1].AccountID, h.AccountID, "heads are by the bytes of the account id")
		}
		all := whole(t, s, h.AccountID)
		require.Len(t, all, 2)
		require.Equal(t, store.Checkpoint{AccountID: h.AccountID, Seq: 2, Hash: all[1].Link.Hash, At: all[1].Row.At}, h)
	}
	require.Empty(t, links(t, s, "nobody", 0))
}

func linksAfter(t *testing.T, s Chain) {
	for i := range 5 {
		require.NoError(t, s.Append(t.Context(), Sample(fmt.Sprint("r", i), Start())))
	}
	all := whole(t, s, "acct-1")
	for after := range int64(7) {
		got := links(t, s, "acct-1", after)
		require.Len(t, got, max(5-int(after), 0))
		for i := range got {
			require.Equal(t, all[int(after)+i].Link, got[i].Link)
		}
	}
}

func linksStopEarly(t *testing.T, s Chain) {
	for i := range 3 {
		require.NoError(t, s.Append(t.Context(), Sample(fmt.Sprint("r", i), Start())))
	}
	sequence := s.Links(t.Context(), "acct-1", 0)
	for range 20 { // more often than any pool has connections
		for c, err := range sequence {
			require.NoError(t, err)
			require.Equal(t, int64(1), c.Link.Seq)
			break
		}
	}
	for c, err := range sequence { // the store may be used meanwhile
		require.NoError(t, err)
		equal(t, read(t, s, c.Row.ID), read(t, s, c.Row.ID))
	}
	require.Len(t, whole(t, s, "acct-1"), 3)
}

func chainWriters(t *testing.T, s Chain) {
	const writers, each = 16, 4
	failures := make([]error, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				account := fmt.Sprint("a", (w+i)%2)
				failures[w] = errors.Join(failures[w], s.Append(t.Context(), of(account, fmt.Sprintf("%02d-%d", w, i), Start())))
			}
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(failures...))
	for _, account := range []string{"a0", "a1"} {
		require.Len(t, whole(t, s, account), writers*each/2)
	}
}

func sameIDFromManyWriters(t *testing.T, s Chain) {
	const writers = 16
	failures := make([]error, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() { failures[w] = s.Append(t.Context(), Sample("r1", Start().Add(time.Duration(w%4)*time.Second))) })
	}
	wg.Wait()
	all := whole(t, s, "acct-1")
	require.Equal(t, []string{"r1"}, linked(all))
	kept := int(all[0].Row.At.Sub(Start()) / time.Second)
	for w, err := range failures {
		if w%4 == kept {
			require.NoError(t, err, "of the content that is kept")
		} else {
			require.ErrorIs(t, err, store.ErrConflict)
		}
	}
}

func endedChain(t *testing.T, s Chain) {
	require.NoError(t, s.Append(t.Context(), Sample("r1", Start())))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Heads(ctx)
	require.ErrorIs(t, err, context.Canceled)
	calls := 0
	for _, err := range s.Links(ctx, "acct-1", 0) {
		calls++
		require.ErrorIs(t, err, context.Canceled)
	}
	require.Equal(t, 1, calls, "an error ends the sequence")
}
