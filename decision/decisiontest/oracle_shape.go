package decisiontest

import (
	"slices"
	"strings"

	"github.com/ballast-go/ballast/decision"
)

// judgeShape refuses an action that says too little or contradicts itself, a
// risk on an asset nobody asked about, and the second action on an asset.
func judgeShape(q question) verdict {
	risky := addsRisk(q.in, q.entry)
	return refusedIf(malformed(q.entry) ||
		risky && !percentage(q.entry) ||
		risky && !slices.Contains(q.in.Symbols, q.entry.Asset) ||
		risky && namedTwice(q) ||
		outdone(q))
}

// malformed looks at one action alone.
func malformed(d decision.AssetDecision) bool {
	switch d.Action {
	case decision.ActionHold, decision.ActionClosePosition:
		return false
	case decision.ActionBuy, decision.ActionSell:
		return !d.AllocationUSD.IsPositive() || strings.TrimSpace(d.Rationale) == "" || strings.TrimSpace(d.ExitPlan) == ""
	case decision.ActionAdjustPosition:
		a := d.PositionAdjustment
		return a == nil || a.Type != decision.AdjustIncrease && a.Type != decision.AdjustDecrease || !a.AmountUSD.IsPositive()
	case decision.ActionAdjustOrders:
		return d.OrderAdjustment == nil || malformedOrders(*d.OrderAdjustment)
	default: // no such action
		return true
	}
}

// malformedOrders: a change of orders names at least one change, never both
// moves and cancels an order, and says where an order moves to.
func malformedOrders(a decision.OrderAdjustment) bool {
	nothing := !a.AdjustTP && !a.AdjustSL && !a.CancelTP && !a.CancelSL
	both := a.AdjustTP && a.CancelTP || a.AdjustSL && a.CancelSL
	nowhere := a.AdjustTP && !a.NewTPPrice.Valid || a.AdjustSL && !a.NewSLPrice.Valid
	return nothing || both || nowhere
}

// percentage says whether the confidence is one.
func percentage(d decision.AssetDecision) bool {
	c := d.Confidence.Rat()
	return c.Sign() >= 0 && !above(c, whole(100))
}

// namedTwice says whether the proposal has another action on the asset.
func namedTwice(q question) bool {
	for i, other := range q.all {
		if i != q.index && other.Asset == q.entry.Asset {
			return true
		}
	}
	return false
}

// outdone says whether this is a reduction beside which the proposal has a
// larger one of the same asset, or an equal one before it.
func outdone(q question) bool {
	if !reduces(q.in, q.entry) {
		return false
	}
	for i, other := range q.all {
		if i == q.index || other.Asset != q.entry.Asset || !reduces(q.in, other) {
			continue
		}
		switch compareReductions(other, q.entry) {
		case 1:
			return true
		case 0:
			if i < q.index {
				return true
			}
		}
	}
	return false
}

// reduces: a close, or a decrease that adds no risk.
func reduces(in decision.Input, d decision.AssetDecision) bool {
	switch d.Action {
	case decision.ActionClosePosition:
		return true
	case decision.ActionAdjustPosition:
		return d.PositionAdjustment != nil && d.PositionAdjustment.Type == decision.AdjustDecrease && !addsRisk(in, d)
	default:
		return false
	}
}

// compareReductions is 1 when a reduces more than b, 0 when both do the same:
// a close does more than any decrease, of two decreases the larger amount.
func compareReductions(a, b decision.AssetDecision) int {
	closesA, closesB := a.Action == decision.ActionClosePosition, b.Action == decision.ActionClosePosition
	switch {
	case closesA && closesB:
		return 0
	case closesA:
		return 1
	case closesB:
		return -1
	}
	return a.PositionAdjustment.AmountUSD.Rat().Cmp(b.PositionAdjustment.AmountUSD.Rat())
}
