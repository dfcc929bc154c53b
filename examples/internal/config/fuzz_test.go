package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/breaker"
	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/config"
)

// FuzzRead gives the same text to every variable: whatever it is, what is
// accepted is within its rule, and what is not is reported without the key.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"", "1", "-1", "3.5", "1e9", "NaN", "BTC,ETH", "1h", "warn", "\x00", strings.Repeat("9", 5000), "١٢"} {
		f.Add(seed)
	}
	names := []string{
		"ASSETS", "SYMBOL", "LLM_MODEL", "LLM_TEMPERATURE", "LLM_MAX_TOKENS", "LLM_TIMEOUT", "MIN_CONFIDENCE", "MAX_RISK_SCORE",
		"INTERVAL", "LONG_INTERVAL", "LEVERAGE", "MAX_POSITION_SIZE_USD", "LOG_LEVEL", "LLM_FALLBACK_MODELS", "LLM_ATTEMPT_TIMEOUT", "LLM_MAX_RETRIES",
		"LLM_BACKOFF_FACTOR", "BREAKER_FAILURE_THRESHOLD", "BREAKER_RECOVERY_TIMEOUT", "LLM_DAILY_BUDGET_USD", "DATA_DIR",
		"ASTERDEX_NETWORK", "ASTERDEX_BASE_URL", "ASTERDEX_WS_URL", "ASTERDEX_SIGNER_KEY", "ASTERDEX_USER", "WORKER_THREADS", "MAX_CONCURRENT_REQUESTS",
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range names {
			c, err := config.Read(map[string]string{name: text, "OPENROUTER_API_KEY": "sk-key-of-mine"}, nil)
			if err != nil {
				require.Less(t, len(err.Error()), 400, name)
				require.NotContains(t, err.Error(), "sk-key-of-mine")
				continue
			}
			require.False(t, c.Temperature.IsNegative())
			require.LessOrEqual(t, c.MaxTokens, 200_000)
			require.Positive(t, c.ModelTimeout)
			require.True(t, c.MaxPositionSizeUSD.IsPositive())
			require.Greater(t, c.LongInterval.Duration(), c.Interval.Duration())
			requireSymbols(t, c.Assets)
			require.NoError(t, breaker.Config{
				Timeout: c.ModelTimeout, AttemptTimeout: c.AttemptTimeout, Attempts: c.Attempts, BackoffFactor: c.BackoffFactor,
				FailureThreshold: c.FailureThreshold, RecoveryTimeout: c.RecoveryTimeout,
			}.Validate())
			require.LessOrEqual(t, len(c.Fallbacks), 15)
		}
	})
}

func FuzzParseSymbols(f *testing.F) {
	for _, seed := range []string{"BTC", "btc,eth", "USDT", "usd", "BTC-USDT,BTC_USDC", ",,", "a,b,c,d,e,f,g,h,i,j,k", "Ａ", "ſ", "A0000000000000000"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		symbols, err := config.ParseSymbols(list)
		if err != nil {
			require.Empty(t, symbols)
			return
		}
		requireSymbols(t, symbols)
		again, err := config.ParseSymbols(strings.Join(symbols, ","))
		require.NoError(t, err)
		require.Equal(t, symbols, again)
	})
}

func requireSymbols(t *testing.T, symbols []string) {
	t.Helper()
	require.NotEmpty(t, symbols)
	require.LessOrEqual(t, len(symbols), decision.MaxSymbols)
	for i, s := range symbols {
		require.Empty(t, strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"), s)
		require.LessOrEqual(t, len(s), 40)
		require.False(t, slices.Contains(symbols[:i], s), s)
	}
}
