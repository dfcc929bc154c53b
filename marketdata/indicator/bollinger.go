package indicator

import (
	"fmt"
	"math"
)

// Bands are a moving average and the lines above and below it.
type Bands struct{ Upper, Middle, Lower Line }

// BollingerBands are the simple moving average and width population standard
// deviations around it. The first value is at period − 1. width must be
// finite and not negative. Errors: ErrPeriod, ErrWidth, ErrNotFinite, ErrRange.
func BollingerBands(closes []float64, period int, width float64) (Bands, error) {
	if err := checkPeriod("period", period, 1); err != nil {
		return Bands{}, err
	}
	if !(width >= 0 && width <= math.MaxFloat64) {
		return Bands{}, fmt.Errorf("%w: must be finite and not negative, was %v", ErrWidth, width)
	}
	if err := checkFinite("closes", closes); err != nil {
		return Bands{}, err
	}
	b := Bands{make(Line, len(closes)), make(Line, len(closes)), make(Line, len(closes))}
	bollinger(b, closes, period, width)
	for _, line := range [...]Line{b.Middle, b.Upper, b.Lower} {
		if err := checkResult("bollinger", line, period-1); err != nil {
			return Bands{}, err
		}
	}
	return b, nil
}

func bollinger(b Bands, closes []float64, period int, width float64) {
	warmUp(b.Upper, period-1)
	warmUp(b.Lower, period-1)
	if !warmUp(b.Middle, period-1) {
		return
	}
	for i := period - 1; i < len(closes); i++ {
		average, squares := spread(closes[i-period+1 : i+1])
		reach := float64(width * math.Sqrt(squares/float64(period)))
		b.Upper[i], b.Middle[i], b.Lower[i] = average+reach, average, average-reach
	}
}

// spread is the mean of a window and the sum of the squared distances from
// it. A second pass over the window, because the difference of two large sums
// of squares loses the digits that matter; four sums at a time, because an
// addition that waits for the one before costs four times as much.
func spread(window []float64) (average, squares float64) {
	n := float64(len(window))
	var a, b, c, d float64
	rest := window
	for ; len(rest) >= 4; rest = rest[4:] {
		a, b, c, d = a+rest[0], b+rest[1], c+rest[2], d+rest[3]
	}
	for _, v := range rest {
		a += v
	}
	average = ((a + b) + (c + d)) / n
	a, b, c, d = 0, 0, 0, 0
	for rest = window; len(rest) >= 4; rest = rest[4:] {
		p, q, r, s := rest[0]-average, rest[1]-average, rest[2]-average, rest[3]-average
		a, b, c, d = a+float64(p*p), b+float64(q*q), c+float64(r*r), d+float64(s*s)
	}
	for _, v := range rest {
		a += float64((v - average) * (v - average))
	}
	return average, (a + b) + (c + d)
}
