package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
)

// Decision is what there is to show of one decision.
type Decision struct {
	Result decision.Result
	Record decision.Record
	Scores []decision.Assessment
	// Circuits are the circuits that are not closed, one line each.
	Circuits []string
}

// Write writes the decision as a table with notes below it.
func (d Decision) Write(w io.Writer, style Style) error {
	version, err := Version(d.Record.Input.Strategy)
	if err != nil {
		return err
	}
	n := noteLines{style: style}
	d.table(&n)
	d.notes(&n, version)
	_, err = io.WriteString(w, n.b.String())
	return err
}

const (
	minReasonWidth = 30
	cellBorders    = 3 // a line and two spaces
)

// table has the reasons in a column where there is room for one, else below,
// or else a block for each asset.
func (d Decision) table(n *noteLines) {
	header := []string{"asset", "action", "allocation", "stop", "target", "confidence", "risk score"}
	rows := make([][]string, len(d.Result.Decision.Decisions))
	for i, a := range d.Result.Decision.Decisions {
		rows[i] = d.row(a)
	}
	t := newTable()
	room := n.style.width() - 1 - cellBorders*(len(header)+1) - sum(widths(header, rows))
	inTable := room >= minReasonWidth
	if inTable {
		header = append(header, "reason")
		t.SetColumnConfigs([]table.ColumnConfig{{Number: len(header), WidthMax: room, WidthMaxEnforcer: text.WrapSoft}})
	} else {
		header[5] = "conf."
		t.Style().Options.DrawBorder = false
	}
	t.AppendHeader(tableRow(header))
	for i, a := range d.Result.Decision.Decisions {
		reason := clip(Clean(d.reason(a)), maxTextRunes)
		painted := slices.Clone(rows[i])
		painted[1] = n.style.paint(actionColor(a.Action), painted[1])
		if inTable {
			painted = append(painted, reason)
		}
		t.AppendRow(tableRow(painted))
		t.AppendSeparator()
		rows[i] = append(rows[i], reason)
	}
	if !inTable && text.LongestLineLen(t.Render()) <= n.style.width() {
		n.b.WriteString(t.Render() + "\n\n")
		for _, a := range d.Result.Decision.Decisions {
			n.add(clip(Clean(a.Asset), labelWidth-1), d.reason(a))
		}
	} else {
		header[5] = "confidence"
		n.records(t, append(header[:7:7], "reason"), rows)
	}
	n.b.WriteString("\n")
}

// reason is the rationale; that of what the gate refused is in the notes.
func (d Decision) reason(a decision.AssetDecision) string {
	refused := func(r decision.Refusal) bool { return r.Asset == a.Asset }
	if a.Action == decision.ActionHold && slices.ContainsFunc(d.Result.Refused, refused) {
		return "refused, see below"
	}
	return a.Rationale
}

// widths are those that the columns need.
func widths(header []string, rows [][]string) []int {
	out := make([]int, len(header))
	for _, row := range append([][]string{header}, rows...) {
		for i, cell := range row {
			for line := range strings.SplitSeq(cell, "\n") {
				out[i] = max(out[i], utf8.RuneCountInString(line))
			}
		}
	}
	return out
}

func sum(numbers []int) (total int) {
	for _, n := range numbers {
		total += n
	}
	return total
}

func tableRow(cells []string) table.Row {
	row := make(table.Row, len(cells))
	for i, cell := range cells {
		row[i] = cell
	}
	return row
}

func (d Decision) row(a decision.AssetDecision) []string {
	allocation, stop, target := none, price(a.SLPrice), price(a.TPPrice)
	if a.AllocationUSD.IsPositive() {
		allocation = usd(a.AllocationUSD)
	}
	if p := a.PositionAdjustment; p != nil {
		allocation, stop, target = string(p.Type)+"\n"+usd(p.AmountUSD), price(p.NewSLPrice), price(p.NewTPPrice)
	}
	if o := a.OrderAdjustment; o != nil {
		stop, target = order(o.CancelSL, o.NewSLPrice), order(o.CancelTP, o.NewTPPrice)
	}
	confidence := none
	if a.Confidence.IsPositive() {
		confidence = a.Confidence.String() + " %"
	}
	return []string{
		clip(Clean(a.Asset), 20), strings.ReplaceAll(string(a.Action), "_", "\n"),
		allocation, stop, target, confidence, d.score(a.Asset),
	}
}

