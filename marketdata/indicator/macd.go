package indicator

import "fmt"

// MACD is the EMA of fast less the EMA of slow, and the signal, which is the
// EMA of that line. fast must be below slow. The first values are at slow − 1
// and slow + signal − 2. Errors: ErrPeriod, ErrNotFinite, ErrRange.
func MACD(closes []float64, fast, slow, signal int) (macdLine, signalLine Line, err error) {
	for _, p := range [...]struct {
		name   string
		period int
	}{{"fast", fast}, {"slow", slow}, {"signal", signal}} {
		if err := checkPeriod(p.name, p.period, 1); err != nil {
			return nil, nil, err
		}
	}
	if fast >= slow {
		return nil, nil, fmt.Errorf("%w: fast must be below slow, was %d and %d", ErrPeriod, fast, slow)
	}
	if err := checkFinite("closes", closes); err != nil {
		return nil, nil, err
	}
	macdLine, signalLine = make(Line, len(closes)), make(Line, len(closes))
	macd(macdLine, signalLine, closes, fast, slow, signal)
	if err := checkResult("macd", macdLine, slow-1); err != nil {
		return nil, nil, err
	}
	return macdLine, signalLine, checkResult("signal", signalLine, slow+signal-2)
}

func macd(line, signalLine, closes []float64, fast, slow, signal int) {
	ema(line, closes, fast)
	ema(signalLine, closes, slow) // held here until the difference is taken
	for i := range line {
		line[i] -= signalLine[i]
	}
	if len(line) >= slow {
		ema(signalLine[slow-1:], line[slow-1:], signal)
	}
}
