package breaker_test

import (
	"bytes"
	"context"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/breaker"
)

func TestOnChange_isToldInOrderWithEverythingItNeeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		told, stamp := &changes{}, time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
		p := open(t, breaker.Config{Name: "model", Attempts: 1, OnChange: told.note, Now: func() time.Time { return stamp }})
		trip(t, p)
		time.Sleep(300*time.Second + 1)
		require.NoError(t, does(t, p, nil))
		trip(t, p)
		p.Reset()
		p.Reset()
		c := func(from, to breaker.Phase, reason string, retry time.Duration) breaker.Change {
			return breaker.Change{Name: "model", From: from, To: to, Reason: reason, RetryIn: retry, At: stamp.UTC()}
		}
		require.Equal(t, []breaker.Change{
			c(breaker.PhaseClosed, breaker.PhaseOpen, "down", 5*time.Minute),
			c(breaker.PhaseOpen, breaker.PhaseHalfOpen, "the recovery time is over", 0),
			c(breaker.PhaseHalfOpen, breaker.PhaseClosed, "the probe succeeded", 0),
			c(breaker.PhaseClosed, breaker.PhaseOpen, "down", 5*time.Minute),
			c(breaker.PhaseOpen, breaker.PhaseClosed, "reset by hand", 0),
		}, told.settled())
	})
}

func TestOnChange_slowListenerHoldsUpNobodyAndLosesNoOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		told := &changes{}
		p := open(t, breaker.Config{FailureThreshold: 1, Attempts: 1, OnChange: func(c breaker.Change) {
			time.Sleep(time.Minute)
			told.note(c)
		}})
		began := time.Now()
		for range 5 {
			require.Error(t, does(t, p, errDown))
			p.Reset()
		}
		require.Zero(t, time.Since(began))
		require.NoError(t, p.Close(t.Context()), "Close waits for deliveries")
		require.Equal(t, 10*time.Minute, time.Since(began))
		want := []breaker.Phase{}
		for range 5 {
			want = append(want, breaker.PhaseOpen, breaker.PhaseClosed)
		}
		require.Equal(t, want, told.phases())
	})
}

func TestOnChange_boundsWhatAStuckListenerIsOwed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release, told := make(chan struct{}), &changes{}
		p := open(t, breaker.Config{FailureThreshold: 1, Attempts: 1, OnChange: func(c breaker.Change) {
			<-release
			told.note(c)
		}})
		require.Error(t, does(t, p, errDown))
		synctest.Wait() // the listener has the first
		for range 150 {
			p.Reset()
			require.Error(t, does(t, p, errDown))
		}
		require.Equal(t, uint64(300-256), p.Stats().DroppedChanges)
		close(release)
		require.Len(t, told.settled(), 1+256)
	})
}

func TestOnChange_panicOrGoexitOfTheListenerLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logs bytes.Buffer
		told := &changes{}
		ends := []func(){func() { panic("listener\nbroke") }, runtime.Goexit, func() {}}
		p := open(t, breaker.Config{
			FailureThreshold: 1, Attempts: 1, Logger: slog.New(slog.NewTextHandler(&logs, nil)),
			OnChange: func(c breaker.Change) {
				told.note(c)
				end := ends[0]
				ends = ends[1:]
				end()
			},
		})
		require.Error(t, does(t, p, errDown))
		p.Reset()
		require.Error(t, does(t, p, errDown))
		require.NoError(t, p.Close(t.Context()))
		require.Equal(t, []breaker.Phase{breaker.PhaseOpen, breaker.PhaseClosed, breaker.PhaseOpen}, told.phases())
		require.Contains(t, logs.String(), `level=ERROR msg=circuit_listener_panicked name=breaker panic="listener broke"`)
	})
}

func TestLogger_tellsAttemptsAndChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logs bytes.Buffer
		drop := func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
		p := open(t, breaker.Config{
			Name: "model", FailureThreshold: 1, Attempts: 2,
			Logger: slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: drop})),
		})
		require.Error(t, does(t, p, errDown))
		time.Sleep(300*time.Second + 1)
		_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) {
			synctest.Wait() // the change to half-open is delivered
			return "", nil
		})
		require.NoError(t, err)
		require.NoError(t, p.Close(t.Context()))
		lines := strings.Split(strings.TrimSpace(logs.String()), "\n")
		require.ElementsMatch(t, []string{
			`level=DEBUG msg=llm_api_call name=model attempt=1 attempts=2 timeout=15s`,
			`level=DEBUG msg=llm_api_call name=model attempt=2 attempts=2 timeout=15s`,
			`level=WARN msg=circuit_breaker name=model from=closed to=open reason=down retry_in=5m0s`,
			`level=DEBUG msg=llm_api_call name=model attempt=1 attempts=1 timeout=15s`,
			`level=WARN msg=circuit_breaker name=model from=open to=half_open reason="the recovery time is over" retry_in=0s`,
			`level=WARN msg=circuit_breaker name=model from=half_open to=closed reason="the probe succeeded" retry_in=0s`,
		}, lines)
	})
}
