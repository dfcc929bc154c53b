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
	model      string // who answered last, by the name to judge by; empty at the start and for a next model
	hop        string // the Failover's name of it; empty without one
	repaired   bool   // it was told what is wrong with its answer
	lengthened bool   // it was asked again, with more room
	// partial is an answer of it that is sound but leaves assets out.
	partial      *Decision
	partialModel string
	reason       error // why the newest answer was not used
}

// step is how a conversation goes on.
type step int

const (
	stepAsk step = iota // the next question is set up
	stepStop
)

// converse asks the model, asks once for the repair of what can be repaired
// and once again for what was cut, and goes on to the next model of a Failover
// when one cannot be understood: at most maxQuestions in all. A question that
// speaks of an answer goes to whom gave it. The client's context, asking, ends
// a little before ctx does, so that what it can say of its failure is heard.
// The error says why there is no answer to use.
func (e *Engine) converse(ctx, asking context.Context, rec *Record, limit time.Duration) (Decision, error) {
	c := conversation{base: rec.Request, next: rec.Request}
	for asked := 1; ; asked++ {
		req := c.next
		resp, err := await(ctx, e, &e.model, func(context.Context) (llm.Response, error) { return e.cfg.LLM.Complete(asking, req) })
		var next step
		if err != nil {
			rec.Result.noteFailure(err)
			err = modelFailed(asking, limit, err)
			if c.model == "" || asking.Err() != nil { // nobody has said anything, or there is no time left
				e.judge(&c)
				return c.settle(rec, err)
			}
			next = e.leave(&c)
		} else {
			resp = readableResponse(resp)
			rec.note(resp)
			answer, failed := DecodeAnswer(resp, rec.Input.Symbols)
			c.heard(rec, resp)
			if failed == nil {
				c.reason = nil
				e.judge(&c)
				rec.Result.Model, rec.Normalised = resp.Model, answer.Normalised
				return answer.Decision, nil
			}
			e.alarm(ctx, rec, resp, failed)
			next = e.follow(&c, resp, failed)
		}
		if next == stepStop || asked == maxQuestions {
			e.judge(&c)
			return c.settle(rec, err)
		}
	}
}

// heard notes who is being talked to.
func (c *conversation) heard(rec *Record, resp llm.Response) {
	c.hop = resp.Hop
	for _, name := range []string{resp.Hop, rec.Request.Model, resp.Model} {
		if c.model = name; name != "" {
			return
		}
	}
	c.model = "model" // it has no name anywhere
}

// follow sets up the next question after an answer that cannot be used.
func (e *Engine) follow(c *conversation, resp llm.Response, err error) step {
	c.reason = unusable(err)
	var bad *AnswerError
	if !errors.As(err, &bad) {
		return stepStop
	}
	if bad.Partial != nil {
		c.partial, c.partialModel = bad.Partial, resp.Model
	}
	switch {
	case bad.Class == AnswerReject: // it smells of somebody else's words
		c.partial = nil
		return stepStop
	case bad.Class == AnswerAskAgain && !c.repaired:
		c.repaired = true
		c.next.Messages = repair(c.base.Messages, resp.Content, bad)
		c.next.Only = c.hop
		return stepAsk
	case bad.Class == AnswerRetry && !c.lengthened:
		c.lengthened = true
		if resp.FinishReason == llm.FinishLength && c.next.MaxTokens > 0 {
			c.next.MaxTokens = min(2*c.next.MaxTokens, maxAnswerTokens)
		}
		c.next.Only = c.hop
		return stepAsk
	}
	return e.leave(c)
}

// leave goes on to the next model, unless this one's answer will do or there is
// no other.
func (e *Engine) leave(c *conversation) step {
	if c.partial != nil || c.hop == "" {
		return stepStop
	}
	e.judge(c)
	c.base.Skip = append(slices.Clone(c.base.Skip), c.hop)
	c.next, c.model, c.hop, c.repaired, c.lengthened = c.base, "", "", false, false
	return stepAsk
}

// judge tells the host once whether the answers of the model that is being
// talked to could be used.
func (e *Engine) judge(c *conversation) {
	if e.cfg.Judge != nil && c.model != "" {
		e.cfg.Judge(c.model, c.reason == nil || c.partial != nil)
	}
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
	messages := slices.Clone(question)
	if answer != "" { // some endpoints refuse an empty message
		messages = append(messages, llm.Message{Role: llm.RoleAssistant, Content: strings.ToValidUTF8(answer, "\uFFFD")})
	}
	return append(messages, llm.Message{Role: llm.RoleUser, Content: "Your reply was rejected: " + bad.Error() +
		". Reply again with only the corrected JSON object; do not change your decision."})
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

// alarm logs an answer that smells of an injected instruction.
func (e *Engine) alarm(ctx context.Context, rec *Record, resp llm.Response, err error) {
	var bad *AnswerError
	if errors.As(err, &bad) && bad.Alarm {
		e.cfg.Logger.LogAttrs(ctx, slog.LevelError, "answer_alarm",
			slog.String("decision_id", rec.Result.ID), slog.String("model", resp.Model), slog.String("error", bad.Error()))
	}
}
