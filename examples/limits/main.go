// Command limits runs every strategy over hourly candles of yours, or over a
// simulated market, and counts what the gate lets through: once for the
// technical fallback, once for a model that always asks for the most in the
// wrong direction. Every kept action is judged again by decisiontest.Audit, the
// gate's second implementation. One broken limit makes it fail.
//
//	go run ./examples/limits -data candles
package main

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
)

// settings are what to run over.
type settings struct {
	dir   string // of SYMBOL.csv files; empty: a simulated market
	first int    // candle from which decisions begin
	hours int    // at most; 0: as many as there are
}

var errBroken = errors.New("a kept action breaks a limit")

func main() {
	var s settings
	flag.StringVar(&s.dir, "data", "", "folder of SYMBOL.csv files with hourly candles; default a simulated market")
	flag.IntVar(&s.first, "from", 200, "candle from which decisions begin")
	flag.IntVar(&s.hours, "hours", 0, "hours to decide; default all, 200 of the simulated market")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, s)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// run decides every hour and prints the table.
func run(ctx context.Context, w io.Writer, s settings) error {
	f, err := s.field()
	if err != nil {
		return err
	}
	var runs []*trial
	for _, id := range decision.StrategyIDs() {
		for _, hostile := range []bool{false, true} {
			runs = append(runs, &trial{strategy: id, hostile: hostile})
		}
	}
	errs := make([]error, len(runs))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 2)
	for i, r := range runs {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = r.run(ctx, f)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return report(w, f, runs)
}

// field is the market that all runs share.
type field struct {
	symbols     []string
	first, last time.Time
	open        func(now func() time.Time) (marketdata.Source, error)
}

var errTooFew = errors.New("limits: too few candles for a decision")

func (s settings) field() (field, error) {
	if s.dir == "" {
		return s.simulated(), nil
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "*.csv"))
	if err != nil || len(files) == 0 {
		return field{}, fmt.Errorf("limits: no SYMBOL.csv in %s", s.dir)
	}
	f := field{open: func(now func() time.Time) (marketdata.Source, error) {
		return marketdata.NewCSV(marketdata.CSVConfig{Dir: s.dir, Now: now})
	}}
	for _, file := range files[:min(len(files), decision.MaxSymbols)] {
		f.symbols = append(f.symbols, strings.TrimSuffix(filepath.Base(file), ".csv"))
	}
	times, err := openTimes(files[0])
	if err != nil {
		return field{}, err
	}
	if len(times) <= s.first {
		return field{}, fmt.Errorf("%w: %d in %s, decisions begin at %d", errTooFew, len(times), files[0], s.first)
	}
	times = times[s.first:]
	if s.hours > 0 && s.hours < len(times) {
		times = times[:s.hours]
	}
	f.first, f.last = times[0].Add(time.Hour), times[len(times)-1].Add(time.Hour)
	return f, nil
}

// openTimes are those of a file's candles.
func openTimes(path string) (out []time.Time, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	rows := csv.NewReader(file)
	rows.ReuseRecord = true
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("limits: %s: %w", path, err)
		}
		if ms, err := strconv.ParseInt(row[0], 10, 64); err == nil { // the first line names the columns
			out = append(out, time.UnixMilli(ms).UTC())
		}
	}
}

func (s settings) simulated() field {
	f := field{first: time.Date(2025, 10, 6, 0, 0, 0, 0, time.UTC), open: func(now func() time.Time) (marketdata.Source, error) {
		return marketdata.NewSim(marketdata.SimConfig{Now: now})
	}}
	for _, a := range marketdata.SimAssets() {
		f.symbols = append(f.symbols, a.Symbol)
	}
	f.symbols = f.symbols[:min(len(f.symbols), decision.MaxSymbols)]
	hours := s.hours
	if hours == 0 {
		hours = 200
	}
	f.last = f.first.Add(time.Duration(hours-1) * time.Hour)
	return f
}

// report prints one line a run, and every broken limit.
func report(w io.Writer, f field, runs []*trial) error {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"strategy", "proposed by", "decisions", "actions", "adding risk", "kept of them", "refused", "most often by", "largest margin", "worst day", "broken limits"})
	broken := 0
	var wildest hour
	for _, r := range runs {
		broken += len(r.broken)
		if r.wildest.wilder(wildest) {
			wildest = r.wildest
		}
		t.AppendRow(table.Row{
			r.strategy, r.name(), r.decisions, r.actions, r.risky, r.keptRisky, r.refused, r.mostRefusedBy(3),
			r.largestMargin.StringFixed(1) + " %", r.worstDay.StringFixed(2) + " %", len(r.broken),
		})
	}
	text := fmt.Sprintf("%d assets, every hour from %s to %s; the wildest, until %s, moved them by %s %% on average\n%s\n",
		len(f.symbols), f.first.Format(time.RFC3339), f.last.Format(time.RFC3339), wildest.end.Format(time.RFC3339), wildest.movePercent.StringFixed(2), t.Render())
	for _, r := range runs {
		for _, b := range r.broken[:min(len(r.broken), 10)] {
			text += fmt.Sprintf("%s, %s: %s\n", r.strategy, r.name(), b)
		}
	}
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	if broken > 0 {
		return fmt.Errorf("%w: %d times", errBroken, broken)
	}
	return nil
}

// mostRefusedBy names the rules that refused most, with how often.
func (r *trial) mostRefusedBy(n int) string {
	names := make([]string, 0, len(r.byRule))
	for name := range r.byRule {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := r.byRule[b] - r.byRule[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	parts := make([]string, 0, n)
	for _, name := range names[:min(n, len(names))] {
		parts = append(parts, fmt.Sprintf("%s %d", name, r.byRule[name]))
	}
	return strings.Join(parts, ", ")
}
