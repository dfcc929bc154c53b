package llm_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
)

var noon = time.Date(2026, 11, 21, 23, 30, 0, 0, time.FixedZone("", 3600)) // still the 21st in UTC

func counting(calls *int) llm.ClientFunc {
	return func(ctx context.Context, req llm.Request) (llm.Response, error) {
		*calls++
		return answering("{}")(ctx, req)
	}
}

// setup is a budget whose calls may take 100 + 900 tokens and cost 1 USD: 0.1
// for the prompt and 0.9 for the answer.
func setup(tb testing.TB, client llm.Client, change func(*llm.BudgetConfig)) (*llm.Budget, *llm.MemoryLedger) {
	tb.Helper()
	ledger := llm.NewMemoryLedger()
	cfg := llm.BudgetConfig{
		Client: client, Ledger: ledger, Daily: llm.Limits{USD: usd("5")}, Now: func() time.Time { return noon },
		Prices: llm.Prices{"m": {PromptUSD: decimal.NewFromInt(1000), CompletionUSD: decimal.NewFromInt(1000)}},
	}
	if change != nil {
		change(&cfg)
	}
	budget, err := llm.NewBudget(cfg)
	require.NoError(tb, err)
	return budget, ledger
}

func costly() llm.Request {
	return llm.Request{
		Model: "m", Account: "1", MaxTokens: 900, Messages: []llm.Message{{Role: llm.RoleUser, Content: strings.Repeat("x", 76)}},
	}
}

func reporting(usage llm.Usage) llm.ClientFunc {
	return func(context.Context, llm.Request) (llm.Response, error) {
		return llm.Response{Content: "{}", Usage: usage}, nil
	}
}

func requireBooked(tb testing.TB, budget *llm.Budget, usd string, tokens int64) {
	tb.Helper()
	balance, err := budget.Balance(context.Background(), "1")
	require.NoError(tb, err)
	require.Equal(tb, "2026-11-21", balance.Day)
	require.True(tb, balance.Reserved.USD.IsZero(), "reserved %s", balance.Reserved.USD)
	require.Zero(tb, balance.Reserved.Tokens)
	require.Equal(tb, usd, balance.Spent.USD.String())
	require.Equal(tb, tokens, balance.Spent.Tokens)
}

func TestBudgetBooksWhatTheProviderSays(t *testing.T) {
	t.Parallel()
	const bound, all = "1", int64(1000)
	for name, tc := range map[string]struct {
		usage  llm.Usage
		usd    string
		tokens int64
	}{
		"its cost and tokens":         {llm.Usage{PromptTokens: 30, CompletionTokens: 50, CostUSD: usd("0.0076")}, "0.0076", 80},
		"a cost of nothing":           {llm.Usage{PromptTokens: 30, CompletionTokens: 50, CostUSD: usd("0")}, "0", 80},
		"tokens at the model's price": {llm.Usage{PromptTokens: 30, CompletionTokens: 50}, "0.08", 80},
		"a cost without tokens":       {llm.Usage{CostUSD: usd("0.25")}, "0.25", all},
		"no tokens of the answer":     {llm.Usage{PromptTokens: 30}, "0.93", 930},
		"no tokens of the prompt":     {llm.Usage{CompletionTokens: 50}, "0.15", 150},
		"nothing":                     {llm.Usage{}, bound, all},
		"more than it could":          {llm.Usage{PromptTokens: 300, CompletionTokens: 1200, CostUSD: usd("7.5")}, "7.5", 1500},
		"a cost below a cent's dust":  {llm.Usage{PromptTokens: 1, CompletionTokens: 1, CostUSD: usd("0.0000000000000000001")}, "0.000000000000000001", 2},
		"a negative cost":             {llm.Usage{PromptTokens: 1, CompletionTokens: 1, CostUSD: usd("-1")}, bound, all},
		"a cost that is absurd":       {llm.Usage{PromptTokens: 1, CompletionTokens: 1, CostUSD: decimal.NewNullDecimal(decimal.New(1, 1_000_000_000))}, "1000000", 2},
		"a cost that is dust":         {llm.Usage{PromptTokens: 1, CompletionTokens: 1, CostUSD: decimal.NewNullDecimal(decimal.New(1, -1_000_000_000))}, "0.000000000000000001", 2},
		"many digits, far down": {
			llm.Usage{PromptTokens: 1, CompletionTokens: 1, CostUSD: usd("7." + strings.Repeat("0", 400))}, "7", 2,
		},
		"many digits, too much": {
			llm.Usage{PromptTokens: 1, CompletionTokens: 1, CostUSD: usd("1" + strings.Repeat("0", 400) + "." + strings.Repeat("0", 400))}, "1000000", 2,
		},
		"tokens that are absurd": {llm.Usage{PromptTokens: math.MaxInt, CompletionTokens: math.MaxInt, CostUSD: usd("1")}, "1", 2_000_000_000},
		"negative tokens":        {llm.Usage{PromptTokens: -5, CompletionTokens: -5, CostUSD: usd("0.5")}, "0.5", all},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			budget, _ := setup(t, reporting(tc.usage), nil)
			resp, err := budget.Complete(t.Context(), costly())
			require.NoError(t, err)
			require.Equal(t, "{}", resp.Content)
			requireBooked(t, budget, tc.usd, tc.tokens)
		})
	}
}

