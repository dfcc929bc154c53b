package llm_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/llm"
)

func TestOnlyWhatMayPassIsRetryable(t *testing.T) {
	t.Parallel()
	for kind, retryable := range map[llm.Kind]bool{
		llm.KindConfig: false, llm.KindAuth: false, llm.KindPayment: false, llm.KindForbidden: false, llm.KindModel: false, llm.KindOther: false,
		llm.KindRateLimited: true, llm.KindTimeout: true, llm.KindServer: true, llm.KindTransport: true, llm.KindMalformed: true,
		"": false, "unheard of": false,
	} {
		require.Equal(t, retryable, (&llm.Error{Kind: kind}).Retryable(), kind)
	}
}

func TestErrorReadsFromTheOutsideIn(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	full := &llm.Error{
		Kind: llm.KindRateLimited, Endpoint: "openrouter.ai", Model: "m", Status: 429, Message: "slow down", Wait: time.Second, Err: cause,
	}
	require.EqualError(t, full, "llm: openrouter.ai: rate_limited (429): slow down")
	require.EqualError(t, &llm.Error{Kind: llm.KindTransport}, "llm: transport")
	require.ErrorIs(t, fmt.Errorf("asking: %w", full), cause)
	require.Equal(t, time.Second, full.RetryAfter())
}

func usd(text string) decimal.NullDecimal {
	return decimal.NewNullDecimal(decimal.RequireFromString(text))
}

func TestUsageAddKeepsAnUnknownCostUnknown(t *testing.T) {
	t.Parallel()
	known := llm.Usage{PromptTokens: 1, CompletionTokens: 2, ReasoningTokens: 3, CachedTokens: 4, CostUSD: usd("0.1")}
	unknown := llm.Usage{PromptTokens: 10}
	require.Equal(t, "0.3", known.Add(llm.Usage{CostUSD: usd("0.2")}).CostUSD.Decimal.String())
	require.Equal(t, llm.Usage{PromptTokens: 11, CompletionTokens: 2, ReasoningTokens: 3, CachedTokens: 4}, known.Add(unknown))
	require.False(t, unknown.Add(known).CostUSD.Valid)
	require.Equal(t, known, known.Add(llm.Usage{}))
	require.Equal(t, known, llm.Usage{}.Add(known))
	require.Equal(t, llm.Usage{}, llm.Usage{}.Add(llm.Usage{}))
}

func TestUsageAddIsCommutativeAndExact(t *testing.T) {
	t.Parallel()
	draw := rapid.Custom(func(t *rapid.T) llm.Usage {
		u := llm.Usage{PromptTokens: rapid.IntRange(0, 9).Draw(t, "prompt"), CompletionTokens: rapid.IntRange(0, 9).Draw(t, "completion")}
		if rapid.Bool().Draw(t, "known") {
			u.CostUSD = decimal.NewNullDecimal(decimal.New(rapid.Int64Range(0, 1<<40).Draw(t, "cost"), -9))
		}
		return u
	})
	rapid.Check(t, func(t *rapid.T) {
		u, v := draw.Draw(t, "u"), draw.Draw(t, "v")
		uv, vu := u.Add(v), v.Add(u)
		if uv.CostUSD.Valid != vu.CostUSD.Valid || !uv.CostUSD.Decimal.Equal(vu.CostUSD.Decimal) || uv.PromptTokens != vu.PromptTokens {
			t.Fatalf("%+v, %+v", uv, vu)
		}
		if uv.CostUSD.Valid && !uv.CostUSD.Decimal.Equal(u.CostUSD.Decimal.Add(v.CostUSD.Decimal)) {
			t.Fatalf("cost of %+v", uv)
		}
	})
}

func TestRequestAndResponseSurviveRecording(t *testing.T) {
	t.Parallel()
	seed := int64(7)
	req := llm.Request{
		Model: "m", Messages: []llm.Message{{Role: llm.RoleUser, Content: "q"}}, Schema: &llm.Schema{Name: "s", JSON: []byte(`{"a":1}`)},
		Temperature: usd("0"), MaxTokens: 5, Seed: &seed, User: "u",
		Format: llm.FormatObject, Skip: []string{"a"}, Account: "1",
	}
	resp := llm.Response{
		ID: "gen-1", Model: "m", Content: "c", FinishReason: llm.FinishStop, ToolCalls: 1, Reasoning: true,
		Usage: llm.Usage{PromptTokens: 1, CostUSD: usd("0.000000001")}, Took: time.Second,
		Tried: []llm.Attempt{{Model: "a", Endpoint: "e", Kind: llm.KindServer, Took: 1}, {Model: "m", Usage: llm.Usage{CostUSD: usd("1")}}}, Attempts: 2,
	}
	requireRoundTrip(t, req)
	requireRoundTrip(t, llm.Request{})
	plain, err := jsonx.Marshal(llm.Request{Model: "m"})
	require.NoError(t, err)
	require.NotRegexp(t, "format|skip|account", string(plain), "what is not set leaves no trace in a record")
	plain, err = jsonx.Marshal(llm.Response{Model: "m"})
	require.NoError(t, err)
	require.NotRegexp(t, "tried|attempts", string(plain))
	requireRoundTrip(t, resp)
}

func requireRoundTrip[T any](t *testing.T, value T) {
	t.Helper()
	text, err := jsonx.Marshal(value)
	require.NoError(t, err)
	var back T
	require.NoError(t, jsonx.Unmarshal(text, &back))
	again, err := jsonx.Marshal(back)
	require.NoError(t, err)
	require.Equal(t, string(text), string(again))
}

func ExampleClientFunc() {
	// A decorator is a function around Complete.
	model := llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
		return llm.Response{Content: "{}", FinishReason: llm.FinishStop, Usage: llm.Usage{PromptTokens: 120}}, nil
	})
	var total llm.Usage
	counted := llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
		resp, err := model.Complete(ctx, req)
		total = total.Add(resp.Usage)
		return resp, err
	})
	resp, err := counted.Complete(context.Background(), llm.Request{Model: "test/model"})
	fmt.Println(resp.Content, total.PromptTokens, err)
	// Output: {} 120 <nil>
}
