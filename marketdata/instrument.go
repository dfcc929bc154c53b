package marketdata

import (
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
)

// maxBrackets bounds a leverage table: exchanges have about ten steps.
const maxBrackets = 100

// Validate reports every problem of the instrument: numbers that no exchange
// has, and a leverage table whose steps do not rise.
func (i Instrument) Validate() error {
	var problems []error
	add := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("marketdata: instrument: "+format, args...))
	}
	for _, f := range [...]struct {
		name  string
		value decimal.NullDecimal
	}{{"tick_size", i.TickSize}, {"lot_size", i.LotSize}, {"min_quantity", i.MinQuantity}, {"min_notional_usd", i.MinNotionalUSD}} {
		switch {
		case !f.value.Valid:
		case !jsonx.InRange(f.value.Decimal):
			add("%s has an exponent or digits out of range", f.name)
		case f.value.Decimal.IsNegative():
			add("%s must not be negative, was %s", f.name, f.value.Decimal)
		}
	}
	if len(i.Brackets) > maxBrackets {
		add("brackets must number at most %d, were %d", maxBrackets, len(i.Brackets))
		return errors.Join(problems...)
	}
	for n := range i.Brackets {
		if problem := i.bracketProblem(n); problem != "" {
			add("brackets[%d]: %s", n, problem)
		}
	}
	return errors.Join(problems...)
}

// bracketProblem is what is wrong with a step, empty when nothing is.
func (i Instrument) bracketProblem(n int) string {
	b, hundred := i.Brackets[n], decimal.NewFromInt(100)
	if !jsonx.InRange(b.UpToUSD.Decimal) || !jsonx.InRange(b.MaxLeverage) || !jsonx.InRange(b.MaintenancePercent) || !jsonx.InRange(b.DeductionUSD) {
		return "a number has an exponent or digits out of range"
	}
	if b.MaxLeverage.LessThan(decimal.NewFromInt(1)) {
		return fmt.Sprintf("max_leverage must be at least 1, was %s", b.MaxLeverage)
	}
	if b.MaintenancePercent.IsNegative() || b.MaintenancePercent.GreaterThan(hundred) {
		return fmt.Sprintf("maintenance_percent must be between 0 and 100, was %s", b.MaintenancePercent)
	}
	if b.DeductionUSD.IsNegative() {
		return fmt.Sprintf("deduction_usd must not be negative, was %s", b.DeductionUSD)
	}
	switch last := n == len(i.Brackets)-1; {
	case !b.UpToUSD.Valid && !last:
		return "only the last step may be without an upper bound"
	case b.UpToUSD.Valid && !b.UpToUSD.Decimal.IsPositive():
		return fmt.Sprintf("up_to_usd must be positive, was %s", b.UpToUSD.Decimal)
	case n > 0 && b.UpToUSD.Valid && !b.UpToUSD.Decimal.GreaterThan(i.Brackets[n-1].UpToUSD.Decimal):
		return fmt.Sprintf("up_to_usd must be above %s, was %s", i.Brackets[n-1].UpToUSD.Decimal, b.UpToUSD.Decimal)
	}
	return ""
}
