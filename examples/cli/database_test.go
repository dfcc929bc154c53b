package main

import (
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // registers "sqlite"
)

// recording is an environment whose decisions are kept in a file.
func recording(t *testing.T) (env map[string]string, file string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	return map[string]string{"DATA_DIR": dir, "DATABASE_URL": ""}, filepath.Join(dir, "ballast.db")
}

// decideOnce records a decision and returns its id.
func decideOnce(t *testing.T, env map[string]string, more ...string) string {
	t.Helper()
	out := decode(t, ballast(t, env, append([]string{"decide", "--at", demoTime, "--json"}, more...)...).succeeds(t))
	return out.at(t, "metadata")["decision_id"].(string)
}

func TestWhatWasDecidedIsFoundAgain(t *testing.T) {
	t.Parallel()
	env, file := recording(t)
	ballast(t, env, "history").fails(t, exitFailed, file+`: there is no database yet: a first decision or "ballast migrate up" makes it`)
	first, second := decideOnce(t, env), decideOnce(t, env, "--account", "main", "--symbols", "BTC,ETH")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "what an account holds is nobody else's business")

	listed := func(args ...string) []any {
		return decode(t, ballast(t, env, append([]string{"history", "--json"}, args...)...).succeeds(t))["decisions"].([]any)
	}
	require.Len(t, listed(), 2)
	require.Equal(t, first, listed("--account", "default")[0].(map[string]any)["id"])
	require.Empty(t, listed("--account", "nobody"))
	require.Empty(t, listed("--strategy", "swing_perps"))
	require.Empty(t, listed("--since", "2026-01-01T00:00:00Z"))
	narrowed := listed("--symbol", "SOL")
	require.Len(t, narrowed, 1, "the second did not ask about it")
	require.Len(t, narrowed[0].(map[string]any)["decision"].(map[string]any)["decisions"], 1)

	page := decode(t, ballast(t, env, "history", "--json", "--limit", "1").succeeds(t))
	require.Equal(t, json.Number("2"), page["total_count"])
	next := listed("--limit", "1", "--cursor", page["next_cursor"].(string))
	require.Len(t, next, 1)
	require.NotEqual(t, page["decisions"].([]any)[0].(map[string]any)["id"], next[0].(map[string]any)["id"])

	text := ballast(t, env, "history").succeeds(t)
	require.Contains(t, text, first)
	require.Contains(t, text, second)
	shown := ballast(t, env, "show", second).succeeds(t)
	require.Regexp(t, `chain\s+link 1, record [0-9a-f]{64}`, shown)
	require.Contains(t, shown, "trend")
	record := decode(t, ballast(t, env, "show", second, "--json").succeeds(t)).at(t, "record", "input", "account")
	require.Equal(t, "main", record["account_id"])
}

func TestNoRecordLeavesNothing(t *testing.T) {
	t.Parallel()
	env, _ := recording(t)
	decideOnce(t, env)
	decideOnce(t, env, "--no-record")
	require.Len(t, decode(t, ballast(t, env, "history", "--json").succeeds(t))["decisions"], 1)
}

func TestBadUsageOfTheHistoryIsNamed(t *testing.T) {
	t.Parallel()
	env, _ := recording(t)
	decideOnce(t, env)
	for line, args := range map[string][]string{
		"--limit must be between 1 and 200, was 201":                                                     {"--limit", "201"},
		"--offset must not be negative, was -1":                                                          {"--offset=-1"},
		"--cursor must be one that a page before printed":                                                {"--cursor", "x"},
		"--symbol must name symbols such as BTCUSDT or BTC, separated by commas, was \"b/c\"":            {"--symbol", "b/c"},
		"--until must not be before --since (2026-01-01T00:00:00Z), was 2025-01-01T00:00:00Z":            {"--since", "2026-01-01T00:00:00Z", "--until", "2025-01-01T00:00:00Z"},
		"DATABASE_URL is memory:, which is forgotten with each run: there is nothing to look at":         {"--database", "memory:"},
		"--database must begin with postgres://, postgresql://, sqlite:// or be memory:, began with ftp": {"--database", "ftp://hunter2"},
	} {
		ballast(t, env, append([]string{"history"}, args...)...).fails(t, exitUsage, line)
	}
	ballast(t, env, "show", "nothing").fails(t, exitFailed, `there is no decision "nothing": see ballast history`)
}

func TestADatabaseThatCannotBeUsedIsOneClearError(t *testing.T) {
	t.Parallel()
	env, file := recording(t)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
	write(t, file, "this is no database, it is a text that somebody put here, long enough to be read as a header")
	for _, args := range [][]string{{"decide", "--at", demoTime}, {"history"}, {"migrate", "current"}} {
		got := ballast(t, env, args...)
		require.Equal(t, exitFailed, got.code, args)
		require.Empty(t, got.stdout)
		require.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
		require.Contains(t, got.stderr, file)
	}
	env["DATABASE_URL"] = "postgresql://ballast:hunter2@127.0.0.1:1/none"
	got := ballast(t, env, "history")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.stderr, "cannot be reached")
	require.NotContains(t, got.stderr, "hunter2")
}

