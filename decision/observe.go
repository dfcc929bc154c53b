package decision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// observe reads the market and derives everything that a proposal may use.
func (e *Engine) observe(ctx context.Context, req Request) (Input, []string, error) {
	req, err := req.prepare(e.strategy)
	if err != nil {
		return Input{}, nil, err
	}
	intervals := []marketdata.Interval{e.cfg.Interval, e.cfg.LongInterval}
	snap, err := await(ctx, e, &e.market, func(ctx context.Context) (marketdata.Snapshot, error) {
		return e.cfg.Market.Snapshot(ctx, marketdata.Query{Symbols: req.Symbols, Intervals: intervals, Candles: e.cfg.Candles})
	})
	if err != nil {
		if ended := ctx.Err(); ended != nil {
			return Input{}, nil, fmt.Errorf("decision: %w", err)
		}
		return Input{}, nil, fmt.Errorf("%w: %w", ErrNoMarket, err)
	}
	at := e.cfg.Now().UTC()
	in := Input{
		At: at, Symbols: slices.Clone(req.Symbols), Interval: e.cfg.Interval, LongInterval: e.cfg.LongInterval,
		Account: req.Account, Strategy: req.Strategy, Halted: req.Halted,
		Market: e.fresh(snap, req.Symbols, intervals, at),
	}
	halted, halt, note := e.halted(ctx, req.Account.ID)
	in.Halted, in.Halt = in.Halted || halted, halt
	degraded := slices.Clone(snap.Notes)
	if note != "" {
		degraded = append(degraded, note)
	}
	for _, symbol := range in.Symbols {
		if f, ok := in.Market.Failures[symbol]; ok {
			degraded = append(degraded, fmt.Sprintf("Insufficient market data: %s: %s: %s", symbol, f.Reason, f.Detail))
		}
		for _, note := range in.Market.Assets[symbol].Degraded {
			degraded = append(degraded, symbol+": "+note)
		}
	}
	if len(in.Market.Assets) == 0 {
		return Input{}, nil, noMarket(in)
	}
	if prefers := in.Strategy.TimeframePreference; len(prefers) > 0 && !slices.Contains(prefers, in.Interval) && !slices.Contains(prefers, in.LongInterval) {
		degraded = append(degraded, fmt.Sprintf("strategy %s is meant for candles of %v, not of %s and %s", in.Strategy.ID, prefers, in.Interval, in.LongInterval))
	}
	notes, err := e.indicate(ctx, &in)
	if err != nil {
		return Input{}, nil, fmt.Errorf("decision: %w", err)
	}
	seen := in // what a rule that hangs may still read while in goes on
	in.Envelope, err = judgeByRules(ctx, e, func() Envelope { return e.rules.Envelope(seen) })
	if err != nil { // a host's rule hangs or panics: nothing is offered, the gate will refuse it too
		notes = append(notes, "envelope: "+err.Error())
	}
	return in, append(append(degraded, notes...), marksApart(in)...), nil
}

// marksApart names the positions that the account marks more than 5 % away
// from the market. Limits use the larger value of the two.
func marksApart(in Input) (notes []string) {
	for i := range in.Account.Positions {
		p := &in.Account.Positions[i]
		m, ok := in.Market.Assets[p.Symbol]
		if ok && p.MarkPrice.Sub(m.Quote.Last).Abs().GreaterThan(percentOf(m.Quote.Last, 5)) {
			notes = append(notes, fmt.Sprintf("%s: the account marks it at %s, the market at %s", p.Symbol, p.MarkPrice, m.Quote.Last))
		}
	}
	return notes
}

// prepare checks a request and fills in the strategy when it names none.
func (r Request) prepare(standard Strategy) (Request, error) {
	var problems []error
	if len(r.Symbols) < 1 || len(r.Symbols) > MaxSymbols {
		problems = append(problems, fmt.Errorf("decision: symbols must number 1 to %d, were %d", MaxSymbols, len(r.Symbols)))
	}
	for i, s := range r.Symbols {
		if s == "" || len(s) > 40 || slices.Contains(r.Symbols[:i], s) {
			problems = append(problems, fmt.Errorf("decision: symbol %.40q is empty, too long or named twice", s))
		}
	}
	if r.Strategy.ID == "" {
		r.Strategy = standard
	} else {
		problems = append(problems, r.Strategy.validateLimits())
		if !r.Strategy.IsActive {
			problems = append(problems, fmt.Errorf("decision: strategy %.64q is not active", r.Strategy.ID))
		}
	}
	problems = append(problems, r.Account.Validate())
	// What is decided on must not change under a call that outlives the request.
	r.Account = r.Account.clone()
	r.Strategy.TimeframePreference = slices.Clone(r.Strategy.TimeframePreference)
	return r, errors.Join(problems...)
}

