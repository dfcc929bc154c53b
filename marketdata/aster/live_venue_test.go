package aster_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/marketdata/astertest"
	"github.com/ballast-go/ballast/marketdata/markettest"
)

var (
	fakeSymbols   = []string{"BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT", "BNBUSDT"}
	fakeIntervals = []marketdata.Interval{marketdata.Interval15m, marketdata.Interval1h}
)

// openVenue is an exchange on loopback and a source that reads it.
func openVenue(tb testing.TB, cfg astertest.Config, source aster.SourceConfig) (*astertest.Exchange, *aster.Source) {
	tb.Helper()
	ex, err := astertest.New(cfg)
	require.NoError(tb, err)
	tb.Cleanup(ex.Close)
	client, err := aster.New(aster.Config{Network: aster.Network(ex.Network()), Now: ex.Now})
	require.NoError(tb, err)
	tb.Cleanup(client.Close)
	s, err := aster.NewSource(client, source)
	require.NoError(tb, err)
	return ex, s
}

func openLive(tb testing.TB, source *aster.Source, cfg aster.LiveConfig) *aster.Live {
	tb.Helper()
	if cfg.Symbols == nil {
		cfg.Symbols, cfg.Intervals = fakeSymbols, fakeIntervals
	}
	live, err := aster.NewLive(source, cfg)
	require.NoError(tb, err)
	tb.Cleanup(live.Close)
	return live
}

// settle waits until a Live has heard of everything that an exchange said.
func settle(tb testing.TB, live *aster.Live, ex *astertest.Exchange) {
	tb.Helper()
	connected(tb, live)
	advance(tb, live, ex, time.Second) // prices come with time
}

// advance waits until a Live has heard what happened meanwhile. It goes step by
// step: a request in the middle of one finds its end. A clock that was measured
// while time flew is measured again.
func advance(tb testing.TB, live *aster.Live, ex *astertest.Exchange, d time.Duration) {
	tb.Helper()
	for ; d > time.Minute; d -= time.Minute {
		ex.Advance(time.Minute)
	}
	for range 5 { // a connection that was lost on a busy machine is told nothing before it is back
		ex.Advance(d)
		require.NoError(tb, live.Measure(tb.Context()))
		if live.AwaitTime(within(tb, 6*time.Second), ex.Now()) == nil {
			return
		}
		connected(tb, live)
		d = time.Second
	}
	tb.Fatalf("not told what happened until %s: %s", ex.Now(), live.Describe())
}

func connected(tb testing.TB, live *aster.Live) {
	tb.Helper()
	connections := len(live.Topics())
	require.NoError(tb, live.Await(within(tb, time.Minute), func(s aster.LiveStats) bool { return s.Connections == connections }))
}

func text(tb testing.TB, v any) string {
	tb.Helper()
	out, err := jsonx.Marshal(v)
	require.NoError(tb, err)
	return string(out)
}

func TestLiveAndSourceGiveTheSameSnapshotAtTheSameInstant(t *testing.T) {
	t.Parallel()
	ex, source := openVenue(t, astertest.Config{Seed: 7, StreamStep: time.Minute}, aster.SourceConfig{})
	live := openLive(t, source, aster.LiveConfig{})
	query := marketdata.Query{Symbols: fakeSymbols, Intervals: fakeIntervals, Candles: 100}
	settle(t, live, ex)
	for _, step := range []time.Duration{0, time.Second, 14 * time.Minute, time.Minute, 44 * time.Minute, 3*time.Hour + 29*time.Second} {
		advance(t, live, ex, step)
		require.NoError(t, live.Refresh(t.Context()), "a leap of the clock outdates exchange information, which is looked after by a timer")
		require.NoError(t, live.Poll(t.Context()), "open interest has no stream")
		before := live.Stats()
		got, err := live.Snapshot(t.Context(), query)
		require.NoError(t, err)
		want, err := source.Snapshot(t.Context(), query)
		require.NoError(t, err)
		require.Empty(t, want.Failures)
		require.Equal(t, text(t, want), text(t, got), "after %v", step)
		after := live.Stats()
		require.Equal(t, before.FromRequest, after.FromRequest, "memory must have answered")
		require.Equal(t, before.FromMemory+uint64(len(fakeSymbols)), after.FromMemory)
	}
}

// replay is a Live whose clock can be set, backwards too: the exchange is the
// same at the same time, whenever it was started.
type replay struct {
	t      *testing.T
	symbol []string

	mu   sync.Mutex
	ex   *astertest.Exchange
	live *aster.Live
}

func (r *replay) setNow(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	begin := at.Add(-20 * time.Minute)
	if r.ex == nil || r.ex.Now().After(at) {
		ex, source := openVenue(r.t, astertest.Config{Start: begin, StreamStep: time.Minute}, aster.SourceConfig{SkipOpenInterest: true})
		r.ex, r.live = ex, openLive(r.t, source, aster.LiveConfig{Symbols: r.symbol, Intervals: fakeIntervals})
		settle(r.t, r.live, r.ex)
	}
	advance(r.t, r.live, r.ex, at.Sub(r.ex.Now()))
}

// Snapshot implements marketdata.Source.
func (r *replay) Snapshot(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
	r.mu.Lock()
	live := r.live
	r.mu.Unlock()
	return live.Snapshot(ctx, q)
}

