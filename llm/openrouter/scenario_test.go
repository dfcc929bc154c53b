package openrouter_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/llm/openrouter"
)

const answerText = `{"decisions":[{"asset":"BTCUSDT","action":"hold","rationale":"é – 相場"}]}`

var fixedNow = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

type failure struct {
	step    llmtest.Step
	kind    llm.Kind
	status  int
	wait    time.Duration
	message string // a part of it
}

// failures is every failing scenario of the provider, with what becomes of it.
func failures() map[string]failure {
	return map[string]failure{
		"stream error, number code":    {llmtest.StreamError("{", "502"), llm.KindServer, 502, 0, "disconnected mid-stream"},
		"stream error, string code":    {llmtest.StreamError("{", `"server_error"`), llm.KindServer, 0, 0, "disconnected mid-stream"},
		"stream error, string status":  {llmtest.StreamError("{", `"429"`), llm.KindRateLimited, 429, 0, "disconnected mid-stream"},
		"stream error, type":           {llmtest.StreamError("{", `"context_length_exceeded"`), llm.KindConfig, 0, 0, "disconnected mid-stream"},
		"stream cut":                   {llmtest.StreamCut(answerText), llm.KindTransport, 0, 0, "without a finish reason"},
		"stream broken":                {llmtest.StreamBroken(answerText), llm.KindTransport, 0, 0, "unexpected EOF"},
		"error in 200, A":              {llmtest.Error200A(), llm.KindRateLimited, 429, 0, "Provider returned error (Hyperbolic)"},
		"error in 200, B":              {llmtest.Error200B(), llm.KindServer, 502, 0, "Provider returned error"},
		"error in 200, C":              {llmtest.Error200C(), llm.KindServer, 502, 0, "mid-stream (provider_unavailable)"},
		"400 invalid model":            {llmtest.InvalidModel(), llm.KindConfig, 400, 0, "not a valid model ID"},
		"400 temperature":              {llmtest.UnsupportedTemperature(), llm.KindConfig, 400, 0, "'temperature'"},
		"400 context length":           {llmtest.ContextLength(), llm.KindConfig, 400, 0, "context_length_exceeded"},
		"401":                          {llmtest.Unauthorized(), llm.KindAuth, 401, 0, "No auth credentials"},
		"402":                          {llmtest.PaymentRequired(), llm.KindPayment, 402, 0, "Insufficient credits"},
		"402 as a string":              {llmtest.PaymentRequiredText(), llm.KindPayment, 402, 0, "Insufficient balance"},
		"403 moderation":               {llmtest.Moderation(), llm.KindForbidden, 403, 0, "Input flagged (OpenAI)"},
		"403 guardrail":                {llmtest.Guardrail(), llm.KindForbidden, 403, 0, "prompt injection"},
		"404":                          {llmtest.ConstraintFiltered(), llm.KindConfig, 404, 0, "requested parameters"},
		"408":                          {llmtest.RequestTimeout(), llm.KindTimeout, 408, 0, "timed out"},
		"413":                          {llmtest.PayloadTooLarge(), llm.KindConfig, 413, 0, "too large"},
		"418":                          {llmtest.Status(418, "I am a teapot"), llm.KindMalformed, 418, 0, "teapot"},
		"422":                          {llmtest.Status(422, "unprocessable"), llm.KindConfig, 422, 0, "unprocessable"},
		"429":                          {llmtest.RateLimited(""), llm.KindRateLimited, 429, 0, "Rate limit exceeded (rate_limit_exceeded)"},
		"429 seconds":                  {llmtest.RateLimited("40"), llm.KindRateLimited, 429, 40 * time.Second, "Rate limit"},
		"429 date":                     {llmtest.RateLimited("Sat, 21 Nov 2026 12:02:00 GMT"), llm.KindRateLimited, 429, 2 * time.Minute, "Rate limit"},
		"429 huge":                     {llmtest.RateLimited("99999999999999999999999"), llm.KindRateLimited, 429, time.Hour, "Rate limit"},
		"429 negative":                 {llmtest.RateLimited("-5"), llm.KindRateLimited, 429, 0, "Rate limit"},
		"429 wait in body":             {llmtest.CapacityExhausted(40), llm.KindRateLimited, 429, 40 * time.Second, "at capacity"},
		"429 huge wait in body":        {llmtest.CapacityExhausted(999999999), llm.KindRateLimited, 429, time.Hour, "at capacity"},
		"500":                          {llmtest.ServerError(), llm.KindServer, 500, 0, "Internal Server Error (server)"},
		"502 JSON":                     {llmtest.BadGateway(), llm.KindServer, 502, 0, "Provider returned error"},
		"502 HTML":                     {llmtest.HTML502(), llm.KindServer, 502, 0, "a web page: example.org | 502: Bad gateway"},
		"503 empty":                    {llmtest.Unavailable(), llm.KindServer, 503, 0, "Service Unavailable"},
		"504":                          {llmtest.Status(504, "gateway timeout"), llm.KindTimeout, 504, 0, "gateway timeout"},
		"524":                          {llmtest.EdgeTimeout(), llm.KindTimeout, 524, 0, "timeout"},
		"529":                          {llmtest.Overloaded(), llm.KindServer, 529, 0, "overloaded"},
		"reset":                        {llmtest.Reset(), llm.KindTransport, 0, 0, ""},
		"truncated body":               {llmtest.TruncatedBody(), llm.KindTransport, 0, 0, "unexpected EOF"},
		"login page":                   {llmtest.LoginPage(), llm.KindMalformed, 0, 0, "(text/html)"},
		"big body":                     {llmtest.BigBody(20 << 20), llm.KindMalformed, 0, 0, "exceeds 4194304 bytes"},
		"infinite white space":         {llmtest.InfiniteWhitespace(), llm.KindMalformed, 0, 0, "exceeds 4194304 bytes"},
		"white space runaway":          {llmtest.WhitespaceRunaway(), llm.KindMalformed, 0, 0, "ran away"},
		"other model":                  {llmtest.OtherModel("test/other", answerText), llm.KindModel, 0, 0, "answered by test/other"},
		"cache hit":                    {llmtest.CacheHit(answerText), llm.KindConfig, 0, 0, "cache"},
		"redirect":                     {llmtest.Redirect("https://evil.example/v1?q=1"), llm.KindConfig, 307, 0, "leads to evil.example"},
		"redirect without target":      {llmtest.Step{Status: 302}, llm.KindConfig, 302, 0, "leads to nowhere"},
		"204":                          {llmtest.Step{Status: 204}, llm.KindMalformed, 204, 0, "No Content"},
		"empty 200":                    {llmtest.Step{}, llm.KindMalformed, 0, 0, "not one JSON document"},
		"no choices":                   {raw(`{"model":"test/model","choices":[]}`), llm.KindMalformed, 0, 0, "no choices"},
		"two answers":                  {raw(`{"model":"test/model","choices":[{"index":0},{"index":1}]}`), llm.KindMalformed, 0, 0, "more than the one answer"},
		"no model":                     {raw(`{"choices":[{"index":0,"finish_reason":"stop","message":{"content":"{}"}}]}`), llm.KindMalformed, 0, 0, "which model"},
		"duplicate content":            {raw(`{"model":"test/model","choices":[{"message":{"content":"a","content":"b"}}]}`), llm.KindMalformed, 0, 0, "not one JSON document"},
		"duplicate inside the unknown": {raw(`{"model":"test/model","new":{"a":1,"a":2},"choices":[{"finish_reason":"stop","message":{"content":"x"}}]}`), llm.KindMalformed, 0, 0, "not one JSON document"},
		"two documents":                {raw(`{"model":"test/model","choices":[]}{}`), llm.KindMalformed, 0, 0, "not one JSON document"},
		"invalid UTF-8":                {raw("{\"model\":\"test/model\",\"choices\":[{\"message\":{\"content\":\"\xff\"}}]}"), llm.KindMalformed, 0, 0, "not one JSON document"},
		"content an object":            {raw(`{"model":"test/model","choices":[{"message":{"content":{"a":1}}}]}`), llm.KindMalformed, 0, 0, "not text"},
		"content an image":             {raw(`{"model":"test/model","choices":[{"message":{"content":[{"type":"image_url"}]}}]}`), llm.KindMalformed, 0, 0, "not text"},
		"finish reason error":          {raw(`{"model":"test/model","choices":[{"finish_reason":"error","message":{"content":"{}"}}]}`), llm.KindServer, 0, 0, "failed while answering"},
		"error as text":                {raw(`{"error":"out of luck"}`), llm.KindServer, 0, 0, "out of luck"},
		"error as true":                {raw(`{"error":true}`), llm.KindServer, 0, 0, "does not say what it is"},
		"error of unknown form":        {raw(`{"error":{"metadata":7}}`), llm.KindServer, 0, 0, "unknown form"},
		"stream, second model": {
			events(`{"model":"test/model","choices":[{"delta":{"content":"a"}}]}`, `{"model":"test/other","choices":[{"delta":{"content":"b"},"finish_reason":"stop"}]}`),
			llm.KindModel, 0, 0, "answered by test/other",
		},
		"stream, more after the finish": {
			events(`{"model":"test/model","choices":[{"delta":{"content":"draft"},"finish_reason":"stop"}]}`, `{"model":"test/model","choices":[{"delta":{"content":"b"}}]}`),
			llm.KindMalformed, 0, 0, "went on after",
		},
		"stream, error after the finish": {
			events(`{"model":"test/model","choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}`, `{"error":{"code":500,"message":"late"}}`),
			llm.KindServer, 500, 0, "late",
		},
		"stream, broken chunk": {events(`{"model":"test/model","choi`), llm.KindMalformed, 0, 0, "(text/event-stream)"},
		"stream, HTML inside":  {llmtest.Step{Header: eventStream(), Pieces: []string{"<html></html>\n\n"}}, llm.KindTransport, 0, 0, "without a finish reason"},
	}
}

