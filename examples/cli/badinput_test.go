package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBadUsageIsOneLineAndExit2(t *testing.T) {
	t.Parallel()
	dir := folder(t, "BTCUSDT")
	file := filepath.Join(dir, "BTCUSDT.csv")
	const see = " (see ballast --help)"
	for _, tc := range []struct {
		name string
		args []string
		line string
	}{
		{"no command", nil, `expected one of "decide", "score", "market", "validate", "strategies", ...` + see},
		{"unknown flag", []string{"decide", "--foo"}, "unknown flag --foo" + see},
		{"market that is not offered", []string{"decide", "--market", "binance"}, `--market: must be demo, csv, aster or replay:FILE, was "binance"` + see},
		{"replay of a market without a file", []string{"decide", "--market", "replay:"}, `--market: must be demo, csv, aster or replay:FILE, was "replay:"` + see},
		{"market with a file", []string{"score", "--market", "aster:x"}, `--market: must be demo, csv, aster or replay:FILE, was "aster:x"` + see},
		{"recording of a market that is not there", []string{"decide", "--market", "replay:/no/such"}, "--market replay: /no/such: no such file or directory"},
		{
			"the past of an exchange",
			[]string{"decide", "--market", "aster", "--at", demoTime},
			"--at needs another --market than aster, which knows the present alone; see --record-market",
		},
		{"no asset", []string{"market", "../etc"}, `SYMBOL must name symbols such as BTCUSDT or BTC, separated by commas, was "../etc"`},
		{"no candles", []string{"market", "BTC", "--candles", "0"}, "--candles must be between 1 and 250, was 0"},
		{"11 symbols", []string{"decide", "--symbols", "A,B,C,D,E,F,G,H,I,J,K"}, "--symbols must name 1 to 10 symbols, named 11"},
		{"no symbols", []string{"score", "--symbols", ""}, "--symbols must name 1 to 10 symbols, named 0"},
		{"a symbol twice", []string{"decide", "--symbols", "BTC,btcusdt"}, "--symbols must name each symbol once, named BTCUSDT twice"},
		{
			"symbol that is none",
			[]string{"decide", "--symbols", "../etc"},
			`--symbols must name symbols such as BTCUSDT or BTC, separated by commas, was "../etc"`,
		},
		{
			"symbol that is not simulated",
			[]string{"decide", "--symbols", "BTC,NOPE"},
			"NOPEUSDT: unknown symbol: not simulated; known are BTCUSDT, ETHUSDT, SOLUSDT, BNBUSDT, XRPUSDT, DOGEUSDT, ADAUSDT, AVAXUSDT, LINKUSDT, LTCUSDT",
		},
		{"symbol without a file", csvArgs("decide", dir, lastClose(), "--symbols", "BTC,ETH"), "ETHUSDT: unknown symbol: there is no file ETHUSDT.csv"},
		{"time that is none", []string{"decide", "--at", "yesterday"}, `--at: must be a time such as 2025-10-10T22:00:00Z, was "yesterday"` + see},
		{
			"time of the zero value",
			[]string{"decide", "--at", "0001-01-01T00:00:00Z"},
			"--at: must be at or after 2000-01-01T00:00:00Z, was 0001-01-01T00:00:00Z" + see,
		},
		{
			"time before 2000",
			[]string{"score", "--at", "2000-01-01T00:59:59+01:00"},
			"--at: must be at or after 2000-01-01T00:00:00Z, was 1999-12-31T23:59:59Z" + see,
		},
		{"csv without data", []string{"decide", "--market", "csv"}, "--market csv needs --data DIR"},
		{"data without csv", []string{"decide", "--data", dir}, "--data needs --market csv"},
		{"data that is not there", []string{"score", "--market", "csv", "--data", "/no/such"}, "--data /no/such: no such file or directory"},
		{"data that is a file", []string{"score", "--market", "csv", "--data", file}, "--data must be a folder of SYMBOL.csv files, was the file " + file},
		{"interval that is none", []string{"score", "--interval", "7m"}, `--interval must be one of [1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w], was "7m"`},
		{
			"intervals in the wrong order",
			[]string{"decide", "--interval", "4h", "--long-interval", "1h"},
			"--long-interval must be longer than --interval (4h), was 1h",
		},
		{
			"unknown strategy",
			[]string{"decide", "--strategy", "yolo"},
			`--strategy "yolo" must be one of aggressive_perps, conservative_perps, conservative_swing, dca_hedge, scalping_perps, swing_perps, or a file that ends in .json`,
		},
		{"strategy file that is not there", []string{"decide", "--strategy", "/no/such.json"}, "--strategy /no/such.json: no such file or directory"},
		{"state that is not there", []string{"decide", "--state", "/no/such"}, "--state /no/such: no such file or directory"},
		{"model that is not offered", []string{"decide", "--llm", "gpt"}, `--llm: must be openrouter, none or replay:FILE, was "gpt"` + see},
		{"replay without a file", []string{"decide", "--llm", "replay:"}, `--llm: must be openrouter, none or replay:FILE, was "replay:"` + see},
		{"model with a file", []string{"decide", "--llm", "none:x"}, `--llm: must be openrouter, none or replay:FILE, was "none:x"` + see},
		{"recording that is not there", []string{"decide", "--llm", "replay:/no/such"}, "--llm replay: /no/such: no such file or directory"},
		{"record without a model", []string{"decide", "--record", "/no/such"}, "--record needs a model to ask: see --llm openrouter"},
		{
			"record of a replay",
			[]string{"decide", "--record", "/no/such", "--llm", "replay:" + file},
			"--record needs a model to ask: see --llm openrouter",
		},
		{
			"model without a key",
			[]string{"decide", "--llm", "openrouter"},
			"--llm openrouter needs OPENROUTER_API_KEY, or another endpoint in OPENROUTER_BASE_URL",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ballast(t, nil, tc.args...).fails(t, exitUsage, tc.line)
		})
	}
}

