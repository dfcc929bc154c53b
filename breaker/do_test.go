package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/breaker"
)

func TestDo_retriesUntilItSucceeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, began, calls := open(t, breaker.Config{}), time.Now(), 0
		got, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) {
			if calls++; calls < 3 {
				return "ignored", errDown
			}
			return "value", nil
		})
		require.NoError(t, err)
		require.Equal(t, "value", got)
		require.Equal(t, 3, calls)
		require.Equal(t, 500*time.Millisecond+750*time.Millisecond, time.Since(began), "first delay, then × 1.5")
		require.Equal(t, uint64(1), p.Stats().Successes)
		require.Zero(t, p.Stats().Failures)
	})
}

func TestDo_exhaustsItsAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for attempts := 1; attempts <= 4; attempts++ {
			p, calls := open(t, breaker.Config{Attempts: attempts}), 0
			got, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) { calls++; return "ignored", errDown })
			var exhausted *breaker.ExhaustedError
			require.ErrorAs(t, err, &exhausted)
			require.Equal(t, attempts, exhausted.Attempts)
			require.Equal(t, attempts, calls)
			require.ErrorIs(t, err, errDown)
			require.Empty(t, got, "an error comes with the zero value")
		}
	})
}

func TestDo_jitterIsUniformFromZeroToTheDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, err := breaker.New(breaker.Config{Attempts: 2, FailureThreshold: 1000})
		require.NoError(t, err)
		var least, most, sum time.Duration = time.Hour, 0, 0
		const calls = 900
		for range calls {
			began := time.Now()
			require.Error(t, does(t, p, errDown))
			waited := time.Since(began)
			least, most, sum = min(least, waited), max(most, waited), sum+waited
		}
		require.LessOrEqual(t, most, 500*time.Millisecond)
		require.Greater(t, most, 450*time.Millisecond)
		require.Less(t, least, 50*time.Millisecond)
		require.InDelta(t, 250, float64((sum / calls).Milliseconds()), 30)
	})
}

func TestDo_waitsNeverLeaveTheirBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		cfg := breaker.Config{
			Attempts: rapid.IntRange(1, 10).Draw(rt, "attempts"), Timeout: time.Hour,
			FirstDelay:    time.Duration(rapid.Int64Range(1, int64(time.Minute)).Draw(rt, "first")),
			BackoffFactor: rapid.Float64Range(1, 10).Draw(rt, "factor"),
		}
		cfg.MaxDelay = cfg.FirstDelay + time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(rt, "more"))
		offset := time.Duration(rapid.Int64Range(-1<<40, 1<<40).Draw(rt, "jitter"))
		var asked []time.Duration
		cfg.Jitter = func(most time.Duration) time.Duration {
			asked = append(asked, most)
			return most + offset
		}
		var stamps []time.Time
		synctest.Test(t, func(t *testing.T) {
			_, _ = breaker.Do(t.Context(), open(t, cfg), func(context.Context) (int, error) {
				stamps = append(stamps, time.Now())
				return 0, errDown
			})
		})
		require.NotEmpty(rt, stamps)
		for i, most := range asked {
			require.LessOrEqual(rt, most, cfg.MaxDelay)
			require.True(rt, i == 0 || most >= asked[i-1], "delays never shrink: %v", asked)
		}
		for i := 1; i < len(stamps); i++ {
			require.LessOrEqual(rt, stamps[i].Sub(stamps[i-1]), asked[i-1])
		}
	})
}

func TestDo_honoursALongerRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for asked, want := range map[time.Duration]time.Duration{3 * time.Second: 3 * time.Second, time.Millisecond: 500 * time.Millisecond, -time.Hour: 500 * time.Millisecond} {
			p, began := open(t, breaker.Config{Attempts: 2}), time.Now()
			require.Error(t, does(t, p, &failure{wait: asked}))
			require.Equal(t, want, time.Since(began))
		}
	})
}

func TestDo_doesNotBeginAWaitThatTheDeadlineWouldCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			cfg   breaker.Config
			limit time.Duration
			wait  time.Duration
		}{
			"caller's deadline": {breaker.Config{}, 500 * time.Millisecond, 0},
			"whole call":        {breaker.Config{Timeout: 15 * time.Second}, time.Hour, 15 * time.Second},
			"hostile wait":      {breaker.Config{}, time.Hour, 1<<63 - 1},
		} {
			p, began := open(t, c.cfg), time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), c.limit)
			_, err := breaker.Do(ctx, p, func(context.Context) (int, error) { return 0, &failure{wait: c.wait} })
			cancel()
			var exhausted *breaker.ExhaustedError
			require.ErrorAs(t, err, &exhausted, name)
			require.Equal(t, 1, exhausted.Attempts, name)
			require.Zero(t, time.Since(began), name)
			require.Equal(t, uint64(1), p.Stats().Failures, name)
		}
	})
}

