package llm_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
)

func TestMemoryLedgerConformance(t *testing.T) {
	t.Parallel()
	llmtest.RunLedger(t, func(testing.TB) (llm.Ledger, func() llm.Ledger) { return llm.NewMemoryLedger(), nil })
}

func reservation(id, day string) llm.Reservation {
	return llm.Reservation{ID: id, Account: "1", Day: day, Bound: llm.Amount{USD: decimal.New(1, 0), Tokens: 10}}
}

func TestMemoryLedgerForgetsTheEarliestDayAndNoLaterOne(t *testing.T) {
	t.Parallel()
	ledger := llm.NewMemoryLedger()
	first := time.Date(2026, 12, 28, 0, 0, 0, 0, time.UTC)
	day := func(n int) string { return first.AddDate(0, 0, n).Format(time.DateOnly) }
	for n := range 9 {
		require.NoError(t, ledger.Reserve(t.Context(), reservation(fmt.Sprint(n), day(n))))
	}
	require.Len(t, ledger.Balances(), 8)
	require.Equal(t, day(1), ledger.Balances()[0].Day)
	require.Len(t, ledger.Open(), 8)
	require.NoError(t, ledger.Settle(t.Context(), "0", llm.Amount{Tokens: 5}))
	balance, err := ledger.Balance(t.Context(), "1", day(0))
	require.NoError(t, err)
	require.Zero(t, balance.Spent.Tokens)
	require.ErrorContains(t, ledger.Reserve(t.Context(), reservation("x", day(0))), "day 2026-12-28 is before those that the ledger keeps")
}

// A clock that jumped years ahead and came back must not set a budget back.
func TestMemoryLedgerKeepsTodayAfterAClockThatJumped(t *testing.T) {
	t.Parallel()
	ledger := llm.NewMemoryLedger()
	for i, day := range []string{"2026-11-21", "2099-01-01", "2026-11-22", "2026-11-21"} {
		require.NoError(t, ledger.Reserve(t.Context(), reservation(fmt.Sprint(i), day)))
	}
	balance, err := ledger.Balance(t.Context(), "1", "2026-11-21")
	require.NoError(t, err)
	require.Equal(t, int64(20), balance.Reserved.Tokens)
}

func TestMemoryLedgerIsBounded(t *testing.T) {
	t.Parallel()
	ledger := llm.NewMemoryLedger()
	r := reservation("", "2026-11-21")
	for i := range 100_000 {
		r.ID = fmt.Sprint(i)
		require.NoError(t, ledger.Reserve(t.Context(), r))
	}
	r.ID = "one more"
	require.EqualError(t, ledger.Reserve(t.Context(), r), "llm: 100000 reservations are open, the most that are kept")
	require.NoError(t, ledger.Settle(t.Context(), "7", llm.Amount{}))
	require.NoError(t, ledger.Reserve(t.Context(), r))
}

func TestMemoryLedgerMatchesItsModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ledger := llm.NewMemoryLedger()
		spent, open := map[string]int64{}, map[string]llm.Reservation{}
		draw := func(label string) string { return fmt.Sprint(rapid.IntRange(0, 5).Draw(t, label)) }
		t.Repeat(map[string]func(*rapid.T){
			"reserve": func(t *rapid.T) {
				r := llm.Reservation{ID: draw("id"), Account: draw("account"), Day: "2026-11-2" + draw("day"), Limits: llm.Limits{Tokens: 50}}
				r.Bound.Tokens = rapid.Int64Range(0, 30).Draw(t, "bound")
				total := spent[r.Account+r.Day]
				for _, other := range open {
					if other.Account == r.Account && other.Day == r.Day {
						total += other.Bound.Tokens
					}
				}
				_, taken := open[r.ID]
				err := ledger.Reserve(t.Context(), r)
				if want := !taken && total+r.Bound.Tokens <= 50; (err == nil) != want {
					t.Fatalf("reserve %+v beside %d: %v", r, total, err)
				}
				if err == nil {
					open[r.ID] = r
				}
			},
			"settle": func(t *rapid.T) {
				id, actual := draw("id"), rapid.Int64Range(0, 40).Draw(t, "actual")
				if err := ledger.Settle(t.Context(), id, llm.Amount{Tokens: actual}); err != nil {
					t.Fatal(err)
				}
				if r, held := open[id]; held {
					spent[r.Account+r.Day] += actual
					delete(open, id)
				}
			},
			"": func(t *rapid.T) {
				if len(ledger.Open()) != len(open) {
					t.Fatalf("%d open, want %d", len(ledger.Open()), len(open))
				}
				for _, b := range ledger.Balances() {
					if b.Spent.Tokens != spent[b.Account+b.Day] || b.Reserved.Tokens < 0 {
						t.Fatalf("%+v, want %d spent", b, spent[b.Account+b.Day])
					}
				}
			},
		})
	})
}
