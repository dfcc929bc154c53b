package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/store"
)

// Sums are exact in numeric; what divides them is package store, so that every
// store rounds alike.

// decisionSQL computes store.DecisionSums of the decisions d that a condition
// selects. LATERAL goes from each decision to its assets and calls by their
// indexes: with a join, the planner reads the whole tables for a single day.
const decisionSQL = `
WITH d AS MATERIALIZED (
	SELECT d.executed, d.is_valid, d.cached, d.source, d.model_used, d.generation_time_ms, d.cost_usd, a.confident, a.confidence, c.calls, c.failed
	FROM decisions d
	CROSS JOIN LATERAL (SELECT count(*) AS confident, sum(x.confidence) AS confidence
		FROM asset_decisions x WHERE x.decision_id = d.id AND x.action <> 'hold') a
	CROSS JOIN LATERAL (SELECT count(*) AS calls, count(*) FILTER (WHERE x.status <> '') AS failed FROM llm_calls x WHERE x.decision_id = d.id) c`

const decisionSumsSQL = `), m AS (
	SELECT model_used AS model, count(*) AS n FROM d WHERE model_used <> '' GROUP BY model_used
)
SELECT count(*), count(*) FILTER (WHERE executed), count(*) FILTER (WHERE is_valid), count(*) FILTER (WHERE cached),
	count(*) FILTER (WHERE source = 'fallback'), count(generation_time_ms), coalesce(sum(generation_time_ms), 0),
	coalesce(sum(confident), 0)::bigint, coalesce(sum(confidence), 0), coalesce(sum(calls), 0)::bigint, coalesce(sum(failed), 0)::bigint,
	coalesce(sum(cost_usd), 0),
	(SELECT coalesce(array_agg(model ORDER BY model), '{}') FROM m), (SELECT coalesce(array_agg(n ORDER BY model), '{}') FROM m)
FROM d`

// tradeSumsSQL computes store.TradeSums of trades t by asset.
const tradeSumsSQL = `SELECT t.asset, count(*), count(*) FILTER (WHERE pnl_usd > 0), count(*) FILTER (WHERE pnl_usd < 0), sum(pnl_usd),
	coalesce(sum(pnl_usd) FILTER (WHERE pnl_usd > 0), 0), coalesce(sum(pnl_usd) FILTER (WHERE pnl_usd < 0), 0), sum(pnl_usd * pnl_usd),
	sum(extract(epoch FROM closed_at) - extract(epoch FROM opened_at)) * 1000000`

// DecisionMetrics sums up decisions, and the outcomes of theirs.
func (s *Store) DecisionMetrics(ctx context.Context, accountID string, span store.Span) (store.DecisionMetrics, error) {
	f := store.Filter{AccountID: accountID, Since: span.Since, Until: span.Until}
	if err := f.Validate(); err != nil {
		return store.DecisionMetrics{}, err
	}
	q := selection(f)
	sums, err := one(ctx, s.db, scanDecisionSums, decisionSQL+q.where()+decisionSumsSQL, q.args...)
	if err != nil {
		return store.DecisionMetrics{}, wrap(ctx, "metrics", err)
	}
	byAsset, err := s.tradeSums(ctx, tradeSumsSQL+` FROM decisions d
		CROSS JOIN LATERAL (SELECT * FROM trades t WHERE t.decision_id = d.id OFFSET 0) t`+q.where()+` GROUP BY t.asset`, q)
	if err != nil {
		return store.DecisionMetrics{}, wrap(ctx, "metrics", err)
	}
	return sums.Metrics(store.Summary(byAsset)), nil
}

func scanDecisionSums(row pgx.CollectableRow) (s store.DecisionSums, err error) {
	var (
		models []string
		counts []int64
	)
	err = row.Scan(&s.Decisions, &s.Executed, &s.Valid, &s.Cached, &s.Fallback, &s.Timed, &s.TookMS,
		&s.Confident, &s.Confidence, &s.Calls, &s.Failed, &s.CostUSD, &models, &counts)
	s.Models = make(map[string]int64, len(models))
	for i := range models {
		s.Models[models[i]] = counts[i]
	}
	return s, err
}

func (s *Store) tradeSums(ctx context.Context, sql string, q *query) (map[string]store.TradeSums, error) {
	rows, err := s.db.Query(ctx, sql, q.args...)
	if err != nil {
		return nil, err
	}
	byAsset := make(map[string]store.TradeSums)
	var (
		asset string
		t     store.TradeSums
	)
	_, err = pgx.ForEachRow(rows, []any{
		&asset, &t.Trades, &t.Wins, &t.Losses, &t.PnLUSD, &t.WonUSD, &t.LostUSD, &t.SquaresUSD, &t.HeldMicros,
	}, func() error {
		byAsset[store.FromKey(asset)] = t
		return nil
	})
	return byAsset, err
}

// drawdownSQL computes store.Drawdown of trades t, in the order of closing.
const drawdownSQL = `
SELECT coalesce(max(highest - total), 0) FROM (
	SELECT total, greatest(max(total) OVER (ORDER BY closed_at, key), 0) AS highest FROM (
		SELECT closed_at, key, sum(pnl_usd) OVER (ORDER BY closed_at, key) AS total FROM trades t`

// StrategyPerformance sums up the closed trades of a strategy's decisions.
func (s *Store) StrategyPerformance(ctx context.Context, strategyID, accountID string, span store.Span) (store.StrategyPerformance, error) {
	f := store.Filter{AccountID: accountID, StrategyID: strategyID}
	if err := errors.Join(f.Validate(), span.Validate()); err != nil {
		return store.StrategyPerformance{}, err
	}
	q := selection(f)
	if strategyID == "" {
		q.and(`coalesce(d.strategy_used, '') = ''`)
	}
	q.and(`d.id = t.decision_id`)
	from := ` CROSS JOIN LATERAL (SELECT FROM decisions d` + q.where() + ` OFFSET 0) d`
	q = &query{args: q.args}
	q.span("t.closed_at", span)
	byAsset, err := s.tradeSums(ctx, tradeSumsSQL+` FROM trades t`+from+q.where()+` GROUP BY t.asset`, q)
	if err != nil {
		return store.StrategyPerformance{}, wrap(ctx, "performance", err)
	}
	drawdown, err := one(ctx, s.db, pgx.RowTo[decimal.Decimal], drawdownSQL+from+q.where()+`) a) b`, q.args...)
	if err != nil {
		return store.StrategyPerformance{}, wrap(ctx, "performance", err)
	}
	return store.Performance(byAsset, drawdown), nil
}
