package breaker_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/breaker"
)

func TestDo_configurationErrorIsReturnedAtOnceAndNotCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, began := open(t, breaker.Config{FailureThreshold: 2}), time.Now()
		require.Error(t, does(t, p, errDown))
		waited := time.Since(began)
		for range 10 {
			require.Equal(t, errConfig, does(t, p, errConfig))
		}
		require.Equal(t, waited, time.Since(began), "none waited")
		require.Equal(t, 1, p.Stats().ConsecutiveFailures, "they healed nothing")
		require.Equal(t, breaker.PhaseClosed, p.Stats().State)
	})
}

func TestDo_rateLimitCoolsThePolicyAndIsNoFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		told := &changes{}
		p := open(t, breaker.Config{FailureThreshold: 1, OnChange: told.note})
		var exhausted *breaker.ExhaustedError
		require.ErrorAs(t, does(t, p, errLimited), &exhausted)
		require.Equal(t, 1, exhausted.Attempts, "30 s do not fit into 30 s")
		var refused *breaker.OpenError
		require.ErrorAs(t, does(t, p, nil), &refused)
		require.Equal(t, breaker.PhaseCooldown, refused.Phase)
		require.Equal(t, 30*time.Second, refused.RetryIn)
		require.Equal(t, breaker.PhaseCooldown, p.Stats().State)
		time.Sleep(30*time.Second - 1)
		require.ErrorIs(t, does(t, p, nil), breaker.ErrOpen)
		time.Sleep(time.Nanosecond)
		require.NoError(t, does(t, p, nil))
		require.Zero(t, p.Stats().Failures)
		require.Equal(t, uint64(1), p.Stats().Excluded)
		require.Equal(t, []breaker.Phase{breaker.PhaseCooldown, breaker.PhaseClosed}, told.phases())
		require.Equal(t, 30*time.Second, told.settled()[0].RetryIn)
	})
}

func TestDo_rateLimitIsRetriedWithinTheCallWhenTheWaitFits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, began, calls := open(t, breaker.Config{}), time.Now(), 0
		got, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) {
			if calls++; calls == 1 {
				return "", &failure{limited: true, wait: 20 * time.Second}
			}
			return "value", nil
		})
		require.NoError(t, err)
		require.Equal(t, "value", got)
		require.Equal(t, 20*time.Second, time.Since(began))
	})
}

func TestDo_cooldownProlongedByAnotherCallStopsTheRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{})
		slow := make(chan error)
		go func() {
			_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) {
				_, _ = ignores(time.Second)
				return "", &failure{limited: true, wait: time.Minute}
			})
			slow <- err
		}()
		synctest.Wait()
		calls := 0
		_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) {
			calls++
			return "", &failure{limited: true, wait: 10 * time.Second}
		})
		require.Error(t, err)
		require.Equal(t, 1, calls)
		require.Error(t, <-slow)
		require.Equal(t, 51*time.Second, p.Stats().NextProbeIn)
	})
}

func TestDo_hostileRetryAfterIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{})
		require.Error(t, does(t, p, &failure{limited: true, wait: 1<<63 - 1}))
		require.Equal(t, 15*time.Minute, p.Stats().NextProbeIn)
		time.Sleep(15 * time.Minute)
		require.NoError(t, does(t, p, nil))
	})
}

func TestDo_blockedOpensTheCircuitAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, calls := open(t, breaker.Config{}), 0
		_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) { calls++; return "", errBlocked })
		require.Equal(t, error(errBlocked), err)
		require.Equal(t, 1, calls, "not retried")
		var refused *breaker.OpenError
		require.ErrorAs(t, does(t, p, nil), &refused)
		require.Equal(t, "failure", refused.Reason)
		require.Equal(t, breaker.PhaseOpen, refused.Phase)
		require.Equal(t, "failure", p.Stats().LastFailureReason)
	})
}

func TestDo_stopsRetryingOnceTheCircuitIsOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, calls := open(t, breaker.Config{FirstDelay: time.Second}), 0
		done := make(chan error)
		go func() {
			_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) { calls++; return "", errDown })
			done <- err
		}()
		synctest.Wait()
		require.Equal(t, error(errBlocked), does(t, p, errBlocked))
		var exhausted *breaker.ExhaustedError
		require.ErrorAs(t, <-done, &exhausted)
		require.Equal(t, 1, exhausted.Attempts)
		require.Equal(t, 1, calls)
	})
}

