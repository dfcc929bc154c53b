package aster

import (
	"context"
	"fmt"
	"time"
)

// run asks for everything and waits for it. What concerns all symbols is on
// its way while exchange information tells which symbols to ask for.
func (g *gathering) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer g.tasks.Wait()
	g.askForAll(ctx)
	g.info = g.source.loadInfo(ctx)
	if !g.info.known {
		cancel() // nothing can be said without it
		return
	}
	for _, symbol := range g.query.Symbols {
		listing, err := g.info.value.Symbol(symbol)
		if err == nil && !listing.Tradable() {
			err = fmt.Errorf("aster: %.40s does not trade: status %.40s, contract %.40s", symbol, listing.Status, listing.ContractType)
		}
		if err != nil {
			g.refused[symbol] = err
			continue
		}
		of := &gathered{listing: listing, series: make([]fetched[klines], len(g.query.Intervals))}
		g.symbols[symbol] = of
		g.askFor(ctx, symbol, of)
	}
}

// askForAll begins what is asked for once, whatever the symbols.
func (g *gathering) askForAll(ctx context.Context) {
	s := g.source
	g.tasks.Go(func() { g.clockErr = s.client.measureIfDue(ctx) })
	g.tasks.Go(func() { g.funding = s.loadFunding(ctx) })
	if s.client.cfg.Signer != nil {
		g.tasks.Go(func() { g.brackets = s.loadBrackets(ctx) })
	}
	if g.few() {
		return
	}
	want := make(map[string]bool, len(g.query.Symbols))
	for _, symbol := range g.query.Symbols {
		want[symbol] = true
	}
	g.tickers.value.want, g.premiums.value.want = want, want
	g.tasks.Go(func() { g.tickers.err = s.do(ctx, symbolCall("/ticker/24hr", "", allTickersWeight), &g.tickers.value) })
	g.tasks.Go(func() {
		g.premiums.err = s.do(ctx, symbolCall("/premiumIndex", "", allPremiumsWeight), &g.premiums.value)
	})
}

// askFor begins what is asked for one symbol.
func (g *gathering) askFor(ctx context.Context, symbol string, of *gathered) {
	s := g.source
	for n, interval := range g.query.Intervals {
		cl := klinesCall(symbol, interval, oneMore(g.query.CandleCount()), time.Time{})
		into := &of.series[n]
		g.tasks.Go(func() { into.err = s.do(ctx, cl, &into.value) })
	}
	if !s.cfg.SkipOpenInterest {
		g.tasks.Go(func() { of.interest = fetchOne[interestRow](ctx, s, "/openInterest", symbol) })
	}
	if g.few() {
		g.tasks.Go(func() { of.ticker = fetchOne[tickerRow](ctx, s, "/ticker/24hr", symbol) })
		g.tasks.Go(func() { of.premium = fetchOne[premiumRow](ctx, s, "/premiumIndex", symbol) })
	}
}

func fetchOne[T any, P row[T]](ctx context.Context, s *Source, path, symbol string) fetched[T] {
	value, err := askOne[T, P](ctx, s.client, s.do, symbolCall(path, symbol, 1), symbol)
	return fetched[T]{value, err}
}
