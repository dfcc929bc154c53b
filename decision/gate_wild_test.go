package decision_test

import (
	"slices"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
)

// numbered tells the entries of a proposal apart by their exit plans.
func numbered(p decision.Proposal) decision.Proposal {
	for i := range p.Decision.Decisions {
		p.Decision.Decisions[i].ExitPlan = string(rune('a' + i))
	}
	return p
}

func plans(actions []decision.AssetDecision) []string {
	out := make([]string, len(actions))
	for i := range actions {
		out[i] = actions[i].ExitPlan
	}
	slices.Sort(out)
	return out
}

// contradiction is among the refusals of what reduces risk that are none of a limit:
// the action contradicts itself or the account.
func contradiction(rule string) bool {
	return slices.Contains([]string{"shape", "price_logic", "position_exists"}, rule)
}

func TestGateInvariantsOnWildInputs(t *testing.T) {
	t.Parallel()
	rules := decision.DefaultRules()
	rapid.Check(t, func(t *rapid.T) {
		in := drawWildInput(t)
		p := drawWildProposal(t, in)
		v := rules.Gate(in, p)
		require.Equal(t, plans(p.Decision.Decisions), plans(append(slices.Clone(v.Kept), refusedActions(v)...)), "kept and refused are the proposed")
		again := rules.Gate(in, dt.Propose(v.Kept...))
		require.Empty(t, again.Refused, "a kept action is kept again")
		require.Equal(t, v.Kept, again.Kept, "what was mended once stays as it is")
		require.Empty(t, dt.Audit(in, v.Kept), "exposure after is within every limit")
		for _, r := range v.Refused {
			require.NotEmpty(t, r.Violations)
			if in.AddsRisk(r.Was) {
				continue
			}
			for _, violation := range r.Violations {
				require.True(t, contradiction(violation.Rule), "%s refused what reduces risk", violation.Rule)
			}
		}
		requireInEnvelope(t, in, v.Kept)

		shuffled := rules.Gate(in, decision.Proposal{Decision: decision.Decision{
			Decisions: rapid.Permutation(p.Decision.Decisions).Draw(t, "order"), PortfolioRationale: "test",
			TotalAllocationUSD: p.Decision.TotalAllocationUSD,
		}})
		require.Equal(t, keptTimes(v), keptTimes(shuffled), "the order of assets does not matter")
	})
}

// keptTimes counts what is kept by asset and kind: of two equal reductions
// either may be kept.
func keptTimes(v decision.Verdict) map[string]int {
	out := map[string]int{}
	for _, d := range v.Kept {
		out[d.Asset+" "+string(d.Action)]++
	}
	return out
}

// requireInEnvelope: no entry is larger than what was offered for its side,
// wherever its stop is.
func requireInEnvelope(t require.TestingT, in decision.Input, kept []decision.AssetDecision) {
	total, opened := decimal.Zero, 0
	for _, d := range kept {
		if _, open := in.Account.Position(d.Asset); !open && d.AllocationUSD.IsPositive() {
			total, opened = total.Add(d.AllocationUSD), opened+1
		}
	}
	require.True(t, total.LessThan(in.Envelope.TotalUSD.Add(dt.D("0.01"))), "%s of new positions, %s offered", total, in.Envelope.TotalUSD)
	require.LessOrEqual(t, opened, in.Envelope.NewPositions)
	for _, d := range kept {
		held, _ := in.Account.Position(d.Asset)
		added, side := d.AllocationUSD, held.Side
		switch a := d.PositionAdjustment; {
		case d.Action == decision.ActionBuy:
			side = decision.Long
		case d.Action == decision.ActionSell:
			side = decision.Short
		case a == nil || a.Type == decision.AdjustDecrease:
			continue
		default:
			added = a.AmountUSD
		}
		e, ok := in.Envelope.Asset(d.Asset)
		require.True(t, ok)
		most := e.MaxLongUSD
		if side == decision.Short {
			most = e.MaxShortUSD
		}
		require.True(t, added.LessThan(most.Add(dt.D("0.01"))), "%s %s of %s is outside of the envelope %+v", d.Action, added, d.Asset, e)
	}
}

// tighten makes one limit stricter, by any amount.
func tighten(t *rapid.T, in decision.Input) decision.Input {
	d := throw(t)
	share := d.decimal(0, 1, 2)
	less := func(limit decimal.Decimal) decimal.Decimal { return limit.Mul(share) }
	r, a := &in.Strategy.Risk, &in.Account
	switch d.IntN(12) {
	case 0:
		r.MaxRiskPerTrade = less(r.MaxRiskPerTrade)
	case 1:
		r.MaxDailyLoss = less(r.MaxDailyLoss)
	case 2:
		r.MaxLeverage = decimal.Max(less(r.MaxLeverage), dt.D("1"))
	case 3:
		r.CooldownSeconds += 600
	case 4:
		r.MaxFundingRateBps = less(r.MaxFundingRateBps)
	case 5:
		r.LiquidationBuffer = r.LiquidationBuffer.Add(share)
	case 6:
		r.StopRequired = true
	case 7:
		r.MinConfidence = decimal.NewNullDecimal(decimal.Max(r.MinConfidence.Decimal, share.Shift(2)))
	case 8:
		r.MinRewardRisk = decimal.NewNullDecimal(r.MinRewardRisk.Decimal.Add(share))
	case 9:
		in.Strategy.MaxPositions = max(in.Strategy.MaxPositions-1, 0)
	case 10:
		a.AvailableUSD = less(a.AvailableUSD)
	case 11:
		a.MaxPositionSizeUSD = less(a.MaxPositionSizeUSD)
	}
	return in
}

func TestATighterLimitNeverKeepsMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawWildInput(t)
		p := drawWildProposal(t, in)
		before, after := decision.DefaultRules().Gate(in, p), decision.DefaultRules().Gate(tighten(t, in), p)
		kept := plans(before.Kept)
		for _, plan := range plans(after.Kept) {
			require.Contains(t, kept, plan)
		}
		for _, r := range after.Refused {
			if !in.AddsRisk(r.Was) {
				require.NotContains(t, kept, r.Was.ExitPlan, "a tighter limit refused what reduces risk")
			}
		}
	})
}

// TestWildInputsReachBothVerdicts keeps the generators honest: properties say
// nothing when everything is refused.
func TestWildInputsReachBothVerdicts(t *testing.T) {
	t.Parallel()
	kept, refused, byRule := 0, 0, map[string]int{}
	for seed := range uint64(2000) {
		d := rolled(seed, 1)
		in := d.input()
		v := decision.DefaultRules().Gate(in, d.proposal(in))
		for _, d := range v.Kept {
			if in.AddsRisk(d) {
				kept++
			}
		}
		for _, r := range v.Refused {
			refused++
			if len(r.Violations) == 1 {
				byRule[r.Violations[0].Rule]++
			}
		}
	}
	require.Greater(t, kept, 200, "of %d refused", refused)
	for _, rule := range []string{"shape", "price_logic", "stop_required", "risk_per_trade", "liquidation_buffer", "position_exists", "min_confidence", "reward_risk", "cooldown", "funding"} {
		require.Positive(t, byRule[rule], "no refusal for %s alone", rule)
	}
}