// fresh keeps the assets that may be decided on, each with its window of
// candles, and moves the others to the failures.
func (e *Engine) fresh(snap marketdata.Snapshot, symbols []string, intervals []marketdata.Interval, at time.Time) marketdata.Snapshot {
	out := marketdata.Snapshot{
		At: at, Notes: snap.Notes,
		Assets: make(map[string]marketdata.Asset, len(symbols)), Failures: make(map[string]marketdata.Failure),
	}
	for _, symbol := range symbols {
		asset, ok := snap.Assets[symbol]
		if !ok {
			f, known := snap.Failures[symbol]
			if !known {
				f = marketdata.Failure{Symbol: symbol, Reason: marketdata.ReasonUnavailable, Detail: "the source did not answer for it"}
			}
			out.Failures[symbol] = f
			continue
		}
		if f := e.usable(symbol, asset, intervals, at); f != nil {
			out.Failures[symbol] = *f
			continue
		}
		out.Assets[symbol] = e.window(asset, intervals)
	}
	return out
}

// usable says what keeps an asset from being decided on; nil when nothing does.
func (e *Engine) usable(symbol string, asset marketdata.Asset, intervals []marketdata.Interval, at time.Time) *marketdata.Failure {
	if asset.Symbol != symbol {
		return &marketdata.Failure{Symbol: symbol, Reason: marketdata.ReasonUnavailable, Detail: fmt.Sprintf("the source answered with %.40q", asset.Symbol)}
	}
	q := asset.Quote
	if !inRange(q.Last, q.Mark.Decimal, q.Change24hPercent.Decimal, q.QuoteVolume24h.Decimal, q.FundingRate.Decimal, q.OpenInterest.Decimal) {
		return &marketdata.Failure{Symbol: symbol, Reason: marketdata.ReasonUnavailable, Detail: "a number of the quote is out of range"}
	}
	if asset.Instrument != nil {
		if err := asset.Instrument.Validate(); err != nil {
			return &marketdata.Failure{Symbol: symbol, Reason: marketdata.ReasonUnavailable, Detail: fmt.Sprintf("%.200s", err), Err: err}
		}
	}
	return e.cfg.Freshness.Check(asset, intervals, at)
}

func (e *Engine) window(asset marketdata.Asset, intervals []marketdata.Interval) marketdata.Asset {
	for _, i := range intervals {
		if asset.Series[i].Len() <= e.cfg.Candles && len(asset.Series) == len(intervals) {
			continue
		}
		all := asset.Series
		asset.Series = make(map[marketdata.Interval]marketdata.Series, len(intervals))
		for _, j := range intervals {
			asset.Series[j] = all[j].Tail(e.cfg.Candles)
		}
		break
	}
	return asset
}

// noMarket is the error when nothing can be decided on.
func noMarket(in Input) error {
	errs := []error{ErrNoMarket}
	stale := true
	for _, symbol := range in.Symbols {
		f := in.Market.Failures[symbol]
		errs = append(errs, f)
		stale = stale && f.Reason == marketdata.ReasonStale
	}
	if stale {
		errs = append(errs, ErrStaleMarket)
	}
	return errors.Join(errs...)
}

// indicate computes the indicators; assets that it cannot compute go without.
// The error is the context's.
func (e *Engine) indicate(ctx context.Context, in *Input) (degraded []string, err error) {
	values, failed := await(ctx, e, &e.indicators, func(ctx context.Context) (indicator.Values, error) {
		return e.cfg.Indicators.Indicate(ctx, in.Market)
	})
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("indicators: %w", err)
	}
	if failed != nil {
		return []string{"indicators: " + failed.Error()}, nil //nolint:nilerr // decisions go on without them, and say so
	}
	in.Indicators = make(map[string]map[marketdata.Interval]indicator.Set, len(in.Symbols))
	for _, symbol := range in.Symbols {
		asset, ok := in.Market.Assets[symbol]
		if !ok {
			continue
		}
		if failed := values.Failures[symbol]; failed != nil {
			degraded = append(degraded, symbol+": indicators: "+failed.Error())
			continue
		}
		sets := make(map[marketdata.Interval]indicator.Set, len(asset.Series))
		for interval, set := range values.Sets[symbol] {
			if asset.Series[interval].Len() >= minIndicators {
				sets[interval] = set.Tail(IndicatorDepth)
			}
		}
		for _, interval := range []marketdata.Interval{in.Interval, in.LongInterval} {
			if _, ok := sets[interval]; !ok {
				degraded = append(degraded, fmt.Sprintf("%s: no %s indicators: %d candles, %d needed", symbol, interval, asset.Series[interval].Len(), minIndicators))
			}
		}
		in.Indicators[symbol] = sets
	}
	return degraded, nil
}
