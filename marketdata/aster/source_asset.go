package aster

import (
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

// snapshot puts together what was gathered.
func (g *gathering) snapshot() marketdata.Snapshot {
	offset := g.source.client.clock.currentOffset()
	began, done := g.begun.Add(offset).UTC(), g.source.client.cfg.Now().Add(offset).UTC()
	snap := marketdata.Snapshot{At: done, Assets: make(map[string]marketdata.Asset, len(g.query.Symbols)), Notes: g.notes()}
	for _, symbol := range g.query.Symbols {
		asset, err := g.asset(symbol, span{until: began, sent: began, received: done, surely: earlier(began, g.begun)})
		if err == nil {
			snap.Assets[symbol] = asset
			continue
		}
		if snap.Failures == nil {
			snap.Failures = map[string]marketdata.Failure{}
		}
		snap.Failures[symbol] = marketdata.Failure{Symbol: symbol, Reason: reasonOf(err), Detail: err.Error(), Err: err}
	}
	return snap
}

func (g *gathering) notes() (notes []string) {
	if name := g.source.client.cfg.Network.Name; name != Mainnet().Name {
		notes = append(notes, fmt.Sprintf("network %.40s: not the market where money is real", name))
	}
	if g.info.known && g.info.err != nil {
		notes = append(notes, fmt.Sprintf("exchange information is outdated and could not be refreshed (%s)", because(g.info.err)))
	}
	return notes
}

// reasonOf says in the words of marketdata why there is no data.
func reasonOf(err error) marketdata.Reason {
	var candle *marketdata.CandleError
	switch {
	case errors.As(err, &candle):
		return candle.Reason
	case errors.Is(err, marketdata.ErrUnknownSymbol):
		return marketdata.ReasonUnknownSymbol
	}
	return marketdata.ReasonUnavailable
}

// because is a cause in a word that holds nothing of what the venue wrote.
func because(err error) string {
	var failure *Error
	if errors.As(err, &failure) {
		return string(failure.Kind)
	}
	return "not listed"
}

func (g *gathering) asset(symbol string, asked span) (marketdata.Asset, error) {
	switch {
	case !g.info.known:
		return marketdata.Asset{}, g.info.err
	case g.refused[symbol] != nil:
		return marketdata.Asset{}, g.refused[symbol]
	case g.clockErr != nil:
		return marketdata.Asset{}, fmt.Errorf("aster: the venue's time is not known: %w", g.clockErr)
	}
	of := g.symbols[symbol]
	asset := marketdata.Asset{Symbol: symbol, Series: make(map[marketdata.Interval]marketdata.Series, len(g.query.Intervals))}
	for n, interval := range g.query.Intervals {
		if err := of.series[n].err; err != nil {
			return marketdata.Asset{}, fmt.Errorf("%s candles: %w", interval, err)
		}
		series, err := of.series[n].value.closed(interval, asked)
		if err != nil {
			return marketdata.Asset{}, fmt.Errorf("aster: %s candles: %w", interval, err)
		}
		asset.Series[interval] = series.Tail(g.query.CandleCount())
	}
	if err := g.quote(&asset, of); err != nil {
		return marketdata.Asset{}, err
	}
	g.instrument(&asset, of)
	return asset, nil
}

// rowOf is a symbol's row, from its own answer or from that for all.
func rowOf[T any, P row[T]](few bool, own fetched[T], all *fetched[table[T, P]], symbol string) (T, error) {
	if few {
		return own.value, own.err
	}
	if all.err != nil {
		return own.value, all.err
	}
	return all.value.of(symbol)
}

// quote fills in prices. One of ticker and mark price is enough.
func (g *gathering) quote(asset *marketdata.Asset, of *gathered) error {
	ticker, tickerErr := rowOf(g.few(), of.ticker, &g.tickers, asset.Symbol)
	premium, premiumErr := rowOf(g.few(), of.premium, &g.premiums, asset.Symbol)
	if tickerErr != nil && premiumErr != nil {
		return fmt.Errorf("aster: no price: %w", errors.Join(tickerErr, premiumErr))
	}
	q := &asset.Quote
	if premiumErr == nil {
		p := premium.premium()
		q.Mark, q.FundingRate = decimal.NewNullDecimal(p.Mark), decimal.NewNullDecimal(p.FundingRate)
		q.Last, q.LastAt = p.Mark, p.At
	} else {
		degrade(asset, "mark price and funding rate are unknown", premiumErr)
	}
	if tickerErr == nil {
		t := ticker.ticker()
		q.Last, q.LastAt = t.Last, t.At
		q.Change24hPercent, q.QuoteVolume24h = decimal.NewNullDecimal(t.ChangePercent), decimal.NewNullDecimal(t.QuoteVolume)
	} else {
		degrade(asset, "the last price is the mark price, and the last 24 h are unknown", tickerErr)
	}
	g.extras(asset, of)
	return nil
}

// extras fills in what a decision can do without.
func (g *gathering) extras(asset *marketdata.Asset, of *gathered) {
	funding, listed := g.funding.value[asset.Symbol]
	asset.Quote.FundingInterval = funding.Interval
	if !listed {
		degrade(asset, "the funding interval is unknown", g.funding.err)
	}
	switch {
	case g.source.cfg.SkipOpenInterest:
	case of.interest.err != nil:
		degrade(asset, "open interest is unknown", of.interest.err)
	default:
		asset.Quote.OpenInterest = of.interest.value.OpenInterest.orNull()
	}
}

// instrument fills in how the asset trades.
func (g *gathering) instrument(asset *marketdata.Asset, of *gathered) {
	in := of.listing.Instrument()
	if in.QuoteAsset != usdt {
		degrade(asset, "prices are in the quote asset, which is not USDT; the smallest notional is unknown", nil)
	}
	if g.source.client.cfg.Signer != nil {
		in.Brackets = g.brackets.value[asset.Symbol]
		if len(in.Brackets) == 0 {
			degrade(asset, "leverage brackets are unknown", g.brackets.err)
		}
	}
	asset.Instrument = &in
}

// degrade says what is less than asked for, and why.
func degrade(asset *marketdata.Asset, what string, cause error) {
	if cause != nil {
		what += " (" + because(cause) + ")"
	}
	asset.Degraded = append(asset.Degraded, what)
}
