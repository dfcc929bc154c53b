package indicatortest

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

// Start is when the first candle of every series made here opens.
func Start(interval marketdata.Interval) time.Time {
	return interval.Floor(time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC))
}

// Candle is a bar in steps of the smallest price: Open, High, Low and Close
// are that many steps.
type Candle struct{ Open, High, Low, Close int64 }

// Series is the bars at a step of 10^exponent. It panics when they are not a
// series: low ≤ open, close ≤ high, all positive.
func Series(interval marketdata.Interval, exponent int32, bars []Candle) marketdata.Series {
	candles := make([]marketdata.Candle, len(bars))
	for i, bar := range bars {
		candles[i] = marketdata.Candle{
			OpenTime: Start(interval).Add(time.Duration(i) * interval.Duration()),
			Open:     decimal.New(bar.Open, exponent), High: decimal.New(bar.High, exponent),
			Low: decimal.New(bar.Low, exponent), Close: decimal.New(bar.Close, exponent),
			Volume: decimal.New(1, 0), QuoteVolume: decimal.New(bar.Close, exponent),
		}
	}
	series, err := marketdata.NewSeries(interval, candles)
	if err != nil {
		panic("indicatortest: " + err.Error())
	}
	return series
}

// Walk is a random walk around 60,000 with two decimals; the same seed is the
// same walk.
func Walk(interval marketdata.Interval, candles int, seed uint64) marketdata.Series {
	return Series(interval, -2, WalkBars(candles, seed))
}

// WalkBars are the bars of Walk.
func WalkBars(candles int, seed uint64) []Candle {
	random := rand.New(rand.NewPCG(seed, 42)) //nolint:gosec // test data, not a secret
	bars := make([]Candle, candles)
	price := int64(6_000_000)
	for i := range bars {
		next := max(price+random.Int64N(60_001)-30_000, 1_000_000)
		bars[i] = Candle{
			Open: price, Close: next,
			High: max(price, next) + random.Int64N(10_000),
			Low:  min(price, next) - random.Int64N(10_000),
		}
		price = next
	}
	return bars
}

// Vast is a series with so many zeros behind its prices, 15 to 17, that sums
// (307) or squares (160) of them are past the largest float. The error is that
// of marketdata.NewSeries, which may refuse them.
func Vast(zeros int) (marketdata.Series, error) {
	candles := make([]marketdata.Candle, 120)
	for i := range candles {
		price := decimal.RequireFromString(strconv.Itoa(15+i%3) + strings.Repeat("0", zeros))
		candles[i] = marketdata.Candle{
			OpenTime: Start(marketdata.Interval1h).Add(time.Duration(i) * time.Hour),
			Open:     price, High: price, Low: price, Close: price,
		}
	}
	return marketdata.NewSeries(marketdata.Interval1h, candles)
}

// Market is a snapshot of so many assets, A0 and up, each with a walk of 15m
// and of 4h candles.
func Market(assets, candles int) marketdata.Snapshot {
	market := marketdata.Snapshot{At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Assets: map[string]marketdata.Asset{}}
	for i := range assets {
		symbol := fmt.Sprintf("A%d", i)
		market.Assets[symbol] = marketdata.Asset{Symbol: symbol, Series: map[marketdata.Interval]marketdata.Series{
			marketdata.Interval15m: Walk(marketdata.Interval15m, candles, uint64(2*i)),  //nolint:gosec // never negative
			marketdata.Interval4h:  Walk(marketdata.Interval4h, candles, uint64(2*i+1)), //nolint:gosec // as above
		}}
	}
	return market
}
