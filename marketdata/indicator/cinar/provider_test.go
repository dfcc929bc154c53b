package cinar_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
	"github.com/ballast-go/ballast/marketdata/indicator/cinar"
	"github.com/ballast-go/ballast/marketdata/indicator/indicatortest"
)

func TestConfigNamesEveryFieldOutOfRange(t *testing.T) {
	t.Parallel()
	_, err := cinar.NewWith(indicator.CacheConfig{MaxEntries: -1, Parallel: 5000})
	require.ErrorContains(t, err, "MaxEntries must be between 1 and 1000000, was -1")
	require.ErrorContains(t, err, "Parallel must be between 1 and 1024, was 5000")
	_, err = cinar.NewWith(indicator.CacheConfig{})
	require.NoError(t, err)
}

func TestSetIsComputedOncePerClosedCandle(t *testing.T) {
	t.Parallel()
	p := cinar.New()
	market := indicatortest.Market(2, 100)
	for range 3 {
		_, err := p.Indicate(t.Context(), market)
		require.NoError(t, err)
	}
	require.Equal(t, indicator.CacheStats{Entries: 4, Served: 8, Computed: 4}, p.Stats())
}

func TestConcurrentCallersComputeEachSeriesOnce(t *testing.T) {
	t.Parallel()
	p := cinar.New()
	market := indicatortest.Market(2, 100)
	var callers sync.WaitGroup
	for range 16 {
		callers.Go(func() {
			_, err := p.Indicate(context.Background(), market)
			require.NoError(t, err)
		})
	}
	callers.Wait()
	require.Equal(t, uint64(4), p.Stats().Computed)
}

// Everything that a set depends on is in its key: none of these may be
// answered with the set of another.
func TestSetsOfDifferentSeriesAreKeptApart(t *testing.T) {
	t.Parallel()
	p := cinar.New()
	whole := indicatortest.Walk(marketdata.Interval1h, 120, 1)
	other := indicatortest.Walk(marketdata.Interval1h, 120, 2)
	variants := map[string]marketdata.Series{
		"whole": whole, "shorter window": whole.Tail(110), "an hour earlier": whole.Until(whole.CloseTime().Add(-time.Hour)),
		"another market": other, "another interval": indicatortest.Walk(marketdata.Interval15m, 120, 1),
	}
	for range 2 {
		for name, series := range variants {
			want, err := indicator.Compute(series)
			require.NoError(t, err)
			got, err := indicatortest.One(t.Context(), p, series)
			require.NoError(t, err)
			require.NoError(t, indicatortest.Agree(series, want, got), name)
		}
	}
	require.Equal(t, uint64(len(variants)), p.Stats().Computed)
}

// Equal prices an hour later have the same fingerprint, but another close.
func TestSetOfEqualPricesAtAnotherTimeHasItsOwnCloseTime(t *testing.T) {
	t.Parallel()
	bars := make([]indicatortest.Candle, 101)
	for i := range bars {
		bars[i] = indicatortest.Candle{Open: 5, High: 5, Low: 5, Close: 5}
	}
	p := cinar.New()
	later := indicatortest.Series(marketdata.Interval1h, 0, bars).Tail(100)
	earlier := indicatortest.Series(marketdata.Interval1h, 0, bars[:100])
	require.Equal(t, earlier.Fingerprint(), later.Fingerprint())
	for _, series := range []marketdata.Series{earlier, later} {
		set, err := indicatortest.One(t.Context(), p, series)
		require.NoError(t, err)
		require.Equal(t, series.CloseTime(), set.CloseTime)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	p, err := cinar.NewWith(indicator.CacheConfig{MaxEntries: 3, Parallel: 1})
	require.NoError(t, err)
	values, err := p.Indicate(t.Context(), indicatortest.Market(4, 60))
	require.NoError(t, err)
	require.Len(t, values.Sets, 4, "a small memory costs time, not results")
	require.Equal(t, 3, p.Stats().Entries)
}

func TestFailureIsNotRemembered(t *testing.T) {
	t.Parallel()
	p := cinar.New()
	for range 2 {
		_, err := indicatortest.One(t.Context(), p, marketdata.Series{})
		require.ErrorIs(t, err, marketdata.ErrInterval)
	}
	require.Equal(t, indicator.CacheStats{Computed: 2}, p.Stats())
}

// cutContext ends at the nth look at it, so that a run is cut at every stage
// without a clock.
type cutContext struct {
	context.Context
	cancel context.CancelFunc
	mu     sync.Mutex
	looks  int
}

func (c *cutContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.looks--; c.looks == 0 {
		c.cancel()
	}
	return c.Context.Done()
}

// goleak in TestMain sees what a cut pipeline leaves behind.
func TestContextThatEndsMidwayLeavesNoGoroutineAndNoResult(t *testing.T) {
	t.Parallel()
	market := indicatortest.Market(1, 250)
	for looks := 1; looks < 20_000; looks = looks*3/2 + 1 {
		t.Run(fmt.Sprint(looks), func(t *testing.T) {
			t.Parallel()
			inner, cancel := context.WithCancel(t.Context())
			defer cancel()
			p := cinar.New()
			values, err := p.Indicate(&cutContext{Context: inner, cancel: cancel, looks: looks}, market)
			if inner.Err() == nil {
				require.NoError(t, err)
				return
			}
			if err != nil {
				require.ErrorIs(t, err, context.Canceled)
				require.Zero(t, values)
			}
			// Whatever was remembered is whole.
			again, err := p.Indicate(t.Context(), market)
			require.NoError(t, err)
			require.Empty(t, again.Failures)
			for interval, series := range market.Assets["A0"].Series {
				want, err := indicator.Compute(series)
				require.NoError(t, err)
				require.NoError(t, indicatortest.Agree(series, want, again.Sets["A0"][interval]))
			}
		})
	}
}

func TestCallerThatLeavesDoesNotFailTheOthers(t *testing.T) {
	t.Parallel()
	p := cinar.New()
	market := indicatortest.Market(3, 250)
	var callers sync.WaitGroup
	for i := range 12 {
		callers.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if i%2 == 0 {
				_, err := p.Indicate(&cutContext{Context: ctx, cancel: cancel, looks: 10 + 40*i}, market)
				if err != nil {
					require.ErrorIs(t, err, context.Canceled)
				}
				return
			}
			values, err := p.Indicate(ctx, market)
			require.NoError(t, err)
			require.Empty(t, values.Failures)
			require.Len(t, values.Sets, 3)
		})
	}
	callers.Wait()
}
