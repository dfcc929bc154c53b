package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm/llmtest"
)

// haltsIn is an environment with a DATA_DIR that does not exist yet, and where
// its halts are kept.
func haltsIn(t *testing.T) (env map[string]string, path string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	return map[string]string{"DATA_DIR": dir, "DATABASE_URL": "memory:"}, filepath.Join(dir, "halts.json")
}

// entries are the assets that a run would enter, with the limits that bind the
// first one.
func entries(t *testing.T, env map[string]string, more ...string) (entered []string, limit string) {
	t.Helper()
	out := decode(t, ballast(t, env, append([]string{"decide", "--at", demoTime, "--json"}, more...)...).succeeds(t))
	for _, d := range out.at(t, "decision")["decisions"].([]any) {
		if one := d.(map[string]any); one["action"] == "buy" || one["action"] == "sell" {
			entered = append(entered, one["asset"].(string))
		}
	}
	return entered, out.at(t, "context", "risk", "assets", "BTCUSDT")["long_limit"].(string)
}

func TestAHaltKeepsRunsFromEnteringUntilItIsResumed(t *testing.T) {
	t.Parallel()
	env, path := haltsIn(t)
	free, limit := entries(t, env)
	require.NotEmpty(t, free)
	require.NotEqual(t, "halted", limit)
	require.NoDirExists(t, env["DATA_DIR"], "to decide makes no folder")

	require.Equal(t, "every account is halted until it is resumed, as "+path+" says: nothing that adds risk passes, while closing and reducing stay possible\n",
		ballast(t, env, "halt", "--reason", "too fast", "--by", "ops").succeeds(t))
	entered, limit := entries(t, env)
	require.Empty(t, entered)
	require.Equal(t, "halted", limit)
	text := lines(ballast(t, env, "decide", "--at", demoTime).succeeds(t))
	require.Contains(t, text, "hold: no room for a long: the halted limit")
	require.Regexp(t, `halted every account halted at \S+ by ops: too fast`, text)

	require.Equal(t, "every account is resumed\n", ballast(t, env, "resume").succeeds(t))
	again, _ := entries(t, env)
	require.Equal(t, free, again)
	require.Equal(t, "every account was not halted\n", ballast(t, env, "resume").succeeds(t))
}

func TestAHaltIsOfOneAccount(t *testing.T) {
	t.Parallel()
	env, path := haltsIn(t)
	require.Contains(t, ballast(t, env, "halt", "--account", "main").succeeds(t), "account main is halted until it is resumed, as "+path)
	entered, _ := entries(t, env)
	require.NotEmpty(t, entered, "another account")
	entered, limit := entries(t, env, "--account", "main")
	require.Empty(t, entered)
	require.Equal(t, "halted", limit)
	require.Equal(t, "account other was not halted\n", ballast(t, env, "resume", "--account", "other").succeeds(t))

	ballast(t, env, "halt", "--reason", "lunch").succeeds(t)
	require.Regexp(t, `^account main is resumed; still on: every account halted at \S+: lunch\n$`, ballast(t, env, "resume", "--account", "main").succeeds(t))
	entered, _ = entries(t, env, "--account", "main")
	require.Empty(t, entered)
	require.Regexp(t, `^account main was not halted; still on: every account halted`, ballast(t, env, "resume", "--account", "main").succeeds(t))

	ballast(t, env, "halt", "--account", "main").succeeds(t)
	require.Regexp(t, `^every account is resumed; still on: account main halted at \S+\n$`, ballast(t, env, "resume").succeeds(t))
	ballast(t, env, "halt", "--account", "second").succeeds(t)
	require.Equal(t, "every account was not halted; still on: the halts of 2 accounts, see ballast halts\n", ballast(t, env, "resume").succeeds(t))
	require.Equal(t, "account second is resumed\n", ballast(t, env, "resume", "--account", "second").succeeds(t))
}

