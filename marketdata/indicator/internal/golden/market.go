package main

import (
	"fmt"
	"math/big"
	"strings"
)

// market is a synthetic series. Prices are whole steps of 10^exponent.
type market struct {
	name     string
	interval string
	perDay   int64 // candles in 24 hours
	exponent int
	bars     []bar
}

type bar struct{ open, high, low, close int64 }

// dice is a linear congruential generator with Knuth's MMIX constants, so
// that the series are the same wherever the program runs.
type dice uint64

func (d *dice) below(n int64) int64 {
	*d = *d*6364136223846793005 + 1442695040888963407
	return int64(uint64(*d)>>33) % n //nolint:gosec // 31 bits are left
}

func markets() []market {
	return []market{
		{"walk", "15m", 96, -2, walk(130, 6_000_000, 30_000, 0, 1)},
		{"gaps", "1h", 24, -4, walk(110, 200_000, 8_000, 20_000, 2)},
		{"tiny", "4h", 6, -8, walk(100, 30, 9, 3, 3)},
		{"huge", "1d", 1, 12, walk(90, 900, 70, 9, 4)},
		{"flat", "1m", 1440, -1, repeat(85, 12_345, 12_345)},
		{"alternating", "5m", 288, -3, repeat(85, 1_000, 1_250)},
		{"short", "30m", 48, -2, walk(30, 10_000, 500, 0, 5)},
	}
}

// walk moves by up to stride a bar; gap is how far an open can be from the
// close before it.
func walk(n int, price, stride, gap int64, seed uint64) []bar {
	d := dice(seed)
	bars := make([]bar, n)
	floor := price / 5
	for i := range bars {
		open := max(price+d.below(2*gap+1)-gap, floor)
		last := max(open+d.below(2*stride+1)-stride, floor)
		bars[i] = bar{
			open: open, close: last,
			high: max(open, last) + d.below(stride/2+1),
			low:  min(open, last) - d.below(floor/2+1),
		}
		price = last
	}
	return bars
}

// repeat closes at a and b in turn, with no wicks.
func repeat(n int, a, b int64) []bar {
	bars := make([]bar, n)
	for i := range bars {
		open, last := a, b
		if i%2 == 1 {
			open, last = b, a
		}
		bars[i] = bar{open: open, high: max(open, last), low: min(open, last), close: last}
	}
	return bars
}

func (b bar) prices(exponent int) []string {
	return []string{
		decimal(b.open, exponent), decimal(b.high, exponent), decimal(b.low, exponent), decimal(b.close, exponent),
	}
}

func decimal(steps int64, exponent int) string {
	if exponent >= 0 {
		return fmt.Sprint(steps) + strings.Repeat("0", exponent)
	}
	digits := fmt.Sprintf("%0*d", 1-exponent, steps)
	point := len(digits) + exponent
	return digits[:point] + "." + digits[point:]
}

// exact are the bars' prices as fractions.
func (m market) exact(of func(bar) int64) []*big.Rat {
	step := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(m.exponent, -m.exponent))), nil))
	if m.exponent < 0 {
		step.Inv(step)
	}
	out := make([]*big.Rat, len(m.bars))
	for i, b := range m.bars {
		out[i] = new(big.Rat).Mul(big.NewRat(of(b), 1), step)
	}
	return out
}