func TestBudgetBooksAFailureAtItsBoundUnlessNothingCanBeCharged(t *testing.T) {
	t.Parallel()
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	for name, tc := range map[string]struct {
		err  error
		free bool
	}{
		"config":              {&llm.Error{Kind: llm.KindConfig}, true},
		"auth":                {&llm.Error{Kind: llm.KindAuth}, true},
		"payment":             {&llm.Error{Kind: llm.KindPayment}, true},
		"forbidden":           {&llm.Error{Kind: llm.KindForbidden}, true},
		"rate limited":        {fmt.Errorf("wrapped: %w", &llm.Error{Kind: llm.KindRateLimited}), true},
		"rate limited midway": {&llm.Error{Kind: llm.KindRateLimited, Partial: true}, false},
		"timeout":             {&llm.Error{Kind: llm.KindTimeout}, false},
		"server":              {&llm.Error{Kind: llm.KindServer}, false},
		"cut":                 {&llm.Error{Kind: llm.KindTransport}, false},
		"malformed":           {&llm.Error{Kind: llm.KindMalformed}, false},
		"another model":       {&llm.Error{Kind: llm.KindModel}, false},
		"never reached":       {&llm.Error{Kind: llm.KindTransport, Err: dial}, true},
		"read failed":         {&llm.Error{Kind: llm.KindTransport, Err: &net.OpError{Op: "read"}}, false},
		"too long":            {&llm.ContextError{}, true},
		"method not allowed":  {&llm.Error{Kind: llm.KindMalformed, Status: 405}, true},
		"conflict midway":     {&llm.Error{Kind: llm.KindMalformed, Status: 409, Partial: true}, false},
		"timed out there":     {&llm.Error{Kind: llm.KindTimeout, Status: 408}, false},
		"closed by us":        {&llm.Error{Kind: llm.KindMalformed, Status: 499}, false},
		"a server's status":   {&llm.Error{Kind: llm.KindServer, Status: 500}, false},
		"unknown authority":   {&llm.Error{Kind: llm.KindTransport, Err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}, true},
		"another host's name": {&llm.Error{Kind: llm.KindTransport, Err: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}}, true},
		"expired":             {&llm.Error{Kind: llm.KindTransport, Err: x509.CertificateInvalidError{Reason: x509.Expired}}, true},
		"no roots":            {&llm.Error{Kind: llm.KindTransport, Err: x509.SystemRootsError{}}, true},
		"cancelled":           {context.Canceled, false},
		"deadline":            {context.DeadlineExceeded, false},
		"an error of no type": {errors.New("?"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			budget, _ := setup(t, failing(tc.err), nil)
			_, err := budget.Complete(t.Context(), costly())
			require.Equal(t, tc.err, err)
			if tc.free {
				requireBooked(t, budget, "0", 0)
			} else {
				requireBooked(t, budget, "1", 1000)
			}
		})
	}
}

func TestBudgetBooksTheUsageOfAFailureThatReportsIt(t *testing.T) {
	t.Parallel()
	budget, _ := setup(t, llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
		return llm.Response{Usage: llm.Usage{PromptTokens: 30, CompletionTokens: 50, CostUSD: usd("0.3")}}, &llm.Error{Kind: llm.KindConfig}
	}), nil)
	_, err := budget.Complete(t.Context(), costly())
	require.Error(t, err)
	requireBooked(t, budget, "0.3", 80)
}

