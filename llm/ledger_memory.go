package llm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Bounds of a MemoryLedger. At a bound it refuses, rather than forget what was
// spent.
const (
	maxOpenReservations = 100_000
	maxBalances         = 100_000
	keptDays            = 8
)

// MemoryLedger is a Ledger that forgets with its process: a crash sets every
// budget back. It keeps the eight latest days. Its methods neither block nor
// look at their context.
type MemoryLedger struct {
	mu       sync.Mutex
	balances map[balanceKey]*Balance
	open     map[string]Reservation
	days     []string // of balances, in order
}

type balanceKey struct{ account, day string }

var _ Ledger = (*MemoryLedger)(nil)

// NewMemoryLedger is an empty ledger.
func NewMemoryLedger() *MemoryLedger {
	return &MemoryLedger{balances: make(map[balanceKey]*Balance), open: make(map[string]Reservation)}
}

// Reserve is as Ledger says.
func (l *MemoryLedger) Reserve(_ context.Context, r Reservation) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, taken := l.open[r.ID]; taken {
		return fmt.Errorf("llm: reservation %.128q exists", r.ID)
	}
	if len(l.open) >= maxOpenReservations {
		return fmt.Errorf("llm: %d reservations are open, the most that are kept", len(l.open))
	}
	key := balanceKey{r.Account, r.Day}
	balance, known := l.balances[key]
	if !known {
		balance = &Balance{Account: r.Account, Day: r.Day}
	}
	if err := r.Check(*balance); err != nil {
		return err
	}
	if !known {
		if err := l.keep(key, balance); err != nil {
			return err
		}
	}
	balance.Reserved = balance.Reserved.Add(r.Bound)
	l.open[r.ID] = r
	return nil
}

// keep adds a balance, and forgets the earliest day when there are too many.
func (l *MemoryLedger) keep(key balanceKey, balance *Balance) error {
	at, known := slices.BinarySearch(l.days, key.day)
	switch {
	case known:
	case len(l.days) < keptDays:
		l.days = slices.Insert(l.days, at, key.day)
	case at == 0:
		return fmt.Errorf("llm: day %s is before those that the ledger keeps, which begin with %s", key.day, l.days[0])
	default:
		l.forget(l.days[0])
		l.days = slices.Insert(l.days[1:], at-1, key.day)
	}
	if len(l.balances) >= maxBalances {
		return errors.New("llm: the ledger is full")
	}
	l.balances[key] = balance
	return nil
}

func (l *MemoryLedger) forget(day string) {
	for key := range l.balances {
		if key.day == day {
			delete(l.balances, key)
		}
	}
	for id, r := range l.open {
		if r.Day == day {
			delete(l.open, id)
		}
	}
}

// Settle is as Ledger says.
func (l *MemoryLedger) Settle(_ context.Context, id string, actual Amount) error {
	if err := actual.Validate(); err != nil {
		return fmt.Errorf("llm: settlement: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r, open := l.open[id]
	if !open {
		return nil
	}
	delete(l.open, id)
	balance := l.balances[balanceKey{r.Account, r.Day}]
	balance.Reserved = balance.Reserved.Sub(r.Bound)
	balance.Spent = balance.Spent.Add(actual)
	return nil
}

// Balance is as Ledger says.
func (l *MemoryLedger) Balance(_ context.Context, account, day string) (Balance, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if balance, known := l.balances[balanceKey{account, day}]; known {
		return *balance, nil
	}
	return Balance{Account: account, Day: day}, nil
}

// Balances lists what the ledger keeps, by day and account.
func (l *MemoryLedger) Balances() []Balance {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]Balance, 0, len(l.balances))
	for _, balance := range l.balances {
		list = append(list, *balance)
	}
	slices.SortFunc(list, func(a, b Balance) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Account, b.Account))
	})
	return list
}

// Open lists the reservations that have not settled, by id.
func (l *MemoryLedger) Open() []Reservation {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]Reservation, 0, len(l.open))
	for _, r := range l.open {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b Reservation) int { return cmp.Compare(a.ID, b.ID) })
	return list
}
