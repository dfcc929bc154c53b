package decision_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

func TestTheProposalsThatWereNotAskedForLongestGoFirst(t *testing.T) {
	t.Parallel()
	b := newCacheBench(t, newClock().now, decision.CacheConfig{MaxEntries: 2})
	of := func(account string) decision.Request {
		req := request()
		req.Account.ID = account
		return req
	}
	b.must(t, of("a"))
	b.must(t, of("b"))
	require.True(t, b.must(t, of("a")).Cached)
	b.must(t, of("c")) // b goes
	require.True(t, b.must(t, of("a")).Cached)
	require.True(t, b.must(t, of("c")).Cached)
	require.False(t, b.must(t, of("b")).Cached)
	for i := range 20 {
		b.must(t, of(fmt.Sprint("account ", i)))
		require.Equal(t, 2, b.cache.Stats().Entries)
	}
}

func TestAnEntryKeepsNothingOfTheMarketAlive(t *testing.T) {
	t.Parallel()
	b := newCacheBench(t, newClock().now, decision.CacheConfig{})
	b.cfg.Store = decision.StoreFunc(func(context.Context, decision.Record) error { return nil })
	var seen []weak.Pointer[marketdata.Instrument]
	market := b.cfg.Market
	b.cfg.Market = marketdata.SourceFunc(func(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
		snap, err := market.Snapshot(ctx, q)
		for symbol, asset := range snap.Assets {
			asset.Instrument = &marketdata.Instrument{Symbol: symbol}
			seen = append(seen, weak.Make(asset.Instrument))
			snap.Assets[symbol] = asset
		}
		return snap, err
	})
	b.must(t, request())
	require.Equal(t, 1, b.cache.Stats().Entries)
	require.Len(t, seen, 2)
	runtime.GC()
	for _, p := range seen {
		require.Nil(t, p.Value())
	}
	runtime.KeepAlive(b.cache)
}

func TestNobodyCanChangeWhatIsRemembered(t *testing.T) {
	t.Parallel()
	b := newCacheBench(t, newClock().now, decision.CacheConfig{})
	b.model(answering(answer(t, dt.Adjust("BTCUSDT", decision.AdjustDecrease, "100"), dt.MoveStop("ETHUSDT", "98"))))
	b.cfg.Scorer = decision.ScorerFunc(func(context.Context, decision.Input) (decision.Proposal, error) {
		return decision.Proposal{Assessments: []decision.Assessment{{Symbol: "BTCUSDT", Degraded: []string{"rsi"}}}}, nil
	})
	b.cfg.Store = decision.StoreFunc(func(_ context.Context, r decision.Record) error {
		for i := range r.Proposal.Decision.Decisions {
			d := &r.Proposal.Decision.Decisions[i]
			require.Equal(t, "test", d.Rationale)
			d.Rationale = "changed"
			if d.PositionAdjustment != nil {
				require.Equal(t, "100", d.PositionAdjustment.AmountUSD.String())
				d.PositionAdjustment.AmountUSD = dt.D("1")
			}
			if d.OrderAdjustment != nil {
				require.Equal(t, "98", d.OrderAdjustment.NewSLPrice.Decimal.String())
				d.OrderAdjustment.NewSLPrice = dt.Null("1")
			}
		}
		require.Equal(t, "rsi", r.Assessments[0].Degraded[0])
		r.Assessments[0].Degraded[0] = "changed"
		return nil
	})
	req := request()
	req.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "10"), dt.Position("ETHUSDT", decision.Long, "10")}
	for i := range 4 {
		res := b.must(t, req)
		require.Equal(t, i > 0, res.Cached)
		require.Equal(t, "100", res.Decision.Decisions[0].PositionAdjustment.AmountUSD.String())
		res.Decision.Decisions[0].PositionAdjustment.AmountUSD = dt.D("2")
		res.Decision.Decisions[1].OrderAdjustment.NewSLPrice = dt.Null("2")
	}
}
