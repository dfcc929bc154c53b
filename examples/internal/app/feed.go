package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/marketdata/marketreplay"
)

// Feed is an open market, to be looked at or decided on:
//
//	demanding → (venue) → (Recorder) → source
//
// It is safe for concurrent use; Close it when done.
type Feed struct {
	source   marketdata.Source // answers a person: failures say what to do
	demands  decision.MarketSource
	clock    func() time.Time // by which the market is judged
	venue    *venue           // nil: no exchange
	recorder *marketreplay.Recorder
}

// ErrPast says that an exchange knows the present alone.
var ErrPast = errors.New("AsterDEX cannot be asked as of a past time: record it, and replay the recording")

// OpenFeed opens the market of the options. It sends nothing yet.
func OpenFeed(o Options) (*Feed, error) {
	o = o.withDefaults()
	f := &Feed{clock: o.Now}
	// As of a past time the clock stands still, or candles that closed after
	// it would come in while the model thinks.
	if !o.AsOf.IsZero() {
		f.clock = func() time.Time { return o.AsOf }
	}
	demands := demanding{}
	var err error
	switch o.Market {
	case MarketDemo, "":
		demands.known = simulated()
		f.source, err = marketdata.NewSim(marketdata.SimConfig{Now: f.clock})
	case MarketCSV:
		demands.every = true
		f.source, err = marketdata.NewCSV(marketdata.CSVConfig{Dir: o.CandleDir, Now: f.clock})
	case MarketAster:
		demands.exchange = true
		err = f.openAster(o)
	case MarketReplay:
		demands.exchange = true
		err = f.openReplay(o)
	default:
		err = fmt.Errorf("%w %.40q", ErrMarket, string(o.Market))
	}
	if err == nil && o.RecordMarket != nil {
		f.recorder, err = marketreplay.Record(f.source, o.RecordMarket)
		f.source = f.recorder
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	if f.venue != nil {
		f.source = explaining{source: f.source, venue: f.venue}
	}
	demands.source = f.source
	f.demands = demands
	return f, nil
}

func (f *Feed) openAster(o Options) (err error) {
	if !o.AsOf.IsZero() {
		return ErrPast
	}
	if f.venue, err = newVenue(o); err == nil {
		f.source = f.venue.source
	}
	return err
}

// openReplay takes the clock of the recording, unless there is a time to answer
// as of.
func (f *Feed) openReplay(o Options) error {
	if o.ReplayMarket == nil {
		return errors.New("app: a recording of the market is needed")
	}
	cfg := marketreplay.Config{}
	if !o.AsOf.IsZero() {
		cfg.Now = f.clock
	}
	replay, err := marketreplay.Open(o.ReplayMarket, cfg)
	if err != nil {
		return err
	}
	if o.AsOf.IsZero() {
		f.clock = replay.Now
	}
	f.source = replay
	return nil
}

// RecordingErr is why Options.RecordMarket is not whole; nil also without it.
func (f *Feed) RecordingErr() error {
	if f.recorder == nil {
		return nil
	}
	return f.recorder.Err()
}

// Close closes connections. It waits for nothing: a Snapshot ends with its
// context.
func (f *Feed) Close() {
	if f.venue != nil {
		f.venue.client.Close()
	}
}

// HasAccount reports whether the account can be read from the market: an
// exchange, with keys.
func (f *Feed) HasAccount() bool { return f.venue != nil && f.venue.cfg.Signs() }

// Usage is how much of the exchange's patience was used; false without one.
func (f *Feed) Usage() (aster.Usage, bool) {
	if f.venue == nil {
		return aster.Usage{}, false
	}
	return f.venue.client.Usage(), true
}

// HasAccount reports whether Account can be asked.
func (a *App) HasAccount() bool { return a.feed.HasAccount() }

// Account is the state of the account at the exchange, as far as a decision
// about the symbols needs it, with notes on what it does not count. The error
// wraps a *DataError for a symbol that does not exist.
func (a *App) Account(ctx context.Context, id string, symbols []string) (decision.Account, []string, error) {
	return a.feed.venue.account(ctx, id, symbols)
}
