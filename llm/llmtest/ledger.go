package llmtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/llm"
)

// OpenLedger makes an empty ledger for one subtest and registers its cleanup.
// crash, nil for a ledger that does not survive its process, abandons the
// ledger as a dead process would and returns what the next one finds.
type OpenLedger func(tb testing.TB) (ledger llm.Ledger, crash func() llm.Ledger)

// RunLedger checks every promise of llm.Ledger, one subtest each.
func RunLedger(t *testing.T, open OpenLedger) {
	t.Helper()
	for _, promise := range []struct {
		name  string
		check func(*books)
	}{
		{"what settles is spent", settles},
		{"what exceeds a limit is refused and holds nothing back", refuses},
		{"a settlement may exceed its reservation", exceeds},
		{"only the first settlement counts", settlesOnce},
		{"an open id cannot be reserved again", reservesOnce},
		{"accounts and days are apart", keepsApart},
		{"an invalid amount or reservation is an error", refusesInvalid},
		{"decimals keep every digit", keepsDigits},
		{"64 callers at once never exceed the limit", concurrent},
		{"any order of calls gives the same sums", walks},
		{"a crash costs what was reserved", crashes},
	} {
		t.Run(promise.name, func(t *testing.T) {
			ledger, crash := open(t)
			promise.check(&books{T: t, ledger: ledger, crash: crash})
		})
	}
}

// LedgerDay is the day on which RunLedger reserves.
const LedgerDay = "2026-11-21"

// books is a ledger under test, with the checks that need no word.
type books struct {
	*testing.T
	ledger llm.Ledger
	crash  func() llm.Ledger
}

func amount(usd string, tokens int64) llm.Amount {
	return llm.Amount{USD: decimal.RequireFromString(usd), Tokens: tokens}
}

func hold(id, usd string, tokens int64) llm.Reservation {
	return llm.Reservation{
		ID: id, Account: "1", Day: LedgerDay, Bound: amount(usd, tokens),
		Limits: llm.Limits{USD: decimal.NewNullDecimal(decimal.NewFromInt(10)), Tokens: 1000},
	}
}

func (b *books) reserve(r llm.Reservation) {
	b.Helper()
	if err := b.ledger.Reserve(b.Context(), r); err != nil {
		b.Fatalf("Reserve %s: %v", r.ID, err)
	}
}

func (b *books) settle(id string, actual llm.Amount) {
	b.Helper()
	if err := b.ledger.Settle(b.Context(), id, actual); err != nil {
		b.Fatalf("Settle %s: %v", id, err)
	}
}

func (b *books) balance(account, day string) llm.Balance {
	b.Helper()
	balance, err := b.ledger.Balance(b.Context(), account, day)
	if err != nil {
		b.Fatalf("Balance: %v", err)
	}
	if balance.Account != account || balance.Day != day {
		b.Errorf("the balance is of %q on %q, want %q on %q", balance.Account, balance.Day, account, day)
	}
	return balance
}

func (b *books) holds(spent, reserved llm.Amount) {
	b.Helper()
	balance := b.balance("1", LedgerDay)
	if !same(balance.Spent, spent) || !same(balance.Reserved, reserved) {
		b.Fatalf("spent %s and reserved %s, want %s and %s", show(balance.Spent), show(balance.Reserved), show(spent), show(reserved))
	}
}

func same(a, b llm.Amount) bool { return a.USD.Equal(b.USD) && a.Tokens == b.Tokens }

func show(a llm.Amount) string { return fmt.Sprintf("%s USD / %d tokens", a.USD, a.Tokens) }

func settles(b *books) {
	b.holds(llm.Amount{}, llm.Amount{})
	b.reserve(hold("a", "2", 100))
	b.reserve(hold("b", "3", 200))
	b.holds(llm.Amount{}, amount("5", 300))
	b.settle("a", amount("0.5", 40))
	b.holds(amount("0.5", 40), amount("3", 200))
	b.settle("b", llm.Amount{})
	b.holds(amount("0.5", 40), llm.Amount{})
}

