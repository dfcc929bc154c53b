package breaker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/breaker"
)

type keyType struct{}

func TestAttemptContext_isTheCallersWithANearerEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{})
		for callers, want := range map[time.Duration]time.Duration{time.Hour: 15 * time.Second, 5 * time.Second: 5 * time.Second} {
			ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), keyType{}, "value"), callers)
			left, err := breaker.Do(ctx, p, func(ctx context.Context) (time.Duration, error) {
				deadline, ok := ctx.Deadline()
				require.True(t, ok)
				require.Equal(t, "value", ctx.Value(keyType{}))
				require.NoError(t, ctx.Err())
				return time.Until(deadline), nil
			})
			cancel()
			require.NoError(t, err)
			require.Equal(t, want, left)
		}
	})
}

func TestAttemptContext_endsWithTheAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{Attempts: 1, FailureThreshold: 10})
		for name, c := range map[string]struct {
			after time.Duration
			fn    func(context.Context)
			want  error
		}{
			"returned":  {time.Hour, func(context.Context) {}, context.Canceled},
			"panicked":  {time.Hour, func(context.Context) { panic("") }, context.Canceled},
			"timed out": {time.Hour, func(ctx context.Context) { <-ctx.Done() }, context.DeadlineExceeded},
			"cancelled": {time.Second, func(ctx context.Context) { <-ctx.Done() }, context.Canceled},
		} {
			var kept, child context.Context
			ctx, cancel := context.WithCancel(t.Context())
			timer := time.AfterFunc(c.after, cancel)
			_, _ = breaker.Do(ctx, p, func(ctx context.Context) (int, error) {
				kept = ctx
				var cancel context.CancelFunc
				child, cancel = context.WithCancel(ctx)
				context.AfterFunc(child, cancel)
				c.fn(ctx)
				return 0, nil
			})
			timer.Stop()
			synctest.Wait()
			require.Equal(t, c.after == time.Second, ctx.Err() != nil, name)
			<-kept.Done()
			<-kept.Done()
			require.Equal(t, c.want, kept.Err(), name)
			require.Equal(t, c.want, context.Cause(kept), name)
			<-child.Done()
			require.Equal(t, c.want, child.Err(), "%s: it ends its children", name)
			cancel()
		}
	})
}

func TestAttemptContext_firstAskedForItsEndAfterwards(t *testing.T) {
	t.Parallel()
	kept, err := breaker.Do(t.Context(), open(t, breaker.Config{}), func(ctx context.Context) (context.Context, error) { return ctx, nil })
	require.NoError(t, err)
	<-kept.Done()
	require.Equal(t, context.Canceled, kept.Err())
}

func TestPolicy_boundsAndCountsAbandonedCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{Attempts: 1, FailureThreshold: 100, MaxAbandoned: 3})
		release := make(chan struct{})
		deaf := func(context.Context) (int, error) { <-release; return 0, nil }
		for range 3 {
			_, err := breaker.Do(t.Context(), p, deaf)
			require.Error(t, err)
		}
		require.Equal(t, 3, p.Stats().Abandoned)
		require.Equal(t, 3, p.Stats().Running)
		began := time.Now()
		_, err := breaker.Do(t.Context(), p, deaf)
		require.ErrorIs(t, err, breaker.ErrOpen)
		require.EqualError(t, err, "breaker: breaker is closed: too many abandoned calls have not returned")
		require.Zero(t, time.Since(began))
		close(release)
		synctest.Wait()
		require.NoError(t, does(t, p, nil))
		require.Zero(t, p.Stats().Abandoned)
		require.Zero(t, p.Stats().Running)
		require.Equal(t, uint64(1), p.Stats().Rejected)
	})
}

func TestPolicy_abandonedCallsOfACallThatRetriesEndIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{MaxAbandoned: 1})
		_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) { return ignores(time.Hour) })
		var exhausted *breaker.ExhaustedError
		require.ErrorAs(t, err, &exhausted)
		require.Equal(t, 1, exhausted.Attempts)
		require.Equal(t, uint64(1), p.Stats().Failures)
	})
}

func TestClose_waitsForAbandonedCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, began := open(t, breaker.Config{Attempts: 1}), time.Now()
		_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) { return ignores(time.Minute) })
		require.Error(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Equal(t, context.DeadlineExceeded, p.Close(ctx))
		require.Equal(t, breaker.ErrStopped, does(t, p, nil))
		require.NoError(t, p.Close(t.Context()))
		require.Equal(t, time.Minute, time.Since(began))
		require.NoError(t, p.Close(t.Context()), "again")
		require.Equal(t, uint64(1), p.Stats().Rejected)
	})
}

func TestClose_refusesWhateverTheCircuitShows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, end := range []error{errBlocked, errLimited} {
			p := open(t, breaker.Config{})
			require.Error(t, does(t, p, end))
			require.NoError(t, p.Close(t.Context()))
			require.Equal(t, breaker.ErrStopped, does(t, p, nil))
		}
	})
}

func TestClose_dropsWhatIsFoundAfterwards(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		told := &changes{}
		p := open(t, breaker.Config{OnChange: told.note})
		require.Error(t, does(t, p, errBlocked))
		require.NoError(t, p.Close(t.Context()))
		time.Sleep(time.Hour)
		s := p.Stats()
		require.Equal(t, breaker.PhaseHalfOpen, s.State)
		require.Zero(t, s.Running)
		require.Equal(t, uint64(1), p.Stats().DroppedChanges)
		require.Len(t, told.settled(), 1)
	})
}

func TestClose_letsACallUnderWayFinishItsAttemptOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, calls := open(t, breaker.Config{}), 0
		done := make(chan error)
		go func() {
			_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) {
				calls++
				time.Sleep(time.Second)
				return "", errDown
			})
			done <- err
		}()
		synctest.Wait()
		require.NoError(t, p.Close(t.Context()))
		require.ErrorIs(t, <-done, errDown)
		require.Equal(t, 1, calls)
	})
}
