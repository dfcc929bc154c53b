package indicator

// EMA is the exponential moving average with smoothing 2 ÷ (period + 1),
// seeded with the mean of the first period values. The first value is at
// period − 1. Errors: ErrPeriod, ErrNotFinite, ErrRange.
func EMA(values []float64, period int) (Line, error) {
	if err := checkPeriod("period", period, 1); err != nil {
		return nil, err
	}
	if err := checkFinite("values", values); err != nil {
		return nil, err
	}
	line := make(Line, len(values))
	ema(line, values, period)
	return line, checkResult("ema", line, period-1)
}

func ema(dst, values []float64, period int) {
	if !warmUp(dst, period-1) {
		return
	}
	average := mean(values[:period])
	dst[period-1] = average
	smoothing := 2 / float64(period+1)
	for i := period; i < len(values); i++ {
		average += float64((values[i] - average) * smoothing)
		dst[i] = average
	}
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
