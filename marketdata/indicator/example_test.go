package indicator_test

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// rising is 60 hourly candles that close one higher each time, from 101 on.
func rising() marketdata.Series {
	candles := make([]marketdata.Candle, 60)
	for i := range candles {
		open := decimal.NewFromInt(int64(100 + i))
		closed := open.Add(decimal.NewFromInt(1))
		candles[i] = marketdata.Candle{
			OpenTime: time.Date(2025, 9, 1, i, 0, 0, 0, time.UTC),
			Open:     open, High: closed, Low: open, Close: closed,
		}
	}
	series, err := marketdata.NewSeries(marketdata.Interval1h, candles)
	if err != nil {
		panic(err)
	}
	return series
}

// One indicator of a slice. Warm-up is NaN.
func ExampleEMA() {
	line, err := indicator.EMA([]float64{2, 4, 6, 8, 4}, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(line, line.WarmUp())
	// Output: [NaN NaN 4 6 5] 2
}

// Every indicator of one series.
func ExampleCompute() {
	set, err := indicator.Compute(rising())
	if err != nil {
		fmt.Println(err)
		return
	}
	ema, _ := set.EMA20.Last()
	strength, _ := set.RSI14.Last()
	_, cloud := set.SpanB.Last()
	fmt.Printf("EMA 20 %.1f, RSI %.0f, cloud %t at %s\n", ema, strength, cloud, set.CloseTime.Format(time.DateTime))
	// Output: EMA 20 150.5, RSI 100, cloud false at 2025-09-03 12:00:00
}

// Every indicator of every series of a snapshot, as a source returns it.
func ExampleKernels_Indicate() {
	market := marketdata.Snapshot{Assets: map[string]marketdata.Asset{
		"BTCUSDT": {Symbol: "BTCUSDT", Series: map[marketdata.Interval]marketdata.Series{marketdata.Interval1h: rising()}},
		"ETHUSDT": {Symbol: "ETHUSDT", Series: map[marketdata.Interval]marketdata.Series{marketdata.Interval1h: {}}},
	}}
	values, err := indicator.New().Indicate(context.Background(), market)
	if err != nil {
		fmt.Println(err)
		return
	}
	atr, _ := values.Sets["BTCUSDT"][marketdata.Interval1h].ATR14.Last()
	fmt.Println("BTCUSDT ATR", atr)
	fmt.Println("ETHUSDT", values.Failures["ETHUSDT"])
	// Output:
	// BTCUSDT ATR 1
	// ETHUSDT 1h: indicator: series: marketdata: unknown interval ""
}
