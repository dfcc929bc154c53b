package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
)

// quiet is a provider's environment without a log.
func quiet(t *testing.T, steps ...llmtest.Step) (*llmtest.Server, map[string]string) {
	t.Helper()
	server := llmtest.New(t, steps...)
	return server, map[string]string{
		"OPENROUTER_BASE_URL": server.URL(), "OPENROUTER_API_KEY": key, "LLM_MODEL": "test/model", "LLM_TIMEOUT": "1", "LLM_MAX_RETRIES": "0",
		"DATA_DIR": filepath.Join(t.TempDir(), "data"),
	}
}

// span is the duration that the pattern's group finds in a text.
func span(t *testing.T, pattern, text string) time.Duration {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(text)
	require.NotNil(t, found, "%s in:\n%s", pattern, text)
	d, err := time.ParseDuration(found[1])
	require.NoError(t, err)
	return d
}

// lines has each run of white space as one space.
func lines(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestThreeRunsThatHangOpenTheCircuitAndTheFourthAsksNobody(t *testing.T) {
	t.Parallel()
	server, env := quiet(t, llmtest.Hang())
	const timeout, cooldown = 2 * time.Second, 5 * time.Minute
	env["LLM_TIMEOUT"] = "2"
	args := csvArgs("decide", folder(t, "BTCUSDT"), lastClose(), "--symbols", "BTC")
	began := time.Now()
	ahead := func(wait time.Duration) { // how much of it has gone is up to the machine
		t.Helper()
		require.LessOrEqual(t, wait, cooldown)
		require.GreaterOrEqual(t, wait, cooldown-time.Since(began))
	}
	for i := range 3 {
		text := ballast(t, env, args...).succeeds(t)
		require.Contains(t, text, "decided by  technical fallback, because ")
		waited := span(t, `gave up after 1 attempt: breaker: no answer in ([\d.]+m?s)`, lines(text))
		require.Less(t, waited, timeout)
		took := span(t, `test/model failed after ([\d.]+m?s): timeout`, text)
		require.GreaterOrEqual(t, took+time.Second/20, waited, "rounded to tenths")
		require.Len(t, server.Requests(), i+1)
	}

	text := lines(ballast(t, env, args...).succeeds(t))
	require.Contains(t, text, "attempts test/model was not asked")
	ahead(span(t, `circuit test/model: circuit open, next probe in (\w+): breaker: no answer in [\d.]+m?s`, text))
	require.Contains(t, text, "to close by hand: ballast breakers reset")
	meta := decode(t, ballast(t, env, append(args, "--json")...).succeeds(t)).at(t, "metadata")
	require.Equal(t, "open", meta["circuit_state"])
	require.Equal(t, "fallback", meta["source"])
	seconds, err := meta["next_probe_seconds"].(json.Number).Int64()
	require.NoError(t, err)
	ahead(time.Duration(seconds) * time.Second)
	attempt := meta["attempts"].([]any)[0].(map[string]any)
	require.Equal(t, "not_asked", attempt["outcome"])
	require.EqualValues(t, "0", meta.at(t, "usage")["prompt_tokens"], "nobody was paid")
	require.Len(t, server.Requests(), 3)

	listed := lines(ballast(t, env, "breakers").succeeds(t))
	require.Contains(t, listed, "/test/model")
	ahead(span(t, `open .*probe in (\w+)`, listed))
	require.Regexp(t, `last failed \S+/test/model at \d{4}-\S+: breaker: no answer in [\d.]+m?s`, listed)
	var all []map[string]any
	require.NoError(t, json.Unmarshal([]byte(ballast(t, env, "breakers", "--json").succeeds(t)), &all))
	require.Len(t, all, 2)
	require.Equal(t, "open", all[0]["state"])
	require.InDelta(t, 3, all[0]["total"], 0)
	require.InDelta(t, 2, all[0]["rejected"], 0)
	require.InDelta(t, 0, all[0]["success_rate"], 0)
	require.InDelta(t, 100, all[0]["served_rate"], 0)
	require.NotNil(t, all[0]["latency_p99_ms"])
	require.Equal(t, "closed", all[1]["state"])
	for _, unknown := range []string{"success_rate", "served_rate", "last_failure_at", "last_failure_reason", "latency_p50_ms", "next_probe_seconds"} {
		require.Contains(t, all[1], unknown)
		require.Nil(t, all[1][unknown], unknown)
	}

	ballast(t, env, "breakers", "reset", "x").fails(t, exitUsage, `no such circuit: "x"`)
	require.Contains(t, ballast(t, env, "breakers", "reset", all[0]["name"].(string)).succeeds(t), "closed "+all[0]["name"].(string)+"\n")
	require.Contains(t, ballast(t, env, args...).succeeds(t), "failed after")
	require.Len(t, server.Requests(), 4, "a circuit that was closed by hand lets calls through")
}

func TestBreakersWithoutAnyRunSaysSo(t *testing.T) {
	t.Parallel()
	env := map[string]string{"DATA_DIR": filepath.Join(t.TempDir(), "data")}
	require.Equal(t, "no circuits: no run has asked a model with DATA_DIR "+env["DATA_DIR"]+"\n", ballast(t, env, "breakers").succeeds(t))
	require.JSONEq(t, "[]", ballast(t, env, "breakers", "--json").succeeds(t))
	ballast(t, env, "breakers", "reset").fails(t, exitUsage, "no such circuit: no run has asked a model with DATA_DIR "+env["DATA_DIR"])
	ballast(t, map[string]string{"LEVERAGE": "0"}, "breakers").fails(t, exitUsage, "LEVERAGE must be between 1 and 20, was 0")
	ballast(t, map[string]string{"LEVERAGE": "0"}, "breakers", "reset").fails(t, exitUsage, "LEVERAGE must be between 1 and 20, was 0")
}

func TestABrokenFileOfCircuitsIsNoReasonNotToDecide(t *testing.T) {
	t.Parallel()
	_, env := quiet(t, llmtest.Answer(answer("100", "Held.")))
	require.NoError(t, os.MkdirAll(env["DATA_DIR"], 0o750))
	path := filepath.Join(env["DATA_DIR"], "breakers.json")
	write(t, path, "{")
	ballast(t, env, "breakers").fails(t, exitFailed, path+": unexpected EOF")
	got := ballast(t, env, csvArgs("decide", folder(t, "BTCUSDT"), lastClose(), "--symbols", "BTC")...)
	require.Equal(t, exitOK, got.code)
	require.Equal(t, "ballast: warning: "+path+": unexpected EOF; every circuit starts fresh\n", got.stderr)
	require.Contains(t, got.stdout, "the model test/model")
}

func TestAModelThatFailsIsFollowedByTheNext(t *testing.T) {
	t.Parallel()
	bill := llm.Usage{PromptTokens: 100, CompletionTokens: 20}
	server, env := quiet(t, llmtest.Status(500, "down"),
		llmtest.Complete(llmtest.Completion{Model: "second-2026-05-01", Content: answer("100", "Held."), Usage: bill}))
	env["LLM_FALLBACK_MODELS"] = "other/second"
	args := csvArgs("decide", folder(t, "BTCUSDT"), lastClose(), "--symbols", "BTC")
	text := lines(ballast(t, env, args...).succeeds(t))
	require.Contains(t, text, "decided by the model second-2026-05-01, asked as other/second (100 tokens asked, 20 answered, cost unknown)")
	require.Regexp(t, `test/model failed after \d+ms: server .*other/second answered in \d+ms, 100 tokens asked, 20 answered, cost unknown`, text)
	require.NotContains(t, text, "circuit")

	meta := decode(t, ballast(t, env, append(args, "--json")...).succeeds(t)).at(t, "metadata")
	require.Equal(t, "closed", meta["circuit_state"])
	require.Nil(t, meta["next_probe_seconds"])
	attempts := meta["attempts"].([]any)
	last := attempts[len(attempts)-1].(map[string]any)
	require.Equal(t, "answered", last["outcome"])
	require.Nil(t, last["usage"].(map[string]any)["cost_usd"], "unknown is not zero")
	require.Len(t, server.Requests(), 4, "the second run asks the first model again, in whose place another answers")
}

func TestARepairIsAnAttemptOfItsOwn(t *testing.T) {
	t.Parallel()
	server, env := quiet(t, llmtest.Answer("nonsense"), llmtest.Answer(answer("100", "Held.")))
	text := ballast(t, env, csvArgs("decide", folder(t, "BTCUSDT"), lastClose(), "--symbols", "BTC")...).succeeds(t)
	require.Contains(t, text, "decided by  the model test/model (200 tokens asked, 40 answered, 0.003 USD)")
	require.Equal(t, 2, strings.Count(text, "test/model answered in "))
	require.Len(t, server.Requests(), 2)
	require.Contains(t, string(server.Requests()[1].Body), "Your reply was rejected")
}

func TestAnExhaustedBudgetFallsBackWithTheReason(t *testing.T) {
	t.Parallel()
	server, env := quiet(t, llmtest.Answer(answer("100", "Held.")))
	env["LLM_MODEL"], env["LLM_DAILY_BUDGET_USD"] = "x-ai/grok-4.3", "0.000001"
	text := lines(ballast(t, env, csvArgs("decide", folder(t, "BTCUSDT"), lastClose(), "--symbols", "BTC")...).succeeds(t))
	require.Contains(t, text, "decided by technical fallback, because ")
	require.Contains(t, text, "0 USD spent and 0 reserved of 0.000001, the call may cost ")
	require.NotContains(t, text, "circuit")
	require.Empty(t, server.Requests())
}

func TestTheCircuitsOfATerminalFitIt(t *testing.T) {
	t.Parallel()
	_, env := quiet(t, llmtest.Status(500, "x\x1b[2J"))
	day := time.Now().UTC().Format(time.DateOnly)
	ballast(t, env, csvArgs("decide", folder(t, "BTCUSDT"), lastClose(), "--symbols", "BTC")...)
	text := ballast(t, env, "breakers").succeeds(t)
	require.NotContains(t, text, "\x1b")
	require.Contains(t, text, "┌")
	for line := range strings.SplitSeq(text, "\n") {
		require.LessOrEqual(t, len([]rune(line)), 120)
	}
	require.Regexp(t, day+"|"+time.Now().UTC().Format(time.DateOnly), text, "midnight may come in between")
}
