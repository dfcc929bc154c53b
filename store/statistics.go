package store

import (
	"cmp"
	"maps"
	"math/big"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
)

// quotientPlaces is how many decimals quotients of statistics have.
const quotientPlaces = 8

// Quotient is a ÷ b with 8 places, rounded half away from zero; null for b = 0.
func Quotient(a, b decimal.Decimal) decimal.NullDecimal {
	if b.IsZero() {
		return decimal.NullDecimal{}
	}
	return decimal.NewNullDecimal(a.DivRound(b, quotientPlaces))
}

// Average is sum ÷ n as Quotient computes it.
func Average(sum decimal.Decimal, n int64) decimal.NullDecimal {
	return Quotient(sum, decimal.NewFromInt(n))
}

// Rate is how many percent of whole are part, as Quotient computes it.
func Rate(part, whole int64) decimal.NullDecimal {
	return Quotient(decimal.NewFromInt(part).Shift(2), decimal.NewFromInt(whole))
}

// Sharpe is the mean of the PnL per trade ÷ its sample standard deviation, not
// annualised, from the number of trades, Σ PnL and Σ PnL²; rounded as Quotient
// does. It is null for fewer than two trades and when they do not deviate.
func Sharpe(trades int64, sum, squares decimal.Decimal) decimal.NullDecimal {
	n := decimal.NewFromInt(trades)
	square := sum.Mul(sum)
	deviation := n.Mul(squares).Sub(square) // n (n−1) × variance
	if trades < 2 || !deviation.IsPositive() {
		return decimal.NullDecimal{}
	}
	// Squared, the ratio is a fraction of integers, whose root is exact.
	ratio := root(square.Mul(decimal.NewFromInt(trades-1)), n.Mul(deviation))
	if sum.IsNegative() {
		ratio = ratio.Neg()
	}
	return decimal.NewNullDecimal(ratio)
}

// root is √(a ÷ b) for a ≥ 0 and b > 0, rounded half up to quotientPlaces.
func root(a, b decimal.Decimal) decimal.Decimal {
	const guard = 2 * quotientPlaces
	shift := -min(a.Exponent(), b.Exponent(), 0)
	over, under := a.Shift(shift+guard).BigInt(), b.Shift(shift).BigInt()
	over.Mul(over, big.NewInt(4)) // twice the root, so that its last bit rounds
	over.Sqrt(over.Quo(over, under))
	over.Rsh(over.Add(over, big.NewInt(1)), 1)
	return decimal.NewFromBigInt(over, -quotientPlaces)
}

// TradeSums are the sums that statistics of trades need. They are exact, so it
// does not matter in which order and where they are added up.
type TradeSums struct {
	Trades, Wins, Losses int64           // wins: PnL > 0, losses: PnL < 0
	PnLUSD               decimal.Decimal // Σ PnL
	WonUSD, LostUSD      decimal.Decimal // Σ PnL of wins; of losses, ≤ 0
	SquaresUSD           decimal.Decimal // Σ PnL²
	HeldMicros           decimal.Decimal // Σ (closed − opened) in microseconds
}

// Trade adds an outcome as it is kept.
func (s TradeSums) Trade(o Outcome) TradeSums {
	one := TradeSums{
		Trades: 1, PnLUSD: o.PnLUSD, SquaresUSD: o.PnLUSD.Mul(o.PnLUSD),
		HeldMicros: decimal.NewFromInt(o.ClosedAt.UnixMicro()).Sub(decimal.NewFromInt(o.OpenedAt.UnixMicro())),
	}
	switch o.PnLUSD.Sign() {
	case 1:
		one.Wins, one.WonUSD = 1, o.PnLUSD
	case -1:
		one.Losses, one.LostUSD = 1, o.PnLUSD
	}
	return s.Plus(one)
}

// Plus are the sums of both.
func (s TradeSums) Plus(t TradeSums) TradeSums {
	return TradeSums{
		Trades: s.Trades + t.Trades, Wins: s.Wins + t.Wins, Losses: s.Losses + t.Losses,
		PnLUSD: s.PnLUSD.Add(t.PnLUSD), WonUSD: s.WonUSD.Add(t.WonUSD), LostUSD: s.LostUSD.Add(t.LostUSD),
		SquaresUSD: s.SquaresUSD.Add(t.SquaresUSD), HeldMicros: s.HeldMicros.Add(t.HeldMicros),
	}
}

// avgHeldHours is null without trades.
func (s TradeSums) avgHeldHours() decimal.NullDecimal {
	const hour = 3_600_000_000
	return Quotient(s.HeldMicros, decimal.NewFromInt(s.Trades).Mul(decimal.NewFromInt(hour)))
}

// SumTrades are the sums of outcomes by asset.
func SumTrades(outcomes []Outcome) map[string]TradeSums {
	sums := make(map[string]TradeSums)
	for _, o := range outcomes {
		sums[o.Asset] = sums[o.Asset].Trade(o)
	}
	return sums
}

func total(byAsset map[string]TradeSums) (sum TradeSums) {
	for _, s := range byAsset {
		sum = sum.Plus(s)
	}
	return sum
}

