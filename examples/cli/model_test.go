package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/secret"
)

const key = "sk-or-v1-do-not-show"

// answer buys for an amount at 100 with a stop at 97 and a target at 108.
func answer(allocation, rationale string) string {
	return fmt.Sprintf(`{"portfolio_rationale":"One long.","decisions":[{"asset":"BTCUSDT","rationale":%q,"action":"buy","allocation_usd":%s,`+
		`"position_adjustment":null,"order_adjustment":null,"tp_price":108,"sl_price":97,"exit_plan":"Target or stop.","confidence":80,`+
		`"risk_level":"medium"}],"total_allocation_usd":%s,"portfolio_risk_level":"medium"}`, rationale, allocation, allocation)
}

// provider starts a model that answers with the step, and is the environment
// to ask it.
func provider(t *testing.T, step llmtest.Step) (*llmtest.Server, map[string]string) {
	t.Helper()
	server, err := llmtest.Start(llmtest.Config{Steps: []llmtest.Step{step}, Key: secret.New(key)})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server, map[string]string{
		"OPENROUTER_BASE_URL": server.URL(), "OPENROUTER_API_KEY": key, "LLM_MODEL": "test/model", "LLM_TIMEOUT": "1", "LOG_LEVEL": "DEBUG",
		"DATA_DIR": t.TempDir(),
	}
}

func TestAModelThatAnswersWellDecides(t *testing.T) {
	t.Parallel()
	server, env := provider(t, llmtest.Answer(answer("100.123", "Support held.")))
	args := csvArgs("decide", folder(t, "BTCUSDT"), lastClose(), "--symbols", "BTC")

	text := ballast(t, env, args...)
	require.Equal(t, exitOK, text.code, text.stderr)
	require.Contains(t, text.stdout, "decided by  the model test/model (100 tokens asked, 20 answered, 0.0015 USD)")
	require.Regexp(t, `BTCUSDT │ buy +│ 100.123 USD │ 97 +│ 108 +│ 80 % +│ long \d+ +│ Support held.`, text.stdout)
	require.NotContains(t, text.stdout+text.stderr, key)

	out := ballast(t, env, append(args, "--json")...)
	require.Equal(t, exitOK, out.code)
	require.NotContains(t, out.stdout+out.stderr, key)
	v := decode(t, out.stdout)
	require.EqualValues(t, "100.123", v.at(t, "decision")["decisions"].([]any)[0].(map[string]any)["allocation_usd"])
	meta := v.at(t, "metadata")
	require.Equal(t, "model", meta["source"])
	require.Equal(t, "test/model", meta["model_used"])
	require.EqualValues(t, "100", meta.at(t, "usage")["prompt_tokens"])
	require.EqualValues(t, "0.0015", meta.at(t, "usage")["cost_usd"])
	require.NotNil(t, v.at(t, "context", "risk", "assets", "BTCUSDT")["scores"], "the scorer runs beside the model")

	require.Len(t, server.Requests(), 2)
	require.Contains(t, server.Requests()[0].Messages[len(server.Requests()[0].Messages)-1].Content, "BTCUSDT")
	require.Contains(t, ballast(t, env, append(args, "--llm", "none")...).stdout, "technical fallback")
	require.Len(t, server.Requests(), 2, "--llm none asks nobody")
}

func TestAModelThatFailsIsReplacedAndTheReasonSaid(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		step   llmtest.Step
		down   bool
		reason string
	}{
		{"nonsense", llmtest.Answer("I like turtles."), false, "unusable answer: decision: answer: not valid JSON"},
		{"hangs", llmtest.Hang(), false, "breaker: no answer in "},
		{"down", llmtest.Step{}, true, "transport"},
		{"server error", llmtest.HTML502(), false, "server (502)"},
		{"error inside a 200", llmtest.Error200A(), false, "rate_limited (429)"},
		{"another model answers", llmtest.OtherModel("cheap/model", "{}"), false, "cheap/model"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server, env := provider(t, tc.step)
			if tc.down {
				server.Close()
			}
			got := ballast(t, env, csvArgs("decide", folder(t, "BTCUSDT"), lastClose(), "--symbols", "BTC")...)
			require.Equal(t, exitOK, got.code, got.stderr)
			require.Contains(t, got.stdout, "decided by  technical fallback, because ")
			require.Contains(t, strings.Join(strings.Fields(got.stdout), " "), tc.reason)
			require.NotContains(t, got.stdout+got.stderr, key)

			strict := ballast(t, env, csvArgs("decide", folder(t, "BTCUSDT"), lastClose(), "--symbols", "BTC", "--strict", "--json")...)
			require.Equal(t, exitDegraded, strict.code)
			meta := decode(t, strict.stdout).at(t, "metadata")
			require.Equal(t, "fallback", meta["source"])
			require.Contains(t, meta["reason"], tc.reason)
			require.Nil(t, meta["model_used"])
		})
	}
}

