package indicator_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/marketdata/indicator"
	"github.com/ballast-go/ballast/marketdata/indicator/indicatortest"
)

func TestCacheOfKernelsConforms(t *testing.T) {
	t.Parallel()
	indicatortest.Run(t, func() indicator.Provider {
		c, err := indicator.NewCache(nil, indicator.CacheConfig{})
		require.NoError(t, err)
		return c
	})
}

func TestCacheServesWhatItComputed(t *testing.T) {
	t.Parallel()
	c, err := indicator.NewCache(nil, indicator.CacheConfig{MaxEntries: 8})
	require.NoError(t, err)
	market := indicatortest.Market(2, 100)
	first, err := c.Indicate(t.Context(), market)
	require.NoError(t, err)
	again, err := c.Indicate(t.Context(), market)
	require.NoError(t, err)
	require.Equal(t, indicator.CacheStats{Entries: 4, Served: 4, Computed: 4}, c.Stats())
	for symbol, sets := range first.Sets {
		for interval, set := range sets {
			require.Same(t, &set.RSI14[0], &again.Sets[symbol][interval].RSI14[0], "shared, not copied")
		}
	}
}

func TestCacheConfigNamesEveryFieldOutOfRange(t *testing.T) {
	t.Parallel()
	_, err := indicator.NewCache(nil, indicator.CacheConfig{MaxEntries: -1, Parallel: 5000})
	require.ErrorContains(t, err, "MaxEntries must be between 1 and 1000000, was -1")
	require.ErrorContains(t, err, "Parallel must be between 1 and 1024, was 5000")
}

func TestReturns(t *testing.T) {
	t.Parallel()
	require.Nil(t, indicator.Returns([]float64{1}))
	require.InDeltaSlice(t, []float64{0.1, -0.5}, indicator.Returns([]float64{100, 110, 55}), 1e-15)
}

func TestCorrelation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a, b []float64
		want float64
		ok   bool
	}{
		"same":       {[]float64{1, 2, 4}, []float64{2, 4, 8}, 1, true},
		"opposite":   {[]float64{1, 2, 4}, []float64{-1, -2, -4}, -1, true},
		"unrelated":  {[]float64{1, -1, 1, -1}, []float64{1, 1, -1, -1}, 0, true},
		"partly":     {[]float64{1, 2, 3, 4}, []float64{1, 3, 2, 4}, 0.8, true}, // rank correlation 1 − 6·2/60
		"constant":   {[]float64{1, 1, 1}, []float64{1, 2, 3}, 0, false},
		"unequal":    {[]float64{1, 2}, []float64{1, 2, 3}, 0, false},
		"too short":  {[]float64{1}, []float64{1}, 0, false},
		"not finite": {[]float64{1, math.Inf(1), 2}, []float64{1, 2, 3}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := indicator.Correlation(c.a, c.b)
			require.Equal(t, c.ok, ok)
			require.InDelta(t, c.want, got, 1e-12)
		})
	}
}

func TestCorrelationIsSymmetricAndBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 60).Draw(t, "n")
		sample := rapid.SliceOfN(rapid.Float64Range(-0.5, 0.5), n, n)
		a, b := sample.Draw(t, "a"), sample.Draw(t, "b")
		ab, ok := indicator.Correlation(a, b)
		ba, same := indicator.Correlation(b, a)
		require.Equal(t, ok, same)
		require.InDelta(t, ab, ba, 1e-9)
		require.LessOrEqual(t, math.Abs(ab), 1.0)
	})
}
