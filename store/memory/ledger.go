package memory

import (
	"context"
	"fmt"

	"github.com/ballast-go/ballast/llm"
)

var _ llm.Ledger = (*Store)(nil)

// Reserve is as llm.Ledger says. What llm.MemoryLedger bounds is bounded.
func (s *Store) Reserve(ctx context.Context, r llm.Reservation) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memory: reserve: %w", err)
	}
	return s.ledger.Reserve(ctx, r)
}

// Settle is as llm.Ledger says.
func (s *Store) Settle(ctx context.Context, id string, actual llm.Amount) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memory: settle: %w", err)
	}
	return s.ledger.Settle(ctx, id, actual)
}

// Balance is as llm.Ledger says.
func (s *Store) Balance(ctx context.Context, account, day string) (llm.Balance, error) {
	if err := ctx.Err(); err != nil {
		return llm.Balance{}, fmt.Errorf("memory: balance: %w", err)
	}
	return s.ledger.Balance(ctx, account, day)
}
