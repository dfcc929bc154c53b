package llmreplay_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmreplay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// outcome is what a client returns to one call.
type outcome struct {
	resp llm.Response
	err  error
}

// scripted answers with the outcomes in order.
func scripted(outcomes ...outcome) llm.Client {
	next := 0
	return llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
		next++
		return outcomes[next-1].resp, outcomes[next-1].err
	})
}

func ask(text string) llm.Request {
	return llm.Request{
		Model: "test/model", Messages: []llm.Message{{Role: llm.RoleUser, Content: text}}, MaxTokens: 100,
		Temperature: decimal.NewNullDecimal(decimal.New(7, -1)), Schema: &llm.Schema{Name: "s_v1", JSON: []byte(`{"type": "object"}`)},
	}
}

func say(text string) llm.Response {
	return llm.Response{
		ID: "gen-1", Provider: "p", Model: "test/model", Content: text, FinishReason: llm.FinishStop, Took: 3 * time.Second,
		Usage: llm.Usage{PromptTokens: 10, CompletionTokens: 2, CostUSD: decimal.NewNullDecimal(decimal.RequireFromString("0.00000012345678901234567890"))},
	}
}

// stopped makes a recording repeatable.
func stopped() time.Time { return time.Date(2025, 10, 10, 22, 0, 0, 0, time.UTC) }

// recording is what a recorder writes about these calls.
func recording(t *testing.T, reqs []llm.Request, outcomes ...outcome) []byte {
	t.Helper()
	var file bytes.Buffer
	recorder := llmreplay.Record(scripted(outcomes...), &file)
	recorder.Now = stopped
	for i, req := range reqs {
		resp, err := recorder.Complete(t.Context(), req)
		require.Equal(t, outcomes[i].resp, resp, "passed on unchanged")
		require.Equal(t, outcomes[i].err, err, "passed on unchanged")
	}
	require.NoError(t, recorder.Err())
	return file.Bytes()
}

func open(t *testing.T, file []byte) *llmreplay.Player {
	t.Helper()
	player, err := llmreplay.Open(bytes.NewReader(file))
	require.NoError(t, err)
	return player
}

func requireNotRecorded(t *testing.T, err error, recorded int) {
	t.Helper()
	require.ErrorIs(t, err, llmreplay.ErrNotRecorded)
	var missing *llmreplay.NotRecordedError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, recorded, missing.Recorded)
	var failure *llm.Error
	require.ErrorAs(t, err, &failure, "what every client promises")
	require.Equal(t, llm.KindConfig, failure.Kind)
	require.False(t, failure.Retryable())
}
