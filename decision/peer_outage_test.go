package decision_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
)

// A peer answers an outage with holds that it marks as checked and successful,
// gives them a confidence of its own making and caches them longer than any
// decision; another cannot tell a hung model from a neutral one.
func TestPeer_AnOutageCountsAsSuccess(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scorer decision.Scorer
		want   decision.Origin
	}{
		"with a fallback": {newBench(t, fixed).cfg.Scorer, decision.OriginFallback}, "without": {nil, decision.OriginHold},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, fixed)
			b.cfg.LLM, b.cfg.Scorer = peerSilent(), c.scorer
			e, err := decision.New(b.cfg)
			require.NoError(t, err)
			res, err := e.Decide(t.Context(), request())
			require.NoError(t, err)
			require.Equal(t, c.want, res.Origin)
			require.Contains(t, res.Reason, "llm: test: server (502)")
			require.Contains(t, res.Degraded[len(res.Degraded)-1], "model: llm: test: server (502)")
			require.Empty(t, res.Model, "no model is credited")
			require.Equal(t, c.want, b.records[0].Result.Origin)
			require.NotEmpty(t, b.records[0].ModelError)
			for _, d := range res.Decision.Decisions {
				if d.Action == decision.ActionHold {
					require.True(t, d.Confidence.IsZero(), "nobody was confident of anything")
				}
			}
			require.NoError(t, e.Close(t.Context()))
		})
	}
}

// The same peer hides a recovery for ten minutes behind the cached outage.
func TestPeer_ARecoveryIsHidden(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	down := true
	text := answer(t, dt.Buy("BTCUSDT", "100"), dt.Act("ETHUSDT", decision.ActionHold))
	b.cfg.LLM = llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
		if down {
			return peerSilent().Complete(ctx, req)
		}
		return answering(text).Complete(ctx, req)
	})
	e, err := decision.New(b.cfg)
	require.NoError(t, err)
	for _, want := range []decision.Origin{decision.OriginFallback, decision.OriginModel} {
		res, err := e.Decide(t.Context(), request())
		require.NoError(t, err)
		require.Equal(t, want, res.Origin)
		require.False(t, res.Cached)
		down = false
	}
	require.NoError(t, e.Close(t.Context()))
}

// Peers wait for a model without a limit, ten minutes in a case, longer than
// the candle that they decide for.
func TestPeer_AHangingModelHangsTheBot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, time.Now)
		release := make(chan struct{})
		hang := func(context.Context, llm.Request) (llm.Response, error) {
			<-release // deaf to its context
			return llm.Response{}, errors.New("late")
		}
		b.cfg.LLM = llm.ClientFunc(hang)
		e, err := decision.New(b.cfg)
		require.NoError(t, err)
		started := time.Now()
		res, err := e.Decide(t.Context(), request())
		took := time.Since(started)
		close(release)
		require.NoError(t, e.Close(t.Context()))
		require.NoError(t, err)
		require.LessOrEqual(t, took, 30*time.Second)
		require.Equal(t, decision.OriginFallback, res.Origin)
		require.Contains(t, res.Reason, "no answer within 30s")
		require.Len(t, b.records, 1)
	})
}

// A peer throws a whole answer away for one slip and never asks again; another
// ends its loop with an error.
func TestPeer_ASlipIsNeverAskedAbout(t *testing.T) {
	t.Parallel()
	good := answer(t, dt.Buy("BTCUSDT", "100"), dt.Act("ETHUSDT", decision.ActionHold))
	for name, slip := range map[string]string{
		"one object for a list": peerJSONOf(t, dt.Buy("BTCUSDT", "100")),
		"only words":            "I would wait.",
		"another action":        answer(t, with(dt.Buy("BTCUSDT", "100"), func(d *decision.AssetDecision) { d.Action = "open_long" }), dt.Act("ETHUSDT", decision.ActionHold)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, fixed)
			var asked []llm.Request
			b.cfg.LLM = llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
				asked = append(asked, req)
				if len(asked) == 1 {
					return answering(slip).Complete(ctx, req)
				}
				return answering(good).Complete(ctx, req)
			})
			res, err := b.decide(t, request())
			require.NoError(t, err)
			require.Equal(t, decision.OriginModel, res.Origin)
			require.Len(t, asked, 2)
			require.Contains(t, asked[1].Messages[len(asked[1].Messages)-1].Content, "Your reply was rejected")
			require.Equal(t, "100", res.Decision.TotalAllocationUSD.String(), "one decision, however often was asked")
			require.Len(t, b.records, 1)
		})
	}
}

