package llmtest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm/llmtest"
)

func TestEachFailureHasItsStatusAndReadableBody(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		step   llmtest.Step
		status int
		has    string
	}{
		{llmtest.Status(418, "tea"), 418, `"message":"tea"`},
		{llmtest.CapacityExhausted(40), 429, `"retry_after":40`},
		{llmtest.Error200A(), 200, `"code":429`},
		{llmtest.Error200B(), 200, `"choices":null`},
		{llmtest.Error200C(), 200, `"finish_reason":"error"`},
		{llmtest.InvalidModel(), 400, "model_not_found"},
		{llmtest.UnsupportedTemperature(), 400, "unsupported_value"},
		{llmtest.UnsupportedFormat(), 400, "response_format.type"},
		{llmtest.ContextLength(), 400, "context_length_exceeded"},
		{llmtest.Unauthorized(), 401, "error"},
		{llmtest.PaymentRequired(), 402, "error"},
		{llmtest.PaymentRequiredText(), 402, `"error":"Insufficient balance"`},
		{llmtest.Moderation(), 403, "flagged_input"},
		{llmtest.Guardrail(), 403, "patterns"},
		{llmtest.ConstraintFiltered(), 404, "constraint_filtered"},
		{llmtest.RequestTimeout(), 408, "error"},
		{llmtest.PayloadTooLarge(), 413, "error"},
		{llmtest.ServerError(), 500, "error"},
		{llmtest.BadGateway(), 502, "error"},
		{llmtest.EdgeTimeout(), 524, `"error":"timeout"`},
		{llmtest.Overloaded(), 529, "error"},
	} {
		resp, body, err := complete(t, llmtest.New(t, tc.step), chat)
		require.NoError(t, err)
		require.Equal(t, tc.status, resp.StatusCode)
		require.True(t, json.Valid([]byte(body)), body)
		require.Contains(t, body, tc.has)
	}
}

func TestPagesAndEmptyBodies(t *testing.T) {
	t.Parallel()
	resp, body, err := complete(t, llmtest.New(t, llmtest.HTML502()), chat)
	require.NoError(t, err)
	require.Equal(t, 502, resp.StatusCode)
	require.Contains(t, resp.Header.Get("Content-Type"), "text/html")
	require.Contains(t, body, "<title>")

	resp, body, err = complete(t, llmtest.New(t, llmtest.Unavailable()), chat)
	require.NoError(t, err)
	require.Equal(t, 503, resp.StatusCode)
	require.Empty(t, body)

	resp, _, err = complete(t, llmtest.New(t, llmtest.Redirect("https://other.example/")), chat)
	require.NoError(t, err)
	require.Equal(t, 307, resp.StatusCode)
	require.Equal(t, "https://other.example/", resp.Header.Get("Location"))

	resp, _, err = complete(t, llmtest.New(t, llmtest.RateLimited("7")), chat)
	require.NoError(t, err)
	require.Equal(t, "7", resp.Header.Get("Retry-After"))

	resp, _, err = complete(t, llmtest.New(t, llmtest.CacheHit("x")), chat)
	require.NoError(t, err)
	require.Equal(t, "HIT", resp.Header.Get("X-OpenRouter-Cache-Status"))

	resp, body, err = complete(t, llmtest.New(t, llmtest.LoginPage()), chat)
	require.NoError(t, err)
	require.Equal(t, 200, resp.StatusCode)
	require.Contains(t, body, "<form>")
}

func TestAnswersThatAreOdd(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		step   llmtest.Step
		body   string // what the client asks with
		has    []string
		hasNot string
	}{
		{llmtest.ContentParts("a", "b"), chat, []string{`"content":[{"text":"a","type":"text"},{"text":"b","type":"text"}]`}, "zzz"},
		{llmtest.ContentParts("a", "b"), chatFlow, []string{`"content":[{"text":"a","type":"text"},{"text":"b","type":"text"}]`}, "zzz"},
		{llmtest.ContentNullLength(), chat, []string{`"content":null`, `"finish_reason":"length"`, `"reasoning":"thinking"`}, "stop"},
		{llmtest.Refusal("no"), chat, []string{`"refusal":"no"`, `"content":null`}, "zzz"},
		{llmtest.OtherModel("other", "x"), chat, []string{`"model":"other"`}, "m/x"},
		{llmtest.UsageMissing("x"), chatFlow, []string{"[DONE]"}, "usage"},
		{llmtest.CostNull("x"), chat, []string{`"cost":null`, `"prompt_tokens":100`}, "0.0015"},
		{llmtest.StreamCut("some content"), chatFlow, []string{"some content"}, `"stop"`},
		{llmtest.StreamError("some", "502"), chatFlow, []string{`"code":502`, `"finish_reason":"error"`}, "[DONE]"},
		{llmtest.Commented("x"), chatFlow, []string{": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\ndata: "}, "zzz"},
		{llmtest.Document("x"), chatFlow, []string{`"object":"chat.completion"`}, "data:"},
		{llmtest.Stream("x"), chat, []string{`data: {`, "[DONE]"}, "zzz"},
		{llmtest.Gzip("x"), chat, []string{`"content":"x"`}, "zzz"},
		{llmtest.Slow(1, "x"), chat, []string{`"content":"x"`}, "zzz"},
		{llmtest.Complete(llmtest.Completion{Content: "x", ToolCalls: 2, Unfinished: true}), chat, []string{"call_0", "call_1", `"finish_reason":null`}, "usage"},
		{llmtest.Complete(llmtest.Completion{Content: "x", Error: `{"code":1}`}), chat, []string{`"error":{"code":1}`, `"finish_reason":"error"`}, "stop"},
		{llmtest.Complete(llmtest.Completion{Content: "\xff"}), chat, []string{"llmtest: the script cannot be encoded"}, "assistant"},
	} {
		_, got, err := complete(t, llmtest.New(t, tc.step), tc.body)
		require.NoError(t, err)
		for _, part := range tc.has {
			require.Contains(t, got, part, tc.step.Name)
		}
		require.NotContains(t, got, tc.hasNot, tc.step.Name)
	}
	_, got, err := complete(t, llmtest.New(t, llmtest.LeadingWhitespace("x")), chat)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(got, "\n \n   \n\n\n{"))
	resp, _, err := complete(t, llmtest.New(t, llmtest.JSONAsText("x")), chat)
	require.NoError(t, err)
	require.Equal(t, "text/plain; charset=utf-8", resp.Header.Get("Content-Type"))
	_, _, err = complete(t, llmtest.New(t, llmtest.StreamBroken("x")), chatFlow)
	require.Error(t, err)
}
