package indicator_test

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
	"github.com/ballast-go/ballast/marketdata/indicator/indicatortest"
)

var nan = math.NaN()

func equalLine(t require.TestingT, want, got indicator.Line, what ...any) {
	require.Len(t, got, len(want), what...)
	for i := range want {
		if math.IsNaN(want[i]) {
			require.True(t, math.IsNaN(got[i]), "[%d] is %v, want warm-up: %v", i, got[i], what)
			continue
		}
		require.InDelta(t, want[i], got[i], 1e-12*max(1, math.Abs(want[i])), "[%d] %v", i, what)
	}
}

func TestEMAByHand(t *testing.T) {
	t.Parallel()
	got, err := indicator.EMA([]float64{2, 4, 6, 8, 4}, 3) // smoothing 1/2
	require.NoError(t, err)
	equalLine(t, indicator.Line{nan, nan, 4, 6, 5}, got)
}

func TestMACDByHand(t *testing.T) {
	t.Parallel()
	// EMA 1 is the price; EMA 3 is – – 4 6 5; the signal of 2 has smoothing 2/3.
	line, signal, err := indicator.MACD([]float64{2, 4, 6, 8, 4}, 1, 3, 2)
	require.NoError(t, err)
	equalLine(t, indicator.Line{nan, nan, 2, 2, -1}, line)
	equalLine(t, indicator.Line{nan, nan, nan, 2, 0}, signal)
}

func TestRSIByHand(t *testing.T) {
	t.Parallel()
	got, err := indicator.RSI([]float64{10, 11, 13, 16, 14}, 3)
	require.NoError(t, err)
	equalLine(t, indicator.Line{nan, nan, nan, 100, 200.0 / 3}, got)
}

func TestRSIOfOneDirection(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ step, want float64 }{
		"flat is neutral": {0, 50}, "all gains": {1, 100}, "all losses": {-1, 0},
	} {
		closes := make([]float64, 40)
		for i := range closes {
			closes[i] = 1000 + c.step*float64(i)
		}
		got, err := indicator.RSI(closes, 14)
		require.NoError(t, err)
		for _, v := range got[14:] {
			require.InDelta(t, c.want, v, 0, name)
		}
	}
}

func TestATRByHand(t *testing.T) {
	t.Parallel()
	// True ranges from candle 1 on: 4 (gap up from 10), 6 (gap down), 2.
	got, err := indicator.ATR([]float64{11, 14, 9, 9}, []float64{9, 12, 7, 7}, []float64{10, 13, 8, 8}, 2)
	require.NoError(t, err)
	equalLine(t, indicator.Line{nan, nan, 5, 3.5}, got)
}

func TestBollingerBandsByHand(t *testing.T) {
	t.Parallel()
	// Population standard deviation of 2, 4, 4, 4, 5, 5, 7, 9 is 2.
	got, err := indicator.BollingerBands([]float64{2, 4, 4, 4, 5, 5, 7, 9}, 8, 2)
	require.NoError(t, err)
	require.InDelta(t, 9, got.Upper[7], 1e-12)
	require.InDelta(t, 5, got.Middle[7], 1e-12)
	require.InDelta(t, 1, got.Lower[7], 1e-12)
	require.Equal(t, 7, got.Lower.WarmUp())
}

func TestVolatilityByHand(t *testing.T) {
	t.Parallel()
	// Returns +10 % and −10 %: the sample deviation is 10 % × √2, a day of
	// six candles.
	got, err := indicator.Volatility([]float64{100, 110, 99}, 2, marketdata.Interval4h)
	require.NoError(t, err)
	equalLine(t, indicator.Line{nan, nan, 10 * math.Sqrt2 * math.Sqrt(6)}, got)
}

func TestIchimokuByHand(t *testing.T) {
	t.Parallel()
	got, err := indicator.Ichimoku([]float64{5, 9, 6, 7, 8}, []float64{1, 4, 2, 3, 5},
		indicator.IchimokuPeriods{Conversion: 1, Base: 2, Span: 3, Displacement: 1})
	require.NoError(t, err)
	equalLine(t, indicator.Line{3, 6.5, 4, 5, 6.5}, got.Tenkan)
	equalLine(t, indicator.Line{nan, 5, 5.5, 4.5, 5.5}, got.Kijun)
	equalLine(t, indicator.Line{nan, nan, 5.75, 4.75, 4.75}, got.SpanA)
	equalLine(t, indicator.Line{nan, nan, nan, 5, 5.5}, got.SpanB)
}

