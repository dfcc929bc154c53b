package llm_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/llm"
)

func TestEstimateTokensCountsEveryByteThatIsSent(t *testing.T) {
	t.Parallel()
	empty := llm.EstimateTokens(llm.Request{})
	require.Equal(t, 16, empty)
	rapid.Check(t, func(t *rapid.T) {
		bytes := 0
		req := llm.Request{}
		for range rapid.IntRange(0, 4).Draw(t, "messages") {
			content := rapid.String().Draw(t, "content")
			bytes += len(content)
			req.Messages = append(req.Messages, llm.Message{Role: llm.RoleUser, Content: content})
		}
		if rapid.Bool().Draw(t, "schema") {
			req.Schema = &llm.Schema{JSON: []byte(`{"type":"object"}`)}
			bytes += len(req.Schema.JSON)
		}
		if got := llm.EstimateTokens(req); got != empty+8*len(req.Messages)+bytes {
			t.Fatalf("%d tokens for %d bytes", got, bytes)
		}
	})
}

func TestFitRefusesBeforeAnyCall(t *testing.T) {
	t.Parallel()
	prompt := []llm.Message{{Role: llm.RoleUser, Content: strings.Repeat("x", 76)}} // 100 tokens by the estimate
	for name, tc := range map[string]struct {
		model   string
		answer  int
		refused bool
	}{
		"fits exactly":          {"small", 20, false},
		"one token too many":    {"small", 21, true},
		"the prompt alone":      {"tiny", 0, true},
		"an absurd answer":      {"small", math.MaxInt, true},
		"an unknown model":      {"other", math.MaxInt, false},
		"a context of nothing":  {"none", 0, true},
		"no bound on an answer": {"small", 0, false},
	} {
		calls := 0
		client := llm.Fit(counting(&calls), map[string]int{"small": 120, "tiny": 99, "none": 0})
		_, err := client.Complete(t.Context(), llm.Request{Model: tc.model, MaxTokens: tc.answer, Messages: prompt})
		if !tc.refused {
			require.NoError(t, err, name)
			require.Equal(t, 1, calls, name)
			continue
		}
		require.ErrorIs(t, err, llm.ErrContextTooSmall, name)
		var failure *llm.ContextError
		require.ErrorAs(t, err, &failure, name)
		require.Equal(t, 100, failure.Prompt, name)
		require.False(t, failure.Retryable(), name)
		require.Zero(t, calls, name)
	}
	err := &llm.ContextError{Model: "m", Context: 8191, Prompt: 9000, Answer: 2000}
	require.EqualError(t, err, "llm: m takes 8191 tokens; the prompt may have 9000 and the answer 2000")
}
