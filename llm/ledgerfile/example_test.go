package ledgerfile_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/ledgerfile"
)

func Example() {
	folder, err := os.MkdirTemp("", "budget")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()
	ledger, err := ledgerfile.Open(ledgerfile.Config{Path: filepath.Join(folder, "budget.jsonl")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ledger.Close()
	ctx := context.Background()
	err = ledger.Reserve(ctx, llm.Reservation{ID: "call-1", Account: "1", Day: "2026-11-21", Bound: llm.Amount{USD: decimal.New(5, -2)}})
	fmt.Println("may ask:", err == nil)
	err = ledger.Settle(ctx, "call-1", llm.Amount{USD: decimal.New(76, -4), Tokens: 4600})
	balance, _ := ledger.Balance(ctx, "1", "2026-11-21")
	fmt.Println(balance.Spent.USD, balance.Spent.Tokens, err)
	// Output:
	// may ask: true
	// 0.0076 4600 <nil>
}
