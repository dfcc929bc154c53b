package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/store"
)

// tallySQL counts the decisions d that a condition selects: kind, value and
// how many have it. Amounts come as different values with their numbers, so
// that Go has few to add up.
const tallySQL = `
WITH d AS MATERIALIZED (SELECT d.id, d.executed, d.is_valid, d.cached, d.source, d.model_used, d.generation_time_ms, d.cost_usd FROM decisions d`

const talliesSQL = `)
SELECT 'decisions', '', count(*) FROM d
UNION ALL SELECT 'executed', '', count(*) FROM d WHERE executed
UNION ALL SELECT 'valid', '', count(*) FROM d WHERE is_valid
UNION ALL SELECT 'cached', '', count(*) FROM d WHERE cached
UNION ALL SELECT 'fallback', '', count(*) FROM d WHERE source = 'fallback'
UNION ALL SELECT 'model', model_used, count(*) FROM d WHERE model_used <> '' GROUP BY model_used
UNION ALL SELECT 'took', generation_time_ms, count(*) FROM d WHERE generation_time_ms IS NOT NULL GROUP BY generation_time_ms
UNION ALL SELECT 'cost', cost_usd, count(*) FROM d WHERE cost_usd IS NOT NULL GROUP BY cost_usd
UNION ALL SELECT 'confidence', x.confidence, count(*) FROM d CROSS JOIN asset_decisions x ON x.decision_id = d.id WHERE x.action <> 'hold' GROUP BY x.confidence
UNION ALL SELECT CASE WHEN x.status = '' THEN 'answered' ELSE 'failed' END, '', count(*) FROM d CROSS JOIN llm_calls x ON x.decision_id = d.id GROUP BY x.status = ''`

// DecisionMetrics sums up decisions, and the outcomes of theirs.
func (s *Store) DecisionMetrics(ctx context.Context, accountID string, span store.Span) (store.DecisionMetrics, error) {
	f := store.Filter{AccountID: accountID, Since: span.Since, Until: span.Until}
	if err := f.Validate(); err != nil {
		return store.DecisionMetrics{}, err
	}
	var sums store.DecisionSums
	byAsset := make(map[string]store.TradeSums)
	err := s.view(ctx, func(q querier) error {
		sel, err := selection(ctx, q, f)
		if err != nil {
			return err
		}
		if sums, err = tally(ctx, q, sel); err != nil {
			return err
		}
		return eachTrade(ctx, q, func(_ int64, o store.Outcome, damage error) error {
			byAsset[o.Asset] = byAsset[o.Asset].Trade(o)
			return damage
		}, ` FROM decisions d CROSS JOIN trades t ON t.decision_id = d.id`+sel.where(), sel.args...)
	})
	if err != nil {
		return store.DecisionMetrics{}, wrap(ctx, "metrics", err)
	}
	return sums.Metrics(store.Summary(byAsset)), nil
}

func tally(ctx context.Context, q querier, sel *query) (sums store.DecisionSums, err error) {
	var (
		kind  string
		value any
		n     int64
	)
	sums.Models = make(map[string]int64)
	counts := map[string]*int64{
		"decisions": &sums.Decisions, "executed": &sums.Executed, "valid": &sums.Valid, "cached": &sums.Cached, "fallback": &sums.Fallback,
		"answered": &sums.Calls, "failed": &sums.Failed, "took": &sums.Timed, "confidence": &sums.Confident,
	}
	amounts := map[string]*decimal.Decimal{"took": &sums.TookMS, "cost": &sums.CostUSD, "confidence": &sums.Confidence}
	err = each(ctx, q, []any{&kind, &value, &n}, func() error {
		if of := counts[kind]; of != nil {
			*of += n
		}
		if sum := amounts[kind]; sum != nil {
			number, ok := parseNumber(value)
			if !ok {
				return fmt.Errorf("%w: %s has a value that does not belong there", store.ErrCorrupt, kind)
			}
			*sum = sum.Add(number.Mul(decimal.NewFromInt(n)))
		}
		if model, ok := value.(string); ok && kind == "model" {
			sums.Models[model] += n
		}
		return nil
	}, tallySQL+sel.where()+talliesSQL, sel.args...)
	sums.Calls += sums.Failed
	return sums, err
}

// StrategyPerformance sums up the closed trades of a strategy's decisions.
func (s *Store) StrategyPerformance(ctx context.Context, strategyID, accountID string, span store.Span) (store.StrategyPerformance, error) {
	f := store.Filter{AccountID: accountID, StrategyID: strategyID}
	if err := errors.Join(f.Validate(), span.Validate()); err != nil {
		return store.StrategyPerformance{}, err
	}
	byAsset := make(map[string]store.TradeSums)
	var drawdown store.Drawdown
	err := s.view(ctx, func(q querier) error {
		sel, err := selection(ctx, q, f)
		if err != nil {
			return err
		}
		if strategyID == "" {
			sel.and(`coalesce(d.strategy_used, '') = ''`)
		}
		sel.span("t.closed_at", span)
		return eachTrade(ctx, q, func(_ int64, o store.Outcome, damage error) error {
			byAsset[o.Asset] = byAsset[o.Asset].Trade(o)
			drawdown.Trade(o.PnLUSD)
			return damage
		}, ` FROM trades t JOIN decisions d ON d.id = t.decision_id`+sel.where()+` ORDER BY t.closed_at, t.key`, sel.args...)
	})
	if err != nil {
		return store.StrategyPerformance{}, wrap(ctx, "performance", err)
	}
	return store.Performance(byAsset, drawdown.MaxUSD()), nil
}