func TestBudgetOfTokensAloneNeedsNoPrice(t *testing.T) {
	t.Parallel()
	budget, _ := setup(t, reporting(llm.Usage{PromptTokens: 10, CompletionTokens: 20, CostUSD: usd("0.5")}), func(c *llm.BudgetConfig) {
		c.Daily, c.Prices = llm.Limits{Tokens: 1030}, nil
	})
	for range 2 {
		_, err := budget.Complete(t.Context(), costly())
		require.NoError(t, err)
	}
	requireBooked(t, budget, "1", 60)
	_, err := budget.Complete(t.Context(), costly())
	require.ErrorIs(t, err, llm.ErrBudget)
}

func TestBudgetStartsAnewWithTheUTCDay(t *testing.T) {
	t.Parallel()
	now := noon
	budget, _ := setup(t, reporting(llm.Usage{}), func(c *llm.BudgetConfig) {
		c.Daily.USD, c.Now = usd("1"), func() time.Time { return now }
	})
	_, err := budget.Complete(t.Context(), costly())
	require.NoError(t, err)
	_, err = budget.Complete(t.Context(), costly())
	require.ErrorIs(t, err, llm.ErrBudget)
	now = now.Add(90 * time.Minute)
	_, err = budget.Complete(t.Context(), costly())
	require.NoError(t, err)
}

func TestAnEndedContextReservesNothing(t *testing.T) {
	t.Parallel()
	calls := 0
	budget, _ := setup(t, counting(&calls), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := budget.Complete(ctx, costly())
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, calls)
	requireBooked(t, budget, "0", 0)
}

func TestACallThatIsCancelledIsBookedAtItsBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		budget, _ := setup(t, llm.ClientFunc(hanging), nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := budget.Complete(ctx, costly())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		requireBooked(t, budget, "1", 1000)
	})
}

// strict is a ledger that honours its context, and may end another's.
type strict struct {
	*llm.MemoryLedger

	reserved func()
}

func (s strict) Reserve(ctx context.Context, r llm.Reservation) error {
	defer s.reserved()
	return errors.Join(ctx.Err(), s.MemoryLedger.Reserve(ctx, r))
}

func (s strict) Settle(ctx context.Context, id string, actual llm.Amount) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.MemoryLedger.Settle(ctx, id, actual)
}

func TestBudgetSettlesAfterTheCallsContextHasEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client := llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
		cancel()
		return llm.Response{Usage: llm.Usage{PromptTokens: 30, CompletionTokens: 50, CostUSD: usd("0.3")}}, nil
	})
	budget, _ := setup(t, client, func(c *llm.BudgetConfig) { c.Ledger = strict{llm.NewMemoryLedger(), func() {}} })
	_, err := budget.Complete(ctx, costly())
	require.NoError(t, err)
	requireBooked(t, budget, "0.3", 80)
}

func TestAContextThatEndsWhileTheLedgerWritesCostsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	budget, _ := setup(t, counting(&calls), func(c *llm.BudgetConfig) { c.Ledger = strict{llm.NewMemoryLedger(), cancel} })
	_, err := budget.Complete(ctx, costly())
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, calls)
	requireBooked(t, budget, "0", 0)
}

func TestACallThatPanicsIsBookedAtItsBound(t *testing.T) {
	t.Parallel()
	budget, _ := setup(t, llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) { panic("boom") }), nil)
	require.PanicsWithValue(t, "boom", func() { _, _ = budget.Complete(t.Context(), costly()) })
	requireBooked(t, budget, "1", 1000)
}

