package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
)

// Validation is what there is to show of a decision that was checked.
type Validation struct {
	Given    decision.Decision
	Checked  decision.Validation
	Account  decision.Account
	Strategy decision.Strategy
}

// Summary is "valid" or "not valid" with the number of errors and warnings.
func (v Validation) Summary() string {
	text := "valid"
	if !v.Checked.Valid {
		text = "not valid: " + count(len(v.Checked.Errors), "error")
	}
	if n := len(v.Checked.Warnings); n > 0 {
		text += ", " + count(n, "warning")
	}
	return text
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// Write writes the verdict in the first line, then why, the risk, and what the
// gate would leave of the decision.
func (v Validation) Write(w io.Writer, style Style) error {
	version, err := Version(v.Strategy)
	if err != nil {
		return err
	}
	n := noteLines{style: style}
	color := green
	if !v.Checked.Valid {
		color = red
	}
	n.b.WriteString(style.paint(color, v.Summary()) + "\n\n")
	n.list("errors", broken(v.Checked.Errors))
	n.list("warnings", broken(v.Checked.Warnings))
	if len(v.Checked.Errors)+len(v.Checked.Warnings) > 0 {
		n.b.WriteString("\n")
	}
	v.risk(&n)
	v.through(&n)
	n.b.WriteString("\n")
	n.list("degraded", v.Checked.Degraded)
	n.add("account", fmt.Sprintf("%s: balance %s, available %s, leverage %s, open positions %d",
		v.Account.ID, usd(v.Account.BalanceUSD), usd(v.Account.AvailableUSD), v.Account.Leverage, len(v.Account.Positions)))
	n.add("strategy", v.Strategy.ID+", version "+version)
	n.add("as of", v.Checked.Decision.Timestamp.Format(time.RFC3339))
	_, err = io.WriteString(w, n.b.String())
	return err
}

// broken has each violation with its numbers on a line of their own, where the
// rule counts anything.
func broken(list []decision.Violation) []string {
	texts := violations(list)
	out := make([]string, 0, len(texts))
	for i, text := range texts {
		out = append(out, text)
		var numbers []string
		if limit := list[i].Limit; limit != "" {
			numbers = append(numbers, "limit "+limit)
		}
		if value := list[i].Value; value != "" {
			numbers = append(numbers, "value "+value)
		}
		if len(numbers) > 0 {
			out = append(out, "- "+strings.Join(numbers, ", "))
		}
	}
	return out
}

func (v Validation) risk(n *noteLines) {
	r := v.Checked.Risk
	n.add("risk", fmt.Sprintf("%s of 10, with all that was asked for", r.PortfolioRiskScore))
	n.add("", fmt.Sprintf("concentration %s: largest margin of one asset ÷ balance", r.ConcentrationRisk))
	n.add("", fmt.Sprintf("leverage %s: leverage in use ÷ the most that is allowed", r.LeverageRisk))
	loss := "unknown, as a position has no stop or no known price"
	if r.LossAtStopsUSD.Valid {
		loss = rounded(r.LossAtStopsUSD.Decimal) + " when every position ends at its stop"
	}
	n.add("loss", loss)
	n.add("margin", fmt.Sprintf("%s for positions of %s", rounded(r.MarginUSD), rounded(r.NotionalUSD)))
	if len(r.Positions) == 0 {
		return
	}
	header := []string{"position", "side", "notional", "margin", "leverage", "liquidation", "loss\nat stop"}
	t := newTable()
	t.AppendHeader(tableRow(header))
	rows := make([][]string, len(r.Positions))
	for i, p := range r.Positions {
		loss := "unknown"
		if p.LossAtStopUSD.Valid {
			loss = rounded(p.LossAtStopUSD.Decimal)
		}
		rows[i] = []string{
			clip(Clean(p.Asset), 20), string(p.Side), rounded(p.NotionalUSD), rounded(p.MarginUSD), p.Leverage.String() + "x", liquidation(p), loss,
		}
		t.AppendRow(tableRow(rows[i]))
	}
	n.b.WriteString("\n")
	n.records(t, header, rows)
}

func liquidation(p decision.PositionRisk) string {
	if !p.LiquidationPrice.Valid || !p.LiquidationPercent.Valid {
		return none
	}
	return fmt.Sprintf("%s, %s %% away", significant(p.LiquidationPrice.Decimal), p.LiquidationPercent.Decimal.RoundDown(1))
}

// through is what the gate would let through, unless it is what was given.
func (v Validation) through(n *noteLines) {
	given, left := actions(v.Given), actions(v.Checked.Decision)
	unchanged := len(given) == len(left)
	for _, row := range left {
		unchanged = unchanged && slices.ContainsFunc(given, func(was []string) bool { return slices.Equal(was, row) })
	}
	if unchanged {
		return
	}
	header := []string{"asset", "action", "allocation", "stop", "target"}
	t := newTable()
	t.AppendHeader(tableRow(header))
	for _, row := range left {
		t.AppendRow(tableRow(row))
	}
	n.b.WriteString("\n")
	n.add("let through", "what the gate would leave of the decision")
	n.records(t, header, left)
}

// actions has a row for each entry, with everything that acting on it needs.
func actions(d decision.Decision) [][]string {
	rows := make([][]string, len(d.Decisions))
	for i, one := range d.Decisions {
		rows[i] = Decision{}.row(one)[:5]
	}
	return rows
}

// rounded is an amount rounded up to a cent; --json has every digit.
func rounded(d decimal.Decimal) string { return usd(d.RoundUp(2)) }

// significantDigits are more than an estimate of a price is good for.
const significantDigits = 6

func significant(d decimal.Decimal) string {
	whole := int32(d.NumDigits()) + d.Exponent() //nolint:gosec // digits are bounded where numbers are read
	return d.Round(significantDigits - whole).String()
}
