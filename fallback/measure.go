package fallback

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// reading is what one asset's closed candles say at the newest of them.
type reading struct {
	factors   Factors
	atr       decimal.NullDecimal // ATR 14, price units
	asOf      time.Time
	close     decimal.Decimal
	low, high decimal.Decimal // of the last Stops.RangeBars candles
	problem   string          // why indicators are missing, when somebody said so
}

// indicate asks the configured provider about the interval that the score
// reads; nil without one.
func (s *Scorer) indicate(ctx context.Context, in *decision.Input) (*indicator.Values, error) {
	if s.indicators == nil {
		return nil, nil //nolint:nilnil // no provider, no values, no error
	}
	market := in.Market
	market.Assets = make(map[string]marketdata.Asset, len(in.Symbols))
	for _, symbol := range in.Symbols {
		asset, ok := in.Market.Assets[symbol]
		if series := asset.Series[in.Interval]; ok && series.Len() > 0 {
			asset.Series = map[marketdata.Interval]marketdata.Series{in.Interval: series}
			market.Assets[symbol] = asset
		}
	}
	values, err := s.indicators.Indicate(ctx, market)
	if err != nil {
		return nil, fmt.Errorf("fallback: indicators: %w", err)
	}
	return &values, nil
}

// set is the indicators of one asset: the provider's; without one those of
// Input when they end where the candles do, else computed here.
func set(in *decision.Input, symbol string, series marketdata.Series, values *indicator.Values) (indicator.Set, error) {
	if values == nil {
		if given, ok := in.Set(symbol, in.Interval); ok && given.CloseTime.Equal(series.CloseTime()) {
			return given, nil
		}
		return indicator.Compute(series)
	}
	if err := values.Failures[symbol]; err != nil {
		return indicator.Set{}, err
	}
	out, ok := values.Sets[symbol][in.Interval]
	if !ok || !out.CloseTime.Equal(series.CloseTime()) {
		return indicator.Set{}, fmt.Errorf("no values for the candle that closed %s", series.CloseTime().Format(time.RFC3339))
	}
	return out, nil
}

// read measures an asset whose series is not empty.
func read(in *decision.Input, symbol string, series marketdata.Series, values *indicator.Values, rangeBars int) reading {
	last, _ := series.Last()
	r := reading{asOf: series.CloseTime(), close: last.Close, low: last.Low, high: last.High}
	for i := max(series.Len()-rangeBars, 0); i < series.Len(); i++ {
		candle := series.At(i)
		r.low, r.high = decimal.Min(r.low, candle.Low), decimal.Max(r.high, candle.High)
	}
	r.factors.ChangePercent = change24h(series)
	found, err := set(in, symbol, series, values)
	if err != nil {
		r.problem = clip(err.Error())
		return r
	}
	r.factors.RSI = within(found.RSI14, 0, 100)
	r.factors.VolatilityPercent = within(found.VolatilityPercent, 0, maxMagnitude)
	r.atr = within(found.ATR14, 0, maxMagnitude)
	r.factors.Trend = trend(last.Close, within(found.SpanA, minMagnitude, maxMagnitude), within(found.SpanB, minMagnitude, maxMagnitude))
	return r
}

// change24h compares the last close with the close 24 h earlier, in percent.
// It is missing when there are too few candles, or when a candle is longer
// than a day so that none closed then.
func change24h(series marketdata.Series) decimal.NullDecimal {
	const day = 24 * time.Hour
	length := series.Interval().Duration()
	if length <= 0 || day%length != 0 {
		return decimal.NullDecimal{}
	}
	newest := series.Len() - 1
	before := newest - int(day/length)
	if before < 0 {
		return decimal.NullDecimal{}
	}
	then, now := series.At(before).Close, series.At(newest).Close
	return decimal.NewNullDecimal(now.Sub(then).Mul(decimal.New(100, 0)).DivRound(then, 16))
}

func trend(price decimal.Decimal, a, b decimal.NullDecimal) Trend {
	switch {
	case !a.Valid || !b.Valid:
		return ""
	case price.GreaterThan(decimal.Max(a.Decimal, b.Decimal)):
		return Bullish
	case price.LessThan(decimal.Min(a.Decimal, b.Decimal)):
		return Bearish
	}
	return Neutral
}

// No price, volatility or range of a market is outside these.
const (
	maxMagnitude = 1e30
	minMagnitude = 1e-30
)

// within is the newest value of a line as a decimal with the float's exact
// digits; missing when there is none or when it is out of range.
func within(line indicator.Line, low, high float64) decimal.NullDecimal {
	v, ok := line.Last()
	if !ok || v < low || v > high {
		return decimal.NullDecimal{}
	}
	if math.Abs(v) < minMagnitude {
		v = 0
	}
	d, err := decimal.NewFromString(strconv.FormatFloat(v, 'e', -1, 64)) // at most 17 digits
	return decimal.NullDecimal{Decimal: d, Valid: err == nil}
}

// clip bounds a text that others wrote.
func clip(text string) string { return fmt.Sprintf("%.200s", text) }
