package app_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/breaker"
	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/ledgerfile"
	"github.com/ballast-go/ballast/llm/llmtest"
)

// priced is a provider that publishes the price of its model.
func priced(t *testing.T, steps ...llmtest.Step) *llmtest.Server {
	t.Helper()
	micro := decimal.New(1, -6)
	server, err := llmtest.Start(llmtest.Config{
		Steps: steps, Models: []llmtest.Model{{ID: "test/model", ContextLength: 100_000, PromptUSD: micro, CompletionUSD: micro}},
	})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server
}

// questions are the requests that cost something.
func questions(server *llmtest.Server) int {
	n := 0
	for _, r := range server.Requests() {
		if r.Method == "POST" {
			n++
		}
	}
	return n
}

func TestABudgetIsReservedAndSettledAndRefusesWhatItCannotPay(t *testing.T) {
	t.Parallel()
	server := priced(t, llmtest.Answer(holding))
	env := asking(t, server)
	env["LLM_DAILY_BUDGET_USD"] = "0.03" // a question may cost most of it and costs 0.0015
	c := read(t, env)
	first, _ := decideOnce(t, c, 0)
	require.Equal(t, decision.OriginModel, first.Result.Origin, first.Result.Reason)
	made := 1
	for ; made < 30; made++ {
		out, warnings := decideOnce(t, c, 0)
		require.Empty(t, warnings)
		if out.Result.Origin == decision.OriginModel {
			continue
		}
		require.Contains(t, out.Result.Reason, `budget: `)
		require.Contains(t, out.Result.Reason, "USD spent and 0 reserved of 0.03")
		break
	}
	require.LessOrEqual(t, made, 20, "0.03 pays for at most 20 answers of 0.0015")
	require.Greater(t, made, 1, "the first answer cost less than its bound")
	require.Equal(t, made, questions(server), "what is refused is not sent")
	require.Equal(t, breaker.PhaseClosed, saved(t, c, "/test/model").State.Phase, "which is not the provider's fault")

	out, _ := decideOnce(t, c, 24*time.Hour)
	require.Equal(t, decision.OriginModel, out.Result.Origin, "the next day has a budget of its own")
}

func TestABudgetThatCannotBeKeptRefusesEveryCall(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil  func(t *testing.T, dir string)
		reason string
	}{
		"a broken ledger": {func(t *testing.T, dir string) {
			t.Helper()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "budget.jsonl"), []byte("{}\n{}\n"), 0o600))
		}, "the ledger failed: ledgerfile: "},
		"another process": {func(t *testing.T, dir string) {
			t.Helper()
			other, err := ledgerfile.Open(ledgerfile.Config{Path: filepath.Join(dir, "budget.jsonl")})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, other.Close()) })
		}, "another process has it open"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := priced(t, llmtest.Answer(holding))
			env := asking(t, server)
			env["LLM_DAILY_BUDGET_USD"] = "10"
			require.NoError(t, os.MkdirAll(env["DATA_DIR"], 0o750))
			tc.spoil(t, env["DATA_DIR"])
			out, _ := decideOnce(t, read(t, env), 0)
			require.Equal(t, decision.OriginFallback, out.Result.Origin)
			require.Contains(t, out.Result.Reason, tc.reason)
			require.Empty(t, server.Requests())
		})
	}
}

func TestAModelWithoutAPriceIsNotAskedUnderABudget(t *testing.T) {
	t.Parallel()
	server := priced(t, llmtest.Answer(holding))
	env := asking(t, server)
	env["LLM_DAILY_BUDGET_USD"], env["LLM_MODEL"], env["LLM_FALLBACK_MODELS"] = "10", "no/price", "test/model"
	out, _ := decideOnce(t, read(t, env), 0)
	require.Equal(t, decision.OriginModel, out.Result.Origin, "the next model has a price")
	require.Equal(t, "test/model", out.Result.Model)
	require.Equal(t, 1, questions(server))

	env["LLM_FALLBACK_MODELS"] = ""
	out, _ = decideOnce(t, read(t, env), 0)
	require.Contains(t, out.Result.Reason, `"no/price" has no price`)
	require.Equal(t, 1, questions(server))
}

