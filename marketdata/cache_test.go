package marketdata_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/markettest"
)

// recorder notes the queries that reach a source.
type recorder struct {
	src marketdata.Source
	mu  sync.Mutex
	got []marketdata.Query
}

func (r *recorder) Snapshot(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
	r.mu.Lock()
	r.got = append(r.got, q)
	r.mu.Unlock()
	return r.src.Snapshot(ctx, q)
}

func (r *recorder) loads() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got)
}

func newCache(tb testing.TB, src marketdata.Source, cfg marketdata.CacheConfig) *marketdata.Cache {
	tb.Helper()
	cache := marketdata.NewCache(src, cfg)
	tb.Cleanup(cache.Close)
	return cache
}

const (
	h1 = marketdata.Interval1h
	h4 = marketdata.Interval4h
)

func TestCacheAsksAgainForQuotesYoungerThanWhatItHas(t *testing.T) {
	t.Parallel()
	now := clockAt(monday.Add(10 * time.Minute))
	src := &recorder{src: newSim(t, now.now)}
	cache := newCache(t, src, marketdata.CacheConfig{Now: now.now})
	first := snapshot(t, cache, ask("BTCUSDT", 10, h1))
	now.set(now.now().Add(5 * time.Second))
	young := marketdata.Query{Symbols: []string{"BTCUSDT"}, MaxAge: 2 * time.Second}
	again := snapshot(t, cache, young)
	require.Equal(t, 2, src.loads())
	require.Equal(t, now.now(), again.Assets["BTCUSDT"].Quote.LastAt)
	require.NotEqual(t, first.Assets["BTCUSDT"].Quote.LastAt, again.Assets["BTCUSDT"].Quote.LastAt)
	snapshot(t, cache, young)
	require.Equal(t, 2, src.loads(), "now it is young enough")
	snapshot(t, cache, ask("BTCUSDT", 10, h1))
	require.Equal(t, 2, src.loads(), "the candles are still remembered")
}

func TestCacheServesUntilTTL(t *testing.T) {
	t.Parallel()
	now := clockAt(monday.Add(10 * time.Minute))
	src := &recorder{src: newSim(t, now.now)}
	cache := newCache(t, src, marketdata.CacheConfig{Now: now.now})
	first := snapshot(t, cache, ask("BTCUSDT", 10, h1))
	now.set(now.now().Add(30*time.Second - 1))
	again := snapshot(t, cache, ask("BTCUSDT", 10, h1))
	require.Equal(t, first, again, "neither At nor LastAt is stamped anew")
	require.Equal(t, 1, src.loads())
	now.set(now.now().Add(1))
	require.NotEqual(t, first.At, snapshot(t, cache, ask("BTCUSDT", 10, h1)).At)
	require.Equal(t, marketdata.CacheStats{Hits: 1, Misses: 2, Loads: 2}, cache.Stats())
	now.set(now.now().Add(-time.Minute))
	snapshot(t, cache, ask("BTCUSDT", 10, h1))
	require.Equal(t, 3, src.loads(), "a clock that went back trusts nothing")
}

func TestCacheExpiresWhenARequestedCandleCloses(t *testing.T) {
	t.Parallel()
	now := clockAt(monday.Add(time.Hour - time.Second))
	src := &recorder{src: newSim(t, now.now)}
	cache := newCache(t, src, marketdata.CacheConfig{Now: now.now})
	snapshot(t, cache, ask("BTCUSDT", 10, h1, h4))
	now.set(monday.Add(time.Hour))
	snapshot(t, cache, ask("BTCUSDT", 10, h4))
	snapshot(t, cache, ask("BTCUSDT", 0))
	require.Equal(t, 1, src.loads(), "no 4h candle closed, and quotes need none")
	got := snapshot(t, cache, ask("BTCUSDT", 10, h1)).Assets["BTCUSDT"].Series[h1]
	require.Equal(t, monday.Add(time.Hour), got.CloseTime())
	require.Equal(t, 2, src.loads())
}

