package decision

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// Config is what an Engine is made from. Market and Store are required.
type Config struct {
	Market MarketSource
	LLM    LLMClient // nil: no model is asked
	Scorer Scorer    // nil: without a model's answer every asset is held
	Store  Store
	Cache  *Cache // nil: every decision is proposed anew

	// Halts is asked before a decision and again before the gate. While it
	// names a halt, or cannot be asked, nothing that adds risk is returned.
	// Default: nobody; Request.Halted and Account.Halted count in any case.
	Halts Halts

	// Indicators computes what the prompt shows. Default: our own kernels,
	// each series computed once.
	Indicators Indicators
	// Rules are enforced besides DefaultRules, which cannot be removed.
	Rules Rules

	Interval     marketdata.Interval // default 1h
	LongInterval marketdata.Interval // longer than Interval; default 4h
	// Candles is the window of every indicator and score, 100–1,500. Default
	// 250, or for short intervals as many as the change over 24 h needs.
	Candles   int
	Freshness marketdata.Freshness

	Model       string              // asked by this name; default: the client's own
	Temperature decimal.NullDecimal // 0–2; default 0.7
	MaxTokens   int                 // of an answer, 1–200,000; default 2,000
	// ModelTimeout bounds the wait for the model. Default 30 s.
	ModelTimeout time.Duration
	// Judge is told, once for each model that answered, whether its answers
	// could be used, so that a breaker can leave a model alone whose answers
	// cannot. The name is that of the Failover's hop, without one
	// Config.Model, or else what the answer reports. It must return at once.
	// Default: nobody.
	Judge func(model string, usable bool)
	// Timeout bounds a whole Decide, unless its context ends earlier. A sixth
	// of it, at most 2 s, is kept back for checking and recording. Default 45 s.
	Timeout time.Duration
	// RecheckAfter is the age of the prices from which the gate reads them
	// again. Default 2 s.
	RecheckAfter time.Duration

	Logger *slog.Logger     // nil discards
	Now    func() time.Time // default time.Now
	NewID  func() string    // unique; default crypto/rand.Text
}

// ConfigError lists every problem of a Config.
type ConfigError struct{ Problems []error }

// Error is one problem a line.
func (e *ConfigError) Error() string { return errors.Join(e.Problems...).Error() }

// Unwrap is the problems.
func (e *ConfigError) Unwrap() []error { return e.Problems }

func (c Config) withDefaults() Config {
	if c.Interval == "" {
		c.Interval = marketdata.Interval1h
	}
	if c.LongInterval == "" {
		c.LongInterval = marketdata.Interval4h
	}
	if c.Candles == 0 {
		c.Candles = marketdata.DefaultCandles
		if length := c.Interval.Duration(); length > 0 {
			c.Candles = max(c.Candles, int(24*time.Hour/length)+1)
		}
	}
	if !c.Temperature.Valid {
		c.Temperature = decimal.NewNullDecimal(decimal.New(7, -1))
	}
	if c.MaxTokens == 0 {
		c.MaxTokens = 2000
	}
	if c.ModelTimeout == 0 {
		c.ModelTimeout = 30 * time.Second
	}
	if c.Timeout == 0 {
		c.Timeout = 45 * time.Second
	}
	if c.RecheckAfter == 0 {
		c.RecheckAfter = 2 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now //nolint:forbidigo // the one default of the injected clock
	}
	if c.NewID == nil {
		c.NewID = rand.Text
	}
	return c
}

