package marketreplay_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/marketreplay"
)

func Example() {
	now := time.Date(2025, 10, 10, 12, 0, 0, 0, time.UTC)
	market, err := marketdata.NewSim(marketdata.SimConfig{Now: func() time.Time { return now }}) // an exchange, say
	if err != nil {
		fmt.Println(err)
		return
	}
	question := marketdata.Query{Symbols: []string{"BTCUSDT"}, Intervals: []marketdata.Interval{marketdata.Interval1h}, Candles: 3}

	var file bytes.Buffer
	recorder, err := marketreplay.Record(market, &file)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		if _, err := recorder.Snapshot(context.Background(), question); err != nil {
			fmt.Println(err)
		}
		now = now.Add(time.Hour)
	}
	if err := recorder.Err(); err != nil {
		fmt.Println("the recording is incomplete:", err)
	}

	replay, err := marketreplay.Open(&file, marketreplay.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		snap, err := replay.Snapshot(context.Background(), question)
		fmt.Println(snap.Assets["BTCUSDT"].Series[marketdata.Interval1h].CloseTime().Format(time.TimeOnly), err)
	}
	// Output:
	// 12:00:00 <nil>
	// 13:00:00 <nil>
	// 00:00:00 marketreplay: BTCUSDT: 3 candles of 1h: was recorded 2 times and asked once more
}

func ExampleCandles() {
	market, err := marketdata.NewSim(marketdata.SimConfig{Now: noon})
	if err != nil {
		fmt.Println(err)
		return
	}
	source := marketreplay.Candles(market, func(symbol string, interval marketdata.Interval, candles []marketdata.Candle) {
		fmt.Println(symbol, interval, len(candles), "from", candles[0].OpenTime.Format(time.TimeOnly)) // into a store, say
	})
	question := marketdata.Query{Symbols: []string{"BTCUSDT"}, Intervals: []marketdata.Interval{marketdata.Interval1h}, Candles: 3}
	for range 2 { // nothing has closed in between
		if _, err := source.Snapshot(context.Background(), question); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// BTCUSDT 1h 3 from 09:00:00
}