func refuses(b *books) {
	b.reserve(hold("a", "4", 400))
	b.settle("a", amount("3", 300))
	b.reserve(hold("b", "5", 500))
	for name, r := range map[string]llm.Reservation{"USD": hold("c", "2.000000001", 1), "tokens": hold("c", "0", 201)} {
		err := b.ledger.Reserve(b.Context(), r)
		var refusal *llm.BudgetError
		if !errors.As(err, &refusal) || !errors.Is(err, llm.ErrBudget) {
			b.Fatalf("over the limit of %s: got %v, want a *llm.BudgetError", name, err)
		}
		if refusal.Account != "1" || refusal.Reason != llm.BudgetExhausted || !same(refusal.Spent, amount("3", 300)) ||
			!same(refusal.Reserved, amount("5", 500)) || !same(refusal.Asked, r.Bound) || refusal.ResetsAt.Format("2006-01-02") != "2026-11-22" {
			b.Errorf("the refusal over %s says %+v", name, refusal)
		}
	}
	b.holds(amount("3", 300), amount("5", 500))
	b.reserve(hold("c", "2", 200)) // up to the limit exactly
	unlimited := hold("d", "7", 9000)
	unlimited.Limits = llm.Limits{}
	b.reserve(unlimited)
}

func exceeds(b *books) {
	b.reserve(hold("a", "1", 10))
	b.settle("a", amount("12.5", 2000))
	b.holds(amount("12.5", 2000), llm.Amount{})
	if err := b.ledger.Reserve(b.Context(), hold("b", "0", 0)); !errors.Is(err, llm.ErrBudget) {
		b.Errorf("beyond the limit even a free call: got %v, want llm.ErrBudget", err)
	}
}

func settlesOnce(b *books) {
	b.reserve(hold("a", "1", 10))
	b.settle("a", amount("0.25", 5))
	b.settle("a", amount("9", 900))
	b.settle("never reserved", amount("9", 900))
	b.holds(amount("0.25", 5), llm.Amount{})
}

func reservesOnce(b *books) {
	b.reserve(hold("a", "1", 10))
	if err := b.ledger.Reserve(b.Context(), hold("a", "1", 10)); err == nil || errors.Is(err, llm.ErrBudget) {
		b.Errorf("the same id again: got %v, want an error that is not llm.ErrBudget", err)
	}
	b.holds(llm.Amount{}, amount("1", 10))
}

func keepsApart(b *books) {
	b.reserve(hold("a", "9", 10))
	other, next := hold("b", "9", 20), hold("c", "9", 30)
	other.Account, next.Day = "2", "2026-11-22"
	b.reserve(other)
	b.reserve(next)
	b.settle("a", amount("1", 1)) // on its own day, though another has begun
	b.holds(amount("1", 1), llm.Amount{})
	if got := b.balance("2", LedgerDay); !same(got.Reserved, other.Bound) {
		b.Errorf("account 2 reserved %s", show(got.Reserved))
	}
	if got := b.balance("1", "2026-11-22"); !same(got.Reserved, next.Bound) || !same(got.Spent, llm.Amount{}) {
		b.Errorf("the next day has spent %s and reserved %s", show(got.Spent), show(got.Reserved))
	}
}

func refusesInvalid(b *books) {
	for name, change := range map[string]func(*llm.Reservation){
		"no id":            func(r *llm.Reservation) { r.ID = "" },
		"no day":           func(r *llm.Reservation) { r.Day = "" },
		"no date":          func(r *llm.Reservation) { r.Day = "2026-02-30" },
		"negative USD":     func(r *llm.Reservation) { r.Bound = amount("-0.01", 0) },
		"negative tokens":  func(r *llm.Reservation) { r.Bound.Tokens = -1 },
		"a huge exponent":  func(r *llm.Reservation) { r.Bound.USD = decimal.New(1, 1_000_000_000) },
		"a small exponent": func(r *llm.Reservation) { r.Bound.USD = decimal.New(1, -1_000_000_000) },
		"a huge account":   func(r *llm.Reservation) { r.Account = string(make([]byte, 10_000)) },
	} {
		r := hold("x", "1", 1)
		change(&r)
		if err := b.ledger.Reserve(b.Context(), r); err == nil || errors.Is(err, llm.ErrBudget) {
			b.Errorf("%s: got %v, want an error that is not llm.ErrBudget", name, err)
		}
	}
	b.reserve(hold("a", "1", 1))
	if err := b.ledger.Settle(b.Context(), "a", amount("-1", 0)); err == nil {
		b.Error("a negative settlement was taken")
	}
	b.holds(llm.Amount{}, amount("1", 1))
}

