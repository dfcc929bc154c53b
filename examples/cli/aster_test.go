package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/astertest"
)

const (
	agentKey     = "4fd0a42218f3eae43a6ce26d22544e986139a01e5b34a62db53757ffca81bae1" // printed in the venue's documentation
	agentAddress = "0x21cF8Ae13Bb72632562c6Fff438652Ba1a151bb0"
	wallet       = "0x63DD5aCC6b1aa0f563956C0e534DD30B6dcF7C4e"
	otherKey     = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d" // of nobody's account here
	apiKey       = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83"
	apiSecret    = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
)

// exchange starts AsterDEX with one account.
func exchange(t *testing.T, change func(*astertest.Account)) *astertest.Exchange {
	t.Helper()
	account := astertest.Account{
		Wallet: wallet, Deposit: decimal.NewFromInt(7500),
		Agents: []astertest.Agent{{Address: agentAddress}}, Keys: []astertest.Key{{Key: apiKey, Secret: apiSecret}},
	}
	if change != nil {
		change(&account)
	}
	ex, err := astertest.New(astertest.Config{Accounts: []astertest.Account{account}})
	require.NoError(t, err)
	t.Cleanup(ex.Close)
	return ex
}

// asterEnv is the environment of whom the exchange knows, or of nobody.
func asterEnv(t *testing.T, ex *astertest.Exchange, keys ...string) map[string]string {
	t.Helper()
	env := map[string]string{"ASTERDEX_BASE_URL": ex.Network().REST, "DATA_DIR": t.TempDir()}
	for _, name := range keys {
		maps.Copy(env, map[string]map[string]string{
			"v3": {"ASTERDEX_SIGNER_KEY": agentKey, "ASTERDEX_USER": wallet},
			"v1": {"ASTERDEX_API_KEY": apiKey, "ASTERDEX_API_SECRET": apiSecret},
		}[name])
	}
	return env
}

// ballastAt runs by the clock of the exchange.
func ballastAt(t *testing.T, now func() time.Time, env map[string]string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, env, now, strings.NewReader(""), &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

func TestDecideReadsMarketAndAccountFromTheExchange(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, keys, balance, note string
	}{
		{"without keys", "", "10000", "paper account of 10000 USD: no --state was given"},
		{"with an agent", "v3", "7500", ""},
		{"with an old key", "v1", "7500", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ex := exchange(t, nil)
			env := asterEnv(t, ex, tc.keys)
			out := decode(t, ballastAt(t, ex.Now, env, "decide", "--market", "aster", "--json", "--account", "main").succeeds(t))
			account := out.at(t, "context", "account_state")
			require.Equal(t, "main", account["account_id"])
			require.EqualValues(t, tc.balance, account["balance_usd"])
			require.Len(t, out.at(t, "context", "market_data", "assets"), 3)
			require.Equal(t, ex.Price("BTCUSDT").String(), out.at(t, "context", "market_data", "assets", "BTCUSDT")["current_price"].(json.Number).String())
			degraded, err := json.Marshal(out.at(t, "metadata")["degraded"])
			require.NoError(t, err)
			require.Contains(t, string(degraded), "network 127.0.0.1:")
			if tc.note != "" {
				require.Contains(t, string(degraded), tc.note)
			} else {
				require.NotContains(t, string(degraded), "paper account")
			}
		})
	}
}

func TestTheStateOfAFileAndLeverageOfTheEnvironmentWin(t *testing.T) {
	t.Parallel()
	ex := exchange(t, nil)
	env := asterEnv(t, ex, "v3")
	env["LEVERAGE"] = "3"
	out := decode(t, ballastAt(t, ex.Now, env, "decide", "--market", "aster", "--json").succeeds(t))
	require.EqualValues(t, "3", out.at(t, "context", "account_state")["leverage"])
	delete(env, "LEVERAGE")
	out = decode(t, ballastAt(t, ex.Now, env, "decide", "--market", "aster", "--json", "--state", stateFile(t, `"positions":[]`, `"positions":[]`)).succeeds(t))
	require.EqualValues(t, "5000.25", out.at(t, "context", "account_state")["balance_usd"])
	for _, r := range ex.Requests()[len(ex.Requests())-5:] {
		require.NotContains(t, r.Path, "balance")
	}
}

