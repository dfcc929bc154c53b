package marketdata

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// CSVConfig says where candle files are. Dir or FS is required.
type CSVConfig struct {
	Dir      string           // folder of SYMBOL.csv files; default none
	FS       fs.FS            // instead of Dir; default none
	Interval Interval         // of the files' candles; default 1h
	MaxBytes int64            // of one file; default 64 MiB, which is also the most
	MaxRows  int              // of one file; default 2,000,000, which is also the most
	Now      func() time.Time // the time as of which it answers; default time.Now
}

// The bounds of one candle file.
const (
	csvMaxBytes = 64 << 20
	csvMaxRows  = 2_000_000
)

func (c CSVConfig) withDefaults() CSVConfig {
	if c.Interval == "" {
		c.Interval = Interval1h
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = csvMaxBytes
	}
	if c.MaxRows == 0 {
		c.MaxRows = csvMaxRows
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c CSVConfig) validate() error {
	var problems []error
	if (c.Dir == "") == (c.FS == nil) {
		problems = append(problems, errors.New("marketdata: csv: exactly one of Dir and FS must be set"))
	}
	if !c.Interval.Valid() {
		problems = append(problems, fmt.Errorf("marketdata: csv: %w %.20q", ErrInterval, string(c.Interval)))
	}
	if c.MaxBytes < 0 || c.MaxBytes > csvMaxBytes {
		problems = append(problems, fmt.Errorf("marketdata: csv: MaxBytes must be between 0 and %d, was %d", csvMaxBytes, c.MaxBytes))
	}
	if c.MaxRows < 0 || c.MaxRows > csvMaxRows {
		problems = append(problems, fmt.Errorf("marketdata: csv: MaxRows must be between 0 and %d, was %d", csvMaxRows, c.MaxRows))
	}
	return errors.Join(problems...)
}

// CSV is a Source that replays files SYMBOL.csv with the columns open_time_ms,
// open, high, low, close, volume and quote_volume in any order. It answers as
// of Now: only candles that were closed by then, aggregated to any interval
// that is a multiple of the files'. Each file is read once and stays in memory
// (some 400 bytes a row). Safe for concurrent use.
type CSV struct {
	cfg   CSVConfig
	files fs.FS

	mu     sync.Mutex
	tables map[string]*csvTable // bounded by the files that exist
}

var _ Source = (*CSV)(nil)

// NewCSV checks the configuration and that Dir is a folder. Files are read
// when they are first asked for.
func NewCSV(cfg CSVConfig) (*CSV, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	files := cfg.FS
	if files == nil {
		info, err := os.Stat(cfg.Dir)
		if err != nil {
			return nil, fmt.Errorf("marketdata: csv: %w", err)
		}
		if !info.IsDir() {
			return nil, fmt.Errorf("marketdata: csv: %s is not a folder", cfg.Dir)
		}
		files = os.DirFS(cfg.Dir)
	}
	return &CSV{cfg: cfg, files: files, tables: map[string]*csvTable{}}, nil
}

// Snapshot answers as of Now. A file that cannot be used fails its asset
// alone; errors.As finds the *CSVError in the Failure. A malformed row fails
// the file wherever it stands, a missing candle only windows that contain it.
// The last price is the close of the newest closed candle and counts as
// current until the next one closes, because a file has no ticks; the asset
// says so in Degraded.
func (c *CSV) Snapshot(ctx context.Context, q Query) (Snapshot, error) {
	if err := q.Validate(); err != nil {
		return Snapshot{}, err
	}
	now := c.cfg.Now().UTC()
	snap := Snapshot{At: now, Assets: make(map[string]Asset, len(q.Symbols))}
	for _, symbol := range q.Symbols {
		asset, err := c.asset(ctx, symbol, q, now)
		var failure Failure
		switch {
		case err == nil:
			snap.Assets[symbol] = asset
		case errors.As(err, &failure):
			if snap.Failures == nil {
				snap.Failures = map[string]Failure{}
			}
			snap.Failures[symbol] = failure
		default:
			return Snapshot{}, fmt.Errorf("marketdata: csv: %w", err)
		}
	}
	return snap, nil
}

// asset returns a Failure, or the context's error.
func (c *CSV) asset(ctx context.Context, symbol string, q Query, now time.Time) (Asset, error) {
	if err := ctx.Err(); err != nil {
		return Asset{}, err
	}
	candles, err := c.load(ctx, symbol)
	if err != nil {
		return Asset{}, err
	}
	for _, i := range q.Intervals {
		if i.Duration()%c.cfg.Interval.Duration() != 0 {
			return Asset{}, Failure{Symbol: symbol, Reason: ReasonUnavailable, Detail: fmt.Sprintf(
				"%s.csv has %s candles, of which %s is not a multiple", symbol, c.cfg.Interval, i)}
		}
	}
	view := csvView{symbol: symbol, base: c.cfg.Interval, now: now, candles: candles}
	return view.asset(q)
}

// csvTable is one file. turn is a lock that can be waited for with a context.
type csvTable struct {
	turn    chan struct{}
	candles []Candle
	bad     error // why the file cannot be used
}

// load returns the file's candles and reads it on first use. A caller whose
// context ends leaves the reading to the next.
func (c *CSV) load(ctx context.Context, symbol string) ([]Candle, error) {
	if !csvSymbol(symbol) {
		return nil, Failure{
			Symbol: symbol, Reason: ReasonUnknownSymbol, Err: ErrUnknownSymbol,
			Detail: "a symbol is 1 to 40 of A-Z, 0-9, _ and -",
		}
	}
	table, err := c.table(symbol)
	if err != nil {
		return nil, err
	}
	select {
	case table.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-table.turn }()
	if table.candles == nil && table.bad == nil {
		table.candles, err = c.read(ctx, symbol+".csv")
		var bad *CSVError
		switch {
		case errors.As(err, &bad):
			table.bad = Failure{Symbol: symbol, Reason: ReasonBadCandle, Detail: bad.detail(), Err: bad}
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, c.unreadable(symbol, err)
		}
	}
	return table.candles, table.bad
}

// table finds or makes the entry of a file that exists.
func (c *CSV) table(symbol string) (*csvTable, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.tables[symbol]; t != nil {
		return t, nil
	}
	if _, err := fs.Stat(c.files, symbol+".csv"); err != nil {
		return nil, c.unreadable(symbol, err)
	}
	t := &csvTable{turn: make(chan struct{}, 1)}
	c.tables[symbol] = t
	return t, nil
}

func (c *CSV) read(ctx context.Context, name string) (candles []Candle, err error) {
	file, err := c.files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if info, err := file.Stat(); err != nil {
		return nil, err
	} else if info.Size() > c.cfg.MaxBytes {
		return nil, &CSVError{File: name, Problem: fmt.Sprintf("must be at most %d bytes, was %d", c.cfg.MaxBytes, info.Size())}
	}
	d := csvDecoder{file: name, base: c.cfg.Interval, maxRows: c.cfg.MaxRows}
	return d.decode(ctx, file, c.cfg.MaxBytes)
}

// unreadable is the failure of a file that is missing or cannot be read. It
// leaves out the folder that a path error would name.
func (c *CSV) unreadable(symbol string, err error) Failure {
	if errors.Is(err, fs.ErrNotExist) {
		return Failure{
			Symbol: symbol, Reason: ReasonUnknownSymbol, Detail: fmt.Sprintf("there is no file %s.csv", symbol),
			Err: fmt.Errorf("%w: no file %s.csv", ErrUnknownSymbol, symbol),
		}
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	bad := &CSVError{File: symbol + ".csv", Problem: "cannot be read: " + err.Error()}
	return Failure{Symbol: symbol, Reason: ReasonUnavailable, Detail: bad.detail(), Err: bad}
}

// csvSymbol reports whether the symbol is safe as a file name.
func csvSymbol(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 40
}