func keepsDigits(b *books) {
	b.reserve(hold("a", "0.000000000000000001", 1))
	b.settle("a", amount("0.000000000000000001", 1))
	b.reserve(hold("b", "9.999999999999999999", 1))
	b.holds(amount("0.000000000000000001", 1), amount("9.999999999999999999", 1))
}

func concurrent(b *books) {
	var wait sync.WaitGroup
	begin := make(chan struct{})
	for caller := range 64 {
		wait.Go(func() {
			<-begin
			call(b, caller)
		})
	}
	close(begin)
	wait.Wait()
	got := b.balance("1", LedgerDay)
	if !same(got.Reserved, llm.Amount{}) || got.Spent.Tokens%10 != 0 || !got.Spent.USD.Equal(decimal.New(got.Spent.Tokens, -2)) {
		b.Errorf("at the end: spent %s, reserved %s", show(got.Spent), show(got.Reserved))
	}
}

// call watches the balance while it reserves, settles below the bound, and is
// refused.
func call(b *books, caller int) {
	for n := range 5 {
		id := fmt.Sprintf("%d.%d", caller, n)
		if err := b.ledger.Reserve(b.Context(), hold(id, "0.4", 30)); err != nil {
			if !errors.Is(err, llm.ErrBudget) {
				b.Errorf("Reserve: %v", err)
			}
			continue
		}
		got, err := b.ledger.Balance(b.Context(), "1", LedgerDay)
		if total := got.Spent.Add(got.Reserved); err != nil || total.USD.GreaterThan(decimal.NewFromInt(10)) || total.Tokens > 1000 {
			b.Errorf("%s spent and reserved, error %v", show(total), err)
		}
		if err := b.ledger.Settle(b.Context(), id, amount("0.1", 10)); err != nil {
			b.Errorf("Settle: %v", err)
		}
	}
}

func walks(b *books) {
	random := rand.New(rand.NewPCG(1, 2))
	want, open := llm.Balance{}, map[string]llm.Amount{}
	for step := range 400 {
		id := fmt.Sprint(random.IntN(20))
		bound, held := open[id]
		if held {
			actual := llm.Amount{USD: decimal.New(random.Int64N(60), -2), Tokens: random.Int64N(60)}
			b.settle(id, actual)
			delete(open, id)
			want.Reserved, want.Spent = want.Reserved.Sub(bound), want.Spent.Add(actual)
		} else {
			r := hold(id, "0", 0)
			r.Bound = llm.Amount{USD: decimal.New(random.Int64N(100), -2), Tokens: random.Int64N(100)}
			admitted := r.Check(want) == nil
			if err := b.ledger.Reserve(b.Context(), r); (err == nil) != admitted {
				b.Fatalf("step %d: got %v with %s spent and %s reserved", step, err, show(want.Spent), show(want.Reserved))
			}
			if admitted {
				open[id] = r.Bound
				want.Reserved = want.Reserved.Add(r.Bound)
			}
		}
		b.holds(want.Spent, want.Reserved)
	}
}

// crashes kills the process between Reserve and Settle, again and again: what
// it might have spent stays counted.
func crashes(b *books) {
	if b.crash == nil {
		b.Skip("this ledger does not survive its process")
	}
	total := llm.Amount{}
	for i := range 12 {
		settled, lost := fmt.Sprintf("settled %d", i), fmt.Sprintf("lost %d", i)
		b.reserve(hold(settled, "0.5", 50))
		b.reserve(hold(lost, "0.25", 25))
		b.settle(settled, amount("0.5", 50))
		total = total.Add(amount("0.75", 75))
		b.ledger = b.crash()
		got := b.balance("1", LedgerDay)
		if !same(got.Spent.Add(got.Reserved), total) {
			b.Fatalf("after crash %d: spent %s and reserved %s, want %s in all", i+1, show(got.Spent), show(got.Reserved), show(total))
		}
		b.settle(settled, amount("5", 500)) // settled before: counts for nothing
		if again := b.balance("1", LedgerDay); !same(again.Spent, got.Spent) {
			b.Fatalf("settled again after a crash: spent %s, was %s", show(again.Spent), show(got.Spent))
		}
	}
	if err := b.ledger.Reserve(b.Context(), hold("last", "2", 1)); !errors.Is(err, llm.ErrBudget) {
		b.Errorf("after 9 of 10 USD: got %v, want llm.ErrBudget", err)
	}
}
