package api

import "github.com/ballast-go/ballast/decision"

// Verdict answers POST /decisions/validate and "validate --json".
type Verdict struct {
	IsValid        bool                 `json:"is_valid"` // nothing is refused
	Errors         []decision.Violation `json:"errors"`
	Warnings       []decision.Violation `json:"warnings"`
	RiskAssessment RiskAssessment       `json:"risk_assessment"`
	Decision       decision.Decision    `json:"decision"` // what the gate would let through
	Degraded       []string             `json:"degraded"`
}

// RiskAssessment is the risk once everything that was asked for is done,
// refused entries included. Null is unknown.
type RiskAssessment struct {
	PortfolioRiskScore Number         `json:"portfolio_risk_score"` // 0–10
	ConcentrationRisk  Number         `json:"concentration_risk"`   // 0–1
	LeverageRisk       Number         `json:"leverage_risk"`        // 0–1
	NotionalUSD        Number         `json:"notional_usd"`
	MarginUSD          Number         `json:"margin_usd"`
	LossAtStopsUSD     Number         `json:"loss_at_stops_usd"`
	Positions          []PositionRisk `json:"positions"`
}

// PositionRisk is the risk of one position after the decision.
type PositionRisk struct {
	Asset              string        `json:"asset"`
	Side               decision.Side `json:"side"`
	NotionalUSD        Number        `json:"notional_usd"`
	MarginUSD          Number        `json:"margin_usd"`
	Leverage           Number        `json:"leverage"`
	LossAtStopUSD      Number        `json:"loss_at_stop_usd"`
	LiquidationPrice   Number        `json:"liquidation_price"`
	LiquidationPercent Number        `json:"liquidation_percent"` // of the price, how far away it is
}

// NewVerdict is the answer for a decision that was checked.
func NewVerdict(v decision.Validation) Verdict {
	r := v.Risk
	out := Verdict{
		IsValid: v.Valid, Errors: list(v.Errors), Warnings: list(v.Warnings), Decision: v.Decision, Degraded: list(v.Degraded),
		RiskAssessment: RiskAssessment{
			PortfolioRiskScore: Of(r.PortfolioRiskScore), ConcentrationRisk: Of(r.ConcentrationRisk), LeverageRisk: Of(r.LeverageRisk),
			NotionalUSD: Of(r.NotionalUSD), MarginUSD: Of(r.MarginUSD), LossAtStopsUSD: Number{r.LossAtStopsUSD},
			Positions: make([]PositionRisk, len(r.Positions)),
		},
	}
	for i, p := range r.Positions {
		out.RiskAssessment.Positions[i] = PositionRisk{
			Asset: p.Asset, Side: p.Side, NotionalUSD: Of(p.NotionalUSD), MarginUSD: Of(p.MarginUSD), Leverage: Of(p.Leverage),
			LossAtStopUSD: Number{p.LossAtStopUSD}, LiquidationPrice: Number{p.LiquidationPrice}, LiquidationPercent: Number{p.LiquidationPercent},
		}
	}
	return out
}
