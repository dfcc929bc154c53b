package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/postgres"
	"github.com/ballast-go/ballast/store/storetest"
)

func record(id, account string) decision.Record {
	r := storetest.Sample(id, storetest.Start())
	r.Input.Account.ID = account
	return r
}

// requireChain checks that the chain of an account has n links without a gap.
func requireChain(t *testing.T, s *postgres.Store, account string, n int64) {
	t.Helper()
	previous, seq := store.Genesis(account), int64(0)
	for c, err := range s.Links(t.Context(), account, 0) {
		require.NoError(t, err)
		seq++
		require.Equal(t, store.Link{Seq: seq, Digest: c.Canonical.Digest(), Previous: previous, Hash: store.Next(previous, seq, c.Canonical.Digest())}, c.Link)
		previous = c.Link.Hash
	}
	require.Equal(t, n, seq)
	heads, err := s.Heads(t.Context())
	require.NoError(t, err)
	for _, h := range heads {
		if h.AccountID == account {
			require.Equal(t, previous, h.Hash)
			require.Equal(t, n, h.Seq)
		}
	}
	a, err := s.Account(t.Context(), 0, account)
	require.NoError(t, err)
	require.Equal(t, n, a.Decisions)
}

func TestAppend_WritersAtOnceMakeOneChainPerAccount(t *testing.T) {
	t.Parallel()
	s := open(t)
	const writers, each = 8, 12
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			for i := range each {
				if err := s.Append(t.Context(), record(fmt.Sprintf("%d.%d", w, i), fmt.Sprintf("account %d\x00", i%2))); err != nil {
					t.Errorf("append: %v", err)
				}
			}
		})
	}
	wait.Wait()
	requireChain(t, s, "account 0\x00", writers*each/2)
	requireChain(t, s, "account 1\x00", writers*each/2)
	require.EqualValues(t, 1, counts(t, s)["record_series"], "every record shares its candles")
}

func TestAppend_AWriterToOneAccountDoesNotHoldUpAnother(t *testing.T) {
	t.Parallel()
	s := open(t)
	require.NoError(t, s.Append(t.Context(), record("r1", "a")))
	tx, err := s.Pool().Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.With(tx).Append(t.Context(), record("r2", "a")))
	require.NoError(t, s.Append(t.Context(), record("r3", "b")), "while the transaction is open")
	require.NoError(t, tx.Commit(t.Context()))
	requireChain(t, s, "a", 2)
	requireChain(t, s, "b", 1)
}

func TestAppend_IsOneRoundTrip(t *testing.T) {
	t.Parallel()
	pool, trips := countingPool(t, database(t))
	s, err := postgres.New(pool, postgres.Config{})
	require.NoError(t, err)
	require.NoError(t, s.Append(t.Context(), record("r1", "a")), "which prepares the statement and makes the account")
	for name, r := range map[string]decision.Record{"a new record": record("r2", "a"), "a new account": record("r3", "b"), "the same again": record("r1", "a")} {
		before := trips.Load()
		require.NoError(t, s.Append(t.Context(), r))
		require.EqualValues(t, 1, trips.Load()-before, name)
	}
	before := trips.Load()
	require.ErrorIs(t, s.Append(t.Context(), record("r1", "another")), store.ErrConflict)
	require.EqualValues(t, 1, trips.Load()-before)
	accounts, err := s.Accounts(t.Context())
	require.NoError(t, err)
	require.Len(t, accounts, 2, "a conflict makes no account")
}

func TestAppend_InATransactionOfTheHost(t *testing.T) {
	t.Parallel()
	s := open(t)
	empty := counts(t, s)
	undone := errors.New("the host changed its mind")
	err := pgx.BeginFunc(t.Context(), s.Pool(), func(tx pgx.Tx) error {
		require.NoError(t, s.With(tx).Append(t.Context(), record("r1", "a")))
		require.NoError(t, s.With(tx).Append(t.Context(), record("r2", "a")))
		got, err := s.With(tx).Record(t.Context(), "r1")
		require.NoError(t, err)
		require.Equal(t, "r1", got.Result.ID)
		return undone
	})
	require.ErrorIs(t, err, undone)
	require.Equal(t, empty, counts(t, s), "a rollback leaves nothing")

	err = pgx.BeginFunc(t.Context(), s.Pool(), func(tx pgx.Tx) error {
		within := s.With(tx)
		require.NoError(t, within.Append(t.Context(), record("r1", "a")))
		require.ErrorIs(t, within.Append(t.Context(), record("r1", "b")), store.ErrConflict)
		require.ErrorIs(t, within.Append(t.Context(), record("", "b")), store.ErrID)
		_, err := within.Record(t.Context(), "unknown")
		require.ErrorIs(t, err, store.ErrNotFound)
		require.NoError(t, within.AddFill(t.Context(), fill("r1", "k")), "the transaction goes on")
		return nil
	})
	require.NoError(t, err)
	requireChain(t, s, "a", 1)
	_, err = s.Record(t.Context(), "r1")
	require.NoError(t, err, "its candles too, which the first transaction took back")
}