func TestScoreAndValidateReadTheExchange(t *testing.T) {
	t.Parallel()
	ex := exchange(t, nil)
	env := asterEnv(t, ex, "v3")
	out := ballastAt(t, ex.Now, env, "score", "--market", "aster", "--symbols", "BTC").succeeds(t)
	require.Contains(t, out, "BTCUSDT")
	file := filepath.Join(t.TempDir(), "decision.json")
	write(t, file, `{"portfolio_rationale":"x","decisions":[{"asset":"BTCUSDT","action":"buy","allocation_usd":99999,"sl_price":1,"tp_price":999999,`+
		`"rationale":"x","exit_plan":"x","confidence":70,"risk_level":"medium"}]}`)
	got := ballastAt(t, ex.Now, env, "validate", file, "--market", "aster")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, lines(got.stdout), "balance 7500 USD", "of the account at the exchange: "+got.stdout)
}

func TestMarketShowsOneAsset(t *testing.T) {
	t.Parallel()
	ex := exchange(t, nil)
	out := ballastAt(t, ex.Now, asterEnv(t, ex, "v3"), "market", "btc").succeeds(t)
	for _, want := range []string{
		"BTCUSDT", "mark ", "24 h ", "volume", "funding ", "every 8h0m0s, next in ", "open interest ", "BTC", "tick 0.1, lot 0.001", "max leverage 50",
		"price 0s old, 1h candle closed 30s ago, 4h candle closed 30s ago: fresh enough to be decided on", "of 2400 used in this minute", "1h closed", "4h closed", "rsi 14",
		"2025-10-01T12:00:00Z",
	} {
		require.Contains(t, out, want)
	}
	m := decode(t, ballastAt(t, ex.Now, asterEnv(t, ex), "market", "BTCUSDT", "--json", "--candles", "2").succeeds(t))
	require.ElementsMatch(t, []string{
		"symbol", "as_of", "current_price", "price_at", "mark_price", "price_change_24h", "volume_24h", "open_interest", "funding", "instrument",
		"candles", "indicators", "freshness", "weight", "degraded",
	}, m.keys())
	require.Len(t, m.at(t, "candles")["1h"], 2)
	require.Equal(t, true, m.at(t, "freshness")["usable"])
	require.Nil(t, m.at(t, "instrument")["max_leverage"], "brackets need keys")
	used, err := m.at(t, "weight")["used"].(json.Number).Int64()
	require.NoError(t, err)
	require.Positive(t, used)
	require.Less(t, used, int64(50))
}

func TestMarketShowsWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	ex := exchange(t, nil)
	ex.Fault(astertest.Fault{Kind: astertest.Refused, Path: "/openInterest"})
	ex.Fault(astertest.Fault{Kind: astertest.Refused, Path: "/fundingInfo"})
	out := ballastAt(t, ex.Now, asterEnv(t, ex), "market", "BTC").succeeds(t)
	require.Contains(t, out, "open interest unknown")
	require.Contains(t, out, "interval unknown")
	require.Contains(t, out, "max leverage unknown")
}

func TestMarketShowsOtherMarketsToo(t *testing.T) {
	t.Parallel()
	out := ballast(t, nil, "market", "BTC", "--market", "demo", "--at", demoTime).succeeds(t)
	require.Contains(t, out, "simulated market")
	require.NotContains(t, out, "weight")
	out = ballast(t, nil, csvArgs("market", folder(t, "BTCUSDT"), lastClose(), "BTC", "--json")...).succeeds(t)
	require.EqualValues(t, "60", decode(t, out).at(t, "candles")["1h"].([]any)[4].(map[string]any)["low"])
	ballast(t, nil, "market", "NOPE", "--market", "demo").fails(t, exitUsage, "NOPEUSDT: unknown symbol: not simulated")
}

