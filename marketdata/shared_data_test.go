package marketdata_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
)

func TestCSVReplaysTheCrashOfOctober2025(t *testing.T) {
	t.Parallel()
	const dir = "../../shared/data/klines-1h"
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("optional market data is absent: %v", err)
	}
	hour := time.Date(2025, 10, 10, 22, 0, 0, 0, time.UTC)
	now := clockAt(hour)
	source, err := marketdata.NewCSV(marketdata.CSVConfig{Dir: dir, Now: now.now})
	require.NoError(t, err)
	symbols := simSymbols()
	q := marketdata.Query{Symbols: symbols, Intervals: []marketdata.Interval{h1, h4}}
	snap := snapshot(t, source, q)
	require.Len(t, snap.Assets, len(symbols), "failures: %v", snap.Failures)
	last, _ := snap.Assets["BTCUSDT"].Series[h1].Last()
	require.Equal(t, hour.Add(-time.Hour), last.OpenTime)
	require.Equal(t, "101045.9", last.Low.String())
	require.Equal(t, "last price is the close of the candle that closed at 2025-10-10T22:00:00Z", snap.Assets["BTCUSDT"].Degraded[0])
	for symbol, asset := range snap.Assets {
		require.Nil(t, marketdata.Freshness{}.Check(asset, []marketdata.Interval{h1}, hour), symbol)
	}

	now.set(hour.Add(-time.Second))
	before, _ := snapshot(t, source, q).Assets["BTCUSDT"].Series[h1].Last()
	require.Equal(t, hour.Add(-2*time.Hour), before.OpenTime, "one second earlier the crash is not known")
}
