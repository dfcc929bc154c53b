package cinar_test

import (
	"context"
	"math"
	"testing"

	"github.com/cinar/indicator/v2/momentum"
	"github.com/cinar/indicator/v2/volatility"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
	"github.com/ballast-go/ballast/marketdata/indicator/cinar"
	"github.com/ballast-go/ballast/marketdata/indicator/indicatortest"
)

// Each test is named after a trap of cinar/indicator v2.1.44.

func TestTrap_NewestCandleHasEveryLineOfTheCloud(t *testing.T) {
	t.Parallel()
	series := indicatortest.Walk(marketdata.Interval1h, 78, 1)
	c := series.Columns()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	conversion, base, leadA, leadB, lagging := momentum.NewIchimokuCloud[float64]().ComputeWithContext(ctx,
		cinar.Source(c.High...), cinar.Source(c.Low...), cinar.Source(c.Close...))
	drop := []indicator.Line{nil, nil, nil, nil, nil}
	require.NoError(t, cinar.Collect(ctx, 0, 0, []<-chan float64{conversion, base, leadA, leadB, lagging}, drop),
		"as it comes, it has no row at all for 78 candles")

	set, err := indicatortest.One(t.Context(), cinar.New(), series)
	require.NoError(t, err)
	for _, line := range set.Lines() {
		_, ok := line.Line.Last()
		require.True(t, ok, line.Name)
	}
}

// By default the lagging span of row i is the close 26 candles after it.
func TestTrap_LaggingSpanOfTheFutureIsNotUsed(t *testing.T) {
	t.Parallel()
	past := indicatortest.WalkBars(100, 1)
	quiet, crash := append([]indicatortest.Candle{}, past...), append([]indicatortest.Candle{}, past...)
	for i := 74; i < 100; i++ {
		crash[i] = indicatortest.Candle{Open: 1, High: 1, Low: 1, Close: 1}
	}
	p := cinar.New()
	var sets [2]indicator.Set
	for i, bars := range [][]indicatortest.Candle{quiet, crash} {
		var err error
		sets[i], err = indicatortest.One(t.Context(), p, indicatortest.Series(marketdata.Interval1h, -2, bars))
		require.NoError(t, err)
	}
	other := sets[1].Lines()
	for k, line := range sets[0].Lines() {
		for i := range 74 {
			require.Equal(t, math.Float64bits((*line.Line)[i]), math.Float64bits((*other[k].Line)[i]), "%s[%d]", line.Name, i)
		}
	}
}

func TestTrap_ATRIsWildersAndNotASimpleAverage(t *testing.T) {
	t.Parallel()
	series := indicatortest.Walk(marketdata.Interval1h, 100, 1)
	c := series.Columns()
	set, err := indicatortest.One(t.Context(), cinar.New(), series)
	require.NoError(t, err)
	want, err := indicator.ATR(c.High, c.Low, c.Close, 14)
	require.NoError(t, err)
	require.InEpsilon(t, want[99], set.ATR14[99], 1e-12)

	simple := make(indicator.Line, 100)
	atr := volatility.NewAtrWithPeriod[float64](14)
	require.NoError(t, cinar.Collect(t.Context(), atr.IdlePeriod(), 100, []<-chan float64{
		atr.ComputeWithContext(t.Context(), cinar.Source(c.High...), cinar.Source(c.Low...), cinar.Source(c.Close...)),
	}, []indicator.Line{simple}))
	require.Greater(t, math.Abs(simple[99]/want[99]-1), 1e-3, "the default of the library is another indicator")
}

// 21 closes have 20 returns: ten of +10 % and ten of −10 %, whose sample
// deviation is 10 % × √(20/19).
func TestTrap_VolatilityIsTheSampleDeviation(t *testing.T) {
	t.Parallel()
	bars := make([]indicatortest.Candle, 21)
	price := int64(1_000_000_000_000_000)
	for i := range bars {
		bars[i] = indicatortest.Candle{Open: price, High: price, Low: price, Close: price}
		if price = price / 10 * 11; i%2 == 1 {
			price = bars[i].Close / 10 * 9
		}
	}
	set, err := indicatortest.One(t.Context(), cinar.New(), indicatortest.Series(marketdata.Interval4h, -8, bars))
	require.NoError(t, err)
	require.InEpsilon(t, 10*math.Sqrt(20.0/19)*math.Sqrt(6), set.VolatilityPercent[20], 1e-9)
}

func TestTrap_FlatPricesHaveNeutralRSIAndAllGains100(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		step int64
		want float64
	}{{0, 50}, {1, 100}, {-1, 0}} {
		bars := make([]indicatortest.Candle, 60)
		for i := range bars {
			price := 1000 + c.step*int64(i)
			bars[i] = indicatortest.Candle{Open: price, High: price, Low: price, Close: price}
		}
		set, err := indicatortest.One(t.Context(), cinar.New(), indicatortest.Series(marketdata.Interval1h, -2, bars))
		require.NoError(t, err)
		for _, v := range set.RSI14[14:] {
			require.InDelta(t, c.want, v, 0, "step %d", c.step)
		}
	}
}

