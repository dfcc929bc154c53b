package fallback

import (
	"errors"
	"fmt"

	"github.com/shopspring/decimal"
)

// Bounds of settings that have no natural ones.
const (
	maxPoints      = 1000
	maxATRMultiple = 100
	maxRangeBars   = 1500
	maxSizeSteps   = 20
)

// Validate reports every problem of the configuration, defaults included.
func (c Config) Validate() error {
	s := c.withDefaults()
	var p problems
	p.points(s.points)
	p.thresholds(s.thresholds)
	p.sizing(s.sizing)
	p.above("Stops.ATRMultiple", s.stops.ATRMultiple, maxATRMultiple)
	p.above("Stops.TightenATRMultiple", s.stops.TightenATRMultiple, maxATRMultiple)
	p.whole("Stops.RangeBars", s.stops.RangeBars, 1, maxRangeBars)
	p.within("Confidence.Base", s.confidence.Base, 100)
	p.within("Confidence.PerMissing", s.confidence.PerMissing, 100)
	p.whole("MaxRiskScore", s.maxRiskScore, 0, 100)
	p.within("MinConfidence", s.minConfidence, 100)
	return errors.Join(p...)
}

type problems []error

func (p *problems) add(format string, args ...any) {
	*p = append(*p, fmt.Errorf("fallback: "+format, args...))
}

func (p *problems) points(v Points) {
	for _, f := range [...]struct {
		name  string
		value int
	}{
		{"Base", v.Base},
		{"Overbought", v.Overbought},
		{"Oversold", v.Oversold},
		{"HighVolatility", v.HighVolatility},
		{"LowVolatility", v.LowVolatility},
		{"AgainstTrend", v.AgainstTrend},
		{"WithTrend", v.WithTrend},
		{"LargeMove", v.LargeMove},
	} {
		p.whole("Points."+f.name, f.value, -maxPoints, maxPoints)
	}
}

func (p *problems) thresholds(v Thresholds) {
	p.within("Thresholds.OverboughtRSI", v.OverboughtRSI, 100)
	p.within("Thresholds.OversoldRSI", v.OversoldRSI, 100)
	if v.OversoldRSI.GreaterThanOrEqual(v.OverboughtRSI) {
		p.add("Thresholds.OversoldRSI must be below OverboughtRSI %s, was %s", v.OverboughtRSI, v.OversoldRSI)
	}
	if v.LowVolatilityPercent.IsNegative() || v.LowVolatilityPercent.GreaterThan(v.HighVolatilityPercent) {
		p.add("Thresholds.LowVolatilityPercent must be between 0 and HighVolatilityPercent %s, was %s", v.HighVolatilityPercent, v.LowVolatilityPercent)
	}
	if v.LargeMovePercent.IsNegative() {
		p.add("Thresholds.LargeMovePercent must not be negative, was %s", v.LargeMovePercent)
	}
	p.whole("Thresholds.HighRiskScore", v.HighRiskScore, 0, 100)
	p.whole("Thresholds.MediumRiskScore", v.MediumRiskScore, 0, v.HighRiskScore)
}

func (p *problems) sizing(v Sizing) {
	p.within("Sizing.EnvelopeShare", v.EnvelopeShare, 1)
	p.within("Sizing.Beyond", v.Beyond, 1)
	if len(v.Steps) > maxSizeSteps {
		p.add("Sizing.Steps must number at most %d, were %d", maxSizeSteps, len(v.Steps))
		return
	}
	below := decimal.Zero
	for i, step := range v.Steps {
		if step.BelowPercent.LessThanOrEqual(below) {
			p.add("Sizing.Steps[%d].BelowPercent must be above %s, was %s", i, below, step.BelowPercent)
		}
		below = step.BelowPercent
		p.within(fmt.Sprintf("Sizing.Steps[%d].Multiplier", i), step.Multiplier, 1)
	}
}

func (p *problems) within(field string, value decimal.Decimal, high int64) {
	if value.IsNegative() || value.GreaterThan(decimal.NewFromInt(high)) {
		p.add("%s must be between 0 and %d, was %s", field, high, value)
	}
}

func (p *problems) above(field string, value decimal.Decimal, high int64) {
	if !value.IsPositive() || value.GreaterThan(decimal.NewFromInt(high)) {
		p.add("%s must be above 0 and at most %d, was %s", field, high, value)
	}
}

func (p *problems) whole(field string, value, low, high int) {
	if value < low || value > high {
		p.add("%s must be between %d and %d, was %d", field, low, high, value)
	}
}
