package indicator

// RSI is Wilder's relative strength index, 0 to 100: the averages of gains
// and losses are seeded with the mean of the first period changes. No change
// at all is 50. The first value is at period. Errors: ErrPeriod,
// ErrNotFinite, ErrRange. Source: J. Welles Wilder, New Concepts in Technical
// Trading Systems, 1978.
func RSI(closes []float64, period int) (Line, error) {
	if err := checkPeriod("period", period, 1); err != nil {
		return nil, err
	}
	if err := checkFinite("closes", closes); err != nil {
		return nil, err
	}
	line := make(Line, len(closes))
	rsi(line, closes, period)
	return line, checkResult("rsi", line, period)
}

func rsi(dst, closes []float64, period int) {
	if !warmUp(dst, period) {
		return
	}
	gain, loss := 0.0, 0.0
	for i := 1; i <= period; i++ {
		change := closes[i] - closes[i-1]
		gain += max(change, 0)
		loss += max(-change, 0)
	}
	n := float64(period)
	gain, loss = gain/n, loss/n
	dst[period] = strength(gain, loss)
	for i := period + 1; i < len(closes); i++ {
		change := closes[i] - closes[i-1]
		gain = wilder(gain, max(change, 0), n)
		loss = wilder(loss, max(-change, 0), n)
		dst[i] = strength(gain, loss)
	}
}

// wilder is the next value of Wilder's moving average.
func wilder(average, value, period float64) float64 {
	return (float64(average*(period-1)) + value) / period
}

func strength(gain, loss float64) float64 {
	if gain == 0 && loss == 0 {
		return 50
	}
	return 100 * (gain / (gain + loss))
}
