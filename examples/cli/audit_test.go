package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/store/audit"
)

// tamper changes a database behind the program's back.
func tamper(t *testing.T, file, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file)
	require.NoError(t, err)
	result, err := db.ExecContext(t.Context(), statement)
	require.NoError(t, err)
	n, err := result.RowsAffected()
	require.NoError(t, err)
	require.Positive(t, n)
	require.NoError(t, db.Close())
}

func TestVerifyFindsWhatWasEdited(t *testing.T) {
	t.Parallel()
	env, file := recording(t)
	for range 3 {
		decideOnce(t, env)
	}
	sound := ballast(t, env, "verify").succeeds(t)
	require.Regexp(t, `^# default: 3 links, all as they were written\nballast-checkpoint v1 3 [0-9a-f]{64} \S+ "default"\n$`, sound)
	checkpoint := filepath.Join(t.TempDir(), "checkpoint")
	write(t, checkpoint, strings.TrimSpace(sound))

	tamper(t, file, "UPDATE asset_decisions SET allocation_usd = '9999.99' WHERE decision_id = 2 AND position = 0")
	got := ballast(t, env, "verify")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.stdout, "# default: as written up to link 1, then: ")
	require.Contains(t, got.stdout, "/allocation_usd: expected ")
	require.Contains(t, got.stdout, "found 9999.99")
	require.Equal(t, "ballast: the history is not as it was written\n", got.stderr)
	require.NotContains(t, got.stdout, "ballast-checkpoint", "nobody should keep a checkpoint of it")
	require.Equal(t, exitFailed, ballast(t, env, "verify", "--json").code)
	require.Equal(t, exitFailed, ballast(t, env, "verify", "--account", "nobody").code)

	env, file = recording(t)
	decideOnce(t, env)
	got = ballast(t, env, "verify", "--checkpoint", checkpoint)
	require.Equal(t, exitFailed, got.code, "another history than the checkpoint is of")
	require.Contains(t, got.stdout, "# default: as written up to link")
	ballast(t, env, "verify", "--checkpoint", file+".none").fails(t, exitUsage, "--checkpoint "+file+".none: no such file or directory")
	write(t, checkpoint, "nonsense")
	require.Contains(t, ballast(t, env, "verify", "--checkpoint", checkpoint).stderr, "not a checkpoint")
}

func TestCheckpointsCanBeSigned(t *testing.T) {
	t.Parallel()
	env, _ := recording(t)
	decideOnce(t, env)
	dir := t.TempDir()
	private, public, err := audit.NewKey()
	require.NoError(t, err)
	for name, text := range map[string][]byte{"private": private, "public": public} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	signed := ballast(t, env, "verify", "--sign", in("private")).succeeds(t)
	require.Contains(t, signed, "ballast-signature v1 ed25519 ")
	require.NoError(t, os.WriteFile(in("signed"), []byte(signed), 0o600))
	ballast(t, env, "verify", "--checkpoint", in("signed"), "--signed-by", in("public")).succeeds(t)
	require.NoError(t, os.WriteFile(in("forged"), []byte(strings.Replace(signed, "v1 1 ", "v1 2 ", 1)), 0o600))
	got := ballast(t, env, "verify", "--checkpoint", in("forged"), "--signed-by", in("public"))
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.stderr, "not signed by this key")
	got = ballast(t, env, "verify", "--sign", in("public"))
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.stderr, "--sign: ")
}

func TestAnExportIsVerifiedWithoutItsDatabase(t *testing.T) {
	t.Parallel()
	env, _ := recording(t)
	decideOnce(t, env)
	decideOnce(t, env, "--account", "main")
	out := filepath.Join(t.TempDir(), "export.jsonl")
	require.Empty(t, ballast(t, env, "export", "--out", out).succeeds(t))
	ballast(t, env, "export", "--out", out).fails(t, exitUsage, "--out "+out+": the file exists, and is not overwritten")
	elsewhere := map[string]string{"DATA_DIR": filepath.Join(t.TempDir(), "none"), "DATABASE_URL": ""}
	require.Contains(t, ballast(t, elsewhere, "verify", "--export", out).succeeds(t), "# main: 1 links, all as they were written")
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	text := string(data)
	require.Equal(t, 2, strings.Count(text, "\n"))
	require.Contains(t, ballastReading(t, text, elsewhere, "verify", "--export", "-").succeeds(t), "# default: 1 links")
	got := ballastReading(t, strings.Replace(text, `"balance_usd":10000`, `"balance_usd":10001`, 1), elsewhere, "verify", "--export", "-")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.stdout, "then: ")
	require.Equal(t, text, ballast(t, env, "export").succeeds(t))
	require.Equal(t, 1, strings.Count(ballast(t, env, "export", "--account", "main").succeeds(t), "\n"))
	ballast(t, env, "export", "--since", "2025-01-01T00:00:00Z").fails(t, exitUsage, "--since and --until need --format csv: records are exported as whole chains")

	table := ballast(t, env, "export", "--format", "csv").succeeds(t)
	require.Equal(t, 7, strings.Count(table, "\n"), "a header, and three assets of two decisions")
	require.Equal(t, 1, strings.Count(ballast(t, env, "export", "--format", "csv", "--since", "2026-01-01T00:00:00Z").succeeds(t), "\n"))
}

// A model's words must not run in whoever's spreadsheet opens the export.
func TestTextsOfAnExportAreNoFormulas(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"=HYPERLINK(1)": "'=HYPERLINK(1)", "+1": "'+1", "-1": "'-1", "@x": "'@x", "": "", "trend": "trend"} {
		require.Equal(t, want, harmless(text))
	}
}

func TestReplayDerivesWhatWasDecided(t *testing.T) {
	t.Parallel()
	_, env := quiet(t, llmtest.Answer("nonsense"), llmtest.Answer(answer("100", "Bought.")))
	keep, file := recording(t)
	env["DATA_DIR"], env["DATABASE_URL"] = keep["DATA_DIR"], keep["DATABASE_URL"]
	dir := folder(t, "BTCUSDT")
	id := decode(t, ballast(t, env, csvArgs("decide", dir, lastClose(), "--symbols", "BTC", "--json")...).succeeds(t)).at(t, "metadata")["decision_id"].(string)
	decideOnce(t, keep)
	require.Contains(t, ballast(t, keep, "replay", id, "--prompt").succeeds(t), "1 replayed, 1 the same to the byte, 0 not")
	require.Contains(t, ballast(t, keep, "replay", "--all", "--score").succeeds(t), "2 replayed, 2 the same to the byte, 0 not")
	report := decode(t, ballast(t, keep, "replay", id, "--json").succeeds(t))
	require.Equal(t, id, report["id"])
	require.Contains(t, report["compared"], "gate")

	ballast(t, keep, "replay").fails(t, exitUsage, "replay needs the id of a decision, or --all")
	ballast(t, keep, "replay", "nothing").fails(t, exitFailed, `there is no decision "nothing": see ballast history`)
	tamper(t, file, "UPDATE decision_records SET body = x'00' WHERE decision_id = 1")
	require.Equal(t, exitFailed, ballast(t, keep, "replay", id).code)
}
