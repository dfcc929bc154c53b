package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
)

// maxDeeds bounds the fills and outcomes of all decisions.
const maxDeeds = 1_000_000

// deeds are what became of a decision.
type deeds struct {
	fills    []store.Fill    // in order
	outcomes []store.Outcome // in order
}

func (d *deeds) executedAt() time.Time {
	if len(d.fills) == 0 {
		return time.Time{}
	}
	return d.fills[0].At
}

var _ store.Outcomes = (*Store)(nil)

// AddFill is as store.Outcomes says.
func (s *Store) AddFill(ctx context.Context, f store.Fill) error {
	if err := f.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, d, err := s.deed(ctx, f.DecisionID, f.Asset)
	if err != nil {
		return err
	}
	f = f.Normal()
	if kept, taken := s.fills[f.Key]; taken {
		return sameDeed("fill", f.Key, kept.Equal(f))
	}
	s.fills[f.Key] = f
	d.fills = insertSorted(d.fills, f, func(a, b store.Fill) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Key, b.Key)) })
	return nil
}

// AddOutcome is as store.Outcomes says.
func (s *Store) AddOutcome(ctx context.Context, o store.Outcome) error {
	if err := o.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, d, err := s.deed(ctx, o.DecisionID, o.Asset)
	if err != nil {
		return err
	}
	o = o.Normal(e.row.At)
	if kept, taken := s.outcomes[o.Key]; taken {
		return sameDeed("outcome", o.Key, kept.Equal(o))
	}
	s.outcomes[o.Key] = o
	d.outcomes = insertSorted(d.outcomes, o, store.ByClosing)
	return nil
}

// Fills is as store.Outcomes says.
func (s *Store) Fills(ctx context.Context, decisionID string) ([]store.Fill, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memory: fills: %w", err)
	}
	if s.byID[decisionID] == nil {
		return nil, fmt.Errorf("%w: %.128q", store.ErrNotFound, decisionID)
	}
	if d := s.deeds[decisionID]; d != nil {
		return slices.Clone(d.fills), nil
	}
	return nil, nil
}

// deed finds a decision that names the asset, and where its deeds are kept;
// s.mu is held.
func (s *Store) deed(ctx context.Context, id, asset string) (*entry, *deeds, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, fmt.Errorf("memory: add: %w", err)
	}
	e := s.byID[id]
	if e == nil {
		return nil, nil, fmt.Errorf("%w: %.128q", store.ErrNotFound, id)
	}
	if !slices.ContainsFunc(e.row.Decision.Decisions, func(d decision.AssetDecision) bool { return d.Asset == asset }) {
		return nil, nil, fmt.Errorf("%w: asset %.40q of decision %.128q", store.ErrNotFound, asset, id)
	}
	if len(s.fills)+len(s.outcomes) >= maxDeeds {
		return nil, nil, fmt.Errorf("memory: add: at most %d fills and outcomes are kept", maxDeeds)
	}
	if s.deeds[id] == nil {
		s.deeds[id] = &deeds{}
	}
	return e, s.deeds[id], nil
}

func (s *Store) forgetDeeds(id string) {
	d := s.deeds[id]
	if d == nil {
		return
	}
	for _, f := range d.fills {
		delete(s.fills, f.Key)
	}
	for _, o := range d.outcomes {
		delete(s.outcomes, o.Key)
	}
	delete(s.deeds, id)
}

func sameDeed(kind, key string, same bool) error {
	if same {
		return nil
	}
	return fmt.Errorf("%w: %s %q", store.ErrConflict, kind, key)
}

func insertSorted[T any](list []T, v T, compare func(a, b T) int) []T {
	at, _ := slices.BinarySearchFunc(list, v, compare)
	return slices.Insert(list, at, v)
}
