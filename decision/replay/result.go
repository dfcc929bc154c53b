package replay

import (
	"context"
	"slices"
	"strings"

	"github.com/ballast-go/ballast/decision"
)

// result rebuilds the whole result, with what is from outside taken over, and
// compares its bytes. What the gate's stage has told is not told again.
func (c *check) result(context.Context) error {
	c.compared(StageResult)
	was := c.rec.Result
	is := was // id, tried, circuit, probe_in_ns, degraded, cached and took_ns are facts
	is.At, is.Decision, is.Refused, is.Warnings = c.judged.At, c.judged.Decision, c.judged.Refused, c.judged.Warnings
	c.derive(&is)
	whole, err := is.MarshalJSON()
	if err != nil {
		return err
	}
	recorded, err := was.MarshalJSON()
	if err != nil {
		return err
	}
	for _, d := range differences("/result", recorded, whole) {
		d.Stage = StageResult
		told := slices.ContainsFunc(c.report.Mismatches, func(m Mismatch) bool { return m.Field == d.Field })
		if !told {
			c.report.Mismatches = append(c.report.Mismatches, d)
		}
	}
	return nil
}

// derive fills in who decided and why, as far as the record says it elsewhere.
func (c *check) derive(res *decision.Result) {
	if res.Cached {
		c.skip(StageResult, "origin, reason and model of a proposal from the cache are those of the decision that it was made for")
		return
	}
	res.Usage = c.heard.Usage
	switch {
	case c.used:
		res.Origin, res.Reason, res.Model = decision.OriginModel, "the model answered", c.heard.Model
		if c.heard.Unused != nil {
			c.require(res, "model: "+c.heard.Unused.Error())
		}
		return
	case res.Origin == decision.OriginModel: // it has no answer
		res.Origin = decision.OriginFallback
		return
	}
	res.Model = ""
	if res.Origin == decision.OriginHold && res.Reason == c.rec.ModelError { // what makes proposals broke off
		c.require(res, c.rec.ModelError)
		return
	}
	c.require(res, "model: "+c.rec.ModelError)
	if res.Origin == decision.OriginFallback {
		res.Reason = c.rec.ModelError
		return
	}
	if prefix := c.rec.ModelError + "; fallback: "; !strings.HasPrefix(res.Reason, prefix) {
		res.Reason = prefix
	}
}

// require has a note among what is degraded.
func (*check) require(res *decision.Result, note string) {
	if !slices.Contains(res.Degraded, note) {
		res.Degraded = append(slices.Clone(res.Degraded), note)
	}
}
