package api_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/llm"
)

func TestAttemptsAreListedWithTheirOutcome(t *testing.T) {
	t.Parallel()
	rec := record(t)
	rec.Request = llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Content: "?"}}}
	res := decision.Result{Tried: []llm.Attempt{
		{Model: "a/b", Endpoint: "a/b", Kind: llm.KindServer, Took: 1500 * time.Microsecond},
		{Model: "a/b", Kind: llm.KindOther},
		{Model: "c/d", Took: time.Second, Usage: llm.Usage{PromptTokens: 3, CostUSD: decimal.NewNullDecimal(decimal.New(5, -1))}},
	}}
	meta := answer(t, res, rec, nil, &api.Circuit{State: "open", Wait: 1001 * time.Millisecond}, 0).Metadata
	require.Equal(t, "open", *meta.CircuitState)
	require.EqualValues(t, 2, *meta.NextProbeSeconds)
	require.Equal(t, []string{"server", api.OutcomeNotAsked, api.OutcomeAnswered}, []string{meta.Attempts[0].Outcome, meta.Attempts[1].Outcome, meta.Attempts[2].Outcome})
	require.EqualValues(t, 1, meta.Attempts[0].DurationMs)
	require.Nil(t, meta.Attempts[0].Usage.PromptTokens, "what a failure used is unknown")
	require.Zero(t, *meta.Attempts[1].Usage.PromptTokens, "what was not asked used nothing")
	require.Equal(t, 3, *meta.Attempts[2].Usage.PromptTokens)
	require.Nil(t, meta.Attempts[2].Usage.CompletionTokens)

	var b bytes.Buffer
	require.NoError(t, api.Write(&b, meta.Attempts[2]))
	require.JSONEq(t, `{"model":"c/d","endpoint":"","outcome":"answered","duration_ms":1000,"usage":{"prompt_tokens":3,"completion_tokens":null,"cost_usd":0.5}}`, b.String())
}

func TestNothingWasUsedWhenEveryCallWasRefused(t *testing.T) {
	t.Parallel()
	rec := record(t)
	rec.Request = llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Content: "?"}}}
	refused := decision.Result{Tried: []llm.Attempt{{Model: "a/b", Kind: llm.KindOther}}}
	require.Zero(t, *answer(t, refused, rec, nil, nil, 0).Metadata.Usage.PromptTokens)
	unknown := decision.Result{}
	require.Nil(t, answer(t, unknown, rec, nil, nil, 0).Metadata.Usage.PromptTokens)
	require.Nil(t, answer(t, unknown, rec, nil, nil, 0).Metadata.CircuitState)
}

func TestSecondsAreRoundedUpAndNoneIsNull(t *testing.T) {
	t.Parallel()
	require.Nil(t, api.WholeSeconds(0))
	require.Nil(t, api.WholeSeconds(-time.Second))
	require.EqualValues(t, 1, *api.WholeSeconds(1))
	require.EqualValues(t, 1, *api.WholeSeconds(time.Second))
	require.EqualValues(t, 2, *api.WholeSeconds(time.Second + 1))
}
