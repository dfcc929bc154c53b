package marketdata_test

import (
	"context"
	"fmt"
	"time"

	"github.com/ballast-go/ballast/marketdata"
)

func Example() {
	now := func() time.Time { return time.Date(2025, 9, 1, 12, 30, 0, 0, time.UTC) }
	sim, err := marketdata.NewSim(marketdata.SimConfig{Seed: 7, Now: now})
	if err != nil {
		panic(err)
	}
	cache := marketdata.NewCache(sim, marketdata.CacheConfig{Now: now})
	defer cache.Close()

	snap, err := cache.Snapshot(context.Background(), marketdata.Query{
		Symbols: []string{"BTCUSDT", "NOPE"}, Intervals: []marketdata.Interval{marketdata.Interval1h}, Candles: 100,
	})
	if err != nil {
		panic(err)
	}
	asset := snap.Assets["BTCUSDT"]
	fmt.Println(snap.Notes, snap.Failures["NOPE"])
	fmt.Println(asset.Series[marketdata.Interval1h].Len(), "candles, the newest closed at", asset.Series[marketdata.Interval1h].CloseTime().Format(time.Kitchen))
	fmt.Println("fresh:", marketdata.Freshness{}.Check(asset, []marketdata.Interval{marketdata.Interval1h}, now()) == nil)
	// Output:
	// [simulated market] marketdata: NOPE: unknown_symbol: not simulated
	// 100 candles, the newest closed at 12:00PM
	// fresh: true
}
