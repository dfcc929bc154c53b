package fallback_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/fallback"
)

func dec(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func null(text string) decimal.NullDecimal {
	if text == "" {
		return decimal.NullDecimal{}
	}
	return decimal.NewNullDecimal(dec(text))
}

func factors(rsi, volatility string, trend fallback.Trend, change string) fallback.Factors {
	return fallback.Factors{RSI: null(rsi), VolatilityPercent: null(volatility), Trend: trend, ChangePercent: null(change)}
}

// mirrored is what a short sees as the long sees f.
func mirrored(f fallback.Factors) fallback.Factors {
	if f.RSI.Valid {
		f.RSI = decimal.NewNullDecimal(dec("100").Sub(f.RSI.Decimal))
	}
	switch f.Trend {
	case fallback.Bullish:
		f.Trend = fallback.Bearish
	case fallback.Bearish:
		f.Trend = fallback.Bullish
	case fallback.Neutral:
	}
	if f.ChangePercent.Valid {
		f.ChangePercent.Decimal = f.ChangePercent.Decimal.Neg()
	}
	return f
}

func TestSpecVectors(t *testing.T) {
	t.Parallel()
	const overbought, oversold, high, low, large = "75", "25", "4", "1", "-6"
	for name, c := range map[string]struct {
		f          fallback.Factors
		raw, score int
	}{
		"none":                               {factors("", "", "", ""), 50, 50},
		"nothing remarkable":                 {factors("50", "2", fallback.Neutral, "1"), 50, 50},
		"overbought, high, bearish, large":   {factors(overbought, high, fallback.Bearish, large), 115, 100},
		"overbought, high, bearish, no move": {factors(overbought, high, fallback.Bearish, "0"), 105, 100},
		"overbought, –, bearish, large":      {factors(overbought, "2", fallback.Bearish, large), 100, 100},
		"–, high, bearish, large":            {factors("50", high, fallback.Bearish, large), 95, 95},
		"oversold, low, bullish, no move":    {factors(oversold, low, fallback.Bullish, "0"), 25, 25},
		"oversold, low, bullish, large":      {factors(oversold, low, fallback.Bullish, large), 35, 35},
		"overbought, low, bullish, no move":  {factors(overbought, low, fallback.Bullish, "0"), 55, 55},
		"oversold, high, bearish, large":     {factors(oversold, high, fallback.Bearish, large), 85, 85},
		"only a large move":                  {factors("", "", "", large), 60, 60},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			long := fallback.Config{}.Assess(c.f).Long
			require.Equal(t, 50, long.Base)
			require.Equal(t, c.raw, long.Raw)
			require.Equal(t, c.score, long.Score)
			short := fallback.Config{}.Assess(mirrored(c.f)).Short
			require.Equal(t, c.raw, short.Raw)
			require.Equal(t, c.score, short.Score)
		})
	}
}

func TestBoundaries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		f           fallback.Factors
		long, short int
	}{
		"RSI 70 is overbought":              {factors("70", "", "", ""), 70, 40},
		"RSI just below 70 is not":          {factors("69.999999999", "", "", ""), 50, 50},
		"RSI 30 is oversold":                {factors("30", "", "", ""), 40, 70},
		"RSI just above 30 is not":          {factors("30.000000001", "", "", ""), 50, 50},
		"volatility 3 is high":              {factors("", "3", "", ""), 65, 65},
		"volatility just below 3 is middle": {factors("", "2.999999999", "", ""), 50, 50},
		"volatility 1.5 is middle":          {factors("", "1.5", "", ""), 50, 50},
		"volatility just below 1.5 is low":  {factors("", "1.499999999", "", ""), 45, 45},
		"volatility 0 is low":               {factors("", "0", "", ""), 45, 45},
		"a rise of exactly 5 is not large":  {factors("", "", "", "5"), 50, 50},
		"a fall of exactly 5 is not large":  {factors("", "", "", "-5"), 50, 50},
		"a rise above 5 is large":           {factors("", "", "", "5.000000001"), 60, 60},
		"a fall below −5 is large":          {factors("", "", "", "-5.000000001"), 60, 60},
		"inside the cloud adds nothing":     {factors("", "", fallback.Neutral, ""), 50, 50},
		"bullish":                           {factors("", "", fallback.Bullish, ""), 40, 70},
		"bearish":                           {factors("", "", fallback.Bearish, ""), 70, 40},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := fallback.Config{}.Assess(c.f)
			require.Equal(t, c.long, a.Long.Score)
			require.Equal(t, c.short, a.Short.Score)
		})
	}
}

func TestContributionsNameInputPointsAndWeight(t *testing.T) {
	t.Parallel()
	a := fallback.Config{}.Assess(factors("71.4249", "4.305", fallback.Bearish, "-6.02"))
	require.Equal(t, decision.Contributions{
		RSI:         decision.Contribution{Input: "71.42", Points: 20, WeightPercent: 30},
		Volatility:  decision.Contribution{Input: "4.31", Points: 15, WeightPercent: 25},
		Trend:       decision.Contribution{Input: "bearish", Points: 20, WeightPercent: 25},
		PriceChange: decision.Contribution{Input: "-6.02", Points: 10, WeightPercent: 20},
	}, a.Long.Contributions)
	require.Equal(t, -10, a.Short.Contributions.RSI.Points)
	require.Equal(t, -10, a.Short.Contributions.Trend.Points)
	require.Empty(t, a.Degraded)
}

