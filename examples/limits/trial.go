package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/fallback"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/store/memory"
)

// trial is one strategy over all hours, and what came of it.
type trial struct {
	strategy string
	hostile  bool

	decisions, actions, risky, keptRisky, refused int
	byRule                                        map[string]int
	largestMargin, worstDay                       decimal.Decimal // % of the balance, of the day's opening equity
	broken                                        []string
	wildest                                       hour

	ahead marketdata.Source // the market an hour later, for the account alone: no decision has seen it yet
}

// hour is one that an account lived through, and how far the market went in it.
type hour struct {
	end         time.Time
	movePercent decimal.Decimal // mean of the assets that have its candle, from open to close
}

// hourOf reads the candles that closed at end; without any, nothing moved.
func hourOf(market marketdata.Snapshot, end time.Time) hour {
	sum, count := decimal.Zero, int64(0)
	for _, asset := range market.Assets {
		if c, some := asset.Series[marketdata.Interval1h].Last(); some && c.OpenTime.Add(time.Hour).Equal(end) {
			sum = sum.Add(c.Close.Sub(c.Open).Shift(2).DivRound(c.Open, 4))
			count++
		}
	}
	if count == 0 {
		return hour{end: end}
	}
	return hour{end, sum.DivRound(decimal.NewFromInt(count), 2)}
}

func (h hour) wilder(than hour) bool {
	return than.end.IsZero() || h.movePercent.Abs().GreaterThan(than.movePercent.Abs())
}

func (r *trial) name() string {
	if r.hostile {
		return "hostile model"
	}
	return "fallback"
}

// run decides every hour for a paper account.
func (r *trial) run(ctx context.Context, f field) error {
	strategy, err := decision.LoadStrategy(r.strategy)
	if err != nil {
		return err
	}
	at := f.first
	clock := func() time.Time { return at }
	source, err := f.open(clock)
	if err != nil {
		return err
	}
	if r.ahead, err = f.open(func() time.Time { return at.Add(time.Hour) }); err != nil {
		return err
	}
	records := memory.NewSized(memory.Config{MaxRecords: 2})
	cfg := decision.Config{
		Market: source, Scorer: fallback.New(fallback.Config{}), Store: records, Now: clock,
		Timeout: time.Hour, ModelTimeout: time.Hour, // they pass in real time: a busy machine must not change what is decided
	}
	if r.hostile {
		cfg.LLM = &contrarian{}
	}
	engine, err := decision.New(cfg)
	if err != nil {
		return err
	}
	r.byRule = map[string]int{}
	paper := newPaper(decimal.Min(strategy.Risk.MaxLeverage, decimal.NewFromInt(5))) // more cannot keep the liquidation buffer
	for ; !at.After(f.last); at = at.Add(time.Hour) {
		if err := r.hour(ctx, f, engine, records, paper, strategy, at); err != nil {
			return fmt.Errorf("limits: %s at %s: %w", r.strategy, at.Format(time.RFC3339), err)
		}
	}
	return engine.Close(ctx)
}

func (r *trial) hour(ctx context.Context, f field, engine *decision.Engine, records *memory.Store, p *paper, s decision.Strategy, at time.Time) error {
	account := p.account
	account.Positions = append([]decision.Position(nil), account.Positions...)
	res, err := engine.Decide(ctx, decision.Request{Account: account, Strategy: s, Symbols: f.symbols})
	if errors.Is(err, decision.ErrNoMarket) {
		return nil // a gap in the candles
	}
	if err != nil {
		return err
	}
	rec, err := records.Record(ctx, res.ID)
	if err != nil {
		return err
	}
	r.count(rec)
	r.largestMargin = decimal.Max(r.largestMargin, p.marginPercent())
	p.act(rec.Result.Decision.Decisions, rec.Input.Market, at)
	r.largestMargin = decimal.Max(r.largestMargin, p.marginPercent())
	// The next hour: what its candle reached, then its close.
	next, err := r.ahead.Snapshot(ctx, marketdata.Query{Symbols: f.symbols, Intervals: []marketdata.Interval{marketdata.Interval1h}, Candles: 1})
	if err != nil {
		return err
	}
	if passed := hourOf(next, at.Add(time.Hour)); passed.wilder(r.wildest) {
		r.wildest = passed
	}
	r.worstDay = decimal.Min(r.worstDay, p.pass(next, at.Add(time.Hour)))
	return nil
}

func (r *trial) count(rec decision.Record) {
	r.decisions++
	for _, d := range rec.Proposal.Decision.Decisions {
		r.actions++
		if rec.Input.AddsRisk(d) {
			r.risky++
		}
	}
	kept := rec.Result.Decision.Decisions
	for _, d := range kept {
		if rec.Input.AddsRisk(d) {
			r.keptRisky++
		}
	}
	for _, refusal := range rec.Result.Refused {
		r.refused++
		r.byRule[refusal.Violations[0].Rule]++
	}
	for _, b := range decisiontest.Audit(rec.Input, kept) {
		r.broken = append(r.broken, rec.Input.At.Format(time.RFC3339)+" "+b)
	}
}
