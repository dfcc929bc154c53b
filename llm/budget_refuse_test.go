package llm_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
)

func TestBudgetRefusesBeforeTheCall(t *testing.T) {
	t.Parallel()
	unlimited := llm.Limits{}
	for name, tc := range map[string]struct {
		change func(*llm.BudgetConfig)
		edit   func(*llm.Request)
		reason llm.BudgetReason
		says   string
	}{
		"over the USD limit": {
			func(c *llm.BudgetConfig) { c.Daily.USD = usd("0.999") }, nil, llm.BudgetExhausted,
			`llm: budget: 0 USD spent and 0 reserved of 0.999, the call may cost 1; resets at 2026-11-22T00:00:00Z`,
		},
		"over the token limit": {
			func(c *llm.BudgetConfig) { c.Daily.Tokens = 999 }, nil, llm.BudgetExhausted,
			`llm: budget: 0 USD spent and 0 reserved of 5, the call may cost 1; 0 tokens spent and 0 reserved of 999, the call may take 1000; resets at 2026-11-22T00:00:00Z`,
		},
		"a limit of nothing": {
			func(c *llm.BudgetConfig) { c.Daily.USD = usd("0") }, nil, llm.BudgetExhausted,
			`llm: budget: 0 USD spent and 0 reserved of 0, the call may cost 1; resets at 2026-11-22T00:00:00Z`,
		},
		"an account's own limit": {
			func(c *llm.BudgetConfig) { c.Accounts = map[string]llm.Limits{"1": {Tokens: 1}} }, nil, llm.BudgetExhausted,
			`llm: budget: 0 tokens spent and 0 reserved of 1, the call may take 1000; resets at 2026-11-22T00:00:00Z`,
		},
		"an unknown price": {
			nil, func(r *llm.Request) { r.Model = "m:nitro" }, llm.BudgetUnpriced, `llm: budget: "m:nitro" has no price`,
		},
		"an unbounded answer": {
			nil, func(r *llm.Request) { r.MaxTokens = 0 }, llm.BudgetUnbounded,
			`llm: budget: max_tokens must be set, so that the cost is bounded`,
		},
		"an account without limits": {
			func(c *llm.BudgetConfig) { c.Daily, c.Accounts = unlimited, map[string]llm.Limits{"2": {Tokens: 1}} }, nil, llm.BudgetUnlimited,
			`llm: budget: no limit is set for the account`,
		},
		"an answer beyond counting": {
			nil, func(r *llm.Request) { r.MaxTokens = math.MaxInt }, llm.BudgetLedger, "tokens must be between 0 and",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			budget, _ := setup(t, counting(&calls), tc.change)
			req := costly()
			if tc.edit != nil {
				tc.edit(&req)
			}
			_, err := budget.Complete(t.Context(), req)
			require.ErrorIs(t, err, llm.ErrBudget)
			var refusal *llm.BudgetError
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, tc.reason, refusal.Reason)
			require.Equal(t, "1", refusal.Account)
			require.Equal(t, req.Model, refusal.Model)
			require.ErrorContains(t, err, tc.says)
			require.False(t, refusal.Retryable())
			require.Equal(t, "2026-11-22 00:00:00 +0000 UTC", refusal.ResetsAt.String())
			require.Zero(t, calls)
			requireBooked(t, budget, "0", 0)
		})
	}
}

// brokenLedger fails where it is told to.
type brokenLedger struct {
	llm.Ledger
	reserve, settle error
	settled         context.Context
}

func (l *brokenLedger) Reserve(ctx context.Context, r llm.Reservation) error {
	if l.reserve != nil {
		return l.reserve
	}
	return l.Ledger.Reserve(ctx, r)
}

func (l *brokenLedger) Settle(ctx context.Context, _ string, _ llm.Amount) error {
	l.settled = ctx
	return l.settle
}

