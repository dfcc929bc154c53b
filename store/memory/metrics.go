package memory

import (
	"context"
	"fmt"
	"slices"

	"github.com/ballast-go/ballast/store"
)

var _ store.Metrics = (*Store)(nil)

// DecisionMetrics is as store.Metrics says.
func (s *Store) DecisionMetrics(ctx context.Context, accountID string, span store.Span) (store.DecisionMetrics, error) {
	f := store.Filter{AccountID: accountID, Since: span.Since, Until: span.Until}
	if err := f.Validate(); err != nil {
		return store.DecisionMetrics{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return store.DecisionMetrics{}, fmt.Errorf("memory: decision metrics: %w", err)
	}
	var sums store.DecisionSums
	trades := map[string]store.TradeSums{}
	for _, e := range s.queue {
		if !f.Matches(e.record) {
			continue
		}
		d := s.deeds[e.row.ID]
		sums.Decision(e.row, d != nil && len(d.fills) > 0)
		if d == nil {
			continue
		}
		for _, o := range d.outcomes {
			trades[o.Asset] = trades[o.Asset].Trade(o)
		}
	}
	return sums.Metrics(store.Summary(trades)), nil
}

// StrategyPerformance is as store.Metrics says.
func (s *Store) StrategyPerformance(ctx context.Context, strategyID, accountID string, span store.Span) (store.StrategyPerformance, error) {
	f := store.Filter{AccountID: accountID, StrategyID: strategyID}
	if err := f.Validate(); err != nil {
		return store.StrategyPerformance{}, err
	}
	if err := span.Validate(); err != nil {
		return store.StrategyPerformance{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return store.StrategyPerformance{}, fmt.Errorf("memory: strategy performance: %w", err)
	}
	var trades []store.Outcome
	for _, o := range s.outcomes {
		e := s.byID[o.DecisionID]
		if e.row.StrategyID == strategyID && f.Matches(e.record) && span.Contains(o.ClosedAt) {
			trades = append(trades, o)
		}
	}
	slices.SortFunc(trades, store.ByClosing)
	var fall store.Drawdown
	for _, o := range trades {
		fall.Trade(o.PnLUSD)
	}
	return store.Performance(store.SumTrades(trades), fall.MaxUSD()), nil
}