// TestRecordsWaitWhileTheDatabaseIsDown decides without a database: the
// decision is recorded on this machine and adds no risk, and no other database
// is given what waits for that one.
func TestRecordsWaitWhileTheDatabaseIsDown(t *testing.T) {
	t.Parallel()
	env, file := recording(t)
	env["DATABASE_URL"] = "postgresql://ballast:hunter2@127.0.0.1:1/none"
	for range 2 {
		got := ballast(t, env, "decide", "--at", demoTime, "--json")
		require.Equal(t, exitOK, got.code, got.stderr)
		require.Contains(t, got.stderr, "decisions wait in "+filepath.Join(env["DATA_DIR"], "spool-"))
		require.Contains(t, got.stderr, "and add no risk")
		require.NotContains(t, got.stderr+got.stdout, "hunter2")
		for _, d := range decode(t, got.stdout).at(t, "decision")["decisions"].([]any) {
			require.Equal(t, "hold", d.(map[string]any)["action"])
		}
	}
	env["DATABASE_URL"] = "sqlite://" + file
	after := ballast(t, env, "decide", "--at", demoTime, "--json")
	require.Equal(t, exitOK, after.code)
	require.Contains(t, after.stderr, "has records that wait for another DATABASE_URL")
	require.Len(t, decode(t, ballast(t, env, "history", "--json").succeeds(t))["decisions"], 1)
	env["DATABASE_URL"] = "sqlite://" + file + ".d/ballast.db"
	got := ballast(t, env, "decide", "--at", demoTime)
	require.Equal(t, exitFailed, got.code, "a disk that is not mounted is no empty database")
	require.Contains(t, got.stderr, file+".d")
}

func TestHaltsAreThoseOfTheDatabase(t *testing.T) {
	t.Parallel()
	env, file := recording(t)
	require.Contains(t, ballast(t, env, "halt", "--reason", "drill").succeeds(t), "as the database says")
	require.NoFileExists(t, filepath.Join(env["DATA_DIR"], "halts.json"))
	elsewhere := map[string]string{"DATA_DIR": t.TempDir(), "DATABASE_URL": "sqlite://" + file}
	require.Contains(t, ballast(t, elsewhere, "halts").succeeds(t), "every account halted")
	entered, limit := entries(t, elsewhere)
	require.Empty(t, entered)
	require.Equal(t, "halted", limit)

	down := map[string]string{"DATA_DIR": elsewhere["DATA_DIR"], "DATABASE_URL": "postgresql://127.0.0.1:1/none"}
	got := ballast(t, down, "halt", "--account", "main")
	require.Equal(t, exitFailed, got.code, "it counts here alone")
	require.Contains(t, got.stderr, "halted for this machine alone, by "+filepath.Join(elsewhere["DATA_DIR"], "halts.json"))
	require.Len(t, strings.Split(strings.TrimSpace(ballast(t, elsewhere, "halts").succeeds(t)), "\n"), 2)
	require.Regexp(t, `^every account is resumed; still on: account main halted at \S+\n$`, ballast(t, elsewhere, "resume").succeeds(t))
	require.Equal(t, "account main is resumed\n", ballast(t, elsewhere, "resume", "--account", "main").succeeds(t))
}

// legacyFile is the database of a single-asset system with three rows, the last
// of which cannot be taken.
func legacyFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "legacy.db")
	db, err := sql.Open("sqlite", "file:"+file)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `
CREATE TABLE decisions (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, timestamp TEXT NOT NULL, strategy_used TEXT, model_used TEXT,
	pair TEXT NOT NULL, action TEXT NOT NULL, allocation_usd TEXT NOT NULL, tp_price TEXT, sl_price TEXT, exit_plan TEXT, rationale TEXT NOT NULL,
	confidence TEXT NOT NULL, risk_level TEXT NOT NULL);
INSERT INTO decisions VALUES
	(1, 1, '2024-03-01 12:00:00', 'swing', 'x/y', 'BTCUSDT', 'buy', '1250.50', '70000', '60000', 'stop', 'momentum', '70', 'medium'),
	(2, 1, '2024-03-01 13:00:00', NULL, NULL, 'ETHUSDT', 'hold', '0', NULL, NULL, NULL, 'nothing', '40', 'low'),
	(3, 1, '2024-03-01 14:00:00', NULL, NULL, 'ETHUSDT', 'teleport', '0', NULL, NULL, NULL, 'nothing', '40', 'low')`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	return file
}

func TestImportLegacyTakesWhatItCanAndSaysWhatNot(t *testing.T) {
	t.Parallel()
	env, _ := recording(t)
	from := legacyFile(t)
	got := ballast(t, env, "import-legacy", from)
	require.Equal(t, exitFailed, got.code, "a column has another name")
	require.Contains(t, got.stderr, "symbol")
	out := ballast(t, env, "import-legacy", from, "--column", "symbol=pair").succeeds(t)
	require.Contains(t, out, "read 3, written 2, already there 0, skipped 1\n")
	require.Contains(t, out, "id 3: ")
	require.Contains(t, ballast(t, env, "import-legacy", from, "--column", "symbol=pair").succeeds(t), "written 0, already there 2, skipped 1")
	report := decode(t, ballast(t, env, "import-legacy", from, "--column", "symbol=pair", "--json").succeeds(t))
	require.Equal(t, json.Number("3"), report["read"])
	require.Contains(t, ballast(t, env, "history").succeeds(t), "legacy-import-1")
	shown := ballast(t, env, "show", "legacy-import-1").succeeds(t)
	require.Contains(t, shown, "buy 1250.5 USD")
	require.Contains(t, shown, "single-asset system")
	ballast(t, env, "import-legacy").fails(t, exitUsage, "import-legacy needs the URL of a database, as an argument or by LEGACY_DATABASE_URL")
	require.Equal(t, exitUsage, ballast(t, env, "import-legacy", from, "--column", "pair=symbol").code)
}
