package breaker_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/breaker"
)

func openQuality(t *testing.T, cfg breaker.QualityConfig) *breaker.Quality {
	t.Helper()
	q, err := breaker.NewQuality(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close(context.Background())) })
	return q
}

func TestQuality_threeUndecodableAnswersInARowLeaveTheModelAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		told := &changes{}
		q := openQuality(t, breaker.QualityConfig{OnChange: told.note})
		for _, ok := range []bool{false, false, true, false, false, false} {
			require.NoError(t, q.Allow())
			q.Report(ok)
		}
		var refused *breaker.OpenError
		require.ErrorAs(t, q.Allow(), &refused)
		require.Equal(t, &breaker.OpenError{
			Name: "quality", Phase: breaker.PhaseOpen, Reason: "the answer could not be decoded", RetryIn: 5 * time.Minute,
		}, refused)
		time.Sleep(300*time.Second + 1)
		require.NoError(t, q.Allow())
		q.Report(true)
		require.NoError(t, q.Allow())
		require.Equal(t, []breaker.Phase{breaker.PhaseOpen, breaker.PhaseHalfOpen, breaker.PhaseClosed}, told.phases())
		s := q.Stats()
		require.Equal(t, uint64(7), s.Total)
		require.Equal(t, uint64(5), s.Failures)
		require.Equal(t, uint64(1), s.Rejected)
	})
}

func TestQuality_allowsOneProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := openQuality(t, breaker.QualityConfig{Threshold: 1})
		q.Report(false)
		time.Sleep(300*time.Second + 1)
		var allowed atomic.Int64
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				if q.Allow() == nil {
					allowed.Add(1)
				}
			})
		}
		group.Wait()
		require.Equal(t, int64(1), allowed.Load())
		q.Report(false)
		require.Equal(t, 300*time.Second, q.Stats().NextProbeIn, "a failed probe opens it again")
	})
}

func TestQuality_probeThatIsNeverReportedHoldsNobodyOffForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := openQuality(t, breaker.QualityConfig{Threshold: 1, Lease: 10 * time.Second})
		q.Report(false)
		time.Sleep(300*time.Second + 1)
		require.NoError(t, q.Allow())
		var refused *breaker.OpenError
		require.ErrorAs(t, q.Allow(), &refused)
		require.Equal(t, breaker.PhaseHalfOpen, refused.Phase)
		require.Equal(t, 10*time.Second, refused.RetryIn)
		time.Sleep(refused.RetryIn)
		require.NoError(t, q.Allow())
	})
}

func TestQuality_reportEndsTheLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := openQuality(t, breaker.QualityConfig{Threshold: 1, Lease: time.Hour})
		for range 3 {
			q.Report(false)
			time.Sleep(300*time.Second + 1)
			require.NoError(t, q.Allow())
		}
	})
}

func TestQuality_lateReportDoesNotMoveAnOpenCircuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := openQuality(t, breaker.QualityConfig{Threshold: 1})
		q.Report(false)
		q.Report(true)
		require.ErrorIs(t, q.Allow(), breaker.ErrOpen)
	})
}

func TestQuality_isSavedAndReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := openQuality(t, breaker.QualityConfig{Name: "m", Threshold: 1})
		q.Report(false)
		again := openQuality(t, breaker.QualityConfig{Name: "m", Threshold: 1})
		require.NoError(t, again.Restore(q.Save()))
		require.ErrorIs(t, again.Allow(), breaker.ErrOpen)
		again.Reset()
		require.NoError(t, again.Allow())
	})
}

func TestNewQuality_reportsEveryProblemInOneError(t *testing.T) {
	t.Parallel()
	_, err := breaker.NewQuality(breaker.QualityConfig{Name: strings.Repeat("n", 201), Threshold: -1, RecoveryTimeout: -1, Lease: -1})
	require.EqualError(t, err, strings.Join([]string{
		"breaker: Name must be at most 200 bytes of UTF-8, was 201 bytes",
		"breaker: Threshold must be between 1 and 1000, was -1",
		"breaker: RecoveryTimeout must be above 0 and at most 24h0m0s, was -1ns",
		"breaker: Lease must be above 0 and at most 1h0m0s, was -1ns",
	}, "\n"))
}
