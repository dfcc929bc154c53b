package memory

import (
	"context"
	"fmt"

	"github.com/ballast-go/ballast/store"
)

// maxAccounts bounds accounts, which are never forgotten.
const maxAccounts = 100_000

// account is also the end of its chain.
type account struct {
	store.Account
	head store.Checkpoint
}

var _ store.Accounts = (*Store)(nil)

// account is the one with this id, made when it is new; s.mu is held.
func (s *Store) account(id string) (*account, error) {
	if a, known := s.accounts[id]; known {
		return a, nil
	}
	if len(s.numbered) >= maxAccounts {
		return nil, fmt.Errorf("memory: at most %d accounts are kept", maxAccounts)
	}
	a := &account{
		Account: store.Account{Number: int64(len(s.numbered)) + 1, ID: id, CreatedAt: s.config.Now().UTC()},
		head:    store.Checkpoint{AccountID: id, Hash: store.Genesis(id)},
	}
	s.accounts[id] = a
	s.numbered = append(s.numbered, a)
	return a, nil
}

// AddAccount is as store.Accounts says.
func (s *Store) AddAccount(ctx context.Context, id string) (store.Account, error) {
	if err := store.CheckAccountID(id); err != nil {
		return store.Account{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return store.Account{}, fmt.Errorf("memory: add account: %w", err)
	}
	a, err := s.account(id)
	if err != nil {
		return store.Account{}, err
	}
	return a.Account, nil
}

// Account is as store.Accounts says.
func (s *Store) Account(ctx context.Context, number int64, id string) (store.Account, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return store.Account{}, fmt.Errorf("memory: account: %w", err)
	}
	if number == 0 {
		if a, known := s.accounts[id]; known {
			return a.Account, nil
		}
		return store.Account{}, fmt.Errorf("%w: account %.100q", store.ErrNotFound, id)
	}
	if number < 1 || number > int64(len(s.numbered)) {
		return store.Account{}, fmt.Errorf("%w: account number %d", store.ErrNotFound, number)
	}
	return s.numbered[number-1].Account, nil
}

// Accounts is as store.Accounts says.
func (s *Store) Accounts(ctx context.Context) ([]store.Account, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memory: accounts: %w", err)
	}
	all := make([]store.Account, len(s.numbered))
	for i, a := range s.numbered {
		all[i] = a.Account
	}
	return all, nil
}
