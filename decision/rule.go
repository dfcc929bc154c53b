package decision

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// Rule is one limit. Rules are values: printable, comparable, without state.
// Check depends on its arguments alone. A violation that names an asset binds
// that asset, one without binds the whole proposal; as errors both refuse only
// what adds risk.
type Rule interface {
	Name() string
	Check(in Input, p Proposal) []Violation
}

// Bounder is a Rule that can also say beforehand how much it would allow. The
// envelope is made from it.
type Bounder interface {
	Rule
	Room(in Input, a Ask) Room
}

// Ask is a position that somebody might want to take on.
type Ask struct {
	Asset       string
	Side        Side
	StopPercent decimal.Decimal // distance of the stop, % of price
}

// Room is how much notional may be added. Null is unbounded by this rule.
type Room struct {
	AssetUSD decimal.NullDecimal // for this asset and side
	TotalUSD decimal.NullDecimal // for all assets together
}

// Rules is a set of rules.
type Rules []Rule

// DefaultRules are the rules that every engine enforces, with their standard
// bounds. Limits of the account and strategy come from the Input.
func DefaultRules() Rules {
	return Rules{
		Shape{},
		MarketData{},
		PriceLogic{},
		StopRequired{},
		RewardRisk{},
		AvailableCapital{},
		LargeAllocation{WarnPercent: 50},
		PositionSize{},
		Leverage{},
		PositionExists{},
		MaxPositions{},
		RiskPerTrade{},
		Exposure{WarnPercent: 60, MaxPercent: 80},
		Concentration{WarnPercent: 60, MaxPercent: 80},
		DailyLoss{},
		Cooldown{},
		Funding{},
		LiquidationBuffer{},
		MinConfidence{},
		Correlation{Bars: 50, WarnPercent: 90},
		HighRiskShare{},
		MinNotional{},
		LotSize{},
		TickSize{},
		Halted{},
	}
}

// Verdict is what the gate made of a proposal: every proposed entry is either
// kept or refused.
type Verdict struct {
	Kept     []AssetDecision
	Refused  []Refusal
	Errors   []Violation // of the whole proposal; each also stands in the refusals it caused
	Warnings []Violation
}

// builtin is a rule of this package: it reads what the gate derived once for
// all of them.
type builtin interface {
	Rule
	check(v *view, found *findings)
}

// ours reports a type of this package. A host's type that embeds one has its
// unexported methods too, but it is the host's Check that counts.
func ours(r Rule) bool {
	t := reflect.TypeOf(r)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath() == reflect.TypeFor[Rules]().PkgPath()
}

// bounded is a builtin that limits amounts. Check and envelope share it, so
// that a limit has one implementation.
type bounded interface {
	builtin
	room(v *view, a *ask) Room
}

// findings collects violations with the entry that they are about; entry -1 is
// the whole proposal.
type findings struct{ list []finding }

type finding struct {
	entry int
	Violation
}

func (f *findings) refuse(e *entry, rule string, limit, value decimal.Decimal, format string, args ...any) {
	f.list = append(f.list, finding{e.index, Violation{
		Rule: rule, Asset: e.d.Asset, Severity: SeverityError, Limit: limit.String(), Value: value.String(), Message: fmt.Sprintf(format, args...),
	}})
}

func (f *findings) reject(e *entry, rule, format string, args ...any) {
	f.list = append(f.list, finding{e.index, Violation{Rule: rule, Asset: e.d.Asset, Severity: SeverityError, Message: fmt.Sprintf(format, args...)}})
}

// caution is a warning about a number, refuse without the refusal.
func (f *findings) caution(e *entry, rule string, limit, value decimal.Decimal, format string, args ...any) {
	f.list = append(f.list, finding{e.index, Violation{
		Rule: rule, Asset: e.d.Asset, Severity: SeverityWarning, Limit: limit.String(), Value: value.String(), Message: fmt.Sprintf(format, args...),
	}})
}

func (f *findings) warn(e *entry, rule, format string, args ...any) {
	f.list = append(f.list, finding{e.index, Violation{Rule: rule, Asset: e.d.Asset, Severity: SeverityWarning, Message: fmt.Sprintf(format, args...)}})
}

func (f *findings) whole(v Violation) { f.list = append(f.list, finding{-1, v}) }

func (f *findings) violations() []Violation {
	if len(f.list) == 0 {
		return nil
	}
	out := make([]Violation, len(f.list))
	for i := range f.list {
		out[i] = f.list[i].Violation
	}
	return out
}

// checkAlone is Rule.Check for a builtin.
func checkAlone(r builtin, in Input, p Proposal) []Violation {
	var found findings
	r.check(newView(&in, &p), &found)
	return found.violations()
}

// Gate checks a proposal. It is pure: the same arguments give the same
// verdict, in whatever order the assets stand, and neither the verdict nor a
// host's rule shares memory with p.
//
// Limits on the whole portfolio count everything that p asks for, entries that
// other rules refuse included: counting survivors alone would let an additional
// rule, by refusing one entry, let another through.
func (rs Rules) Gate(in Input, p Proposal) Verdict {
	p, insane := p.clone().sane()
	v := newView(&in, &p)
	var found findings
	for _, r := range rs {
		if b, ok := r.(builtin); ok && ours(r) {
			b.check(v, &found)
			continue
		}
		for _, violation := range checkHost(r, in, p.clone()) {
			found.bind(v, violation)
		}
	}
	out := found.verdict(v)
	out.Refused = append(out.Refused, insane...)
	return out
}

// checkHost runs a host's rule. One that panics refuses what adds risk.
func checkHost(r Rule, in Input, p Proposal) (out []Violation) {
	defer func() {
		if cause := recover(); cause != nil {
			out = append(out, Violation{Rule: r.Name(), Severity: SeverityError, Message: fmt.Sprintf("rule panicked: %v", cause)})
		}
	}()
	return r.Check(in, p)
}