func raw(body string) llmtest.Step { return llmtest.Step{Pieces: []string{body}} }

func eventStream() http.Header {
	return http.Header{"Content-Type": {"text/event-stream; charset=utf-8"}}
}

func events(chunks ...string) llmtest.Step {
	step := llmtest.Step{Header: eventStream()}
	for _, chunk := range chunks {
		step.Pieces = append(step.Pieces, "data: "+chunk+"\n\n")
	}
	return step
}

func TestEveryFailureIsTyped(t *testing.T) {
	t.Parallel()
	for name, tc := range failures() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.step.Header = withHeader(tc.step.Header, "X-Generation-Id", "gen-header")
			server := llmtest.New(t, tc.step)
			client := open(t, openrouter.Config{
				BaseURL: server.URL(), Dialect: openrouter.OpenRouter(), Now: func() time.Time { return fixedNow },
			})
			got, err := client.Complete(t.Context(), ask("a question"))
			require.Equal(t, llm.Response{}, got, "no content comes with an error")
			var failure *llm.Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, tc.kind, failure.Kind, failure.Message)
			require.Equal(t, tc.status, failure.Status)
			require.Equal(t, tc.wait, failure.RetryAfter())
			require.Contains(t, failure.Message, tc.message)
			require.NotEmpty(t, failure.Message)
			require.Equal(t, model, failure.Model)
			require.Equal(t, strings.TrimSuffix(strings.TrimPrefix(server.URL(), "http://"), "/api/v1"), failure.Endpoint)
			if name != "reset" {
				require.Equal(t, "gen-header", failure.GenerationID)
			}
			require.NotContains(t, fmt.Sprintf("%+v %#v %v", failure, *failure, failure.Err), "decisions")
			require.Len(t, server.Requests(), 1, "one attempt")
		})
	}
}

