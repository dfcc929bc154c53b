package aster_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
)

// delayed is a bazaar over loopback that takes 50 ms for each request.
func delayed(b *testing.B) (url string) {
	b.Helper()
	venue := newBazaar(ten...)
	venue.setNow(time.Now())
	var bodies sync.Map // what the venue says is made once: it is not what is measured
	return serve(b, func(w http.ResponseWriter, r *http.Request) {
		body, known := bodies.Load(r.URL.String())
		if !known {
			body = []byte(venue.reply(r.URL.Path, r.URL.Query()).body)
			bodies.Store(r.URL.String(), body)
		}
		time.Sleep(50 * time.Millisecond) // the network, in place of the wait for it
		_, _ = w.Write(body.([]byte))
	})
}

func reference() marketdata.Query {
	q := hourly(ten...)
	q.Candles = marketdata.DefaultCandles
	return q
}

// BenchmarkSnapshotOfTen gathers ten assets on two intervals of 250 candles;
// sequential makes the same requests one after the other.
func BenchmarkSnapshotOfTen(b *testing.B) {
	url := delayed(b)
	fresh := func(b *testing.B) *aster.Client {
		b.Helper()
		return dialled(b, url, aster.Config{WeightPerMinute: 100_000})
	}
	b.Run("cold", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			source, err := aster.NewSource(fresh(b), aster.SourceConfig{})
			require.NoError(b, err)
			require.Len(b, snapshot(b, source, reference()).Assets, 10)
		}
	})
	b.Run("listings known", func(b *testing.B) {
		source, err := aster.NewSource(fresh(b), aster.SourceConfig{})
		require.NoError(b, err)
		snapshot(b, source, reference())
		b.ReportAllocs()
		for b.Loop() {
			require.Len(b, snapshot(b, source, reference()).Assets, 10)
		}
	})
	b.Run("cached", func(b *testing.B) {
		source, err := aster.NewSource(fresh(b), aster.SourceConfig{})
		require.NoError(b, err)
		cache := marketdata.NewCache(source, marketdata.CacheConfig{TTL: time.Hour})
		defer cache.Close()
		ask := func() {
			snap, err := cache.Snapshot(b.Context(), reference())
			require.NoError(b, err)
			require.Len(b, snap.Assets, 10)
		}
		ask()
		b.ReportAllocs()
		for b.Loop() {
			ask()
		}
	})
	b.Run("sequential", func(b *testing.B) {
		for b.Loop() {
			oneByOne(b, fresh(b))
		}
	})
}

// oneByOne asks for what a cold snapshot of ten assets asks for.
func oneByOne(b *testing.B, client *aster.Client) {
	b.Helper()
	ctx := b.Context()
	_, err := client.ExchangeInfo(ctx)
	require.NoError(b, err)
	_, err = client.FundingInfo(ctx)
	require.NoError(b, err)
	require.NoError(b, client.Do(ctx, aster.Call{Path: "/ticker/24hr"}, nil))
	require.NoError(b, client.Do(ctx, aster.Call{Path: "/premiumIndex"}, nil))
	for _, symbol := range ten {
		_, err := client.OpenInterest(ctx, symbol)
		require.NoError(b, err)
		for _, i := range reference().Intervals {
			_, err := client.Klines(ctx, symbol, i, marketdata.DefaultCandles, time.Time{})
			require.NoError(b, err)
		}
	}
}

func BenchmarkDecodeKlines(b *testing.B) {
	venue := newBazaar("BTCUSDT")
	body := []byte(listOf(venue.rows("BTCUSDT", marketdata.Interval1h, 251, bazaarNow)...))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		candles, err := aster.ClosedKlines(body, marketdata.Interval1h, bazaarNow)
		if err != nil || len(candles) != 250 {
			b.Fatal(len(candles), err)
		}
	}
}

func BenchmarkDecodeExchangeInfo(b *testing.B) {
	symbols := make([]string, 500)
	for n := range symbols {
		symbols[n] = strings.Repeat("X", 1+n%7) + strings.Repeat("Y", 1+n/7) + "USDT"
		if len(symbols[n]) > 40 {
			symbols[n] = symbols[n][len(symbols[n])-40:]
		}
	}
	body := []byte(newBazaar(symbols...).info())
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := aster.DecodeExchangeInfo(body); err != nil {
			b.Fatal(err)
		}
	}
}
