package cinar

import (
	"context"

	"github.com/cinar/indicator/v2/trend"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// ichimoku makes the lines from cinar/indicator's moving windows, as its
// IchimokuCloud does. The cloud itself is not used: by default the newest 26
// candles have no row and the lagging span is a close of the future, and its
// 48 goroutines a series cost three times as much for the same values, which a
// test compares.
func ichimoku(ctx context.Context, set indicator.Set, c marketdata.Columns) error {
	n := len(c.Close)
	spanB := newLine(n)
	for _, l := range [...]struct {
		period int
		line   indicator.Line
	}{{9, set.Tenkan}, {26, set.Kijun}, {52, spanB}} {
		highest, lowest := trend.NewMovingMaxWithPeriod[float64](l.period), trend.NewMovingMinWithPeriod[float64](l.period)
		if err := midpoint(ctx, highest, lowest, c.High, c.Low, l.line); err != nil {
			return err
		}
	}
	if n <= displacement {
		return nil
	}
	copy(set.SpanB[displacement:], spanB)
	for i := range n - displacement {
		spanA := (set.Tenkan[i] + set.Kijun[i]) / 2 // NaN until both are there
		if err := checkFinite("span_a", i, spanA); err != nil {
			return err
		}
		set.SpanA[i+displacement] = spanA
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
