package indicatortest_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
	"github.com/ballast-go/ballast/marketdata/indicator/indicatortest"
)

func TestAgreeSeesADifferenceInAnyLine(t *testing.T) {
	t.Parallel()
	series := indicatortest.Walk(marketdata.Interval1h, 100, 1)
	want, err := indicator.Compute(series)
	require.NoError(t, err)
	for k, line := range want.Lines() {
		value := (*line.Line)[99]
		for name, c := range map[string]struct {
			value float64
			agree bool
		}{
			"the same":              {value, true},
			"a last bit":            {math.Nextafter(value, math.Inf(1)), true},
			"a millionth":           {value * (1 + 1e-6), false},
			"warm-up":               {math.NaN(), false},
			"infinite":              {math.Inf(1), false},
			"of the other sign":     {-value, false},
			"a hundredth of itself": {value / 100, false},
		} {
			got := want.Tail(100)
			(*got.Lines()[k].Line)[99] = c.value
			if err := indicatortest.Agree(series, want, got); c.agree {
				require.NoError(t, err, "%s %s", line.Name, name)
			} else {
				require.ErrorContains(t, err, line.Name+"[99]", name)
			}
		}
	}
}

func TestAgreeSeesAValueDuringWarmUp(t *testing.T) {
	t.Parallel()
	series := indicatortest.Walk(marketdata.Interval1h, 100, 1)
	want, err := indicator.Compute(series)
	require.NoError(t, err)
	got := want.Tail(100)
	got.EMA20[18] = got.EMA20[19]
	require.ErrorContains(t, indicatortest.Agree(series, want, got), "ema_20[18]")
}

func TestAgreeSeesSetsOfDifferentLengthIntervalAndTime(t *testing.T) {
	t.Parallel()
	series := indicatortest.Walk(marketdata.Interval1h, 100, 1)
	want, err := indicator.Compute(series)
	require.NoError(t, err)
	require.ErrorContains(t, indicatortest.Agree(series, want, want.Tail(99)), "99 entries")
	for _, other := range []marketdata.Series{
		indicatortest.Walk(marketdata.Interval4h, 100, 1), indicatortest.Walk(marketdata.Interval1h, 99, 1),
	} {
		got, err := indicator.Compute(other)
		require.NoError(t, err)
		require.ErrorContains(t, indicatortest.Agree(series, want, got), "set is for")
	}
}

func TestGoldensCoverEveryLine(t *testing.T) {
	t.Parallel()
	goldens, err := indicatortest.Goldens()
	require.NoError(t, err)
	require.Len(t, goldens, 7)
	values := map[string]int{}
	for _, golden := range goldens {
		for _, line := range golden.Set.Lines() {
			values[line.Name] += golden.Series.Len() - line.Line.WarmUp()
		}
	}
	require.Len(t, values, 14)
	for name, n := range values {
		require.Greater(t, n, 100, name)
	}
}

func TestBrokenProvidersDoNotAgreeWithTheGoldens(t *testing.T) {
	t.Parallel()
	goldens, err := indicatortest.Goldens()
	require.NoError(t, err)
	golden := goldens[len(goldens)-1]
	c := golden.Series.Columns()
	set, err := indicator.Compute(golden.Series)
	require.NoError(t, err)
	require.NoError(t, indicatortest.Agree(golden.Series, golden.Set, set))
	set.ATR14, err = indicator.ATR(c.High, c.Low, c.Close, 13)
	require.NoError(t, err)
	require.ErrorContains(t, indicatortest.Agree(golden.Series, golden.Set, set), "atr_14[13]")
}