func TestDo_endsAnAttemptOnTimeAndRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, began, calls := open(t, breaker.Config{}), time.Now(), 0
		got, err := breaker.Do(t.Context(), p, func(ctx context.Context) (string, error) {
			if calls++; calls == 1 {
				return obeys(ctx, time.Hour)
			}
			return obeys(ctx, 10*time.Second)
		})
		require.NoError(t, err)
		require.Equal(t, "value", got)
		require.Equal(t, 25500*time.Millisecond, time.Since(began))
	})
}

func TestDo_endsTheWholeCallOnTimeWhateverTheFunctionDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, began := open(t, breaker.Config{}), time.Now()
		_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) { return ignores(time.Hour) })
		require.Equal(t, 30*time.Second, time.Since(began))
		var exhausted *breaker.ExhaustedError
		require.ErrorAs(t, err, &exhausted)
		require.Equal(t, 2, exhausted.Attempts)
		var limit *breaker.TimeoutError
		require.ErrorAs(t, err, &limit)
		require.Equal(t, &breaker.TimeoutError{After: 14500 * time.Millisecond, Call: true}, limit)
		require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller had no deadline")
		require.Equal(t, 2, p.Stats().Abandoned)
		require.Equal(t, uint64(1), p.Stats().Failures)
	})
}

func TestDo_cancelledByItsCallerCountsForNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, began := open(t, breaker.Config{FailureThreshold: 1}), time.Now()
		for name, fn := range map[string]func(context.Context) (string, error){
			"listening": func(ctx context.Context) (string, error) { return obeys(ctx, time.Hour) },
			"deaf":      func(context.Context) (string, error) { return ignores(time.Minute) },
			"wrapping": func(ctx context.Context) (string, error) {
				_, err := obeys(ctx, time.Hour)
				return "", fmt.Errorf("asking: %w", err)
			},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			_, err := breaker.Do(ctx, p, fn)
			require.Equal(t, context.Canceled, err, name)
		}
		require.Equal(t, 3*time.Second, time.Since(began), "a cancellation ends everything at once")
		s := p.Stats()
		require.Equal(t, breaker.PhaseClosed, s.State)
		require.Equal(t, uint64(3), s.Excluded)
		require.Nil(t, s.SuccessRate)
	})
}

func TestDo_cancelledDuringAWaitEndsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, began := open(t, breaker.Config{FailureThreshold: 1}), time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		_, err := breaker.Do(ctx, p, func(context.Context) (int, error) { return 0, errDown })
		require.Equal(t, context.Canceled, err)
		require.Equal(t, 100*time.Millisecond, time.Since(began))
		require.Equal(t, uint64(1), p.Stats().Excluded)
	})
}

func TestDo_callersShortDeadlineInTheFirstAttemptCountsForNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{FailureThreshold: 1})
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		_, err := breaker.Do(ctx, p, func(ctx context.Context) (string, error) { return obeys(ctx, time.Hour) })
		require.Equal(t, context.DeadlineExceeded, err)
		require.Equal(t, uint64(1), p.Stats().Excluded)
		require.Equal(t, breaker.PhaseClosed, p.Stats().State)
	})
}

func TestDo_callersDeadlineAfterAFailedAttemptIsAFailedCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{FailureThreshold: 1})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err := breaker.Do(ctx, p, func(context.Context) (string, error) { return ignores(time.Hour) })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var limit *breaker.TimeoutError
		require.ErrorAs(t, err, &limit)
		require.False(t, limit.Call, "the first attempt had its whole time")
		require.Equal(t, breaker.PhaseOpen, p.Stats().State)
	})
}

// starved is a deadline that is looked at only when the attempt's own limit has
// passed as well, as on a machine that was suspended.
type starved struct {
	context.Context
	deadline time.Time
}

func (c starved) Err() error {
	if time.Now().Before(c.deadline) {
		return nil
	}
	return context.DeadlineExceeded
}

func (c starved) Done() <-chan struct{} {
	time.Sleep(time.Until(c.deadline))
	done := make(chan struct{})
	close(done)
	return done
}

// untimely is a deadline whose timer has not run yet.
type untimely struct{ starved }

func (untimely) Err() error                    { return nil }
func (untimely) Done() <-chan struct{}         { return nil }
func (c untimely) Deadline() (time.Time, bool) { return c.deadline, true }