func (c Config) validate() error {
	var problems []error
	add := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("decision: config: "+format, args...))
	}
	if c.Market == nil {
		add("missing Market")
	}
	if c.Store == nil {
		add("missing Store")
	}
	if !c.Interval.Valid() || !c.LongInterval.Valid() || c.LongInterval.Duration() <= c.Interval.Duration() {
		add("LongInterval must be an interval longer than Interval, were %.20q and %.20q", string(c.LongInterval), string(c.Interval))
	}
	if c.Candles < minCandles || c.Candles > marketdata.MaxCandles {
		add("Candles must be between %d and %d, was %d", minCandles, marketdata.MaxCandles, c.Candles)
	}
	if t := c.Temperature.Decimal; t.IsNegative() || t.GreaterThan(decimal.NewFromInt(2)) {
		add("Temperature must be between 0 and 2, was %s", t)
	}
	if c.MaxTokens < 1 || c.MaxTokens > 200_000 {
		add("MaxTokens must be between 1 and 200000, was %d", c.MaxTokens)
	}
	for _, d := range [...]struct {
		name  string
		value time.Duration
	}{{"ModelTimeout", c.ModelTimeout}, {"Timeout", c.Timeout}, {"RecheckAfter", c.RecheckAfter}} {
		if d.value < 0 {
			add("%s must not be negative, was %s", d.name, d.value)
		}
	}
	if slices.Contains(c.Rules, nil) {
		add("Rules must not contain nil")
	}
	if len(problems) > 0 {
		return &ConfigError{Problems: problems}
	}
	return nil
}

// minCandles is the smallest window that warms every indicator up;
// minIndicators the fewest candles for which an asset still gets any.
const (
	minCandles    = 100
	minIndicators = 50
)

// Engine decides. It is safe for concurrent use.
type Engine struct {
	cfg      Config
	rules    Rules
	prompts  *PromptBuilder
	strategy Strategy // of requests that name none
	builtin  Rules    // DefaultRules with the bounds of cfg
	calls    sync.WaitGroup

	market, indicators, scorer, model, store, gate, halts seam
}

var _ Decider = (*Engine)(nil)

// New checks the configuration. The error is a *ConfigError with every
// problem.
func New(cfg Config) (*Engine, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.Indicators == nil {
		cache, err := indicator.NewCache(nil, indicator.CacheConfig{})
		if err != nil {
			return nil, err
		}
		cfg.Indicators = cache
	}
	strategy, err := LoadStrategy(DefaultStrategy)
	if err != nil {
		return nil, err
	}
	e := &Engine{cfg: cfg, builtin: RulesFor(cfg.Freshness), rules: RulesFor(cfg.Freshness, cfg.Rules...), strategy: strategy}
	e.prompts = NewPromptBuilder(e.rules...)
	for s, name := range map[*seam]string{
		&e.market: "market", &e.indicators: "indicators", &e.scorer: "scorer", &e.model: "model", &e.store: "store", &e.gate: rulesSeam,
		&e.halts: "halts",
	} {
		s.name = name
	}
	return e, nil
}

