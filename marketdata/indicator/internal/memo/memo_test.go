package memo_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/marketdata/indicator/internal/memo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func constant(v int) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { return v, nil }
}

func TestResultIsComputedOnceAndThenServed(t *testing.T) {
	t.Parallel()
	c := memo.New[string, int](10)
	_, ok := c.Peek("a")
	require.False(t, ok)
	for range 3 {
		v, err := c.Do(t.Context(), "a", constant(1))
		require.NoError(t, err)
		require.Equal(t, 1, v)
	}
	v, ok := c.Peek("a")
	require.True(t, ok)
	require.Equal(t, 1, v)
	require.Equal(t, memo.Stats{Entries: 1, Served: 3, Computed: 1}, c.Stats())
}

func TestLeastRecentlyUsedIsForgotten(t *testing.T) {
	t.Parallel()
	c := memo.New[string, int](2)
	for _, key := range []string{"a", "b", "a", "c"} {
		_, err := c.Do(t.Context(), key, constant(1))
		require.NoError(t, err)
	}
	_, a := c.Peek("a")
	_, b := c.Peek("b")
	require.True(t, a)
	require.False(t, b, "b was used least recently")
	require.Equal(t, 2, c.Stats().Entries)
}

func TestErrorIsNotRemembered(t *testing.T) {
	t.Parallel()
	c := memo.New[string, int](2)
	failure := errors.New("bad")
	_, err := c.Do(t.Context(), "a", func(context.Context) (int, error) { return 0, failure })
	require.ErrorIs(t, err, failure)
	v, err := c.Do(t.Context(), "a", constant(2))
	require.NoError(t, err)
	require.Equal(t, 2, v)
}

func TestConcurrentCallersShareOneComputation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := memo.New[string, int](2)
		release := make(chan struct{})
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				v, err := c.Do(t.Context(), "a", func(context.Context) (int, error) { <-release; return 7, nil })
				require.NoError(t, err)
				require.Equal(t, 7, v)
			})
		}
		synctest.Wait()
		close(release)
		callers.Wait()
		require.Equal(t, memo.Stats{Entries: 1, Served: 49, Computed: 1}, c.Stats())
	})
}

func TestWaitingCallersShareAnErrorOfTheComputation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := memo.New[string, int](2)
		failure, release := errors.New("bad"), make(chan struct{})
		var callers sync.WaitGroup
		for range 5 {
			callers.Go(func() {
				_, err := c.Do(t.Context(), "a", func(context.Context) (int, error) { <-release; return 0, failure })
				require.ErrorIs(t, err, failure)
			})
		}
		synctest.Wait()
		close(release)
		callers.Wait()
		require.Equal(t, uint64(1), c.Stats().Computed)
	})
}

func TestCallerThatGoesAwayDoesNotFailTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := memo.New[string, int](2)
		ctx, leave := context.WithCancel(t.Context())
		var first, others sync.WaitGroup
		first.Go(func() {
			_, err := c.Do(ctx, "a", func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() })
			require.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait() // the first computes
		for range 10 {
			others.Go(func() {
				v, err := c.Do(t.Context(), "a", constant(3))
				require.NoError(t, err)
				require.Equal(t, 3, v)
			})
		}
		synctest.Wait() // the others wait for it
		leave()
		first.Wait()
		others.Wait()
		require.Equal(t, uint64(2), c.Stats().Computed, "one of the others computes, for all of them")
	})
}

func TestCallerThatWaitsLeavesWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := memo.New[string, int](2)
		release := make(chan struct{})
		var leader, waiter sync.WaitGroup
		leader.Go(func() {
			v, err := c.Do(t.Context(), "a", func(context.Context) (int, error) { <-release; return 7, nil })
			require.NoError(t, err)
			require.Equal(t, 7, v)
		})
		synctest.Wait()
		ctx, leave := context.WithCancel(t.Context())
		waiter.Go(func() {
			_, err := c.Do(ctx, "a", constant(1))
			require.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		leave()
		waiter.Wait()
		close(release)
		leader.Wait()
	})
}

func TestPanicReachesItsCallerAndHangsNobody(t *testing.T) {
	t.Parallel()
	c := memo.New[string, int](2)
	require.PanicsWithValue(t, "boom", func() {
		_, _ = c.Do(t.Context(), "a", func(context.Context) (int, error) { panic("boom") })
	})
	v, err := c.Do(t.Context(), "a", constant(4))
	require.NoError(t, err)
	require.Equal(t, 4, v)
}

func TestCacheNeverHoldsMoreThanItsBoundNorAWrongValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		most := rapid.IntRange(1, 5).Draw(r, "most")
		c := memo.New[int, int](most)
		for _, key := range rapid.SliceOf(rapid.IntRange(0, 9)).Draw(r, "keys") {
			v, err := c.Do(t.Context(), key, constant(key*key))
			require.NoError(r, err)
			require.Equal(r, key*key, v)
			_, ok := c.Peek(key)
			require.True(r, ok, "the newest is never the one forgotten")
			require.LessOrEqual(r, c.Stats().Entries, most)
		}
	})
}
