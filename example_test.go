package ballast_test

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/fallback"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator/cinar"
	"github.com/ballast-go/ballast/store/memory"
)

// The host of the README: a simulated market and no model, so the technical
// fallback decides.
func Example() {
	now := func() time.Time { return time.Date(2025, 10, 10, 22, 0, 0, 0, time.UTC) } // time.Now in a bot
	market, err := marketdata.NewSim(marketdata.SimConfig{Now: now})
	if err != nil {
		panic(err)
	}
	indicators := cinar.New() // AGPL-3.0; nil is our own
	engine, err := decision.New(decision.Config{
		Market:     market,
		LLM:        nil, // an openrouter.Client, say
		Scorer:     fallback.New(fallback.Config{Indicators: indicators}),
		Indicators: indicators,
		Store:      memory.New(),
		Now:        now,
	})
	if err != nil {
		panic(err)
	}
	balance := decimal.NewFromInt(10_000)
	result, err := engine.Decide(context.Background(), decision.Request{
		Account: decision.Account{ID: "demo", BalanceUSD: balance, AvailableUSD: balance, Leverage: decimal.NewFromInt(2), MaxPositionSizeUSD: balance},
		Symbols: []string{"BTCUSDT", "ETHUSDT", "SOLUSDT"},
	})
	if err != nil {
		panic(err) // no market, or no record: nothing that adds risk may be done
	}
	for _, d := range result.Decision.Decisions {
		fmt.Println(d.Asset, d.Action, d.AllocationUSD, "stop", d.SLPrice.Decimal, "target", d.TPPrice.Decimal)
	}
	fmt.Println("by", result.Origin, "because", result.Reason)
	// Output:
	// BTCUSDT buy 2499.93 stop 91578.4 target 101491.8
	// ETHUSDT sell 2499.85 stop 3106.99 target 2790.24
	// SOLUSDT hold 0 stop 0 target 0
	// by fallback because no model is configured
}