func TestDo_panicIsAnErrorAndIsNotRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, calls := open(t, breaker.Config{}), 0
		_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) {
			calls++
			panic("first\nsecond\x1b[31m\xff" + strings.Repeat("é", 500))
		})
		require.Equal(t, 1, calls)
		var panicked *breaker.PanicError
		require.ErrorAs(t, err, &panicked)
		require.True(t, strings.HasPrefix(panicked.Text, "first second [31m�é"), panicked.Text)
		require.True(t, strings.HasSuffix(panicked.Text, "é…"))
		require.LessOrEqual(t, len(panicked.Text), 200)
		require.True(t, utf8.ValidString(panicked.Text))
		require.Equal(t, uint64(1), p.Stats().Failures)
		_, err = breaker.Do[string](t.Context(), p, nil)
		require.ErrorAs(t, err, &panicked)
		require.Contains(t, panicked.Text, "nil pointer")
	})
}

func TestDo_goexitEndsNobodyElsesGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, calls := open(t, breaker.Config{}), 0
		_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) {
			calls++
			runtime.Goexit()
			return "", nil
		})
		require.ErrorIs(t, err, breaker.ErrGoexit)
		require.Equal(t, 1, calls)
		require.Equal(t, uint64(1), p.Stats().Failures)
	})
}

func TestDo_panickingClassifyLeaksNoSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{FailureThreshold: 1, Attempts: 1, Classify: func(error) breaker.Class { panic("classify") }})
		require.PanicsWithValue(t, "classify", func() { _ = does(t, p, errDown) })
		var refused *breaker.OpenError
		require.ErrorAs(t, does(t, p, nil), &refused)
		require.Equal(t, "classify", refused.Reason)
	})
}

func TestDo_shorterRateLimitDoesNotShortenACooldown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{})
		late := make(chan error)
		go func() {
			_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) {
				_, _ = ignores(time.Second)
				return "", &failure{limited: true, wait: 20 * time.Second}
			})
			late <- err
		}()
		synctest.Wait()
		require.Error(t, does(t, p, &failure{limited: true, wait: time.Minute}))
		require.Error(t, <-late, "and its own retry finds the longer one")
		require.Equal(t, 39*time.Second, p.Stats().NextProbeIn)
	})
}

func TestDo_cooldownOfAnOpenCircuitProlongsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		told := &changes{}
		p := open(t, breaker.Config{OnChange: told.note})
		late := make(chan error)
		go func() {
			_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) {
				_, _ = ignores(time.Second)
				return "", &failure{limited: true, wait: 10 * time.Minute}
			})
			late <- err
		}()
		synctest.Wait()
		require.Error(t, does(t, p, errBlocked))
		require.Error(t, <-late)
		time.Sleep(5 * time.Minute)
		var refused *breaker.OpenError
		require.ErrorAs(t, does(t, p, nil), &refused)
		require.Equal(t, &breaker.OpenError{Name: "breaker", Phase: breaker.PhaseOpen, Reason: "failure", RetryIn: 5 * time.Minute}, refused)
		require.Equal(t, breaker.PhaseCooldown, p.Stats().State, "asked, the circuit is due for its probe, but the provider asked for more")
		time.Sleep(5 * time.Minute)
		require.NoError(t, does(t, p, nil))
		require.Equal(t, []breaker.Phase{
			breaker.PhaseOpen, breaker.PhaseCooldown, breaker.PhaseHalfOpen, breaker.PhaseClosed,
		}, told.phases())
	})
}

func TestDo_endsAtOnceWhenAnAttemptFindsTheCircuitOpened(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, began := open(t, breaker.Config{}), time.Now()
		late := make(chan error)
		go func() {
			_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) {
				_, _ = ignores(time.Second)
				return "", errDown
			})
			late <- err
		}()
		synctest.Wait()
		require.Equal(t, error(errBlocked), does(t, p, errBlocked))
		require.ErrorIs(t, <-late, errDown)
		require.Equal(t, time.Second, time.Since(began), "it did not even wait")
	})
}

func TestDo_panicIsAFailureWhateverClassifySays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{Classify: func(error) breaker.Class { return breaker.ClassExcluded }})
		_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) { panic("call") })
		require.Error(t, err)
		require.Equal(t, uint64(1), p.Stats().Failures)
	})
}
