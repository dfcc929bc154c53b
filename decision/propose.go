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

// propose fills in the proposal and who made it, from the cache when there is
// one, and reports the decision's part in it.
func (e *Engine) propose(ctx context.Context, rec *Record, refresh bool) (s seat) {
	if e.cfg.Cache == nil {
		e.proposeAnew(ctx, rec, e.left(ctx))
	} else {
		s = e.recall(ctx, rec, refresh)
	}
	if res := &rec.Result; res.Origin == OriginFallback || res.Origin == OriginHold {
		e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "fallback_used",
			slog.String("decision_id", res.ID), slog.String("source", string(res.Origin)), slog.String("reason", res.Reason), slog.Bool("cached", res.Cached))
	}
	return s
}

// proposeAnew asks, for at most so long: the model, else the Scorer, else
// nobody. The Scorer works while the model is asked: its scores are kept beside
// the model's proposal, and it is ready when the model fails late.
func (e *Engine) proposeAnew(ctx context.Context, rec *Record, left time.Duration) {
	scorerCtx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	score := e.score(scorerCtx, rec.Input)
	res := &rec.Result
	model, modelErr := e.ask(ctx, rec, left)
	if modelErr == nil { // prices age: scores that only stand beside the answer are not worth waiting for
		defer time.AfterFunc(scoreGrace, cancel).Stop()
	}
	scored, scoreErr := score()
	if modelErr != nil {
		rec.fallBack(modelErr, scored, scoreErr)
		return
	}
	rec.Proposal, rec.Assessments = model, scored.Assessments
	res.Origin, res.Reason = OriginModel, "the model answered"
	if scoreErr != nil && e.cfg.Scorer != nil {
		res.Degraded = append(res.Degraded, "fallback: "+scoreErr.Error())
	}
}

// fallBack fills in what the Scorer proposes when the model does not, or that
// nobody proposes anything.
func (r *Record) fallBack(modelErr error, scored Proposal, scoreErr error) {
	res := &r.Result
	if scoreErr == nil {
		r.Proposal = scored
		res.Origin, res.Reason = OriginFallback, modelErr.Error()
		res.Degraded = append(res.Degraded, scored.Degraded...)
	} else {
		r.Proposal = holdAll(r.Input, scoreErr)
		res.Origin, res.Reason = OriginHold, modelErr.Error()+"; fallback: "+scoreErr.Error()
		res.Degraded = append(res.Degraded, "fallback: "+scoreErr.Error())
	}
	r.ModelError = modelErr.Error()
	res.Degraded = append(res.Degraded, "model: "+modelErr.Error())
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

// ask puts the question to the model, for at most so long. The error says why
// there is no answer to use, in words that hold no secret.
func (e *Engine) ask(ctx context.Context, rec *Record, left time.Duration) (Proposal, error) {
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
	limit := min(e.cfg.ModelTimeout, left)
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
	if cause := context.Cause(ctx); errors.Is(cause, errNobodyWaits) {
		return fmt.Errorf("%w: %w", cause, err)
	}
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
