package llm_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/breaker" //nolint:depguard // this test is the host of the package comment
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/llm/openrouter"
)

// compose puts the decorators around one endpoint in the order of the package
// comment.
func compose(tb testing.TB, url, model string, ledger llm.Ledger) llm.Hop {
	tb.Helper()
	endpoint, err := openrouter.New(openrouter.Config{BaseURL: url, Dialect: openrouter.VLLM()})
	require.NoError(tb, err)
	tb.Cleanup(endpoint.CloseIdleConnections)
	budget, err := llm.NewBudget(llm.BudgetConfig{Client: llm.Trace(endpoint), Ledger: ledger, Daily: llm.Limits{Tokens: 10_000}})
	require.NoError(tb, err)
	policy, err := breaker.New(breaker.Config{Name: model, FirstDelay: time.Nanosecond, FailureThreshold: 1})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, policy.Close(context.WithoutCancel(tb.Context()))) })
	ladder := llm.NewLadder(llm.Fit(budget, map[string]int{model: 8192}))
	return llm.Hop{Model: model, Client: llm.ClientFunc(breaker.Wrap(policy, ladder.Complete))}
}

func TestEverySingleCallOfTheWholeCompositionIsTracedAndPaid(t *testing.T) {
	t.Parallel()
	first := llmtest.New(t, llmtest.UnsupportedFormat(), llmtest.BadGateway())
	second := llmtest.New(t, llmtest.UnsupportedFormat(), llmtest.Answer(`{"a":1}`))
	ledger := llm.NewMemoryLedger()
	ask := failover(t, compose(t, first.URL(), "test/first", ledger), compose(t, second.URL(), "test/second", ledger))
	req := structured("")
	req.Account, req.MaxTokens = "1", 100
	resp, err := ask.Complete(t.Context(), req)
	require.NoError(t, err)
	require.Equal(t, `{"a":1}`, resp.Content)
	require.Equal(t, "test/first=config test/first=server test/first=server test/first=server test/second=config test/second=", kinds(resp.Tried),
		"a step down, two retries, another model, a step down")
	require.Equal(t, 6, resp.Attempts)
	require.Len(t, first.Requests(), 4)
	require.Len(t, second.Requests(), 2)

	balances := ledger.Balances()
	require.Len(t, balances, 1)
	require.Zero(t, balances[0].Reserved.Tokens)
	require.Empty(t, ledger.Open())
	paid := balances[0].Spent.Tokens
	want := int64(resp.Usage.PromptTokens + resp.Usage.CompletionTokens)
	for _, failed := range first.Requests()[1:] { // the refusal before them cost nothing
		want += int64(llm.EstimateTokens(llm.Request{Messages: failed.Messages, Schema: req.Schema}) + req.MaxTokens)
	}
	require.Equal(t, want, paid)

	resp, err = ask.Complete(t.Context(), req)
	require.NoError(t, err)
	require.Equal(t, "test/first=other test/second=", kinds(resp.Tried), "the first circuit is open, the second rung is known")
	require.Equal(t, 1, resp.Attempts)
}

func TestAnExhaustedBudgetOpensNoCircuit(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t)
	ledger := llm.NewMemoryLedger()
	hop := compose(t, server.URL(), "test/model", ledger)
	req := structured("test/model")
	for limit, tooMuch := range map[error]int{llm.ErrContextTooSmall: 100_000, llm.ErrBudget: 8000} {
		day := time.Now().UTC().Format(time.DateOnly)
		for _, on := range []string{day, nextDay(t, day)} { // the test may run at midnight
			spent := llm.Reservation{ID: limit.Error() + on, Day: on, Bound: llm.Amount{Tokens: 5000}}
			require.NoError(t, ledger.Reserve(t.Context(), spent))
		}
		req.MaxTokens = tooMuch
		for range 5 {
			_, err := hop.Client.Complete(t.Context(), req)
			require.ErrorIs(t, err, limit)
			require.NotErrorIs(t, err, breaker.ErrOpen)
		}
	}
	require.Empty(t, server.Requests())
}

func nextDay(tb testing.TB, day string) string {
	tb.Helper()
	at, err := time.Parse(time.DateOnly, day)
	require.NoError(tb, err)
	return at.AddDate(0, 0, 1).Format(time.DateOnly)
}
