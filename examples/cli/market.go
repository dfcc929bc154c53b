package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/examples/internal/render"
)

type marketCommand struct {
	Show    showMarket  `cmd:"" default:"withargs" help:"Show one asset: prices, funding, open interest, candles, indicators, and how fresh they are."`
	Symbols listSymbols `cmd:"" help:"List the symbols that can be traded at AsterDEX."`
}

type showMarket struct {
	Symbol       string       `arg:"" help:"Asset such as BTCUSDT or BTC."`
	Market       marketChoice `placeholder:"aster|demo|csv|replay:FILE" help:"Where candles come from. Default aster."`
	Data         string       `placeholder:"DIR" help:"Folder of SYMBOL.csv files with hourly candles, for --market csv."`
	At           *instant     `placeholder:"TIME" help:"As of this time, for any market but aster. Default now."`
	Interval     *string      `placeholder:"1h" help:"Default INTERVAL, else 1h."`
	LongInterval *string      `placeholder:"4h" help:"Default LONG_INTERVAL, else 4h."`
	Candles      int          `default:"5" help:"How many of the newest candles to show, 1 to 250."`
	RecordMarket string       `placeholder:"FILE" help:"Record what the market answers to a new file."`
	JSON         bool         `name:"json" help:"Print JSON."`
}

const maxShownCandles = 250

// Run shows the asset.
func (c *showMarket) Run(ctx context.Context, s *session) error {
	f := marketFlags{
		Market: c.Market.or(app.MarketAster), Data: c.Data, At: c.At, Interval: c.Interval, RecordMarket: c.RecordMarket,
	}
	more := map[string]config.Override{}
	if c.LongInterval != nil {
		more["LONG_INTERVAL"] = config.Override{Flag: "--long-interval", Value: *c.LongInterval}
	}
	cfg, err := s.configure(f, more)
	if err != nil {
		return err
	}
	symbol, err := config.ParseSymbol(c.Symbol)
	switch {
	case err != nil:
		return usageError{fmt.Errorf("SYMBOL %w", err)}
	case c.Candles < 1 || c.Candles > maxShownCandles:
		return usageError{fmt.Errorf("--candles must be between 1 and %d, was %d", maxShownCandles, c.Candles)}
	}
	return s.withFeed(f, s.options(f, cfg), func(feed *app.Feed) error { //nolint:contextcheck // opening a market sends nothing; its log has no context
		view, err := feed.Look(ctx, symbol, cfg.Interval, cfg.LongInterval)
		if err != nil {
			return err
		}
		market := api.NewMarket(view, c.Candles)
		if c.JSON {
			return api.Write(&s.out, market)
		}
		return render.Market(&s.out, market, s.style)
	})
}

type listSymbols struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run lists the symbols.
func (c *listSymbols) Run(ctx context.Context, s *session) error {
	cfg, err := s.readConfig(nil)
	if err != nil {
		return err
	}
	f := marketFlags{Market: marketChoice{kind: app.MarketAster}}
	return s.withFeed(f, s.options(f, cfg), func(feed *app.Feed) error { //nolint:contextcheck // as above
		found, notes, err := feed.Listings(ctx)
		if err != nil {
			return err
		}
		all := api.NewListings(found, notes)
		if c.JSON {
			return api.Write(&s.out, all)
		}
		return render.Listings(&s.out, all, s.style)
	})
}

// withFeed opens a market for one call.
func (s *session) withFeed(f marketFlags, o app.Options, use func(*app.Feed) error) error {
	return f.withFiles(o, func(o app.Options) error {
		feed, err := app.OpenFeed(o)
		if err != nil {
			return notOpenedMarket(err)
		}
		defer feed.Close()
		err = use(feed)
		if failed := feed.RecordingErr(); failed != nil && isDecided(err) {
			err = errors.Join(&recordError{"--record-market", failed}, err)
		}
		return err
	})
}
