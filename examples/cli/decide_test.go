package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const demoTime = "2025-10-10T22:00:00Z"

func TestDecideWithoutAnySettingShowsATableOfTheDemoMarket(t *testing.T) {
	t.Parallel()
	out := ballast(t, nil, "decide").succeeds(t)
	for _, want := range []string{
		"asset", "action", "allocation", "stop", "target", "confidence", "risk score", "reason",
		"BTCUSDT", "ETHUSDT", "SOLUSDT",
		"decided by  technical fallback, because no model is configured",
		"degraded    simulated market",
		"model: no model is configured",
		"paper account of 10000 USD: no --state was given",
	} {
		require.Contains(t, out, want)
	}
	require.NotContains(t, out, "\x1b", "what is not a terminal gets no colours")
}

func TestDecideTable(t *testing.T) {
	t.Parallel()
	golden(t, "decide.txt", ballast(t, nil, "decide", "--at", demoTime).succeeds(t))
}

func TestDecideAsOfATimeSeesTheCandleThatClosedThenAndNoLaterOne(t *testing.T) {
	t.Parallel()
	dir := folder(t, "BTCUSDT", "ETHUSDT")
	crash := lastClose().Add(-time.Hour) // opens the last candle
	for _, tc := range []struct {
		name      string
		at        time.Time
		open, low string
	}{
		{"at the close", lastClose(), crash.Format(time.RFC3339), "60"},
		{"a second before", lastClose().Add(-time.Second), crash.Add(-time.Hour).Format(time.RFC3339), "99"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			out := decode(t, ballast(t, nil, csvArgs("decide", dir, tc.at, "--symbols", "BTC,ETHUSDT", "--json")...).succeeds(t))
			require.Equal(t, tc.at.Format(time.RFC3339), out.at(t, "context")["as_of"])
			for _, symbol := range []string{"BTCUSDT", "ETHUSDT"} {
				candle := out.at(t, "context", "market_data", "assets", symbol, "last_candle")
				require.Equal(t, tc.open, candle["open_time"])
				require.EqualValues(t, tc.low, candle["low"])
			}
		})
	}
}

func TestDecideOnRealCandlesHasTheCrashOfOctober2025(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "data", "klines-1h")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the real candles are not part of the project: ", err)
	}
	at := time.Date(2025, 10, 10, 22, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		at        time.Time
		open, low string
	}{
		{at, "2025-10-10T21:00:00Z", "101045.9"},
		{at.Add(-time.Second), "2025-10-10T20:00:00Z", ""},
	} {
		out := decode(t, ballast(t, nil, csvArgs("decide", dir, tc.at, "--json")...).succeeds(t))
		assets := out.at(t, "context", "market_data", "assets")
		require.Len(t, assets, 3)
		candle := assets.at(t, "BTCUSDT", "last_candle")
		require.Equal(t, tc.open, candle["open_time"])
		if tc.low != "" {
			require.EqualValues(t, tc.low, candle["low"])
		}
	}
}

func TestDecideJSONHasTheShapeOfTheAPI(t *testing.T) {
	t.Parallel()
	out := decode(t, ballast(t, nil, "decide", "--at", demoTime, "--json").succeeds(t))
	for _, tc := range []struct {
		path []string
		keys []string
	}{
		{nil, []string{"decision", "context", "validation", "metadata"}},
		{[]string{"decision"}, []string{"decisions", "portfolio_rationale", "total_allocation_usd", "portfolio_risk_level", "timestamp"}},
		{[]string{"context"}, []string{"symbols", "account_id", "as_of", "market_data", "account_state", "risk"}},
		{[]string{"context", "market_data"}, []string{"assets"}},
		{[]string{"context", "market_data", "assets"}, []string{"BTCUSDT", "ETHUSDT", "SOLUSDT"}},
		{[]string{"context", "market_data", "assets", "BTCUSDT"}, []string{
			"symbol", "as_of", "current_price", "price_change_24h", "volume_24h", "volatility", "funding_rate", "last_candle", "indicators",
		}},
		{[]string{"context", "market_data", "assets", "BTCUSDT", "last_candle"}, []string{
			"open_time", "close_time", "open", "high", "low", "close", "volume",
		}},
		{[]string{"context", "market_data", "assets", "BTCUSDT", "indicators"}, []string{"1h", "4h"}},
		{[]string{"context", "risk"}, []string{"max_total_allocation_usd", "max_new_positions", "assets"}},
		{[]string{"context", "risk", "assets", "BTCUSDT"}, []string{
			"max_long_usd", "max_short_usd", "long_limit", "short_limit", "suggested_long_usd", "suggested_short_usd",
			"stop_percent", "max_loss_usd", "scores",
		}},
		{[]string{"validation"}, []string{"is_valid", "errors", "warnings"}},
		{[]string{"metadata"}, []string{
			"decision_id", "generation_time_ms", "model_used", "strategy", "strategy_hash", "cached", "source", "reason", "degraded",
			"circuit_state", "next_probe_seconds", "attempts", "usage", "refused",
		}},
		{[]string{"metadata", "usage"}, []string{"prompt_tokens", "completion_tokens", "cost_usd"}},
	} {
		require.ElementsMatch(t, tc.keys, out.at(t, tc.path...).keys(), "%v", tc.path)
	}
	meta := out.at(t, "metadata")
	require.Equal(t, "fallback", meta["source"])
	require.Equal(t, "no model is configured", meta["reason"])
	require.Nil(t, meta["model_used"])
	require.Nil(t, meta["circuit_state"])
	require.Nil(t, meta["next_probe_seconds"])
	require.Equal(t, []any{}, meta["attempts"])
	require.Contains(t, meta["degraded"], "simulated market")
	require.Equal(t, []any{}, meta["refused"])
}

