package ballast_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/marketdata/astertest"
)

const (
	venueLatency = 50 * time.Millisecond // of each request
	tenAssets    = 10
)

// BenchmarkVenue gathers ten assets on two intervals from an exchange that
// takes 50 ms to answer a request: cold, as every gatherer that asks one thing
// after the other, and from memory.
func BenchmarkVenue(b *testing.B) {
	for _, market := range []struct {
		name   string
		config func(*testing.B) astertest.Config
	}{
		{"simulated", func(*testing.B) astertest.Config { return astertest.Config{} }},
		{"csv", recordedMarket},
	} {
		b.Run(market.name, func(b *testing.B) {
			cfg := market.config(b)
			cfg.Latency, cfg.WeightLimit = venueLatency, 1_000_000
			v := openVenue(b, venueSetup{exchange: cfg, client: fastClient(0)})
			defer v.client.Close()
			q := marketdata.Query{Intervals: []marketdata.Interval{marketdata.Interval1h, marketdata.Interval4h}}
			info, err := v.source(b, aster.SourceConfig{}).ExchangeInfo(b.Context())
			require.NoError(b, err)
			q.Symbols = info.Names()[:tenAssets]
			snapshots(b, v, q)
			b.Run("cold_10_requests", func(b *testing.B) {
				few := openVenue(b, venueSetup{exchange: cfg, client: fastClient(10)})
				defer few.client.Close()
				measure(b, func(ctx context.Context) { gather(ctx, b, few.source(b, aster.SourceConfig{}), q) })
			})
		})
	}
}

// fastClient is not held up by weight. 0 concurrent requests are the default.
func fastClient(concurrent int) aster.Config {
	return aster.Config{WeightPerMinute: 100_000, MaxConcurrent: concurrent}
}

// recordedMarket has real candles.
func recordedMarket(b *testing.B) astertest.Config {
	b.Helper()
	dir := filepath.Join("..", "shared", "data", "klines-1h")
	if _, err := os.Stat(dir); err != nil {
		b.Skip("there is no folder ../shared/data/klines-1h with recorded candles")
	}
	return astertest.Config{Dir: dir}
}

func snapshots(b *testing.B, v *venue, q marketdata.Query) {
	b.Helper()
	var cold time.Duration
	b.Run("cold", func(b *testing.B) {
		cold = measure(b, func(ctx context.Context) { gather(ctx, b, v.source(b, aster.SourceConfig{}), q) })
	})
	b.Run("second", func(b *testing.B) {
		source := v.source(b, aster.SourceConfig{})
		gather(b.Context(), b, source, q)
		measure(b, func(ctx context.Context) { gather(ctx, b, source, q) })
	})
	b.Run("sequential", func(b *testing.B) {
		took := measure(b, func(ctx context.Context) { gatherInTurn(ctx, b, v.client, q) })
		if cold > 0 {
			b.ReportMetric(float64(took)/float64(cold), "x_cold")
		}
	})
	b.Run("cache", func(b *testing.B) {
		cache := marketdata.NewCache(v.source(b, aster.SourceConfig{}), marketdata.CacheConfig{TTL: time.Hour, Now: v.exchange.Now})
		defer cache.Close()
		gather(b.Context(), b, cache, q)
		before := v.witness.requested()
		measure(b, func(ctx context.Context) { gather(ctx, b, cache, q) })
		require.Equal(b, before, v.witness.requested(), "memory must answer")
	})
	b.Run("live", func(b *testing.B) {
		live, err := aster.NewLive(v.source(b, aster.SourceConfig{}), aster.LiveConfig{Symbols: q.Symbols, Intervals: q.Intervals})
		require.NoError(b, err)
		defer live.Close()
		v.ready(b, live)
		gather(b.Context(), b, live, q)
		before := live.Stats().FromRequest
		measure(b, func(ctx context.Context) { gather(ctx, b, live, q) })
		require.Equal(b, before, live.Stats().FromRequest, "memory must answer")
	})
}

// ready lets time pass until streams have told of everything.
func (v *venue) ready(b *testing.B, live *aster.Live) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
	defer cancel()
	ready := make(chan error, 1)
	go func() { ready <- live.WaitReady(ctx) }()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case err := <-ready:
			tick.Stop()
			require.NoError(b, err)
			return
		case <-tick.C:
			v.exchange.Advance(time.Second)
		}
	}
}

// measure is the time of one turn.
func measure(b *testing.B, turn func(context.Context)) time.Duration {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		turn(b.Context())
	}
	return b.Elapsed() / time.Duration(b.N)
}

func gather(ctx context.Context, b *testing.B, source marketdata.Source, q marketdata.Query) {
	b.Helper()
	snap, err := source.Snapshot(ctx, q)
	if err != nil || len(snap.Failures) > 0 || len(snap.Assets) != len(q.Symbols) {
		b.Fatal(err, snap.Failures)
	}
}

// gatherInTurn makes the requests of a cold snapshot, each after the other.
func gatherInTurn(ctx context.Context, b *testing.B, client *aster.Client, q marketdata.Query) {
	b.Helper()
	var problems []string
	check := func(err error) {
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	_, err := client.ExchangeInfo(ctx)
	check(err)
	_, err = client.FundingInfo(ctx)
	check(err)
	for n, symbol := range q.Symbols {
		for _, interval := range q.Intervals {
			_, err := client.Klines(ctx, symbol, interval, q.CandleCount(), time.Time{})
			check(err)
		}
		_, err = client.OpenInterest(ctx, symbol)
		check(err)
		if n > 0 {
			continue // one answer holds the prices of all
		}
		_, err = client.Ticker24h(ctx, symbol)
		check(err)
		_, err = client.Premium(ctx, symbol)
		check(err)
	}
	if len(problems) > 0 {
		b.Fatal(strings.Join(problems, "\n"))
	}
}
