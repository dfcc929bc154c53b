package breaker_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/breaker"
)

// halfOpen is a policy whose probe is due.
func halfOpen(t *testing.T, cfg breaker.Config) *breaker.Policy {
	t.Helper()
	cfg.FailureThreshold = 1
	p := open(t, cfg)
	require.Error(t, does(t, p, errBlocked))
	time.Sleep(p.Stats().NextProbeIn + 1)
	require.Equal(t, breaker.PhaseHalfOpen, p.Stats().State)
	return p
}

// hangs calls once, with a deadline, a function that never answers.
func hangs(t *testing.T, p *breaker.Policy, deadline time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	_, err := breaker.Do(ctx, p, func(ctx context.Context) (string, error) { return obeys(ctx, time.Hour) })
	return err
}

func TestDo_hangOpensTheCircuitAlsoForCallersWithShorterDeadlines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{})
		for range 3 {
			require.ErrorIs(t, hangs(t, p, 10*time.Second), context.DeadlineExceeded)
		}
		require.ErrorIs(t, hangs(t, p, 10*time.Second), breaker.ErrOpen)
		require.Equal(t, uint64(3), p.Stats().Failures)
	})
}

func TestDo_impatientCallersNeverOpenTheCircuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{})
		for range 50 {
			require.Equal(t, context.DeadlineExceeded, hangs(t, p, time.Second))
		}
		require.Equal(t, breaker.PhaseClosed, p.Stats().State)
	})
}

func TestDo_probeCutByTheDeadlineAfterAFairTimeReopensTheCircuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			limit, deadline time.Duration
			want            breaker.Phase
		}{
			"two seconds":            {15 * time.Second, 2 * time.Second, breaker.PhaseOpen},
			"less":                   {15 * time.Second, 2*time.Second - 1, breaker.PhaseHalfOpen},
			"a third of a short one": {3 * time.Second, time.Second, breaker.PhaseOpen},
			"less than a third":      {3 * time.Second, time.Second - 1, breaker.PhaseHalfOpen},
		} {
			p := halfOpen(t, breaker.Config{AttemptTimeout: c.limit})
			require.ErrorIs(t, hangs(t, p, c.deadline), context.DeadlineExceeded, name)
			require.Equal(t, c.want, p.Stats().State, name)
			if c.want == breaker.PhaseOpen {
				require.Equal(t, 300*time.Second, p.Stats().NextProbeIn, name)
			}
		}
	})
}

func TestDo_probeThatProvesNothingHoldsTheNextOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cancelled := func(p *breaker.Policy) error {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Minute, cancel)
			_, err := breaker.Do(ctx, p, func(ctx context.Context) (string, error) { return obeys(ctx, time.Hour) })
			return err
		}
		for name, c := range map[string]struct {
			recovery, pause time.Duration
			probe           func(*breaker.Policy) error
		}{
			"excluded":         {300 * time.Second, 30 * time.Second, func(p *breaker.Policy) error { return does(t, p, errConfig) }},
			"a long recovery":  {time.Hour, 30 * time.Second, func(p *breaker.Policy) error { return does(t, p, errConfig) }},
			"a short recovery": {10 * time.Second, time.Second, func(p *breaker.Policy) error { return does(t, p, errConfig) }},
			"cut":              {300 * time.Second, 30 * time.Second, func(p *breaker.Policy) error { return hangs(t, p, time.Second) }},
			"cancelled":        {300 * time.Second, 30 * time.Second, cancelled},
		} {
			p := halfOpen(t, breaker.Config{RecoveryTimeout: c.recovery, AttemptTimeout: 15 * time.Minute, Timeout: 20 * time.Minute})
			require.Error(t, c.probe(p), name)
			made := p.Stats().Total
			for range 100 {
				require.ErrorIs(t, does(t, p, nil), breaker.ErrOpen, name)
			}
			var refused *breaker.OpenError
			require.ErrorAs(t, does(t, p, nil), &refused)
			require.Equal(t, &breaker.OpenError{
				Name: "breaker", Phase: breaker.PhaseHalfOpen, Reason: "its last probe proved nothing", RetryIn: c.pause,
			}, refused, name)
			s := p.Stats()
			require.Equal(t, made, s.Total, name)
			require.Equal(t, uint64(101), s.Rejected, name)
			require.Equal(t, c.pause, s.NextProbeIn, name)
			require.Equal(t, c.pause, time.Until(p.Save().ProbeAt), "a restart does not end it")
			time.Sleep(c.pause)
			require.NoError(t, does(t, p, nil), name)
			require.Equal(t, breaker.PhaseClosed, p.Stats().State, name)
		}
	})
}

