package decision_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
)

// TestGateAgreesWithTheOracle compares the gate with decisiontest.Judge, which
// was written from the specification alone: the same actions kept and refused,
// each for the same rules.
func TestGateAgreesWithTheOracle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := throw(t)
		d.continuous = true // the gate is stricter than the oracle where maintenance jumps
		in := d.input()
		p := d.proposal(in)
		v := decision.DefaultRules().Gate(in, p)
		got := map[string][]string{}
		for _, d := range v.Kept {
			got[d.ExitPlan] = nil
		}
		for _, r := range v.Refused {
			var rules []string
			for _, violation := range r.Violations {
				if !slices.Contains(rules, violation.Rule) {
					rules = append(rules, violation.Rule)
				}
			}
			slices.Sort(rules)
			got[r.Was.ExitPlan] = rules
		}
		want := map[string][]string{}
		for i, j := range dt.Judge(in, p) {
			want[p.Decision.Decisions[i].ExitPlan] = j.Refused
		}
		require.Len(t, got, len(want))
		keptOf, times := map[string]int{}, map[string]int{} // by asset: oracle less gate, entries
		for _, d := range p.Decision.Decisions {
			times[d.Asset]++
			if len(want[d.ExitPlan]) == 0 {
				keptOf[d.Asset]++
			}
			if len(got[d.ExitPlan]) == 0 {
				keptOf[d.Asset]--
			}
		}
		for _, d := range p.Decision.Decisions {
			rules, plan := want[d.ExitPlan], d.ExitPlan
			require.Zero(t, keptOf[d.Asset], "%s: oracle %v, gate %v", plan, rules, got[plan])
			if slices.Contains(rules, "shape") || slices.Contains(got[plan], "shape") || times[d.Asset] > 1 {
				continue // what else a contradiction breaks depends on how it is read; of equal reductions any may be kept
			}
			require.ElementsMatch(t, rules, got[plan], "%s: oracle %v, gate %v", plan, rules, got[plan])
		}
		require.Empty(t, dt.Audit(in, v.Kept), "a kept action breaks a limit")
	})
}
