package decision

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
)

// RulesFor are the rules of an engine with this Config.Freshness and these
// Config.Rules: DefaultRules with its bounds, then the host's own.
func RulesFor(f marketdata.Freshness, host ...Rule) Rules {
	rules := DefaultRules()
	for i, r := range rules {
		if _, ok := r.(MarketData); ok {
			rules[i] = MarketData{MaxPriceAge: f.MaxPriceAge}
		}
	}
	return append(rules, host...)
}

// Checked is the input that the gate judged by: Input, or as the recheck found
// it. It shares memory with the record.
func (r *Record) Checked() Input {
	if r.Recheck == nil {
		return r.Input
	}
	return r.Recheck.apply(r.Input)
}

// Judged is what a verdict about Proposal makes of the record's result: At,
// Decision, Refused and Warnings. The rest is zero. In is Checked, which the
// verdict was given by.
func (r *Record) Judged(in Input, v Verdict) Result {
	return Result{
		At: in.At, Decision: v.decision(&in, &r.Proposal),
		Refused: v.Refused, Warnings: append(v.Warnings, r.Recheck.drift(r.Input)...),
	}
}

// unchecked is a result of DefaultRules when a host's could not be asked:
// nothing in it adds risk. Why is the failure's text.
func (r Result) unchecked(in Input, why string) Result {
	return withoutRisk(r, in, Violation{Rule: rulesSeam, Severity: SeverityError, Message: "the rules could not be checked: " + why})
}

const rulesSeam = "rules"

// RulesFailed is why the host's rules could not be asked by the gate, as the
// result says it among what is degraded; empty when they were.
func (r *Record) RulesFailed() string {
	// It is the last thing that a decision notes.
	if n := len(r.Result.Degraded); n > 0 && strings.HasPrefix(r.Result.Degraded[n-1], rulesSeam+": ") {
		return r.Result.Degraded[n-1]
	}
	return ""
}

// JudgedWithout is Judged when RulesFailed: what adds risk is refused. The
// verdict is that of RulesFor without the host's.
func (r *Record) JudgedWithout(in Input, v Verdict) Result {
	return r.Judged(in, v).unchecked(in, r.RulesFailed())
}

// Adopted reports whether the question was made from the input of an identical
// request that did not wait for the answer.
func (r *Record) Adopted() bool { return slices.Contains(r.Result.Degraded, adoptedNote) }

// Heard is what a record's Responses come to.
type Heard struct {
	// Answer is the one that is used: the last, when it can be, or else the
	// newest that leaves assets out and has no other fault.
	Answer Answer
	Model  string    // that gave it
	Usage  llm.Usage // of all
	// Unused is why the last answer is not, nil when it is.
	Unused error
}

// ErrUnheard says that no answer of a record can be used.
var ErrUnheard = errors.New("decision: no answer that can be used")

// Hear decodes Responses as the engine did. The error is ErrUnheard; Usage and
// Unused are set all the same.
func (r *Record) Hear() (Heard, error) {
	var out Heard
	found := false
	for _, resp := range r.Responses {
		out.Usage = out.Usage.Add(plausible(resp.Usage))
		answer, err := DecodeAnswer(resp, r.Input.Symbols)
		if err == nil {
			out.Answer, out.Model, out.Unused, found = answer, resp.Model, nil, true
			continue
		}
		out.Unused = unusable(err)
		var bad *AnswerError
		switch {
		case !errors.As(err, &bad):
		case bad.Class == AnswerReject:
			out.Answer, out.Model, found = Answer{}, "", false
		case bad.Partial != nil:
			out.Answer, out.Model, found = Answer{Decision: *bad.Partial}, resp.Model, true
		}
	}
	if !found {
		return out, ErrUnheard
	}
	return out, nil
}

// unusable is why an answer was not used.
func unusable(err error) error { return fmt.Errorf("unusable answer: %w", err) }

// HoldAll is what an engine proposes when nobody does, for this reason.
func HoldAll(in Input, why string) Proposal { return holdAll(in, errors.New(why)) }
