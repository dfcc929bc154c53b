package cinar_test

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
	"github.com/ballast-go/ballast/marketdata/indicator/cinar"
	"github.com/ballast-go/ballast/marketdata/indicator/indicatortest"
)

// agree computes the series both ways.
func agree(ctx context.Context, t require.TestingT, p *cinar.Provider, series marketdata.Series) {
	want, err := indicator.Compute(series)
	require.NoError(t, err)
	got, err := indicatortest.One(ctx, p, series)
	require.NoError(t, err)
	require.NoError(t, indicatortest.Agree(series, want, got))
}

func TestKernelsAndCinarAgreeOnRandomWalks(t *testing.T) {
	t.Parallel()
	p := cinar.New()
	for seed := range uint64(5) {
		for _, n := range []int{100, 250, 1000} {
			series := indicatortest.Walk(marketdata.Interval15m, n, seed)
			agree(t.Context(), t, p, series)
		}
	}
}

func TestKernelsAndCinarAgreeOnAnySeries(t *testing.T) {
	t.Parallel()
	p := cinar.New()
	rapid.Check(t, func(r *rapid.T) {
		bars := indicatortest.Bars(0, 120).Draw(r, "bars")
		exponent := rapid.SampledFrom([]int32{-14, -8, -2, 0, 6, 12}).Draw(r, "exponent")
		interval := rapid.SampledFrom(marketdata.Intervals()).Draw(r, "interval")
		series := indicatortest.Series(interval, exponent, bars)
		agree(t.Context(), r, p, series)
	})
}

func TestKernelsAndCinarAgreeOnDegeneratePrices(t *testing.T) {
	t.Parallel()
	p := cinar.New()
	for name, price := range map[string]func(i int) int64{
		"constant":       func(int) int64 { return 7 },
		"alternating":    func(i int) int64 { return 7 + int64(i%2) },
		"rising":         func(i int) int64 { return 7 + int64(i) },
		"falling":        func(i int) int64 { return 1000 - int64(i) },
		"one jump":       func(i int) int64 { return 7 + int64(i/60)*1_000_000_000_000 },
		"one fall":       func(i int) int64 { return 1_000_000_000_007 - int64(i/60)*1_000_000_000_000 },
		"one spike":      func(i int) int64 { return 7 + max(0, 1-int64(i-60)*int64(i-60))*1_000_000 },
		"rises, is flat": func(i int) int64 { return 7 + int64(min(i, 40)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bars := make([]indicatortest.Candle, 120)
			for i := range bars {
				bars[i] = indicatortest.Candle{Open: price(i), High: price(i), Low: price(i), Close: price(i)}
			}
			for _, exponent := range []int32{-8, 0, 12} {
				whole := indicatortest.Series(marketdata.Interval1h, exponent, bars)
				for n := 0; n <= len(bars); n += 1 + n/20 {
					series := whole.Until(indicatortest.Start(marketdata.Interval1h).Add(time.Duration(n) * time.Hour))
					require.Equal(t, n, series.Len())
					agree(t.Context(), t, p, series)
				}
			}
		})
	}
}

func TestKernelsAndCinarAgreeOnRealCandles(t *testing.T) {
	t.Parallel()
	const dir = "../../../../shared/data/klines-1h"
	files, err := filepath.Glob(filepath.Join(dir, "*.csv"))
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skip("real candles are not here: " + dir)
	}
	p := cinar.New()
	for _, path := range files {
		series := realCandles(t, path)
		for _, s := range []marketdata.Series{series, series.Tail(250)} {
			agree(t.Context(), t, p, s)
		}
	}
}

func realCandles(t *testing.T, path string) marketdata.Series {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	candles := make([]marketdata.Candle, len(rows)-1)
	for i, row := range rows[1:] {
		ms, err := strconv.ParseInt(row[0], 10, 64)
		require.NoError(t, err)
		c := &candles[i]
		c.OpenTime = time.UnixMilli(ms)
		for k, value := range []*decimal.Decimal{&c.Open, &c.High, &c.Low, &c.Close, &c.Volume, &c.QuoteVolume} {
			*value, err = decimal.NewFromString(row[1+k])
			require.NoError(t, err)
		}
	}
	series, err := marketdata.NewSeries(marketdata.Interval1h, candles)
	require.NoError(t, err)
	return series
}
