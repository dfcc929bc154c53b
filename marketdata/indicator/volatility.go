package indicator

import (
	"fmt"
	"math"
	"time"

	"github.com/ballast-go/ballast/marketdata"
)

// Volatility is the sample standard deviation (n − 1) of the last period
// simple returns × √(24 h ÷ interval) × 100: percent per day. period is at
// least 2; the first value is at period. Errors: ErrPeriod, ErrNotFinite,
// marketdata.ErrInterval, and ErrRange for a close of zero.
func Volatility(closes []float64, period int, interval marketdata.Interval) (Line, error) {
	if err := checkPeriod("period", period, 2); err != nil {
		return nil, err
	}
	if !interval.Valid() {
		return nil, fmt.Errorf("indicator: volatility: %w %.20q", marketdata.ErrInterval, string(interval))
	}
	if err := checkFinite("closes", closes); err != nil {
		return nil, err
	}
	line := make(Line, len(closes))
	volatility(line, closes, period, interval)
	return line, checkResult("volatility", line, period)
}

func volatility(dst, closes []float64, period int, interval marketdata.Interval) {
	for i := 1; i < len(dst); i++ {
		dst[i] = (closes[i] - closes[i-1]) / closes[i-1]
	}
	scale := 100 * math.Sqrt(float64(24*time.Hour)/float64(interval.Duration()))
	// Newest first, so that the entries of each window still hold returns.
	for i := len(dst) - 1; i >= period; i-- {
		_, squares := spread(dst[i-period+1 : i+1])
		dst[i] = math.Sqrt(squares/float64(period-1)) * scale
	}
	warmUp(dst, period)
}
