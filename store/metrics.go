package store

import (
	"context"
	"time"

	"github.com/shopspring/decimal"
)

// Span selects decisions by time for statistics: Result.At at or after Since
// and before Until.
type Span struct {
	Since, Until time.Time // zero: any
}

// Validate reports a span that ends before it begins.
func (s Span) Validate() error { return Filter{Since: s.Since, Until: s.Until}.Validate() }

// Contains reports whether a time is in the span.
func (s Span) Contains(t time.Time) bool {
	at := t.UnixMicro()
	return (s.Since.IsZero() || at >= s.Since.UnixMicro()) && (s.Until.IsZero() || at < s.Until.UnixMicro())
}

// DecisionMetrics counts what was decided in a span. Rates are in percent of
// TotalDecisions; null when there is nothing to take a rate of.
type DecisionMetrics struct {
	TotalDecisions        int64               `json:"total_decisions"`
	DecisionsExecuted     int64               `json:"decisions_executed"`
	ExecutionRate         decimal.NullDecimal `json:"execution_rate"`
	AvgGenerationTimeMS   decimal.NullDecimal `json:"avg_generation_time_ms"`
	AvgConfidence         decimal.NullDecimal `json:"avg_confidence"`          // of the assets decided on, holds apart
	ValidationSuccessRate decimal.NullDecimal `json:"validation_success_rate"` // nothing refused
	CacheHitRate          decimal.NullDecimal `json:"cache_hit_rate"`
	APIErrorRate          decimal.NullDecimal `json:"api_error_rate"` // of the calls of models, those that failed
	FallbackRate          decimal.NullDecimal `json:"fallback_rate"`  // source fallback
	ModelUsage            map[string]int64    `json:"model_usage"`    // decisions by model that answered
	APICostsUSD           decimal.Decimal     `json:"api_costs_usd"`  // Σ of what was reported
	Trades                TradeSummary        `json:"performance"`
}

// TradeSummary sums up outcomes of decisions of a span.
type TradeSummary struct {
	TotalPnLUSD           decimal.Decimal     `json:"total_pnl"`
	WinRate               decimal.NullDecimal `json:"win_rate"` // PnL > 0, in percent of trades
	AvgTradeDurationHours decimal.NullDecimal `json:"avg_trade_duration_hours"`
	BestPerformingAsset   string              `json:"best_performing_asset"`  // by Σ PnL; empty: no trade
	WorstPerformingAsset  string              `json:"worst_performing_asset"` // ties by name
}

// StrategyPerformance sums up the closed trades of a strategy's decisions,
// whatever its version.
type StrategyPerformance struct {
	TotalTrades           int64               `json:"total_trades"`
	WinningTrades         int64               `json:"winning_trades"` // PnL > 0
	LosingTrades          int64               `json:"losing_trades"`  // PnL < 0
	WinRate               decimal.NullDecimal `json:"win_rate"`       // percent
	TotalPnLUSD           decimal.Decimal     `json:"total_pnl"`
	AvgWinUSD             decimal.NullDecimal `json:"avg_win"`
	AvgLossUSD            decimal.NullDecimal `json:"avg_loss"`      // negative
	ProfitFactor          decimal.NullDecimal `json:"profit_factor"` // Σ wins ÷ |Σ losses|; null without losses
	SharpeRatio           decimal.NullDecimal `json:"sharpe_ratio"`  // see Sharpe
	MaxDrawdownUSD        decimal.Decimal     `json:"max_drawdown"`  // largest fall of the summed PnL from its highest so far, from 0 on
	AvgTradeDurationHours decimal.NullDecimal `json:"avg_trade_duration_hours"`
	// Assets are the same by asset.
	Assets map[string]AssetPerformance `json:"asset_breakdown"`
}

// AssetPerformance sums up the trades of one asset.
type AssetPerformance struct {
	Trades  int64               `json:"trades"`
	WinRate decimal.NullDecimal `json:"win_rate"` // percent
	PnLUSD  decimal.Decimal     `json:"pnl"`
}

// Metrics computes statistics where the data is: exact sums there, and of them
// DecisionSums.Metrics, Summary and Performance, so that all stores answer
// alike. Quotients have 8 places, rounded half away from zero. An account id of
// "" is every account; outcomes count by Outcome.ClosedAt for
// StrategyPerformance, and by the time of their decision for DecisionMetrics.
type Metrics interface {
	DecisionMetrics(ctx context.Context, accountID string, s Span) (DecisionMetrics, error)
	StrategyPerformance(ctx context.Context, strategyID, accountID string, s Span) (StrategyPerformance, error)
}
