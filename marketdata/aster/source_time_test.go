package aster_test

import (
	"context"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
)

var ten = append([]string{"LINKUSDT", "AVAXUSDT"}, eight...)

// TestTenAssetsTakeTwoRoundTrips measures virtual time: what computing costs is
// the benchmark's.
func TestTenAssetsTakeTwoRoundTrips(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := newBazaar(ten...)
		venue.latency = 50 * time.Millisecond
		client := venue.visit(t, aster.Config{Now: time.Now})
		source, err := aster.NewSource(client, aster.SourceConfig{})
		require.NoError(t, err)
		for _, want := range []time.Duration{100 * time.Millisecond, 50 * time.Millisecond} {
			begun := time.Now()
			snap := snapshot(t, source, hourly(ten...))
			require.Len(t, snap.Assets, 10)
			require.Equal(t, want, time.Since(begun))
			require.WithinDuration(t, time.Now(), snap.At, 25*time.Millisecond, "as well as one request can tell")
		}
		require.Equal(t, 1, venue.count("/exchangeInfo"), "remembered")
		require.Equal(t, 1, venue.count("/fundingInfo"), "remembered")
		require.Equal(t, 1, venue.count("/time"))
		require.Equal(t, 2, venue.count("/ticker/24hr"), "one for all symbols")
		require.Equal(t, 40, venue.count("/klines"))
		require.Equal(t, 3+2*(40+10)+2*10+2*20, client.Usage().UsedWeight)
	})
}

func TestAFewAssetsAreAskedForOneByOne(t *testing.T) {
	t.Parallel()
	venue := newBazaar(ten...)
	client := venue.visit(t, aster.Config{})
	source, err := aster.NewSource(client, aster.SourceConfig{})
	require.NoError(t, err)
	snapshot(t, source, hourly(ten[:3]...))
	require.Equal(t, 3, venue.count("/ticker/24hr"))
	require.Equal(t, 3+3+3+3+6, client.Usage().UsedWeight, "not the 40 of all tickers")
}

func TestNoMoreRequestsAtOnceThanAllowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := newBazaar(ten...)
		venue.latency = 50 * time.Millisecond
		counted := &gate{venue: venue}
		client := connect(t, counted, aster.Config{MaxConcurrent: 7, WeightPerMinute: 100_000})
		source, err := aster.NewSource(client, aster.SourceConfig{})
		require.NoError(t, err)
		require.Len(t, snapshot(t, source, hourly(ten...)).Assets, 10)
		require.Equal(t, int64(7), counted.most.Load())
	})
}

func TestCallersThatMissTheListingsShareOneRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := newBazaar(pair...)
		venue.latency = 50 * time.Millisecond
		source := runningSource(t, venue)
		for range 5 {
			go func() { _, _ = source.Snapshot(t.Context(), hourly(pair...)) }()
		}
		snap := snapshot(t, source, hourly(pair...))
		require.Len(t, snap.Assets, 2)
		synctest.Wait()
		time.Sleep(time.Second)
		require.Equal(t, 1, venue.count("/exchangeInfo"))
		require.Equal(t, 1, venue.count("/fundingInfo"))
	})
}

func runningSource(t *testing.T, venue *bazaar) *aster.Source {
	t.Helper()
	source, err := aster.NewSource(venue.visit(t, aster.Config{Now: time.Now, Attempts: 1}), aster.SourceConfig{})
	require.NoError(t, err)
	return source
}

// TestListingsOutliveAnOutage keeps what is known for twice its time.
func TestListingsOutliveAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := newBazaar(pair...)
		venue.latency = time.Millisecond
		var down atomic.Bool
		venue.twist = func(path string, _ url.Values) (reply, bool) {
			return reply{status: 400, body: `{"code":-1100,"msg":"no"}`}, down.Load() && (path == "/exchangeInfo" || path == "/fundingInfo")
		}
		source := runningSource(t, venue)
		require.Empty(t, snapshot(t, source, hourly(pair...)).Notes)
		down.Store(true)

		time.Sleep(59 * time.Minute)
		require.Empty(t, snapshot(t, source, hourly(pair...)).Notes, "still fresh")
		time.Sleep(2 * time.Minute)
		for range 3 {
			snap := snapshot(t, source, hourly(pair...))
			require.Len(t, snap.Assets, 2)
			require.Equal(t, []string{"exchange information is outdated and could not be refreshed (invalid)"}, snap.Notes)
			require.Equal(t, 4*time.Hour, snap.Assets["BTCUSDT"].Quote.FundingInterval)
		}
		require.Equal(t, 2, venue.count("/exchangeInfo"), "a refresh that failed is not repeated at once")
		time.Sleep(time.Minute)
		snapshot(t, source, hourly(pair...))
		require.Equal(t, 3, venue.count("/exchangeInfo"), "but after a minute")

		time.Sleep(time.Hour)
		snap := snapshot(t, source, hourly(pair...))
		require.Len(t, snap.Failures, 2, "too old to be relied on")
		down.Store(false)
		snap = snapshot(t, source, hourly(pair...))
		require.Len(t, snap.Assets, 2, "listings are asked for again at once when there are none")
		require.Empty(t, snap.Notes)
		info, err := source.ExchangeInfo(t.Context())
		require.NoError(t, err)
		require.Equal(t, pair, info.Names())
	})
}

func TestASnapshotWhoseContextEndsIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := newBazaar(ten...)
		venue.latency = time.Second
		source := runningSource(t, venue)
		for _, patience := range []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			_, err := source.Snapshot(ctx, hourly(ten...))
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		snap := snapshot(t, source, hourly(ten...))
		require.Len(t, snap.Assets, 10, "and nothing of it remains")
		require.Empty(t, snap.Assets["BTCUSDT"].Degraded)
	})
}

// TestACandleThatClosesWhileWaitingIsLeftForTheNextSnapshot keeps intervals of
// one snapshot of one moment.
func TestACandleThatClosesWhileWaitingIsLeftForTheNextSnapshot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Now().Truncate(4 * time.Hour).Add(4*time.Hour - 30*time.Millisecond)))
		close4h := time.Now().Add(30 * time.Millisecond).UTC()
		venue := newBazaar(pair...)
		venue.latency = 50 * time.Millisecond
		source := runningSource(t, venue)
		first := snapshot(t, source, hourly(pair...)).Assets["BTCUSDT"]
		require.Equal(t, close4h.Add(-time.Hour), first.Series[marketdata.Interval1h].CloseTime())
		require.Equal(t, close4h.Add(-4*time.Hour), first.Series[marketdata.Interval4h].CloseTime())
		second := snapshot(t, source, hourly(pair...)).Assets["BTCUSDT"]
		require.Equal(t, close4h, second.Series[marketdata.Interval1h].CloseTime())
		require.Equal(t, close4h, second.Series[marketdata.Interval4h].CloseTime())
	})
}