func TestAHaltRefusesWhatAModelWouldEnterAndSaysWhy(t *testing.T) {
	t.Parallel()
	server, env := quiet(t, llmtest.Answer(answer("100", "Bought.")))
	args := csvArgs("decide", folder(t, "BTCUSDT"), lastClose(), "--symbols", "BTC")
	ballast(t, env, "halt", "--reason", "too fast").succeeds(t)
	out := decode(t, ballast(t, env, append(args, "--json")...).succeeds(t))
	require.Equal(t, "hold", out.at(t, "decision")["decisions"].([]any)[0].(map[string]any)["action"])
	refused := out.at(t, "validation")["errors"].([]any)[0].(map[string]any)
	require.Equal(t, "halted", refused["rule"])
	require.Regexp(t, `trading is halted: .*every account halted at \S+: too fast`, refused["message"])
	require.Contains(t, ballast(t, env, args...).succeeds(t), "trading is halted")

	ballast(t, env, "resume").succeeds(t)
	out = decode(t, ballast(t, env, append(args, "--json")...).succeeds(t))
	require.Equal(t, "buy", out.at(t, "decision")["decisions"].([]any)[0].(map[string]any)["action"])
	require.Len(t, server.Requests(), 3)
}

func TestAHaltLetsARunClose(t *testing.T) {
	t.Parallel()
	closing := strings.NewReplacer(`"buy"`, `"close_position"`, `"tp_price":108,"sl_price":97`, `"tp_price":null,"sl_price":null`).Replace(answer("0", "Closed."))
	server, env := quiet(t, llmtest.Answer(closing))
	ballast(t, env, "halt").succeeds(t)
	path := filepath.Join(t.TempDir(), "state.json")
	write(t, path, strings.NewReplacer(`"positions":[]`, `"positions":[`+position("BTC")+`]`, `"halted":true`, `"halted":false`).Replace(state))
	out := decode(t, ballast(t, env, csvArgs("decide", folder(t, "BTCUSDT"), lastClose(), "--symbols", "BTC", "--state", path, "--json")...).succeeds(t))
	require.Len(t, server.Requests(), 1)
	require.Equal(t, "close_position", out.at(t, "decision")["decisions"].([]any)[0].(map[string]any)["action"])
	require.Empty(t, out.at(t, "metadata")["refused"])
}

func TestAFileOfHaltsThatCannotBeReadHaltsEverythingAndSaysSo(t *testing.T) {
	t.Parallel()
	env, path := haltsIn(t)
	ballast(t, env, "halt", "--account", "other").succeeds(t)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for name, text := range map[string]string{"empty": "", "torn": string(whole[:len(whole)/2]), "another file": "[]"} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		entered, limit := entries(t, env)
		require.Empty(t, entered, name)
		require.Equal(t, "halted", limit, name)
		decided := lines(ballast(t, env, "decide", "--at", demoTime).succeeds(t))
		require.Contains(t, decided, "nothing may add risk", name)
		asJSON := ballast(t, env, "decide", "--at", demoTime, "--json").succeeds(t) // the table breaks long paths
		require.Contains(t, asJSON, "halts.json", name)
		for _, args := range [][]string{{"halt"}, {"halts"}, {"resume", "--account", "other"}} {
			got := ballast(t, env, args...)
			require.Equal(t, exitFailed, got.code)
			require.Empty(t, got.stdout)
			require.Contains(t, got.stderr, path)
			require.Contains(t, got.stderr, "; until somebody repairs or removes it, everything is halted\n")
		}
		left, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(left), "no halt is lost that a person can still save")
	}
	require.NoError(t, os.Remove(path))
	entered, _ := entries(t, env)
	require.NotEmpty(t, entered)
}

