package llmtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/internal/httpx"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reply is a response without its body.
type reply struct {
	StatusCode int
	Header     http.Header
}

// send posts body as a client without any opinion of its own would.
func send(t *testing.T, server *llmtest.Server, method, path, auth, body string) (reply, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL()+path, strings.NewReader(body))
	require.NoError(t, err)
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	client := httpx.NewClient(httpx.ClientConfig{})
	t.Cleanup(client.CloseIdleConnections)
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, "", err
	}
	defer func() { require.NoError(t, resp.Body.Close()) }()
	data, err := httpx.ReadAll(resp.Body, 1<<20)
	return reply{StatusCode: resp.StatusCode, Header: resp.Header}, string(data), err
}

const (
	chat     = `{"model":"m/x","messages":[{"role":"user","content":"q"}]}`
	chatFlow = `{"model":"m/x","messages":[{"role":"user","content":"q"}],"stream":true}`
)

func complete(t *testing.T, server *llmtest.Server, body string) (reply, string, error) {
	t.Helper()
	return send(t, server, http.MethodPost, "/chat/completions", "Bearer k", body)
}

func TestStepsAreTakenInOrderAndTheLastRepeats(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, llmtest.RateLimited("3"), llmtest.Unavailable(), llmtest.Answer("a"))
	var statuses []int
	for range 4 {
		resp, _, err := complete(t, server, chat)
		require.NoError(t, err)
		statuses = append(statuses, resp.StatusCode)
	}
	require.Equal(t, []int{429, 503, 200, 200}, statuses)
	requests := server.Requests()
	require.Len(t, requests, 4)
	require.Equal(t, 4, requests[3].Number)
}

func TestThenAnswersWhatTheScriptDoesNot(t *testing.T) {
	t.Parallel()
	server, err := llmtest.Start(llmtest.Config{
		Steps: []llmtest.Step{llmtest.Answer("first")},
		Then:  func(req llmtest.Request) llmtest.Step { return llmtest.Answer("to " + req.Messages[0].Content) },
	})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	_, first, err := complete(t, server, chat)
	require.NoError(t, err)
	require.Contains(t, first, `"content":"first"`)
	_, second, err := complete(t, server, chat)
	require.NoError(t, err)
	require.Contains(t, second, `"content":"to q"`)
}

func TestAnEmptyScriptAnswersAnEmptyObject(t *testing.T) {
	t.Parallel()
	_, body, err := complete(t, llmtest.New(t), chat)
	require.NoError(t, err)
	require.Contains(t, body, `"content":"{}"`)
}

func TestAnAnswerHasTheFormThatWasAsked(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, llmtest.Answer("content of more than one event, é"))
	resp, document, err := complete(t, server, chat)
	require.NoError(t, err)
	require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	var decoded struct {
		ID      string `json:"id"`
		Model   string `json:"model"`
		Choices []struct {
			FinishReason string `json:"finish_reason"`
			Message      struct {
				Role    string `json:"role"`
				Content string `json:"content"`
			} `json:"message"`
		} `json:"choices"`
		Usage struct {
			Cost json.Number `json:"cost"`
		} `json:"usage"`
	}
	require.NoError(t, json.Unmarshal([]byte(document), &decoded))
	require.Equal(t, "gen-1", decoded.ID)
	require.Equal(t, "m/x", decoded.Model)
	require.Equal(t, "stop", decoded.Choices[0].FinishReason)
	require.Equal(t, "assistant", decoded.Choices[0].Message.Role)
	require.Equal(t, "content of more than one event, é", decoded.Choices[0].Message.Content)
	require.Equal(t, json.Number("0.0015"), decoded.Usage.Cost)

	resp, stream, err := complete(t, server, chatFlow)
	require.NoError(t, err)
	require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	require.Equal(t, "content of more than one event, é", joined(t, stream))
	require.True(t, strings.HasSuffix(stream, "data: [DONE]\n\n"))
	require.Equal(t, 1, strings.Count(stream, `"finish_reason":"stop"`))
}

func joined(t *testing.T, stream string) string {
	t.Helper()
	var all strings.Builder
	for event := range strings.SplitSeq(stream, "\n\n") {
		data, found := strings.CutPrefix(event, "data: ")
		if !found || data == "[DONE]" {
			continue
		}
		var chunk struct {
			Choices []struct {
				Delta struct {
					Content string `json:"content"`
				} `json:"delta"`
			} `json:"choices"`
		}
		require.NoError(t, json.Unmarshal([]byte(data), &chunk), data)
		for _, choice := range chunk.Choices {
			all.WriteString(choice.Delta.Content)
		}
	}
	return all.String()
}

