package marketdata

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
)

// SimConfig describes a simulated market.
type SimConfig struct {
	Seed    uint64           // markets of different seeds differ; default 0
	Symbols []SimAsset       // default SimAssets()
	Now     func() time.Time // the time as of which it answers; default time.Now
}

// SimAsset is one simulated perpetual future.
type SimAsset struct {
	Symbol                 string
	Price                  decimal.Decimal // level that it fluctuates around, quote units
	TickSize               decimal.Decimal // Price is 1,000 to 10,000,000 of it
	LotSize                decimal.Decimal // base units
	MinNotionalUSD         decimal.Decimal // ≥ 0
	DailyVolume            decimal.Decimal // on a quiet day, base units, at least 1,000 lots
	DailyVolatilityPercent decimal.Decimal // of an average day, 0.5 to 10; default 3
	// Regime pins the asset to one behaviour from RegimeFrom on; default the
	// cycle. A range or gap may begin with time, the others need RegimeFrom,
	// which counts by UTC days except for a dead feed.
	Regime     Regime
	RegimeFrom time.Time
}

// Sim is a Source that computes a market: the same seed, symbol and time give
// the same candles on every machine, whatever was asked before. It knows 2020
// to 2040, and its snapshots say "simulated market". The price moves between
// candle closes, candles are closed ones only, and every interval is the exact
// aggregate of the shorter ones. QuoteVolume is consistent across intervals
// but only close to price × volume within one candle. Safe for concurrent use.
type Sim struct {
	now    func() time.Time
	assets map[string]*simAsset
}

var _ Source = (*Sim)(nil)

// simAsset is a market in the units of its exchange.
type simAsset struct {
	symbol     string
	market     simMarket
	instrument *Instrument
	gap        bool      // a candle is missing from RegimeFrom on
	from       time.Time // RegimeFrom
	stop       time.Time // of the feed; zero: never
}