func TestBadDataIsOneLineAndExit1(t *testing.T) {
	t.Parallel()
	replace := func(line int, old, with string) func([]string) []string {
		return func(lines []string) []string {
			lines[line-1] = strings.Replace(lines[line-1], old, with, 1)
			return lines
		}
	}
	for _, tc := range []struct {
		name   string
		change func([]string) []string
		at     time.Time
		line   string
	}{
		{"missing column", replace(1, ",volume,", ",amount,"), lastClose(), `bad candle: BTCUSDT.csv line 1 column 6: column is not known, was "amount"`},
		{
			"column left out", func(lines []string) []string {
				for i := range lines {
					lines[i] = lines[i][:strings.LastIndex(lines[i], ",")]
				}
				return lines
			}, lastClose(), "bad candle: BTCUSDT.csv line 1 column quote_volume: column is missing",
		},
		{
			"gap", func(lines []string) []string { return append(lines[:300:300], lines[301:]...) }, lastClose(),
			"gap: BTCUSDT.csv line 301 column open_time_ms: the candle that opens at 2025-09-13T11:00:00Z is missing before this row",
		},
		{"negative price", replace(7, ",99,", ",-99,"), lastClose(), `bad candle: BTCUSDT.csv line 7 column low: must be positive, was "-99"`},
		{"NaN", replace(9, ",100,", ",NaN,"), lastClose(), `bad candle: BTCUSDT.csv line 9 column open: must be a finite decimal number, was "NaN"`},
		{"empty file", func([]string) []string { return nil }, lastClose(), "bad candle: BTCUSDT.csv: the file is empty"},
		{
			"before the data", nil, firstOpen(),
			"unavailable: BTCUSDT.csv has candles that closed from 2025-09-01T01:00:00Z to 2025-09-17T16:00:00Z, asked as of 2025-09-01T00:00:00Z",
		},
		{
			"after the data", nil, lastClose().Add(time.Hour),
			"unavailable: BTCUSDT.csv has candles that closed from 2025-09-01T01:00:00Z to 2025-09-17T16:00:00Z, asked as of 2025-09-17T17:00:00Z",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, "ETHUSDT")
			lines := rows(400)
			if tc.change != nil {
				lines = tc.change(lines)
			}
			write(t, filepath.Join(dir, "BTCUSDT.csv"), lines...)
			for _, command := range []string{"decide", "score"} {
				got := ballast(t, nil, csvArgs(command, dir, tc.at, "--symbols", "BTCUSDT", "--json")...)
				require.Equal(t, exitFailed, got.code)
				require.Empty(t, got.stdout)
				require.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
				require.Contains(t, got.stderr, "ballast: BTCUSDT: "+tc.line)
			}
			if tc.change != nil { // a bad file is at fault even beside a good one
				got := ballast(t, nil, csvArgs("decide", dir, tc.at, "--symbols", "ETHUSDT,BTCUSDT")...)
				require.Equal(t, exitFailed, got.code)
				require.Empty(t, got.stdout)
				require.Contains(t, got.stderr, "ballast: BTCUSDT: "+tc.line)
			}
		})
	}
}

