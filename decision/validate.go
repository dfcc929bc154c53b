package decision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/ballast-go/ballast/internal/jsonx"
)

// Validation is what the gate says to a decision that nobody will execute for
// it.
type Validation struct {
	// Valid says that nothing of the decision is refused.
	Valid    bool        `json:"is_valid"`
	Errors   []Violation `json:"errors"`
	Warnings []Violation `json:"warnings"`
	// Risk is that of the decision as it was given.
	Risk RiskAssessment `json:"risk_assessment"`
	// Decision is what the gate would let through, with a hold for each refusal.
	Decision Decision `json:"decision"`
	// Degraded says what was less than it should be, such as old data.
	Degraded []string `json:"degraded"`
}

// Validate checks a decision of a person or another program against
// DefaultRules. It is pure: nothing is executed or recorded.
func Validate(in Input, d Decision) Validation { return DefaultRules().Validate(in, d) }

// Validate checks a decision of a person or another program.
func (rs Rules) Validate(in Input, d Decision) Validation {
	p := Proposal{Decision: d}
	verdict := rs.Gate(in, p)
	out := Validation{
		Errors: slices.Clone(verdict.Errors), Warnings: verdict.Warnings,
		Risk: rs.Assess(in, p), Decision: verdict.decision(&in, &p),
	}
	for _, r := range verdict.Refused {
		for _, violation := range r.Violations {
			if !slices.Contains(out.Errors, violation) {
				out.Errors = append(out.Errors, violation)
			}
		}
	}
	out.Valid = len(out.Errors) == 0
	return out
}

// Validate checks a decision against the current market and the account of the
// request. Without symbols those of the decision are asked about. The errors
// are those of Decide; an invalid decision is none.
func (e *Engine) Validate(ctx context.Context, req Request, d Decision) (Validation, error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()
	d = d.clone() // a host's rule that hangs may still read it afterwards
	if len(req.Symbols) == 0 {
		req.Symbols = d.assets()
	}
	in, degraded, err := e.observe(ctx, req)
	if err != nil {
		return Validation{}, err
	}
	out, err := judgeByRules(ctx, e, func() Validation { return e.rules.Validate(in, d) })
	if err != nil {
		return Validation{}, fmt.Errorf("decision: %w", err)
	}
	out.Degraded = degraded
	return out, nil
}

// assets are those of the entries, each once, in their order.
func (d Decision) assets() (out []string) {
	for i := range d.Decisions {
		if asset := d.Decisions[i].Asset; !slices.Contains(out, asset) {
			out = append(out, asset)
		}
	}
	return out
}

// maxDecisionBytes bounds a decision that is read.
const maxDecisionBytes = 256 << 10

// maxDecisions bounds its entries.
const maxDecisions = 100

// ReadDecision reads a decision of a person or another program as JSON of at
// most 256 KiB. Unlike an answer of a model it may leave out members that are
// null, zero or the sum, and write numbers as strings; unknown and duplicate
// members, and an entry without asset or action, are errors.
func ReadDecision(r io.Reader) (Decision, error) {
	data, err := readBounded(r, maxDecisionBytes)
	if err != nil {
		return Decision{}, fmt.Errorf("decision: %w", err)
	}
	var out Decision
	if err := jsonx.Unmarshal(data, &out); err != nil {
		return Decision{}, fmt.Errorf("decision: %w", err)
	}
	if err := out.checkGiven(); err != nil {
		return Decision{}, err
	}
	var given map[string]json.RawMessage
	if err := jsonx.Unmarshal(data, &given); err != nil {
		return Decision{}, fmt.Errorf("decision: %w", err)
	}
	if _, ok := given["total_allocation_usd"]; !ok {
		for i := range out.Decisions {
			out.TotalAllocationUSD = out.TotalAllocationUSD.Add(out.Decisions[i].AllocationUSD)
		}
		if !inRange(out.TotalAllocationUSD) {
			return Decision{}, errors.New("decision: the sum of allocation_usd has an exponent or digits out of range")
		}
	}
	return out, nil
}

// checkGiven reports every entry that does not say for what or what, and words
// that are none of the known.
func (d Decision) checkGiven() error {
	var problems []error
	if d.PortfolioRiskLevel != "" && !d.PortfolioRiskLevel.Valid() {
		problems = append(problems, fmt.Errorf("decision: portfolio_risk_level must be low, medium or high, was %.40q", string(d.PortfolioRiskLevel)))
	}
	if n := len(d.Decisions); n < 1 || n > maxDecisions {
		problems = append(problems, fmt.Errorf("decision: decisions must number 1 to %d, were %d", maxDecisions, n))
	}
	for i, one := range d.Decisions {
		if one.Asset == "" || len(one.Asset) > 40 {
			problems = append(problems, fmt.Errorf("decision: decisions[%d]: asset must have 1 to 40 characters, had %d", i, len(one.Asset)))
		}
		if !one.Action.Valid() {
			problems = append(problems, fmt.Errorf("decision: decisions[%d]: action must be one of %v, was %.40q", i, Actions(), string(one.Action)))
		}
		if one.RiskLevel != "" && !one.RiskLevel.Valid() {
			problems = append(problems, fmt.Errorf("decision: decisions[%d]: risk_level must be low, medium or high, was %.40q", i, string(one.RiskLevel)))
		}
	}
	return errors.Join(problems...)
}

// MarshalJSON writes decimals as JSON numbers with their exact digits.
func (v Validation) MarshalJSON() ([]byte, error) {
	type plain Validation
	return jsonx.Marshal(plain(v))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Validation) UnmarshalJSON(data []byte) error {
	type plain Validation
	return jsonx.Unmarshal(data, (*plain)(v))
}