func TestALedgerThatFailsAllowsNoCall(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{"failing": errors.New("disk full"), "slow": context.DeadlineExceeded} {
		calls := 0
		budget, _ := setup(t, counting(&calls), func(c *llm.BudgetConfig) { c.Ledger = &brokenLedger{Ledger: c.Ledger, reserve: failure} })
		_, err := budget.Complete(t.Context(), costly())
		require.ErrorIs(t, err, llm.ErrBudget, name)
		require.ErrorIs(t, err, failure, name)
		require.EqualError(t, err, `llm: budget: the ledger failed: `+failure.Error(), name)
		require.Zero(t, calls, name)
	}
}

func TestTheCallersEndWhileReservingIsNoFailureOfTheLedger(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	budget, _ := setup(t, answering(""), func(c *llm.BudgetConfig) { c.Ledger = &cancelling{Ledger: c.Ledger, cancel: cancel} })
	_, err := budget.Complete(ctx, costly())
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, llm.ErrBudget)
}

type cancelling struct {
	llm.Ledger
	cancel context.CancelFunc
}

func (l *cancelling) Reserve(ctx context.Context, _ llm.Reservation) error {
	l.cancel()
	return ctx.Err()
}

func TestASettlementThatFailsKeepsTheAnswerAndTheBound(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	ledger := &brokenLedger{Ledger: llm.NewMemoryLedger(), settle: errors.New("disk full")}
	budget, _ := setup(t, reporting(llm.Usage{PromptTokens: 1, CompletionTokens: 1, CostUSD: usd("0.1")}), func(c *llm.BudgetConfig) {
		c.Ledger, c.Logger = ledger, slog.New(slog.NewTextHandler(&log, nil))
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	resp, err := budget.Complete(ctx, costly())
	require.NoError(t, err)
	require.Equal(t, "{}", resp.Content)
	balance, err := budget.Balance(t.Context(), "1")
	require.NoError(t, err)
	require.Equal(t, "1", balance.Reserved.USD.String(), "still held back")
	require.Contains(t, log.String(), `level=ERROR msg=budget_settle_failed account=1 day=2026-11-21 usd=0.1 tokens=2 error="disk full"`)
	_, bounded := ledger.settled.Deadline()
	require.True(t, bounded, "a ledger that hangs is not waited for without end")
}

func TestBudgetErrorSaysWhetherAnotherModelHelps(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		failure llm.BudgetError
		want    bool
	}{
		"USD exhausted": {llm.BudgetError{
			Reason: llm.BudgetExhausted, Limits: llm.Limits{USD: usd("1"), Tokens: 10}, Asked: llm.Amount{USD: usd("2").Decimal, Tokens: 10},
		}, true},
		"both exhausted": {llm.BudgetError{
			Reason: llm.BudgetExhausted, Limits: llm.Limits{USD: usd("1"), Tokens: 10}, Asked: llm.Amount{USD: usd("2").Decimal, Tokens: 9},
			Spent: llm.Amount{Tokens: 2},
		}, false},
		"tokens exhausted": {llm.BudgetError{
			Reason: llm.BudgetExhausted, Limits: llm.Limits{Tokens: 10}, Asked: llm.Amount{Tokens: 11},
		}, false},
		"unpriced":  {llm.BudgetError{Reason: llm.BudgetUnpriced}, true},
		"unbounded": {llm.BudgetError{Reason: llm.BudgetUnbounded}, false},
		"unlimited": {llm.BudgetError{Reason: llm.BudgetUnlimited}, false},
		"ledger":    {llm.BudgetError{Reason: llm.BudgetLedger}, false},
	} {
		require.Equal(t, tc.want, tc.failure.OtherModel(), name)
	}
}

func TestBudgetErrorKeepsTheAccountOutOfItsText(t *testing.T) {
	t.Parallel()
	for _, reason := range []llm.BudgetReason{
		llm.BudgetExhausted, llm.BudgetUnpriced, llm.BudgetUnbounded, llm.BudgetUnlimited, llm.BudgetLedger,
	} {
		failure := &llm.BudgetError{Reason: reason, Account: "customer-4711", Model: "m", Err: errors.New("full")}
		require.NotContains(t, failure.Error(), "4711", reason)
	}
}
