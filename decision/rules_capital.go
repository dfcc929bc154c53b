package decision

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// AvailableCapital refuses all new risk when its margin in USD, Σ added
// notional ÷ leverage, is above the account's AvailableUSD. What reductions
// would free does not count: they may not be filled.
type AvailableCapital struct{}

// Name is "available_capital".
func (AvailableCapital) Name() string { return "available_capital" }

// Check implements Rule.
func (r AvailableCapital) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r AvailableCapital) check(v *view, found *findings) {
	margin := v.newMarginUSD()
	available := v.in.Account.AvailableUSD
	if !margin.IsPositive() || !margin.GreaterThan(available) {
		return
	}
	found.whole(Violation{
		Rule: r.Name(), Severity: SeverityError, Limit: available.String(), Value: margin.String(),
		Message: "allocation exceeds available capital: margin " + margin.String() + " of " + available.String() + " available (" + v.spends() + ")",
	})
}

func (AvailableCapital) room(v *view, a *ask) Room {
	return Room{
		AssetUSD: decimal.NewNullDecimal(v.in.Account.AvailableUSD.Mul(a.leverage)),
		TotalUSD: decimal.NewNullDecimal(v.in.Account.AvailableUSD.Mul(v.in.Account.Leverage)),
	}
}

// newMarginUSD is the margin of everything that the proposal adds.
func (v *view) newMarginUSD() decimal.Decimal {
	total := decimal.Zero
	for i := range v.entries {
		if e := &v.entries[i]; e.addUSD.IsPositive() {
			total = total.Add(divUp(e.addUSD, e.ask.leverage))
		}
	}
	return total
}

// spends lists what adds notional, in alphabetical order.
func (v *view) spends() string {
	var parts []string
	for i := range v.entries {
		if e := &v.entries[i]; e.addUSD.IsPositive() {
			parts = append(parts, e.d.Asset+" "+e.addUSD.String()+" at "+e.ask.leverage.String()+"x")
		}
	}
	slices.Sort(parts)
	if more := len(parts) - MaxSymbols; more > 0 {
		parts = append(parts[:MaxSymbols], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, ", ")
}

// LargeAllocation warns about one added notional in USD above WarnPercent of
// the account's AvailableUSD, whatever its leverage. DefaultRules warn above 50,
// which is Ballast's own figure.
type LargeAllocation struct{ WarnPercent int64 }

// Name is "large_allocation".
func (LargeAllocation) Name() string { return "large_allocation" }

// Check implements Rule.
func (r LargeAllocation) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r LargeAllocation) check(v *view, found *findings) {
	limit := percentOf(v.in.Account.AvailableUSD, r.WarnPercent)
	for i := range v.entries {
		if e := &v.entries[i]; e.addUSD.IsPositive() && e.addUSD.GreaterThan(limit) {
			found.caution(e, r.Name(), limit, e.addUSD, "allocation %s is more than %d %% of the available balance %s", e.addUSD, r.WarnPercent, v.in.Account.AvailableUSD)
		}
	}
}

func percentOf(d decimal.Decimal, percent int64) decimal.Decimal {
	return d.Mul(decimal.New(percent, -2))
}

// PositionSize refuses a position whose notional in USD after the action, held
// + added, is above the account's MaxPositionSizeUSD. What is held counts at
// the account's mark or the last price, whichever is higher.
type PositionSize struct{}

// Name is "position_size".
func (PositionSize) Name() string { return "position_size" }

// Check implements Rule.
func (r PositionSize) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r PositionSize) check(v *view, found *findings) {
	limit := v.in.Account.MaxPositionSizeUSD
	for i := range v.entries {
		e := &v.entries[i]
		if e.addUSD.IsPositive() && e.addUSD.GreaterThan(r.room(v, &e.ask).AssetUSD.Decimal) {
			after := e.ask.heldUSD().Add(e.addUSD)
			found.refuse(e, r.Name(), limit, after, "position in %s must be at most %s USD, would be %s", e.d.Asset, limit, after)
		}
	}
}

func (PositionSize) room(v *view, a *ask) Room {
	return Room{AssetUSD: decimal.NewNullDecimal(v.in.Account.MaxPositionSizeUSD.Sub(a.heldUSD()))}
}

// RiskPerTrade refuses a position that would lose more at its stop than the
// strategy's MaxRiskPerTrade % of the balance, in USD: notional after the action
// × |price − stop| ÷ price. Without a stop the strategy's StopLossPercentage is
// the distance. Fees and slippage beyond the stop are not foreseen.
type RiskPerTrade struct{}

// Name is "risk_per_trade".
func (RiskPerTrade) Name() string { return "risk_per_trade" }