func TestPricesThatAreKnownAreNotAskedFor(t *testing.T) {
	t.Parallel()
	known, err := llm.KnownPrices()
	require.NoError(t, err)
	server := llmtest.New(t, llmtest.Answer(holding))
	env := asking(t, server)
	env["LLM_DAILY_BUDGET_USD"], env["LLM_MODEL"] = "10", "x-ai/grok-4.3"
	require.Contains(t, known, env["LLM_MODEL"])
	out, _ := decideOnce(t, read(t, env), 0)
	require.Equal(t, decision.OriginModel, out.Result.Origin, out.Result.Reason)
	require.Len(t, server.Requests(), 1)
}

func TestAnAppThatIsClosedAsksNobody(t *testing.T) {
	t.Parallel()
	server := priced(t, llmtest.Answer(holding))
	env := asking(t, server)
	env["LLM_DAILY_BUDGET_USD"] = "10"
	c := read(t, env)
	a := open(t, app.Options{Config: c, AsOf: at(), AskModel: true})
	require.NoError(t, a.Close(context.Background()))
	out, err := a.Decide(t.Context(), ask(c, "BTCUSDT"))
	require.NoError(t, err)
	require.Equal(t, decision.OriginFallback, out.Result.Origin)
	require.Contains(t, out.Result.Reason, "policy is stopped")
	require.Empty(t, server.Requests())
}

func TestAListOfPricesThatHangsEndsInTime(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 16)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.URL.Path
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	c := read(t, map[string]string{
		"OPENROUTER_BASE_URL": server.URL + "/v1", "LLM_MODEL": "test/model", "LLM_MAX_RETRIES": "0", "LLM_TIMEOUT": "1", "LLM_DAILY_BUDGET_USD": "10",
	})
	out, _ := decideOnce(t, c, 0)
	require.Equal(t, decision.OriginFallback, out.Result.Origin)
	require.Contains(t, out.Result.Reason, "breaker: no answer in ")
	require.Len(t, out.Result.Tried, 1)
	require.Equal(t, "GET /v1/models", <-asked)
	require.Empty(t, asked, "no question is sent whose cost is not bounded")
	require.EqualValues(t, 1, saved(t, c, "/test/model").Failures)
}

func TestWhoGoesAwayIsNotCountedAsUnserved(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, llmtest.Hang())
	c := read(t, asking(t, server))
	a := open(t, app.Options{Config: c, AsOf: at(), AskModel: true})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := a.Decide(ctx, ask(c, "BTCUSDT"))
		done <- err
	}()
	require.Eventually(t, func() bool { return len(server.Requests()) == 1 }, 10*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.NoError(t, a.Close(context.Background()))
	one := saved(t, c, "/test/model")
	require.Zero(t, one.Reported)
	require.EqualValues(t, 1, one.Excluded)
	require.Equal(t, breaker.PhaseClosed, one.State.Phase)
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errDown }

func TestARecordingThatFailsIsKnownAfterwards(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, llmtest.Answer(holding))
	c := read(t, asking(t, server))
	a := open(t, app.Options{Config: c, AsOf: at(), AskModel: true, Record: fullDisk{}})
	out, err := a.Decide(t.Context(), ask(c, "BTCUSDT"))
	require.NoError(t, err)
	require.Equal(t, decision.OriginModel, out.Result.Origin)
	require.NoError(t, a.Close(context.Background()))
	require.ErrorIs(t, a.RecordingErr(), errDown)
	require.NoError(t, open(t, app.Options{Config: c, AsOf: at()}).RecordingErr())
}

func TestAPromptThatMayNotFitIsNotSent(t *testing.T) {
	t.Parallel()
	server := priced(t, llmtest.Answer(holding))
	env := asking(t, server)
	env["LLM_CONTEXT_TOKENS"] = "4000"
	out, _ := decideOnce(t, read(t, env), 0)
	require.Equal(t, decision.OriginFallback, out.Result.Origin)
	require.Contains(t, out.Result.Reason, "takes 4000 tokens; the prompt may have")
	require.Zero(t, questions(server))

	env["LLM_CONTEXT_TOKENS"] = "200000"
	out, _ = decideOnce(t, read(t, env), 0)
	require.Equal(t, decision.OriginModel, out.Result.Origin, out.Result.Reason)
}
