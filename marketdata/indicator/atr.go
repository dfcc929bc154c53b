package indicator

// ATR is Wilder's average true range in price units. The first candle has no
// close before it and so no true range: the seed is the mean of the true
// ranges of candles 1 to period, and the first value is at period. Errors:
// ErrPeriod, ErrLength, ErrNotFinite, ErrRange. Source: J. Welles Wilder, New
// Concepts in Technical Trading Systems, 1978.
func ATR(high, low, closes []float64, period int) (Line, error) {
	if err := checkPeriod("period", period, 1); err != nil {
		return nil, err
	}
	if err := checkLengths(high, low, closes); err != nil {
		return nil, err
	}
	for _, in := range [...]struct {
		name   string
		values []float64
	}{{"high", high}, {"low", low}, {"closes", closes}} {
		if err := checkFinite(in.name, in.values); err != nil {
			return nil, err
		}
	}
	line := make(Line, len(closes))
	atr(line, high, low, closes, period)
	return line, checkResult("atr", line, period)
}

func atr(dst, high, low, closes []float64, period int) {
	if !warmUp(dst, period) {
		return
	}
	n, sum := float64(period), 0.0
	for i := 1; i <= period; i++ {
		sum += trueRange(high[i], low[i], closes[i-1])
	}
	average := sum / n
	dst[period] = average
	for i := period + 1; i < len(closes); i++ {
		average = wilder(average, trueRange(high[i], low[i], closes[i-1]), n)
		dst[i] = average
	}
}

func trueRange(high, low, before float64) float64 {
	return max(high, before) - min(low, before)
}
