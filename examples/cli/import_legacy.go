package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/render"
	"github.com/ballast-go/ballast/store/legacy"
)

type importLegacyCommand struct {
	databaseFlags
	From   string            `arg:"" optional:"" placeholder:"URL" help:"Database of the single-asset system: postgresql://user:password@host/name or a SQLite file. Default LEGACY_DATABASE_URL, which other users of the machine cannot see."`
	Name   string            `default:"import" help:"Name of the source, in the ids of its decisions: import them again by the same name and nothing is imported twice. a-z, 0-9 and _."`
	Schema string            `placeholder:"NAME" help:"Schema of the table, PostgreSQL only."`
	Table  string            `placeholder:"NAME" help:"Table. Default decisions."`
	Column map[string]string `placeholder:"OURS=THEIRS" help:"Column of another name, such as symbol=pair; again for each. Ours are id, account_id, timestamp, strategy_used, model_used, symbol, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level."`
	JSON   bool              `name:"json" help:"Print the report as JSON."`
}

// Run imports.
func (c *importLegacyCommand) Run(ctx context.Context, s *session) error {
	cfg, err := c.settings(s)
	if err != nil {
		return err
	}
	from := app.LegacyImport{From: c.From, Name: c.Name, Progress: s.progress("decisions")}
	if from.From == "" {
		from.From = s.env["LEGACY_DATABASE_URL"]
	}
	if from.From == "" {
		return usageError{errors.New("import-legacy needs the URL of a database, as an argument or by LEGACY_DATABASE_URL")}
	}
	if from.Mapping, err = c.mapping(); err != nil {
		return err
	}
	report, err := app.ImportLegacy(ctx, cfg.Database, from)
	if err != nil {
		if report.Read > 0 {
			err = fmt.Errorf("%w; %d of %d rows were looked at and %d decisions written, which stay: run the same again to go on", err, report.Read, report.Total, report.Written)
		}
		return err
	}
	if c.JSON {
		return api.Write(&s.out, report)
	}
	return writeReport(&s.out, report)
}

func writeReport(w io.Writer, r legacy.Report) error {
	text := fmt.Sprintf("read %d, written %d, already there %d, skipped %d\n", r.Read, r.Written, r.Present, r.Skipped)
	for _, reason := range slices.Sorted(maps.Keys(r.Reasons)) {
		text += fmt.Sprintf("  %d because %s\n", r.Reasons[reason], render.Clean(reason))
	}
	for _, skip := range r.Skips[:min(len(r.Skips), 10)] {
		text += fmt.Sprintf("  id %d: %s %s\n", skip.ID, render.Clean(skip.Reason), render.Clean(skip.Value))
	}
	if len(r.Skips) > 10 {
		text += "  more of them with --json\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

// mapping names the columns that are called otherwise.
func (c *importLegacyCommand) mapping() (legacy.Mapping, error) {
	m := legacy.Mapping{Schema: c.Schema, Table: c.Table}
	fields := map[string]*string{
		"id": &m.ID, "account_id": &m.AccountID, "timestamp": &m.Timestamp, "strategy_used": &m.StrategyUsed, "model_used": &m.ModelUsed,
		"symbol": &m.Symbol, "action": &m.Action, "allocation_usd": &m.AllocationUSD, "tp_price": &m.TPPrice, "sl_price": &m.SLPrice,
		"exit_plan": &m.ExitPlan, "rationale": &m.Rationale, "confidence": &m.Confidence, "risk_level": &m.RiskLevel,
	}
	for ours, theirs := range c.Column {
		field, ok := fields[ours]
		if !ok || theirs == "" {
			return m, usageError{fmt.Errorf("--column must be one of %s, then = and its name, was %.60s=%.60s",
				strings.Join(slices.Sorted(maps.Keys(fields)), ", "), ours, theirs)}
		}
		*field = theirs
	}
	return m, nil
}

// progress draws a bar on a terminal, and nothing elsewhere.
func (s *session) progress(what string) func(done, total int64) {
	file, ok := s.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) { //nolint:gosec // a descriptor is small
		return nil
	}
	var bar *progressbar.ProgressBar
	return func(done, total int64) {
		if bar == nil {
			bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(file), progressbar.OptionSetDescription(what),
				progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30))
		}
		bar.ChangeMax64(max(total, 1))
		_ = bar.Set64(min(done, max(total, 1))) //nolint:errcheck // a bar that cannot be drawn is no reason to stop
	}
}
