package columns

import (
	"fmt"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/store"
)

// Encode is the row in columns. Assets and calls are in their order.
func Encode(r store.Row) (Decision, []Asset, []Call, error) {
	d := Decision{
		UID: store.Key(r.ID), Account: store.Key(r.AccountID), At: r.At,
		Strategy: store.Key(r.StrategyID), StrategyHash: r.StrategyHash, Model: r.Model, Source: r.Source, Reason: r.Reason,
		PortfolioRationale: r.Decision.PortfolioRationale, TotalAllocationUSD: r.Decision.TotalAllocationUSD,
		PortfolioRiskLevel: string(r.Decision.PortfolioRiskLevel),
		IsValid:            r.IsValid(), Cached: r.Cached,
		PromptTokens: int64(r.Usage.PromptTokens), CompletionTokens: int64(r.Usage.CompletionTokens), CostUSD: r.Usage.CostUSD,
	}
	d.GenerationTimeMS.Decimal, d.GenerationTimeMS.Valid = millis(r.Took), !d.Legacy()
	refusals := keyed(r.Refused)
	var err error
	for _, f := range [...]struct {
		name string
		to   *[]byte
		v    any
	}{{"errors", &d.Errors, list(refusals)}, {"warnings", &d.Warnings, list(r.Warnings)}, {"degraded", &d.Degraded, list(r.Degraded)}} {
		if *f.to, err = jsonx.Marshal(f.v); err != nil {
			return Decision{}, nil, nil, fmt.Errorf("columns: %s: %w", f.name, err)
		}
	}
	assets := make([]Asset, len(r.Decision.Decisions))
	for i := range assets {
		if assets[i], err = encodeAsset(i, r.Decision.Decisions[i], refusals); err != nil {
			return Decision{}, nil, nil, fmt.Errorf("columns: asset %d: %w", i, err)
		}
	}
	return d, assets, encodeCalls(r), nil
}

func encodeAsset(position int, d decision.AssetDecision, refusals []decision.Refusal) (Asset, error) {
	a := Asset{
		Position: position, Asset: store.Key(d.Asset), Action: string(d.Action), AllocationUSD: d.AllocationUSD,
		TPPrice: d.TPPrice, SLPrice: d.SLPrice, ExitPlan: d.ExitPlan, Rationale: d.Rationale, Confidence: d.Confidence,
		RiskLevel: string(d.RiskLevel),
	}
	var err error
	if d.PositionAdjustment != nil {
		if a.PositionAdjustment, err = jsonx.Marshal(*d.PositionAdjustment); err != nil {
			return Asset{}, err
		}
	}
	if d.OrderAdjustment != nil {
		if a.OrderAdjustment, err = jsonx.Marshal(*d.OrderAdjustment); err != nil {
			return Asset{}, err
		}
	}
	var own []decision.Refusal
	for i := range refusals {
		if refusals[i].Asset == a.Asset {
			own = append(own, refusals[i])
		}
	}
	if a.Refused = own != nil; a.Refused {
		a.Refusal, err = jsonx.Marshal(own)
	}
	return a, err
}

func encodeCalls(r store.Row) []Call {
	calls := make([]Call, len(r.Calls))
	for i, c := range r.Calls {
		calls[i] = Call{
			Attempt: i + 1, Model: c.Model, Endpoint: c.Endpoint, Status: string(c.Kind), LatencyMS: millis(c.Took),
			PromptTokens: int64(c.Usage.PromptTokens), CompletionTokens: int64(c.Usage.CompletionTokens), CostUSD: c.Usage.CostUSD,
		}
	}
	return calls
}

// keyed are the refusals with their assets as JSON of every database takes
// them.
func keyed(refusals []decision.Refusal) []decision.Refusal {
	return named(refusals, store.Key)
}

func named(refusals []decision.Refusal, name func(string) string) []decision.Refusal {
	out := make([]decision.Refusal, 0, len(refusals))
	for _, r := range refusals {
		r.Asset, r.Was.Asset = name(r.Asset), name(r.Was.Asset)
		out = append(out, r)
	}
	return out
}

// list is never null in JSON.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}
