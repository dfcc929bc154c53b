package render

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
)

// History writes a page of decisions as a table.
func History(w io.Writer, p store.Page, style Style) error {
	t := newTable()
	header := []string{"time (UTC)", "id", "account", "by", "decided", "refused", "PnL"}
	t.AppendHeader(tableRow(header))
	rows := make([][]string, 0, len(p.Entries))
	for _, e := range p.Entries {
		row := []string{
			e.At.UTC().Format("2006-01-02 15:04:05"), clip(Clean(e.ID), 30), clip(Clean(e.AccountID), 20), e.Source, decided(e.Decision.Decisions),
			refusedOf(e.Refused), pnl(e.Outcomes),
		}
		rows = append(rows, row)
		t.AppendRow(tableRow(row))
	}
	n := noteLines{style: style}
	n.records(t, header, rows)
	_, err := io.WriteString(w, n.b.String())
	return err
}

// decided is one line an asset, and one for those that are held.
func decided(all []decision.AssetDecision) string {
	var lines, held []string
	for _, d := range all {
		switch {
		case d.Action == decision.ActionHold:
			held = append(held, clip(Clean(d.Asset), 20))
		case d.AllocationUSD.IsPositive():
			lines = append(lines, fmt.Sprintf("%s %s %s", clip(Clean(d.Asset), 20), d.Action, d.AllocationUSD.StringFixed(2)))
		default:
			lines = append(lines, clip(Clean(d.Asset), 20)+" "+string(d.Action))
		}
	}
	if len(held) > 0 {
		lines = append(lines, "hold "+strings.Join(held, " "))
	}
	return strings.Join(lines, "\n")
}

// refusedOf names each asset with the rules that refused it.
func refusedOf(all []decision.Refusal) string {
	var lines []string
	for _, r := range all {
		var rules []string
		for _, v := range r.Violations {
			if v.Severity == decision.SeverityError {
				rules = append(rules, v.Rule)
			}
		}
		lines = append(lines, clip(Clean(r.Asset+" "+strings.Join(rules, " ")), 40))
	}
	return strings.Join(lines, "\n")
}

func pnl(all []store.Outcome) string {
	if len(all) == 0 {
		return ""
	}
	total := decimal.Zero
	for _, o := range all {
		total = total.Add(o.PnLUSD)
	}
	return total.StringFixed(2)
}

// Entry writes what is kept of a decision beside its record.
func Entry(w io.Writer, e store.Entry, style Style) error {
	n := noteLines{style: style}
	n.add("id", e.ID)
	n.add("account", e.AccountID)
	n.add("time", e.At.UTC().Format(time.RFC3339Nano))
	if e.Link.Seq > 0 {
		n.add("chain", fmt.Sprintf("link %d, record %s, link hash %s", e.Link.Seq, e.Link.Digest, e.Link.Hash))
	} else {
		n.add("chain", "none: it came from a single-asset system, which kept no record")
	}
	if !e.ExecutedAt.IsZero() {
		n.add("executed", e.ExecutedAt.UTC().Format(time.RFC3339))
	}
	for _, o := range e.Outcomes {
		n.add("outcome", fmt.Sprintf("%s %s USD, closed at %s", o.Asset, o.PnLUSD, o.ClosedAt.UTC().Format(time.RFC3339)))
	}
	if e.Source == store.SourceLegacy {
		n.legacy(e.Row)
	}
	_, err := io.WriteString(w, n.b.String())
	return err
}

// legacy is all that there is of a decision without a record.
func (n *noteLines) legacy(r store.Row) {
	n.add("strategy", r.StrategyID)
	n.add("model", r.Model)
	for _, d := range r.Decision.Decisions {
		n.add(clip(Clean(d.Asset), labelWidth-1), fmt.Sprintf("%s %s USD, confidence %s, risk %s: %s", d.Action, d.AllocationUSD, d.Confidence, d.RiskLevel, d.Rationale))
	}
}