func TestReset_endsThePauseAfterAProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := halfOpen(t, breaker.Config{})
		require.Error(t, does(t, p, errConfig))
		p.Reset()
		require.NoError(t, does(t, p, nil))
	})
}

func TestDo_excludedCallOfAClosedCircuitPausesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{})
		require.Error(t, does(t, p, errConfig))
		require.NoError(t, does(t, p, nil))
	})
}

func TestDo_providersLongerWaitPutsTheProbeOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for asked, want := range map[time.Duration]time.Duration{
			time.Minute: 5 * time.Minute, 10 * time.Minute: 10 * time.Minute, 1<<63 - 1: 15 * time.Minute,
		} {
			told := &changes{}
			p := open(t, breaker.Config{FailureThreshold: 1, OnChange: told.note})
			require.Error(t, does(t, p, &failure{wait: asked}))
			require.Equal(t, want, p.Stats().NextProbeIn)
			require.Equal(t, want, told.settled()[0].RetryIn)
			require.Equal(t, breaker.PhaseOpen, p.Stats().State)
			time.Sleep(want - time.Nanosecond)
			require.ErrorIs(t, does(t, p, nil), breaker.ErrOpen)
			time.Sleep(2 * time.Nanosecond)
			require.NoError(t, does(t, p, nil))
		}
	})
}

func TestDo_rateLimitAfterFailedAttemptsIsAFailedCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, calls := open(t, breaker.Config{FailureThreshold: 1}), 0
		_, err := breaker.Do(t.Context(), p, func(context.Context) (string, error) {
			if calls++; calls < 3 {
				return "", errDown
			}
			return "", errLimited
		})
		require.ErrorIs(t, err, errLimited, "the caller is told the last")
		s := p.Stats()
		require.Equal(t, uint64(1), s.Failures)
		require.Equal(t, "down", s.LastFailureReason)
		require.Equal(t, breaker.PhaseOpen, s.State)
	})
}

func TestQuality_reportFromBeforeTheOpeningIsNotTheProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := openQuality(t, breaker.QualityConfig{Threshold: 1, RecoveryTimeout: 10 * time.Second})
		require.NoError(t, q.Allow()) // reports late
		require.NoError(t, q.Allow())
		q.Report(false)
		time.Sleep(10*time.Second + 1)
		var refused *breaker.OpenError
		require.ErrorAs(t, q.Allow(), &refused)
		require.Equal(t, breaker.PhaseHalfOpen, refused.Phase)
		require.Equal(t, 50*time.Second-1, refused.RetryIn, "what is left of its Lease")
		q.Report(true)
		require.Equal(t, breaker.PhaseHalfOpen, q.Stats().State, "nobody probed")
		require.NoError(t, q.Allow(), "all have reported")
		require.ErrorIs(t, q.Allow(), breaker.ErrOpen)
		q.Report(true)
		require.Equal(t, breaker.PhaseClosed, q.Stats().State)
	})
}

func TestQuality_reportThatItselfFindsTheRecoveryOverIsNotTheProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := openQuality(t, breaker.QualityConfig{Threshold: 1, RecoveryTimeout: 10 * time.Second})
		q.Report(false)
		time.Sleep(10*time.Second + 1)
		q.Report(true)
		require.Equal(t, breaker.PhaseHalfOpen, q.Stats().State)
	})
}

func TestQuality_callThatNeverReportsDelaysTheProbeByItsLeaseAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := openQuality(t, breaker.QualityConfig{Threshold: 1, RecoveryTimeout: 10 * time.Second})
		require.NoError(t, q.Allow())
		require.NoError(t, q.Allow())
		q.Report(false)
		time.Sleep(60 * time.Second)
		require.NoError(t, q.Allow())
	})
}

// brokenHandler is a log handler that panics.
type brokenHandler struct{ slog.Handler }

func (brokenHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level > slog.LevelDebug
}
func (brokenHandler) Handle(context.Context, slog.Record) error { panic("handler") }

func TestOnChange_isToldAlsoWhenTheLogHandlerPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		told := &changes{}
		p := open(t, breaker.Config{
			FailureThreshold: 1, Attempts: 1, Logger: slog.New(brokenHandler{}),
			OnChange: func(c breaker.Change) {
				told.note(c)
				panic("listener too")
			},
		})
		require.Error(t, does(t, p, errDown))
		p.Reset()
		require.Equal(t, []breaker.Phase{breaker.PhaseOpen, breaker.PhaseClosed}, told.phases())
	})
}