func fill(id, key string) store.Fill {
	return store.Fill{DecisionID: id, Key: key, Asset: "ETHUSDT", Quantity: decimalOf("0.5"), Price: decimalOf("3000.10"), FeeUSD: decimalOf("-0.01"), At: storetest.Start()}
}

func TestAppend_SendsCandlesAgainThatWerePruned(t *testing.T) {
	t.Parallel()
	s := open(t)
	require.NoError(t, s.Append(t.Context(), record("r1", "a")))
	exec(t, s, "DELETE FROM decision_records")
	exec(t, s, "DELETE FROM record_series")
	require.NoError(t, s.Append(t.Context(), record("r2", "a")))
	got, err := s.Record(t.Context(), "r2")
	require.NoError(t, err)
	require.Equal(t, 2, got.Input.Market.Assets["BTCUSDT"].Series["1h"].Len())
	require.EqualValues(t, 2, scan[int64](t, s, "SELECT count(*) FROM decisions"), "the failed attempt left nothing")
	requireSeq(t, s, "a", 2)
}

func requireSeq(t *testing.T, s *postgres.Store, account string, want int64) {
	t.Helper()
	heads, err := s.Heads(t.Context())
	require.NoError(t, err)
	require.Equal(t, account, heads[0].AccountID)
	require.Equal(t, want, heads[0].Seq)
}

// blocked is an append that waits for the lock of its account.
func blocked(t *testing.T, s *postgres.Store, appendIt func() error) (release func(), result <-chan error) {
	t.Helper()
	tx, err := s.Pool().Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "SELECT FROM accounts WHERE name = 'a' FOR UPDATE")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- appendIt() }()
	require.Eventually(t, func() bool {
		return scan[int64](t, s, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 1
	}, time.Minute, 5*time.Millisecond)
	return func() { require.NoError(t, tx.Rollback(context.Background())) }, done
}

func TestAppend_LosesItsConnection(t *testing.T) {
	t.Parallel()
	s := open(t)
	require.NoError(t, s.Append(t.Context(), record("r1", "a")))
	before := counts(t, s)
	release, result := blocked(t, s, func() error { return s.Append(t.Context(), record("r2", "a")) })
	exec(t, s, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
	require.ErrorContains(t, <-result, "postgres: append: ")
	release()
	require.Equal(t, before, counts(t, s), "nothing is half-written")
	require.NoError(t, s.Append(t.Context(), record("r2", "a")))
	requireChain(t, s, "a", 2)
}

func TestAppend_ItsContextEndsWhileItWaits(t *testing.T) {
	t.Parallel()
	s := open(t)
	require.NoError(t, s.Append(t.Context(), record("r1", "a")))
	before := counts(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	release, result := blocked(t, s, func() error { return s.Append(ctx, record("r2", "a")) })
	cancel()
	require.ErrorIs(t, <-result, context.Canceled)
	untilNone(t, s, "wait_event_type = 'Lock'") // the server heard of it
	release()
	require.Equal(t, before, counts(t, s))
}

func TestAppend_NoConnectionIsFree(t *testing.T) {
	t.Parallel()
	s, err := postgres.Open(t.Context(), database(t), postgres.Config{MaxConns: 1})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	conn, err := s.Pool().Acquire(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Append(ctx, record("r1", "a")), context.DeadlineExceeded)
	conn.Release()
	require.NoError(t, s.Append(t.Context(), record("r1", "a")))
	requireChain(t, s, "a", 1)
}

func TestAppend_OnAConnectionOfTheHost(t *testing.T) {
	t.Parallel()
	databaseURL := database(t)
	conn, err := pgx.Connect(t.Context(), databaseURL)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.Background())) }()
	s, err := postgres.New(conn, postgres.Config{})
	require.NoError(t, err)
	require.NoError(t, s.Append(t.Context(), record("r1", "a")))
	require.NoError(t, s.Append(t.Context(), record("r2", "a")))
	n := 0
	for r, err := range s.Records(t.Context(), store.Filter{}) {
		require.NoError(t, err)
		_, err = s.Record(t.Context(), r.Result.ID)
		require.NoError(t, err, "while iterating")
		n++
	}
	require.Equal(t, 2, n)
	s.Close()
	require.False(t, conn.IsClosed(), "it is the host's")
}