func TestMarketSymbolsListsWhatTrades(t *testing.T) {
	t.Parallel()
	ex := exchange(t, nil)
	require.NoError(t, ex.Delist("XRPUSDT"))
	out := ballastAt(t, ex.Now, asterEnv(t, ex, "v3"), "market", "symbols").succeeds(t)
	require.Regexp(t, `BTCUSDT +│ +0\.1 │ +0\.001 │ +0\.001 │ +5 USD │ +50 │`, out)
	require.NotContains(t, out, "XRPUSDT", "which is settling")
	listed := decode(t, ballastAt(t, ex.Now, asterEnv(t, ex), "market", "symbols", "--json").succeeds(t))
	require.Len(t, listed["symbols"], 9)
	require.Contains(t, listed["notes"], "max leverage is known with keys alone")
}

// Whatever is wrong with keys, network or clock is one line that says what to
// do, and shows no key.
func TestEachTroubleWithTheExchangeIsOneLineWithWhatToDo(t *testing.T) {
	t.Parallel()
	nowhere := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	for _, tc := range []struct {
		name   string
		change func(*astertest.Account)
		fault  astertest.Fault
		env    map[string]string
		clock  time.Duration
		args   []string
		code   int
		wants  []string
	}{
		{
			name: "wrong signer key", env: map[string]string{"ASTERDEX_SIGNER_KEY": otherKey, "ASTERDEX_USER": ""},
			wants: []string{"does not accept the key", "ASTERDEX_SIGNER_KEY and ASTERDEX_USER", "code -2015"},
		},
		{
			name: "wrong key", env: map[string]string{"ASTERDEX_SIGNER_KEY": "", "ASTERDEX_USER": "", "ASTERDEX_API_KEY": strings.Repeat("a", 64), "ASTERDEX_API_SECRET": apiSecret},
			wants: []string{"does not accept the key", "ASTERDEX_API_KEY and ASTERDEX_API_SECRET", "code -2015"},
		},
		{
			name: "wrong secret", env: map[string]string{"ASTERDEX_SIGNER_KEY": "", "ASTERDEX_USER": "", "ASTERDEX_API_KEY": apiKey, "ASTERDEX_API_SECRET": strings.Repeat("b", 64)},
			wants: []string{"or its signature", "ASTERDEX_API_KEY and ASTERDEX_API_SECRET", "code -1022"},
		},
		{name: "agent of another network", env: map[string]string{"ASTERDEX_NETWORK": "testnet"}, wants: []string{"or its signature", "network 127.0.0.1:", "code -1022"}},
		{
			name: "address that is not listed", change: func(a *astertest.Account) { a.Agents[0].IPs = nowhere },
			wants: []string{"does not let the key do this", "list of addresses", "code -1011"},
		},
		{name: "no deposit", change: func(a *astertest.Account) { a.Deposit = decimal.Zero }, wants: []string{"made a deposit", "paper account", "code -5050"}},
		{name: "hedge mode", change: func(a *astertest.Account) { a.HedgeMode = true }, wants: []string{"set position mode to one-way"}},
		{name: "banned", fault: astertest.Fault{Kind: astertest.Banned, Delay: time.Minute}, wants: []string{"has banned this address for another 1m0s: wait"}},
		{name: "firewall", fault: astertest.Fault{Kind: astertest.Blocked}, wants: []string{"a firewall or a block of the region", "status 403"}},
		{name: "server down", fault: astertest.Fault{Kind: astertest.Broken}, wants: []string{"AsterDEX failed: try again later", "status 500"}},
		{name: "no network", env: map[string]string{"ASTERDEX_BASE_URL": "http://127.0.0.1:1"}, wants: []string{"cannot be reached at http://127.0.0.1:1", "ASTERDEX_BASE_URL", "connection refused"}},
		{name: "clock behind", clock: -time.Minute, wants: []string{"this machine's clock is 1m0s behind AsterDEX's: set it"}},
		{name: "clock ahead", clock: time.Minute, wants: []string{"this machine's clock is 1m0s ahead of AsterDEX's: set it"}},
		{name: "unknown symbol", args: []string{"--symbols", "BTC,NOPE"}, code: exitUsage, wants: []string{"NOPEUSDT: unknown symbol: AsterDEX does not list it: see ballast market symbols"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ex := exchange(t, tc.change)
			if tc.fault.Kind != "" {
				ex.Fault(tc.fault)
			}
			env := asterEnv(t, ex, "v3")
			maps.Copy(env, tc.env)
			now := func() time.Time { return ex.Now().Add(tc.clock) }
			got := ballastAt(t, now, env, append([]string{"decide", "--market", "aster"}, tc.args...)...)
			require.Equal(t, max(tc.code, exitFailed), got.code, got.stderr)
			require.Empty(t, got.stdout)
			require.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
			for _, want := range tc.wants {
				require.Contains(t, got.stderr, want)
			}
			requireNoSecret(t, got.stderr)
		})
	}
}

