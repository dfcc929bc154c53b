package decision_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
)

// clock is a time that a test sets.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(dt.At().Add(10 * time.Minute).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()).UTC() }
func (c *clock) forward(d time.Duration) { c.nanos.Add(int64(d)) }

// cacheBench is a bench with a cache, whose model is counted.
type cacheBench struct {
	*bench
	cache *decision.Cache
	asked atomic.Int64
}

// newCacheBench has a model that buys BTCUSDT for 500 USD at once.
func newCacheBench(tb testing.TB, now func() time.Time, cfg decision.CacheConfig) *cacheBench {
	tb.Helper()
	cfg.Now = now
	cache, err := decision.NewCache(cfg)
	require.NoError(tb, err)
	b := &cacheBench{bench: newBench(tb, now), cache: cache}
	b.cfg.Cache = cache
	b.model(answering(answer(tb, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold))))
	return b
}

func (b *cacheBench) model(client llm.Client) {
	b.cfg.LLM = llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
		b.asked.Add(1)
		return client.Complete(ctx, req)
	})
}

// failing is a model that does not answer.
func failing(err error) llm.Client {
	return llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) { return llm.Response{}, err })
}

// must decides without error.
func (b *cacheBench) must(tb testing.TB, req decision.Request) decision.Result {
	tb.Helper()
	res, err := b.decide(tb, req)
	require.NoError(tb, err)
	return res
}

// requireAsked: so many questions reached the model in all.
func (b *cacheBench) requireAsked(tb testing.TB, times int, why string) {
	tb.Helper()
	require.EqualValues(tb, times, b.asked.Load(), why)
}

// BenchmarkAHit is a whole Decide that is answered from memory, beside the same
// with a model and a Scorer that answer at once.
func BenchmarkAHit(b *testing.B) {
	for name, cached := range map[string]bool{"hit": true, "asked anew": false} {
		b.Run(name, func(b *testing.B) {
			c := newCacheBench(b, dt.At, decision.CacheConfig{})
			c.cfg.Store = decision.StoreFunc(func(context.Context, decision.Record) error { return nil })
			source, err := c.cfg.Market.Snapshot(b.Context(), marketdata.Query{Symbols: request().Symbols})
			require.NoError(b, err)
			c.cfg.Market = marketdata.SourceFunc(func(context.Context, marketdata.Query) (marketdata.Snapshot, error) { return source, nil })
			c.model(llm.ClientFunc(answering(answer(b, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold))).Complete))
			if !cached {
				c.cfg.Cache = nil
			}
			e, err := decision.New(c.cfg)
			require.NoError(b, err)
			b.ReportAllocs()
			decisions := 0
			for b.Loop() {
				decisions++
				if _, err := e.Decide(b.Context(), request()); err != nil {
					b.Fatal(err)
				}
			}
			require.NoError(b, e.Close(b.Context()))
			if cached {
				decisions = 1
			}
			require.EqualValues(b, decisions, c.asked.Load())
		})
	}
}

// BenchmarkCacheKey is the part of a hit that finds out what is asked.
func BenchmarkCacheKey(b *testing.B) {
	e, err := decision.New(newBench(b, dt.At).cfg)
	require.NoError(b, err)
	in := dt.Input("BTCUSDT", "ETHUSDT")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decision.CacheKeyOf(e, in); err != nil {
			b.Fatal(err)
		}
	}
}