func TestDecideTakesSettingsFromTheEnvironmentAndFlagsWin(t *testing.T) {
	t.Parallel()
	env := map[string]string{"ASSETS": "DOGE,ADA", "INTERVAL": "15m", "LONG_INTERVAL": "1h", "LEVERAGE": "3"}
	out := decode(t, ballast(t, env, "decide", "--json", "--at", demoTime).succeeds(t))
	require.Equal(t, []any{"DOGEUSDT", "ADAUSDT"}, out.at(t, "context")["symbols"])
	require.EqualValues(t, "3", out.at(t, "context", "account_state")["leverage"])
	require.ElementsMatch(t, []string{"15m", "1h"}, out.at(t, "context", "market_data", "assets", "ADAUSDT", "indicators").keys())

	out = decode(t, ballast(t, env, "decide", "--json", "--at", demoTime, "--symbols", "xrp", "--interval", "30m", "--long-interval", "2h").succeeds(t))
	require.Equal(t, []any{"XRPUSDT"}, out.at(t, "context")["symbols"])
	require.ElementsMatch(t, []string{"30m", "2h"}, out.at(t, "context", "market_data", "assets", "XRPUSDT", "indicators").keys())
}

const state = `{"account_id":"main","balance_usd":5000.25,"available_usd":4000,"leverage":2,"max_position_size_usd":3000,` +
	`"maker_fee_bps":0.5,"taker_fee_bps":4,"positions":[],"realized_pnl_today_usd":0,"equity_at_midnight_usd":5000,"halted":true}`

func TestDecideReadsTheStateOfAnAccount(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	write(t, path, state)
	out := decode(t, ballast(t, nil, "decide", "--at", demoTime, "--state", path, "--json").succeeds(t))
	require.Equal(t, "main", out.at(t, "context")["account_id"])
	require.EqualValues(t, "5000.25", out.at(t, "context", "account_state")["balance_usd"])
	for _, d := range out.at(t, "decision")["decisions"].([]any) {
		require.Equal(t, "hold", d.(map[string]any)["action"], "the account is halted")
	}
	for _, note := range out.at(t, "metadata")["degraded"].([]any) {
		require.NotContains(t, note, "paper account")
	}
	ballast(t, nil, "decide", "--state", path, "--account", "other").
		fails(t, exitUsage, `--account names another account than --state: "other" and "main"`)
	named := ballast(t, nil, "decide", "--at", demoTime, "--account", "swing-2").succeeds(t)
	require.Contains(t, named, "account     swing-2: balance 10000.00 USD")
}

func TestDecideTakesAStrategyByIDOrFromAFile(t *testing.T) {
	t.Parallel()
	text := ballast(t, nil, "strategies", "show", "dca_hedge", "--json").succeeds(t)
	path := filepath.Join(t.TempDir(), "mine.json")
	write(t, path, text)
	for _, name := range []string{"dca_hedge", path} {
		out := decode(t, ballast(t, nil, "decide", "--at", demoTime, "--json", "--strategy", name).succeeds(t))
		require.Equal(t, "dca_hedge", out.at(t, "metadata")["strategy"])
	}
}

func TestStrictExitsWith3AndStillShowsTheDecision(t *testing.T) {
	t.Parallel()
	got := ballast(t, nil, "decide", "--at", demoTime, "--strict")
	require.Equal(t, exitDegraded, got.code)
	require.Contains(t, got.stdout, "decided by")
	require.Equal(t, "ballast: --strict: 0 actions refused, 3 things degraded\n", got.stderr)
}

func TestTheOldSymbolVariableWarns(t *testing.T) {
	t.Parallel()
	got := ballast(t, map[string]string{"SYMBOL": "SOL"}, "decide", "--at", demoTime, "--json")
	require.Equal(t, exitOK, got.code)
	require.Equal(t, "ballast: warning: SYMBOL is the old name for a single asset: use ASSETS\n", got.stderr)
	require.Equal(t, []any{"SOLUSDT"}, decode(t, got.stdout).at(t, "context")["symbols"])
}
