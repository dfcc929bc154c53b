package replay

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ballast-go/ballast/decision"
)

// decode compares what the answers say with what the record says they said.
func (c *check) decode(context.Context) error {
	res := &c.rec.Result
	switch {
	case res.Cached:
		c.skip(StageDecode, "the proposal is from the cache: the record of the decision that it was made for has the answer")
		return nil
	case len(c.rec.Responses) == 0:
		c.skip(StageDecode, "no model answered")
		return nil
	}
	c.compared(StageDecode)
	heard, unheard := c.rec.Hear()
	c.heard, c.used = heard, unheard == nil && res.Origin == decision.OriginModel
	if c.used {
		return c.decoded()
	}
	if unheard == nil {
		// An answer can be used, and yet the record says that none was.
		return c.compare(StageDecode, "/result/origin", res.Origin, decision.OriginModel)
	}
	if res.Origin == decision.OriginModel {
		return c.compare(StageDecode, "/result/origin", res.Origin, "not model: "+heard.Unused.Error())
	}
	return c.failed()
}

// decoded compares the answer that was used.
func (c *check) decoded() error {
	if err := c.compare(StageDecode, "/proposal/decision", c.rec.Proposal.Decision, c.heard.Answer.Decision); err != nil {
		return err
	}
	if err := c.compare(StageDecode, "/normalised", c.rec.Normalised, c.heard.Answer.Normalised); err != nil {
		return err
	}
	return c.compare(StageDecode, "/model_error", c.rec.ModelError, "")
}

// failed compares why no answer was used. What a call said that failed after
// an answer is known from the record alone.
func (c *check) failed() error {
	want := strings.ToValidUTF8(c.heard.Unused.Error(), "\uFFFD")
	if rest, ok := strings.CutPrefix(c.rec.ModelError, want+"; asked again: "); ok {
		c.skip(StageDecode, fmt.Sprintf("the error of a call that failed (%.100s) is from outside", rest))
		want = c.rec.ModelError
	}
	if err := c.compare(StageDecode, "/model_error", c.rec.ModelError, want); err != nil {
		return err
	}
	return c.compare(StageDecode, "/normalised", c.rec.Normalised, []string(nil))
}

// envelope compares what was offered.
func (c *check) envelope(context.Context) error {
	if slices.ContainsFunc(c.rec.Result.Degraded, func(note string) bool { return strings.HasPrefix(note, "envelope: ") }) {
		c.skip(StageEnvelope, "the host's rules could not be asked, so nothing was offered")
		return c.compare(StageEnvelope, "/input/envelope", c.rec.Input.Envelope, decision.Envelope{})
	}
	c.compared(StageEnvelope)
	return c.compare(StageEnvelope, "/input/envelope", c.rec.Input.Envelope, c.rules.Envelope(c.rec.Input))
}

const adopted = "it was made from the input of an identical request that left"

// prompt compares the question.
func (c *check) prompt(context.Context) error {
	switch {
	case !c.cfg.Prompt:
		c.skip(StagePrompt, "not asked for")
		return nil
	case len(c.rec.Request.Messages) == 0:
		c.skip(StagePrompt, "no model was asked")
		return nil
	case c.rec.Adopted():
		c.skip(StagePrompt, adopted)
		return nil
	}
	c.compared(StagePrompt)
	messages, err := decision.NewPromptBuilder(c.rules...).Build(c.rec.Input)
	if err != nil {
		return err
	}
	if err := c.compare(StagePrompt, "/request/messages", c.rec.Request.Messages, messages); err != nil {
		return err
	}
	if c.rec.Request.Schema == nil {
		return c.compare(StagePrompt, "/request/schema", nil, decision.AnswerSchemaName)
	}
	return c.compare(StagePrompt, "/request/schema/json", string(c.rec.Request.Schema.JSON), string(decision.AnswerSchema(c.rec.Input.Symbols)))
}

// score compares a proposal that is not the model's.
func (c *check) score(ctx context.Context) error {
	res := &c.rec.Result
	switch {
	case c.rec.Adopted():
		c.skip(StageScore, adopted)
		return nil
	case res.Origin == decision.OriginHold && !res.Cached:
		c.compared(StageScore)
		why := strings.TrimPrefix(res.Reason, c.rec.ModelError+"; fallback: ")
		return c.compare(StageScore, "/proposal", c.rec.Proposal, decision.HoldAll(c.rec.Input, why))
	case res.Cached:
		c.skip(StageScore, "the proposal is from the cache, made from another input")
		return nil
	case res.Origin == decision.OriginModel && len(c.rec.Assessments) == 0:
		c.skip(StageScore, "nothing was scored")
		return nil
	case c.cfg.Scorer == nil:
		c.skip(StageScore, "no scorer is configured")
		return nil
	}
	c.compared(StageScore)
	scored, err := c.cfg.Scorer.Score(ctx, c.rec.Input)
	if err != nil {
		return fmt.Errorf("score: %w", err)
	}
	if res.Origin == decision.OriginModel {
		return c.compare(StageScore, "/assessments", c.rec.Assessments, scored.Assessments)
	}
	return c.compare(StageScore, "/proposal", c.rec.Proposal, scored)
}

// gate compares what was let through.
func (c *check) gate(context.Context) error {
	c.compared(StageGate)
	in, res := c.rec.Checked(), &c.rec.Result
	if why := c.rec.RulesFailed(); why != "" {
		c.skip(StageGate, "that the host's rules could not be asked is from outside; the rules of every engine were")
		c.judged = c.rec.JudgedWithout(in, decision.RulesFor(c.cfg.Freshness).Gate(in, c.rec.Proposal))
	} else {
		c.judged = c.rec.Judged(in, c.rules.Gate(in, c.rec.Proposal))
	}
	for _, f := range []struct {
		field              string
		recorded, replayed any
	}{
		{"/result/decision", res.Decision, c.judged.Decision},
		{"/result/refused", res.Refused, c.judged.Refused},
		{"/result/warnings", res.Warnings, c.judged.Warnings},
	} {
		if err := c.compare(StageGate, f.field, f.recorded, f.replayed); err != nil {
			return err
		}
	}
	return nil
}