func TestWithoutKeysTroubleIsInsufficientMarketData(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		faults []astertest.Fault
		clock  time.Duration
		env    map[string]string
		want   string
	}{
		{"server down", []astertest.Fault{{Kind: astertest.Broken, Path: "/klines"}}, 0, nil, "Insufficient market data: BTCUSDT, ETHUSDT, SOLUSDT: unavailable: AsterDEX failed: try again later"},
		{"banned", []astertest.Fault{{Kind: astertest.Banned}}, 0, nil, "Insufficient market data: BTCUSDT, ETHUSDT, SOLUSDT: unavailable: AsterDEX has banned this address for another 2m0s"},
		{"no network", nil, 0, map[string]string{"ASTERDEX_BASE_URL": "http://127.0.0.1:1"}, "Insufficient market data: BTCUSDT, ETHUSDT, SOLUSDT: unavailable: AsterDEX cannot be reached"},
		{"clock behind", nil, -time.Minute, nil, "this machine's clock is 1m0s behind AsterDEX's: set it"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ex := exchange(t, nil)
			for _, f := range tc.faults {
				ex.Fault(f)
			}
			env := asterEnv(t, ex)
			maps.Copy(env, tc.env)
			got := ballastAt(t, func() time.Time { return ex.Now().Add(tc.clock) }, env, "decide", "--market", "aster")
			require.Equal(t, exitFailed, got.code)
			require.Empty(t, got.stdout)
			require.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
			require.Contains(t, got.stderr, "ballast: "+tc.want)
		})
	}
}

func TestAssetsWithoutDataAreNamedAndTheOthersDecided(t *testing.T) {
	t.Parallel()
	ex := exchange(t, nil)
	require.NoError(t, ex.Delist("ETHUSDT"))
	out := decode(t, ballastAt(t, ex.Now, asterEnv(t, ex), "decide", "--market", "aster", "--json").succeeds(t))
	assets := out.at(t, "context", "market_data", "assets")
	require.ElementsMatch(t, []string{"BTCUSDT", "SOLUSDT"}, assets.keys())
	degraded, err := json.Marshal(out.at(t, "metadata")["degraded"])
	require.NoError(t, err)
	require.Contains(t, string(degraded), "Insufficient market data: ETHUSDT: unavailable: AsterDEX: ETHUSDT does not trade: status SETTLING")
}