func TestAnEndpointOnThisMachineNeedsNoKeyButAModel(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, llmtest.Answer(answer("100", "Local.")))
	args := csvArgs("decide", folder(t, "BTCUSDT"), lastClose(), "--symbols", "BTC")
	env := map[string]string{"OPENROUTER_BASE_URL": server.URL(), "LLM_MODEL": "test/model", "DATA_DIR": t.TempDir()}
	require.Contains(t, ballast(t, env, args...).succeeds(t), "decided by  the model test/model")
	require.Contains(t, ballast(t, env, append(args, "--llm", "none")...).succeeds(t), "technical fallback")
	require.Len(t, server.Requests(), 1)

	for _, env := range []map[string]string{
		{"OPENROUTER_BASE_URL": server.URL()},
		{"OPENROUTER_BASE_URL": "https://llm.example.org/v1", "LLM_MODEL": "test/model"},
	} {
		got := ballast(t, env, args...)
		require.Equal(t, exitOK, got.code)
		require.Contains(t, got.stdout, "because no model is configured")
		require.Equal(t, "ballast: warning: OPENROUTER_BASE_URL is set, but no model is asked: set OPENROUTER_API_KEY, "+
			"or LLM_MODEL for an endpoint on this machine, or --llm\n", got.stderr)
	}
	require.Len(t, server.Requests(), 1)
}

func TestAWholeProposalThatIsRefusedIsOneError(t *testing.T) {
	t.Parallel()
	both := strings.Replace(answer("900000", "All in."), `"decisions":[{`,
		`"decisions":[{"asset":"ETHUSDT","rationale":"Too.","action":"buy","allocation_usd":900000,"position_adjustment":null,"order_adjustment":null,`+
			`"tp_price":108,"sl_price":97,"exit_plan":"Stop.","confidence":80,"risk_level":"medium"},{`, 1)
	both = strings.Replace(both, `"total_allocation_usd":900000`, `"total_allocation_usd":1800000`, 1)
	_, env := provider(t, llmtest.Answer(both))
	delete(env, "LOG_LEVEL")
	args := csvArgs("decide", folder(t, "BTCUSDT", "ETHUSDT"), lastClose(), "--symbols", "BTC,ETH")
	v := decode(t, ballast(t, env, append(args, "--json")...).succeeds(t))
	require.Len(t, v.at(t, "metadata")["refused"], 2)
	count := map[string]int{}
	for _, e := range v.at(t, "validation")["errors"].([]any) {
		count[e.(map[string]any)["rule"].(string)]++
	}
	require.Equal(t, 1, count["available_capital"])
	require.Equal(t, 2, count["position_size"])

	text := strings.Join(strings.Fields(ballast(t, env, args...).succeeds(t)), " ")
	require.Equal(t, 1, strings.Count(text, "allocation exceeds available capital"), text)
	require.Equal(t, 2, strings.Count(text, "refused, see below"), text)
}

func TestAWrongKeyFallsBackWithoutShowingIt(t *testing.T) {
	t.Parallel()
	_, env := provider(t, llmtest.Answer("{}"))
	env["OPENROUTER_API_KEY"] = "sk-wrong-and-secret"
	got := ballast(t, env, "decide", "--at", demoTime)
	require.Equal(t, exitOK, got.code)
	require.Contains(t, got.stdout, "auth (401)")
	require.NotContains(t, got.stdout+got.stderr, "sk-wrong")
}

func TestAKeyThatCannotBeSentIsConfigurationAndNotShown(t *testing.T) {
	t.Parallel()
	got := ballast(t, map[string]string{"OPENROUTER_API_KEY": "sk-or with space"}, "decide")
	got.fails(t, exitUsage, "OPENROUTER_ settings: openrouter: APIKey must be printable ASCII without spaces")
}

func TestAnActionThatTheGateRefusesIsShownWithRuleAndNumbers(t *testing.T) {
	t.Parallel()
	_, env := provider(t, llmtest.Answer(answer("900000", "All in.")))
	args := csvArgs("decide", folder(t, "BTCUSDT"), lastClose(), "--symbols", "BTC")
	text := strings.Join(strings.Fields(ballast(t, env, args...).stdout), " ")
	require.Contains(t, text, "refused BTCUSDT buy 900000.00 USD: ")
	require.Contains(t, text, "position_size: ")
	require.Contains(t, text, "0.00 USD to allocate")

	v := decode(t, ballast(t, env, append(args, "--json")...).stdout)
	require.Equal(t, false, v.at(t, "validation")["is_valid"])
	require.NotEmpty(t, v.at(t, "validation")["errors"])
	require.Len(t, v.at(t, "metadata")["refused"], 1)
}

func TestForeignTextCannotDriveTheTerminal(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]llmtest.Step{
		"a rationale":     llmtest.Answer(answer("100", "fine\u202eenif\u009b2J\u200b")),
		"an error":        llmtest.Status(500, "sorry\x1b[2J\u202e\u009b31m"),
		"the model's own": llmtest.OtherModel("evil\x1b[31m\u202e\u009b", "{}"),
		"prose":           llmtest.Answer("\x1b]0;title\x07\u202e"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, env := provider(t, step)
			args := csvArgs("decide", folder(t, "BTCUSDT"), lastClose(), "--symbols", "BTC")
			for _, args := range [][]string{args, append(args, "--json")} {
				got := ballast(t, env, args...)
				require.Equal(t, exitOK, got.code)
				for _, control := range []string{"\u202e", "\u009b", "\u200b", "\x1b", "\x07"} {
					require.NotContains(t, got.stdout, control)
				}
			}
		})
	}
}
