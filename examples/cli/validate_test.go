package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// long is an entry into BTCUSDT, which the demo market has at 94410.8.
func long(allocation string) string {
	return `{"asset":"BTCUSDT","action":"buy","allocation_usd":` + allocation + `,"sl_price":92000,"tp_price":101000,` +
		`"exit_plan":"At the stop or the target.","rationale":"Higher lows since Monday.","confidence":70,"risk_level":"medium"}`
}

func held(asset string) string {
	return `{"asset":"` + asset + `","action":"hold","exit_plan":"-","rationale":"No edge.","confidence":50,"risk_level":"low"}`
}

func proposal(entries ...string) string {
	return `{"decisions":[` + strings.Join(entries, ",") + `],"portfolio_rationale":"One trade."}`
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "decision.json")
	write(t, path, text)
	return path
}

func TestValidateShowsTheVerdictFirstAndThenTheRisk(t *testing.T) {
	t.Parallel()
	out := ballastReading(t, proposal(long("2000"), held("ETHUSDT")), nil, "validate", "-", "--at", demoTime).succeeds(t)
	require.True(t, strings.HasPrefix(out, "valid\n"), out)
	require.NotContains(t, out, "let through", "it is what was given")
	golden(t, "validate_valid.txt", out)
}

func TestValidateShowsEveryErrorAndWhatTheGateWouldLeave(t *testing.T) {
	t.Parallel()
	got := ballastReading(t, proposal(held("ETHUSDT"), long("12000")), nil, "validate", "-", "--at", demoTime)
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, "ballast: stdin is not valid: 2 errors, 1 warning\n", got.stderr)
	require.True(t, strings.HasPrefix(got.stdout, "not valid: 2 errors, 1 warning\n"), got.stdout)
	golden(t, "validate_refused.txt", got.stdout)
}

func TestValidateSaysWhatExceedsTheCapitalInTheGatesWords(t *testing.T) {
	t.Parallel()
	const message = "allocation exceeds available capital: margin 6000 of 5000 available (BTCUSDT 12000 at 2x)"
	account := filepath.Join(t.TempDir(), "state.json")
	write(t, account, `{"account_id":"main","balance_usd":20000,"available_usd":5000,"leverage":2,"max_position_size_usd":20000,`+
		`"maker_fee_bps":0.5,"taker_fee_bps":4,"positions":[],"realized_pnl_today_usd":0,"equity_at_midnight_usd":20000,"halted":false}`)
	args := []string{"validate", file(t, proposal(long("12000"))), "--at", demoTime, "--state", account}
	got := ballast(t, nil, args...)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.stdout, "available_capital: "+message+"\n")
	require.Contains(t, got.stdout, "            - limit 5000, value 6000\n")
	require.Contains(t, got.stdout, "account     main: balance 20000.00 USD, available 5000.00 USD")
	require.NotContains(t, got.stdout, "paper account")

	got = ballast(t, nil, append(args, "--json")...)
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, []any{map[string]any{
		"rule": "available_capital", "severity": "error", "limit": "5000", "value": "6000", "message": message,
	}}, decode(t, got.stdout)["errors"])
}

func TestValidateJSONHasTheShapeOfTheAPI(t *testing.T) {
	t.Parallel()
	out := decode(t, ballastReading(t, proposal(long("2000")), nil, "validate", "-", "--at", demoTime, "--json").succeeds(t))
	require.ElementsMatch(t, []string{"is_valid", "errors", "warnings", "risk_assessment", "decision", "degraded"}, out.keys())
	require.Equal(t, true, out["is_valid"])
	require.Equal(t, []any{}, out["errors"])
	require.Equal(t, []any{}, out["warnings"])
	require.Equal(t, []any{"simulated market", "paper account of 10000 USD: no --state was given"}, out["degraded"])
	risk := out.at(t, "risk_assessment")
	require.ElementsMatch(t, []string{
		"portfolio_risk_score", "concentration_risk", "leverage_risk", "notional_usd", "margin_usd", "loss_at_stops_usd", "positions",
	}, risk.keys())
	// 1000 USD of margin of 10000, 2000 USD of positions where 2x, 20000, is allowed.
	require.EqualValues(t, "0.1", risk["concentration_risk"])
	require.EqualValues(t, "0.1", risk["leverage_risk"])
	require.EqualValues(t, "1000", risk["margin_usd"])
	position := object(risk["positions"].([]any)[0].(map[string]any))
	require.ElementsMatch(t, []string{
		"asset", "side", "notional_usd", "margin_usd", "leverage", "loss_at_stop_usd", "liquidation_price", "liquidation_percent",
	}, position.keys())
	require.Equal(t, risk["loss_at_stops_usd"], position["loss_at_stop_usd"])
	require.IsType(t, json.Number(""), position["liquidation_price"])
	require.EqualValues(t, "2000", out.at(t, "decision")["total_allocation_usd"])
}

