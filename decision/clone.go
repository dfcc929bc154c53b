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
	if !inRange(p.Decision.TotalAllocationUSD) {
		p.Decision.TotalAllocationUSD = decimal.Zero // Shape warns that it is not the sum
	}
	all := p.Decision.Decisions
	first := slices.IndexFunc(all, func(d AssetDecision) bool { return d.insane() != "" })
	if first < 0 {
		return p, nil
	}
	var refused []Refusal
	p.Decision.Decisions = slices.Clone(all[:first])
	for _, d := range all[first:] {
		field := d.insane()
		if field == "" {
			p.Decision.Decisions = append(p.Decision.Decisions, d)
			continue
		}
		refused = append(refused, Refusal{Asset: d.Asset, Was: d, Violations: []Violation{{
			Rule: Shape{}.Name(), Asset: d.Asset, Severity: SeverityError, Message: field + " has an exponent or digits out of range",
		}}})
	}
	return p, refused
}

// insane names the first field whose number is out of range.
func (d *AssetDecision) insane() string {
	switch {
	case !inRange(d.AllocationUSD):
		return "allocation_usd"
	case !inRange(d.TPPrice.Decimal):
		return "tp_price"
	case !inRange(d.SLPrice.Decimal):
		return "sl_price"
	case !inRange(d.Confidence):
		return "confidence"
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
