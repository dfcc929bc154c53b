package openrouter_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/openrouter"
)

// canned answers every request with one body, read a little at a time.
type canned struct {
	contentType, body string
	chunk             int
}

func (c canned) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {c.contentType}}, Request: req,
		Body: io.NopCloser(&chunked{Reader: strings.NewReader(c.body), chunk: c.chunk}),
	}, nil
}

type chunked struct {
	io.Reader
	chunk int
}

func (c *chunked) Read(p []byte) (int, error) {
	if c.chunk > 0 && len(p) > c.chunk {
		p = p[:c.chunk]
	}
	return c.Reader.Read(p)
}

func requireAnswerOrError(t *testing.T, body string, got llm.Response, err error) {
	t.Helper()
	if err != nil {
		var failure *llm.Error
		require.ErrorAs(t, err, &failure)
		require.NotEmpty(t, failure.Kind)
		require.Equal(t, llm.Response{}, got, "no content comes with an error")
		return
	}
	require.True(t, openrouter.SameModel(model, got.Model))
	require.LessOrEqual(t, len(got.Content), len(body))
	require.NotEqual(t, llm.FinishError, got.FinishReason)
	require.False(t, got.Usage.CostUSD.Valid && got.Usage.CostUSD.Decimal.IsNegative())
	require.GreaterOrEqual(t, got.Usage.PromptTokens, 0)
}

func FuzzStream(f *testing.F) {
	f.Add(deltaEvent + finishEvent + "data: [DONE]\n\n")
	f.Add(": c\n\n" + deltaEvent + "data: {\"error\":{\"code\":\"x\"}}\n\n")
	f.Add("\ufeffdata: {\"model\":\"test/model\",\r\ndata: \"choices\":[]}\r\n\r\n" + finishEvent)
	f.Add("data: {\"model\":\"test/model\",\"usage\":{\"cost\":\"1e9\"},\"choices\":[{\"finish_reason\":\"stop\",\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}}]}\n\n")
	f.Fuzz(func(t *testing.T, body string) {
		complete := func(chunk int) (llm.Response, error) {
			transport := canned{contentType: "text/event-stream", body: body, chunk: chunk}
			got, err := open(t, openrouter.Config{HTTPClient: &http.Client{Transport: transport}, MaxBodyBytes: 64 << 10}).Complete(t.Context(), ask("q"))
			requireAnswerOrError(t, body, got, err)
			got.Took = 0
			return got, err
		}
		whole, err := complete(0)
		pieces, piecesErr := complete(1)
		require.Equal(t, whole, pieces, "how the bytes arrive does not matter")
		require.Equal(t, err, piecesErr)
		if err == nil {
			require.NotEmpty(t, whole.FinishReason)
		}
	})
}

func FuzzDocument(f *testing.F) {
	f.Add(`{"model":"test/model","choices":[{"finish_reason":"stop","message":{"content":"x"}}],"usage":{"cost":0.1}}`)
	f.Add(`{"error":{"code":"429","metadata":{"error_type":"x"},"availability":{"retry_after":4}}}`)
	f.Add(`{"model":"model-0102","choices":[{"message":{"content":[{"type":"text","text":"x"}],"tool_calls":[{"index":3}]}}]}`)
	f.Add(`<html><title>x</title>`)
	f.Fuzz(func(t *testing.T, body string) {
		transport := canned{contentType: "application/json", body: body}
		got, err := open(t, openrouter.Config{HTTPClient: &http.Client{Transport: transport}, MaxBodyBytes: 64 << 10}).Complete(t.Context(), ask("q"))
		requireAnswerOrError(t, body, got, err)
	})
}

func FuzzErrorBody(f *testing.F) {
	f.Add(`{"error":{"message":"m","code":500}}`)
	f.Add(`{"error":"text"}`)
	f.Add(`<TITLE>x</TITLE>`)
	f.Add("Bearer " + key)
	f.Fuzz(func(t *testing.T, body string) {
		got, err := open(t, openrouter.Config{HTTPClient: &http.Client{Transport: status500(body)}}).Complete(t.Context(), ask("q"))
		require.Equal(t, llm.Response{}, got)
		var failure *llm.Error
		require.ErrorAs(t, err, &failure)
		require.Equal(t, llm.KindServer, failure.Kind)
		require.NotContains(t, failure.Message, key)
		require.NotContains(t, failure.Message, "\n")
		require.LessOrEqual(t, len(failure.Message), 512)
	})
}

type status500 string

func (s status500) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 500, Header: http.Header{}, Request: req, Body: io.NopCloser(strings.NewReader(string(s)))}, nil
}

func BenchmarkComplete(b *testing.B) {
	content := strings.Repeat(`{\"asset\":\"BTCUSDT\",\"action\":\"hold\"},`, 100)
	document := `{"id":"gen-1","model":"test/model","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"` + content +
		`"}}],"usage":{"prompt_tokens":1,"completion_tokens":1,"cost":0.01}}`
	var stream strings.Builder
	for range 1500 {
		stream.WriteString(`data: {"id":"gen-1","object":"chat.completion.chunk","created":1,"model":"test/model","provider":"P","choices":[{"index":0,` +
			`"delta":{"role":"assistant","content":"tok"},"finish_reason":null,"native_finish_reason":null,"logprobs":null}]}` + "\n\n")
	}
	stream.WriteString(finishEvent)
	for name, transport := range map[string]canned{
		"document":    {contentType: "application/json", body: document},
		"1500 chunks": {contentType: "text/event-stream", body: stream.String()},
	} {
		b.Run(name, func(b *testing.B) {
			client := open(b, openrouter.Config{Dialect: openrouter.OpenRouter(), HTTPClient: &http.Client{Transport: transport}})
			req := ask(strings.Repeat("0123456789", 1000))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.Complete(b.Context(), req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
