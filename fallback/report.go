package fallback

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
)

// proposal puts the drafts together.
func (s settings) proposal(drafts []draft) decision.Proposal {
	out := decision.Proposal{Decision: decision.Decision{
		Decisions: make([]decision.AssetDecision, len(drafts)), PortfolioRiskLevel: decision.RiskLow,
	}}
	d := &out.Decision
	entered, tightened := 0, 0
	for i, draft := range drafts {
		d.Decisions[i] = s.final(draft)
		switch made := &d.Decisions[i]; made.Action {
		case decision.ActionBuy, decision.ActionSell:
			entered++
			d.TotalAllocationUSD = d.TotalAllocationUSD.Add(made.AllocationUSD)
			d.PortfolioRiskLevel = higher(d.PortfolioRiskLevel, made.RiskLevel)
		case decision.ActionAdjustOrders:
			tightened++
		default:
		}
		if a := draft.subject; a != nil {
			out.Assessments = append(out.Assessments, a.assessment)
			out.Degraded = append(out.Degraded, a.degraded()...)
		}
	}
	d.PortfolioRationale = fmt.Sprintf("technical fallback: %d entered with %s USD, %d stops tightened, %d held",
		entered, d.TotalAllocationUSD, tightened, len(drafts)-entered-tightened)
	return out
}

// final is the decision that a draft becomes once all entries were rationed.
func (s settings) final(d draft) decision.AssetDecision {
	e, a := d.entry, d.subject
	if e == nil {
		return d.decision
	}
	if e.refused != "" {
		return s.hold(a, e.refused)
	}
	action := decision.ActionBuy
	if e.side == decision.Short {
		action = decision.ActionSell
	}
	l, last := e.levels, a.asset.Quote.Last
	return decision.AssetDecision{
		Asset: a.symbol, Action: action, AllocationUSD: e.allocationUSD,
		SLPrice: decimal.NewNullDecimal(l.stop), TPPrice: decimal.NewNullDecimal(l.target),
		ExitPlan: fmt.Sprintf("Stop loss at %s (%s %%), take profit at %s (%s %%); the stop moves to %s x ATR when the trend turns %s and the risk score reaches %d.",
			l.stop, l.stopPercent.StringFixed(2), l.target, l.targetPercent.StringFixed(2), s.stops.TightenATRMultiple, against(e.side), s.maxRiskScore),
		Rationale: fmt.Sprintf("%s at %s: %s, risk score %d of max %d; stop %s %% at %s, take profit %s %% at %s; allocation %s USD: %s; %s",
			e.side, last, a.facts(), e.score, s.maxRiskScore,
			l.stopPercent.StringFixed(2), l.stop, l.targetPercent.StringFixed(2), l.target, e.allocationUSD.StringFixed(2), e.sizing, s.sureness(a)),
		Confidence: a.confidence, RiskLevel: s.riskLevel(e.score),
	}
}

// hold keeps an asset as it is. Its risk level is that of the open position's
// side, else of the riskier one.
func (s settings) hold(a *subject, why string) decision.AssetDecision {
	long, short := a.assessment.Long.Score, a.assessment.Short.Score
	scores, score := fmt.Sprintf("risk score long %d, short %d", long, short), max(long, short)
	if a.position != nil && a.position.Side.Valid() {
		score = a.score(a.position.Side)
		scores = fmt.Sprintf("risk score %d of max %d", score, s.maxRiskScore)
	}
	return decision.AssetDecision{
		Asset: a.symbol, Action: decision.ActionHold, Confidence: a.confidence, RiskLevel: s.riskLevel(score),
		Rationale: fmt.Sprintf("hold: %s; %s, %s; %s", why, a.facts(), scores, s.sureness(a)),
	}
}

// sureness words the confidence and what it is made of.
func (s settings) sureness(a *subject) string {
	missing := a.assessment.Degraded
	if len(missing) == 0 {
		return fmt.Sprintf("confidence %s: no input is missing", a.confidence)
	}
	return fmt.Sprintf("confidence %s: %s less %s for each missing input (%s)",
		a.confidence, s.confidence.Base, s.confidence.PerMissing, words(missing))
}

// facts words the factors.
func (a *subject) facts() string {
	c := a.assessment.Long.Contributions // the inputs of both sides
	change := c.PriceChange.Input
	if change != "" && change[0] != '-' {
		change = "+" + change
	}
	return "trend " + known(c.Trend.Input, "") + ", RSI " + known(c.RSI.Input, "") +
		", volatility " + known(c.Volatility.Input, " %/day") + ", 24h to the last close " + known(change, " %")
}

func known(m decision.Measure, unit string) string {
	if m == "" {
		return "unknown"
	}
	return string(m) + unit
}

// short is a number with five significant digits or fewer decimals.
func short(d decimal.Decimal) string {
	const digits = 5
	return d.Round(digits - int32(d.NumDigits()) - d.Exponent()).String() //nolint:gosec // at most 17 digits
}

func (a *subject) degraded() []string {
	var out []string
	if a.reading.problem != "" {
		out = append(out, a.symbol+": the indicators could not be computed: "+a.reading.problem)
	}
	for _, name := range a.assessment.Degraded {
		out = append(out, a.symbol+": "+words([]string{name})+" could not be measured")
	}
	return out
}

// words names missing factors for a sentence.
func words(missing []string) string {
	return strings.NewReplacer("rsi", "RSI", "price_change", "24h change").Replace(strings.Join(missing, ", "))
}

func higher(a, b decision.RiskLevel) decision.RiskLevel {
	if a == decision.RiskHigh || b == decision.RiskHigh {
		return decision.RiskHigh
	}
	if a == decision.RiskMedium || b == decision.RiskMedium {
		return decision.RiskMedium
	}
	return decision.RiskLow
}
