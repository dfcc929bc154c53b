package marketdata

import (
	"fmt"
	"math"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
)

// Candle is one closed bar. It covers [OpenTime, OpenTime + interval).
type Candle struct {
	OpenTime    time.Time       // UTC
	Open        decimal.Decimal // quote units, > 0
	High        decimal.Decimal
	Low         decimal.Decimal
	Close       decimal.Decimal
	Volume      decimal.Decimal // base units, ≥ 0
	QuoteVolume decimal.Decimal // quote units, ≥ 0
}

// CandleError says which candle keeps a run of candles from being a Series.
type CandleError struct {
	Index    int       // position in the input
	OpenTime time.Time // of the candle
	Reason   Reason    // ReasonGap or ReasonBadCandle
	Detail   string
}

// Error names the candle and what is wrong with it.
func (e *CandleError) Error() string {
	return fmt.Sprintf("marketdata: candle %d (opened %s): %s: %s",
		e.Index, e.OpenTime.UTC().Format(time.RFC3339), e.Reason, e.Detail)
}

// floats is a candle as indicators read it.
type floats struct{ open, high, low, close, volume float64 }

// check returns the candle as floats, or the field that is wrong. Exponents
// come first: arithmetic on a hostile one would build gigabytes of digits.
func (c Candle) check() (floats, string) {
	var f floats
	for _, v := range [...]decimal.Decimal{c.Open, c.High, c.Low, c.Close, c.Volume, c.QuoteVolume} {
		if !jsonx.InRange(v) {
			return f, fmt.Sprintf("exponents must be within ±%d and digits at most 100, was %s", jsonx.MaxExponent, clip(v))
		}
	}
	for _, p := range [...]struct {
		name  string
		value decimal.Decimal
		out   *float64
	}{{"open", c.Open, &f.open}, {"high", c.High, &f.high}, {"low", c.Low, &f.low}, {"close", c.Close, &f.close}} {
		if !p.value.IsPositive() {
			return f, fmt.Sprintf("%s must be positive, was %s", p.name, clip(p.value))
		}
		if *p.out = toFloat(p.value); *p.out == 0 || math.IsInf(*p.out, 0) {
			return f, fmt.Sprintf("%s is out of range, was %s", p.name, clip(p.value))
		}
	}
	if c.High.LessThan(c.Low) {
		return f, fmt.Sprintf("high must not be below low, was %s below %s", clip(c.High), clip(c.Low))
	}
	if c.Open.GreaterThan(c.High) || c.Open.LessThan(c.Low) || c.Close.GreaterThan(c.High) || c.Close.LessThan(c.Low) {
		return f, fmt.Sprintf("open %s and close %s must lie between low %s and high %s", clip(c.Open), clip(c.Close), clip(c.Low), clip(c.High))
	}
	if c.Volume.IsNegative() || c.QuoteVolume.IsNegative() {
		return f, fmt.Sprintf("volume must not be negative, was %s and %s", clip(c.Volume), clip(c.QuoteVolume))
	}
	if f.volume = toFloat(c.Volume); math.IsInf(f.volume, 0) {
		return f, "volume is out of range"
	}
	return f, ""
}

// clip keeps a hostile exponent from becoming a megabyte of zeros.
func clip(d decimal.Decimal) string {
	if e := d.Exponent(); e > 40 || e < -40 {
		return fmt.Sprintf("%.40se%d", d.Coefficient().String(), e)
	}
	return fmt.Sprintf("%.60s", d.String())
}

// toFloat is the float nearest to d. Up to 15 digits and ±22 places, both
// operands are exact in a float64, so one division or multiplication rounds
// correctly and spares a rational number.
func toFloat(d decimal.Decimal) float64 {
	exponent := int(d.Exponent())
	switch {
	case exponent < -22 || exponent > 22 || d.NumDigits() > 15:
		return d.InexactFloat64() //nolint:forbidigo // the one place where candles become floats for indicators
	case exponent < 0:
		return float64(d.CoefficientInt64()) / math.Pow10(-exponent)
	default:
		return float64(d.CoefficientInt64()) * math.Pow10(exponent)
	}
}
