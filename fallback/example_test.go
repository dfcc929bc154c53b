package fallback_test

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/fallback"
	"github.com/ballast-go/ballast/marketdata"
)

// A steady rise with setbacks: the price is above the cloud and RSI is not
// overbought, so a long is proposed.
func Example() {
	candles := make([]marketdata.Candle, 120)
	price := decimal.New(100, 0)
	for i := range candles {
		next := price.Add(decimal.New([]int64{40, -30, 35, -25}[i%4], -2))
		candles[i] = marketdata.Candle{
			OpenTime: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Hour),
			Open:     price, Close: next, High: decimal.Max(price, next), Low: decimal.Min(price, next),
		}
		price = next
	}
	series, err := marketdata.NewSeries(marketdata.Interval1h, candles)
	if err != nil {
		fmt.Println(err)
		return
	}
	strategy, err := decision.LoadStrategy(decision.DefaultStrategy)
	if err != nil {
		fmt.Println(err)
		return
	}
	in := decision.Input{
		At: series.CloseTime(), Symbols: []string{"SOLUSDT"}, Interval: marketdata.Interval1h, Strategy: strategy,
		Market: marketdata.Snapshot{Assets: map[string]marketdata.Asset{"SOLUSDT": {
			Symbol: "SOLUSDT", Quote: marketdata.Quote{Last: price},
			Series: map[marketdata.Interval]marketdata.Series{marketdata.Interval1h: series},
		}}},
		Envelope: decision.Envelope{
			Assets: []decision.AssetEnvelope{{
				Asset: "SOLUSDT", Actions: []decision.Action{decision.ActionBuy}, MaxLongUSD: decimal.New(2000, 0), MaxLossUSD: decimal.New(100, 0),
			}},
			TotalUSD: decimal.New(2000, 0), NewPositions: 1,
		},
	}
	proposal, err := fallback.New(fallback.Config{}).Score(context.Background(), in)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(proposal.Decision.Decisions[0].Action)
	fmt.Println(proposal.Decision.Decisions[0].Rationale)
	fmt.Println(proposal.Decision.PortfolioRationale)
	// Output:
	// buy
	// long at 106: trend bullish, RSI 55.92, volatility 1.55 %/day, 24h to the last close +1.15 %, risk score 40 of max 70; stop 3.00 % at 102.82, take profit 7.50 % at 113.95; allocation 750.00 USD: 50 % of the 2000.00 USD that the envelope allows, x0.75 for volatility; confidence 70: no input is missing
	// technical fallback: 1 entered with 750 USD, 0 stops tightened, 0 held
}

func ExampleConfig_Assess() {
	overbought := fallback.Factors{
		RSI:               decimal.NewNullDecimal(decimal.New(714, -1)),
		VolatilityPercent: decimal.NewNullDecimal(decimal.New(43, -1)),
		Trend:             fallback.Bearish,
	}
	a := fallback.Config{}.Assess(overbought)
	fmt.Println("long", a.Long.Raw, a.Long.Score, "short", a.Short.Score, "missing", a.Degraded)
	// Output: long 105 100 short 45 missing [price_change]
}