func TestCacheServesLessThanItHas(t *testing.T) {
	t.Parallel()
	now := clockAt(monday.Add(time.Minute))
	src := &recorder{src: newSim(t, now.now)}
	cache := newCache(t, src, marketdata.CacheConfig{Now: now.now})
	snapshot(t, cache, marketdata.Query{Symbols: []string{"BTCUSDT", "ETHUSDT"}, Intervals: []marketdata.Interval{h1, h4}, Candles: 50})

	a := snapshot(t, cache, ask("ETHUSDT", 5, h4)).Assets["ETHUSDT"]
	require.Len(t, a.Series, 1)
	require.Equal(t, 5, a.Series[h4].Len())
	require.Empty(t, snapshot(t, cache, ask("BTCUSDT", 1500)).Assets["BTCUSDT"].Series, "quotes alone need no candles")
	require.Equal(t, 1, src.loads())

	snapshot(t, cache, ask("BTCUSDT", 51, h1))
	snapshot(t, cache, ask("BTCUSDT", 5, h1, marketdata.Interval1d))
	require.Equal(t, 3, src.loads(), "more candles or another interval is not had")
	snapshot(t, cache, ask("BTCUSDT", 50, h4, h1))
	require.Equal(t, 3, src.loads(), "one kind of query does not push out another")

	snap := snapshot(t, cache, marketdata.Query{Symbols: []string{"BTCUSDT", "SOLUSDT"}, Intervals: []marketdata.Interval{h1}, Candles: 9})
	require.Len(t, snap.Assets, 2)
	require.Equal(t, []string{"SOLUSDT"}, src.got[3].Symbols, "only what is missing is asked for")
	require.Equal(t, []string{"simulated market"}, snap.Notes)
}

func TestCacheAsksAgainSoonForACandleThatWasNotOut(t *testing.T) {
	t.Parallel()
	now := clockAt(monday.Add(time.Hour + time.Second))
	late := newSim(t, func() time.Time { return monday.Add(time.Hour - 1) })
	src := &recorder{src: late}
	cache := newCache(t, src, marketdata.CacheConfig{Now: now.now})
	snapshot(t, cache, ask("BTCUSDT", 3, h1))
	now.set(now.now().Add(time.Second))
	snapshot(t, cache, ask("BTCUSDT", 3, h1))
	require.Equal(t, 1, src.loads())
	now.set(now.now().Add(time.Second))
	snapshot(t, cache, ask("BTCUSDT", 3, h1))
	require.Equal(t, 2, src.loads())
}

func TestCacheKeepsNoFailure(t *testing.T) {
	t.Parallel()
	now := clockAt(monday.Add(time.Minute))
	src := &recorder{src: newSim(t, now.now)}
	cache := newCache(t, src, marketdata.CacheConfig{Now: now.now})
	q := marketdata.Query{Symbols: []string{"BTCUSDT", "NOPE"}}
	for n := range 3 {
		snap := snapshot(t, cache, q)
		require.Contains(t, snap.Assets, "BTCUSDT")
		require.ErrorIs(t, snap.Failures["NOPE"], marketdata.ErrUnknownSymbol)
		require.Equal(t, n+1, src.loads())
	}
}

func TestCacheTurnsASourceErrorIntoFailuresWhenItHasTheRest(t *testing.T) {
	t.Parallel()
	now := clockAt(monday.Add(time.Minute))
	down := errors.New("exchange is down")
	src := newSim(t, now.now)
	broken := false
	cache := newCache(t, marketdata.SourceFunc(func(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
		if broken {
			return marketdata.Snapshot{}, down
		}
		return src.Snapshot(ctx, q)
	}), marketdata.CacheConfig{Now: now.now})
	snapshot(t, cache, ask("BTCUSDT", 3, h1))
	broken = true
	snap := snapshot(t, cache, marketdata.Query{Symbols: []string{"BTCUSDT", "ETHUSDT"}})
	require.Contains(t, snap.Assets, "BTCUSDT")
	require.Equal(t, marketdata.ReasonUnavailable, snap.Failures["ETHUSDT"].Reason)
	require.ErrorIs(t, snap.Failures["ETHUSDT"], down)
	_, err := cache.Snapshot(t.Context(), ask("ETHUSDT", 0))
	require.ErrorIs(t, err, down)
	broken = false
	require.Len(t, snapshot(t, cache, ask("ETHUSDT", 0)).Assets, 1, "an error is not kept")
}

