package decision

import (
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// Shape refuses actions that contradict themselves, whatever the market: an
// unknown action, an adjustment without its object or with a contradictory
// one, an entry without size, rationale or exit plan, an asset that was not
// asked about, the same asset twice. It warns about a total that is not the
// sum and about allocations where none belongs, which the gate sets to zero.
type Shape struct{}

// Name is "shape".
func (Shape) Name() string { return "shape" }

// Check implements Rule.
func (r Shape) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r Shape) check(v *view, found *findings) {
	d := &v.p.Decision
	if len(d.Decisions) == 0 {
		found.whole(Violation{Rule: r.Name(), Severity: SeverityError, Message: "no decisions"})
	}
	if strings.TrimSpace(d.PortfolioRationale) == "" {
		found.whole(Violation{Rule: r.Name(), Severity: SeverityWarning, Message: "portfolio_rationale is blank"})
	}
	sum := decimal.Zero
	for i := range v.entries {
		sum = sum.Add(v.entries[i].d.AllocationUSD)
		r.checkEntry(v, &v.entries[i], found)
	}
	if !sum.Equal(d.TotalAllocationUSD) {
		found.whole(Violation{
			Rule: r.Name(), Severity: SeverityWarning, Limit: sum.String(), Value: d.TotalAllocationUSD.String(),
			Message: "total_allocation_usd is not the sum of the allocations; the engine uses the sum",
		})
	}
}

func (r Shape) checkEntry(v *view, e *entry, found *findings) {
	d := e.d
	switch d.Action {
	case ActionBuy, ActionSell:
		r.checkOpening(e, found)
	case ActionHold, ActionClosePosition:
		if !d.AllocationUSD.IsZero() {
			found.warn(e, r.Name(), "allocation_usd must be 0 for %s, was %s; it is set to 0", d.Action, d.AllocationUSD)
		}
	case ActionAdjustPosition:
		r.checkPositionAdjustment(e, found)
	case ActionAdjustOrders:
		r.checkOrderAdjustment(e, found)
	default:
		found.reject(e, r.Name(), "unknown action %.40q", string(d.Action))
	}
	if d.Confidence.IsNegative() || d.Confidence.GreaterThan(hundred) {
		found.reject(e, r.Name(), "confidence must be between 0 and 100, was %s", d.Confidence)
	}
	if !e.addsRisk {
		return
	}
	if !slices.Contains(v.in.Symbols, d.Asset) {
		found.reject(e, r.Name(), "asset %.40q was not asked about", d.Asset)
	}
	for i := range v.entries {
		if i != e.index && v.entries[i].d.Asset == d.Asset {
			found.reject(e, r.Name(), "%s is decided more than once", d.Asset)
			break
		}
	}
}

func (r Shape) checkOpening(e *entry, found *findings) {
	d := e.d
	if !d.AllocationUSD.IsPositive() {
		found.reject(e, r.Name(), "allocation_usd must be positive for %s, was %s", d.Action, d.AllocationUSD)
	}
	if strings.TrimSpace(d.Rationale) == "" {
		found.reject(e, r.Name(), "rationale is blank")
	}
	if strings.TrimSpace(d.ExitPlan) == "" {
		found.reject(e, r.Name(), "exit_plan is blank")
	}
}

func (r Shape) checkPositionAdjustment(e *entry, found *findings) {
	a := e.d.PositionAdjustment
	if a == nil {
		found.reject(e, r.Name(), "adjust_position without position_adjustment")
		return
	}
	if !a.Type.Valid() {
		found.reject(e, r.Name(), "adjustment_type must be increase or decrease, was %.40q", string(a.Type))
	}
	if !a.AmountUSD.IsPositive() {
		found.reject(e, r.Name(), "adjustment_amount_usd must be positive, was %s", a.AmountUSD)
	}
	if p := a.Percentage; p.Valid && (p.Decimal.IsNegative() || p.Decimal.GreaterThan(hundred)) {
		found.reject(e, r.Name(), "adjustment_percentage must be between 0 and 100, was %s", p.Decimal)
	}
	if !e.d.AllocationUSD.IsZero() {
		found.warn(e, r.Name(), "allocation_usd must be 0 for adjust_position, was %s; it is set to 0", e.d.AllocationUSD)
	}
}

func (r Shape) checkOrderAdjustment(e *entry, found *findings) {
	a := e.d.OrderAdjustment
	if a == nil {
		found.reject(e, r.Name(), "adjust_orders without order_adjustment")
		return
	}
	switch {
	case !a.AdjustTP && !a.AdjustSL && !a.CancelTP && !a.CancelSL:
		found.reject(e, r.Name(), "adjust_orders that neither adjusts nor cancels an order")
	case a.AdjustTP && a.CancelTP:
		found.reject(e, r.Name(), "adjust_tp and cancel_tp exclude each other")
	case a.AdjustSL && a.CancelSL:
		found.reject(e, r.Name(), "adjust_sl and cancel_sl exclude each other")
	case a.AdjustTP && !a.NewTPPrice.Valid:
		found.reject(e, r.Name(), "adjust_tp without new_tp_price")
	case a.AdjustSL && !a.NewSLPrice.Valid:
		found.reject(e, r.Name(), "adjust_sl without new_sl_price")
	}
	if !e.d.AllocationUSD.IsZero() {
		found.warn(e, r.Name(), "allocation_usd must be 0 for adjust_orders, was %s; it is set to 0", e.d.AllocationUSD)
	}
}