func TestIchimokuShorterThanItsDisplacementHasNoSpan(t *testing.T) {
	t.Parallel()
	prices := []float64{1, 2, 3}
	got, err := indicator.Ichimoku(prices, prices, indicator.IchimokuPeriods{Conversion: 1, Base: 1, Span: 1, Displacement: 5})
	require.NoError(t, err)
	require.Equal(t, 3, got.SpanA.WarmUp())
	require.Equal(t, 3, got.SpanB.WarmUp())
	require.Equal(t, 0, got.Tenkan.WarmUp())
}

// A sum of squares less the square of a sum has no digits left here.
func TestTrap_BandsOfLargePricesWithSmallMovesKeepTheirDigits(t *testing.T) {
	t.Parallel()
	closes := make([]float64, 60)
	for i := range closes {
		closes[i] = 1e12 + float64(i%2)
	}
	got, err := indicator.BollingerBands(closes, 20, 2)
	require.NoError(t, err)
	for i := 19; i < len(closes); i++ {
		require.InDelta(t, 1, got.Upper[i]-got.Middle[i], 1e-3, "deviation is 1/2, the bands are two of them away")
	}
}

// The running sum of a sliding window never forgets a price this large.
func TestTrap_BandsForgetASpike(t *testing.T) {
	t.Parallel()
	closes := make([]float64, 80)
	for i := range closes {
		closes[i] = 1
	}
	closes[30] = 1e15
	got, err := indicator.BollingerBands(closes, 20, 2)
	require.NoError(t, err)
	require.InDelta(t, 1, got.Upper[79], 0)
	require.InDelta(t, 1, got.Middle[79], 0)
	require.InDelta(t, 1, got.Lower[79], 0)
}

func TestMidpointsEqualPlainSearchOverEveryWindow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		high := rapid.SliceOfN(rapid.Float64Range(-5, 5), 0, 60).Draw(r, "high")
		low := make([]float64, len(high))
		for i := range low {
			low[i] = high[i] - rapid.Float64Range(0, 3).Draw(r, "range")
		}
		period := rapid.IntRange(1, 70).Draw(r, "period")
		got, err := indicator.Ichimoku(high, low, indicator.IchimokuPeriods{Conversion: period})
		require.NoError(r, err)
		for i := range high {
			if i < period-1 {
				require.True(r, math.IsNaN(got.Tenkan[i]))
				continue
			}
			want := (slices.Max(high[i-period+1:i+1]) + slices.Min(low[i-period+1:i+1])) / 2
			require.Equal(r, want, got.Tenkan[i], "[%d]", i) //nolint:testifylint // the same arithmetic, so the same bits
		}
	})
}

func TestInvariantsOfAnySeries(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		series := indicatortest.Series(marketdata.Interval15m, -2, indicatortest.Bars(0, 120).Draw(r, "bars"))
		set, err := indicator.Compute(series)
		require.NoError(r, err)
		c := series.Columns()
		for i := range series.Len() {
			if v := set.RSI14[i]; !math.IsNaN(v) {
				require.True(r, v >= 0 && v <= 100, "RSI[%d] %v", i, v)
			}
			if i >= 19 {
				require.LessOrEqual(r, set.BollingerLower[i], set.BollingerMiddle[i])
				require.GreaterOrEqual(r, set.BollingerUpper[i], set.BollingerMiddle[i])
				require.GreaterOrEqual(r, set.EMA20[i], slices.Min(c.Close)*(1-1e-12))
				require.LessOrEqual(r, set.EMA20[i], slices.Max(c.Close)*(1+1e-12))
			}
			if i >= 20 {
				require.GreaterOrEqual(r, set.ATR14[i], 0.0)
				require.GreaterOrEqual(r, set.VolatilityPercent[i], 0.0)
			}
			if i >= 51 {
				require.Equal(r, (set.Tenkan[i-26]+set.Kijun[i-26])/2, set.SpanA[i]) //nolint:testifylint // the same arithmetic
			}
		}
	})
}

// 1,000 candles are enough for a recursion to drift, if it did.
func TestEMADoesNotDrift(t *testing.T) {
	t.Parallel()
	closes := indicatortest.Walk(marketdata.Interval1h, 1000, 11).Columns().Close
	got, err := indicator.EMA(closes, 20)
	require.NoError(t, err)
	const bits = 300
	average := new(big.Float).SetPrec(bits)
	for _, v := range closes[:20] {
		average.Add(average, big.NewFloat(v))
	}
	average.Quo(average, big.NewFloat(20))
	weight := new(big.Float).SetPrec(bits).Quo(big.NewFloat(2), big.NewFloat(21))
	for _, v := range closes[20:] {
		d := new(big.Float).SetPrec(bits).Sub(big.NewFloat(v), average)
		average.Add(average, d.Mul(d, weight))
	}
	want, _ := average.Float64()
	require.InEpsilon(t, want, got[999], 1e-14)
}