// Summary is what the sums by asset say for DecisionMetrics. Each has a trade
// at least.
func Summary(byAsset map[string]TradeSums) TradeSummary {
	all := total(byAsset)
	summary := TradeSummary{
		TotalPnLUSD: all.PnLUSD, WinRate: Rate(all.Wins, all.Trades), AvgTradeDurationHours: all.avgHeldHours(),
	}
	for i, asset := range slices.Sorted(maps.Keys(byAsset)) {
		if pnl := byAsset[asset].PnLUSD; i == 0 || pnl.GreaterThan(byAsset[summary.BestPerformingAsset].PnLUSD) {
			summary.BestPerformingAsset = asset
		}
		if pnl := byAsset[asset].PnLUSD; i == 0 || pnl.LessThan(byAsset[summary.WorstPerformingAsset].PnLUSD) {
			summary.WorstPerformingAsset = asset
		}
	}
	return summary
}

// Performance is what the sums by asset and the drawdown of all trades say.
// Each asset has a trade at least.
func Performance(byAsset map[string]TradeSums, maxDrawdownUSD decimal.Decimal) StrategyPerformance {
	all := total(byAsset)
	p := StrategyPerformance{
		TotalTrades: all.Trades, WinningTrades: all.Wins, LosingTrades: all.Losses, WinRate: Rate(all.Wins, all.Trades),
		TotalPnLUSD: all.PnLUSD, AvgWinUSD: Average(all.WonUSD, all.Wins), AvgLossUSD: Average(all.LostUSD, all.Losses),
		ProfitFactor: Quotient(all.WonUSD, all.LostUSD.Neg()), SharpeRatio: Sharpe(all.Trades, all.PnLUSD, all.SquaresUSD),
		MaxDrawdownUSD: maxDrawdownUSD, AvgTradeDurationHours: all.avgHeldHours(),
		Assets: make(map[string]AssetPerformance, len(byAsset)),
	}
	for asset, s := range byAsset {
		p.Assets[asset] = AssetPerformance{Trades: s.Trades, WinRate: Rate(s.Wins, s.Trades), PnLUSD: s.PnLUSD}
	}
	return p
}

// Drawdown follows the summed PnL of trades in the order of Outcome.ClosedAt,
// equal times by the bytes of Outcome.Key. The zero value has seen none.
type Drawdown struct{ sum, highest, largest decimal.Decimal }

// Trade adds the PnL of the next trade.
func (d *Drawdown) Trade(pnlUSD decimal.Decimal) {
	d.sum = d.sum.Add(pnlUSD)
	d.highest = decimal.Max(d.highest, d.sum)
	d.largest = decimal.Max(d.largest, d.highest.Sub(d.sum))
}

// MaxUSD is the largest fall from the highest sum so far, from 0 on; ≥ 0.
func (d *Drawdown) MaxUSD() decimal.Decimal { return d.largest }

// ByClosing is the order of outcomes: by time, and equal times by key.
func ByClosing(a, b Outcome) int {
	return cmp.Or(a.ClosedAt.Compare(b.ClosedAt), cmp.Compare(a.Key, b.Key))
}

// DecisionSums are the sums that DecisionMetrics needs.
type DecisionSums struct {
	Decisions, Executed, Valid, Cached, Fallback int64 // Executed has a fill; Valid refused nothing

	Timed      int64           // decisions that took a known time: all but legacy ones
	TookMS     decimal.Decimal // Σ of it
	Confident  int64           // assets whose action is not hold
	Confidence decimal.Decimal // Σ of theirs
	Calls      int64           // of models
	Failed     int64           // of the calls
	Models     map[string]int64
	CostUSD    decimal.Decimal // Σ Row.Usage.CostUSD that was reported
}

// Decision adds a row; executed says whether it has a fill.
func (s *DecisionSums) Decision(r Row, executed bool) {
	s.Decisions++
	for _, c := range [...]struct {
		n  *int64
		is bool
	}{{&s.Executed, executed}, {&s.Valid, r.IsValid()}, {&s.Cached, r.Cached}, {&s.Fallback, r.Source == string(decision.OriginFallback)}} {
		if c.is {
			*c.n++
		}
	}
	if r.Source != SourceLegacy {
		s.Timed++
		s.TookMS = s.TookMS.Add(decimal.New(r.Took.Microseconds(), -3))
	}
	for i := range r.Decision.Decisions {
		if d := &r.Decision.Decisions[i]; d.Action != decision.ActionHold {
			s.Confident++
			s.Confidence = s.Confidence.Add(d.Confidence)
		}
	}
	for _, c := range r.Calls {
		s.Calls++
		if c.Kind != "" {
			s.Failed++
		}
	}
	if r.Model != "" {
		if s.Models == nil {
			s.Models = make(map[string]int64)
		}
		s.Models[r.Model]++
	}
	s.CostUSD = s.CostUSD.Add(r.Usage.CostUSD.Decimal) // zero when null
}

// Metrics is what the sums say.
func (s DecisionSums) Metrics(trades TradeSummary) DecisionMetrics {
	if s.Models == nil {
		s.Models = map[string]int64{}
	}
	return DecisionMetrics{
		TotalDecisions: s.Decisions, DecisionsExecuted: s.Executed, ExecutionRate: Rate(s.Executed, s.Decisions),
		AvgGenerationTimeMS: Average(s.TookMS, s.Timed), AvgConfidence: Average(s.Confidence, s.Confident),
		ValidationSuccessRate: Rate(s.Valid, s.Decisions), CacheHitRate: Rate(s.Cached, s.Decisions),
		APIErrorRate: Rate(s.Failed, s.Calls), FallbackRate: Rate(s.Fallback, s.Decisions),
		ModelUsage: s.Models, APICostsUSD: s.CostUSD, Trades: trades,
	}
}
