package cinar

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/cinar/indicator/v2/momentum"
	"github.com/cinar/indicator/v2/trend"
	"github.com/cinar/indicator/v2/volatility"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// displacement is how far the spans of the cloud are carried forward.
const displacement = 26

// compute is every indicator of one series, one pipeline after another:
// pipelines that share a duplicated source are slower.
func compute(ctx context.Context, s marketdata.Series) (indicator.Set, error) {
	if !s.Interval().Valid() {
		return indicator.Set{}, fmt.Errorf("cinar: series: %w %.20q", marketdata.ErrInterval, string(s.Interval()))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends whatever a reader left behind
	set := indicator.NewSet(s)
	for _, fill := range [...]func(context.Context, indicator.Set, marketdata.Columns) error{
		averages, macd, rsi, bollinger, atr, realised, ichimoku,
	} {
		if err := fill(ctx, set, s.Columns()); err != nil {
			return indicator.Set{}, err
		}
	}
	return set, nil
}

func averages(ctx context.Context, set indicator.Set, c marketdata.Columns) error {
	if err := average(ctx, "ema_20", trend.NewEmaWithPeriod[float64](20), c.Close, set.EMA20); err != nil {
		return err
	}
	return average(ctx, "ema_50", trend.NewEmaWithPeriod[float64](50), c.Close, set.EMA50)
}

func average(ctx context.Context, name string, ema *trend.Ema[float64], closes []float64, line indicator.Line) error {
	if len(closes) <= ema.IdlePeriod() {
		return nil
	}
	return collect(ctx, name, ema.IdlePeriod(), len(closes), output{ema.ComputeWithContext(ctx, source(closes)), line})
}

func macd(ctx context.Context, set indicator.Set, c marketdata.Columns) error {
	m := trend.NewMacdWithPeriod[float64](12, 26, 9)
	first, n := m.IdlePeriod(), len(c.Close)
	if n > first {
		line, signal := m.ComputeWithContext(ctx, source(c.Close))
		if err := collect(ctx, "macd", first, n, output{line, set.MACD}, output{signal, set.MACDSignal}); err != nil {
			return err
		}
	}
	// cinar/indicator withholds the line until the signal is there. The rows
	// before that come from the same averages.
	head := c.Close[:min(n, first)]
	fast, slow := newLine(len(head)), newLine(len(head))
	if err := average(ctx, "macd fast", m.Ema1, head, fast); err != nil {
		return err
	}
	if err := average(ctx, "macd slow", m.Ema2, head, slow); err != nil {
		return err
	}
	for i := range head {
		set.MACD[i] = fast[i] - slow[i] // NaN until both are there
	}
	return nil
}

func rsi(ctx context.Context, set indicator.Set, c marketdata.Columns) error {
	r := momentum.NewRsiWithPeriod[float64](14)
	if len(c.Close) <= r.IdlePeriod() {
		return nil
	}
	return collect(ctx, "rsi_14", r.IdlePeriod(), len(c.Close),
		output{r.ComputeWithContext(ctx, source(c.Close)), set.RSI14})
}

func bollinger(ctx context.Context, set indicator.Set, c marketdata.Columns) error {
	b := volatility.NewBollingerBandsWithPeriod[float64](20)
	if len(c.Close) <= b.IdlePeriod() {
		return nil
	}
	upper, middle, lower := b.ComputeWithContext(ctx, source(c.Close))
	return collect(ctx, "bollinger", b.IdlePeriod(), len(c.Close),
		output{upper, set.BollingerUpper}, output{middle, set.BollingerMiddle}, output{lower, set.BollingerLower})
}

// atr averages by Rma, which is Wilder's; the default of cinar/indicator is a
// simple moving average.
func atr(ctx context.Context, set indicator.Set, c marketdata.Columns) error {
	a := volatility.NewAtrWithMa(trend.NewRmaWithPeriod[float64](14))
	if len(c.Close) <= a.IdlePeriod() {
		return nil
	}
	return collect(ctx, "atr_14", a.IdlePeriod(), len(c.Close),
		output{a.ComputeWithContext(ctx, source(c.High), source(c.Low), source(c.Close)), set.ATR14})
}

// realised scales HistoricalVolatility, which is the population standard
// deviation of the last simple returns, to the sample one and to a day.
func realised(ctx context.Context, set indicator.Set, c marketdata.Columns) error {
	const returns = 20
	h := volatility.NewHistoricalVolatilityWithPeriod[float64](returns)
	if len(c.Close) <= h.IdlePeriod() {
		return nil
	}
	line := set.VolatilityPercent
	if err := collect(ctx, "volatility_percent", h.IdlePeriod(), len(c.Close),
		output{h.ComputeWithContext(ctx, source(c.Close)), line}); err != nil {
		return err
	}
	scale := 100 * math.Sqrt(returns/(returns-1.0)) * math.Sqrt(float64(24*time.Hour)/float64(set.Interval.Duration()))
	for i := h.IdlePeriod(); i < len(line); i++ {
		line[i] *= scale
		if err := checkFinite("volatility_percent", i, line[i]); err != nil {
			return err
		}
	}
	return nil
}

// checkFinite reports what left the range of float64 in arithmetic of our own.
// NaN is warm-up there: the values that go in are finite or not yet known.
func checkFinite(name string, i int, value float64) error {
	if math.IsInf(value, 0) {
		return fmt.Errorf("%w: %s[%d] was %v", indicator.ErrRange, name, i, value)
	}
	return nil
}

func newLine(n int) indicator.Line {
	line := make(indicator.Line, n)
	for i := range line {
		line[i] = math.NaN()
	}
	return line
}
