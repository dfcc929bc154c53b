package openrouter_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/openrouter"
)

const billed = `"usage":{"prompt_tokens":30,"completion_tokens":50,"cost":0.0076}`

// A call that failed after it was billed says what it cost, and nothing else.
func TestAFailureBringsTheUsageThatWasTold(t *testing.T) {
	t.Parallel()
	const start = `{"id":"g","model":"test/model","choices":[{"index":0,"delta":{"content":"{"}}],` + billed + "}"
	stream := func(events ...string) string {
		text := ""
		for _, event := range events {
			text += "data: " + event + "\n\n"
		}
		return text
	}
	for name, tc := range map[string]struct{ media, body string }{
		"error in a 200":        {"application/json", `{"error":{"code":502,"message":"upstream"},` + billed + "}"},
		"error in a choice":     {"application/json", `{"model":"test/model","choices":[{"error":{"code":502,"message":"upstream"}}],` + billed + "}"},
		"another model":         {"application/json", `{"model":"other/model","choices":[{"finish_reason":"stop","message":{"content":"{}"}}],` + billed + "}"},
		"no choices":            {"application/json", `{"model":"test/model","choices":[],` + billed + "}"},
		"two answers":           {"application/json", `{"model":"test/model","choices":[{"index":0},{"index":1}],` + billed + "}"},
		"no model":              {"application/json", `{"choices":[{"finish_reason":"stop","message":{"content":"{}"}}],` + billed + "}"},
		"stream error":          {"text/event-stream", stream(start, `{"error":{"code":502,"message":"upstream"}}`)},
		"stream of no JSON":     {"text/event-stream", stream(start, `{`)},
		"stream that breaks":    {"text/event-stream", stream(start)},
		"stream of two answers": {"text/event-stream", stream(start, `{"choices":[{"index":1}]}`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tc.media)
				_, _ = io.WriteString(w, tc.body)
			}))
			defer server.Close()
			client := open(t, openrouter.Config{BaseURL: server.URL})
			resp, err := client.Complete(t.Context(), ask("q"))
			var failure *llm.Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, llm.Usage{
				PromptTokens: 30, CompletionTokens: 50, CostUSD: decimal.NewNullDecimal(decimal.RequireFromString("0.0076")),
			}, resp.Usage)
			resp.Usage = llm.Usage{}
			require.Equal(t, llm.Response{}, resp)

			ledger := llm.NewMemoryLedger()
			budget, err := llm.NewBudget(llm.BudgetConfig{
				Client: client, Ledger: ledger, Daily: llm.Limits{USD: decimal.NewNullDecimal(decimal.NewFromInt(5))},
				Prices: llm.Prices{"test/model": {PromptUSD: decimal.NewFromInt(1000), CompletionUSD: decimal.NewFromInt(1000)}},
			})
			require.NoError(t, err)
			req := ask("q")
			req.Model, req.MaxTokens = "test/model", 900
			_, err = budget.Complete(t.Context(), req)
			require.Error(t, err)
			require.Len(t, ledger.Balances(), 1)
			spent := ledger.Balances()[0].Spent
			require.Equal(t, "0.0076 80", fmt.Sprint(spent.USD, " ", spent.Tokens), "what it cost, not its bound")
		})
	}
}
