package config_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/llm/openrouter"
	"github.com/ballast-go/ballast/marketdata"
)

func TestAnEmptyEnvironmentHasEveryDefault(t *testing.T) {
	t.Parallel()
	for _, env := range []map[string]string{nil, {"ASSETS": "", "LLM_TIMEOUT": " ", "LEVERAGE": ""}} {
		c, err := config.Read(env, nil)
		require.NoError(t, err)
		require.True(t, c.OpenRouterKey.IsZero())
		require.Equal(t, openrouter.DefaultBaseURL, c.OpenRouterBaseURL)
		require.Equal(t, []string{"BTCUSDT", "ETHUSDT", "SOLUSDT"}, c.Assets)
		require.Equal(t, "x-ai/grok-4", c.Model)
		require.Equal(t, "0.7", c.Temperature.String())
		require.Equal(t, 2000, c.MaxTokens)
		require.Equal(t, 30*time.Second, c.ModelTimeout)
		require.Equal(t, "50", c.MinConfidence.String())
		require.Equal(t, 70, c.MaxRiskScore)
		require.Equal(t, marketdata.Interval1h, c.Interval)
		require.Equal(t, marketdata.Interval4h, c.LongInterval)
		require.Equal(t, "2", c.Leverage.String())
		require.Equal(t, "10000", c.MaxPositionSizeUSD.String())
		require.Nil(t, c.LogLevel)
		require.Empty(t, c.Warnings)
		require.Equal(t, "data", c.DataDir)
		require.Equal(t, config.ModelPolicy{
			AttemptTimeout: 15 * time.Second, Attempts: 3, BackoffFactor: 1.5, FailureThreshold: 3, RecoveryTimeout: 300 * time.Second,
		}, c.ModelPolicy)
	}
}

func TestEveryVariableIsRead(t *testing.T) {
	t.Parallel()
	c, err := config.Read(map[string]string{
		"OPENROUTER_API_KEY": "sk-1", "OPENROUTER_BASE_URL": "http://127.0.0.1:1/v1", "OPENROUTER_REFERER": "https://example.org",
		"OPENROUTER_APP_TITLE": "App", "ASSETS": " btc, ETHUSDC ,sol,", "LLM_MODEL": "a/b", "LLM_TEMPERATURE": "0", "LLM_MAX_TOKENS": "1",
		"LLM_TIMEOUT": "3600", "MIN_CONFIDENCE": "62.5", "MAX_RISK_SCORE": "0", "INTERVAL": "5m", "LONG_INTERVAL": "15m",
		"LEVERAGE": "20", "MAX_POSITION_SIZE_USD": "0.01", "LOG_LEVEL": "warning",
	}, nil)
	require.NoError(t, err)
	require.Equal(t, "sk-1", c.OpenRouterKey.Reveal())
	require.Equal(t, "http://127.0.0.1:1/v1", c.OpenRouterBaseURL)
	require.Equal(t, "https://example.org", c.OpenRouterReferer)
	require.Equal(t, "App", c.OpenRouterAppTitle)
	require.Equal(t, []string{"BTCUSDT", "ETHUSDC", "SOLUSDT"}, c.Assets)
	require.Equal(t, "a/b", c.Model)
	require.True(t, c.Temperature.IsZero())
	require.Equal(t, 1, c.MaxTokens)
	require.Equal(t, time.Hour, c.ModelTimeout)
	require.Equal(t, "62.5", c.MinConfidence.String())
	require.Equal(t, 0, c.MaxRiskScore)
	require.Equal(t, marketdata.Interval5m, c.Interval)
	require.Equal(t, marketdata.Interval15m, c.LongInterval)
	require.Equal(t, "20", c.Leverage.String())
	require.Equal(t, "0.01", c.MaxPositionSizeUSD.String())
	require.Equal(t, slog.LevelWarn, *c.LogLevel)
}