func TestLiveConforms(t *testing.T) {
	t.Parallel()
	first := time.Date(2025, 10, 1, 12, 10, 7, 0, time.UTC)
	markettest.Run(t, func(t *testing.T) markettest.Harness {
		t.Helper()
		r := &replay{t: t, symbol: fakeSymbols[:3]}
		r.setNow(first)
		return markettest.Harness{
			Source: r, Symbols: r.symbol, Unknown: "NOPEUSDT", Intervals: fakeIntervals, SetNow: r.setNow,
			Times: []time.Time{first, first.Add(20 * time.Minute), first.Add(65 * time.Minute)},
		}
	})
}

func TestSourceConformsAgainstTheExchange(t *testing.T) {
	t.Parallel()
	markettest.Run(t, func(t *testing.T) markettest.Harness {
		t.Helper()
		_, source := openVenue(t, astertest.Config{}, aster.SourceConfig{})
		return markettest.Harness{Source: source, Symbols: fakeSymbols, Unknown: "NOPEUSDT", Intervals: fakeIntervals}
	})
}

// What goes wrong with streams costs requests, never truth.
func TestLiveStaysRightWhileStreamsGoWrong(t *testing.T) {
	t.Parallel()
	ex, source := openVenue(t, astertest.Config{Seed: 3, StreamStep: time.Minute}, aster.SourceConfig{SkipOpenInterest: true})
	symbols := fakeSymbols[:2]
	live := openLive(t, source, aster.LiveConfig{Symbols: symbols, Intervals: fakeIntervals})
	settle(t, live, ex)
	query := marketdata.Query{Symbols: symbols, Intervals: fakeIntervals, Candles: 40}
	for _, kind := range []astertest.Kind{astertest.StreamDuplicate, astertest.StreamReorder, astertest.StreamGarbage, astertest.StreamLose, astertest.StreamDrop} {
		times := 25
		if kind == astertest.StreamDrop {
			times = 1
		}
		ex.Fault(astertest.Fault{Kind: kind, Path: "@", Times: times})
		for range 3 {
			ex.Advance(8 * time.Minute)
			require.NoError(t, live.Measure(t.Context()))
			got, err := live.Snapshot(t.Context(), query)
			require.NoError(t, err)
			for symbol, asset := range got.Assets {
				require.Nil(t, (marketdata.Freshness{}).Check(asset, fakeIntervals, ex.Now()), "%s after %s", symbol, kind)
			}
			for symbol, failure := range got.Failures {
				require.Equal(t, marketdata.ReasonBadCandle, failure.Reason, "%s after %s: %s", symbol, kind, failure.Detail)
			}
		}
		ex.ClearFaults()
		advance(t, live, ex, time.Second)
		got, err := live.Snapshot(t.Context(), query)
		require.NoError(t, err)
		want, err := source.Snapshot(t.Context(), query)
		require.NoError(t, err)
		require.Equal(t, text(t, want), text(t, got), "after %s", kind)
	}
	stats := live.Stats()
	require.Positive(t, stats.Malformed)
	require.Positive(t, stats.Dropped)
	require.Positive(t, stats.Lost)
}

func TestLiveAsksTheSourceOnceItIsClosed(t *testing.T) {
	t.Parallel()
	ex, source := openVenue(t, astertest.Config{}, aster.SourceConfig{})
	live := openLive(t, source, aster.LiveConfig{Symbols: fakeSymbols[:1]})
	settle(t, live, ex)
	require.NoError(t, live.WaitReady(t.Context()))
	live.Close()
	live.Close()
	require.Zero(t, live.Stats().Connections)
	snap, err := live.Snapshot(t.Context(), marketdata.Query{Symbols: fakeSymbols[:1], Intervals: fakeIntervals})
	require.NoError(t, err)
	require.Empty(t, snap.Failures)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, live.WaitReady(ctx), context.Canceled)
}

func TestLiveSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	_, source := openVenue(t, astertest.Config{}, aster.SourceConfig{})
	live := openLive(t, source, aster.LiveConfig{Symbols: []string{"NOPEUSDT"}})
	err := live.WaitReady(within(t, 300*time.Millisecond))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "NOPEUSDT")
}

func BenchmarkLiveSnapshotOfTenAssets(b *testing.B) {
	ex, source := openVenue(b, astertest.Config{StreamStep: 10 * time.Second}, aster.SourceConfig{})
	query := marketdata.Query{Intervals: fakeIntervals}
	for _, asset := range marketdata.SimAssets() {
		query.Symbols = append(query.Symbols, asset.Symbol)
	}
	live := openLive(b, source, aster.LiveConfig{Symbols: query.Symbols, Intervals: query.Intervals})
	settle(b, live, ex)
	for _, candles := range []int{250, 100} {
		b.Run(fmt.Sprintf("%d candles", candles), func(b *testing.B) {
			query.Candles = candles
			before := live.Stats().FromRequest
			b.ReportAllocs()
			for b.Loop() {
				snap, err := live.Snapshot(b.Context(), query)
				if err != nil || len(snap.Assets) != len(query.Symbols) {
					b.Fatal(err, snap.Failures)
				}
			}
			require.Equal(b, before, live.Stats().FromRequest)
		})
	}
}
