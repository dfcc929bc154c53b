package decisiontest

import (
	"math/big"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
)

// outsized says whether an action has a number that is too long to calculate
// with: more than 100 digits, or an exponent beyond 60 on either side.
func outsized(d decision.AssetDecision) bool {
	numbers := []decimal.Decimal{d.AllocationUSD, d.Confidence}
	optional := []decimal.NullDecimal{d.TPPrice, d.SLPrice}
	if a := d.PositionAdjustment; a != nil {
		numbers = append(numbers, a.AmountUSD)
		optional = append(optional, a.Percentage, a.NewTPPrice, a.NewSLPrice)
	}
	if a := d.OrderAdjustment; a != nil {
		optional = append(optional, a.NewTPPrice, a.NewSLPrice)
	}
	for _, o := range optional {
		if o.Valid {
			numbers = append(numbers, o.Decimal)
		}
	}
	for _, n := range numbers {
		if n.Exponent() < -60 || n.Exponent() > 60 || n.NumDigits() > 100 {
			return true
		}
	}
	return false
}

// openPosition is the position in an asset, nil when there is none.
func openPosition(in decision.Input, asset string) *decision.Position {
	for _, p := range in.Account.Positions {
		if p.Symbol == asset {
			return &p
		}
	}
	return nil
}

// lastPrice is nil for an asset without data.
func lastPrice(in decision.Input, asset string) *big.Rat {
	a, ok := in.Market.Assets[asset]
	if !ok || !a.Quote.Last.IsPositive() {
		return nil
	}
	return a.Quote.Last.Rat()
}

// instrument has only unknown limits when the source gives none.
func instrument(in decision.Input, asset string) marketdata.Instrument {
	if i := in.Market.Assets[asset].Instrument; i != nil {
		return *i
	}
	return marketdata.Instrument{}
}

// heldUSD is what the open position in an asset is worth, at the higher of
// the account's mark and the last price.
func heldUSD(in decision.Input, asset string) *big.Rat {
	p := openPosition(in, asset)
	if p == nil {
		return new(big.Rat)
	}
	price := p.MarkPrice.Rat()
	if last := lastPrice(in, asset); last != nil {
		price = larger(price, last)
	}
	return times(p.Quantity.Rat(), price)
}

// addUSD is the notional that an action adds. A size below zero adds nothing,
// it makes no room for others.
func addUSD(d decision.AssetDecision) *big.Rat {
	switch d.Action {
	case decision.ActionBuy, decision.ActionSell:
		return notNegative(d.AllocationUSD.Rat())
	case decision.ActionAdjustPosition:
		if a := d.PositionAdjustment; a != nil && a.Type != decision.AdjustDecrease {
			return notNegative(a.AmountUSD.Rat())
		}
	default: // nothing else has a size
	}
	return new(big.Rat)
}

// afterUSD is what the asset is worth once the action is done.
func afterUSD(in decision.Input, d decision.AssetDecision) *big.Rat {
	return sum(heldUSD(in, d.Asset), addUSD(d))
}

// leverageUsed is that of the open position, which an addition cannot change,
// else that of the account.
func leverageUsed(in decision.Input, asset string) decimal.Decimal {
	if p := openPosition(in, asset); p != nil {
		return p.Leverage
	}
	return in.Account.Leverage
}

// addMarginUSD is the margin that an action ties up.
func addMarginUSD(in decision.Input, d decision.AssetDecision) *big.Rat {
	return upTo8(over(addUSD(d), divisor(leverageUsed(in, d.Asset))))
}

// entrySide is empty for a change to a position that does not exist.
func entrySide(in decision.Input, d decision.AssetDecision) decision.Side {
	switch d.Action {
	case decision.ActionBuy:
		return decision.Long
	case decision.ActionSell:
		return decision.Short
	default: // what else there is concerns the open position
	}
	if p := openPosition(in, d.Asset); p != nil {
		return p.Side
	}
	return ""
}

// ownStop is the stop that the action itself sets, nil for none.
func ownStop(d decision.AssetDecision) *big.Rat {
	switch {
	case d.Action == decision.ActionBuy, d.Action == decision.ActionSell:
		return known(d.SLPrice)
	case d.Action == decision.ActionAdjustPosition && d.PositionAdjustment != nil:
		return known(d.PositionAdjustment.NewSLPrice)
	case d.Action == decision.ActionAdjustOrders && d.OrderAdjustment != nil && d.OrderAdjustment.AdjustSL && !d.OrderAdjustment.CancelSL:
		return known(d.OrderAdjustment.NewSLPrice)
	}
	return nil
}

// ownTarget is the target that the action itself sets, nil for none.
func ownTarget(d decision.AssetDecision) *big.Rat {
	switch {
	case d.Action == decision.ActionBuy, d.Action == decision.ActionSell:
		return known(d.TPPrice)
	case d.Action == decision.ActionAdjustPosition && d.PositionAdjustment != nil:
		return known(d.PositionAdjustment.NewTPPrice)
	case d.Action == decision.ActionAdjustOrders && d.OrderAdjustment != nil && d.OrderAdjustment.AdjustTP && !d.OrderAdjustment.CancelTP:
		return known(d.OrderAdjustment.NewTPPrice)
	}
	return nil
}

// stopAfter is the stop in force once the action is done, nil for none.
func stopAfter(in decision.Input, d decision.AssetDecision) *big.Rat {
	if d.Action == decision.ActionAdjustOrders && d.OrderAdjustment != nil && d.OrderAdjustment.CancelSL {
		return nil
	}
	if stop := ownStop(d); stop != nil {
		return stop
	}
	if p := openPosition(in, d.Asset); p != nil {
		return restingStop(in, *p)
	}
	return nil
}

// restingStop is the stop of an open position; one that the price has crossed
// is none.
func restingStop(in decision.Input, p decision.Position) *big.Rat {
	stop, last := known(p.SLPrice), lastPrice(in, p.Symbol)
	if stop == nil || last == nil {
		return stop
	}
	if p.Side == decision.Short && above(stop, last) || p.Side != decision.Short && above(last, stop) {
		return stop
	}
	return nil
}

// restingTarget is the target of an open position, likewise.
func restingTarget(in decision.Input, p decision.Position) *big.Rat {
	target, last := known(p.TPPrice), lastPrice(in, p.Symbol)
	if target == nil || last == nil {
		return target
	}
	if p.Side == decision.Short && above(last, target) || p.Side != decision.Short && above(target, last) {
		return target
	}
	return nil
}

// targetAfter is the target in force once an addition is done, nil for none.
func targetAfter(in decision.Input, d decision.AssetDecision) *big.Rat {
	if target := ownTarget(d); target != nil {
		return target
	}
	if p := openPosition(in, d.Asset); p != nil {
		return restingTarget(in, *p)
	}
	return nil
}

// stopPercent is how far the stop in force is from the last price, in percent
// of it; the strategy's distance when there is no stop or no price.
func stopPercent(in decision.Input, d decision.AssetDecision) *big.Rat {
	last, stop := lastPrice(in, d.Asset), stopAfter(in, d)
	if last == nil || stop == nil {
		return in.Strategy.Risk.StopLossPercentage.Rat()
	}
	distance := upTo8(times(over(absolute(minus(last, stop)), last), whole(100)))
	if least := in.Strategy.Risk.StopLossPercentage.Rat(); above(least, distance) {
		return least
	}
	return distance
}
