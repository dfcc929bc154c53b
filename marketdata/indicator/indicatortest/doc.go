// Package indicatortest holds what every indicator.Provider must do, and the
// golden tables and synthetic series that it is tested with:
//
//	func TestProvider(t *testing.T) {
//		indicatortest.Run(t, func() indicator.Provider { return mine.New() })
//	}
//
// # Tolerance
//
// Agree accepts a difference of 1e-9 of the wanted value, or of 1e-12 of what
// the value was computed from: the highest price for lines in price units, 100
// for RSI, the largest return for volatility. The second bound is for results
// near zero that are differences of large numbers, such as MACD: each of the
// numbers carries rounding of 2e-16 of a price, a few hundred roundings deep,
// and that does not shrink with their difference.
package indicatortest