func TestWhatDecidePrintsIsValid(t *testing.T) {
	t.Parallel()
	dir := folder(t, "BTCUSDT", "ETHUSDT")
	for name, market := range map[string][]string{
		"demo": {"--at", demoTime}, "csv": csvArgs("", dir, lastClose(), "--symbols", "BTC,ETH")[1:],
	} {
		decided := ballast(t, nil, append([]string{"decide", "--json"}, market...)...).succeeds(t)
		path := file(t, decided)
		require.Contains(t, ballast(t, nil, append([]string{"validate", path}, market...)...).succeeds(t), "valid\n", name)
		bare, err := json.Marshal(decode(t, decided)["decision"])
		require.NoError(t, err)
		ballastReading(t, string(bare), nil, append([]string{"validate", "-"}, market...)...).succeeds(t)
	}
}

func TestValidateStoresNothingAndAsksNoModel(t *testing.T) {
	t.Parallel()
	server, env := quiet(t)
	ballastReading(t, proposal(held("BTCUSDT")), env, "validate", "-", "--at", demoTime).succeeds(t)
	require.Empty(t, server.Requests())
	require.NoDirExists(t, env["DATA_DIR"])
}

func TestValidateTakesTheFlagsOfDecide(t *testing.T) {
	t.Parallel()
	path := file(t, proposal(long("2000")))
	out := ballast(t, nil, "validate", path, "--at", demoTime, "--account", "swing-2").succeeds(t)
	require.Contains(t, out, "account     swing-2: balance")

	got := ballast(t, nil, "validate", path, "--at", demoTime, "--strategy", "dca_hedge")
	require.Equal(t, exitFailed, got.code, "its leverage is 1")
	require.Contains(t, got.stdout, "leverage: ")
	require.Contains(t, got.stdout, "strategy    dca_hedge, version "+hashOf(t, "dca_hedge")[:12])

	halted := stateFile(t, `"positions":[]`, `"positions":[`+position("BTC")+"]")
	got = ballast(t, nil, "validate", file(t, proposal(held("BTCUSDT"))), "--at", demoTime, "--state", halted)
	require.Equal(t, exitOK, got.code, "a halted account may hold")
	require.Contains(t, lines(got.stdout), "│ BTCUSDT │ long │ 944.11 USD │", "the risk of what is open")
	got = ballast(t, map[string]string{"LEVERAGE": "5"}, "validate", path, "--at", demoTime, "--state", halted)
	require.Contains(t, got.stderr, "warning: LEVERAGE 5 is not used: --state says 2\n")
	require.Contains(t, got.stdout, "halted: ")

	got = ballast(t, nil, "validate", path, "--at", demoTime, "--symbols", "ETH")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.stdout, `BTCUSDT: shape: asset "BTCUSDT" was not asked about`)
}

func TestValidateWithoutAStopDoesNotClaimALoss(t *testing.T) {
	t.Parallel()
	naked := strings.Replace(long("2000"), `"sl_price":92000,`, "", 1)
	got := ballastReading(t, proposal(naked), nil, "validate", "-", "--at", demoTime)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.stdout, "stop_required: ")
	require.Contains(t, got.stdout, "loss        unknown, as a position has no stop or no known price\n")
	risk := decode(t, ballastReading(t, proposal(naked), nil, "validate", "-", "--at", demoTime, "--json").stdout).at(t, "risk_assessment")
	require.Nil(t, risk["loss_at_stops_usd"])
}

const knownAssets = "; known are BTCUSDT, ETHUSDT, SOLUSDT, BNBUSDT, XRPUSDT, DOGEUSDT, ADAUSDT, AVAXUSDT, LINKUSDT, LTCUSDT"

func TestADecisionThatCannotBeReadIsNotValid(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 11 {
		many = append(many, held(fmt.Sprintf("A%dUSDT", i)))
	}
	for name, tc := range map[string]struct{ text, line string }{
		"empty":             {"", "not valid JSON at byte 0: unexpected EOF"},
		"prose":             {"buy BTC", "not valid JSON at byte 0: invalid character 'b' at start of value"},
		"cut":               {proposal(held("BTCUSDT"))[:50], "not valid JSON at byte 50: unexpected EOF"},
		"two documents":     {"{} {}", "not valid JSON at byte 3: invalid character '{' after top-level value"},
		"no entries":        {`{"decisions":[]}`, "decisions must number 1 to 100, were 0"},
		"nothing":           {"{}", "decisions must number 1 to 100, were 0"},
		"unknown member":    {proposal(strings.Replace(held("BTCUSDT"), "{", `{"size":1,`, 1)), "the document: decisions.0: size: unknown member"},
		"1e400":             {proposal(long("1e400")), `the document: decisions.0: allocation_usd: jsonx: not a decimal: "1e400" must have an exponent within ±60 and at most 100 digits`},
		"NaN":               {proposal(long("NaN")), "not valid JSON at byte 65: invalid character 'N' at start of value"},
		"unknown action":    {proposal(strings.Replace(held("BTCUSDT"), "hold", "moon", 1)), `decisions[0]: action must be one of [buy sell hold adjust_position close_position adjust_orders], was "moon"`},
		"lower case":        {proposal(held("btcusdt")), "btcusdt: unknown symbol: not simulated" + knownAssets},
		"unknown asset":     {proposal(held("NOPEUSDT")), "NOPEUSDT: unknown symbol: not simulated" + knownAssets},
		"hostile asset":     {proposal(held(`\u001b[2J`)), "[2J: unknown symbol: not simulated" + knownAssets},
		"too many assets":   {proposal(many...), "must name 1 to 10 assets, named 11"},
		"twice and no name": {`{"decisions":[],"decisions":[]}`, "not valid JSON at byte 16: duplicate object member name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "decision.json")
			require.NoError(t, os.WriteFile(path, []byte(tc.text), 0o600))
			for _, json := range [][]string{nil, {"--json"}} {
				ballast(t, nil, append([]string{"validate", path, "--at", demoTime}, json...)...).fails(t, exitFailed, path+": "+tc.line)
			}
			ballastReading(t, tc.text, nil, "validate", "-", "--at", demoTime).fails(t, exitFailed, "stdin: "+tc.line)
		})
	}
}

