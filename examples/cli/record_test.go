package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/llm/llmtest"
)

// decided is what a run decided, without what differs each time.
func decided(t *testing.T, text string) any {
	t.Helper()
	d := decode(t, text).at(t, "decision")
	delete(d, "timestamp")
	return d
}

func TestARecordingDecidesTheSameWithoutServerAndKey(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string][]llmtest.Step{
		"an answer":              {llmtest.Answer(answer("100", "Held."))},
		"a repair":               {llmtest.Answer("nonsense"), llmtest.Answer(answer("100", "Held."))},
		"a failure and a retry":  {llmtest.Status(500, "down"), llmtest.Answer(answer("100", "Held."))},
		"only failures":          {llmtest.Status(500, "down")},
		"a failure and the next": {llmtest.Status(400, "no"), llmtest.Answer(answer("100", "Held."))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, env := quiet(t, steps...)
			env["LLM_FALLBACK_MODELS"], env["LLM_MAX_RETRIES"], env["LLM_TIMEOUT"] = "other/model", "1", "10"
			file := filepath.Join(t.TempDir(), "calls.jsonl")
			args := csvArgs("decide", folder(t, "BTCUSDT"), lastClose(), "--symbols", "BTC", "--json")
			live := ballast(t, env, append(args, "--record", file)...).succeeds(t)
			asked := len(server.Requests())
			require.Positive(t, asked)
			server.Close()
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NotContains(t, string(data), key)

			delete(env, "OPENROUTER_API_KEY")
			delete(env, "OPENROUTER_BASE_URL")
			env["DATA_DIR"] = filepath.Join(t.TempDir(), "data")
			again := ballast(t, env, append(args, "--llm", "replay:"+file)...).succeeds(t)
			require.Equal(t, decided(t, live), decided(t, again))
			was, is := decode(t, live).at(t, "metadata"), decode(t, again).at(t, "metadata")
			for _, same := range []string{"source", "model_used", "usage"} {
				require.Equal(t, was[same], is[same], same)
			}
			require.Len(t, is["attempts"], len(was["attempts"].([]any)))
			require.Equal(t, "closed", is["circuit_state"])
			require.Len(t, server.Requests(), asked)
			require.NoDirExists(t, env["DATA_DIR"])
		})
	}
}

func TestAQuestionThatWasNotRecordedFallsBackAndSaysWhy(t *testing.T) {
	t.Parallel()
	_, env := quiet(t, llmtest.Answer(answer("100", "Held.")))
	file := filepath.Join(t.TempDir(), "calls.jsonl")
	dir := folder(t, "BTCUSDT")
	ballast(t, env, csvArgs("decide", dir, lastClose(), "--symbols", "BTC", "--record", file)...).succeeds(t)
	got := ballast(t, env, csvArgs("decide", dir, lastClose().Add(-1), "--symbols", "BTC", "--llm", "replay:"+file)...)
	require.Equal(t, exitOK, got.code)
	require.Contains(t, lines(got.stdout), "was not recorded")
	require.Equal(t, "ballast: warning: the recording lacks 1 of the questions asked: it answers those of the same time, market, account, strategy and models only\n", got.stderr)
}

func TestARecordingIsNeverWrittenOver(t *testing.T) {
	t.Parallel()
	server, env := quiet(t, llmtest.Answer(answer("100", "Held.")))
	file := filepath.Join(t.TempDir(), "calls.jsonl")
	write(t, file, "mine")
	ballast(t, env, "decide", "--at", demoTime, "--record", file).fails(t, exitUsage, "--record "+file+": the file exists, and is not overwritten")
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "mine\n", string(data))
	ballast(t, env, "decide", "--at", demoTime, "--record", "/no/such/file").fails(t, exitUsage, "--record /no/such/file: no such file or directory")
	require.Empty(t, server.Requests())
}

func TestNoRecordingIsLeftOfWhatWasNotDecided(t *testing.T) {
	t.Parallel()
	_, env := quiet(t, llmtest.Answer("{}"))
	file := filepath.Join(t.TempDir(), "calls.jsonl")
	got := ballast(t, env, "decide", "--symbols", "NOPE", "--record", file)
	require.Equal(t, exitUsage, got.code)
	require.NoFileExists(t, file)
}

func TestARecordingThatIsNotWholeIsAFailureBesideTheDecision(t *testing.T) {
	t.Parallel()
	_, env := quiet(t, llmtest.Answer(answer("100", "Held.")))
	cfg, err := config.Read(env, nil)
	require.NoError(t, err)
	at, err := time.Parse(time.RFC3339, demoTime)
	require.NoError(t, err)
	var stderr bytes.Buffer
	s := &session{env: env, now: time.Now, stderr: &stderr}
	o := s.options(marketFlags{Market: marketChoice{kind: app.MarketDemo}, At: &instant{at}}, cfg)
	o.AskModel, o.Record = true, brokenWriter{}
	c := decideCommand{accountFlags: accountFlags{Strategy: decision.DefaultStrategy}}
	req, err := c.request(s, cfg)
	require.NoError(t, err)
	err = s.withApp(t.Context(), marketFlags{}, o, app.StorageOptions{NoRecord: true}, func(a *app.App) error { return c.decide(t.Context(), s, a, req) })
	require.ErrorIs(t, err, errBroken)
	require.EqualError(t, err, "--record: the recording is not whole: llmreplay: line 1: broken pipe")
	require.Equal(t, exitFailed, exitCode(err))
	require.True(t, isDecided(err))
	require.Equal(t, exitFailed, exitCode(errors.Join(err, &degradedError{refused: 1})), "which --strict does not hide")
	require.Contains(t, s.out.String(), "decided by  the model test/model", "an answer that was paid for is shown")
	require.Empty(t, stderr.String())
}

func TestABrokenRecordingNamesItsLine(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "calls.jsonl")
	write(t, file, `{"format":"ballast-llm","schema":1}`, "{")
	got := ballast(t, nil, "decide", "--at", demoTime, "--llm", "replay:"+file)
	require.Equal(t, exitFailed, got.code)
	require.Empty(t, got.stdout)
	require.True(t, strings.HasPrefix(got.stderr, "ballast: --llm replay: llmreplay: line 2: "), got.stderr)
}
