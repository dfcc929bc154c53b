package ledgerfile_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
)

// 64 callers ask through one budget, and again and again the process "dies"
// while calls are under way: what the next one finds never exceeds the limit,
// and never falls short of what the provider had charged by then.
func TestABudgetSurvivesCrashesUnder64Callers(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	ledger := open(t, path)
	var calls, charged, crashes atomic.Int64 // charged in millionths of a USD
	var one sync.Mutex
	crash := func() {
		one.Lock()
		defer one.Unlock()
		before := charged.Load()
		after := open(t, crashed(t, path))
		balance, err := after.Balance(t.Context(), "1", day)
		if err != nil || balance.Spent.USD.GreaterThan(decimal.New(5, -1)) || balance.Spent.USD.LessThan(decimal.New(before, -6)) {
			t.Errorf("after a crash %s USD are spent of 0.5, %d millionths were charged, error %v", balance.Spent.USD, before, err)
		}
		crashes.Add(1)
	}
	client := llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
		charged.Add(1000)
		if calls.Add(1)%9 == 0 {
			crash()
		}
		return llm.Response{Usage: llm.Usage{
			PromptTokens: 10, CompletionTokens: 10, CostUSD: decimal.NewNullDecimal(decimal.New(1, -3)),
		}}, nil
	})
	budget, err := llm.NewBudget(llm.BudgetConfig{
		Client: client, Ledger: ledger, Daily: llm.Limits{USD: decimal.NewNullDecimal(decimal.New(5, -1))},
		Prices: llm.Prices{"m": {PromptUSD: decimal.NewFromInt(100), CompletionUSD: decimal.NewFromInt(100)}},
		Now:    func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }, SettleTimeout: time.Minute,
	})
	require.NoError(t, err)
	req := llm.Request{Model: "m", Account: "1", MaxTokens: 84} // 100 tokens, 0.01 USD at most
	var wait sync.WaitGroup
	for range 64 {
		wait.Go(func() {
			for range 10 {
				if _, err := budget.Complete(t.Context(), req); err != nil && !errors.Is(err, llm.ErrBudget) {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	require.Positive(t, crashes.Load())
	balance, err := budget.Balance(t.Context(), "1")
	require.NoError(t, err)
	require.True(t, balance.Reserved.USD.IsZero())
	require.Equal(t, decimal.New(charged.Load(), -6).String(), balance.Spent.USD.String())
}
