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
		return d.PositionAdjustment != nil && d.PositionAdjustment.Type != decision.AdjustDecrease
	case decision.ActionAdjustOrders:
		return d.OrderAdjustment != nil && ordersAddRisk(in, d.Asset, *d.OrderAdjustment)
	default: // buy, sell, and what nobody knows
		return true
	}
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
	before := stopDistance(in, *p, known(p.SLPrice))
	if before == nil || !positive(before) {
		return false // nothing protected it
	}
	after := stopDistance(in, *p, stop)
	return after == nil || above(after, before)
}

// stopDistance is how far the current price is from a stop, below zero when it
// has crossed it; nil without a stop.
func stopDistance(in decision.Input, p decision.Position, stop *big.Rat) *big.Rat {
	if stop == nil {
		return nil
	}
	price := lastPrice(in, p.Symbol)
	if price == nil {
		price = p.MarkPrice.Rat()
	}
	if p.Side == decision.Short {
		return minus(stop, price)
	}
	return minus(price, stop)
}
