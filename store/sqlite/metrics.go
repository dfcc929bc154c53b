package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
)

// tallySQL reads what statistics need of the decisions d that a condition
// selects, a row each: one walk over an index, without sorting. Of assets and
// calls it brings all in one value: the confidences, and the number of calls
// above the number of those that failed.
const tallySQL = `
SELECT d.executed, d.is_valid, d.cached, d.source, d.model_used, d.generation_time_ms, d.cost_usd,
	(SELECT group_concat(x.confidence) FROM asset_decisions x WHERE x.decision_id = d.id AND x.action <> 'hold'),
	(SELECT count(*) << 32 | coalesce(sum(x.status <> ''), 0) FROM llm_calls x WHERE x.decision_id = d.id)
FROM decisions d`

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
		d                       damage
		executed, valid, cached bool
		source, model, list     string
		took, cost              decimal.NullDecimal
		calls                   int64
		said                    = make(confidences)
	)
	sums.Models = make(map[string]int64)
	targets := []any{
		d.flag("executed", &executed), d.flag("is_valid", &valid), d.flag("cached", &cached), d.text("source", &source), d.text("model_used", &model),
		d.maybe("generation_time_ms", &took), d.maybe("cost_usd", &cost), d.text("confidence", &list), d.whole("calls", &calls),
	}
	err = each(ctx, q, targets, func() error {
		sums.Decisions++
		sums.Executed += bit(executed)
		sums.Valid += bit(valid)
		sums.Cached += bit(cached)
		sums.Fallback += bit(source == string(decision.OriginFallback))
		sums.Timed += bit(took.Valid)
		sums.TookMS = sums.TookMS.Add(took.Decimal)
		sums.CostUSD = sums.CostUSD.Add(cost.Decimal)
		sums.Calls += calls >> 32
		sums.Failed += calls & math.MaxUint32
		if model != "" {
			sums.Models[model]++
		}
		return errors.Join(d.take(), said.count(&sums, list))
	}, tallySQL+sel.where(), sel.args...)
	return sums, errors.Join(err, said.addTo(&sums))
}

// confidences counts how often each was said, as there are few: adding them up
// one by one takes longer than reading them.
type confidences map[string]int64

// maxConfidences bounds how many are counted before they are added up.
const maxConfidences = 1000

func (c confidences) count(sums *store.DecisionSums, list string) error {
	if list == "" {
		return nil
	}
	for text := range strings.SplitSeq(list, ",") {
		c[text]++
		sums.Confident++
	}
	if len(c) > maxConfidences {
		return c.addTo(sums)
	}
	return nil
}

func (c confidences) addTo(sums *store.DecisionSums) error {
	for text, times := range c {
		n, ok := parseNumber(text)
		if !ok {
			return fmt.Errorf("%w: confidence has a value that does not belong there", store.ErrCorrupt)
		}
		sums.Confidence = sums.Confidence.Add(n.Mul(decimal.NewFromInt(times)))
	}
	clear(c)
	return nil
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
		// The trades of a span are fewer than the decisions of a strategy.
		return eachTrade(ctx, q, func(_ int64, o store.Outcome, damage error) error {
			byAsset[o.Asset] = byAsset[o.Asset].Trade(o)
			drawdown.Trade(o.PnLUSD)
			return damage
		}, ` FROM trades t CROSS JOIN decisions d ON d.id = t.decision_id`+sel.where()+` ORDER BY t.closed_at, t.key`, sel.args...)
	})
	if err != nil {
		return store.StrategyPerformance{}, wrap(ctx, "performance", err)
	}
	return store.Performance(byAsset, drawdown.MaxUSD()), nil
}
