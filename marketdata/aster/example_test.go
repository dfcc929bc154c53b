package aster_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/secret"
)

func Example() {
	exchange := newBazaar("BTCUSDT", "ETHUSDT")
	venue := httptest.NewServer(exchange) // stands in for the real one
	defer venue.Close()
	client, err := aster.New(aster.Config{
		Network: aster.Network{Name: "mainnet", REST: venue.URL, MarketStream: "ws://127.0.0.1", UserStream: "ws://127.0.0.1", ChainID: 1666},
		Now:     exchange.clock,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	source, err := aster.NewSource(client, aster.SourceConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	snap, err := source.Snapshot(context.Background(), marketdata.Query{
		Symbols: []string{"BTCUSDT", "NOPEUSDT"}, Intervals: []marketdata.Interval{marketdata.Interval1h}, Candles: 24,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	btc := snap.Assets["BTCUSDT"]
	fmt.Println(btc.Quote.Last, "at", btc.Quote.LastAt.Format("15:04:05"), "funding every", btc.Quote.FundingInterval)
	fmt.Println(btc.Series[marketdata.Interval1h].Len(), "candles, the last closed at", btc.Series[marketdata.Interval1h].CloseTime().Format("15:04"))
	fmt.Println(snap.Failures["NOPEUSDT"])
	// Output:
	// 1078.6 at 10:20:28 funding every 4h0m0s
	// 24 candles, the last closed at 10:00
	// marketdata: NOPEUSDT: unknown_symbol: aster: exchange information: unknown_symbol: "NOPEUSDT" is not listed: take symbols from exchange information
}

func ExampleAccounts() {
	exchange := newLedger()
	venue := httptest.NewServer(exchange) // stands in for the real one
	defer venue.Close()
	key := secret.New("0x4fd0a42218f3eae43a6ce26d22544e986139a01e5b34a62db53757ffca81bae1") // the venue's published demo key
	agent, err := aster.NewAgent(aster.AgentConfig{Key: key})
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := aster.New(aster.Config{
		Network: aster.Network{Name: "mainnet", REST: venue.URL, MarketStream: "ws://127.0.0.1", UserStream: "ws://127.0.0.1", ChainID: 1666},
		Signer:  agent, Now: exchange.clock,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	accounts, err := aster.NewAccounts(client, aster.AccountConfig{
		ID: "main", Symbols: []string{"BTCUSDT", "ETHUSDT"}, MaxPositionSizeUSD: decimal.NewFromInt(5000),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	state, err := accounts.State(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	p := state.Account.Positions[0]
	fmt.Println(state.Account.BalanceUSD, "USD, today", state.Account.RealizedPnLTodayUSD)
	fmt.Println(p.Side, p.Quantity, p.Symbol, "stop", p.SLPrice.Decimal, "target", p.TPPrice.Decimal)
	fmt.Println(state.Notes)
	// Output:
	// 1000.5 USD, today 11.5
	// long 0.5 BTCUSDT stop 950 target 1300
	// [today's income that is not of trading is not counted: TRANSFER]
}
