package decision_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
)

// A decision of a person is checked against the limits of account and strategy
// before anybody acts on it.
func ExampleValidate() {
	given, err := decision.ReadDecision(strings.NewReader(`{"portfolio_rationale": "breakout", "decisions": [
		{"asset": "BTCUSDT", "action": "buy", "allocation_usd": 9000, "sl_price": 62000, "tp_price": 70000,
		 "exit_plan": "stop or target", "rationale": "breakout", "confidence": 80, "risk_level": "medium"},
		{"asset": "ETHUSDT", "action": "close_position", "rationale": "take the gain", "confidence": 60, "risk_level": "low"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := decision.ReadAccount(strings.NewReader(`{"account_id": "demo", "balance_usd": 10000, "available_usd": 9000, "leverage": 2,
		"max_position_size_usd": 20000, "maker_fee_bps": 1, "taker_fee_bps": 4, "realized_pnl_today_usd": 0, "halted": false,
		"positions": [{"symbol": "ETHUSDT", "side": "long", "quantity": "0.5", "entry_price": 3000, "mark_price": 3400, "leverage": 2}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	strategy, err := decision.LoadStrategy(decision.DefaultStrategy) // 2 % of the balance at risk a trade
	if err != nil {
		fmt.Println(err)
		return
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	price := func(symbol string, usd int64) marketdata.Asset {
		return marketdata.Asset{Symbol: symbol, Quote: marketdata.Quote{Last: decimal.NewFromInt(usd), LastAt: at}}
	}
	in := decision.Input{
		At: at, Symbols: []string{"BTCUSDT", "ETHUSDT"}, Account: account, Strategy: strategy,
		Market: marketdata.Snapshot{At: at, Assets: map[string]marketdata.Asset{
			"BTCUSDT": price("BTCUSDT", 64_000), "ETHUSDT": price("ETHUSDT", 3400),
		}},
	}
	result := decision.Validate(in, given)
	fmt.Println("valid:", result.Valid, "- risk", result.Risk.PortfolioRiskScore, "of 10")
	for _, e := range result.Errors {
		fmt.Println(e.Rule, "-", e.Message)
	}
	for _, d := range result.Decision.Decisions {
		fmt.Println(d.Asset, d.Action)
	}
	// Output:
	// valid: false - risk 5.16 of 10
	// risk_per_trade - loss at the stop of BTCUSDT must be at most 200 USD (2 % of balance), would be 281.25 at a distance of 3.125 %
	// BTCUSDT hold
	// ETHUSDT close_position
}
