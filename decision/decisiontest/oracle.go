package decisiontest

import (
	"slices"

	"github.com/ballast-go/ballast/decision"
)

// Judgement is what the limits say about one proposed action.
type Judgement struct {
	Asset    string
	AddsRisk bool     // true for an action whose numbers are too long to look at
	Refused  []string // names of the rules that refuse it, sorted; empty: kept
	Warned   []string // names of the rules that only report it, sorted
}

// Judge is the gate written a second time, to be compared with the first: in
// exact fractions, one action after the other, without any code of package
// decision. It is slow. There is one judgement per entry of the proposal, in
// its order. What binds the whole proposal stands at every action that adds
// risk. Of reductions that are equally large the first is kept. It leaves out
// the warnings that look at returns and risk levels, and those about shape.
func Judge(in decision.Input, p decision.Proposal) []Judgement {
	var counted []decision.AssetDecision
	entries := slices.Clone(p.Decision.Decisions)
	for i, d := range entries {
		if d.Action == decision.ActionClosePosition && outsized(d) { // a close needs no numbers
			entries[i] = decision.AssetDecision{Asset: d.Asset, Action: d.Action}
		}
	}
	for _, d := range entries {
		if !outsized(d) {
			counted = append(counted, d)
		}
	}
	judgements := make([]Judgement, 0, len(entries))
	next := 0
	for _, d := range entries {
		if outsized(d) {
			judgements = append(judgements, Judgement{Asset: d.Asset, AddsRisk: true, Refused: []string{"shape"}})
			continue
		}
		judgements = append(judgements, judgeOne(question{in: in, all: counted, index: next, entry: d}))
		next++
	}
	return judgements
}

// Audit names every limit that these actions, done together, would break, as
// "asset rule", sorted. It is empty for whatever a gate kept.
func Audit(in decision.Input, kept []decision.AssetDecision) []string {
	var broken []string
	for _, j := range Judge(in, decision.Proposal{Decision: decision.Decision{Decisions: kept}}) {
		for _, rule := range j.Refused {
			broken = append(broken, j.Asset+" "+rule)
		}
	}
	slices.Sort(broken)
	return slices.Compact(broken)
}

// question is one action, the index-th of all that count.
type question struct {
	in    decision.Input
	all   []decision.AssetDecision
	index int
	entry decision.AssetDecision
}

// verdict is what one rule says to a question.
type verdict int

const (
	allows verdict = iota
	warns
	refuses
)

type namedRule struct {
	name  string
	judge func(question) verdict
}

func judgeOne(q question) Judgement {
	j := Judgement{Asset: q.entry.Asset, AddsRisk: addsRisk(q.in, q.entry)}
	for _, rule := range allRules() {
		switch rule.judge(q) {
		case refuses:
			j.Refused = append(j.Refused, rule.name)
		case warns:
			j.Warned = append(j.Warned, rule.name)
		case allows:
		}
	}
	return j
}

// allRules are in the order of their names, which sorts the judgements.
func allRules() []namedRule {
	return []namedRule{
		{"available_capital", judgeAvailableCapital},
		{"concentration", judgeConcentration},
		{"cooldown", judgeCooldown},
		{"daily_loss", judgeDailyLoss},
		{"exposure", judgeExposure},
		{"funding", judgeFunding},
		{"halted", judgeHalted},
		{"large_allocation", judgeLargeAllocation},
		{"leverage", judgeLeverage},
		{"liquidation_buffer", judgeLiquidationBuffer},
		{"lot_size", judgeLotSize},
		{"market_data", judgeMarketData},
		{"max_positions", judgeMaxPositions},
		{"min_confidence", judgeMinConfidence},
		{"min_notional", judgeMinNotional},
		{"position_exists", judgePositionExists},
		{"position_size", judgePositionSize},
		{"price_logic", judgePriceLogic},
		{"reward_risk", judgeRewardRisk},
		{"risk_per_trade", judgeRiskPerTrade},
		{"shape", judgeShape},
		{"stop_required", judgeStopRequired},
		{"tick_size", judgeTickSize},
	}
}

// refusedIf is how a rule without warnings answers.
func refusedIf(broken bool) verdict {
	if broken {
		return refuses
	}
	return allows
}
