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

func TestDecideReturnsWhileTheModelHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, time.Now)
		release := make(chan struct{})
		b.cfg.LLM = llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
			<-release // ignores its context
			return llm.Response{}, nil
		})
		e, err := decision.New(b.cfg)
		require.NoError(t, err)
		started := time.Now()
		res, err := e.Decide(t.Context(), request())
		require.NoError(t, err)
		require.Equal(t, 30*time.Second, time.Since(started))
		require.Equal(t, decision.OriginFallback, res.Origin)
		require.Contains(t, res.Reason, "no answer within 30s")
		require.Equal(t, 30*time.Second, res.Took)

		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, e.Close(ended), context.Canceled, "the abandoned call is still owned")
		close(release)
		require.NoError(t, e.Close(t.Context()))
	})
}

func TestDecideKeepsTimeForTheFallbackUnderAShortDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, time.Now)
		b.cfg.LLM = llm.ClientFunc(func(ctx context.Context, _ llm.Request) (llm.Response, error) {
			<-ctx.Done()
			return llm.Response{}, ctx.Err()
		})
		e, err := decision.New(b.cfg)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		defer cancel()
		started := time.Now()
		res, err := e.Decide(ctx, request())
		require.NoError(t, err)
		require.Equal(t, 5*time.Second-20*time.Millisecond, time.Since(started))
		require.Equal(t, decision.OriginFallback, res.Origin)
		require.Len(t, b.records, 1)
		require.NoError(t, e.Close(t.Context()))
	})
}

func TestDecideStopsWhenTheCallerLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		b.cfg.LLM = llm.ClientFunc(func(ctx context.Context, _ llm.Request) (llm.Response, error) {
			cancel()
			<-ctx.Done()
			return llm.Response{}, ctx.Err()
		})
		e, err := decision.New(b.cfg)
		require.NoError(t, err)
		_, err = e.Decide(ctx, request())
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, b.records)
		require.NoError(t, e.Close(t.Context()))
	})
}

func TestDecideJudgesByThePricesAfterTheAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, time.Now)
		text := answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold))
		b.cfg.LLM = llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
			time.Sleep(20 * time.Second) // virtual
			b.mu.Lock()
			b.price = "96" // through the stop at 97
			b.mu.Unlock()
			return answering(text).Complete(ctx, req)
		})
		res, err := b.decide(t, request())
		require.NoError(t, err)
		require.Equal(t, decision.OriginModel, res.Origin)
		require.Equal(t, "price_logic", res.Refused[0].Violations[0].Rule)
		require.Equal(t, "96", b.records[0].Recheck.Quotes["BTCUSDT"].Last.String())
		require.Equal(t, "100", b.records[0].Input.Market.Assets["BTCUSDT"].Quote.Last.String(), "what the model saw is kept")
		require.Empty(t, b.queries[1].Intervals, "only quotes are read again")
	})
}

func TestDecideRefusesRiskWhenPricesCannotBeReadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, time.Now)
		b.cfg.ModelTimeout, b.cfg.Timeout = 100*time.Second, 120*time.Second
		text := answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold))
		market := b.cfg.Market
		calls := 0
		b.cfg.Market = marketdata.SourceFunc(func(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
			if calls++; calls > 1 {
				return marketdata.Snapshot{}, errors.New("exchange down")
			}
			return market.Snapshot(ctx, q)
		})
		b.cfg.LLM = llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
			time.Sleep(90 * time.Second) // virtual
			return answering(text).Complete(ctx, req)
		})
		res, err := b.decide(t, request())
		require.NoError(t, err)
		require.Equal(t, "market_data", res.Refused[0].Violations[0].Rule)
		require.Equal(t, "no fresh market data for BTCUSDT: stale", res.Refused[0].Violations[0].Message)
	})
}

func TestAHangingScorerDoesNotHoldUpAModelsAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, time.Now)
		release := make(chan struct{})
		b.cfg.Scorer = decision.ScorerFunc(func(context.Context, decision.Input) (decision.Proposal, error) {
			<-release // ignores its context
			return decision.Proposal{}, nil
		})
		b.cfg.LLM = answering(answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold)))
		e, err := decision.New(b.cfg)
		require.NoError(t, err)
		started := time.Now()
		res, err := e.Decide(t.Context(), request())
		require.NoError(t, err)
		require.Equal(t, time.Second, time.Since(started))
		require.Equal(t, decision.OriginModel, res.Origin)
		require.Equal(t, []string{"fallback: scorer: context canceled"}, res.Degraded, "the record goes without scores, and says so")
		close(release)
		require.NoError(t, e.Close(t.Context()))
	})
}
