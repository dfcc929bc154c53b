package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

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
	for _, s := range scores {
		t.AppendRow(scoreRow(Clean(s.Symbol), "long", s.Long))
		t.AppendRow(scoreRow("", "short", s.Short))
		t.AppendSeparator()
	}
	n.b.WriteString(t.Render() + "\n\n")
	var times []string
	degraded := slices.Clone(notes)
	for _, s := range scores {
		if at := s.AsOf.Format(time.RFC3339); !slices.Contains(times, at) {
			times = append(times, at)
		}
		for _, what := range s.Degraded {
			degraded = append(degraded, s.Symbol+": "+what)
		}
	}
	n.add("as of", "candles closed at "+strings.Join(times, ", "))
	n.list("degraded", degraded)
	n.add("score", "0 is calm, 100 is dangerous: base plus the points of each factor, kept within 0 and 100. The weights say how much a factor is meant to matter; they multiply nothing.")
	_, err := io.WriteString(w, n.b.String())
	return err
}

func scoreRow(symbol, side string, s decision.Score) []any {
	c := s.Contributions
	return []any{
		symbol, side, s.Score, s.Raw, s.Base,
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
