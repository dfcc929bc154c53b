package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/store"
)

// Accounts is what RunAccounts needs of a store.
type Accounts interface {
	store.Store
	store.Chain
	store.Accounts
}

// RunAccounts checks every promise of store.Accounts, as Run does of
// store.Store.
func RunAccounts(t *testing.T, open func(t *testing.T) Accounts) {
	t.Helper()
	run(t, open, []promise[Accounts]{
		{"accounts are numbered as they appear", accountNumbers},
		{"an account is found by number or id", accountFound},
		{"accounts count their decisions", accountDecisions},
		{"account ids keep every character", accountIDs},
		{"an invalid account id is refused", invalidAccountID},
		{"an added account has an empty chain", emptyChain},
		{"one account from many writers is one", accountWriters},
		{"an ended context adds no account", endedAccounts},
	})
}

func addAccount(t *testing.T, s store.Accounts, id string) store.Account {
	t.Helper()
	a, err := s.AddAccount(t.Context(), id)
	require.NoError(t, err)
	return a
}

func accounts(t *testing.T, s store.Accounts) []store.Account {
	t.Helper()
	all, err := s.Accounts(t.Context())
	require.NoError(t, err)
	return all
}

func accountNumbers(t *testing.T, s Accounts) {
	require.Empty(t, accounts(t, s))
	for range 2 {
		require.Equal(t, int64(1), addAccount(t, s, "b").Number, "adding it again changes nothing")
	}
	require.NoError(t, s.Append(t.Context(), of("c", "r1", Start())))
	require.Equal(t, int64(3), addAccount(t, s, "a").Number, "c is 2")
	require.ErrorIs(t, s.Append(t.Context(), of("d", "r1", Start())), store.ErrConflict)
	var got []string
	for i, a := range accounts(t, s) {
		require.Equal(t, int64(i)+1, a.Number)
		require.Equal(t, time.UTC, a.CreatedAt.Location())
		require.False(t, a.CreatedAt.IsZero())
		got = append(got, a.ID)
	}
	require.Equal(t, []string{"b", "c", "a"}, got)
}

func accountFound(t *testing.T, s Accounts) {
	one, two := addAccount(t, s, "one"), addAccount(t, s, "two")
	for _, c := range []struct {
		number int64
		id     string
		want   store.Account
	}{{1, "", one}, {0, "one", one}, {2, "", two}, {0, "two", two}, {2, "one", two}} {
		got, err := s.Account(t.Context(), c.number, c.id)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	for _, c := range []struct {
		number int64
		id     string
	}{{3, ""}, {-1, "one"}, {0, ""}, {0, "One"}, {0, "on"}, {0, "%"}, {0, "\xff"}, {0, strings.Repeat("x", 200)}, {1<<63 - 1, ""}} {
		_, err := s.Account(t.Context(), c.number, c.id)
		require.ErrorIs(t, err, store.ErrNotFound, "%v", c)
	}
}

func accountDecisions(t *testing.T, s Accounts) {
	for i := range 3 {
		require.NoError(t, s.Append(t.Context(), of("a", fmt.Sprint("r", i), Start())))
		require.NoError(t, s.Append(t.Context(), of("a", fmt.Sprint("r", i), Start())), "again")
	}
	require.Zero(t, addAccount(t, s, "b").Decisions)
	require.Equal(t, int64(3), addAccount(t, s, "a").Decisions)
	all := accounts(t, s)
	require.Equal(t, []int64{3, 0}, []int64{all[0].Decisions, all[1].Decisions})
}

func accountIDs(t *testing.T, s Accounts) {
	all := append(words(), strings.Repeat("é", store.MaxHaltAccountBytes/2), "A", "a")
	for i, id := range all {
		require.Equal(t, int64(i)+1, addAccount(t, s, id).Number, "%q", id)
		require.NoError(t, s.Append(t.Context(), of(id, fmt.Sprint(i), Start())))
		got, err := s.Account(t.Context(), 0, id)
		require.NoError(t, err)
		require.Equal(t, id, got.ID)
		require.Equal(t, int64(1), got.Decisions)
	}
	require.Len(t, accounts(t, s), len(all))
}

func invalidAccountID(t *testing.T, s Accounts) {
	for _, id := range []string{"", strings.Repeat("x", store.MaxHaltAccountBytes+1), "\xff"} {
		_, err := s.AddAccount(t.Context(), id)
		require.ErrorIs(t, err, store.ErrAccount)
		require.ErrorIs(t, s.Append(t.Context(), of(id, "r1", Start())), store.ErrAccount)
	}
	require.Empty(t, accounts(t, s))
}

func emptyChain(t *testing.T, s Accounts) {
	addAccount(t, s, "a\x00")
	require.Equal(t, []store.Checkpoint{{AccountID: "a\x00", Hash: store.Genesis("a\x00")}}, heads(t, s))
	require.Empty(t, links(t, s, "a\x00", 0))
}

func accountWriters(t *testing.T, s Accounts) {
	const writers = 16
	failures := make([]error, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			_, err := s.AddAccount(t.Context(), fmt.Sprint("a", w%3))
			failures[w] = errors.Join(err, s.Append(t.Context(), of(fmt.Sprint("a", (w+1)%3), fmt.Sprint(w), Start())))
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(failures...))
	sum := int64(0)
	all := accounts(t, s)
	require.Len(t, all, 3)
	for i, a := range all {
		require.Positive(t, a.Number)
		require.True(t, i == 0 || a.Number > all[i-1].Number, "by number, each its own")
		sum += a.Decisions
	}
	require.Equal(t, int64(writers), sum)
}

func endedAccounts(t *testing.T, s Accounts) {
	addAccount(t, s, "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.AddAccount(ctx, "b")
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Account(ctx, 1, "")
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Accounts(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, accounts(t, s), 1)
}
