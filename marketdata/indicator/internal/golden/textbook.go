package main

import "math/big"

// line is one value a candle; nil is warm-up.
type line []*big.Rat

type column struct {
	name string
	line line
	// root and factor make the value line + factor × √root. A nil root is
	// the line alone, a nil line is zero.
	root   line
	factor int64
}

func (c column) text(i int) string {
	value := new(big.Float).SetPrec(256)
	switch {
	case c.root != nil && c.root[i] == nil, c.root == nil && c.line[i] == nil:
		return ""
	case c.root != nil:
		value.SetRat(c.root[i])
		value.Sqrt(value)
		value.Mul(value, big.NewFloat(0).SetPrec(256).SetInt64(c.factor))
	}
	if c.line != nil {
		value.Add(value, new(big.Float).SetPrec(256).SetRat(c.line[i]))
	}
	return value.Text('g', 17)
}

func (m market) columns() []column {
	closes := m.exact(func(b bar) int64 { return b.close })
	high := m.exact(func(b bar) int64 { return b.high })
	low := m.exact(func(b bar) int64 { return b.low })
	macd := subtract(exponential(closes, 12), exponential(closes, 26))
	middle, variance := moments(closes, 20, 20)
	_, returns := moments(changes(closes), 20, 19)
	tenkan, kijun := midpoints(high, low, 9), midpoints(high, low, 26)
	return []column{
		{name: "ema_20", line: exponential(closes, 20)},
		{name: "ema_50", line: exponential(closes, 50)},
		{name: "macd", line: macd},
		{name: "macd_signal", line: exponential(macd, 9)},
		{name: "rsi_14", line: relativeStrength(closes, 14)},
		{name: "bollinger_upper", line: middle, root: variance, factor: 2},
		{name: "bollinger_middle", line: middle},
		{name: "bollinger_lower", line: middle, root: variance, factor: -2},
		{name: "atr_14", line: wilder(trueRanges(high, low, closes), 14)},
		{name: "volatility_percent", root: times(returns, big.NewRat(m.perDay, 1)), factor: 100},
		{name: "tenkan", line: tenkan},
		{name: "kijun", line: kijun},
		{name: "span_a", line: later(halves(tenkan, kijun), 26)},
		{name: "span_b", line: later(midpoints(high, low, 52), 26)},
	}
}

// weighted is an average that starts as the mean of the first n values there
// are and then moves towards each value by the weight.
func weighted(values line, n int, weight *big.Rat) line {
	out := make(line, len(values))
	rest := new(big.Rat).Sub(big.NewRat(1, 1), weight)
	seen := line{}
	for i, v := range values {
		if v == nil {
			continue
		}
		seen = append(seen, v)
		switch {
		case len(seen) == n:
			out[i] = arithmetic(seen)
		case len(seen) > n:
			out[i] = new(big.Rat).Add(new(big.Rat).Mul(weight, v), new(big.Rat).Mul(rest, out[i-1]))
		}
	}
	return out
}

func exponential(values line, n int64) line { return weighted(values, int(n), big.NewRat(2, n+1)) }
func wilder(values line, n int64) line      { return weighted(values, int(n), big.NewRat(1, n)) }

func arithmetic(values line) *big.Rat {
	sum := new(big.Rat)
	for _, v := range values {
		sum.Add(sum, v)
	}
	return sum.Quo(sum, big.NewRat(int64(len(values)), 1))
}

// relativeStrength is 100 − 100 ÷ (1 + average gain ÷ average loss).
func relativeStrength(closes line, n int64) line {
	gains, losses := make(line, len(closes)), make(line, len(closes))
	for i := 1; i < len(closes); i++ {
		change := new(big.Rat).Sub(closes[i], closes[i-1])
		gains[i], losses[i] = new(big.Rat), new(big.Rat)
		if change.Sign() > 0 {
			gains[i] = change
		} else {
			losses[i].Neg(change)
		}
	}
	up, down := wilder(gains, n), wilder(losses, n)
	out := make(line, len(closes))
	for i := range closes {
		switch {
		case up[i] == nil:
		case up[i].Sign() == 0 && down[i].Sign() == 0:
			out[i] = big.NewRat(50, 1)
		case down[i].Sign() == 0:
			out[i] = big.NewRat(100, 1)
		default:
			ratio := new(big.Rat).Quo(up[i], down[i])
			ratio.Add(ratio, big.NewRat(1, 1))
			out[i] = new(big.Rat).Sub(big.NewRat(100, 1), ratio.Quo(big.NewRat(100, 1), ratio))
		}
	}
	return out
}

// moments are the mean of each window of n values, and the sum of the squared
// distances from it divided by divisor.
func moments(values line, n, divisor int) (means, variances line) {
	means, variances = make(line, len(values)), make(line, len(values))
	for i := n - 1; i < len(values); i++ {
		window := values[i-n+1 : i+1]
		if window[0] == nil {
			continue
		}
		means[i] = arithmetic(window)
		squares := new(big.Rat)
		for _, v := range window {
			d := new(big.Rat).Sub(v, means[i])
			squares.Add(squares, d.Mul(d, d))
		}
		variances[i] = squares.Quo(squares, big.NewRat(int64(divisor), 1))
	}
	return means, variances
}

// changes are the simple returns.
func changes(closes line) line {
	out := make(line, len(closes))
	for i := 1; i < len(closes); i++ {
		out[i] = new(big.Rat).Quo(closes[i], closes[i-1])
		out[i].Sub(out[i], big.NewRat(1, 1))
	}
	return out
}

// trueRanges are the largest of high − low, |high − close before| and
// |low − close before|.
func trueRanges(high, low, closes line) line {
	out := make(line, len(closes))
	for i := 1; i < len(closes); i++ {
		out[i] = new(big.Rat).Sub(high[i], low[i])
		for _, edge := range []*big.Rat{high[i], low[i]} {
			if d := new(big.Rat).Sub(edge, closes[i-1]); d.Abs(d).Cmp(out[i]) > 0 {
				out[i] = d
			}
		}
	}
	return out
}

func midpoints(high, low line, n int) line {
	out := make(line, len(high))
	for i := n - 1; i < len(high); i++ {
		top, bottom := high[i], low[i]
		for j := i - n + 1; j < i; j++ {
			if high[j].Cmp(top) > 0 {
				top = high[j]
			}
			if low[j].Cmp(bottom) < 0 {
				bottom = low[j]
			}
		}
		out[i] = arithmetic(line{top, bottom})
	}
	return out
}

func halves(a, b line) line {
	out := make(line, len(a))
	for i := range a {
		if a[i] != nil && b[i] != nil {
			out[i] = arithmetic(line{a[i], b[i]})
		}
	}
	return out
}

func subtract(a, b line) line {
	out := make(line, len(a))
	for i := range a {
		if a[i] != nil && b[i] != nil {
			out[i] = new(big.Rat).Sub(a[i], b[i])
		}
	}
	return out
}

func times(a line, factor *big.Rat) line {
	out := make(line, len(a))
	for i := range a {
		if a[i] != nil {
			out[i] = new(big.Rat).Mul(a[i], factor)
		}
	}
	return out
}

func later(a line, n int) line {
	out := make(line, len(a))
	for i := n; i < len(a); i++ {
		out[i] = a[i-n]
	}
	return out
}
