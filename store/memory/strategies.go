package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
)

// Bounds of what is never forgotten.
const (
	maxVersions    = 100_000
	maxAssignments = 1_000_000
)

var (
	_ store.Strategies  = (*Store)(nil)
	_ store.Assignments = (*Store)(nil)
)

// SaveStrategy is as store.Strategies says.
func (s *Store) SaveStrategy(ctx context.Context, strategy decision.Strategy, at time.Time) (string, error) {
	if err := store.CheckStrategy(strategy, at); err != nil {
		return "", err
	}
	hash, err := strategy.Hash()
	if err != nil {
		return "", fmt.Errorf("memory: save strategy: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("memory: save strategy: %w", err)
	}
	versions := s.strategies[strategy.ID]
	if i := slices.IndexFunc(versions, func(v store.SavedStrategy) bool { return v.Hash == hash }); i >= 0 {
		kept := versions[i]
		s.strategies[strategy.ID] = append(slices.Delete(versions, i, i+1), kept)
		return hash, nil
	}
	if s.versions >= maxVersions {
		return "", fmt.Errorf("memory: save strategy: at most %d versions are kept", maxVersions)
	}
	s.versions++
	s.strategies[strategy.ID] = append(versions, store.SavedStrategy{
		Strategy: cloneStrategy(strategy), Hash: hash, SavedAt: at.UTC().Truncate(time.Microsecond),
	})
	return hash, nil
}

func cloneStrategy(s decision.Strategy) decision.Strategy {
	s.TimeframePreference = slices.Clone(s.TimeframePreference)
	return s
}

func cloneSaved(s store.SavedStrategy) store.SavedStrategy {
	s.Strategy = cloneStrategy(s.Strategy)
	return s
}

// Strategy is as store.Strategies says.
func (s *Store) Strategy(ctx context.Context, id, hash string) (store.SavedStrategy, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return store.SavedStrategy{}, fmt.Errorf("memory: strategy: %w", err)
	}
	for _, v := range slices.Backward(s.strategies[id]) {
		if hash == "" || v.Hash == hash {
			return cloneSaved(v), nil
		}
	}
	return store.SavedStrategy{}, fmt.Errorf("%w: strategy %.64q, version %.64q", store.ErrNotFound, id, hash)
}

// Strategies is as store.Strategies says.
func (s *Store) Strategies(ctx context.Context) ([]store.SavedStrategy, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memory: strategies: %w", err)
	}
	all := make([]store.SavedStrategy, 0, len(s.strategies))
	for _, id := range slices.Sorted(maps.Keys(s.strategies)) {
		versions := s.strategies[id]
		all = append(all, cloneSaved(versions[len(versions)-1]))
	}
	return all, nil
}

// Assign is as store.Assignments says.
func (s *Store) Assign(ctx context.Context, a store.Assignment) (store.Assignment, error) {
	if err := a.Validate(); err != nil {
		return store.Assignment{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return store.Assignment{}, fmt.Errorf("memory: assign: %w", err)
	}
	if s.assigned >= maxAssignments {
		return store.Assignment{}, fmt.Errorf("memory: assign: at most %d assignments are kept", maxAssignments)
	}
	if _, err := s.account(a.AccountID); err != nil {
		return store.Assignment{}, err
	}
	s.assigned++
	var previous store.Assignment
	before := s.assignments[a.AccountID]
	if len(before) > 0 {
		previous = before[len(before)-1]
	}
	s.assignments[a.AccountID] = append(before, a.Normal())
	return previous, nil
}

// Assigned is as store.Assignments says.
func (s *Store) Assigned(ctx context.Context, accountID string) (store.Assignment, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return store.Assignment{}, fmt.Errorf("memory: assigned: %w", err)
	}
	all := s.assignments[accountID]
	if len(all) == 0 {
		return store.Assignment{}, fmt.Errorf("%w: a strategy of account %.100q", store.ErrNotFound, accountID)
	}
	return all[len(all)-1], nil
}

// Assignments is as store.Assignments says.
func (s *Store) Assignments(ctx context.Context, accountID string) ([]store.Assignment, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memory: assignments: %w", err)
	}
	all := slices.Clone(s.assignments[accountID])
	slices.Reverse(all)
	return all, nil
}