// While 64 callers ask at once, what is spent and reserved stays within the
// limit, and so does what the provider really charged.
func TestBudgetIsNeverExceededBy64Callers(t *testing.T) {
	t.Parallel()
	var running, most, charged atomic.Int64
	client := llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
		now := running.Add(1)
		defer running.Add(-1)
		for {
			seen := most.Load()
			if now <= seen || most.CompareAndSwap(seen, now) {
				break
			}
		}
		charged.Add(1)
		return llm.Response{Usage: llm.Usage{PromptTokens: 50, CompletionTokens: 50, CostUSD: usd("0.1")}}, nil
	})
	budget, ledger := setup(t, client, nil)
	var wait sync.WaitGroup
	for range 64 {
		wait.Go(func() {
			for range 20 {
				if _, err := budget.Complete(t.Context(), costly()); err != nil && !errors.Is(err, llm.ErrBudget) {
					t.Error(err)
				}
				for _, b := range ledger.Balances() {
					if total := b.Spent.Add(b.Reserved); total.USD.GreaterThan(decimal.NewFromInt(5)) {
						t.Errorf("%s spent and reserved of 5 USD", total.USD)
					}
				}
			}
		})
	}
	wait.Wait()
	require.LessOrEqual(t, most.Load(), int64(5), "5 USD pay 5 calls of 1 USD at once")
	balance, err := budget.Balance(t.Context(), "1")
	require.NoError(t, err)
	require.Equal(t, decimal.New(charged.Load(), -1).String(), balance.Spent.USD.String())
	require.GreaterOrEqual(t, charged.Load(), int64(41), "the last call starts while 1 USD is left")
}

func TestBudgetReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := llm.NewBudget(llm.BudgetConfig{SettleTimeout: -1, Prices: llm.Prices{"m": {PromptUSD: decimal.NewFromInt(-1)}}})
	require.EqualError(t, err, "llm: Client must be set\nLedger must be set\nDaily or Accounts must set a limit\n"+
		"SettleTimeout must be positive, was -1ns\nPrices[\"m\"]: prompt must be at least 0 and below 10^12")
	_, err = llm.NewBudget(llm.BudgetConfig{
		Client: answering(""), Ledger: llm.NewMemoryLedger(), Daily: llm.Limits{USD: usd("-1"), Tokens: -1},
		Accounts: map[string]llm.Limits{"a": {}},
	})
	require.EqualError(t, err, "llm: Daily.Tokens must be between 0 and 999999999999999, was -1\nDaily.USD must be at least 0 and below 10^12\n"+
		"Accounts[\"a\"] must set a limit")
}

func TestBudgetKeepsItsOwnCopyOfItsTables(t *testing.T) {
	t.Parallel()
	accounts := map[string]llm.Limits{"1": {USD: usd("5")}}
	var prices llm.Prices
	budget, _ := setup(t, answering("{}"), func(c *llm.BudgetConfig) { c.Accounts, prices = accounts, c.Prices })
	clear(accounts)
	clear(prices)
	_, err := budget.Complete(t.Context(), costly())
	require.NoError(t, err)
}

func ExampleBudget() {
	client := llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
		return llm.Response{Content: "{}", Usage: llm.Usage{
			PromptTokens: 3120, CompletionTokens: 1480, CostUSD: decimal.NewNullDecimal(decimal.RequireFromString("0.0076")),
		}}, nil
	})
	prices, err := llm.KnownPrices()
	if err != nil {
		fmt.Println(err)
		return
	}
	budget, err := llm.NewBudget(llm.BudgetConfig{
		Client: client, Ledger: llm.NewMemoryLedger(), Prices: prices,
		Daily: llm.Limits{USD: decimal.NewNullDecimal(decimal.RequireFromString("0.01"))},
		Now:   func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	req := llm.Request{
		Model: "x-ai/grok-4.3", Account: "1", MaxTokens: 2000,
		Messages: []llm.Message{{Role: llm.RoleUser, Content: strings.Repeat("x", 3000)}},
	}
	for range 2 {
		_, err := budget.Complete(context.Background(), req)
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// llm: budget: 0.0076 USD spent and 0 reserved of 0.01, the call may cost 0.00878; resets at 2026-11-22T00:00:00Z
}

func BenchmarkBudget(b *testing.B) {
	client := reporting(llm.Usage{PromptTokens: 30, CompletionTokens: 50, CostUSD: usd("0.0076")})
	b.Run("bare", func(b *testing.B) { benchmark(b, client) })
	b.Run("budget", func(b *testing.B) {
		budget, _ := setup(b, client, func(c *llm.BudgetConfig) {
			c.Daily.USD, c.Prices = usd("999999999999"), llm.Prices{"a": c.Prices["m"]}
		})
		benchmark(b, budget)
	})
}