func TestCacheSaysWhenTheSourceIsSilent(t *testing.T) {
	t.Parallel()
	cache := newCache(t, marketdata.SourceFunc(func(context.Context, marketdata.Query) (marketdata.Snapshot, error) {
		return marketdata.Snapshot{At: monday}, nil
	}), marketdata.CacheConfig{})
	f := snapshot(t, cache, ask("BTCUSDT", 0)).Failures["BTCUSDT"]
	require.Equal(t, marketdata.ReasonUnavailable, f.Reason)
	require.Equal(t, "the source did not answer for it", f.Detail)
}

func TestCacheOutlivesAPanicAndAGoexit(t *testing.T) {
	t.Parallel()
	for want, end := range map[string]func(){
		"the source panicked: boom": func() { panic("boom") }, "ended without an answer": runtime.Goexit,
	} {
		cache := newCache(t, marketdata.SourceFunc(func(context.Context, marketdata.Query) (marketdata.Snapshot, error) {
			end()
			return marketdata.Snapshot{}, nil
		}), marketdata.CacheConfig{})
		_, err := cache.Snapshot(t.Context(), ask("BTCUSDT", 0))
		require.ErrorContains(t, err, want)
	}
}

// slow answers from a simulation after a while, unless its context ends.
func slow(tb testing.TB, d time.Duration) *recorder {
	tb.Helper()
	sim := newSim(tb, time.Now)
	return &recorder{src: marketdata.SourceFunc(func(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
		select {
		case <-ctx.Done():
			return marketdata.Snapshot{}, fmt.Errorf("slow: %w", ctx.Err())
		case <-time.After(d):
			return sim.Snapshot(ctx, q)
		}
	})}
}

func TestCacheSharesALoadThatNobodyCanCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(monday.AddDate(1, 0, 0).Add(time.Minute)))
		src := slow(t, 3*time.Second)
		cache := newCache(t, src, marketdata.CacheConfig{})
		ctx, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		var firstErr error
		wg.Go(func() { _, firstErr = cache.Snapshot(ctx, ask("BTCUSDT", 3, h1)) })
		synctest.Wait()
		snaps := make([]marketdata.Snapshot, 5)
		for n := range snaps {
			wg.Go(func() {
				q := ask("BTCUSDT", 3, h1)
				if n == 4 { // overlaps: only the rest is loaded
					q.Symbols = []string{"ETHUSDT", "BTCUSDT"}
				}
				snaps[n], _ = cache.Snapshot(t.Context(), q)
			})
		}
		synctest.Wait()
		leave()
		synctest.Wait()
		require.ErrorIs(t, firstErr, context.Canceled)
		wg.Wait()
		for _, snap := range snaps {
			require.Contains(t, snap.Assets, "BTCUSDT")
		}
		require.Len(t, snaps[4].Assets, 2)
		require.Equal(t, 2, src.loads())
		require.Equal(t, []string{"ETHUSDT"}, src.got[1].Symbols)
		require.EqualValues(t, 2, cache.Stats().Loads)
	})
}

func TestCacheDoesNotJoinALoadFromBeforeTheClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hour := monday.AddDate(1, 0, 0).Add(time.Hour)
		time.Sleep(time.Until(hour.Add(-time.Second)))
		sim := newSim(t, time.Now)
		src := &recorder{src: marketdata.SourceFunc(func(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
			snap, err := sim.Snapshot(ctx, q) // the exchange answers first, the network is slow
			time.Sleep(3 * time.Second)
			return snap, err
		})}
		cache := newCache(t, src, marketdata.CacheConfig{})
		var wg sync.WaitGroup
		wg.Go(func() { snapshot(t, cache, ask("BTCUSDT", 3, h1)) })
		time.Sleep(2 * time.Second)
		got := snapshot(t, cache, ask("BTCUSDT", 3, h1)).Assets["BTCUSDT"].Series[h1]
		require.Equal(t, hour, got.CloseTime())
		wg.Wait()
		require.Equal(t, 2, src.loads())
		snapshot(t, cache, ask("BTCUSDT", 3, h1))
		require.Equal(t, 2, src.loads(), "the later load is what is kept")
	})
}

func TestCacheBoundsALoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := newCache(t, slow(t, time.Hour), marketdata.CacheConfig{})
		began := time.Now()
		_, err := cache.Snapshot(t.Context(), ask("BTCUSDT", 3, h1))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 15*time.Second, time.Since(began))
	})
}

func TestCacheCloseCancelsAndWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := false
		cache := marketdata.NewCache(marketdata.SourceFunc(func(ctx context.Context, _ marketdata.Query) (marketdata.Snapshot, error) {
			<-ctx.Done()
			time.Sleep(time.Second) // a source may take a moment to stop
			ended = true
			return marketdata.Snapshot{}, ctx.Err()
		}), marketdata.CacheConfig{})
		var err error
		var wg sync.WaitGroup
		wg.Go(func() { _, err = cache.Snapshot(t.Context(), ask("BTCUSDT", 0)) })
		synctest.Wait()
		cache.Close()
		require.True(t, ended)
		wg.Wait()
		require.ErrorIs(t, err, context.Canceled)
		_, err = cache.Snapshot(t.Context(), ask("BTCUSDT", 0))
		require.ErrorIs(t, err, marketdata.ErrCacheClosed)
		cache.Close()
	})
}

func TestCacheDropsWhatWasNotReadForLongest(t *testing.T) {
	t.Parallel()
	snap := marketdata.Snapshot{At: monday, Assets: map[string]marketdata.Asset{}}
	for _, symbol := range []string{"A", "B", "C", "D"} {
		snap.Assets[symbol] = marketdata.Asset{
			Symbol: symbol, Quote: marketdata.Quote{Last: dec("1"), LastAt: monday},
			Series: map[marketdata.Interval]marketdata.Series{h1: hours(t, 3), h4: {}},
		}
	}
	now := monday.Add(3 * time.Hour)
	src := &recorder{src: markettest.Fixed(snap)}
	cache := newCache(t, src, marketdata.CacheConfig{MaxEntries: 3, Now: func() time.Time { return now }})
	want := 0
	read := func(symbol string, hit bool, intervals ...marketdata.Interval) {
		t.Helper()
		if !hit {
			want++
		}
		snapshot(t, cache, ask(symbol, 3, intervals...))
		require.Equal(t, want, src.loads(), symbol)
	}
	read("A", false)
	read("B", false)
	read("C", false)
	read("A", true)
	read("D", false) // pushes out B
	read("A", true)
	read("C", true)
	read("D", true)
	read("B", false)     // pushes out A
	read("D", true)      // B and C are older
	read("D", false, h1) // covers the quotes-only entry: no more room is needed
	read("C", true)
	read("B", true)
	read("B", false, h1)
	read("B", false, h4) // a second kind: pushes out D
	read("C", true)
	read("B", true, h1)
	read("D", false)
}

func TestCacheWithRoomForOneKeepsTheNewest(t *testing.T) {
	t.Parallel()
	now := clockAt(monday.Add(time.Minute))
	src := &recorder{src: newSim(t, now.now)}
	cache := newCache(t, src, marketdata.CacheConfig{MaxEntries: 1, Now: now.now})
	snapshot(t, cache, ask("BTCUSDT", 3, h1))
	snapshot(t, cache, ask("BTCUSDT", 3, h4))
	snapshot(t, cache, ask("BTCUSDT", 3, h4))
	require.Equal(t, 2, src.loads())
	snapshot(t, cache, ask("BTCUSDT", 3, h1))
	require.Equal(t, 3, src.loads())
}