// bind attaches a host's violation to the entries that it may refuse: those
// that add risk. Where it names an asset that adds none, it is a warning.
func (f *findings) bind(v *view, violation Violation) {
	if violation.Severity != SeverityWarning {
		violation.Severity = SeverityError // also when the host forgot it
	}
	if violation.Severity != SeverityError || violation.Asset == "" {
		f.list = append(f.list, finding{-1, violation})
		return
	}
	bound := false
	for i := range v.entries {
		if e := &v.entries[i]; e.d.Asset == violation.Asset && e.addsRisk {
			f.list = append(f.list, finding{i, violation})
			bound = true
		}
	}
	if !bound {
		violation.Severity = SeverityWarning
		f.list = append(f.list, finding{-1, violation})
	}
}

func (f *findings) verdict(v *view) Verdict {
	var out Verdict
	errs := make([][]Violation, len(v.entries))
	for _, one := range f.list {
		switch {
		case one.Severity != SeverityError:
			out.Warnings = append(out.Warnings, one.Violation)
		case one.entry >= 0:
			errs[one.entry] = append(errs[one.entry], one.Violation)
		default:
			out.Errors = append(out.Errors, one.Violation)
			for i := range v.entries {
				if v.entries[i].addsRisk {
					errs[i] = append(errs[i], one.Violation)
				}
			}
		}
	}
	out.Kept = make([]AssetDecision, 0, len(v.entries))
	for i := range v.entries {
		e := &v.entries[i]
		if len(errs[i]) > 0 {
			out.Refused = append(out.Refused, Refusal{Asset: e.d.Asset, Was: *e.d, Violations: errs[i]})
			continue
		}
		kept := e.mended()
		out.Kept = append(out.Kept, kept)
	}
	return out
}

// mended is the kept action without what the rules warned about.
func (e *entry) mended() AssetDecision {
	d := *e.d
	if d.Action != ActionBuy && d.Action != ActionSell {
		d.AllocationUSD = decimal.Zero
	}
	if d.Action != ActionAdjustPosition {
		d.PositionAdjustment = nil
	}
	if d.Action != ActionAdjustOrders {
		d.OrderAdjustment = nil
	}
	if d.Action != ActionBuy && d.Action != ActionSell {
		d.SLPrice, d.TPPrice = decimal.NullDecimal{}, decimal.NullDecimal{}
	}
	if e.fixes.confidence {
		d.Confidence = decimal.Zero
	}
	if !d.RiskLevel.Valid() {
		d.RiskLevel = RiskHigh // whoever proposed it did not say
	}
	e.mendAdjustment(d.PositionAdjustment)
	e.mendOrders(d.OrderAdjustment)
	return d
}

func (e *entry) mendAdjustment(a *PositionAdjustment) {
	if a == nil {
		return
	}
	if e.fixes.capUSD.Valid {
		a.AmountUSD = e.fixes.capUSD.Decimal
	}
	if e.fixes.percentage {
		a.Percentage = decimal.NullDecimal{}
	}
	if e.fixes.stop {
		a.NewSLPrice = decimal.NullDecimal{}
	}
	if e.fixes.take {
		a.NewTPPrice = decimal.NullDecimal{}
	}
}

func (e *entry) mendOrders(a *OrderAdjustment) {
	if a == nil {
		return
	}
	if e.fixes.stop || !a.AdjustSL {
		a.AdjustSL, a.NewSLPrice = false, decimal.NullDecimal{}
	}
	if e.fixes.take || !a.AdjustTP {
		a.AdjustTP, a.NewTPPrice = false, decimal.NullDecimal{}
	}
}

// decision is what may be acted on: the kept entries, and a hold for each
// requested asset whose entries were all refused or that nobody mentioned.
func (out Verdict) decision(in *Input, p *Proposal) Decision {
	d := p.Decision
	d.Timestamp = in.At
	d.Decisions = slices.Clone(out.Kept)
	d.TotalAllocationUSD = decimal.Zero
	for i := range d.Decisions {
		d.TotalAllocationUSD = d.TotalAllocationUSD.Add(d.Decisions[i].AllocationUSD)
	}
	covered := make(map[string]bool, len(in.Symbols))
	for i := range out.Kept {
		covered[out.Kept[i].Asset] = true
	}
	hold := func(asset, why string) {
		if covered[asset] || !slices.Contains(in.Symbols, asset) {
			return
		}
		covered[asset] = true
		d.Decisions = append(d.Decisions, holdAsset(asset, why))
	}
	for _, r := range out.Refused {
		hold(r.Asset, "refused by the risk gate: "+messages(r.Violations))
	}
	for _, asset := range in.Symbols {
		hold(asset, "not covered by the proposal")
	}
	slices.SortStableFunc(d.Decisions, func(a, b AssetDecision) int {
		return slices.Index(in.Symbols, a.Asset) - slices.Index(in.Symbols, b.Asset)
	})
	if !d.PortfolioRiskLevel.Valid() {
		d.PortfolioRiskLevel = RiskHigh // whoever proposed it did not say
	}
	return d
}

// holdAsset is a hold that nobody proposed: no confidence is claimed for it.
func holdAsset(asset, why string) AssetDecision {
	return AssetDecision{Asset: asset, Action: ActionHold, Rationale: why, RiskLevel: RiskHigh}
}

func messages(violations []Violation) string {
	texts := make([]string, len(violations))
	for i := range violations {
		texts[i] = violations[i].Rule + ": " + violations[i].Message
	}
	return strings.Join(texts, "; ")
}
