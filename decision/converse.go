package decision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/ballast-go/ballast/llm"
)

const (
	maxQuestions    = 4       // to models, for one decision
	maxRepairBytes  = 4 << 10 // of its own answer that a model is shown again
	maxAnswerTokens = 200_000
)

// conversation is what was said about one Input, with one model at a time.
type conversation struct {
	base       llm.Request // the first question, which the next model gets too
	next       llm.Request
	repaired   bool // this model was told what is wrong with its answer
	lengthened bool // this model was asked again, with more room
	// partial is an answer that is sound but leaves assets out, and by whom.
	partial      *Decision
	partialModel string
	reason       error // why the newest answer was not used
}

// step is how a conversation goes on after an answer that cannot be used.
type step int

const (
	stepSameModel step = iota
	stepNextModel
	stepStop
)

// converse asks the model, asks once for the repair of what can be repaired
// and once again for what was cut, and goes on to the next model of a Failover
// when one cannot be understood: at most maxQuestions in all, within ctx. The
// error says why there is no answer to use.
func (e *Engine) converse(ctx context.Context, rec *Record, limit time.Duration) (Decision, error) {
	c := conversation{base: rec.Request, next: rec.Request}
	for range maxQuestions {
		req := c.next
		resp, err := await(ctx, e, &e.model, func(ctx context.Context) (llm.Response, error) { return e.cfg.LLM.Complete(ctx, req) })
		if err != nil {
			rec.Result.noteFailure(err)
			return c.settle(rec, modelFailed(ctx, limit, err))
		}
		rec.note(resp)
		answer, err := DecodeAnswer(resp, rec.Input.Symbols)
		if err == nil {
			e.judge(resp, true)
			rec.Result.Model, rec.Normalised = resp.Model, answer.Normalised
			return answer.Decision, nil
		}
		e.alarm(ctx, rec, resp, err)
		switch c.follow(resp, err) {
		case stepNextModel:
			e.judge(resp, false)
		case stepStop:
			e.judge(resp, c.partial != nil)
			return c.settle(rec, nil)
		case stepSameModel:
		}
	}
	return c.settle(rec, nil)
}

// follow sets up the next question after an answer that cannot be used.
func (c *conversation) follow(resp llm.Response, err error) step {
	c.reason = fmt.Errorf("unusable answer: %w", err)
	var bad *AnswerError
	if !errors.As(err, &bad) {
		return stepStop
	}
	if bad.Partial != nil {
		c.partial, c.partialModel = bad.Partial, resp.Model
	}
	switch {
	case bad.Class == AnswerAskAgain && !c.repaired:
		c.repaired = true
		c.next.Messages = repair(c.base.Messages, resp.Content, bad)
		return stepSameModel
	case bad.Class == AnswerRetry && !c.lengthened:
		c.lengthened = true
		if resp.FinishReason == llm.FinishLength && c.next.MaxTokens > 0 {
			c.next.MaxTokens = min(2*c.next.MaxTokens, maxAnswerTokens)
		}
		return stepSameModel
	case c.partial != nil || len(resp.Tried) == 0: // good enough, or there is no other model
		return stepStop
	}
	c.base.Skip = append(slices.Clone(c.base.Skip), resp.AskedModel())
	c.next, c.repaired, c.lengthened = c.base, false, false
	return stepNextModel
}

// settle ends a conversation without a whole answer: with one that leaves
// assets out, which the engine holds, or with the reason.
func (c *conversation) settle(rec *Record, err error) (Decision, error) {
	switch {
	case c.partial != nil:
		rec.Result.Model = c.partialModel
		rec.Result.Degraded = append(rec.Result.Degraded, "model: "+c.reason.Error())
		return *c.partial, nil
	case c.reason == nil:
		return Decision{}, err
	case err == nil || errors.Is(err, llm.ErrNoModel):
		return Decision{}, c.reason
	}
	return Decision{}, fmt.Errorf("%w; asked again: %w", c.reason, err)
}

// repair is the first question, the model's answer clipped, and what is wrong
// with it. The error text quotes the answer only escaped and clipped.
func repair(question []llm.Message, answer string, bad *AnswerError) []llm.Message {
	if len(answer) > maxRepairBytes {
		answer = strings.ToValidUTF8(answer[:maxRepairBytes], "") + " [cut]"
	}
	return append(slices.Clone(question),
		llm.Message{Role: llm.RoleAssistant, Content: strings.ToValidUTF8(answer, "\uFFFD")},
		llm.Message{Role: llm.RoleUser, Content: "Your reply was rejected: " + bad.Error() +
			". Reply again with only the corrected JSON object; do not change your decision."},
	)
}

// note keeps an answer and what it took.
func (r *Record) note(resp llm.Response) {
	r.Responses = append(r.Responses, resp)
	res := &r.Result
	res.Usage = res.Usage.Add(plausible(resp.Usage))
	if len(resp.Tried) == 0 {
		res.Tried = append(res.Tried, llm.Attempt{Model: resp.Model, Endpoint: resp.Provider, Took: resp.Took, Usage: resp.Usage})
		return
	}
	res.Tried = append(res.Tried, resp.Tried...)
}

// noteFailure keeps what a failed call tried, and the state of the circuit
// that refused it.
func (r *Result) noteFailure(err error) {
	var failover *llm.FailoverError
	if errors.As(err, &failover) {
		r.Tried = append(r.Tried, failover.Tried...)
	}
	var circuit interface {
		Circuit() string
		RetryAfter() time.Duration
	}
	if errors.As(err, &circuit) {
		r.Circuit, r.ProbeIn = circuit.Circuit(), circuit.RetryAfter()
	}
}

// judge tells the host whether a model's answer could be used.
func (e *Engine) judge(resp llm.Response, usable bool) {
	if e.cfg.Judge != nil {
		e.cfg.Judge(resp.AskedModel(), usable)
	}
}

// alarm logs an answer that smells of an injected instruction.
func (e *Engine) alarm(ctx context.Context, rec *Record, resp llm.Response, err error) {
	var bad *AnswerError
	if errors.As(err, &bad) && bad.Alarm {
		e.cfg.Logger.LogAttrs(ctx, slog.LevelError, "answer_alarm",
			slog.String("decision_id", rec.Result.ID), slog.String("model", resp.Model), slog.String("error", bad.Error()))
	}
}
