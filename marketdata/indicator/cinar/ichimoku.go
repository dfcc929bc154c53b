package cinar

import (
	"context"

	"github.com/cinar/indicator/v2/momentum"
	"github.com/cinar/indicator/v2/trend"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// ichimoku runs the cloud with LaggingPeriod 0: every row then belongs to the
// candle that it was computed at, up to the newest. By default the newest 26
// candles have no row at all and the lagging span is a close of the future.
// The spans are carried forward here.
func ichimoku(ctx context.Context, set indicator.Set, c marketdata.Columns) error {
	cloud := momentum.NewIchimokuCloud[float64]()
	cloud.LaggingPeriod = 0
	n := len(c.Close)
	first := cloud.IdlePeriod()
	spanA, spanB := newLine(n), newLine(n)
	if n > first {
		conversion, base, leadA, leadB, lagging := cloud.ComputeWithContext(ctx, source(c.High), source(c.Low), source(c.Close))
		if err := collect(ctx, "ichimoku", first, n,
			output{conversion, set.Tenkan}, output{base, set.Kijun},
			output{leadA, spanA}, output{leadB, spanB}, output{lagging, nil}); err != nil {
			return err
		}
	}
	// The cloud withholds the lines that are ready sooner until its slowest
	// is. The rows before that come from its own windows.
	head := min(n, first)
	high, low := c.High[:head], c.Low[:head]
	if err := midpoint(ctx, cloud.ConversionMax, cloud.ConversionMin, high, low, set.Tenkan); err != nil {
		return err
	}
	if err := midpoint(ctx, cloud.BaseMax, cloud.BaseMin, high, low, set.Kijun); err != nil {
		return err
	}
	for i := range head {
		spanA[i] = (set.Tenkan[i] + set.Kijun[i]) / 2 // NaN until both are there
		if err := checkFinite("span_a", i, spanA[i]); err != nil {
			return err
		}
	}
	if n > displacement {
		copy(set.SpanA[displacement:], spanA)
		copy(set.SpanB[displacement:], spanB)
	}
	return nil
}

// midpoint fills line with half of the sum of the highest high and the lowest
// low. cinar/indicator's windows are wrong for values of zero, which prices of
// a marketdata.Series never are.
func midpoint(
	ctx context.Context, highest *trend.MovingMax[float64], lowest *trend.MovingMin[float64],
	high, low []float64, line indicator.Line,
) error {
	n, first := len(high), highest.IdlePeriod()
	if n <= first {
		return nil
	}
	top, bottom := newLine(n), newLine(n)
	if err := collect(ctx, "highest high", first, n, output{highest.ComputeWithContext(ctx, source(high)), top}); err != nil {
		return err
	}
	if err := collect(ctx, "lowest low", first, n, output{lowest.ComputeWithContext(ctx, source(low)), bottom}); err != nil {
		return err
	}
	for i := first; i < n; i++ {
		line[i] = (top[i] + bottom[i]) / 2
		if err := checkFinite("midpoint", i, line[i]); err != nil {
			return err
		}
	}
	return nil
}
