package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/audit"
)

type exportCommand struct {
	databaseFlags
	spanFlags
	Format  string `default:"jsonl" enum:"jsonl,csv" help:"jsonl: the records with their links, which verify --export checks. csv: a row for each asset, legacy ones too."`
	Account string `placeholder:"NAME" help:"Of this account. Default all."`
	Out     string `placeholder:"FILE" help:"Write to a new file. Default stdout."`
}

var errWholeChains = errors.New("--since and --until need --format csv: records are exported as whole chains")

// Run writes the export as it is read: unlike other outputs it may be cut off
// by an error, which the exit code tells.
func (c *exportCommand) Run(ctx context.Context, s *session) error {
	since, until, err := c.span()
	if err != nil {
		return err
	}
	if c.Format == "jsonl" && (c.Since != nil || c.Until != nil) {
		return usageError{errWholeChains}
	}
	return c.open(ctx, s, app.DatabaseOptions{ReadOnly: true}, func(db app.Database) error {
		return c.to(s, func(w io.Writer) error {
			if c.Format == "csv" {
				return exportCSV(ctx, w, db, store.Filter{AccountID: c.Account, Since: since, Until: until})
			}
			return exportChains(ctx, w, db, c.Account)
		})
	})
}

// to gives the output to write, buffered. A file is made, never written over.
func (c *exportCommand) to(s *session, write func(io.Writer) error) (err error) {
	out := s.stdout
	if c.Out != "" {
		file, err := os.OpenFile(c.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, os.ErrExist) {
			return usageError{fmt.Errorf("--out %s: the file exists, and is not overwritten", c.Out)}
		}
		if err != nil {
			return usageError{notOpened("--out", err)}
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		out = file
	}
	buffered := bufio.NewWriter(out)
	if err := write(buffered); err != nil {
		return errors.Join(err, buffered.Flush())
	}
	return buffered.Flush()
}

func exportChains(ctx context.Context, w io.Writer, db store.Chain, account string) error {
	heads, err := db.Heads(ctx)
	if err != nil {
		return err
	}
	for _, head := range heads {
		if account != "" && account != head.AccountID {
			continue
		}
		for link, err := range db.Links(ctx, head.AccountID, 0) {
			if err == nil {
				err = audit.WriteLine(w, link)
			}
			if err != nil {
				return fmt.Errorf("account %.100q, link %d: %w", head.AccountID, link.Link.Seq, err)
			}
		}
	}
	return nil
}

func exportCSV(ctx context.Context, w io.Writer, db store.History, f store.Filter) error {
	out := csv.NewWriter(w)
	err := out.Write([]string{
		"decision_id", "account_id", "timestamp", "strategy_used", "model_used", "source", "portfolio_risk_level", "total_allocation_usd",
		"asset", "action", "allocation_usd", "tp_price", "sl_price", "confidence", "risk_level", "refused_by", "executed_at", "pnl_usd",
		"seq", "record_sha256", "rationale", "exit_plan",
	})
	f.Limit = store.MaxPageSize
	for q := (store.Query{Filter: f}); err == nil; {
		var page store.Page
		if page, err = db.Page(ctx, q); err != nil {
			break
		}
		for _, e := range page.Entries {
			for _, d := range e.Decision.Decisions {
				err = errors.Join(err, out.Write(cells(e, d)))
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	out.Flush()
	return errors.Join(err, out.Error())
}

func cells(e store.Entry, d decision.AssetDecision) []string {
	executed, seq := "", ""
	if !e.ExecutedAt.IsZero() {
		executed = e.ExecutedAt.UTC().Format(time.RFC3339Nano)
	}
	if e.Link.Seq > 0 {
		seq = strconv.FormatInt(e.Link.Seq, 10)
	}
	return []string{
		harmless(e.ID), harmless(e.AccountID), e.At.UTC().Format(time.RFC3339Nano), harmless(e.StrategyID), harmless(e.Model), e.Source,
		string(e.Decision.PortfolioRiskLevel), e.Decision.TotalAllocationUSD.String(), harmless(d.Asset), string(d.Action), d.AllocationUSD.String(),
		nullable(d.TPPrice), nullable(d.SLPrice), d.Confidence.String(), string(d.RiskLevel), refusedBy(e.Refused, d.Asset), executed,
		pnlOf(e.Outcomes, d.Asset), seq, e.Link.Digest.String(), harmless(d.Rationale), harmless(d.ExitPlan),
	}
}

func nullable(d decimal.NullDecimal) string {
	if !d.Valid {
		return ""
	}
	return d.Decimal.String()
}

func refusedBy(all []decision.Refusal, asset string) string {
	var rules []string
	for _, r := range all {
		for _, v := range r.Violations {
			if r.Asset == asset && v.Severity == decision.SeverityError {
				rules = append(rules, v.Rule)
			}
		}
	}
	return harmless(strings.Join(rules, " "))
}

func pnlOf(all []store.Outcome, asset string) string {
	total, found := decimal.Zero, false
	for _, o := range all {
		if o.Asset == asset {
			total, found = total.Add(o.PnLUSD), true
		}
	}
	if !found {
		return ""
	}
	return total.String()
}

// harmless keeps a spreadsheet from taking a text, which a model may have
// written, for a formula.
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
