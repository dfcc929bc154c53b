// Package app wires an engine from settings: the part of the example programs
// that a host copies.
//
//	market ─┐
//	models ─┼→ decision.Engine → Storage
//	scorer ─┤
//	halts ──┘
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/fallback"
	"github.com/ballast-go/ballast/store/haltfile"
	"github.com/ballast-go/ballast/store/memory"
)

// Options are what an App is made from. Config is required.
type Options struct {
	Config    config.Config
	Market    Market    // default MarketDemo
	CandleDir string    // folder of SYMBOL.csv files, for MarketCSV
	AsOf      time.Time // decide as of this time; default: the present, for MarketReplay that of the recording
	AskModel  bool      // ask the models of Config; default: the fallback decides
	Replay    io.Reader // with AskModel: a recording that answers in the provider's place
	Record    io.Writer // with AskModel: where to record what the provider is asked; the caller closes it after the App
	// ReplayMarket is the recording for MarketReplay. It answers by time when
	// AsOf is set, else in order.
	ReplayMarket io.Reader
	RecordMarket io.Writer // where to record what the market answers; the caller closes it after the App
	// Storage is where records go and kill switches are; the caller closes it
	// after the App. Default: nothing is recorded, and the switches are those of
	// the file in DATA_DIR.
	Storage *Storage
	Logger  *slog.Logger     // nil discards
	Now     func() time.Time // default time.Now
}

// App decides. It is safe for concurrent use; Close it when done.
type App struct {
	engine  *decision.Engine
	feed    *Feed
	records *memory.Store
	models  *models // nil: none is asked
	now     func() time.Time
}

// New wires an App. With a model it reads the state of circuits, or the
// recording; it sends nothing yet.
func New(o Options) (*App, error) {
	o = o.withDefaults()
	feed, err := OpenFeed(o)
	if err != nil {
		return nil, err
	}
	a, err := newApp(o, feed)
	if err != nil {
		feed.Close()
		return nil, err
	}
	return a, nil
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func newApp(o Options, feed *Feed) (*App, error) {
	c := o.Config
	storage := o.Storage
	if storage == nil {
		file, err := haltfile.Open(HaltsPath(c.DataDir))
		if err != nil {
			return nil, err
		}
		storage = &Storage{records: nowhere(), switches: file}
	}
	indicators := newIndicators()
	a := &App{feed: feed, records: memory.New(), now: o.Now}
	cfg := decision.Config{
		Market:       feed.demands,
		Indicators:   indicators,
		Scorer:       scorer(c, indicators, o.Logger),
		Store:        storage.keeper(a.records),
		Halts:        storage.switches,
		Interval:     c.Interval,
		LongInterval: c.LongInterval,
		Logger:       o.Logger,
		Now:          feed.clock,
	}
	var err error
	if o.AskModel {
		if a.models, err = newModels(o); err != nil {
			return nil, err
		}
		cfg.LLM, cfg.Model, cfg.Judge = a.models.ask, c.Model, a.models.judge
		cfg.Temperature, cfg.MaxTokens = decimal.NewNullDecimal(c.Temperature), c.MaxTokens
		cfg.ModelTimeout, cfg.Timeout = c.ModelTimeout, c.ModelTimeout+timeBesideModel
	}
	a.engine, err = decision.New(cfg)
	return a, err
}

// NewScorer is the fallback with these settings.
func NewScorer(c config.Config) decision.Scorer {
	return scorer(c, newIndicators(), slog.New(slog.DiscardHandler))
}

func scorer(c config.Config, indicators decision.Indicators, logger *slog.Logger) decision.Scorer {
	return fallback.New(fallback.Config{
		Indicators: indicators, Logger: logger, MaxRiskScore: &c.MaxRiskScore, MinConfidence: decimal.NewNullDecimal(c.MinConfidence),
	})
}

// timeBesideModel is for reading the market, checking and recording.
const timeBesideModel = 15 * time.Second

// Outcome is a result with the record that it was stored as.
type Outcome struct {
	Result decision.Result
	Record decision.Record
	Took   time.Duration // by the real clock, which Result.Took is not with AsOf
	// Circuits are those of the models in the order in which they are asked,
	// after the decision; empty without a model.
	Circuits []Circuit
}

// Decide decides and reads the record back. The errors are those of
// decision.Engine; one that wraps a *DataError says which asset's data is at
// fault.
func (a *App) Decide(ctx context.Context, req decision.Request) (Outcome, error) {
	started := a.now()
	res, err := a.engine.Decide(withAdmissions(ctx), req)
	if a.models != nil {
		a.models.end(res, err)
	}
	if err != nil {
		return Outcome{}, err
	}
	rec, err := a.records.Record(ctx, res.ID)
	if err != nil {
		return Outcome{}, fmt.Errorf("app: reading the record back: %w", err)
	}
	out := Outcome{Result: res, Record: rec, Took: a.now().Sub(started)}
	if a.models != nil {
		out.Circuits = a.models.circuits()
	}
	return out, nil
}

// Assess scores the symbols without asking a model.
func (a *App) Assess(ctx context.Context, req decision.Request) ([]decision.Assessment, []string, error) {
	out, err := a.Decide(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	if out.Result.Origin == decision.OriginHold {
		return nil, nil, fmt.Errorf("app: no scores: %s", out.Result.Reason)
	}
	return out.Assessments(), out.Record.Input.Market.Notes, nil
}

// Assessments are the scorer's, whoever proposed the decision.
func (o Outcome) Assessments() []decision.Assessment {
	if len(o.Record.Assessments) > 0 {
		return o.Record.Assessments
	}
	return o.Record.Proposal.Assessments
}

// Warnings are what went wrong with the state of circuits or a recording since
// they were asked for last. Ask after Close too.
func (a *App) Warnings() []string {
	if a.models == nil {
		return nil
	}
	return a.models.warnings()
}

// MarketRecordingErr is why Options.RecordMarket is not whole; nil also without
// it.
func (a *App) MarketRecordingErr() error { return a.feed.RecordingErr() }

// RecordingErr is why Options.Record is not whole. Ask after Close; nil also
// without a recording.
func (a *App) RecordingErr() error {
	if a.models == nil || a.models.recorder == nil {
		return nil
	}
	return a.models.recorder.Err()
}

// Close waits, as long as ctx lets it, for calls that outlived their
// decisions, keeps what the circuits know, and closes connections.
func (a *App) Close(ctx context.Context) error {
	err := a.engine.Close(ctx)
	if a.models != nil {
		err = errors.Join(err, a.models.close(ctx))
	}
	a.feed.Close()
	if err != nil {
		return errors.Join(errors.New("app: calls are still under way"), err)
	}
	return nil
}
