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
	resting := known(p.SLPrice)
	if resting == nil || !beyond(p.Side, resting, priceOf(in, *p)) && !beyond(p.Side, resting, p.MarkPrice.Rat()) {
		return false // nothing protected it, or it was triggered by whichever price triggers it
	}
	return stop == nil || losesMore(p.Side, priceOf(in, *p), resting, stop)
}

// beyond says whether a stop is still ahead of a price that falls for a long or
// rises for a short.
func beyond(side decision.Side, stop, price *big.Rat) bool {
	if side == decision.Short {
		return above(stop, price)
	}
	return above(price, stop)
}

// losesMore says whether the second stop is farther than the first on the
// losing side of a price. One that the price has passed is no distance away.
func losesMore(side decision.Side, price, first, second *big.Rat) bool {
	if !beyond(side, second, price) {
		return false
	}
	return !beyond(side, first, price) || beyond(side, second, first)
}

// priceOf is the last price of the asset, the account's mark without one.
func priceOf(in decision.Input, p decision.Position) *big.Rat {
	if last := lastPrice(in, p.Symbol); last != nil {
		return last
	}
	return p.MarkPrice.Rat()
}