// Outputs that are read one after another block for ever; the longer the
// series, the less any buffer would hide it.
func TestTrap_OutputsAreReadInLockStep(t *testing.T) {
	t.Parallel()
	series := indicatortest.Walk(marketdata.Interval1h, 3000, 1)
	agree(t.Context(), t, cinar.New(), series)

	// Neither channel holds more than one value, and each row is sent in turn.
	a, b := make(chan float64), make(chan float64)
	go func() {
		defer close(a)
		defer close(b)
		for i := range 100 {
			a <- float64(i)
			b <- float64(-i)
		}
	}()
	lines := []indicator.Line{make(indicator.Line, 100), make(indicator.Line, 100)}
	require.NoError(t, cinar.Collect(t.Context(), 0, 100, []<-chan float64{a, b}, lines))
	require.InDelta(t, 99, lines[0][99], 0)
	require.InDelta(t, -99, lines[1][99], 0)
}

func TestTrap_RowsThatAreMissingOrTooManyAreAnErrorAndNotAShift(t *testing.T) {
	t.Parallel()
	line := make(indicator.Line, 4)
	for name, values := range map[string][]float64{"missing": {1}, "too many": {1, 2, 3}} {
		err := cinar.Collect(t.Context(), 2, 4, []<-chan float64{cinar.Source(values...)}, []indicator.Line{line})
		require.ErrorIs(t, err, cinar.ErrRows, name)
	}
	require.NoError(t, cinar.Collect(t.Context(), 2, 4, []<-chan float64{cinar.Source(1, 2)}, []indicator.Line{line}))
}

func TestTrap_NaNAndInfinityAreAnErrorAndNotALine(t *testing.T) {
	t.Parallel()
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		line := make(indicator.Line, 3)
		err := cinar.Collect(t.Context(), 1, 3, []<-chan float64{cinar.Source(1, bad)}, []indicator.Line{line})
		require.ErrorIs(t, err, indicator.ErrRange)
		require.ErrorContains(t, err, "test[2]")
	}
}

// The context given does not end here: only the provider's own cancellation
// ends a pipeline that it stopped reading. goleak in TestMain sees the rest.
func TestTrap_PipelineLeftEarlyEndsWithoutItsCaller(t *testing.T) {
	t.Parallel()
	series, err := indicatortest.Vast(160)
	if err != nil {
		t.Skip("no series makes a pipeline fail: " + err.Error())
	}
	_, err = indicatortest.One(context.Background(), cinar.New(), series)
	require.ErrorIs(t, err, indicator.ErrRange)
}

func TestTrap_ReaderOfASilentPipelineLeavesWithItsContext(t *testing.T) {
	t.Parallel()
	silent := make(chan float64)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, cinar.Collect(ctx, 0, 1, []<-chan float64{silent}, []indicator.Line{nil}), context.Canceled)
	// Not closed after the last row.
	require.ErrorIs(t, cinar.Collect(ctx, 0, 0, []<-chan float64{silent}, []indicator.Line{nil}), context.Canceled)
	// Closed early because it was cancelled, which is not a short series.
	closed := make(chan float64)
	close(closed)
	require.ErrorIs(t, cinar.Collect(ctx, 0, 1, []<-chan float64{closed}, []indicator.Line{nil}), context.Canceled)
}

// Row k of the cloud with LaggingPeriod 0 is candle k + 51.
func TestTrap_SpansInForceAreThoseOf26CandlesEarlier(t *testing.T) {
	t.Parallel()
	series := indicatortest.Walk(marketdata.Interval1h, 120, 3)
	c := series.Columns()
	set, err := indicatortest.One(t.Context(), cinar.New(), series)
	require.NoError(t, err)
	cloud := momentum.NewIchimokuCloud[float64]()
	cloud.LaggingPeriod = 0
	conversion, base, leadA, leadB, lagging := cloud.ComputeWithContext(t.Context(),
		cinar.Source(c.High...), cinar.Source(c.Low...), cinar.Source(c.Close...))
	rows := make([]indicator.Line, 5)
	for i := range rows {
		rows[i] = make(indicator.Line, 120)
	}
	require.NoError(t, cinar.Collect(t.Context(), 51, 120, []<-chan float64{conversion, base, leadA, leadB, lagging}, rows))
	for i := 51; i < 120; i++ {
		require.InDelta(t, rows[0][i], set.Tenkan[i], 0)
		require.InDelta(t, rows[1][i], set.Kijun[i], 0)
		require.InDelta(t, c.Close[i], rows[4][i], 0, "the lagging span is the close itself, not one of the future")
		if i+26 < 120 {
			require.InDelta(t, rows[2][i], set.SpanA[i+26], 0)
			require.InDelta(t, rows[3][i], set.SpanB[i+26], 0)
		}
	}
}
