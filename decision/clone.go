package decision

import (
	"slices"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
)

// clone shares nothing with d that can be changed.
func (d AssetDecision) clone() AssetDecision {
	if d.PositionAdjustment != nil {
		a := *d.PositionAdjustment
		d.PositionAdjustment = &a
	}
	if d.OrderAdjustment != nil {
		a := *d.OrderAdjustment
		d.OrderAdjustment = &a
	}
	return d
}

func (d Decision) clone() Decision {
	d.Decisions = slices.Clone(d.Decisions)
	for i := range d.Decisions {
		d.Decisions[i] = d.Decisions[i].clone()
	}
	return d
}

func (p Proposal) clone() Proposal {
	p.Decision = p.Decision.clone()
	p.Assessments = slices.Clone(p.Assessments)
	p.Degraded = slices.Clone(p.Degraded)
	return p
}

func (r Result) clone() Result {
	r.Decision = r.Decision.clone()
	r.Refused = slices.Clone(r.Refused)
	for i := range r.Refused {
		r.Refused[i].Was = r.Refused[i].Was.clone()
		r.Refused[i].Violations = slices.Clone(r.Refused[i].Violations)
	}
	r.Tried = slices.Clone(r.Tried)
	r.Warnings, r.Degraded = slices.Clone(r.Warnings), slices.Clone(r.Degraded)
	return r
}

// sane takes the entries off whose numbers have exponents or digits that no
// price or amount has: arithmetic on them could take minutes.
func (p Proposal) sane() (Proposal, []Refusal) {
	var refused []Refusal
	kept := p.Decision.Decisions[:0:0]
	for _, d := range p.Decision.Decisions {
		if field := d.insane(); field != "" {
			refused = append(refused, Refusal{Asset: d.Asset, Was: d, Violations: []Violation{{
				Rule: Shape{}.Name(), Asset: d.Asset, Severity: SeverityError, Message: field + " has an exponent or digits out of range",
			}}})
			continue
		}
		kept = append(kept, d)
	}
	p.Decision.Decisions = kept
	if !jsonx.InRange(p.Decision.TotalAllocationUSD) {
		p.Decision.TotalAllocationUSD = decimal.Zero // Shape warns that it is not the sum
	}
	return p, refused
}

// insane names the first field whose number is out of range.
func (d AssetDecision) insane() string {
	fields := []struct {
		name  string
		value decimal.Decimal
	}{
		{"allocation_usd", d.AllocationUSD}, {"tp_price", d.TPPrice.Decimal}, {"sl_price", d.SLPrice.Decimal}, {"confidence", d.Confidence},
	}
	for _, f := range fields {
		if !jsonx.InRange(f.value) {
			return f.name
		}
	}
	if a := d.PositionAdjustment; a != nil && !inRange(a.AmountUSD, a.Percentage.Decimal, a.NewTPPrice.Decimal, a.NewSLPrice.Decimal) {
		return "position_adjustment"
	}
	if a := d.OrderAdjustment; a != nil && !inRange(a.NewTPPrice.Decimal, a.NewSLPrice.Decimal) {
		return "order_adjustment"
	}
	return ""
}

// inRange reports whether arithmetic on the numbers is safe and a record of
// them can be read back.
func inRange(numbers ...decimal.Decimal) bool {
	for _, d := range numbers {
		if !jsonx.InRange(d) {
			return false
		}
	}
	return true
}
