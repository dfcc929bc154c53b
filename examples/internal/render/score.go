package render

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/ballast-go/ballast/decision"
)

// Scores writes risk scores as a table, a row for each asset and side, and
// below it what was degraded for all (notes) and for each.
func Scores(w io.Writer, scores []decision.Assessment, notes []string, style Style) error {
	t := newTable()
	header := []string{"asset", "side", "score", "raw", "base", "RSI", "volatility", "trend", "24 h change"}
	if len(scores) > 0 {
		c := scores[0].Long.Contributions
		for i, weight := range []int{c.RSI.WeightPercent, c.Volatility.WeightPercent, c.Trend.WeightPercent, c.PriceChange.WeightPercent} {
			header[5+i] += fmt.Sprintf("\nweight %d %%", weight)
		}
	}
	t.AppendHeader(tableRow(header))
	n := noteLines{style: style}
	var rows [][]string
	for _, s := range scores {
		long, short := scoreRow(Clean(s.Symbol), "long", s.Long), scoreRow("", "short", s.Short)
		t.AppendRows([]table.Row{tableRow(long), tableRow(short)})
		t.AppendSeparator()
		short[0] = long[0] // which a block of its own needs
		rows = append(rows, long, short)
	}
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 3, Align: text.AlignRight}, {Number: 4, Align: text.AlignRight}, {Number: 5, Align: text.AlignRight}})
	n.records(t, header, rows)
	n.b.WriteString("\n")
	var times []string
	degraded := slices.Clone(notes)
	for _, s := range scores {
		if at := s.AsOf.Format(time.RFC3339); !slices.Contains(times, at) {
			times = append(times, at)
		}
		for _, what := range s.Degraded {
			degraded = append(degraded, s.Symbol+": "+strings.ReplaceAll(what, "_", " ")+" could not be measured")
		}
	}
	n.add("as of", "candles closed at "+strings.Join(times, ", "))
	n.list("degraded", degraded)
	n.add("score", "0 is calm, 100 is dangerous: base plus the points of each factor, kept within 0 and 100. The weights say how much a factor is meant to matter; they multiply nothing.")
	_, err := io.WriteString(w, n.b.String())
	return err
}

func scoreRow(symbol, side string, s decision.Score) []string {
	c := s.Contributions
	return []string{
		symbol, side, strconv.Itoa(s.Score), strconv.Itoa(s.Raw), strconv.Itoa(s.Base),
		contribution(c.RSI, ""), contribution(c.Volatility, " %/day"), contribution(c.Trend, ""), contribution(c.PriceChange, " %"),
	}
}

// contribution is what was measured and the points for it.
func contribution(c decision.Contribution, unit string) string {
	if c.Input == "" {
		return "unknown: 0"
	}
	return fmt.Sprintf("%s%s: %+d", Clean(string(c.Input)), unit, c.Points)
}
