package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// stateFile is a file with the state of an account after one change.
func stateFile(t *testing.T, old, with string) string {
	t.Helper()
	require.Contains(t, state, old)
	path := filepath.Join(t.TempDir(), "state.json")
	write(t, path, strings.Replace(state, old, with, 1))
	return path
}

func position(symbol string) string {
	return `{"symbol":"` + symbol + `","side":"long","quantity":0.01,"entry_price":90000,"mark_price":94000,"leverage":2,"sl_price":80000}`
}

func TestSymbolsOfAStateAreReadLikeThoseOfTheFlag(t *testing.T) {
	t.Parallel()
	path := stateFile(t, `"positions":[]`, `"positions":[`+position("BTC")+","+position("LTCUSDT")+`],"last_entry_at":{"ETH":"2025-10-10T21:59:00Z"}`)
	args := []string{"decide", "--at", demoTime, "--state", path, "--symbols", "btc,eth"}
	out := decode(t, ballast(t, nil, append(args, "--json")...).succeeds(t))
	account := out.at(t, "context", "account_state")
	require.Equal(t, "BTCUSDT", account["positions"].([]any)[0].(map[string]any)["symbol"])
	require.Equal(t, []string{"ETHUSDT"}, account.at(t, "last_entry_at").keys())
	require.Contains(t, out.at(t, "decision")["decisions"].([]any)[0].(map[string]any)["rationale"], "the open long stays")

	text := ballast(t, nil, args...).succeeds(t)
	require.Contains(t, strings.Join(strings.Fields(text), " "), "open positions 2 (not asked about: LTCUSDT)")
}

func TestSymbolsOfAStateThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ with, line string }{
		"no symbol": {`"positions":[` + position("../BTC") + `]`, `positions[0].symbol must be a symbol in capitals such as BTCUSDT or BTC, was "../BTC"`},
		"two names of one": {
			`"positions":[` + position("BTC") + "," + position("BTCUSDT") + `]`,
			`positions[1]: a second position in "BTCUSDT" (hedge mode is not supported)`,
		},
		"an entry in lower case": {
			`"positions":[],"last_entry_at":{"btc":"2025-10-10T21:59:00Z"}`,
			`last_entry_at must be a symbol in capitals such as BTCUSDT or BTC, was "btc"`,
		},
		"an entry twice": {
			`"positions":[],"last_entry_at":{"BTC":"2025-10-10T21:59:00Z","BTCUSDT":"2025-10-10T20:59:00Z"}`,
			"last_entry_at must name each symbol once, named BTCUSDT twice",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := stateFile(t, `"positions":[]`, tc.with)
			ballast(t, nil, "decide", "--at", demoTime, "--state", path).fails(t, exitFailed, "--state "+path+": account: "+tc.line)
		})
	}
}

func TestAPositionInLowerCaseIsRefusedByNameAndPlace(t *testing.T) {
	t.Parallel()
	path := stateFile(t, `"positions":[]`, `"positions":[`+position("BTC")+","+position("ethusdt")+`]`)
	got := ballast(t, nil, "decide", "--at", demoTime, "--state", path)
	require.Equal(t, exitFailed, got.code)
	require.Empty(t, got.stdout)
	require.Regexp(t, `^ballast: --state \S+: account: positions\[1\]\W+symbol must be .+"ethusdt"\n$`, got.stderr)
}

func TestAStateThatLeavesALimitOutIsRefused(t *testing.T) {
	t.Parallel()
	path := stateFile(t, `"leverage":2,`, "")
	got := ballast(t, nil, "decide", "--at", demoTime, "--state", path)
	require.Equal(t, exitFailed, got.code)
	require.Empty(t, got.stdout)
	require.Contains(t, got.stderr, "leverage")
}

func TestLimitsOfAStateWinOverTheEnvironmentAndSaySo(t *testing.T) {
	t.Parallel()
	path := stateFile(t, `"halted":true`, `"halted":false`)
	run := func(env map[string]string) result {
		return ballast(t, env, "decide", "--at", demoTime, "--json", "--state", path)
	}
	got := run(map[string]string{"LEVERAGE": "5", "MAX_POSITION_SIZE_USD": "9000"})
	require.Equal(t, exitOK, got.code)
	require.Equal(t, "ballast: warning: LEVERAGE 5 is not used: --state says 2; MAX_POSITION_SIZE_USD 9000 is not used: --state says 3000\n", got.stderr)
	require.EqualValues(t, "2", decode(t, got.stdout).at(t, "context", "account_state")["leverage"])

	run(map[string]string{"LEVERAGE": "2.0", "MAX_POSITION_SIZE_USD": "3000"}).succeeds(t)
	run(nil).succeeds(t)
	ballast(t, map[string]string{"LEVERAGE": "1"}, "decide", "--at", demoTime).succeeds(t)
}

func TestTheHelpSaysWhatBindsWhom(t *testing.T) {
	t.Parallel()
	text := strings.Join(strings.Fields(ballast(t, nil, "--help").succeeds(t)), " ")
	require.Contains(t, text, "MIN_CONFIDENCE and MAX_RISK_SCORE bind the technical fallback only")
	require.Contains(t, text, "with --state, the limits in the file win")
	decide := strings.Join(strings.Fields(ballast(t, nil, "decide", "--help").succeeds(t)), " ")
	require.Contains(t, decide, "its limits win over LEVERAGE and MAX_POSITION_SIZE_USD")
	require.Contains(t, decide, "OPENROUTER_BASE_URL is on this machine and LLM_MODEL is set")
}

func TestAStrategyBelowTheAccountsLeverageSaysWhichLimitBinds(t *testing.T) {
	t.Parallel()
	out := decode(t, ballast(t, nil, "decide", "--at", demoTime, "--json", "--strategy", "dca_hedge").succeeds(t))
	require.Contains(t, out.at(t, "decision")["decisions"].([]any)[0].(map[string]any)["rationale"], "hold: no room for a long: the leverage limit binds")
	require.Contains(t, ballast(t, nil, "strategies", "show", "dca_hedge").succeeds(t), "at most 1x, an account set to more enters nothing")
}
