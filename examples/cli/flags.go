package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/examples/internal/render"
	"github.com/ballast-go/ballast/llm/llmreplay"
)

// marketFlags say what to look at.
type marketFlags struct {
	Market       marketChoice `placeholder:"demo|csv|aster|replay:FILE" help:"Where candles come from: simulated, files, the AsterDEX exchange, or what --record-market wrote: with the same --symbols and intervals, as of the recording or of --at. Default demo."`
	Data         string       `placeholder:"DIR" help:"Folder of SYMBOL.csv files with hourly candles, for --market csv."`
	RecordMarket string       `placeholder:"FILE" help:"Record what the market answers to a new file."`
	Symbols      *string      `placeholder:"LIST" help:"1 to 10 assets such as BTCUSDT,ETH. Default ASSETS, else BTCUSDT,ETHUSDT,SOLUSDT; validate: those of the decision."`
	At           *instant     `placeholder:"TIME" help:"Decide or check as of this time, such as 2025-10-10T22:00:00Z, from candles closed by then, not before 2000. Default now."`
	Interval     *string      `placeholder:"1h" help:"Candles to decide on. Default INTERVAL, else 1h."`
	JSON         bool         `name:"json" help:"Print JSON."`
}

// instant is a point in time as a flag.
type instant struct{ time.Time }

// earliest keeps out times that nobody means.
func earliest() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

// UnmarshalText reads RFC 3339.
func (i *instant) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("must be a time such as 2025-10-10T22:00:00Z, was %.40q", text)
	}
	if t.Before(earliest()) {
		return fmt.Errorf("must be at or after %s, was %s", earliest().Format(time.RFC3339), t.UTC().Format(time.RFC3339))
	}
	i.Time = t.UTC()
	return nil
}

func (f marketFlags) overrides() map[string]config.Override {
	out := map[string]config.Override{}
	if f.Symbols != nil {
		out["ASSETS"] = config.Override{Flag: "--symbols", Value: *f.Symbols}
	}
	if f.Interval != nil {
		out["INTERVAL"] = config.Override{Flag: "--interval", Value: *f.Interval}
	}
	return out
}

var (
	errNeedsData = errors.New("--market csv needs --data DIR")
	errNeedsCSV  = errors.New("--data needs --market csv")
	errPast      = errors.New("--at needs another --market than aster, which knows the present alone; see --record-market")
)

func (f marketFlags) check() error {
	csv := f.Market.kind == app.MarketCSV
	switch {
	case f.Market.kind == app.MarketAster && f.At != nil:
		return errPast
	case csv && f.Data == "":
		return errNeedsData
	case !csv && f.Data != "":
		return errNeedsCSV
	case !csv:
		return nil
	}
	switch info, err := os.Stat(f.Data); {
	case err != nil:
		return notOpened("--data", err)
	case !info.IsDir():
		return fmt.Errorf("--data must be a folder of SYMBOL.csv files, was the file %s", f.Data)
	}
	return nil
}

// configure reads the settings and says what is strange about them.
func (s *session) configure(f marketFlags, more map[string]config.Override) (config.Config, error) {
	overrides := f.overrides()
	for name, o := range more {
		overrides[name] = o
	}
	cfg, err := config.Read(s.env, overrides)
	if err := errors.Join(err, f.check()); err != nil {
		return cfg, usageError{err}
	}
	for _, w := range cfg.Warnings {
		s.warn(w)
	}
	return cfg, nil
}

func (s *session) warn(text string) {
	_, _ = fmt.Fprintln(s.stderr, "ballast: warning: "+render.Clean(text))
}

func (s *session) options(f marketFlags, cfg config.Config) app.Options {
	o := app.Options{Config: cfg, Market: f.Market.kind, CandleDir: f.Data, Logger: s.logger(cfg.LogLevel), Now: s.now}
	if f.At != nil {
		o.AsOf = f.At.Time
	}
	return o
}

// withApp opens an App for one call.
func (s *session) withApp(ctx context.Context, f marketFlags, o app.Options, keep app.StorageOptions, use func(*app.App) error) error {
	return f.withFiles(o, func(o app.Options) error { return s.withStorage(ctx, o, keep, use) })
}

func (s *session) withStorage(ctx context.Context, o app.Options, keep app.StorageOptions, use func(*app.App) error) error {
	keep.Logger = o.Logger
	storage, err := app.OpenStorage(ctx, o.Config, keep)
	if err != nil {
		return explained(err)
	}
	o.Storage = storage
	err = s.withOptions(ctx, o, use)
	failed := storage.Close() //nolint:contextcheck // what waits is delivered also when the command was interrupted
	for _, w := range storage.Warnings() {
		s.warn(w)
	}
	return errors.Join(err, failed)
}

func (s *session) withOptions(ctx context.Context, o app.Options, use func(*app.App) error) error {
	a, err := app.New(o) //nolint:contextcheck // the app outlives no call; its log has no context
	var line *llmreplay.LineError
	switch {
	case errors.As(err, &line):
		return fmt.Errorf("--llm replay: %w", line)
	case err != nil:
		return notOpenedMarket(err)
	}
	err = use(a)
	// Calls that the decision gave up on end with its context; this bounds
	// the wait for those that do not.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = a.Close(ctx) //nolint:errcheck // the process ends, and with it what is still under way
	for _, w := range a.Warnings() {
		s.warn(w)
	}
	if failed := a.MarketRecordingErr(); failed != nil && isDecided(err) {
		err = errors.Join(&recordError{"--record-market", failed}, err)
	}
	if failed := a.RecordingErr(); failed != nil && isDecided(err) {
		err = errors.Join(&recordError{"--record", failed}, err)
	}
	return err
}

// findStrategy takes the id of a built-in strategy or a path to a file, which
// ends in .json.
func findStrategy(name string) (decision.Strategy, error) {
	if !strings.HasSuffix(name, ".json") {
		s, err := decision.LoadStrategy(name)
		if err != nil {
			return s, usageError{fmt.Errorf("--strategy %.64q must be one of %s, or a file that ends in .json",
				name, strings.Join(decision.StrategyIDs(), ", "))}
		}
		return s, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return decision.Strategy{}, usageError{notOpened("--strategy", err)}
	}
	defer func() { _ = file.Close() }() //nolint:errcheck // only read
	s, err := readStrategy(file)
	if err != nil {
		return s, usageError{inFile("--strategy "+name, err)}
	}
	return s, nil
}

// notOpened is "--state account.json: no such file or directory".
func notOpened(flag string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s %s: %w", flag, path.Path, path.Err)
	}
	return fmt.Errorf("%s: %w", flag, err)
}

// unreadable is "decision.json: no such file or directory".
func unreadable(file string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("%s: %w", file, err)
}

// inFile names the file in each of the problems that were found in it, and
// leaves out which package found them.
func inFile(file string, err error) error {
	var problems []error
	for line := range strings.SplitSeq(err.Error(), "\n") {
		_, what, found := strings.Cut(line, "decision: ")
		if !found {
			what = line
		}
		problems = append(problems, fmt.Errorf("%s: %s", file, what))
	}
	return errors.Join(problems...)
}
