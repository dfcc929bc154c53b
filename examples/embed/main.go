// Command embed is the smallest host: 40 lines that decide on a simulated
// market and print what a bot would do. It needs no network and no key. It
// places no orders and does not track its account: each hour finds the account
// as it was at first.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/fallback"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/store/memory"
)

func main() {
	if err := trade(context.Background(), os.Stdout, time.Date(2025, 10, 10, 22, 0, 0, 0, time.UTC), 3); err != nil {
		log.Fatal(err)
	}
}

// trade decides every hour from a time on and prints what to do.
func trade(ctx context.Context, w io.Writer, at time.Time, rounds int) error {
	clock := func() time.Time { return at } // simulated; a live bot leaves Now out
	market, bad := marketdata.NewSim(marketdata.SimConfig{Now: clock})
	engine, err := decision.New(decision.Config{Market: market, Scorer: fallback.New(fallback.Config{}), Store: memory.New(), Now: clock})
	if err = errors.Join(bad, err); err != nil {
		return err
	}
	usd, leverage := decimal.NewFromInt(10_000), decimal.NewFromInt(2)
	account := decision.Account{ID: "bot", BalanceUSD: usd, AvailableUSD: usd, Leverage: leverage, MaxPositionSizeUSD: usd}
	for ; rounds > 0; rounds, at = rounds-1, at.Add(time.Hour) {
		res, err := engine.Decide(ctx, decision.Request{Account: account, Symbols: []string{"BTCUSDT", "ETHUSDT"}})
		if err != nil {
			return err
		}
		for _, d := range res.Decision.Decisions { // a live bot places its orders here
			fmt.Fprintln(w, res.At.Format(time.DateTime), res.Origin, d.Action, d.Asset, d.AllocationUSD, "USD:", d.Rationale)
		}
	}
	return nil
}