func TestARecordedMarketDecidesTheSameWithoutTheExchange(t *testing.T) {
	t.Parallel()
	ex := exchange(t, nil)
	env := asterEnv(t, ex)
	file := filepath.Join(t.TempDir(), "market.jsonl")
	live := ballastAt(t, ex.Now, env, "decide", "--market", "aster", "--json", "--record-market", file).succeeds(t)
	ex.Close()
	at := decode(t, live).at(t, "context")["as_of"].(string)
	for _, more := range [][]string{nil, {"--at", at}} {
		again := ballast(t, nil, append([]string{"decide", "--market", "replay:" + file, "--json"}, more...)...).succeeds(t)
		require.Equal(t, decode(t, live)["decision"], decode(t, again)["decision"], "its time included, since the clock stood still")
		require.Equal(t, decode(t, live)["context"], decode(t, again)["context"])
	}
	got := ballast(t, nil, "decide", "--market", "replay:"+file, "--symbols", "BTC")
	got.fails(t, exitFailed, "--market replay: marketreplay: BTCUSDT: 250 candles of 1h, 4h: was not recorded; give the --symbols, the intervals and a time of the recording")
	ballast(t, nil, "decide", "--market", "replay:"+file, "--at", "2025-01-01T00:00:00Z").fails(t, exitFailed,
		"--market replay: marketreplay: BTCUSDT, ETHUSDT, SOLUSDT: 250 candles of 1h, 4h: was recorded from "+at+" on and asked as of 2025-01-01T00:00:00Z; "+
			"give the --symbols, the intervals and a time of the recording")
	ballast(t, nil, "decide", "--record-market", file).fails(t, exitUsage, "--record-market "+file+": the file exists, and is not overwritten")

	data, err := os.ReadFile(file)
	require.NoError(t, err)
	write(t, file, strings.TrimSuffix(string(bytes.Replace(data, []byte(`"last":`), []byte(`"last":9`), 1)), "\n"))
	got = ballast(t, nil, "decide", "--market", "replay:"+file)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.stderr, "ballast: --market replay: marketreplay: line ")
	require.Contains(t, got.stderr, "sum must be that of the lines so far")
}

// requireNoSecret also looks for halves and encodings of what is secret.
func requireNoSecret(t *testing.T, text string) {
	t.Helper()
	lower := strings.ToLower(text)
	for _, secret := range []string{agentKey, otherKey, apiKey, apiSecret} {
		require.NotContains(t, lower, secret[:24])
		require.NotContains(t, lower, secret[len(secret)-24:])
		raw, err := hex.DecodeString(secret)
		require.NoError(t, err)
		for _, form := range []string{base64.StdEncoding.EncodeToString(raw), base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString(raw)} {
			require.NotContains(t, text, form[:20])
		}
	}
	require.NotContains(t, lower, "signature=")
}

// Everything that runs with keys write, faults included, holds no secret.
func TestNothingThatARunWithKeysWritesHoldsASecret(t *testing.T) {
	t.Parallel()
	for _, keys := range []string{"v3", "v1"} {
		t.Run(keys, func(t *testing.T) {
			t.Parallel()
			ex := exchange(t, nil)
			dir := t.TempDir()
			env := asterEnv(t, ex, keys)
			env["LOG_LEVEL"], env["DATA_DIR"] = "DEBUG", filepath.Join(dir, "data")
			var wrote strings.Builder
			ran := 0
			once := func(args ...string) {
				got := ballastAt(t, ex.Now, env, args...)
				wrote.WriteString(got.stdout + got.stderr)
				ran++
				ex.Advance(time.Minute) // or the weight of this one would be used up
			}
			faults := []astertest.Fault{
				{},
				{Kind: astertest.Refused, Code: -1022, Message: "bad signature for " + apiKey + " " + agentKey + " " + apiSecret},
				{Kind: astertest.NotJSON},
				{Kind: astertest.Blocked},
				{Kind: astertest.Truncated},
				{Kind: astertest.Cut},
				{Kind: astertest.Banned},
				{Kind: astertest.RateLimited, RetryAfter: time.Minute},
			}
			for n, f := range faults {
				ex.ClearFaults()
				if f.Kind != "" {
					f.Path = []string{"/", "balance", "account", "/openInterest"}[n%4]
					ex.Fault(f)
				}
				file := filepath.Join(dir, string(rune('a'+n))+".jsonl")
				once("decide", "--market", "aster", "--record-market", file)
				once("market", "BTC", "--json")
			}
			once("market", "symbols")
			once("decide", "--market", "aster", "--json")
			files := 0
			require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
				if err != nil || entry.IsDir() {
					return err
				}
				data, err := os.ReadFile(path)
				files++
				wrote.Write(data)
				return err
			}))
			require.Positive(t, files)
			require.Contains(t, wrote.String(), "level=", "logs at debug are part of it")
			require.Contains(t, wrote.String(), "BTCUSDT")
			require.Equal(t, 2*len(faults)+2, ran)
			requireNoSecret(t, wrote.String())
			ex.Close()
		})
	}
}