func TestSeveralBadAssetsAreStillOneLine(t *testing.T) {
	t.Parallel()
	dir := folder(t, "BTCUSDT", "ETHUSDT", "SOLUSDT")
	ballast(t, nil, csvArgs("decide", dir, firstOpen())...).fails(t, exitFailed,
		"BTCUSDT: unavailable: BTCUSDT.csv has candles that closed from 2025-09-01T01:00:00Z to 2025-09-17T16:00:00Z, "+
			"asked as of 2025-09-01T00:00:00Z (and 2 more: ETHUSDT, SOLUSDT)")
}

func TestABrokenStateNamesTheFileAndEveryProblem(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	write(t, path, strings.Replace(strings.Replace(state, `"leverage":2`, `"leverage":200`, 1), `"available_usd":4000`, `"available_usd":-1`, 1))
	got := ballast(t, nil, "decide", "--state", path)
	require.Equal(t, exitFailed, got.code)
	require.Empty(t, got.stdout)
	require.Equal(t, "ballast: --state "+path+": account: available_usd must not be negative, was -1\n"+
		"ballast: --state "+path+": account: leverage must be between 1 and 20, was 200\n", got.stderr)

	write(t, path, `{"account_id":"main","balance":5}`)
	got = ballast(t, nil, "decide", "--state", path)
	require.Equal(t, exitFailed, got.code)
	require.Empty(t, got.stdout)
	require.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
	require.Contains(t, got.stderr, "balance")
}

func TestABrokenStrategyFileIsConfiguration(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mine.json")
	text := ballast(t, nil, "strategies", "show", "swing_perps", "--json").succeeds(t)
	write(t, path, strings.Replace(text, `"max_positions": 3`, `"max_positions": 99`, 1))
	got := ballast(t, nil, "decide", "--strategy", path)
	got.fails(t, exitUsage, "--strategy "+path+`: strategy "swing_perps": max_positions must be between 1 and 50, was 99`)
}

func TestEveryProblemOfTheEnvironmentIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	got := ballast(t, map[string]string{"LLM_TEMPERATURE": "3.5", "LEVERAGE": "x", "LLM_TIMEOUT": "0", "OPENROUTER_BASE_URL": "http://me:pw@example.org/v1"}, "decide", "--market", "csv")
	require.Equal(t, exitUsage, got.code)
	require.Empty(t, got.stdout)
	require.Equal(t, []string{
		`ballast: OPENROUTER_BASE_URL must have the scheme https, since its host is not loopback, was "http://…@example.org/v1"`,
		"ballast: LLM_TEMPERATURE must be between 0 and 2, was 3.5",
		"ballast: LLM_TIMEOUT must be between 1 and 3600, was 0",
		`ballast: LEVERAGE must be a number between 1 and 20, was "x"`,
		"ballast: --market csv needs --data DIR",
	}, strings.Split(strings.TrimSpace(got.stderr), "\n"))
}