func withHeader(header http.Header, name, value string) http.Header {
	out := header.Clone()
	if out == nil {
		out = http.Header{}
	}
	out.Set(name, value)
	return out
}

func answered() llm.Response {
	return llm.Response{
		ID: "gen-1", Provider: "llmtest", Model: model, Content: answerText, FinishReason: llm.FinishStop, Usage: llmtest.TypicalUsage(),
	}
}

func TestEveryAnswerIsReadWhole(t *testing.T) {
	t.Parallel()
	with := func(change func(*llm.Response)) llm.Response {
		resp := answered()
		change(&resp)
		return resp
	}
	dated := llmtest.OtherModel("model-2026-05-01", answerText)
	for name, tc := range map[string]struct {
		step llmtest.Step
		want llm.Response
	}{
		"as asked":            {llmtest.Answer(answerText), answered()},
		"document":            {llmtest.Document(answerText), answered()},
		"stream":              {llmtest.Stream(answerText), answered()},
		"slow":                {llmtest.Slow(time.Millisecond, answerText), answered()},
		"leading white space": {llmtest.LeadingWhitespace(answerText), answered()},
		"comments":            {llmtest.Commented(answerText), answered()},
		"JSON as text":        {llmtest.JSONAsText(answerText), answered()},
		"gzip":                {llmtest.Gzip(answerText), answered()},
		"parts":               {llmtest.ContentParts(answerText[:20], answerText[20:]), answered()},
		"dated model":         {dated, with(func(r *llm.Response) { r.Model = "model-2026-05-01" })},
		"usage missing":       {llmtest.UsageMissing(answerText), with(func(r *llm.Response) { r.Usage = llm.Usage{} })},
		"cost null":           {llmtest.CostNull(answerText), with(func(r *llm.Response) { r.Usage.CostUSD = decimal.NullDecimal{} })},
		"null, length": {llmtest.ContentNullLength(), with(func(r *llm.Response) {
			r.Content, r.Reasoning, r.FinishReason = "", true, llm.FinishLength
		})},
		"refusal": {llmtest.Refusal("I cannot"), with(func(r *llm.Response) { r.Content, r.Refusal = "", "I cannot" })},
		"tool calls": {
			llmtest.Complete(llmtest.Completion{Content: answerText, ToolCalls: 2, FinishReason: llm.FinishToolCalls, Usage: llmtest.TypicalUsage()}),
			with(func(r *llm.Response) { r.ToolCalls, r.FinishReason = 2, llm.FinishToolCalls }),
		},
		"CRLF, several lines of data, BOM": {
			llmtest.Step{Header: eventStream(), Pieces: []string{
				"\ufeffdata: {\"model\":\"test/model\",\r\ndata: \"choices\":[{\"delta\":{\"content\":\"a\"}}]}\r\nid: 1\r\n\r\n",
				"event: message\ndata:{\"model\":\"test/model\",\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}\n\n",
			}},
			llm.Response{Model: model, Content: "ab", FinishReason: llm.FinishStop},
		},
		"no finish reason in a document": {
			raw(`{"model":"test/model","choices":[{"finish_reason":null,"message":{"content":"x"}}]}`), llm.Response{Model: model, Content: "x"},
		},
		"odd optional members": {
			raw(`{"id":7,"provider":{"a":1},"model":"test/model","new":[],"error":null,"usage":{"prompt_tokens":-1,"completion_tokens":1e3,"cost":1e400},` +
				`"choices":[{"finish_reason":"stop","message":{"content":[{"type":"thinking","thinking":"t"},{"type":"refusal","refusal":"no"}],"function_call":{"name":"f"}}}]}`),
			llm.Response{Model: model, Refusal: "no", Reasoning: true, ToolCalls: 1, FinishReason: llm.FinishStop},
		},
		"connection breaks after the finish": {
			llmtest.Step{
				Header: eventStream(), End: llmtest.EndCut,
				Pieces: []string{"data: {\"model\":\"test/model\",\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\n"},
			},
			llm.Response{Model: model, Content: "x", FinishReason: llm.FinishStop},
		},
	} {
		for mode, noStream := range map[string]bool{"streamed": false, "document": true} {
			t.Run(name+", "+mode, func(t *testing.T) {
				t.Parallel()
				server := llmtest.New(t, tc.step)
				client := open(t, openrouter.Config{BaseURL: server.URL(), NoStream: noStream, Now: func() time.Time { return fixedNow }})
				got, err := client.Complete(t.Context(), ask("a question"))
				require.NoError(t, err)
				require.Equal(t, tc.want, got)
				require.Empty(t, server.Requests()[0].Refused)
			})
		}
	}
}

