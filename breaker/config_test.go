package breaker_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/breaker"
)

func TestNew_reportsEveryProblemInOneError(t *testing.T) {
	t.Parallel()
	_, err := breaker.New(breaker.Config{
		Name: strings.Repeat("n", 201), AttemptTimeout: 40 * time.Second, Timeout: 30 * time.Second, Attempts: -1,
		FirstDelay: -time.Second, BackoffFactor: 0.5, MaxDelay: -2 * time.Second, FailureThreshold: 1001,
		RecoveryTimeout: -1, Cooldown: -1, MaxCooldown: 25 * time.Hour, MaxAbandoned: -2,
	})
	require.EqualError(t, err, strings.Join([]string{
		"breaker: Name must be at most 200 bytes of UTF-8, was 201 bytes",
		"breaker: AttemptTimeout must be at most Timeout 30s, was 40s",
		"breaker: Attempts must be between 1 and 10, was -1",
		"breaker: FirstDelay must be above 0, was -1s",
		"breaker: BackoffFactor must be between 1 and 10, was 0.5",
		"breaker: MaxDelay must be between FirstDelay -1s and 24h0m0s, was -2s",
		"breaker: FailureThreshold must be between 1 and 1000, was 1001",
		"breaker: RecoveryTimeout must be above 0 and at most 24h0m0s, was -1ns",
		"breaker: Cooldown must be above 0, was -1ns",
		"breaker: MaxCooldown must be between Cooldown -1ns and 24h0m0s, was 25h0m0s",
		"breaker: MaxAbandoned must be between 1 and 10000, was -2",
	}, "\n"))
}

func TestNew_refusesASingleBadField(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]breaker.Config{
		"AttemptTimeout must be above 0":           {AttemptTimeout: -1},
		"Timeout must be above 0":                  {Timeout: -1, AttemptTimeout: -1},
		"Timeout must be above 0 and at most 1h":   {Timeout: time.Hour + 1},
		"AttemptTimeout must be at most Timeout 9": {Timeout: 9 * time.Second},
		"Attempts must be between":                 {Attempts: 11},
		"BackoffFactor must be between":            {BackoffFactor: math.NaN()},
		"BackoffFactor must be between 1 and 10":   {BackoffFactor: math.Inf(1)},
		"MaxDelay must be between FirstDelay 1s":   {FirstDelay: time.Second, MaxDelay: time.Millisecond},
		"MaxCooldown must be between Cooldown 1m":  {Cooldown: time.Minute, MaxCooldown: time.Second},
		"Name must be at most":                     {Name: "\xff"},
	} {
		_, err := breaker.New(cfg)
		require.ErrorContains(t, err, name)
	}
}

func TestPresets_areTheTwoSetsOfTheGuide(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]breaker.Config{"standard": breaker.Standard(), "conservative": breaker.Conservative(), "zero": {}} {
		require.NoError(t, cfg.Validate(), name)
	}
	s := breaker.Standard()
	require.Equal(t, 3, s.FailureThreshold)
	require.Equal(t, 5*time.Minute, s.RecoveryTimeout)
	require.Equal(t, 15*time.Second, s.AttemptTimeout)
	require.Equal(t, 1+2, s.Attempts)
	require.InDelta(t, 1.5, s.BackoffFactor, 0)
	c := breaker.Conservative()
	require.Equal(t, 5, c.FailureThreshold)
	require.Equal(t, 10*time.Minute, c.RecoveryTimeout)
	require.Equal(t, 20*time.Second, c.AttemptTimeout)
	require.Equal(t, 1+3, c.Attempts)
	require.Equal(t, s.Timeout, c.Timeout)
}

func TestConfig_aLongFirstDelayOrCooldownMovesTheDefaultBoundAboveIt(t *testing.T) {
	t.Parallel()
	require.NoError(t, breaker.Config{FirstDelay: time.Minute, Cooldown: time.Hour}.Validate())
}
