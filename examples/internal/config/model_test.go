package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/examples/internal/config"
)

func TestEveryVariableOfTheModelPolicyIsRead(t *testing.T) {
	t.Parallel()
	c, err := config.Read(map[string]string{
		"LLM_TIMEOUT": "60", "LLM_FALLBACK_MODELS": " a/b, ,c/d:free,", "LLM_ATTEMPT_TIMEOUT": "20", "LLM_MAX_RETRIES": "0", "LLM_BACKOFF_FACTOR": "2.25",
		"BREAKER_FAILURE_THRESHOLD": "5", "BREAKER_RECOVERY_TIMEOUT": "600", "LLM_DAILY_BUDGET_USD": "0.05", "DATA_DIR": "kept",
	}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"a/b", "c/d:free"}, c.Fallbacks)
	require.Equal(t, 20*time.Second, c.AttemptTimeout)
	require.Equal(t, 1, c.Attempts)
	require.InDelta(t, 2.25, c.BackoffFactor, 0)
	require.Equal(t, 5, c.FailureThreshold)
	require.Equal(t, 10*time.Minute, c.RecoveryTimeout)
	require.True(t, c.DailyBudgetUSD.Valid)
	require.Equal(t, "0.05", c.DailyBudgetUSD.Decimal.String())
	require.Equal(t, "kept", c.DataDir)
	require.Empty(t, c.Warnings)
}

func TestAnAttemptFitsIntoTheShareOfItsModel(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, total, attempt, fallbacks string
		want                            time.Duration
		warning                         string
	}{
		{name: "default", want: 15 * time.Second},
		{name: "follows a shorter total", total: "10", want: 10 * time.Second},
		{name: "equals the total", total: "10", attempt: "10", want: 10 * time.Second},
		{name: "a longer total", total: "90", want: 15 * time.Second},
		{name: "two share the default", fallbacks: "b/c", want: 15 * time.Second},
		{name: "three share the default", fallbacks: "b/c,d/e", want: 10 * time.Second},
		{
			name: "given, and more than the share", attempt: "15", fallbacks: "b/c,d/e", want: 10 * time.Second,
			warning: "LLM_ATTEMPT_TIMEOUT 15 is used as 10s: 3 models share LLM_TIMEOUT 30",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, err := config.Read(map[string]string{"LLM_TIMEOUT": tc.total, "LLM_ATTEMPT_TIMEOUT": tc.attempt, "LLM_FALLBACK_MODELS": tc.fallbacks}, nil)
			require.NoError(t, err)
			require.Equal(t, tc.want, c.AttemptTimeout)
			if tc.warning == "" {
				require.Empty(t, c.Warnings)
				return
			}
			require.Equal(t, []string{tc.warning}, c.Warnings)
		})
	}
}

func TestEachProblemOfTheModelPolicyNamesVariableRuleAndValue(t *testing.T) {
	t.Parallel()
	const budget = "LLM_DAILY_BUDGET_USD must be a number above 0 and at most 1000000 with at most 6 decimals"
	for _, tc := range []struct{ name, value, problem string }{
		{"LLM_FALLBACK_MODELS", "a/b,c/d,a/b", `LLM_FALLBACK_MODELS must name each model once, named "a/b" twice`},
		{"LLM_FALLBACK_MODELS", "a/b,x-ai/grok-4", `LLM_FALLBACK_MODELS must name models other than LLM_MODEL, named "x-ai/grok-4"`},
		{"LLM_FALLBACK_MODELS", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p", "LLM_FALLBACK_MODELS must name at most 15 models, named 16"},
		{"LLM_FALLBACK_MODELS", strings.Repeat("x", 101), "LLM_FALLBACK_MODELS must name models of at most 100 characters, named one of 101"},
		{"LLM_MODEL", strings.Repeat("x", 101), "LLM_MODEL must have at most 100 characters, had 101"},
		{"LLM_ATTEMPT_TIMEOUT", "0", "LLM_ATTEMPT_TIMEOUT must be between 1 and 3600, was 0"},
		{"LLM_ATTEMPT_TIMEOUT", "31", "LLM_ATTEMPT_TIMEOUT must be at most LLM_TIMEOUT (30), was 31"},
		{"LLM_ATTEMPT_TIMEOUT", "15s", `LLM_ATTEMPT_TIMEOUT must be a whole number between 1 and 3600, was "15s"`},
		{"LLM_MAX_RETRIES", "-1", "LLM_MAX_RETRIES must be between 0 and 9, was -1"},
		{"LLM_MAX_RETRIES", "10", "LLM_MAX_RETRIES must be between 0 and 9, was 10"},
		{"LLM_CONTEXT_TOKENS", "999", "LLM_CONTEXT_TOKENS must be between 1000 and 10000000, was 999"},
		{"LLM_BACKOFF_FACTOR", "0.9", "LLM_BACKOFF_FACTOR must be between 1 and 10, was 0.9"},
		{"LLM_BACKOFF_FACTOR", "11", "LLM_BACKOFF_FACTOR must be between 1 and 10, was 11"},
		{"LLM_BACKOFF_FACTOR", "NaN", `LLM_BACKOFF_FACTOR must be a number between 1 and 10, was "NaN"`},
		{"BREAKER_FAILURE_THRESHOLD", "0", "BREAKER_FAILURE_THRESHOLD must be between 1 and 1000, was 0"},
		{"BREAKER_RECOVERY_TIMEOUT", "-300", "BREAKER_RECOVERY_TIMEOUT must be between 1 and 86400, was -300"},
		{"LLM_DAILY_BUDGET_USD", "0", budget + ", was 0"},
		{"LLM_DAILY_BUDGET_USD", "-1", budget + ", was -1"},
		{"LLM_DAILY_BUDGET_USD", "1000001", budget + ", was 1000001"},
		{"LLM_DAILY_BUDGET_USD", "0.0000001", budget + ", was 0.0000001"},
		{"LLM_DAILY_BUDGET_USD", "1e9", budget + `, was "1e9"`},
		{"DATA_DIR", strings.Repeat("x", 5000), "DATA_DIR must have at most 4096 characters, had 5000"},
	} {
		t.Run(tc.name+" "+tc.value[:min(len(tc.value), 12)], func(t *testing.T) {
			t.Parallel()
			_, err := config.Read(map[string]string{tc.name: tc.value}, nil)
			require.EqualError(t, err, tc.problem)
		})
	}
}

func TestAllProblemsOfTheModelPolicyAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Read(map[string]string{
		"LLM_TIMEOUT": "10", "LLM_ATTEMPT_TIMEOUT": "15", "LLM_MAX_RETRIES": "-1", "LLM_BACKOFF_FACTOR": "0", "LLM_FALLBACK_MODELS": "a,a",
		"BREAKER_FAILURE_THRESHOLD": "x", "BREAKER_RECOVERY_TIMEOUT": "0", "LLM_DAILY_BUDGET_USD": "free",
	}, nil)
	require.EqualError(t, err, `LLM_FALLBACK_MODELS must name each model once, named "a" twice
LLM_MAX_RETRIES must be between 0 and 9, was -1
LLM_BACKOFF_FACTOR must be between 1 and 10, was 0
BREAKER_FAILURE_THRESHOLD must be a whole number between 1 and 1000, was "x"
BREAKER_RECOVERY_TIMEOUT must be between 1 and 86400, was 0
LLM_ATTEMPT_TIMEOUT must be at most LLM_TIMEOUT (10), was 15
LLM_DAILY_BUDGET_USD must be a number above 0 and at most 1000000 with at most 6 decimals, was "free"`)
}