func TestDo_deadlineSeenTogetherWithTheLimitIsTheProvidersFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{Attempts: 1, FailureThreshold: 20})
		for range 20 { // whichever of the two select picks
			ctx := starved{t.Context(), time.Now().Add(15 * time.Second)}
			_, err := breaker.Do(ctx, p, func(context.Context) (string, error) { return ignores(time.Minute) })
			var limit *breaker.TimeoutError
			require.ErrorAs(t, err, &limit)
		}
		require.Equal(t, breaker.PhaseOpen, p.Stats().State)
	})
}

func TestDo_functionThatGoesByTheDeadlineItselfIsCutByIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for left, want := range map[time.Duration]uint64{time.Second: 0, 14 * time.Second: 1} {
			p := open(t, breaker.Config{})
			ctx := starved{t.Context(), time.Now().Add(left)}
			_, err := breaker.Do(untimely{ctx}, p, func(ctx context.Context) (int, error) {
				deadline, _ := ctx.Deadline()
				time.Sleep(time.Until(deadline)) // as package net does
				return 0, fmt.Errorf("read: %w", context.DeadlineExceeded)
			})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, want, p.Stats().Failures)
			require.Equal(t, 1-want, p.Stats().Excluded)
		}
	})
}

func TestDo_answerSeenTogetherWithTheEndIsAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{})
		for range 30 { // whichever of the three select picks
			ctx := starved{t.Context(), time.Now().Add(20 * time.Second)}
			got, err := breaker.Do(ctx, p, func(context.Context) (string, error) { return ignores(time.Second) })
			require.NoError(t, err)
			require.Equal(t, "late", got)
		}
		require.Equal(t, uint64(30), p.Stats().Successes)
		require.Zero(t, p.Stats().Abandoned)
	})
}

func TestDo_deadlineShorterThanTheLimitStillSeesAHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			limit, left time.Duration
			want        breaker.Phase
		}{
			"set a moment earlier": {15 * time.Second, 15*time.Second - time.Millisecond, breaker.PhaseOpen},
			"five seconds":         {15 * time.Second, 5 * time.Second, breaker.PhaseOpen},
			"less":                 {15 * time.Second, 5*time.Second - 1, breaker.PhaseClosed},
			"half of a short one":  {4 * time.Second, 2 * time.Second, breaker.PhaseOpen},
			"less than half":       {4 * time.Second, 2*time.Second - 1, breaker.PhaseClosed},
		} {
			p := open(t, breaker.Config{FailureThreshold: 1, AttemptTimeout: c.limit})
			ctx, cancel := context.WithTimeout(t.Context(), c.left)
			_, err := breaker.Do(ctx, p, func(ctx context.Context) (string, error) { return obeys(ctx, time.Hour) })
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded, name)
			limit, timedOut := errors.AsType[*breaker.TimeoutError](err)
			require.Equal(t, c.want == breaker.PhaseOpen, timedOut, name)
			if timedOut {
				require.Equal(t, &breaker.TimeoutError{After: c.left}, limit, name)
			}
			require.Equal(t, c.want, p.Stats().State, name)
		}
	})
}

func TestDo_threeHangsOpenTheCircuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{Name: "model"})
		hang := func(ctx context.Context) (string, error) { return obeys(ctx, time.Hour) }
		for range 3 {
			require.Equal(t, breaker.PhaseClosed, p.Stats().State)
			began := time.Now()
			_, err := breaker.Do(t.Context(), p, hang)
			require.Error(t, err)
			require.Equal(t, 30*time.Second, time.Since(began))
		}
		began := time.Now()
		_, err := breaker.Do(t.Context(), p, hang)
		require.Zero(t, time.Since(began))
		var refused *breaker.OpenError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, breaker.PhaseOpen, refused.Phase)
		require.Equal(t, "model", refused.Name)
		require.Equal(t, 5*time.Minute, refused.RetryIn)
		require.Contains(t, refused.Reason, "no answer in")
	})
}

func TestDo_endedContextIsNotCalled(t *testing.T) {
	t.Parallel()
	p := open(t, breaker.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := breaker.Do(ctx, p, func(context.Context) (int, error) { return 0, errors.New("called") })
	require.Equal(t, context.Canceled, err)
	require.Zero(t, p.Stats().Total)
}

func TestWrap_fitsAnySeam(t *testing.T) {
	t.Parallel()
	p := open(t, breaker.Config{})
	length := breaker.Wrap(p, func(_ context.Context, text string) (int, error) { return len(text), nil })
	got, err := length(t.Context(), "four")
	require.NoError(t, err)
	require.Equal(t, 4, got)
}
