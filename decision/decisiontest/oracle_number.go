package decisiontest

import (
	"math/big"

	"github.com/shopspring/decimal"
)

// Fractions are never changed after they were made; nil is an unknown number.

func whole(n int64) *big.Rat { return big.NewRat(n, 1) }

func known(n decimal.NullDecimal) *big.Rat {
	if !n.Valid {
		return nil
	}
	return n.Decimal.Rat()
}

func sum(terms ...*big.Rat) *big.Rat {
	total := new(big.Rat)
	for _, t := range terms {
		total.Add(total, t)
	}
	return total
}

func minus(a, b *big.Rat) *big.Rat { return new(big.Rat).Sub(a, b) }

func times(a, b *big.Rat) *big.Rat { return new(big.Rat).Mul(a, b) }

// over is a ÷ b; b is not zero.
func over(a, b *big.Rat) *big.Rat { return new(big.Rat).Quo(a, b) }

func percentOf(percent, a *big.Rat) *big.Rat { return over(times(percent, a), whole(100)) }

func negative(a *big.Rat) *big.Rat { return new(big.Rat).Neg(a) }

func absolute(a *big.Rat) *big.Rat { return new(big.Rat).Abs(a) }

func above(a, b *big.Rat) bool { return a.Cmp(b) > 0 }

func positive(a *big.Rat) bool { return a.Sign() > 0 }

func larger(a, b *big.Rat) *big.Rat {
	if above(a, b) {
		return a
	}
	return b
}

func smaller(a, b *big.Rat) *big.Rat {
	if above(a, b) {
		return b
	}
	return a
}

// notNegative is a, or 0 when a is below it.
func notNegative(a *big.Rat) *big.Rat { return larger(a, new(big.Rat)) }

// divisor is a leverage that can be divided by: one that makes no sense must
// not make a margin smaller than the notional.
func divisor(leverage decimal.Decimal) *big.Rat {
	if !leverage.IsPositive() {
		return whole(1)
	}
	return leverage.Rat()
}

const eightPlaces = 100_000_000

// upTo8 is the smallest multiple of 0.00000001 that is not below a.
func upTo8(a *big.Rat) *big.Rat { return negative(floor8(negative(a))) }

// downTo8 cuts a after 8 places, towards zero.
func downTo8(a *big.Rat) *big.Rat {
	if a.Sign() < 0 {
		return upTo8(a)
	}
	return floor8(a)
}

// floor8 is the largest multiple of 0.00000001 that is not above a.
func floor8(a *big.Rat) *big.Rat {
	scaled := times(a, whole(eightPlaces))
	floor := new(big.Int).Div(scaled.Num(), scaled.Denom()) // Euclidean, so downwards: the denominator is positive
	return over(new(big.Rat).SetInt(floor), whole(eightPlaces))
}

// multipleOf says whether a is a whole number of steps; step is positive.
func multipleOf(a, step *big.Rat) bool { return over(a, step).IsInt() }
