package decision

import (
	"bytes"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// Shape refuses actions that contradict themselves, whatever the market: an
// unknown action, an adjustment without its object or with a contradictory
// one, an entry without size, rationale or exit plan, a number out of range, an
// asset that was not asked about, risk on an asset that is decided twice. Of
// several reductions of one position the largest is kept.
//
// What is merely superfluous costs nothing but a warning: the gate sets a
// total that is not the sum and an allocation where none belongs, takes off an
// object that belongs to another action, and ends a decrease at the size of
// the position.
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
	case ActionAdjustPosition:
		r.checkPositionAdjustment(e, found)
	case ActionAdjustOrders:
		r.checkOrderAdjustment(e, found)
	case ActionHold, ActionClosePosition:
	default:
		found.reject(e, r.Name(), "unknown action %.40q", string(d.Action))
	}
	r.checkSuperfluous(e, found)
	if d.Confidence.IsNegative() || d.Confidence.GreaterThan(hundred) {
		limit := decimal.Min(decimal.Max(d.Confidence, decimal.Zero), hundred)
		if e.fixes.confidence = !e.addsRisk; e.addsRisk {
			found.refuse(e, r.Name(), limit, d.Confidence, "confidence must be between 0 and 100, was %s", d.Confidence)
		} else {
			found.caution(e, r.Name(), limit, d.Confidence, "confidence must be between 0 and 100, was %s; it is set to 0", d.Confidence)
		}
	}
	if e.addsRisk && !slices.Contains(v.in.Symbols, d.Asset) {
		found.reject(e, r.Name(), "asset %.40q was not asked about", d.Asset)
	}
	for i := range v.entries {
		other := &v.entries[i]
		if i == e.index || other.d.Asset != d.Asset {
			continue
		}
		if e.addsRisk || e.reduces() && other.reduces() && other.reducesMore(e) {
			found.reject(e, r.Name(), "%s is decided more than once", d.Asset)
			break
		}
	}
}

// checkSuperfluous warns about what Verdict.Kept goes without.
func (r Shape) checkSuperfluous(e *entry, found *findings) {
	d := e.d
	if d.Action != ActionBuy && d.Action != ActionSell && !d.AllocationUSD.IsZero() {
		found.caution(e, r.Name(), decimal.Zero, d.AllocationUSD, "allocation_usd must be 0 for %s, was %s; it is set to 0", d.Action, d.AllocationUSD)
	}
	if d.Action != ActionBuy && d.Action != ActionSell && (d.SLPrice.Valid || d.TPPrice.Valid) {
		found.warn(e, r.Name(), "sl_price and tp_price do not belong to %s; they are taken off", d.Action)
	}
	if a := d.OrderAdjustment; a != nil && d.Action == ActionAdjustOrders && (a.NewSLPrice.Valid && !a.AdjustSL || a.NewTPPrice.Valid && !a.AdjustTP) {
		found.warn(e, r.Name(), "a new price without adjust_sl or adjust_tp is taken off")
	}
	if d.Action != ActionAdjustPosition && d.PositionAdjustment != nil {
		found.warn(e, r.Name(), "position_adjustment does not belong to %s; it is taken off", d.Action)
	}
	if d.Action != ActionAdjustOrders && d.OrderAdjustment != nil {
		found.warn(e, r.Name(), "order_adjustment does not belong to %s; it is taken off", d.Action)
	}
}

// reduces reports an action that makes a position smaller and no riskier.
func (e *entry) reduces() bool {
	return e.d.Action == ActionClosePosition || e.d.Action == ActionAdjustPosition && !e.addsRisk && e.d.PositionAdjustment != nil
}

// reducesMore orders the reductions of one asset, so that whatever their order
// in the proposal the same one is kept.
func (e *entry) reducesMore(than *entry) bool {
	a, b := e.d.Action == ActionClosePosition, than.d.Action == ActionClosePosition
	if a != b {
		return a
	}
	if !a {
		if c := e.d.PositionAdjustment.AmountUSD.Cmp(than.d.PositionAdjustment.AmountUSD); c != 0 {
			return c > 0
		}
	}
	first, err := e.d.MarshalJSON()
	second, err2 := than.d.MarshalJSON()
	if c := bytes.Compare(first, second); err == nil && err2 == nil && c != 0 {
		return c > 0
	}
	return e.index < than.index // the same action twice
}

func (r Shape) checkOpening(e *entry, found *findings) {
	d := e.d
	if !d.AllocationUSD.IsPositive() {
		found.refuse(e, r.Name(), decimal.Zero, d.AllocationUSD, "allocation_usd must be positive for %s, was %s", d.Action, d.AllocationUSD)
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
		found.refuse(e, r.Name(), decimal.Zero, a.AmountUSD, "adjustment_amount_usd must be positive, was %s", a.AmountUSD)
	}
	if p := a.Percentage; p.Valid && (p.Decimal.IsNegative() || p.Decimal.GreaterThan(hundred)) {
		e.fixes.percentage = true
		found.caution(e, r.Name(), decimal.Min(decimal.Max(p.Decimal, decimal.Zero), hundred), p.Decimal, "adjustment_percentage must be between 0 and 100, was %s; it is left out", p.Decimal)
	}
	if open := e.ask.heldUSD(); a.Type == AdjustDecrease && e.ask.position != nil && a.AmountUSD.GreaterThan(open) {
		e.fixes.capUSD = decimal.NewNullDecimal(open)
		found.caution(e, r.Name(), open, a.AmountUSD, "a decrease of %s is more than the position in %s; it ends at %s", a.AmountUSD, e.d.Asset, open)
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
}
