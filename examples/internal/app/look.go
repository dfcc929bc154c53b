package app

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// View is what there is to see of one asset.
type View struct {
	Asset      marketdata.Asset // with at most marketdata.DefaultCandles of each interval
	At         time.Time        // by the clock that it is judged by, UTC
	Intervals  []marketdata.Interval
	Indicators map[marketdata.Interval]indicator.Set
	Unusable   *marketdata.Failure // why it would not be decided on; nil: it would
	// NextFundingAt is UTC; zero: not known.
	NextFundingAt time.Time
	Usage         *aster.Usage // nil: no exchange
	Notes         []string     // what holds for the whole market
}

// Look asks for one asset. The error wraps a *DataError when there is nothing
// to see.
func (f *Feed) Look(ctx context.Context, symbol string, intervals ...marketdata.Interval) (View, error) {
	if f.venue == nil {
		return f.look(ctx, symbol, intervals)
	}
	ctx, cancel, late := f.venue.within(ctx)
	defer cancel()
	view, err := f.look(ctx, symbol, intervals)
	return view, late(err)
}

func (f *Feed) look(ctx context.Context, symbol string, intervals []marketdata.Interval) (View, error) {
	snap, err := f.source.Snapshot(ctx, marketdata.Query{Symbols: []string{symbol}, Intervals: intervals})
	if err != nil {
		return View{}, err
	}
	if failure, failed := snap.Failures[symbol]; failed {
		return View{}, &DataError{Failures: []marketdata.Failure{failure}}
	}
	values, err := newIndicators().Indicate(ctx, snap)
	if err != nil {
		return View{}, err
	}
	view := View{
		Asset: snap.Assets[symbol], Intervals: intervals, Indicators: values.Sets[symbol], Notes: snap.Notes,
	}
	if failure, failed := values.Failures[symbol]; failed {
		view.Asset.Degraded = append(view.Asset.Degraded, "indicators: "+failure.Error())
	}
	if f.venue != nil {
		if premium, err := f.venue.client.Premium(ctx, symbol); err == nil {
			view.NextFundingAt = premium.NextFundingAt
		} else {
			view.Asset.Degraded = append(view.Asset.Degraded, "the time of the next funding is unknown")
		}
		usage := f.venue.client.Usage()
		view.Usage = &usage
	}
	view.At = f.clock().UTC()
	view.Unusable = marketdata.Freshness{}.Check(view.Asset, intervals, view.At)
	return view, nil
}

// Listing is a symbol that trades. Null is unknown.
type Listing struct {
	marketdata.Instrument

	MaxLeverage decimal.NullDecimal
}

// Listings are the symbols that trade at the exchange, sorted, and notes on
// what is not known of them.
func (f *Feed) Listings(ctx context.Context) ([]Listing, []string, error) {
	if f.venue == nil {
		return nil, nil, fmt.Errorf("%w: only an exchange lists symbols", ErrMarket)
	}
	ctx, cancel, late := f.venue.within(ctx)
	defer cancel()
	out, notes, err := f.venue.listings(ctx)
	return out, notes, late(err)
}

func (v *venue) listings(ctx context.Context) ([]Listing, []string, error) {
	info, err := v.source.ExchangeInfo(ctx)
	if err != nil {
		return nil, nil, v.explained(err)
	}
	var brackets map[string][]marketdata.Bracket
	notes := []string{"max leverage is known with keys alone"}
	if v.cfg.Signs() {
		notes = nil
		if brackets, err = v.client.Brackets(ctx, ""); err != nil {
			notes = []string{"max leverage is unknown: " + v.explained(err).Error()}
		}
	}
	if v.cfg.Network.Name != aster.Mainnet().Name {
		notes = append(notes, "network "+v.cfg.Network.Name)
	}
	var out []Listing
	for _, name := range info.Names() {
		symbol, err := info.Symbol(name)
		if err != nil || !symbol.Tradable() {
			continue
		}
		out = append(out, Listing{Instrument: symbol.Instrument(), MaxLeverage: MaxLeverage(brackets[name])})
	}
	return out, notes, nil
}

// MaxLeverage is the highest of a table; null without one.
func MaxLeverage(brackets []marketdata.Bracket) decimal.NullDecimal {
	var highest decimal.NullDecimal
	for _, b := range brackets {
		highest = decimal.NewNullDecimal(decimal.Max(highest.Decimal, b.MaxLeverage))
	}
	return highest
}

// NextFunding is the time until the next funding; false when it is not known.
func (v View) NextFunding() (in time.Duration, known bool) {
	in = v.NextFundingAt.Sub(v.At)
	return in, in >= 0 && !v.NextFundingAt.IsZero()
}