func TestHaltsAreListed(t *testing.T) {
	t.Parallel()
	env, _ := haltsIn(t)
	require.Equal(t, "nothing is halted with DATA_DIR "+env["DATA_DIR"]+"\n", ballast(t, env, "halts").succeeds(t))
	require.JSONEq(t, "[]", ballast(t, env, "halts", "--json").succeeds(t))
	require.NoDirExists(t, env["DATA_DIR"])

	at := time.Date(2026, 11, 21, 13, 0, 0, 0, time.FixedZone("CET", 3600))
	halt := func(args ...string) {
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitOK, run(t.Context(), append([]string{"halt"}, args...), env, func() time.Time { return at }, strings.NewReader(""), &stdout, &stderr))
		require.Empty(t, stderr.String())
	}
	halt("--account", "main", "--reason", "two\nlines \x1b[2J")
	halt("--reason", "maintenance", "--by", "ops")
	require.Equal(t, "every account halted at 2026-11-21T12:00:00Z by ops: maintenance\naccount main halted at 2026-11-21T12:00:00Z: two lines [2J\n",
		ballast(t, env, "halts").succeeds(t))
	text := ballast(t, env, "halts", "--json").succeeds(t)
	require.NotContains(t, text, "\x1b")
	var all []map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &all))
	require.Equal(t, []map[string]any{
		{"account_id": nil, "reason": "maintenance", "by": "ops", "at": "2026-11-21T12:00:00Z"},
		{"account_id": "main", "reason": "two\nlines \x1b[2J", "by": nil, "at": "2026-11-21T12:00:00Z"},
	}, all)
}

func TestAHaltThatCannotBeMeantIsRefused(t *testing.T) {
	t.Parallel()
	env, _ := haltsIn(t)
	for _, tc := range []struct {
		args []string
		line string
	}{
		{[]string{"halt", "--account", ""}, "--account must name an account, was empty: leave it out for every account"},
		{[]string{"resume", "--account="}, "--account must name an account, was empty: leave it out for every account"},
		{[]string{"halt", "--account", strings.Repeat("x", 101)}, "--account must be at most 100 bytes of UTF-8, had 101"},
		{[]string{"halt", "--reason", strings.Repeat("x", 501)}, "--reason must be at most 500 bytes of UTF-8, had 501"},
		{[]string{"halt", "--by", strings.Repeat("x", 101)}, "--by must be at most 100 bytes of UTF-8, had 101"},
		{[]string{"resume", "--account", strings.Repeat("x", 101)}, "--account must be at most 100 bytes of UTF-8, had 101"},
	} {
		ballast(t, env, tc.args...).fails(t, exitUsage, tc.line)
	}
	require.NoDirExists(t, env["DATA_DIR"])
}

// A kill switch must not wait for somebody to repair the settings.
func TestAWrongSettingIsNoReasonNotToHalt(t *testing.T) {
	t.Parallel()
	env, path := haltsIn(t)
	env["LEVERAGE"], env["LLM_TIMEOUT"] = "0", "soon"
	for _, args := range [][]string{{"halt"}, {"halts"}, {"resume"}} {
		got := ballast(t, env, args...)
		require.Equal(t, exitOK, got.code, got.stderr)
		require.Contains(t, got.stderr, "ballast: warning: LEVERAGE must be between 1 and 20, was 0\n")
		require.Contains(t, got.stderr, "ballast: warning: LLM_TIMEOUT must be")
		require.NotEmpty(t, got.stdout)
	}
	require.FileExists(t, path)
}

func TestAHaltThatWasNotKeptIsAFailure(t *testing.T) {
	t.Parallel()
	env, path := haltsIn(t)
	write(t, env["DATA_DIR"], "a file in the place of the folder")
	for _, args := range [][]string{{"halt"}, {"resume"}, {"halts"}} {
		got := ballast(t, env, args...)
		require.Equal(t, exitFailed, got.code)
		require.Empty(t, got.stdout)
		require.Contains(t, got.stderr, filepath.Dir(path))
	}
	require.NoError(t, os.Remove(env["DATA_DIR"]))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitFailed, run(ctx, []string{"halt"}, env, time.Now, strings.NewReader(""), &stdout, &stderr))
	require.Equal(t, "ballast: interrupted\n", stderr.String())
	require.Empty(t, stdout.String())
	require.NoFileExists(t, path)
}

func TestTheHelpOfHaltsSaysWhatTheyDo(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"halt", "resume", "halts"} {
		require.Contains(t, ballast(t, nil, command, "--help").succeeds(t), "Usage: ballast "+command)
	}
	require.Contains(t, lines(ballast(t, nil, "--help").succeeds(t)), "Halts that cannot be read halt everything.")
}
