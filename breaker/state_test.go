package breaker_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/breaker"
)

// restart is what a host does: encode, end, decode, restore.
func restart(t *testing.T, p *breaker.Policy, cfg breaker.Config, down time.Duration) *breaker.Policy {
	t.Helper()
	text, err := json.Marshal(p.Save())
	require.NoError(t, err)
	time.Sleep(down)
	var saved breaker.State
	require.NoError(t, json.Unmarshal(text, &saved))
	again := open(t, cfg)
	require.NoError(t, again.Restore(saved))
	return again
}

func TestRestore_doesNotHammerAProviderThatIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		told := &changes{}
		p := open(t, breaker.Config{})
		trip(t, p)
		time.Sleep(100 * time.Second)
		p = restart(t, p, breaker.Config{OnChange: told.note}, 50*time.Second)
		var refused *breaker.OpenError
		require.ErrorAs(t, does(t, p, nil), &refused)
		require.Equal(t, 150*time.Second, refused.RetryIn)
		require.Equal(t, "down", refused.Reason)
		require.Equal(t, breaker.PhaseOpen, told.settled()[0].To)
		require.Equal(t, 150*time.Second, told.settled()[0].RetryIn)

		time.Sleep(150*time.Second + 1)
		require.Error(t, does(t, p, errDown), "the probe")
		require.Equal(t, 300*time.Second, p.Stats().NextProbeIn)
		time.Sleep(151 * time.Second)
		require.ErrorIs(t, does(t, p, nil), breaker.ErrOpen, "open for the whole recovery time again, not for what was left")
		time.Sleep(150 * time.Second)
		require.NoError(t, does(t, p, nil))
		require.Equal(t, breaker.PhaseClosed, p.Stats().State)
		require.Equal(t, []breaker.Phase{
			breaker.PhaseOpen, breaker.PhaseHalfOpen, breaker.PhaseOpen, breaker.PhaseHalfOpen, breaker.PhaseClosed,
		}, told.phases())
	})
}

func TestRestore_afterALongTimeLetsOneProbeOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{})
		trip(t, p)
		p = restart(t, p, breaker.Config{}, time.Hour)
		time.Sleep(2 * time.Nanosecond)
		require.Equal(t, breaker.PhaseHalfOpen, p.Stats().State)
		require.NoError(t, does(t, p, nil))
	})
}

func TestRestore_ofAHalfOpenCircuitForgetsItsProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{})
		trip(t, p)
		time.Sleep(300*time.Second + 1)
		require.Equal(t, breaker.PhaseHalfOpen, p.Stats().State)
		saved := p.Save()
		require.Equal(t, breaker.PhaseOpen, saved.Phase)
		require.Equal(t, time.Now().UTC(), saved.ProbeAt)
		p = restart(t, p, breaker.Config{}, time.Second)
		time.Sleep(2 * time.Nanosecond)
		require.Equal(t, breaker.PhaseHalfOpen, p.Stats().State)
	})
}

func TestRestore_keepsConsecutiveFailuresAndCooldown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, breaker.Config{Attempts: 1})
		require.Error(t, does(t, p, errDown))
		require.Error(t, does(t, p, errDown))
		require.Error(t, does(t, p, &failure{limited: true, wait: time.Minute}))
		saved := p.Save()
		require.Equal(t, breaker.State{
			Name: "breaker", Phase: breaker.PhaseClosed, ConsecutiveFailures: 2, Reason: "failure",
			CooldownUntil: time.Now().Add(time.Minute).UTC(),
		}, saved)
		p = restart(t, p, breaker.Config{Attempts: 1}, 20*time.Second)
		require.Equal(t, breaker.PhaseCooldown, p.Stats().State)
		require.Equal(t, 40*time.Second, p.Stats().NextProbeIn)
		time.Sleep(40 * time.Second)
		require.Error(t, does(t, p, errDown), "the third")
		require.Equal(t, breaker.PhaseOpen, p.Stats().State)
	})
}

func TestRestore_boundsHostileTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, far := open(t, breaker.Config{}), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
		require.NoError(t, p.Restore(breaker.State{Name: "breaker", Phase: breaker.PhaseOpen, ProbeAt: far}))
		require.Equal(t, 300*time.Second, p.Stats().NextProbeIn)
		require.NoError(t, p.Restore(breaker.State{Name: "breaker", Phase: breaker.PhaseClosed, CooldownUntil: far}))
		require.Equal(t, 15*time.Minute, p.Stats().NextProbeIn)
		require.NoError(t, p.Restore(breaker.State{Name: "breaker", Phase: breaker.PhaseOpen}))
		require.Equal(t, time.Duration(1), p.Stats().NextProbeIn)
	})
}

func TestRestore_refusesWhatSaveNeverMade(t *testing.T) {
	t.Parallel()
	p := open(t, breaker.Config{})
	require.EqualError(t, p.Restore(breaker.State{
		Name: "other", Phase: "ajar\n", ConsecutiveFailures: 3, Reason: strings.Repeat("x", 201),
	}), strings.Join([]string{
		`breaker: State.Name must be "breaker", was "other"`,
		`breaker: State.Phase must be "closed" or "open", was "ajar "`,
		`breaker: State.ConsecutiveFailures must be between 0 and 2, was 3`,
		`breaker: State.Reason must be one line of at most 200 bytes, was 201 bytes`,
	}, "\n"))
	for _, bad := range []breaker.State{
		{Name: "breaker", Phase: breaker.PhaseHalfOpen},
		{Name: "breaker"},
		{Name: "breaker", Phase: breaker.PhaseClosed, ConsecutiveFailures: -1},
		{Name: "breaker", Phase: breaker.PhaseClosed, Reason: "two\nlines"},
	} {
		require.Error(t, p.Restore(bad), "%+v", bad)
	}
	require.Equal(t, breaker.PhaseClosed, p.Stats().State)
}

func TestSave_ofAnyReasonCanBeRestored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, text := range []string{"", "short", strings.Repeat("x", 300), "a\x00b\xffc\u202e", strings.Repeat("é", 150), strings.Repeat("\xff", 1000)} {
			p := open(t, breaker.Config{FailureThreshold: 1, Attempts: 1})
			require.Error(t, does(t, p, &breaker.PanicError{Text: text}))
			saved := p.Save()
			require.Equal(t, breaker.PhaseOpen, saved.Phase)
			require.NoError(t, p.Restore(saved), "%q", saved.Reason)
		}
	})
}

func TestReset_closesAndIsNotMovedByCallsFromBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		told := &changes{}
		p := open(t, breaker.Config{FailureThreshold: 1, Attempts: 1, OnChange: told.note})
		late := make(chan error)
		go func() {
			_, err := breaker.Do(t.Context(), p, func(ctx context.Context) (string, error) {
				_, _ = obeys(ctx, time.Second)
				return "", errDown
			})
			late <- err
		}()
		synctest.Wait()
		require.Error(t, does(t, p, errLimited))
		p.Reset()
		require.ErrorIs(t, <-late, errDown)
		s := p.Stats()
		require.Equal(t, breaker.PhaseClosed, s.State)
		require.Equal(t, uint64(1), s.Failures, "it is counted all the same")
		require.Zero(t, s.Opened)
		require.NoError(t, does(t, p, nil))
		require.Equal(t, []breaker.Phase{breaker.PhaseCooldown, breaker.PhaseClosed}, told.phases())
	})
}
