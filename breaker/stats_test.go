package breaker_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/breaker"
)

func TestStats_ofAPolicyThatSawNothingInventNothing(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(open(t, breaker.Config{Name: "model"}).Stats())
	require.NoError(t, err)
	require.JSONEq(t, `{"name":"model","state":"closed","total":0,"successes":0,"failures":0,"excluded":0,"rejected":0,
		"consecutive_failures":0,"success_rate":null,"served_rate":null,"next_probe_in_ns":0,"opened":0,
		"latency_p50_ns":0,"latency_p95_ns":0,"latency_p99_ns":0,"running":0,"abandoned":0,"dropped_changes":0}`, string(text))
}

func TestStats_keepTheModelsRateApartFromTheServedRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{Attempts: 1, Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)) }})
		for _, err := range []error{nil, errConfig, errDown, errDown, errDown} {
			require.Equal(t, err == nil, does(t, p, err) == nil)
			p.ReportServed(!errors.Is(err, errConfig))
		}
		for range 4 {
			require.ErrorIs(t, does(t, p, nil), breaker.ErrOpen)
			p.ReportServed(true)
		}
		s := p.Stats()
		require.InDelta(t, 25, *s.SuccessRate, 0)
		require.InDelta(t, 100*8.0/9, *s.ServedRate, 1e-9)
		require.Equal(t, uint64(5), s.Total)
		require.Equal(t, uint64(1), s.Successes)
		require.Equal(t, uint64(3), s.Failures)
		require.Equal(t, uint64(1), s.Excluded)
		require.Equal(t, uint64(4), s.Rejected)
		require.Equal(t, 3, s.ConsecutiveFailures)
		require.Equal(t, uint64(1), s.Opened)
		require.Equal(t, time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC), s.LastFailureAt)
		require.Equal(t, "down", s.LastFailureReason)
		require.Equal(t, 300*time.Second, s.NextProbeIn)
	})
}

func TestStats_percentilesAreOfTheLast1024Attempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{})
		lasts := func(d time.Duration) {
			_, err := breaker.Do(t.Context(), p, func(ctx context.Context) (string, error) { return obeys(ctx, d) })
			require.NoError(t, err)
		}
		lasts(7 * time.Millisecond)
		require.Equal(t, 7*time.Millisecond, p.Stats().LatencyP50)
		require.Equal(t, 7*time.Millisecond, p.Stats().LatencyP99)
		for _, n := range rand.New(rand.NewPCG(1, 2)).Perm(1024) {
			lasts(time.Duration(n+1) * time.Millisecond)
		}
		s := p.Stats()
		require.Equal(t, 512*time.Millisecond, s.LatencyP50, "nearest rank, and the 7 ms are gone")
		require.Equal(t, 973*time.Millisecond, s.LatencyP95)
		require.Equal(t, 1014*time.Millisecond, s.LatencyP99)
	})
}

func TestStats_timedOutAttemptCountsWithItsLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{Attempts: 1})
		_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) { return ignores(time.Hour) })
		require.Error(t, err)
		require.Equal(t, 15*time.Second, p.Stats().LatencyP99)
	})
}

func TestPolicy_addsUpUnderConcurrentUse(t *testing.T) {
	t.Parallel()
	told := &changes{}
	p := open(t, breaker.Config{
		Attempts: 2, FirstDelay: 1, FailureThreshold: 2, RecoveryTimeout: time.Microsecond, Cooldown: 1, OnChange: told.note,
	})
	ends := []error{nil, nil, errDown, errConfig, errLimited, errBlocked}
	const callers, calls = 16, 200
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(caller), 1))
			for range calls {
				end := ends[random.IntN(len(ends))]
				_, _ = breaker.Do(context.Background(), p, func(context.Context) (int, error) { return 0, end })
				switch random.IntN(20) {
				case 0:
					p.Reset()
				case 1:
					_ = p.Restore(p.Save())
				}
			}
		})
	}
	group.Wait()
	require.NoError(t, p.Close(t.Context()))
	s := p.Stats()
	require.Equal(t, uint64(callers*calls), s.Total+s.Rejected)
	require.Equal(t, s.Total, s.Successes+s.Failures+s.Excluded)
	require.Zero(t, s.Running)
	if s.DroppedChanges == 0 {
		at := breaker.PhaseClosed
		for _, change := range told.all() {
			require.Equal(t, at, change.From)
			at = change.To
		}
	}
}
