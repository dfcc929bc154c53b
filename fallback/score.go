package fallback

import (
	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
)

// Trend is where a price stands against the Ichimoku cloud. The zero value is
// unknown.
type Trend string

// The trends.
const (
	Bullish Trend = "bullish" // above both spans
	Bearish Trend = "bearish" // below both spans
	Neutral Trend = "neutral" // inside the cloud or on its edge
)

// Factors are the inputs of a score, as of one closed candle. Null and empty
// are missing: they add no points.
type Factors struct {
	RSI               decimal.NullDecimal // RSI 14, 0–100
	VolatilityPercent decimal.NullDecimal // of the last 20 returns, % per day
	Trend             Trend
	ChangePercent     decimal.NullDecimal // of the close in 24 h
}

// Missing names the factors that are missing: "rsi", "volatility", "trend",
// "price_change".
func (f Factors) Missing() []string {
	var out []string
	if !f.RSI.Valid {
		out = append(out, "rsi")
	}
	if !f.VolatilityPercent.Valid {
		out = append(out, "volatility")
	}
	if f.Trend == "" {
		out = append(out, "trend")
	}
	if !f.ChangePercent.Valid {
		out = append(out, "price_change")
	}
	return out
}

// The factors' intended importance, in percent. They label the contributions
// and multiply nothing: as multipliers they would confine the score to 43–67.
const (
	weightRSI         = 30
	weightVolatility  = 25
	weightTrend       = 25
	weightPriceChange = 20
)

// Assess scores both sides. It is pure; Symbol and AsOf are left to the
// caller. The Config need not be valid.
func (c Config) Assess(f Factors) decision.Assessment { return c.withDefaults().assess(f) }

func (s settings) assess(f Factors) decision.Assessment {
	measured := decision.Contributions{
		RSI:         decision.Contribution{Input: decision.Measure(fixed(f.RSI)), WeightPercent: weightRSI},
		Volatility:  decision.Contribution{Input: decision.Measure(fixed(f.VolatilityPercent)), WeightPercent: weightVolatility},
		Trend:       decision.Contribution{Input: decision.Measure(f.Trend), WeightPercent: weightTrend},
		PriceChange: decision.Contribution{Input: decision.Measure(fixed(f.ChangePercent)), WeightPercent: weightPriceChange},
	}
	return decision.Assessment{
		Long: s.score(f, measured, decision.Long), Short: s.score(f, measured, decision.Short), Degraded: f.Missing(),
	}
}

func (s settings) score(f Factors, c decision.Contributions, side decision.Side) decision.Score {
	c.RSI.Points = s.rsiPoints(f.RSI, side)
	c.Volatility.Points = s.volatilityPoints(f.VolatilityPercent)
	c.Trend.Points = s.trendPoints(f.Trend, side)
	c.PriceChange.Points = s.movePoints(f.ChangePercent)
	raw := s.points.Base + c.RSI.Points + c.Volatility.Points + c.Trend.Points + c.PriceChange.Points
	return decision.Score{Base: s.points.Base, Contributions: c, Raw: raw, Score: min(max(raw, 0), 100)}
}

func (s settings) rsiPoints(rsi decimal.NullDecimal, side decision.Side) int {
	high, low := s.points.Overbought, s.points.Oversold
	if side == decision.Short {
		high, low = low, high
	}
	switch {
	case !rsi.Valid:
		return 0
	case rsi.Decimal.GreaterThanOrEqual(s.thresholds.OverboughtRSI):
		return high
	case rsi.Decimal.LessThanOrEqual(s.thresholds.OversoldRSI):
		return low
	}
	return 0
}

func (s settings) volatilityPoints(percent decimal.NullDecimal) int {
	switch {
	case !percent.Valid:
		return 0
	case percent.Decimal.GreaterThanOrEqual(s.thresholds.HighVolatilityPercent):
		return s.points.HighVolatility
	case percent.Decimal.LessThan(s.thresholds.LowVolatilityPercent):
		return s.points.LowVolatility
	}
	return 0
}

func (s settings) trendPoints(t Trend, side decision.Side) int {
	if t == with(side) {
		return s.points.WithTrend
	}
	if t == against(side) {
		return s.points.AgainstTrend
	}
	return 0
}

func (s settings) movePoints(percent decimal.NullDecimal) int {
	if percent.Valid && percent.Decimal.Abs().GreaterThan(s.thresholds.LargeMovePercent) {
		return s.points.LargeMove
	}
	return 0
}

// riskLevel names a score.
func (s settings) riskLevel(score int) decision.RiskLevel {
	switch {
	case score >= s.thresholds.HighRiskScore:
		return decision.RiskHigh
	case score >= s.thresholds.MediumRiskScore:
		return decision.RiskMedium
	}
	return decision.RiskLow
}

// with is the trend that a side follows, against the one that it opposes.
func with(side decision.Side) Trend {
	if side == decision.Short {
		return Bearish
	}
	return Bullish
}

func against(side decision.Side) Trend {
	if side == decision.Short {
		return Bullish
	}
	return Bearish
}

// fixed is a measured value with two decimals, empty when it is missing.
func fixed(d decimal.NullDecimal) string {
	if !d.Valid {
		return ""
	}
	return d.Decimal.StringFixed(2)
}