func TestMissingInputsAddNothingAndAreListed(t *testing.T) {
	t.Parallel()
	a := fallback.Config{}.Assess(fallback.Factors{})
	require.Equal(t, []string{"rsi", "volatility", "trend", "price_change"}, a.Degraded)
	for _, c := range []decision.Contribution{
		a.Long.Contributions.RSI, a.Long.Contributions.Volatility, a.Long.Contributions.Trend, a.Short.Contributions.PriceChange,
	} {
		require.Empty(t, c.Input)
		require.Zero(t, c.Points)
		require.NotZero(t, c.WeightPercent)
	}
	require.Equal(t, []string{"volatility"}, factors("50", "", fallback.Neutral, "0").Missing())
}

func TestEveryPointAndThresholdIsConfigurable(t *testing.T) {
	t.Parallel()
	c := fallback.Config{
		Points: &fallback.Points{Base: 1, Overbought: 2, Oversold: 4, HighVolatility: 8, LowVolatility: 16, AgainstTrend: 32, WithTrend: 64, LargeMove: 128},
		Thresholds: &fallback.Thresholds{
			OverboughtRSI: dec("60"), OversoldRSI: dec("40"), HighVolatilityPercent: dec("6"), LowVolatilityPercent: dec("2"),
			LargeMovePercent: dec("0"), MediumRiskScore: 10, HighRiskScore: 20,
		},
	}
	require.NoError(t, c.Validate())
	require.Equal(t, 1+2+8+32+128, c.Assess(factors("60", "6", fallback.Bearish, "0.01")).Long.Raw)
	require.Equal(t, 1+4+16+64, c.Assess(factors("40", "1.9", fallback.Bullish, "0")).Long.Raw)
	require.Equal(t, 1+2+16+64, c.Assess(factors("40", "1.9", fallback.Bearish, "0")).Short.Raw)
	zero := fallback.Config{Points: &fallback.Points{}}
	require.Equal(t, decision.Score{}.Raw, zero.Assess(factors("75", "4", fallback.Bearish, "9")).Long.Raw, "zero points are points")
	c.Points.Base = -500
	require.Equal(t, -500+4, c.Assess(factors("40", "", "", "")).Long.Raw)
	require.Zero(t, c.Assess(factors("40", "", "", "")).Long.Score, "clamped")
}

func TestValidateReportsEveryProblem(t *testing.T) {
	t.Parallel()
	require.NoError(t, fallback.Config{}.Validate())
	require.NoError(t, fallback.Config{MaxRiskScore: new(0), MinConfidence: null("0"), Confidence: &fallback.Confidence{}}.Validate(), "zero is a setting")
	err := fallback.Config{
		Points:        &fallback.Points{Base: 1001, LargeMove: -1001},
		Thresholds:    &fallback.Thresholds{OverboughtRSI: dec("30"), OversoldRSI: dec("130"), LowVolatilityPercent: dec("-1"), LargeMovePercent: dec("-2"), MediumRiskScore: 5, HighRiskScore: 4},
		Sizing:        &fallback.Sizing{EnvelopeShare: dec("1.5"), Beyond: dec("-0.1"), Steps: []fallback.SizeStep{{dec("2"), dec("1")}, {dec("2"), dec("2")}}},
		Stops:         &fallback.Stops{TightenATRMultiple: dec("101"), RangeBars: 1501},
		Confidence:    &fallback.Confidence{Base: dec("101"), PerMissing: dec("-1")},
		MaxRiskScore:  new(130),
		MinConfidence: null("-0.5"),
	}.Validate()
	for _, want := range []string{
		"fallback: Points.Base must be between -1000 and 1000, was 1001",
		"fallback: Points.LargeMove must be between -1000 and 1000, was -1001",
		"fallback: Thresholds.OversoldRSI must be between 0 and 100, was 130",
		"fallback: Thresholds.OversoldRSI must be below OverboughtRSI 30, was 130",
		"fallback: Thresholds.LowVolatilityPercent must be between 0 and HighVolatilityPercent 0, was -1",
		"fallback: Thresholds.LargeMovePercent must not be negative, was -2",
		"fallback: Thresholds.MediumRiskScore must be between 0 and 4, was 5",
		"fallback: Sizing.EnvelopeShare must be between 0 and 1, was 1.5",
		"fallback: Sizing.Beyond must be between 0 and 1, was -0.1",
		"fallback: Sizing.Steps[1].BelowPercent must be above 2, was 2",
		"fallback: Sizing.Steps[1].Multiplier must be between 0 and 1, was 2",
		"fallback: Stops.ATRMultiple must be above 0 and at most 100, was 0",
		"fallback: Stops.TightenATRMultiple must be above 0 and at most 100, was 101",
		"fallback: Stops.RangeBars must be between 1 and 1500, was 1501",
		"fallback: Confidence.Base must be between 0 and 100, was 101",
		"fallback: Confidence.PerMissing must be between 0 and 100, was -1",
		"fallback: MaxRiskScore must be between 0 and 100, was 130",
		"fallback: MinConfidence must be between 0 and 100, was -0.5",
	} {
		require.ErrorContains(t, err, want)
	}
	require.ErrorContains(t, fallback.Config{Sizing: &fallback.Sizing{Steps: make([]fallback.SizeStep, 21)}}.Validate(),
		"fallback: Sizing.Steps must number at most 20, were 21")
}
