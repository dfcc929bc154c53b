package aster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ballast-go/ballast/marketdata"
)

// Snapshot implements marketdata.Source.
func (l *Live) Snapshot(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
	if err := q.Validate(); err != nil {
		return marketdata.Snapshot{}, err
	}
	if err := ctx.Err(); err != nil {
		return marketdata.Snapshot{}, fmt.Errorf("aster: snapshot: %w", err)
	}
	snap, late := l.remember(q)
	if len(late) == 0 {
		return snap, nil
	}
	q.Symbols = late
	asked, err := l.source.Snapshot(ctx, q)
	if err != nil {
		return marketdata.Snapshot{}, err
	}
	return join(snap, asked), nil
}

// join adds what was asked for to what was remembered.
func join(snap, asked marketdata.Snapshot) marketdata.Snapshot {
	if len(snap.Assets)+len(snap.Failures) == 0 {
		return asked
	}
	maps.Copy(asked.Assets, snap.Assets)
	if asked.Failures == nil {
		asked.Failures = snap.Failures
	} else {
		maps.Copy(asked.Failures, snap.Failures)
	}
	for _, note := range snap.Notes {
		if !slices.Contains(asked.Notes, note) {
			asked.Notes = append(asked.Notes, note)
		}
	}
	return asked
}

// remember answers from memory, and tells which symbols it cannot.
func (l *Live) remember(q marketdata.Query) (marketdata.Snapshot, []string) {
	s := l.source
	now := s.client.venueNow().UTC()
	snap := marketdata.Snapshot{At: now, Assets: make(map[string]marketdata.Asset, len(q.Symbols))}
	var late []string
	g, known := l.gathering(q)
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, symbol := range q.Symbols {
		b := l.books[symbol]
		if !known || b == nil {
			late = append(late, symbol)
			continue
		}
		asset, found, err := l.asset(b, g, q, now)
		switch {
		case !found:
			late = append(late, symbol)
		case err == nil:
			snap.Assets[symbol] = asset
		default:
			if snap.Failures == nil {
				snap.Failures = map[string]marketdata.Failure{}
			}
			snap.Failures[symbol] = marketdata.Failure{Symbol: symbol, Reason: reasonOf(err), Detail: err.Error(), Err: err}
		}
	}
	if known {
		snap.Notes = g.notes()
	}
	l.fromRequest.Add(uint64(len(late)))
	l.fromMemory.Add(uint64(len(q.Symbols) - len(late)))
	return snap, late
}

// gathering is what the source remembers, in the shape in which it makes
// assets of it; false when something was never asked for.
func (l *Live) gathering(q marketdata.Query) (*gathering, bool) {
	s := l.source
	g := &gathering{source: s, query: q}
	g.query.Symbols = q.Symbols[:1] // rows are those of the symbol, not of all
	g.info, _ = s.info.recall()
	g.funding, _ = s.funding.recall()
	ready := g.info.known && (g.funding.known || g.funding.err != nil)
	if s.client.cfg.Signer != nil {
		g.brackets, _ = s.brackets.recall()
		ready = ready && (g.brackets.known || g.brackets.err != nil)
	}
	_, unmeasured := s.client.clock.need()
	return g, ready && !unmeasured
}

// asset is one symbol from memory; false: ask the venue. It is called with mu
// held.
func (l *Live) asset(b *book, g *gathering, q marketdata.Query, now time.Time) (_ marketdata.Asset, found bool, _ error) {
	listing, err := g.info.value.Symbol(b.symbol)
	if err != nil || !listing.Tradable() || !b.priced(now, l.cfg.StaleAfter) {
		return marketdata.Asset{}, false, nil //nolint:nilerr // the source says it when it is asked
	}
	asset := marketdata.Asset{Symbol: b.symbol, Series: make(map[marketdata.Interval]marketdata.Series, len(q.Intervals))}
	for _, interval := range q.Intervals {
		r := b.series[interval]
		if r == nil {
			return asset, false, nil
		}
		series, found, err := r.read(q.CandleCount(), now)
		if !found || err != nil {
			return asset, found, err
		}
		asset.Series[interval] = series
	}
	of := &gathered{listing: listing, ticker: fetched[tickerRow]{value: b.ticker}, premium: fetched[premiumRow]{value: b.premium}, interest: b.interest}
	if err := g.quote(&asset, of); err != nil {
		return asset, true, err
	}
	g.instrument(&asset, of)
	return asset, true, nil
}
