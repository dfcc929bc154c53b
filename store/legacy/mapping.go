package legacy

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

type column struct {
	field string // of Mapping, and of the single-asset schema in reports
	name  *string
	limit int // in characters; longer values are read as far as one more
}

// columns are all but the id, in the order of raw.
func (m *Mapping) columns() []column {
	return []column{
		{"account_id", &m.AccountID, 40},
		{"timestamp", &m.Timestamp, 40},
		{"strategy_used", &m.StrategyUsed, MaxNameChars},
		{"model_used", &m.ModelUsed, MaxNameChars},
		{"symbol", &m.Symbol, MaxSymbolBytes},
		{"action", &m.Action, 40},
		{"allocation_usd", &m.AllocationUSD, maxNumberChars},
		{"tp_price", &m.TPPrice, maxNumberChars},
		{"sl_price", &m.SLPrice, maxNumberChars},
		{"exit_plan", &m.ExitPlan, MaxTextChars},
		{"rationale", &m.Rationale, MaxTextChars},
		{"confidence", &m.Confidence, maxNumberChars},
		{"risk_level", &m.RiskLevel, 40},
	}
}

func (m Mapping) withDefaults() Mapping {
	if m.Table == "" {
		m.Table = "decisions"
	}
	if m.ID == "" {
		m.ID = "id"
	}
	for _, c := range m.columns() {
		if *c.name == "" {
			*c.name = c.field
		}
	}
	return m
}

func (m Mapping) validate() error {
	names := map[string]string{"schema": m.Schema, "table": m.Table, "id": m.ID}
	for _, c := range m.columns() {
		names[c.field] = *c.name
	}
	var problems []error
	for field, name := range names {
		if len(name) > 128 || !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
			problems = append(problems, fmt.Errorf("legacy: the name for %s must have at most 128 bytes of UTF-8 without NUL, was %.40q", field, name))
		}
	}
	return errors.Join(problems...)
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (m Mapping) from() string {
	if m.Schema != "" {
		return quote(m.Schema) + "." + quote(m.Table)
	}
	return quote(m.Table)
}

// query reads a page as text, no value much longer than it may be. Texts of
// the source cannot exhaust memory, whatever they are.
func (m Mapping) query() string {
	var list strings.Builder
	for _, c := range m.columns() {
		fmt.Fprintf(&list, ", substr(CAST(t.%s AS text), 1, %d)", quote(*c.name), c.limit+1)
	}
	id := "t." + quote(m.ID)
	return "SELECT " + id + list.String() + " FROM " + m.from() + " t WHERE " + id + " > CAST($1 AS bigint) ORDER BY " + id + " LIMIT $2"
}