func TestEachProblemNamesVariableRuleAndValue(t *testing.T) {
	t.Parallel()
	intervals := "[1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w]"
	for _, tc := range []struct{ name, value, problem string }{
		{"LLM_TEMPERATURE", "3.5", "LLM_TEMPERATURE must be between 0 and 2, was 3.5"},
		{"LLM_TEMPERATURE", "-0.1", "LLM_TEMPERATURE must be between 0 and 2, was -0.1"},
		{"LLM_TEMPERATURE", "NaN", `LLM_TEMPERATURE must be a number between 0 and 2, was "NaN"`},
		{"LLM_TEMPERATURE", "1e999999999", `LLM_TEMPERATURE must be a number between 0 and 2, was "1e999999999"`},
		{"LLM_TEMPERATURE", "1.2.3", `LLM_TEMPERATURE must be a number between 0 and 2, was "1.2.3"`},
		{"LLM_MAX_TOKENS", "0", "LLM_MAX_TOKENS must be between 1 and 200000, was 0"},
		{"LLM_MAX_TOKENS", "2k", `LLM_MAX_TOKENS must be a whole number between 1 and 200000, was "2k"`},
		{"LLM_MAX_TOKENS", "99999999999999999999", `LLM_MAX_TOKENS must be a whole number between 1 and 200000, was "99999999999999999999"`},
		{"LLM_TIMEOUT", "3601", "LLM_TIMEOUT must be between 1 and 3600, was 3601"},
		{"LLM_TIMEOUT", "30s", `LLM_TIMEOUT must be a whole number between 1 and 3600, was "30s"`},
		{"MIN_CONFIDENCE", "101", "MIN_CONFIDENCE must be between 0 and 100, was 101"},
		{"MAX_RISK_SCORE", "-1", "MAX_RISK_SCORE must be between 0 and 100, was -1"},
		{"INTERVAL", "7m", `INTERVAL must be one of ` + intervals + `, was "7m"`},
		{"INTERVAL", "1w", "LONG_INTERVAL must be longer than INTERVAL (1w), was 1w"},
		{"LONG_INTERVAL", "1h", "LONG_INTERVAL must be longer than INTERVAL (1h), was 1h"},
		{"LONG_INTERVAL", "1M", `LONG_INTERVAL must be one of ` + intervals + `, was "1M"`},
		{"LEVERAGE", "0.5", "LEVERAGE must be between 1 and 20, was 0.5"},
		{"MAX_POSITION_SIZE_USD", "0", "MAX_POSITION_SIZE_USD must be above 0, was 0"},
		{"MAX_POSITION_SIZE_USD", "lots", `MAX_POSITION_SIZE_USD must be a number above 0, was "lots"`},
		{"ASSETS", "A,B,C,D,E,F,G,H,I,J,K", "ASSETS must name 1 to 10 symbols, named 11"},
		{"ASSETS", ",", "ASSETS must name 1 to 10 symbols, named 0"},
		{"ASSETS", "BTC,BTCUSDT", "ASSETS must name each symbol once, named BTCUSDT twice"},
		{"ASSETS", "BTC/USDT", `ASSETS must name symbols such as BTCUSDT or BTC, separated by commas, was "BTC/USDT"`},
		{"SYMBOL", "ВTC", `SYMBOL must name symbols such as BTCUSDT or BTC, separated by commas, was "ВTC"`}, // a Cyrillic letter
		{"ASSETS", "ſOL", `ASSETS must name symbols such as BTCUSDT or BTC, separated by commas, was "ſOL"`}, // whose capital is S
		{"ASSETS", "A12345678901234567890", `ASSETS must name symbols such as BTCUSDT or BTC, separated by commas, was "A12345678901234567890"`},
		{"LOG_LEVEL", "chatty", `LOG_LEVEL must be DEBUG, INFO, WARN or ERROR, was "chatty"`},
		{"LLM_MODEL", strings.Repeat("x", 5000), "LLM_MODEL must have at most 4096 characters, had 5000"},
	} {
		t.Run(tc.name+" "+tc.value[:min(len(tc.value), 12)], func(t *testing.T) {
			t.Parallel()
			_, err := config.Read(map[string]string{tc.name: tc.value}, nil)
			require.EqualError(t, err, tc.problem)
		})
	}
}

func TestProblemsAreReportedTogetherAndNeverShowAKey(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("secret", 1000)
	_, err := config.Read(map[string]string{"OPENROUTER_API_KEY": key, "LEVERAGE": "0", "LLM_TIMEOUT": "x"}, nil)
	require.EqualError(t, err, "OPENROUTER_API_KEY must have at most 4096 characters, had 6000\n"+
		"LLM_TIMEOUT must be a whole number between 1 and 3600, was \"x\"\n"+
		"LEVERAGE must be between 1 and 20, was 0")
}

func TestAnOverrideWinsAndIsNamedInItsProblems(t *testing.T) {
	t.Parallel()
	env := map[string]string{"ASSETS": "BTC", "INTERVAL": "1h"}
	flags := func(symbols, interval string) map[string]config.Override {
		return map[string]config.Override{"ASSETS": {Flag: "--symbols", Value: symbols}, "INTERVAL": {Flag: "--interval", Value: interval}}
	}
	c, err := config.Read(env, flags("eth", "2h"))
	require.NoError(t, err)
	require.Equal(t, []string{"ETHUSDT"}, c.Assets)
	require.Equal(t, marketdata.Interval2h, c.Interval)

	_, err = config.Read(env, flags("", ""))
	require.ErrorContains(t, err, "--symbols must name 1 to 10 symbols, named 0")
	require.ErrorContains(t, err, `--interval must be one of`)
}