// A peer records no tokens for a call whose answer it could not use, and sums
// inner calls into nothing.
func TestPeer_FailedCallsCostNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	b.cfg.LLM = answering("I would wait.") // 100 + 20 tokens, 0.0031 USD
	res, err := b.decide(t, request())
	require.NoError(t, err)
	require.Equal(t, decision.OriginFallback, res.Origin)
	require.Len(t, b.records[0].Responses, 2)
	require.Equal(t, 200, res.Usage.PromptTokens)
	require.Equal(t, 40, res.Usage.CompletionTokens)
	require.Equal(t, "0.0062", res.Usage.CostUSD.Decimal.String())
	require.Len(t, res.Tried, 2)

	b = newBench(t, fixed)
	b.cfg.LLM = llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
		return llm.Response{Model: "test/model", Content: answer(t, dt.Buy("BTCUSDT", "100"), dt.Act("ETHUSDT", decision.ActionHold)), FinishReason: llm.FinishStop}, nil
	})
	res, err = b.decide(t, request())
	require.NoError(t, err)
	require.False(t, res.Usage.CostUSD.Valid, "a price that nobody named is unknown, not 0")
}

// A peer stores neither the question nor the raw answer, and goes on when it
// can store nothing.
func TestPeer_NobodyCanSeeWhatWasAskedAndAnswered(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	text := answer(t, dt.Buy("BTCUSDT", "9000"), dt.Act("ETHUSDT", decision.ActionHold))
	b.cfg.LLM = answering("```json\n" + text + "\n```")
	res, err := b.decide(t, request())
	require.NoError(t, err)
	rec := b.records[0]
	require.Len(t, rec.Request.Messages, 2)
	require.NotEmpty(t, rec.Request.Schema.JSON)
	require.Contains(t, rec.Responses[0].Content, "```json", "as it came")
	require.Contains(t, rec.Normalised, "code_fence")
	require.Equal(t, "9000", rec.Proposal.Decision.Decisions[0].AllocationUSD.String())
	require.Equal(t, "9000", rec.Result.Refused[0].Was.AllocationUSD.String())
	require.NotEmpty(t, rec.Result.Warnings)
	require.Equal(t, res.ID, rec.Result.ID)
	digest, err := rec.Digest()
	require.NoError(t, err)
	require.Len(t, digest, 64)

	b.cfg.LLM = answering(answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold)))
	b.cfg.Store = decision.StoreFunc(func(context.Context, decision.Record) error { return errors.New("disk full") })
	res, err = b.decide(t, request())
	require.ErrorIs(t, err, decision.ErrUnrecorded)
	require.True(t, res.Decision.TotalAllocationUSD.IsZero())
}

// A peer drops an asset without data from the question, adds a hold for it to
// the answer, rejects that hold for want of data, and the portfolio with it.
func TestPeer_OneUnavailableAssetHoldsThePortfolio(t *testing.T) {
	t.Parallel()
	for name, decide := range map[string][]decision.AssetDecision{
		"the model holds it":      {dt.Act("BTCUSDT", decision.ActionHold), dt.Sell("ETHUSDT", "700")},
		"the model leaves it out": {dt.Sell("ETHUSDT", "700")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, fixed)
			b.cfg.LLM = answering(answer(t, decide...))
			peerMarket(b, func(s *marketdata.Snapshot) { delete(s.Assets, "BTCUSDT") })
			res, err := b.decide(t, request())
			require.NoError(t, err)
			require.Equal(t, decision.OriginModel, res.Origin)
			require.Empty(t, res.Refused)
			require.Equal(t, map[string]decision.Action{"BTCUSDT": decision.ActionHold, "ETHUSDT": decision.ActionSell}, peerActions(res.Decision))
			require.NotEmpty(t, res.Degraded)
			require.Equal(t, "unavailable", promptData(t, b.records[0].Request.Messages)["assets"].([]any)[0].(map[string]any)["failure"])
		})
	}
}

func peerJSONOf(tb testing.TB, d decision.AssetDecision) string {
	tb.Helper()
	b, err := d.MarshalJSON()
	require.NoError(tb, err)
	return string(b)
}