func TestRequestsAreRecordedWithoutTheirKey(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t)
	_, _, err := send(t, server, http.MethodPost, "/chat/completions", "Bearer sk-very-private-key", chatFlow)
	require.NoError(t, err)
	got := server.Requests()[0]
	require.Equal(t, "POST", got.Method)
	require.Equal(t, "/api/v1/chat/completions", got.Path)
	require.Equal(t, "Bearer [redacted]", got.Header.Get("Authorization"))
	require.Equal(t, "m/x", got.Model)
	require.True(t, got.Stream)
	require.Equal(t, "q", got.Messages[0].Content)
	require.JSONEq(t, chatFlow, string(got.Body))
	require.Empty(t, got.Refused)
}

func TestABrokenProtocolIsRefusedAndTakesNoStep(t *testing.T) {
	t.Parallel()
	server, err := llmtest.Start(llmtest.Config{Key: secret.New("right")})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	const path = "/chat/completions"
	for _, tc := range []struct {
		method, path, auth, body string
		status                   int
	}{
		{http.MethodPost, "/completions", "Bearer right", chat, 404},
		{http.MethodGet, path, "Bearer right", "", 404},
		{http.MethodPost, path, "", chat, 401},
		{http.MethodPost, path, "right", chat, 401},
		{http.MethodPost, path, "Bearer wrong", chat, 401},
		{http.MethodGet, "/models", "Bearer wrong", "", 401},
		{http.MethodPost, path, "Bearer right", "{", 400},
		{http.MethodPost, path, "Bearer right", `{"model":"m/x","messages":[]}`, 400},
		{http.MethodPost, path, "Bearer right", strings.Repeat(" ", 16<<20+1), 413},
	} {
		resp, body, err := send(t, server, tc.method, tc.path, tc.auth, tc.body)
		require.NoError(t, err)
		require.Equal(t, tc.status, resp.StatusCode, body)
		requests := server.Requests()
		last := requests[len(requests)-1]
		require.NotEmpty(t, last.Refused)
		require.Zero(t, last.Number)
	}
	resp, _, err := send(t, server, http.MethodPost, path, "Bearer right", chat)
	require.NoError(t, err)
	require.Equal(t, 200, resp.StatusCode)
}

func TestEndsBreakTheAnswerOff(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]llmtest.Step{
		"reset before anything": llmtest.Reset(),
		"cut in chunks":         {Pieces: []string{"{"}, End: llmtest.EndCut},
		"reset in chunks":       {Pieces: []string{"{"}, End: llmtest.EndReset},
		"content length":        llmtest.TruncatedBody(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := complete(t, llmtest.New(t, step), chat)
			require.Error(t, err)
		})
	}
}

func TestABodyRepeatsUntilTheClientHasEnough(t *testing.T) {
	t.Parallel()
	for _, step := range []llmtest.Step{llmtest.InfiniteWhitespace(), llmtest.WhitespaceRunaway(), llmtest.BigBody(4 << 20)} {
		_, body, err := complete(t, llmtest.New(t, step), chatFlow)
		require.True(t, httpx.IsTooLarge(err), "%s: %v", step.Name, err)
		require.Len(t, body, 1<<20)
	}
}

func TestCloseEndsWhatHangs(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]llmtest.Step{
		"hang":    llmtest.Hang(),
		"delay":   {Delay: time.Hour},
		"pause":   {Pieces: []string{"{", "}"}, Pause: time.Hour},
		"half":    {Pieces: []string{"{"}, End: llmtest.EndHang},
		"forever": llmtest.InfiniteWhitespace(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			arrived := make(chan struct{})
			server, err := llmtest.Start(llmtest.Config{Then: func(llmtest.Request) llmtest.Step {
				close(arrived)
				return step
			}})
			require.NoError(t, err)
			failed := make(chan error, 1)
			go func() {
				req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, server.URL()+"/chat/completions", bytes.NewBufferString(chat))
				if err == nil {
					err = discard(req)
				}
				failed <- err
			}()
			<-arrived
			server.Close()
			server.Close()
			require.Error(t, <-failed, "an answer that was broken off never looks whole")
		})
	}
}

func discard(req *http.Request) error {
	client := httpx.NewClient(httpx.ClientConfig{})
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}

func TestItListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^http://127\.0\.0\.1:\d+/api/v1$`, llmtest.New(t).URL())
}

func TestModelsAreListed(t *testing.T) {
	t.Parallel()
	server, err := llmtest.Start(llmtest.Config{Models: []llmtest.Model{{ID: "m/x", ContextLength: 8191, ExpirationDate: "2027-01-01"}, {ID: "m/y"}}})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	_, body, err := send(t, server, http.MethodGet, "/models", "", "")
	require.NoError(t, err)
	require.JSONEq(t, `{"data":[
		{"id":"m/x","context_length":8191,"expiration_date":"2027-01-01","supported_parameters":[],"pricing":{"prompt":"0","completion":"0"}},
		{"id":"m/y","context_length":0,"expiration_date":null,"supported_parameters":[],"pricing":{"prompt":"0","completion":"0"}}]}`, body)
	require.Zero(t, server.Requests()[0].Number, "a list is no completion")
}