func TestTheOldSymbolVariableStandsInForAssetsOnlyWhenAlone(t *testing.T) {
	t.Parallel()
	c, err := config.Read(map[string]string{"SYMBOL": "SOL"}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"SOLUSDT"}, c.Assets)
	require.Len(t, c.Warnings, 1)

	c, err = config.Read(map[string]string{"SYMBOL": "SOL", "ASSETS": "BTC"}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"BTCUSDT"}, c.Assets)
	require.Empty(t, c.Warnings)
}

func TestTheDefaultLongIntervalIsLongerThanAnyShortOne(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ short, long marketdata.Interval }{
		{"1m", "4h"},
		{"2h", "4h"},
		{"4h", "1d"},
		{"6h", "1d"},
		{"12h", "3d"},
		{"1d", "1w"},
		{"3d", "1w"},
	} {
		c, err := config.Read(map[string]string{"INTERVAL": string(tc.short)}, nil)
		require.NoError(t, err, tc.short)
		require.Equal(t, tc.long, c.LongInterval, tc.short)
	}
}

func TestAVariableThatLooksLikeASettingButIsNoneWarns(t *testing.T) {
	t.Parallel()
	c, err := config.Read(map[string]string{
		"LLM_TEMPERATUR": "0.1", "LLM_TIMEOUTS": "1", "LLM_SOMETHING_ELSE": "1", "DB_" + strings.Repeat("X", 100_000): "1",
		"PATH": "/bin", "LLM_MODEL": "a/b",
	}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{
		"DB_" + strings.Repeat("X", 57) + " is not used",
		"LLM_SOMETHING_ELSE is not used",
		"LLM_TEMPERATUR is not used: did you mean LLM_TEMPERATURE?",
		"LLM_TIMEOUTS is not used: did you mean LLM_TIMEOUT?",
	}, c.Warnings)
}

func TestATypingErrorInAnyNameWarnsAndAtMostFiveDo(t *testing.T) {
	t.Parallel()
	c, err := config.Read(map[string]string{
		"LEVRAGE": "5", "ASETS": "BTC", "INTERVALL": "1h", "LOGLEVEL": "INFO", "HOME": "/", "TERM": "x", "LANG": "C", "SHLVL": "1", "LEVELLING": "1",
	}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{
		"ASETS is not used: did you mean ASSETS?",
		"INTERVALL is not used: did you mean INTERVAL?",
		"LEVRAGE is not used: did you mean LEVERAGE?",
		"LOGLEVEL is not used: did you mean LOG_LEVEL?",
	}, c.Warnings)

	env := map[string]string{}
	for _, suffix := range "ABCDEFGHIJ" {
		env["LLM_UNKNOWN_"+string(suffix)] = "1"
	}
	c, err = config.Read(env, nil)
	require.NoError(t, err)
	require.Len(t, c.Warnings, 5)
}

func TestABaseURLIsCheckedEvenWhenUnusedAndShownWithoutSecrets(t *testing.T) {
	t.Parallel()
	for value, problem := range map[string]string{
		"http://example.org/v1":               `must have the scheme https, since its host is not loopback, was "http://example.org/v1"`,
		"https://me:hunter2@example.org/v1":   `must not hold a user or password, was "https://…@example.org/v1"`,
		"https://example.org/v1?key=hunter2":  `must not hold a query, was "https://example.org/v1…"`,
		"https://example.org/v1#hunter2":      `must not hold a fragment, was "https://example.org/v1…"`,
		"sk-or-v1-hunter2":                    `must be absolute, like https://host/path, was "…"`,
		"example.org":                         `must be absolute, like https://host/path, was "example.org"`,
		"ftp://example.org":                   `must have the scheme https, was "ftp://example.org"`,
		"https://a:hunter2@b@example.org:x/%": `cannot be read as a URL, was "https://…@example.org:x/%"`,
	} {
		_, err := config.Read(map[string]string{"OPENROUTER_BASE_URL": value, "LEVERAGE": "0"}, nil)
		require.EqualError(t, err, "OPENROUTER_BASE_URL "+problem+"\nLEVERAGE must be between 1 and 20, was 0", value)
	}
}

func TestAModelIsThereWithAKeyOrOnThisMachineByName(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		key, base, model string
		want             bool
	}{
		{"", "", "", false},
		{"sk-1", "", "", true},
		{"", "", "a/b", false},
		{"", "http://127.0.0.1:1234/v1", "", false},
		{"", "http://127.0.0.1:1234/v1", "a/b", true},
		{"", "http://[::1]:1234/v1", "a/b", true},
		{"", "https://LOCALHOST/v1", "a/b", true},
		{"", "https://localhost.example.org/v1", "a/b", false},
	} {
		c, err := config.Read(map[string]string{"OPENROUTER_API_KEY": tc.key, "OPENROUTER_BASE_URL": tc.base, "LLM_MODEL": tc.model}, nil)
		require.NoError(t, err)
		require.Equal(t, tc.want, c.HasModel, "%+v", tc)
	}
}
