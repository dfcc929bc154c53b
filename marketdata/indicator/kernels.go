package indicator

import (
	"context"
	"errors"
	"fmt"

	"github.com/ballast-go/ballast/marketdata"
)

// NewSet is a set for the series with every line as long as the series and
// warming up, for a Provider to fill. The lines share one allocation.
func NewSet(s marketdata.Series) Set {
	set, block := layOut(s)
	warmUp(block, len(block))
	return set
}

// lines is how many lines a Set has.
const lines = 14

func layOut(s marketdata.Series) (Set, []float64) {
	n := s.Len()
	block := make([]float64, lines*n)
	set := Set{Interval: s.Interval(), CloseTime: s.CloseTime()}
	for i, l := range set.Lines() {
		*l.Line = block[i*n : (i+1)*n : (i+1)*n]
	}
	return set, block
}

// Compute is every indicator of one series. The error is
// marketdata.ErrInterval for the zero Series, or ErrRange when prices are so
// large that a result is not finite.
func Compute(s marketdata.Series) (Set, error) {
	if !s.Interval().Valid() {
		return Set{}, fmt.Errorf("indicator: series: %w %.20q", marketdata.ErrInterval, string(s.Interval()))
	}
	set, block := layOut(s)
	c := s.Columns()
	ema(set.EMA20, c.Close, 20)
	ema(set.EMA50, c.Close, 50)
	macd(set.MACD, set.MACDSignal, c.Close, 12, 26, 9)
	rsi(set.RSI14, c.Close, 14)
	bollinger(Bands{set.BollingerUpper, set.BollingerMiddle, set.BollingerLower}, c.Close, 20, 2)
	atr(set.ATR14, c.High, c.Low, c.Close, 14)
	volatility(set.VolatilityPercent, c.Close, 20, s.Interval())
	ichimoku(Cloud{set.Tenkan, set.Kijun, set.SpanA, set.SpanB}, c.High, c.Low, IchimokuPeriods{}.withDefaults())
	n := s.Len()
	// In the order of Lines, the first entry that has a value.
	for i, first := range [lines]int{19, 49, 25, 33, 14, 19, 19, 19, 14, 20, 8, 25, 51, 77} {
		if checkResult("", block[i*n:(i+1)*n], first) != nil {
			return Set{}, checkResult(set.Lines()[i].Name, block[i*n:(i+1)*n], first)
		}
	}
	return set, nil
}

// Kernels is the Provider that computes with this package's functions. The
// zero value is ready; it holds nothing and remembers nothing.
type Kernels struct{}

var _ Provider = Kernels{}

// New is a Kernels.
func New() Kernels { return Kernels{} }

// Indicate computes the sets of every series of the snapshot.
func (Kernels) Indicate(ctx context.Context, market marketdata.Snapshot) (Values, error) {
	out := Values{
		Sets:     make(map[string]map[marketdata.Interval]Set, len(market.Assets)),
		Failures: map[string]error{},
	}
	for symbol, asset := range market.Assets {
		if err := ctx.Err(); err != nil {
			return Values{}, fmt.Errorf("indicator: %w", err)
		}
		sets, err := computeAll(asset.Series)
		out.Sets[symbol] = sets
		if err != nil {
			out.Failures[symbol] = err
		}
	}
	if err := ctx.Err(); err != nil {
		return Values{}, fmt.Errorf("indicator: %w", err)
	}
	return out, nil
}

func computeAll(all map[marketdata.Interval]marketdata.Series) (map[marketdata.Interval]Set, error) {
	sets := make(map[marketdata.Interval]Set, len(all))
	var problems []error
	for interval, series := range all {
		set, err := Compute(series)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", interval, err))
			continue
		}
		sets[interval] = set
	}
	return sets, errors.Join(problems...)
}