func (d Decision) score(symbol string) string {
	for _, s := range d.Scores {
		if s.Symbol == symbol {
			return fmt.Sprintf("long %d\nshort %d", s.Long.Score, s.Short.Score)
		}
	}
	return none
}

func order(cancelled bool, d decimal.NullDecimal) string {
	if cancelled {
		return "cancel"
	}
	return price(d)
}

func price(d decimal.NullDecimal) string {
	if !d.Valid {
		return none
	}
	return d.Decimal.String()
}

// usd is an amount with its cents, or with every digit when it has more.
func usd(d decimal.Decimal) string {
	if d.Exponent() < -2 {
		return d.String() + " USD"
	}
	return d.StringFixed(2) + " USD"
}

func actionColor(a decision.Action) string {
	switch a {
	case decision.ActionBuy:
		return green
	case decision.ActionSell:
		return red
	case decision.ActionAdjustPosition, decision.ActionAdjustOrders, decision.ActionClosePosition:
		return yellow
	case decision.ActionHold:
		return ""
	}
	return ""
}

func (d Decision) notes(n *noteLines, version string) {
	res, in := d.Result, d.Record.Input
	n.add("decided by", origin(res))
	n.list("attempts", attempts(res.Tried))
	n.list("circuit", d.Circuits)
	n.add("rationale", res.Decision.PortfolioRationale)
	n.add("total", fmt.Sprintf("%s to allocate, portfolio risk %s", usd(res.Decision.TotalAllocationUSD), res.Decision.PortfolioRiskLevel))
	n.list("refused", refused(res.Refused))
	n.list("warnings", violations(res.Warnings))
	if h := halted(d.Record); h != nil {
		n.add("halted", h.String())
	}
	n.list("degraded", res.Degraded)
	n.add("account", fmt.Sprintf("%s: balance %s, available %s, leverage %s, open positions %d%s",
		in.Account.ID, usd(in.Account.BalanceUSD), usd(in.Account.AvailableUSD), in.Account.Leverage, len(in.Account.Positions), others(in)))
	n.add("strategy", in.Strategy.ID+", version "+version)
	n.add("as of", asOf(in))
	n.add("decision id", res.ID)
}

// halted is the kill switch that was on, if any has a name.
func halted(rec decision.Record) *decision.Halt {
	if rec.Recheck != nil && rec.Recheck.Halt != nil {
		return rec.Recheck.Halt
	}
	return rec.Input.Halt
}

// others names the open positions in assets that were not asked about: they
// count in the limits and are not decided on.
func others(in decision.Input) string {
	var symbols []string
	for _, p := range in.Account.Positions {
		if !slices.Contains(in.Symbols, p.Symbol) {
			symbols = append(symbols, p.Symbol)
		}
	}
	if len(symbols) == 0 {
		return ""
	}
	return " (not asked about: " + strings.Join(symbols, ", ") + ")"
}

// refused has one line for each violation; one of the whole proposal names
// everything that it refused.
func refused(refusals []decision.Refusal) []string {
	var out, all []string
	var whole []decision.Violation
	for _, r := range refusals {
		was := fmt.Sprintf("%s %s", r.Asset, r.Was.Action)
		if r.Was.AllocationUSD.IsPositive() {
			was += " " + usd(r.Was.AllocationUSD)
		}
		for _, v := range r.Violations {
			i := slices.Index(whole, v)
			switch {
			case v.Asset != "":
				out = append(out, fmt.Sprintf("%s: %s: %s", was, v.Rule, v.Message))
			case i < 0:
				whole, all = append(whole, v), append(all, was)
			default:
				all[i] += ", " + was
			}
		}
	}
	for i, v := range whole {
		out = append(out, fmt.Sprintf("%s: %s: %s", all[i], v.Rule, v.Message))
	}
	return out
}

func violations(list []decision.Violation) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = v.Rule + ": " + v.Message
		if v.Asset != "" {
			out[i] = v.Asset + ": " + out[i]
		}
	}
	return out
}

// asOf names the newest candle that any asset was decided on.
func asOf(in decision.Input) string {
	var newest time.Time
	for _, a := range in.Market.Assets {
		if closed := a.Series[in.Interval].CloseTime(); closed.After(newest) {
			newest = closed
		}
	}
	if newest.IsZero() {
		return in.At.Format(time.RFC3339)
	}
	return fmt.Sprintf("%s, newest %s candle closed at %s", in.At.Format(time.RFC3339), in.Interval, newest.Format(time.RFC3339))
}
