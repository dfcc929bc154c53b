package breaker_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/breaker"
)

// Each test here is a trap of gobreaker that the policy must absorb. Where the
// trap is quick to show, the test shows it first.

func TestGobreaker_callersCancellationCountsAsAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		raw := gobreaker.NewCircuitBreaker[int](gobreaker.Settings{})
		p := open(t, breaker.Config{FailureThreshold: 1})
		for range 10 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			wait := func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() }
			_, err := breaker.Do(ctx, p, wait)
			require.Equal(t, context.Canceled, err)
			_, _ = raw.Execute(func() (int, error) { return wait(ctx) })
		}
		require.Equal(t, gobreaker.StateOpen, raw.State())
		require.Equal(t, breaker.PhaseClosed, p.Stats().State)
	})
}

func TestGobreaker_hungProbeHoldsHalfOpenForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{FailureThreshold: 1, Attempts: 1})
		require.Error(t, does(t, p, errDown))
		time.Sleep(300*time.Second + 1)
		began := time.Now()
		_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) { return ignores(24 * time.Hour) })
		require.Error(t, err)
		require.Equal(t, 15*time.Second, time.Since(began), "a probe has AttemptTimeout")
		require.Equal(t, breaker.PhaseOpen, p.Stats().State)
		time.Sleep(300*time.Second + 1)
		require.NoError(t, does(t, p, nil), "the next probe is let through while the hung one still runs")
		require.Equal(t, 1, p.Stats().Abandoned)
	})
}

func TestGobreaker_goexitInTheProbeLeaksItsSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{FailureThreshold: 1, Attempts: 1})
		require.Error(t, does(t, p, errDown))
		time.Sleep(300*time.Second + 1)
		_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) { runtime.Goexit(); return "", nil })
		require.ErrorIs(t, err, breaker.ErrGoexit)
		require.Equal(t, breaker.PhaseOpen, p.Stats().State)
		time.Sleep(300*time.Second + 1)
		require.NoError(t, does(t, p, nil))
	})
}

func TestGobreaker_panicInTheProbeComesBackAsAPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{FailureThreshold: 1, Attempts: 1})
		require.Error(t, does(t, p, errDown))
		time.Sleep(300*time.Second + 1)
		_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) { panic("probe") })
		var panicked *breaker.PanicError
		require.ErrorAs(t, err, &panicked)
		require.Equal(t, breaker.PhaseOpen, p.Stats().State)
	})
}

func TestGobreaker_resultsOfCallsLongerThanTheWindowAreDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		raw := gobreaker.NewCircuitBreaker[int](gobreaker.Settings{Interval: time.Minute})
		p := open(t, breaker.Config{Attempts: 1, AttemptTimeout: 2 * time.Minute, Timeout: 2 * time.Minute})
		slow := func(context.Context) (int, error) { time.Sleep(90 * time.Second); return 0, errDown }
		for range 20 {
			_, _ = raw.Execute(func() (int, error) { return slow(t.Context()) })
		}
		require.Equal(t, gobreaker.StateClosed, raw.State())
		for range 3 {
			_, err := breaker.Do(t.Context(), p, slow)
			require.ErrorIs(t, err, errDown)
		}
		require.Equal(t, breaker.PhaseOpen, p.Stats().State, "there is no window")
	})
}

func TestGobreaker_sparseFailuresDecay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		raw := gobreaker.NewCircuitBreaker[int](gobreaker.Settings{
			Interval: 10 * time.Minute, BucketPeriod: time.Minute,
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 5 },
		})
		p := open(t, breaker.Config{Attempts: 1, FailureThreshold: 5})
		for range 5 {
			require.Equal(t, breaker.PhaseClosed, p.Stats().State)
			require.Error(t, does(t, p, errDown))
			_, _ = raw.Execute(func() (int, error) { return 0, errDown })
			time.Sleep(3 * time.Minute)
		}
		require.Equal(t, gobreaker.StateClosed, raw.State())
		require.Equal(t, breaker.PhaseOpen, p.Stats().State)
	})
}

func TestGobreaker_manySuccessesMustNotOutweighFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{Attempts: 1})
		for range 1000 {
			require.NoError(t, does(t, p, nil))
		}
		for range 3 {
			require.Equal(t, breaker.PhaseClosed, p.Stats().State)
			require.Error(t, does(t, p, errDown))
		}
		require.Equal(t, breaker.PhaseOpen, p.Stats().State)
	})
}

func TestGobreaker_callbackUnderItsMutexMayNotAskIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p *breaker.Policy
		asked := make(chan breaker.Stats, 1)
		p = open(t, breaker.Config{FailureThreshold: 1, Attempts: 1, OnChange: func(breaker.Change) {
			p.Save()
			asked <- p.Stats()
		}})
		require.Error(t, does(t, p, errDown))
		require.Equal(t, breaker.PhaseOpen, (<-asked).State)
	})
}