// Check implements Rule.
func (r RiskPerTrade) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r RiskPerTrade) check(v *view, found *findings) {
	limit := v.maxLossUSD
	for i := range v.entries {
		e := &v.entries[i]
		if !e.addsRisk || !e.addUSD.GreaterThan(r.room(v, &e.ask).AssetUSD.Decimal) {
			continue
		}
		loss := e.ask.heldUSD().Add(e.addUSD).Mul(e.ask.stopPercent).Shift(-2).RoundUp(8)
		whose := ""
		if last, known := e.ask.last(); known && e.stop.Valid && last.Sub(e.stop.Decimal).Abs().Mul(hundred).LessThan(e.ask.stopPercent.Mul(last)) {
			whose = ", which the strategy assumes at least"
		}
		found.refuse(e, r.Name(), limit, loss, "loss at the stop of %s must be at most %s USD (%s %% of balance), would be %s at a distance of %s %%%s",
			e.d.Asset, limit, v.in.Strategy.Risk.MaxRiskPerTrade, loss, e.ask.stopPercent, whose)
	}
}

func (RiskPerTrade) room(v *view, a *ask) Room {
	if !a.stopPercent.IsPositive() {
		return Room{AssetUSD: decimal.NewNullDecimal(decimal.Zero.Sub(a.heldUSD()))} // a stop at the price is no stop
	}
	return Room{AssetUSD: decimal.NewNullDecimal(divDown(v.maxLossUSD.Mul(hundred), a.stopPercent).Sub(a.heldUSD()))}
}

// Exposure refuses all new risk when the margin in USD of all positions
// afterwards, Σ notional ÷ leverage, is above MaxPercent of the account's
// balance, and warns above WarnPercent. DefaultRules warn above 60 and refuse
// above 80, which are Ballast's own figures.
type Exposure struct{ WarnPercent, MaxPercent int64 }

// Name is "exposure".
func (Exposure) Name() string { return "exposure" }

// Check implements Rule.
func (r Exposure) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r Exposure) check(v *view, found *findings) {
	added := v.newMarginUSD()
	if !added.IsPositive() {
		return
	}
	after := v.marginUSD.Add(added)
	severity, percent := SeverityError, r.MaxPercent
	if !after.GreaterThan(percentOf(v.in.Account.BalanceUSD, percent)) {
		severity, percent = SeverityWarning, r.WarnPercent
	}
	limit := percentOf(v.in.Account.BalanceUSD, percent)
	if after.GreaterThan(limit) {
		found.whole(Violation{
			Rule: r.Name(), Severity: severity, Limit: limit.String(), Value: after.String(),
			Message: "margin of all positions must be at most " + limit.String() + " USD (" + decimal.NewFromInt(percent).String() +
				" % of balance), would be " + after.String() + " (" + v.spends() + ")",
		})
	}
}

func (r Exposure) room(v *view, a *ask) Room {
	left := percentOf(v.in.Account.BalanceUSD, r.MaxPercent).Sub(v.marginUSD)
	return Room{
		AssetUSD: decimal.NewNullDecimal(left.Mul(a.leverage)),
		TotalUSD: decimal.NewNullDecimal(left.Mul(v.in.Account.Leverage)),
	}
}

// Concentration refuses an entry when the margin in USD of its asset
// afterwards, notional ÷ leverage, is above MaxPercent of the account's
// balance, and warns above WarnPercent. DefaultRules warn above 60 and refuse
// above 80, which are Ballast's own figures.
type Concentration struct{ WarnPercent, MaxPercent int64 }

// Name is "concentration".
func (Concentration) Name() string { return "concentration" }

// Check implements Rule.
func (r Concentration) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r Concentration) check(v *view, found *findings) {
	for i := range v.entries {
		e := &v.entries[i]
		if !e.addUSD.IsPositive() {
			continue
		}
		margin := divUp(e.ask.heldUSD().Add(e.addUSD), e.ask.leverage)
		if limit := percentOf(v.in.Account.BalanceUSD, r.MaxPercent); margin.GreaterThan(limit) {
			found.refuse(e, r.Name(), limit, margin, "margin of %s must be at most %s USD (%d %% of balance), would be %s", e.d.Asset, limit, r.MaxPercent, margin)
		} else if limit := percentOf(v.in.Account.BalanceUSD, r.WarnPercent); margin.GreaterThan(limit) {
			found.caution(e, r.Name(), limit, margin, "margin of %s would be %s USD, more than %d %% of the balance", e.d.Asset, margin, r.WarnPercent)
		}
	}
}

func (r Concentration) room(v *view, a *ask) Room {
	return Room{AssetUSD: decimal.NewNullDecimal(percentOf(v.in.Account.BalanceUSD, r.MaxPercent).Mul(a.leverage).Sub(a.heldUSD()))}
}
