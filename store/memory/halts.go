package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
)

var _ store.Halts = (*Store)(nil)

// SetHalt turns a kill switch on or off, as store.Halts says. It is an error
// to halt more than store.MaxHalts accounts one by one. Halts are never
// forgotten to make room.
func (s *Store) SetHalt(ctx context.Context, accountID string, h *decision.Halt) error {
	if err := store.CheckHalt(accountID, h); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memory: set halt: %w", err)
	}
	if h == nil {
		delete(s.halts, accountID)
		return nil
	}
	if _, on := s.halts[accountID]; !on && accountID != "" && s.haltedAccounts() >= store.MaxHalts {
		return fmt.Errorf("memory: set halt: at most %d accounts can be halted one by one: halt every account instead", store.MaxHalts)
	}
	kept := *h
	kept.At = h.At.UTC()
	s.halts[accountID] = kept
	return nil
}

// haltedAccounts counts the switches apart from the global one.
func (s *Store) haltedAccounts() int {
	n := len(s.halts)
	if _, global := s.halts[""]; global {
		n--
	}
	return n
}

// Halted is the halt that holds for the account, as store.Halts says.
func (s *Store) Halted(ctx context.Context, accountID string) (*decision.Halt, error) {
	if err := store.CheckHalt(accountID, nil); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memory: halted: %w", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, id := range [...]string{"", accountID} {
		if h, on := s.halts[id]; on {
			return &h, nil
		}
	}
	return nil, nil
}

// Halts lists every switch that is on, as store.Halts says.
func (s *Store) Halts(ctx context.Context) ([]decision.Halt, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memory: halts: %w", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]decision.Halt, 0, len(s.halts))
	for _, h := range s.halts {
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b decision.Halt) int { return cmp.Compare(a.AccountID, b.AccountID) })
	return all, nil
}