func TestGobreaker_oneProbeUnderAHundredCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{})
		trip(t, p)
		time.Sleep(300*time.Second + 1)
		var calls, refused, served atomic.Int64
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				_, err := breaker.Do(t.Context(), p, func(ctx context.Context) (string, error) {
					calls.Add(1)
					return obeys(ctx, 5*time.Second)
				})
				var open *breaker.OpenError
				switch {
				case err == nil:
					served.Add(1)
				case errors.As(err, &open) && open.Phase == breaker.PhaseHalfOpen:
					refused.Add(1)
				}
			})
		}
		group.Wait()
		require.Equal(t, int64(1), calls.Load())
		require.Equal(t, int64(1), served.Load())
		require.Equal(t, int64(99), refused.Load())
		require.Equal(t, breaker.PhaseClosed, p.Stats().State)
	})
}

func TestGobreaker_probeMakesASingleAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, calls := open(t, breaker.Config{}), 0
		trip(t, p)
		time.Sleep(300*time.Second + 1)
		_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) { calls++; return "", errDown })
		var exhausted *breaker.ExhaustedError
		require.ErrorAs(t, err, &exhausted)
		require.Equal(t, 1, exhausted.Attempts)
		require.Equal(t, 1, calls)
		s := p.Stats()
		require.Equal(t, breaker.PhaseOpen, s.State)
		require.Equal(t, uint64(2), s.Opened)
		require.Equal(t, 300*time.Second, s.NextProbeIn)
	})
}

func TestGobreaker_excludedProbeFreesItsSlotAndNeitherHealsNorTrips(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{})
		trip(t, p)
		time.Sleep(300*time.Second + 1)
		require.Equal(t, errConfig, does(t, p, errConfig))
		require.Equal(t, breaker.PhaseHalfOpen, p.Stats().State)
		time.Sleep(p.Stats().NextProbeIn)
		require.Error(t, does(t, p, errLimited))
		require.Equal(t, breaker.PhaseCooldown, p.Stats().State)
		time.Sleep(30 * time.Second)
		require.Equal(t, breaker.PhaseHalfOpen, p.Stats().State)
		require.NoError(t, does(t, p, nil))
		require.Equal(t, breaker.PhaseClosed, p.Stats().State)
	})
}

func TestGobreaker_isStillOpenAtExactlyItsTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{})
		trip(t, p)
		time.Sleep(300 * time.Second)
		var refused *breaker.OpenError
		require.ErrorAs(t, does(t, p, nil), &refused)
		require.Equal(t, time.Duration(1), refused.RetryIn, "never zero while open")
		time.Sleep(refused.RetryIn)
		require.NoError(t, does(t, p, nil))
	})
}

func TestGobreaker_movesToHalfOpenOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		told := &changes{}
		p := open(t, breaker.Config{OnChange: told.note})
		trip(t, p)
		time.Sleep(time.Hour)
		require.Equal(t, []breaker.Phase{breaker.PhaseOpen}, told.phases(), "nobody asked")
		require.Equal(t, breaker.PhaseHalfOpen, p.Stats().State, "a gauge that polls is never late")
		require.Equal(t, []breaker.Phase{breaker.PhaseOpen, breaker.PhaseHalfOpen}, told.phases())
		require.Zero(t, p.Stats().NextProbeIn)
	})
}

func TestGobreaker_countsCallsNotAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, calls := open(t, breaker.Config{}), 0
		for range 3 {
			require.Equal(t, breaker.PhaseClosed, p.Stats().State)
			_, err := breaker.Do(t.Context(), p, func(context.Context) (int, error) { calls++; return 0, errDown })
			require.Error(t, err)
		}
		require.Equal(t, 9, calls)
		require.Equal(t, breaker.PhaseOpen, p.Stats().State)
		require.Equal(t, uint64(3), p.Stats().Failures)
	})
}

func TestGobreaker_forgetsItsCountsWhenItOpens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{Attempts: 1})
		trip(t, p)
		s := p.Stats()
		require.Equal(t, 3, s.ConsecutiveFailures, "ours stay")
		require.Equal(t, uint64(3), s.Total)
		require.Equal(t, uint64(1), s.Rejected)
	})
}

func TestGobreaker_dropsResultsOfAnEarlierGenerationButStatsDoNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{FailureThreshold: 1, Attempts: 1})
		late := make(chan error)
		go func() {
			_, err := breaker.Do(t.Context(), p, func(ctx context.Context) (string, error) { return obeys(ctx, time.Second) })
			late <- err
		}()
		synctest.Wait()
		require.Error(t, does(t, p, errDown))
		require.NoError(t, <-late, "an answer is an answer")
		s := p.Stats()
		require.Equal(t, breaker.PhaseOpen, s.State, "but does not close the circuit")
		require.Equal(t, uint64(1), s.Successes)
	})
}