func TestADecisionThatIsAbsurdIsJudgedAllTheSame(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"huge":             {proposal(long(strings.Repeat("9", 60))), "available_capital: "},
		"negative":         {proposal(long("-5")), "shape: "},
		"one asset twice":  {proposal(long("1000"), long("1000")), "BTCUSDT is decided more than once"},
		"a blank reason":   {proposal(strings.Replace(long("1000"), "Higher lows since Monday.", " ", 1)), "shape: "},
		"a wrong-way stop": {proposal(strings.Replace(long("1000"), "92000", "99000", 1)), "price_logic: "},
		"a hostile text": {
			strings.Replace(proposal(strings.Replace(long("1000"), "92000", "99000", 1)), "One trade.", `\u001b]0;x\u0007`, 1), "price_logic: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ballastReading(t, tc.text, nil, "validate", "-", "--at", demoTime)
			require.Equal(t, exitFailed, got.code)
			require.True(t, strings.HasPrefix(got.stdout, "not valid: "), got.stdout)
			require.Contains(t, got.stdout, tc.want)
			require.Contains(t, got.stdout, "let through")
			require.NotContains(t, got.stdout+got.stderr, "\x1b")
			text := ballastReading(t, tc.text, nil, "validate", "-", "--at", demoTime, "--json").stdout
			require.Equal(t, false, decode(t, text)["is_valid"])
			require.NotContains(t, text, "\x1b")
		})
	}
}

func TestValidateWithBadUsageExits2(t *testing.T) {
	t.Parallel()
	good, dir := file(t, proposal(held("BTCUSDT"))), t.TempDir()
	for _, tc := range []struct {
		args []string
		line string
	}{
		{nil, `expected "<file>" (see ballast --help)`},
		{[]string{"/no/such.json"}, "/no/such.json: no such file or directory"},
		{[]string{dir}, dir + ": is a directory"},
		{[]string{good, "--market", "csv"}, "--market csv needs --data DIR"},
		{[]string{good, "--state", "/no/such"}, "--state /no/such: no such file or directory"},
		{[]string{good, "--symbols", "BTC,NOPE"}, "NOPEUSDT: unknown symbol: not simulated" + knownAssets},
		{[]string{good, "--at", "yesterday"}, `--at: must be a time such as 2025-10-10T22:00:00Z, was "yesterday" (see ballast --help)`},
		{[]string{good, "--llm", "none"}, "unknown flag --llm (see ballast --help)"},
	} {
		ballast(t, nil, append([]string{"validate"}, tc.args...)...).fails(t, exitUsage, tc.line)
	}
}

func TestValidateOnDataThatIsNotThereFails(t *testing.T) {
	t.Parallel()
	dir := folder(t, "BTCUSDT")
	path := file(t, proposal(held("BTCUSDT")))
	ballast(t, nil, append(csvArgs("validate", dir, firstOpen()), path)...).fails(t, exitFailed,
		"BTCUSDT: unavailable: BTCUSDT.csv has candles that closed from 2025-09-01T01:00:00Z to 2025-09-17T16:00:00Z, asked as of 2025-09-01T00:00:00Z")
	other := file(t, proposal(held("ETHUSDT")))
	ballast(t, nil, append(csvArgs("validate", dir, lastClose()), other)...).fails(t, exitFailed,
		other+": ETHUSDT: unknown symbol: there is no file ETHUSDT.csv")

	broken := stateFile(t, `"leverage":2`, `"leverage":200`)
	ballast(t, nil, "validate", path, "--at", demoTime, "--state", broken).fails(t, exitFailed,
		"--state "+broken+": account: leverage must be between 1 and 20, was 200")
}
