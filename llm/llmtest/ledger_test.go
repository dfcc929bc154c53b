package llmtest_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
)

// surviving is a sound ledger that lives on in memory when its process dies.
func surviving(testing.TB) (llm.Ledger, func() llm.Ledger) {
	ledger := llm.NewMemoryLedger()
	return ledger, func() llm.Ledger {
		for _, r := range ledger.Open() {
			_ = ledger.Settle(context.Background(), r.ID, r.Bound)
		}
		return ledger
	}
}

func TestRunLedgerPassesASoundLedger(t *testing.T) {
	t.Parallel()
	llmtest.RunLedger(t, surviving)
}

// flawed is a sound ledger with one method spoilt.
type flawed struct {
	llm.Ledger
	reserve func(context.Context, llm.Ledger, llm.Reservation) error
	settle  func(context.Context, llm.Ledger, string, llm.Amount) error
	balance func(llm.Balance) llm.Balance
}

func (f flawed) Reserve(ctx context.Context, r llm.Reservation) error {
	if f.reserve != nil {
		return f.reserve(ctx, f.Ledger, r)
	}
	return f.Ledger.Reserve(ctx, r)
}

func (f flawed) Settle(ctx context.Context, id string, actual llm.Amount) error {
	if f.settle != nil {
		return f.settle(ctx, f.Ledger, id, actual)
	}
	return f.Ledger.Settle(ctx, id, actual)
}

func (f flawed) Balance(ctx context.Context, account, day string) (llm.Balance, error) {
	b, err := f.Ledger.Balance(ctx, account, day)
	if f.balance != nil {
		b = f.balance(b)
	}
	return b, err
}

// flaws is what a ledger may get wrong; the second value is what a crash does.
func flaws() map[string]llmtest.OpenLedger {
	spoil := func(flaw flawed) llmtest.OpenLedger {
		return func(tb testing.TB) (llm.Ledger, func() llm.Ledger) {
			tb.Helper()
			flaw.Ledger = llm.NewMemoryLedger()
			return flaw, nil
		}
	}
	return map[string]llmtest.OpenLedger{
		"has no limits": spoil(flawed{reserve: func(ctx context.Context, l llm.Ledger, r llm.Reservation) error {
			r.Limits = llm.Limits{}
			return l.Reserve(ctx, r)
		}}),
		"forgets what is reserved": spoil(flawed{reserve: func(ctx context.Context, l llm.Ledger, r llm.Reservation) error {
			r.Bound = llm.Amount{}
			return l.Reserve(ctx, r)
		}}),
		"clamps a settlement": spoil(flawed{settle: func(ctx context.Context, l llm.Ledger, id string, actual llm.Amount) error {
			actual.USD = decimal.Min(actual.USD, decimal.NewFromInt(10))
			return l.Settle(ctx, id, actual)
		}}),
		"settles twice": spoil(flawed{settle: func(ctx context.Context, l llm.Ledger, id string, actual llm.Amount) error {
			if err := l.Settle(ctx, id, actual); err != nil {
				return err
			}
			r := llm.Reservation{ID: "again", Account: "1", Day: llmtest.LedgerDay}
			if err := l.Reserve(ctx, r); err != nil {
				return err
			}
			return l.Settle(ctx, "again", actual)
		}}),
		"mixes accounts": spoil(flawed{reserve: func(ctx context.Context, l llm.Ledger, r llm.Reservation) error {
			r.Account = "1"
			return l.Reserve(ctx, r)
		}}),
		"mixes days": spoil(flawed{reserve: func(ctx context.Context, l llm.Ledger, r llm.Reservation) error {
			r.Day = llmtest.LedgerDay
			return l.Reserve(ctx, r)
		}}),
		"rounds": spoil(flawed{balance: func(b llm.Balance) llm.Balance {
			b.Spent.USD = b.Spent.USD.Round(6)
			return b
		}}),
		"looks and then reserves": func(testing.TB) (llm.Ledger, func() llm.Ledger) {
			return flawed{Ledger: llm.NewMemoryLedger(), reserve: func(ctx context.Context, l llm.Ledger, r llm.Reservation) error {
				balance, err := l.Balance(ctx, r.Account, r.Day)
				if err != nil {
					return err
				}
				if err := r.Check(balance); err != nil {
					return err
				}
				<-time.After(5 * time.Millisecond) // in which the other callers look too
				r.Limits = llm.Limits{}
				return l.Reserve(ctx, r)
			}}, nil
		},
		"gives open reservations back after a crash": func(testing.TB) (llm.Ledger, func() llm.Ledger) {
			ledger := llm.NewMemoryLedger()
			return ledger, func() llm.Ledger {
				for _, r := range ledger.Open() {
					_ = ledger.Settle(context.Background(), r.ID, llm.Amount{})
				}
				return ledger
			}
		},
		"is empty after a crash": func(testing.TB) (llm.Ledger, func() llm.Ledger) {
			return llm.NewMemoryLedger(), func() llm.Ledger { return llm.NewMemoryLedger() }
		},
	}
}

const flawVariable = "LLMTEST_FLAWED_LEDGER"

// TestRunLedgerOnAFlawedLedger fails on purpose, and runs only in the process
// that the test below starts.
func TestRunLedgerOnAFlawedLedger(t *testing.T) {
	t.Parallel()
	open, found := flaws()[os.Getenv(flawVariable)]
	if !found {
		t.Skip("only as a child of TestRunLedgerRefusesEveryFlawedLedger")
	}
	llmtest.RunLedger(t, open)
}

func TestRunLedgerRefusesEveryFlawedLedger(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	require.NoError(t, err)
	for name := range flaws() {
		child := exec.CommandContext(t.Context(), program, "-test.run=^TestRunLedgerOnAFlawedLedger$", "-test.v", "-test.timeout=60s")
		child.Env = append(os.Environ(), flawVariable+"="+name)
		out, err := child.CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, "a ledger that %s passed:\n%s", name, out)
		require.Contains(t, string(out), "--- FAIL: TestRunLedgerOnAFlawedLedger/", "%s:\n%s", name, out)
	}
}