// NewSim checks the assets and computes their daily paths, a fraction of a
// millisecond each.
func NewSim(cfg SimConfig) (*Sim, error) {
	if cfg.Symbols == nil {
		cfg.Symbols = SimAssets()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Sim{now: cfg.Now, assets: make(map[string]*simAsset, len(cfg.Symbols))}
	var problems []error
	if n := len(cfg.Symbols); n == 0 || n > MaxQuerySymbols {
		problems = append(problems, fmt.Errorf("marketdata: sim: Symbols must number 1 to %d, were %d", MaxQuerySymbols, n))
	}
	for _, a := range cfg.Symbols {
		if err := a.validate(); err != nil {
			problems = append(problems, err)
			continue
		}
		if s.assets[a.Symbol] != nil {
			problems = append(problems, fmt.Errorf("marketdata: sim: %s is configured twice", a.Symbol))
		}
		s.assets[a.Symbol] = a.build(cfg.Seed)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return s, nil
}

// Snapshot answers as of Now. A time outside 2020 to 2040 is unavailable.
func (s *Sim) Snapshot(ctx context.Context, q Query) (Snapshot, error) {
	if err := q.Validate(); err != nil {
		return Snapshot{}, err
	}
	now := s.now().UTC()
	snap := Snapshot{At: now, Assets: make(map[string]Asset, len(q.Symbols)), Notes: []string{"simulated market"}}
	for _, symbol := range q.Symbols {
		if err := ctx.Err(); err != nil {
			return Snapshot{}, fmt.Errorf("marketdata: sim: %w", err)
		}
		asset, failure := s.asset(symbol, q, now)
		if failure == nil {
			snap.Assets[symbol] = asset
			continue
		}
		if snap.Failures == nil {
			snap.Failures = map[string]Failure{}
		}
		snap.Failures[symbol] = *failure
	}
	return snap, nil
}

func (s *Sim) asset(symbol string, q Query, now time.Time) (Asset, *Failure) {
	a := s.assets[symbol]
	if a == nil {
		return Asset{}, &Failure{Symbol: symbol, Reason: ReasonUnknownSymbol, Detail: "not simulated", Err: ErrUnknownSymbol}
	}
	if !a.stop.IsZero() && now.After(a.stop) {
		now = a.stop
	}
	if now.Before(simBegin()) || !now.Before(simEnd()) {
		return Asset{}, &Failure{Symbol: symbol, Reason: ReasonUnavailable, Detail: fmt.Sprintf(
			"simulated from %s to %s, asked as of %s", simBegin().Format(time.DateOnly), simEnd().Format(time.DateOnly), now.Format(time.RFC3339))}
	}
	if a.gap && !now.Before(a.from) {
		missing := Interval1h.LastClose(now).Add(-2 * time.Hour)
		return Asset{}, &Failure{Symbol: symbol, Reason: ReasonGap, Detail: "simulated gap: the 1h candle that opens at " + missing.Format(time.RFC3339) + " is missing"}
	}
	asset := Asset{Symbol: symbol, Instrument: a.instrument, Series: make(map[Interval]Series, len(q.Intervals))}
	for _, i := range q.Intervals {
		series, err := a.series(i, q.CandleCount(), now)
		if err != nil {
			return Asset{}, &Failure{Symbol: symbol, Reason: ReasonBadCandle, Detail: err.Error(), Err: err}
		}
		asset.Series[i] = series
	}
	asset.Quote = a.quote(now)
	return asset, nil
}

// series is the newest n candles that were closed at now.
func (a *simAsset) series(i Interval, n int, now time.Time) (Series, error) {
	to := i.LastClose(now)
	from := to.Add(-time.Duration(n) * i.Duration())
	if first := i.Floor(simBegin().Add(i.Duration() - 1)); from.Before(first) {
		from = first
	}
	if !from.Before(to) {
		return NewSeries(i, nil)
	}
	bars := a.market.candles(i, from, to)
	candles := make([]Candle, len(bars))
	for k, b := range bars {
		candles[k] = Candle{
			OpenTime: from.Add(time.Duration(k) * i.Duration()),
			Open:     a.price(b.open), High: a.price(b.high), Low: a.price(b.low), Close: a.price(b.close),
			Volume: a.quantity(b.volume), QuoteVolume: a.value(b.quote),
		}
	}
	return NewSeries(i, candles)
}

// quote is the market at now. Changes and volumes that would need the time
// before the simulation are null.
func (a *simAsset) quote(now time.Time) Quote {
	const day = 24 * time.Hour
	last := a.market.price(now)
	dice := a.market.dice(13, now.Unix()/60)
	funding := a.market.dice(12, now.Unix()/(8*3600))
	interest := a.market.dice(11, now.Unix()/3600)
	q := Quote{
		Last: a.price(last), LastAt: now,
		Mark:            decimal.NewNullDecimal(a.price(max(last+last*(dice.below(5)-2)/10_000, 1))),
		FundingRate:     decimal.NewNullDecimal(decimal.New(100+funding.bell()/10, -6)),
		FundingInterval: 8 * time.Hour,
		OpenInterest:    decimal.NewNullDecimal(a.quantity(a.market.lots / 2 * (1000 + interest.below(20)) / 1000)),
	}
	if now.Sub(simBegin()) < day+time.Hour {
		return q
	}
	q.Change24hPercent = decimal.NewNullDecimal(percentChange(a.price(a.market.price(now.Add(-day))), q.Last))
	closed := Interval1h.LastClose(now)
	var traded int64
	for _, c := range a.market.candles(Interval1h, closed.Add(-day), closed) {
		traded += c.quote
	}
	q.QuoteVolume24h = decimal.NewNullDecimal(a.value(traded))
	return q
}

func (a *simAsset) price(ticks int64) decimal.Decimal {
	return decimal.NewFromInt(ticks).Mul(a.instrument.TickSize.Decimal)
}

func (a *simAsset) quantity(lots int64) decimal.Decimal {
	return decimal.NewFromInt(lots).Mul(a.instrument.LotSize.Decimal)
}

func (a *simAsset) value(tickLots int64) decimal.Decimal {
	return a.price(tickLots).Mul(a.instrument.LotSize.Decimal)
}
