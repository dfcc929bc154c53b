package decision

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

// driftPercent is from how much on a price that moved while a proposal was made
// is reported.
func driftPercent() decimal.Decimal { return decimal.New(5, -1) }

// drift warns about prices that moved between the question and the gate. A
// stop or target that was crossed meanwhile is refused by PriceLogic.
func (r *Recheck) drift(in Input) (out []Violation) {
	if r == nil {
		return nil
	}
	limit := driftPercent()
	for _, symbol := range in.Symbols {
		now, ok := r.Quotes[symbol]
		before := in.Market.Assets[symbol].Quote
		if !ok || !before.Last.IsPositive() {
			continue
		}
		change := now.Last.Sub(before.Last).Mul(hundred)
		if change.Abs().GreaterThan(limit.Mul(before.Last)) {
			moved := change.DivRound(before.Last, 4)
			out = append(out, Violation{
				Rule: "price_drift", Asset: symbol, Severity: SeverityWarning, Limit: limit.String(), Value: moved.String(),
				Message: fmt.Sprintf("price of %s moved by %s %% while the proposal was made, from %s to %s", symbol, moved, before.Last, now.Last),
			})
		}
	}
	return out
}

// haltPatience bounds the wait for the kill switches. It is a part of what is
// left, so that hanging ones do not cost a decision its reductions.
const haltPatience = time.Second

// halted asks for the kill switches. What cannot be asked counts as on, and so
// does a halt that no record could hold.
func (e *Engine) halted(ctx context.Context, accountID string) (halted bool, halt *Halt, note string) {
	if e.cfg.Halts == nil {
		return false, nil, ""
	}
	ctx, cancel := context.WithTimeout(ctx, min(e.left(ctx)/4, haltPatience))
	defer cancel()
	found, err := await(ctx, e, &e.halts, func(ctx context.Context) (*Halt, error) { return e.cfg.Halts.Halted(ctx, accountID) })
	if err == nil && found == nil {
		return false, nil, ""
	}
	if err == nil {
		copied := *found // the host's may change
		copied.At = copied.At.UTC()
		if err = copied.Validate(); err == nil {
			return true, &copied, ""
		}
	}
	return true, nil, fmt.Sprintf("kill switches unknown, so nothing may add risk: %.300s", strings.ToValidUTF8(err.Error(), "?"))
}

// recheck reads the quotes again. When that fails the old ones stand, and the
// gate refuses risk on those that have become too old.
func (e *Engine) recheck(ctx context.Context, in Input) (out *Recheck, degraded string) {
	ctx, cancel := context.WithTimeout(ctx, e.left(ctx)/2) // the other half is for the store
	defer cancel()
	out = &Recheck{Quotes: make(map[string]marketdata.Quote, len(in.Market.Assets))}
	snap, err := await(ctx, e, &e.market, func(ctx context.Context) (marketdata.Snapshot, error) {
		return e.cfg.Market.Snapshot(ctx, marketdata.Query{Symbols: slices.Sorted(maps.Keys(in.Market.Assets)), MaxAge: e.cfg.RecheckAfter})
	})
	out.At = e.cfg.Now().UTC()
	if err != nil {
		degraded = fmt.Sprintf("prices could not be read again: %.300s", strings.ToValidUTF8(err.Error(), "?"))
	}
	for symbol, old := range in.Market.Assets {
		asset, ok := snap.Assets[symbol]
		if err != nil || !ok {
			asset = marketdata.Asset{Symbol: symbol, Quote: old.Quote}
		}
		if f := e.usable(symbol, asset, nil, out.At); f != nil {
			if out.Failures == nil {
				out.Failures = make(map[string]marketdata.Failure)
			}
			out.Failures[symbol] = *f
			continue
		}
		out.Quotes[symbol] = asset.Quote
	}
	return out, degraded
}

// apply is the input as the market stood at the recheck.
func (r *Recheck) apply(in Input) Input {
	in.At = r.At
	if r.Halted {
		in.Halted, in.Halt = true, r.Halt
	}
	in.Market = in.Market.Clone()
	for symbol, asset := range in.Market.Assets {
		q, ok := r.Quotes[symbol]
		if !ok {
			delete(in.Market.Assets, symbol)
			if in.Market.Failures == nil {
				in.Market.Failures = make(map[string]marketdata.Failure)
			}
			in.Market.Failures[symbol] = r.Failures[symbol]
			continue
		}
		asset.Quote = q
		in.Market.Assets[symbol] = asset
	}
	return in
}