// Close waits for calls that outlived the decisions they were made for,
// because a seam ignored its context. The error is the context's.
func (e *Engine) Close(ctx context.Context) error {
	done := make(chan struct{})
	go func() { // ends with the calls that it waits for
		e.calls.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Decide observes the market, lets the model or else the Scorer propose,
// checks the proposal and records it. It returns by its deadline.
//
// A model that does not answer is not an error: Result.Origin says who
// proposed and Result.Reason why. The errors are an invalid request, the
// context's, ErrNoMarket, and ErrUnrecorded, with which the Result is valid
// but holds only actions that reduce risk.
func (e *Engine) Decide(ctx context.Context, req Request) (Result, error) {
	started := e.cfg.Now()
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()

	in, degraded, err := e.observe(ctx, req)
	if err != nil {
		return Result{}, err
	}
	rec := Record{Schema: RecordSchema, Input: in, Result: Result{ID: e.cfg.NewID(), Degraded: degraded}}
	shared := e.propose(ctx, &rec, req.ForceRefresh)
	defer shared.leave(context.Canceled)
	if err := ctx.Err(); errors.Is(err, context.Canceled) {
		return Result{}, fmt.Errorf("decision: %w", err)
	}
	checked := e.check(ctx, &rec)
	rec.Result.Took = e.cfg.Now().Sub(started)
	rec.readable()
	res, err := e.record(ctx, rec, checked)
	shared.settle(len(rec.Result.Refused) > 0, err == nil)
	return res, err
}

// check passes the proposal through the gate, with prices read again when the
// first ones have aged, and returns the input that it judged by.
func (e *Engine) check(ctx context.Context, rec *Record) Input {
	in, res := rec.Input, &rec.Result
	if e.cfg.Now().UTC().Sub(in.Market.At) >= e.cfg.RecheckAfter {
		rec.Recheck = e.reread(ctx, in, res)
	}
	// Asked last: reading prices takes time, in which somebody may halt.
	if halted, halt, note := e.halted(ctx, in.Account.ID); halted && !in.Halted {
		if rec.Recheck == nil {
			rec.Recheck = e.reread(ctx, in, res)
		}
		rec.Recheck.Halted, rec.Recheck.Halt = true, halt
		if note != "" {
			res.Degraded = append(res.Degraded, note)
		}
	}
	in = rec.Checked()
	verdict, err := judgeByRules(ctx, e, func() Verdict { return e.rules.Gate(in, rec.Proposal) })
	if err != nil { // a host's rule hangs: ours do not, and without it nothing may add risk
		verdict = e.builtin.Gate(in, rec.Proposal)
		res.Degraded = append(res.Degraded, err.Error())
	}
	judged := rec.Judged(in, verdict)
	if err != nil {
		judged = judged.unchecked(in, err.Error())
	}
	res.At, res.Decision, res.Refused, res.Warnings = judged.At, judged.Decision, judged.Refused, judged.Warnings
	return in
}

// reread is recheck with its problem among what is degraded.
func (e *Engine) reread(ctx context.Context, in Input, res *Result) *Recheck {
	out, late := e.recheck(ctx, in)
	if late != "" {
		res.Degraded = append(res.Degraded, late)
	}
	return out
}

// record makes the result durable before anybody can act on it. Without a
// record only what reduces risk is returned.
//
// A store that ignores its context may still write the record after that: then
// it names actions that nobody was told.
func (e *Engine) record(ctx context.Context, rec Record, in Input) (Result, error) {
	res := rec.Result.clone() // what is recorded is not the caller's to change
	_, err := await(ctx, e, &e.store, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, e.cfg.Store.Append(ctx, rec)
	})
	if err == nil {
		e.log(ctx, rec)
		return res, nil
	}
	err = fmt.Errorf("%w: %w", ErrUnrecorded, err)
	e.cfg.Logger.LogAttrs(ctx, slog.LevelError, "decision_unrecorded", slog.String("decision_id", res.ID), slog.String("error", err.Error()))
	return withoutRisk(res, in, Violation{Rule: "record", Severity: SeverityError, Message: "the decision could not be recorded"}), err
}

// withoutRisk refuses whatever adds risk, for a reason outside the proposal.
func withoutRisk(res Result, in Input, why Violation) Result {
	res.Decision.Decisions = slices.Clone(res.Decision.Decisions)
	res.Refused = slices.Clone(res.Refused)
	res.Decision.TotalAllocationUSD = decimal.Zero
	for i, d := range res.Decision.Decisions {
		if !in.AddsRisk(d) {
			continue
		}
		why.Asset = d.Asset
		res.Refused = append(res.Refused, Refusal{Asset: d.Asset, Was: d, Violations: []Violation{why}})
		res.Decision.Decisions[i] = holdAsset(d.Asset, "refused: "+why.Message)
	}
	return res
}

func (e *Engine) log(ctx context.Context, rec Record) {
	if !e.cfg.Logger.Enabled(ctx, slog.LevelInfo) {
		return
	}
	res := &rec.Result
	e.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "decision_generated",
		slog.String("decision_id", res.ID), slog.String("account_id", rec.Input.Account.ID), slog.Any("symbols", rec.Input.Symbols),
		slog.String("strategy", rec.Input.Strategy.ID), slog.String("source", string(res.Origin)), slog.String("model", res.Model),
		slog.Int("refused", len(res.Refused)), slog.Int64("duration_ms", res.Took.Milliseconds()))
}
