package indicator_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// function is one exported function over slices, as lines of one input.
type function struct {
	least, most int // period bounds
	compute     func(values []float64, period int) ([]indicator.Line, error)
}

func one(line indicator.Line, err error) ([]indicator.Line, error) {
	return []indicator.Line{line}, err
}

func functions() map[string]function {
	return map[string]function{
		"EMA": {1, indicator.MaxPeriod, func(v []float64, p int) ([]indicator.Line, error) { return one(indicator.EMA(v, p)) }},
		"RSI": {1, indicator.MaxPeriod, func(v []float64, p int) ([]indicator.Line, error) { return one(indicator.RSI(v, p)) }},
		"ATR": {1, indicator.MaxPeriod, func(v []float64, p int) ([]indicator.Line, error) { return one(indicator.ATR(v, v, v, p)) }},
		"Volatility": {2, indicator.MaxPeriod, func(v []float64, p int) ([]indicator.Line, error) {
			return one(indicator.Volatility(v, p, marketdata.Interval1h))
		}},
		"BollingerBands": {1, indicator.MaxPeriod, func(v []float64, p int) ([]indicator.Line, error) {
			b, err := indicator.BollingerBands(v, p, 2)
			return []indicator.Line{b.Upper, b.Middle, b.Lower}, err
		}},
		"MACD slow": {2, indicator.MaxPeriod, func(v []float64, p int) ([]indicator.Line, error) {
			a, b, err := indicator.MACD(v, 1, p, 1)
			return []indicator.Line{a, b}, err
		}},
		"MACD signal": {1, indicator.MaxPeriod, func(v []float64, p int) ([]indicator.Line, error) {
			a, b, err := indicator.MACD(v, 1, 2, p)
			return []indicator.Line{a, b}, err
		}},
	}
}

func TestTrap_WrongPeriodIsAnError(t *testing.T) {
	t.Parallel()
	for name, f := range functions() {
		for _, period := range []int{math.MinInt, -1, 0, f.least - 1, f.most + 1, math.MaxInt} {
			_, err := f.compute([]float64{1, 2, 3}, period)
			require.ErrorIs(t, err, indicator.ErrPeriod, "%s with period %d", name, period)
		}
		for _, period := range []int{f.least, f.most} {
			_, err := f.compute([]float64{1, 2, 3}, period)
			require.NoError(t, err, "%s with period %d", name, period)
		}
	}
}

func TestTrap_WrongPeriodOfTheCloudIsAnError(t *testing.T) {
	t.Parallel()
	for _, periods := range []indicator.IchimokuPeriods{
		{Conversion: -1}, {Base: indicator.MaxPeriod + 1}, {Span: -52}, {Displacement: -26},
	} {
		_, err := indicator.Ichimoku([]float64{1}, []float64{1}, periods)
		require.ErrorIs(t, err, indicator.ErrPeriod, "%+v", periods)
	}
}

func TestMACDWantsFastBelowSlow(t *testing.T) {
	t.Parallel()
	for _, slow := range []int{11, 12} {
		_, _, err := indicator.MACD(nil, 12, slow, 9)
		require.ErrorIs(t, err, indicator.ErrPeriod)
		require.ErrorContains(t, err, "fast must be below slow")
	}
}

func TestPeriodErrorNamesFieldBoundAndValue(t *testing.T) {
	t.Parallel()
	_, err := indicator.EMA(nil, 10_001)
	require.EqualError(t, err, "indicator: period out of range: period must be between 1 and 10000, was 10001")
}

func TestTrap_NotFiniteInputIsAnErrorThatNamesTheIndex(t *testing.T) {
	t.Parallel()
	for name, f := range functions() {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			values := []float64{1, 2, 3, bad, 5}
			_, err := f.compute(values, 2)
			require.ErrorIs(t, err, indicator.ErrNotFinite, "%s of %v", name, bad)
			require.ErrorContains(t, err, "[3]", name)
		}
	}
	good, bad := []float64{1, 2}, []float64{1, math.NaN()}
	for name, err := range map[string]error{
		"high":   atrError(bad, good, good),
		"low":    atrError(good, bad, good),
		"closes": atrError(good, good, bad),
	} {
		require.ErrorIs(t, err, indicator.ErrNotFinite)
		require.ErrorContains(t, err, name+"[1]")
	}
	_, err := indicator.Ichimoku(bad, good, indicator.IchimokuPeriods{})
	require.ErrorContains(t, err, "high[1]")
	_, err = indicator.Ichimoku(good, bad, indicator.IchimokuPeriods{})
	require.ErrorContains(t, err, "low[1]")
}

func atrError(high, low, closes []float64) error {
	_, err := indicator.ATR(high, low, closes, 1)
	return err
}

func TestTrap_UnequalLengthsAreAnError(t *testing.T) {
	t.Parallel()
	a, b := []float64{1, 2, 3}, []float64{1, 2}
	for _, err := range []error{atrError(a, a, b), atrError(a, b, a), atrError(b, a, a)} {
		require.ErrorIs(t, err, indicator.ErrLength)
	}
	_, err := indicator.Ichimoku(a, b, indicator.IchimokuPeriods{})
	require.ErrorIs(t, err, indicator.ErrLength)
}

func TestTrap_InputShorterThanThePeriodIsAllWarmUp(t *testing.T) {
	t.Parallel()
	for name, f := range functions() {
		for n := range 6 {
			values := make([]float64, n)
			for i := range values {
				values[i] = float64(10 + i)
			}
			lines, err := f.compute(values, 50)
			require.NoError(t, err, name)
			for _, line := range lines[len(lines)-1:] {
				require.Len(t, line, n, name)
				require.Equal(t, n, line.WarmUp(), "%s of %d values", name, n)
			}
		}
	}
}

func TestBollingerWidthMustBeFiniteAndNotNegative(t *testing.T) {
	t.Parallel()
	for _, width := range []float64{-1, math.NaN(), math.Inf(1)} {
		_, err := indicator.BollingerBands([]float64{1}, 1, width)
		require.ErrorIs(t, err, indicator.ErrWidth, "%v", width)
	}
}

func TestVolatilityWantsAnInterval(t *testing.T) {
	t.Parallel()
	_, err := indicator.Volatility([]float64{1}, 2, "7m")
	require.ErrorIs(t, err, marketdata.ErrInterval)
}

func TestOverflowIsErrRange(t *testing.T) {
	t.Parallel()
	huge := []float64{math.MaxFloat64, -math.MaxFloat64, math.MaxFloat64, -math.MaxFloat64, math.MaxFloat64}
	for name, f := range functions() {
		_, err := f.compute(huge, 2)
		require.ErrorIs(t, err, indicator.ErrRange, name)
	}
	same := []float64{math.MaxFloat64, math.MaxFloat64}
	_, err := indicator.Ichimoku(same, same, indicator.IchimokuPeriods{Conversion: 1, Base: 1, Span: 1, Displacement: 1})
	require.ErrorIs(t, err, indicator.ErrRange)
}

func TestVolatilityOfACloseOfZeroIsErrRange(t *testing.T) {
	t.Parallel()
	_, err := indicator.Volatility([]float64{1, 0, 1, 2}, 2, marketdata.Interval1h)
	require.ErrorIs(t, err, indicator.ErrRange)
}

func TestComputeWantsAnInterval(t *testing.T) {
	t.Parallel()
	_, err := indicator.Compute(marketdata.Series{})
	require.ErrorIs(t, err, marketdata.ErrInterval)
}
