package render

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/marketdata"
)

const unknown = "unknown"

// Market writes one asset: what it costs, its newest candles and indicators,
// and whether it would be decided on.
func Market(w io.Writer, m api.Market, style Style) error {
	n := noteLines{style: style}
	n.add(clip(Clean(m.Symbol), labelWidth-1), fmt.Sprintf("%s, as of %s", number(m.CurrentPrice), m.PriceAt.Format(time.RFC3339)))
	n.add("mark", number(m.MarkPrice))
	n.add("24 h", change(m.PriceChange24h)+", volume "+amount(m.Volume24h, quoteOf(m)))
	n.add("funding", funding(m.Funding))
	n.add("interest", "open interest "+amount(m.OpenInterest, baseOf(m)))
	if in := m.Instrument; in != nil {
		n.add("limits", fmt.Sprintf("tick %s, lot %s, min quantity %s, min notional %s, max leverage %s",
			number(in.TickSize), number(in.LotSize), number(in.MinQuantity), amount(in.MinNotionalUSD, "USD"), number(in.MaxLeverage)))
	}
	n.add("freshness", freshness(m))
	if m.Weight != nil {
		n.add("weight", fmt.Sprintf("%d of %d used in this minute", m.Weight.Used, m.Weight.Limit))
	}
	n.list("degraded", m.Degraded)
	for _, i := range intervals(m.Candles) {
		n.b.WriteString("\n")
		candles(&n, i, m.Candles[i])
	}
	n.b.WriteString("\n")
	indicators(&n, m)
	_, err := io.WriteString(w, n.b.String())
	return err
}

// Listings writes the symbols that can be traded.
func Listings(w io.Writer, all api.Listings, style Style) error {
	n := noteLines{style: style}
	t := newTable()
	header := []string{"symbol", "tick", "lot", "min quantity", "min notional", "max leverage"}
	t.AppendHeader(tableRow(header))
	rows := make([][]string, len(all.Symbols))
	for i, l := range all.Symbols {
		rows[i] = []string{
			clip(Clean(l.Symbol), 20), number(l.TickSize), number(l.LotSize), number(l.MinQuantity), amount(l.MinNotionalUSD, "USD"), number(l.MaxLeverage),
		}
		t.AppendRow(tableRow(rows[i]))
	}
	rightFrom(t, 2, len(header))
	n.records(t, header, rows)
	n.add("symbols", strconv.Itoa(len(rows)))
	n.list("notes", all.Notes)
	_, err := io.WriteString(w, n.b.String())
	return err
}

func rightFrom(t table.Writer, first, last int) {
	columns := make([]table.ColumnConfig, 0, last)
	for i := first; i <= last; i++ {
		columns = append(columns, table.ColumnConfig{Number: i, Align: text.AlignRight})
	}
	t.SetColumnConfigs(columns)
}

// intervals are sorted, shortest first.
func intervals[V any](of map[marketdata.Interval]V) []marketdata.Interval {
	return slices.SortedFunc(maps.Keys(of), func(a, b marketdata.Interval) int { return int(a.Duration() - b.Duration()) })
}

func number(n api.Number) string {
	if !n.Valid {
		return unknown
	}
	return n.Decimal.String()
}

func amount(n api.Number, unit string) string {
	if !n.Valid || unit == "" {
		return number(n)
	}
	return number(n) + " " + Clean(unit)
}

func quoteOf(m api.Market) string {
	if m.Instrument == nil {
		return ""
	}
	return m.Instrument.QuoteAsset
}

func baseOf(m api.Market) string {
	if m.Instrument == nil {
		return ""
	}
	return m.Instrument.BaseAsset
}

func change(n api.Number) string {
	switch {
	case !n.Valid:
		return unknown
	case n.Decimal.IsPositive():
		return "+" + n.Decimal.String() + " %"
	}
	return n.Decimal.String() + " %"
}

func funding(f api.Funding) string {
	if !f.Rate.Valid {
		return unknown
	}
	out := change(api.Of(f.Rate.Decimal.Mul(decimal.NewFromInt(100))))
	switch {
	case f.Rate.Decimal.IsPositive():
		out += ", longs pay"
	case f.Rate.Decimal.IsNegative():
		out += ", shorts pay"
	}
	if f.IntervalSeconds != nil {
		out += ", every " + Duration(time.Duration(*f.IntervalSeconds)*time.Second)
	} else {
		out += ", interval unknown"
	}
	if f.NextAt != nil && f.NextSeconds != nil {
		out += fmt.Sprintf(", next in %s (%s)", Duration(time.Duration(*f.NextSeconds)*time.Second), f.NextAt.Format(time.RFC3339))
	}
	return out
}

func freshness(m api.Market) string {
	parts := []string{fmt.Sprintf("price %s old", age(time.Duration(m.Freshness.PriceAgeSeconds*float64(time.Second))))}
	for _, i := range intervals(m.Freshness.CandleAgeSeconds) {
		parts = append(parts, fmt.Sprintf("%s candle closed %s ago", i, age(time.Duration(m.Freshness.CandleAgeSeconds[i])*time.Second)))
	}
	out := strings.Join(parts, ", ")
	if m.Freshness.Problem != nil {
		return out + ": it would not be decided on, as " + *m.Freshness.Problem
	}
	return out + ": fresh enough to be decided on"
}

func age(d time.Duration) string { return Duration(max(d, 0)) }

func candles(n *noteLines, i marketdata.Interval, all []api.Candle) {
	t := newTable()
	header := []string{string(i) + " closed", "open", "high", "low", "close", "volume"}
	t.AppendHeader(tableRow(header))
	rows := make([][]string, len(all))
	for k, c := range all {
		rows[k] = []string{c.CloseTime.Format(time.RFC3339), number(c.Open), number(c.High), number(c.Low), number(c.Close), number(c.Volume)}
		t.AppendRow(tableRow(rows[k]))
	}
	rightFrom(t, 2, len(header))
	n.records(t, header, rows)
}

// indicators has a row for each and a column for each interval.
func indicators(n *noteLines, m api.Market) {
	all := intervals(m.Indicators)
	header := []string{"indicator"}
	var rows [][]string
	for column, i := range all {
		header = append(header, string(i))
		set := m.Indicators[i]
		for k, line := range set.Lines() {
			if column == 0 {
				rows = append(rows, []string{strings.ReplaceAll(line.Name, "_", " ")})
			}
			value := unknown
			if v, ok := line.Line.Last(); ok {
				value = strconv.FormatFloat(v, 'g', 8, 64)
			}
			rows[k] = append(rows[k], value)
		}
	}
	if len(rows) == 0 {
		n.add("indicators", unknown)
		return
	}
	t := newTable()
	t.AppendHeader(tableRow(header))
	for _, row := range rows {
		t.AppendRow(tableRow(row))
	}
	rightFrom(t, 2, len(header))
	n.records(t, header, rows)
}
