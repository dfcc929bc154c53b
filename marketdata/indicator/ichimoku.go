package indicator

import "fmt"

// IchimokuPeriods are the cloud's periods in candles, each 1 to MaxPeriod.
type IchimokuPeriods struct {
	Conversion   int // of the tenkan; 0 is 9
	Base         int // of the kijun; 0 is 26
	Span         int // of span B; 0 is 52
	Displacement int // how far the spans are carried forward; 0 is 26
}

// Cloud is Ichimoku at each candle. The spans are those in force there:
// computed Displacement candles earlier. There is no lagging span, because it
// is a close of the future.
type Cloud struct{ Tenkan, Kijun, SpanA, SpanB Line }

// Ichimoku is the midpoint of the highest high and the lowest low of three
// periods; span A is the mean of tenkan and kijun. With the defaults the first
// values are at 8, 25, 51 and 77. Errors: ErrPeriod, ErrLength, ErrNotFinite,
// ErrRange.
func Ichimoku(high, low []float64, periods IchimokuPeriods) (Cloud, error) {
	p := periods.withDefaults()
	if err := p.validate(); err != nil {
		return Cloud{}, err
	}
	if err := checkLengths(high, low, low); err != nil {
		return Cloud{}, err
	}
	if err := checkFinite("high", high); err != nil {
		return Cloud{}, err
	}
	if err := checkFinite("low", low); err != nil {
		return Cloud{}, err
	}
	n := len(high)
	c := Cloud{make(Line, n), make(Line, n), make(Line, n), make(Line, n)}
	ichimoku(c, high, low, p)
	for _, line := range [...]struct {
		name  string
		line  Line
		first int
	}{
		{"tenkan", c.Tenkan, p.Conversion - 1},
		{"kijun", c.Kijun, p.Base - 1},
		{"span_a", c.SpanA, max(p.Conversion, p.Base) - 1 + p.Displacement},
		{"span_b", c.SpanB, p.Span - 1 + p.Displacement},
	} {
		if err := checkResult(line.name, line.line, line.first); err != nil {
			return Cloud{}, err
		}
	}
	return c, nil
}

func (p IchimokuPeriods) withDefaults() IchimokuPeriods {
	for _, field := range [...]struct {
		period   *int
		standard int
	}{{&p.Conversion, 9}, {&p.Base, 26}, {&p.Span, 52}, {&p.Displacement, 26}} {
		if *field.period == 0 {
			*field.period = field.standard
		}
	}
	return p
}

func (p IchimokuPeriods) validate() error {
	for _, field := range [...]struct {
		name   string
		period int
	}{{"conversion", p.Conversion}, {"base", p.Base}, {"span", p.Span}, {"displacement", p.Displacement}} {
		if err := checkPeriod(field.name, field.period, 1); err != nil {
			return fmt.Errorf("ichimoku: %w", err)
		}
	}
	return nil
}

func ichimoku(c Cloud, high, low []float64, p IchimokuPeriods) {
	queue := make([]int, len(high))
	midpoint(c.Tenkan, high, low, p.Conversion, queue)
	midpoint(c.Kijun, high, low, p.Base, queue)
	warmUp(c.SpanB, p.Displacement)
	if !warmUp(c.SpanA, p.Displacement) {
		return
	}
	known := len(high) - p.Displacement
	for i := range known {
		c.SpanA[i+p.Displacement] = (c.Tenkan[i] + c.Kijun[i]) / 2
	}
	midpoint(c.SpanB[p.Displacement:], high[:known], low[:known], p.Span, queue)
}

// midpoint is half of the sum of the highest high and the lowest low of each
// window. queue is scratch space as long as the input.
func midpoint(dst, high, low []float64, period int, queue []int) {
	if !warmUp(dst, period-1) {
		return
	}
	// In queue[head:tail] are the candles that can still become the extreme
	// of a window, best first: each beats all that came before it.
	head, tail := 0, 0
	for i, v := range high {
		for tail > head && high[queue[tail-1]] <= v {
			tail--
		}
		queue[tail] = i
		tail++
		if queue[head] <= i-period {
			head++
		}
		if i >= period-1 {
			dst[i] = high[queue[head]]
		}
	}
	head, tail = 0, 0
	for i, v := range low {
		for tail > head && low[queue[tail-1]] >= v {
			tail--
		}
		queue[tail] = i
		tail++
		if queue[head] <= i-period {
			head++
		}
		if i >= period-1 {
			dst[i] = (dst[i] + low[queue[head]]) / 2
		}
	}
}
