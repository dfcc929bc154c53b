package decisiontest

import (
	"math/big"

	"github.com/ballast-go/ballast/decision"
)

// addsRisk says whether more can be lost after the action than before it.
func addsRisk(in decision.Input, d decision.AssetDecision) bool {
	switch d.Action {
	case decision.ActionHold, decision.ActionClosePosition:
		return false
	case decision.ActionAdjustPosition:
		return d.PositionAdjustment != nil && adjustmentAddsRisk(in, d.Asset, *d.PositionAdjustment)
	case decision.ActionAdjustOrders:
		return d.OrderAdjustment != nil && ordersAddRisk(in, d.Asset, *d.OrderAdjustment)
	default: // buy, sell, and what nobody knows
		return true
	}
}

// adjustmentAddsRisk: only a decrease may be harmless, and one that brings a
// stop is so when what is left loses no more at it than all of it did before.
func adjustmentAddsRisk(in decision.Input, asset string, a decision.PositionAdjustment) bool {
	if a.Type != decision.AdjustDecrease {
		return true
	}
	if !a.NewSLPrice.Valid {
		return false
	}
	p := openPosition(in, asset)
	if p == nil {
		return true
	}
	size := worthUSD(in, *p)
	left := notNegative(minus(size, a.AmountUSD.Rat()))
	before := lossAtStop(in, *p, size, known(p.SLPrice))
	return losesMore(lossAtStop(in, *p, left, known(a.NewSLPrice)), before)
}

// ordersAddRisk: a stop that goes away or moves away. A target protects
// nothing.
func ordersAddRisk(in decision.Input, asset string, a decision.OrderAdjustment) bool {
	if !a.CancelSL && !a.AdjustSL {
		return false
	}
	p := openPosition(in, asset)
	if p == nil {
		return true
	}
	var stop *big.Rat
	if !a.CancelSL {
		stop = known(a.NewSLPrice)
	}
	size := worthUSD(in, *p)
	return losesMore(lossAtStop(in, *p, size, stop), lossAtStop(in, *p, size, known(p.SLPrice)))
}

// currentPrice is the last price, or the account's mark without data.
func currentPrice(in decision.Input, p decision.Position) *big.Rat {
	if last := lastPrice(in, p.Symbol); last != nil {
		return last
	}
	return p.MarkPrice.Rat()
}

// worthUSD is the notional of a position at the current price.
func worthUSD(in decision.Input, p decision.Position) *big.Rat {
	return times(p.Quantity.Rat(), currentPrice(in, p))
}

// lossAtStop is what a notional of the position loses between the current
// price and a stop: nothing at a stop on the winning side, and without a stop
// any amount, which is nil, unless there is nothing to lose.
func lossAtStop(in decision.Input, p decision.Position, size, stop *big.Rat) *big.Rat {
	if !positive(size) {
		return new(big.Rat)
	}
	if stop == nil {
		return nil
	}
	price := currentPrice(in, p)
	distance := minus(price, stop)
	if p.Side == decision.Short {
		distance = minus(stop, price)
	}
	return times(size, over(notNegative(distance), price))
}

// losesMore compares two losses, nil being more than any.
func losesMore(after, before *big.Rat) bool {
	switch {
	case before == nil:
		return false
	case after == nil:
		return true
	}
	return above(after, before)
}
