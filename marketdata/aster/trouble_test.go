package aster_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/marketdata/astertest"
)

// When a connection that was used before breaks, net/http sends a read again
// on the next one, and the next: the venue counts each.
func TestReadsThatNetHTTPRepeatsAreWeighed(t *testing.T) {
	t.Parallel()
	const limit = 500 // of which 400 are used; all tickers weigh 40
	ex, err := astertest.New(astertest.Config{WeightLimit: limit, Latency: 20 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(ex.Close)
	client, err := aster.New(aster.Config{Network: aster.Network(ex.Network()), Now: ex.Now, WeightPerMinute: limit})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	var busy sync.WaitGroup
	for range 20 { // as many connections
		busy.Go(func() {
			if _, err := client.Time(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	busy.Wait()
	source, err := aster.NewSource(client, aster.SourceConfig{})
	require.NoError(t, err)
	ex.Fault(astertest.Fault{Kind: astertest.Cut, Path: "/ticker/24hr"})
	_, err = source.Snapshot(within(t, 5*time.Second), marketdata.Query{Symbols: fakeSymbols})
	require.NoError(t, err)
	weight, cut := 0, 0
	for _, r := range ex.Requests() {
		weight += r.Weight
		if r.Status == 0 {
			cut++
		}
	}
	require.Greater(t, cut, 3, "net/http did not repeat: the test proves nothing")
	require.LessOrEqual(t, weight, limit*80/100)
	require.GreaterOrEqual(t, client.Usage().UsedWeight, weight)
}

// A rate limit that comes while calls wait can make their wait one in vain.
func TestACallThatWaitsLearnsThatItWaitsInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now().Truncate(time.Minute).Add(time.Minute + 30*time.Second)
		time.Sleep(time.Until(begin))
		client := connect(t, &scripted{replies: []reply{{status: http.StatusTooManyRequests, body: `{"code":-1003,"msg":"Too many requests."}`}}}, aster.Config{Attempts: 1})
		require.Error(t, client.Do(t.Context(), ping, nil), "until the next minute")
		var waiting sync.WaitGroup
		for range 3 {
			waiting.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
				defer cancel()
				err := client.Do(ctx, ping, nil)
				requireKind(t, err, aster.KindRateLimit)
				require.NoError(t, ctx.Err(), "it waited for its deadline")
			})
		}
		waiting.Wait()
		require.Less(t, time.Since(begin), 31*time.Second, "the first was refused, the others know")
	})
}

// The venue's clock runs ahead of its own market, or was measured so: the bar
// that is last in the answer is open for another 20 s.
func TestAClockThatIsAheadClosesNoOpenBar(t *testing.T) {
	t.Parallel()
	start := time.Date(2025, 10, 1, 12, 59, 40, 0, time.UTC)
	ex, source := openVenue(t, astertest.Config{Start: start}, aster.SourceConfig{})
	ex.Fault(astertest.Fault{Kind: astertest.Skewed, Delay: time.Minute})
	snap, err := source.Snapshot(t.Context(), marketdata.Query{Symbols: fakeSymbols, Intervals: fakeIntervals})
	require.NoError(t, err)
	require.Empty(t, snap.Failures)
	for symbol, asset := range snap.Assets {
		for interval, series := range asset.Series {
			require.Equal(t, interval.LastClose(start), series.CloseTime(), "%s %s", symbol, interval)
		}
	}
	candles, err := source.Klines(t.Context(), fakeSymbols[0])
	require.NoError(t, err)
	require.Equal(t, start.Truncate(time.Hour).Add(-time.Hour), candles[len(candles)-1].OpenTime)
}
