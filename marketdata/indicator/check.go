package indicator

import (
	"errors"
	"fmt"
	"math"
)

// MaxPeriod is the longest period that is accepted.
const MaxPeriod = 10_000

// ErrLength reports inputs of one indicator that differ in length.
var ErrLength = errors.New("indicator: inputs differ in length")

// ErrRange reports finite input whose result is not: a sum past the range of
// float64, or a return on a price of zero.
var ErrRange = errors.New("indicator: result is not finite")

// ErrWidth reports a width of Bollinger bands that is negative or not finite.
var ErrWidth = errors.New("indicator: width out of range")

func checkPeriod(name string, period, least int) error {
	if period < least || period > MaxPeriod {
		return fmt.Errorf("%w: %s must be between %d and %d, was %d", ErrPeriod, name, least, MaxPeriod, period)
	}
	return nil
}

func checkFinite(name string, values []float64) error {
	for i, v := range values {
		if !finite(v) {
			return fmt.Errorf("%w: %s[%d] was %v", ErrNotFinite, name, i, v)
		}
	}
	return nil
}

// finite is neither NaN nor infinite: the difference of either with itself is
// NaN.
func finite(v float64) bool { return v-v == 0 }

func checkLengths(high, low, closes []float64) error {
	if len(high) != len(low) || len(high) != len(closes) {
		return fmt.Errorf("%w: high has %d values, low %d, close %d", ErrLength, len(high), len(low), len(closes))
	}
	return nil
}

// checkResult reports the first entry from first on that is not finite.
func checkResult(name string, line []float64, first int) error {
	for i := first; i < len(line); i++ {
		if !finite(line[i]) {
			return fmt.Errorf("%w: %s[%d] was %v", ErrRange, name, i, line[i])
		}
	}
	return nil
}

// warmUp marks the first n entries of dst and reports whether any are left.
func warmUp(dst []float64, n int) bool {
	for i := range min(n, len(dst)) {
		dst[i] = math.NaN()
	}
	return n < len(dst)
}
