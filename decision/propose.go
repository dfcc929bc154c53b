package decision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/llm"
)

var (
	errNoModel  = errors.New("no model is configured")
	errNoScorer = errors.New("no fallback is configured")
)

// scoreGrace is how long a Scorer may still take once the model has answered.
const scoreGrace = time.Second

// propose fills in the proposal and who made it: the model, else the Scorer,
// else nobody. The Scorer works while the model is asked: its scores are kept
// beside the model's proposal, and it is ready when the model fails late.
func (e *Engine) propose(ctx context.Context, rec *Record) {
	scorerCtx, cancel := context.WithTimeout(ctx, e.left(ctx))
	defer cancel()
	score := e.score(scorerCtx, rec.Input)
	res := &rec.Result
	model, modelErr := e.ask(ctx, rec)
	if modelErr == nil { // prices age: scores that only stand beside the answer are not worth waiting for
		defer time.AfterFunc(scoreGrace, cancel).Stop()
	}
	scored, scoreErr := score()
	switch {
	case modelErr == nil:
		rec.Proposal, rec.Assessments = model, scored.Assessments
		res.Origin, res.Reason = OriginModel, "the model answered"
		if scoreErr != nil && e.cfg.Scorer != nil {
			res.Degraded = append(res.Degraded, "fallback: "+scoreErr.Error())
		}
		return
	case scoreErr == nil:
		rec.Proposal = scored
		res.Origin, res.Reason = OriginFallback, modelErr.Error()
		res.Degraded = append(res.Degraded, scored.Degraded...)
	default:
		rec.Proposal = holdAll(rec.Input, scoreErr)
		res.Origin, res.Reason = OriginHold, modelErr.Error()+"; fallback: "+scoreErr.Error()
		res.Degraded = append(res.Degraded, "fallback: "+scoreErr.Error())
	}
	rec.ModelError = modelErr.Error()
	res.Degraded = append(res.Degraded, "model: "+modelErr.Error())
	e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "fallback_used",
		slog.String("decision_id", res.ID), slog.String("source", string(res.Origin)), slog.String("reason", res.Reason))
}

// score begins to ask the Scorer.
func (e *Engine) score(ctx context.Context, in Input) func() (Proposal, error) {
	if e.cfg.Scorer == nil {
		return func() (Proposal, error) { return Proposal{}, errNoScorer }
	}
	return begin(ctx, e, &e.scorer, func(ctx context.Context) (Proposal, error) { return e.cfg.Scorer.Score(ctx, in) })
}

// left is the time until ctx ends, less what checking and recording may need.
func (e *Engine) left(ctx context.Context) time.Duration {
	deadline, _ := ctx.Deadline() // Decide set one
	left := time.Until(deadline)  // real time: contexts do not follow Config.Now
	return left - min(left/6, 2*time.Second)
}

// ask puts the question to the model. The error says why there is no answer to
// use, in words that hold no secret.
func (e *Engine) ask(ctx context.Context, rec *Record) (Proposal, error) {
	if e.cfg.LLM == nil {
		return Proposal{}, errNoModel
	}
	messages, err := e.prompts.Build(rec.Input)
	if err != nil {
		return Proposal{}, fmt.Errorf("prompt: %w", err)
	}
	rec.Request = llm.Request{
		Model: e.cfg.Model, Messages: messages, Temperature: e.cfg.Temperature, MaxTokens: e.cfg.MaxTokens, Account: rec.Input.Account.ID,
		Schema: &llm.Schema{Name: AnswerSchemaName, JSON: e.prompts.Schema(rec.Input.Symbols)},
	}
	limit := min(e.cfg.ModelTimeout, e.left(ctx))
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	asking, stop := context.WithTimeout(ctx, limit-min(limit/10, 20*time.Millisecond))
	defer stop()
	d, err := e.converse(ctx, asking, rec, limit)
	return Proposal{Decision: d}, err
}

// plausible drops figures that no call can have: they are not reported then.
func plausible(u llm.Usage) llm.Usage {
	for _, n := range [...]*int{&u.PromptTokens, &u.CompletionTokens, &u.ReasoningTokens, &u.CachedTokens} {
		*n = max(*n, 0)
	}
	if u.CostUSD.Valid && (u.CostUSD.Decimal.IsNegative() || !inRange(u.CostUSD.Decimal)) {
		u.CostUSD = decimal.NullDecimal{}
	}
	return u
}

// modelFailed words a timeout by its bound, which "context deadline exceeded"
// does not name.
func modelFailed(ctx context.Context, limit time.Duration, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s: %w", limit.Round(time.Millisecond), err)
	}
	return err
}

// holdAll proposes nothing.
func holdAll(in Input, why error) Proposal {
	p := Proposal{Decision: Decision{PortfolioRationale: "nothing proposed: " + why.Error(), PortfolioRiskLevel: RiskHigh}}
	for _, symbol := range in.Symbols {
		p.Decision.Decisions = append(p.Decision.Decisions, holdAsset(symbol, "nothing proposed: "+why.Error()))
	}
	return p
}