func TestACostKeepsEveryDigit(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, raw(`{"model":"test/model","choices":[{"finish_reason":"stop","message":{"content":"x"}}],`+
		`"usage":{"cost":0.00000012345678901234567890}}`))
	got, err := open(t, openrouter.Config{BaseURL: server.URL()}).Complete(t.Context(), ask("q"))
	require.NoError(t, err)
	require.Equal(t, "0.0000001234567890123456789", got.Usage.CostUSD.Decimal.String())
}

func TestAnAllowedModelMayAnswer(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, llmtest.OtherModel("test/other", "x"))
	got, err := open(t, openrouter.Config{BaseURL: server.URL(), AllowedModels: []string{"test/other"}}).Complete(t.Context(), ask("q"))
	require.NoError(t, err)
	require.Equal(t, "test/other", got.Model)
}

func TestRefusedConnectionIsTransport(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t)
	server.Close()
	_, err := open(t, openrouter.Config{BaseURL: server.URL()}).Complete(t.Context(), ask("q"))
	var failure *llm.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, llm.KindTransport, failure.Kind)
	require.Contains(t, failure.Message, "connection refused")
	require.Error(t, failure.Err)
}

func TestAnErrorInsideA200GoesByItsTypeWithoutAStatus(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]llm.Kind{
		"rate_limit_exceeded": llm.KindRateLimited, "timeout": llm.KindTimeout, "authentication": llm.KindAuth,
		"payment_required": llm.KindPayment, "permission_denied": llm.KindForbidden, "content_policy_violation": llm.KindForbidden,
		"context_length_exceeded": llm.KindConfig, "not_found": llm.KindConfig, "payload_too_large": llm.KindConfig,
		"server": llm.KindServer, "provider_overloaded": llm.KindServer, "unmapped": llm.KindServer, "": llm.KindServer,
	} {
		for _, form := range []string{
			`{"metadata":{"error_type":%q}}`, `{"error_type":%q,"code":null}`, `{"code":%q}`, `{"type":%q,"code":200}`, `{"type":%q,"code":418}`,
		} {
			server := llmtest.New(t, raw(`{"error":`+fmt.Sprintf(form, name)+`}`))
			_, err := open(t, openrouter.Config{BaseURL: server.URL()}).Complete(t.Context(), ask("q"))
			var failure *llm.Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, want, failure.Kind, "%s as %s", name, form)
		}
	}
}

func TestErrorBodiesOfOtherServersAreRead(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"message":"from a proxy"}`:             "from a proxy",
		`{"detail":"nothing we know"}`:           "Internal Server Error",
		`{"error":[1]}`:                          "Internal Server Error",
		`{"error":{"message":"m","message":"n"}`: `{"error":{"message":"m","message":"n"}`,
		"<html><body>no title</body></html>":     "a web page",
		"</title><title>":                        "a web page",
		"upstream connect error":                 "upstream connect error",
	} {
		server := llmtest.New(t, llmtest.Step{Status: 500, Pieces: []string{body}})
		_, err := open(t, openrouter.Config{BaseURL: server.URL()}).Complete(t.Context(), ask("q"))
		var failure *llm.Error
		require.ErrorAs(t, err, &failure)
		require.Equal(t, llm.KindServer, failure.Kind)
		require.Equal(t, want, failure.Message)
	}
}
