package decision

import (
	"fmt"
	"maps"
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

// clone shares nothing with a that can be changed.
func (a Account) clone() Account {
	a.Positions = slices.Clone(a.Positions)
	a.LastEntryAt = maps.Clone(a.LastEntryAt)
	if a.TrackRecord != nil {
		record := *a.TrackRecord
		a.TrackRecord = &record
	}
	return a
}

// maxEntries bounds what the gate looks at, because entries are compared with
// each other. Closes and decreases beyond it are looked at all the same, up to
// one for each position that an account may have.
const maxEntries = 200

// sane takes the entries off whose numbers have exponents or digits that no
// price or amount has, because arithmetic on them could take minutes, and those
// that are too many. A close needs no numbers and loses them instead.
func (p Proposal) sane() (Proposal, []Refusal) {
	if !inRange(p.Decision.TotalAllocationUSD) {
		p.Decision.TotalAllocationUSD = decimal.Zero // Shape warns that it is not the sum
	}
	all := p.Decision.Decisions
	if len(all) <= maxEntries && !slices.ContainsFunc(all, func(d AssetDecision) bool { return d.insane() != "" }) {
		return p, nil
	}
	var refused []Refusal
	p.Decision.Decisions = make([]AssetDecision, 0, min(len(all), maxEntries+maxPositions))
	reductions := 0
	for _, d := range all {
		field := d.insane()
		if field != "" && d.Action == ActionClosePosition {
			d, field = d.bare(), ""
		}
		why := ""
		switch reduces := d.Action == ActionClosePosition || !d.AddsRisk() && d.Action == ActionAdjustPosition; {
		case field != "":
			why = field + " has an exponent or digits out of range"
		case len(all) > maxEntries && (!reduces || reductions >= maxPositions):
			why = fmt.Sprintf("a proposal must have at most %d entries, had %d", maxEntries, len(all))
		case reduces:
			reductions++
		}
		if why == "" {
			p.Decision.Decisions = append(p.Decision.Decisions, d)
			continue
		}
		refused = append(refused, Refusal{Asset: d.Asset, Was: d, Violations: []Violation{{
			Rule: Shape{}.Name(), Asset: d.Asset, Severity: SeverityError, Message: why,
		}}})
	}
	return p, refused
}

// bare is the action without its numbers.
func (d AssetDecision) bare() AssetDecision {
	return AssetDecision{Asset: d.Asset, Action: d.Action, ExitPlan: d.ExitPlan, Rationale: d.Rationale, RiskLevel: d.RiskLevel}
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
