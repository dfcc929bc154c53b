package store

import (
	"slices"
	"strings"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm"
)

// Project is what a record says in columns. It is a function of the record
// alone, so that whoever has both can tell whether the columns were edited.
func Project(r decision.Record) (Row, error) {
	hash, err := r.Input.Strategy.Hash()
	if err != nil {
		return Row{}, err
	}
	res := r.Result
	row := Row{
		ID: res.ID, AccountID: r.Input.Account.ID, At: micros(res.At),
		Decision: decision.Decision{
			Decisions:          slices.Clone(res.Decision.Decisions),
			PortfolioRationale: plainText(res.Decision.PortfolioRationale), TotalAllocationUSD: res.Decision.TotalAllocationUSD,
			PortfolioRiskLevel: res.Decision.PortfolioRiskLevel, Timestamp: micros(res.At),
		},
		StrategyID: r.Input.Strategy.ID, StrategyHash: hash, Model: plainText(res.Model), Source: string(res.Origin), Reason: plainText(res.Reason),
		Cached: res.Cached, Took: res.Took.Truncate(time.Microsecond),
		Usage: countedUsage(res.Usage),
		Calls: slices.Clone(res.Tried),
	}
	for i := range row.Decision.Decisions {
		row.Decision.Decisions[i] = plainAsset(row.Decision.Decisions[i])
	}
	for _, r := range res.Refused {
		row.Refused = append(row.Refused, decision.Refusal{Asset: r.Asset, Was: plainAsset(r.Was), Violations: plainViolations(r.Violations)})
	}
	row.Warnings = plainViolations(res.Warnings)
	for _, d := range res.Degraded {
		row.Degraded = append(row.Degraded, plainText(d))
	}
	for i := range row.Calls {
		c := &row.Calls[i]
		c.Model, c.Endpoint, c.Took = plainText(c.Model), plainText(c.Endpoint), c.Took.Truncate(time.Microsecond)
		c.Usage = countedUsage(c.Usage)
	}
	return row, nil
}

// countedUsage is what columns hold of a usage.
func countedUsage(u llm.Usage) llm.Usage {
	return llm.Usage{PromptTokens: u.PromptTokens, CompletionTokens: u.CompletionTokens, CostUSD: u.CostUSD}
}

func micros(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// plainText is text that every database takes.
func plainText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

func plainAsset(d decision.AssetDecision) decision.AssetDecision {
	d.ExitPlan, d.Rationale = plainText(d.ExitPlan), plainText(d.Rationale)
	if a := d.PositionAdjustment; a != nil {
		own := *a
		d.PositionAdjustment = &own
	}
	if a := d.OrderAdjustment; a != nil {
		own := *a
		d.OrderAdjustment = &own
	}
	return d
}

func plainViolations(all []decision.Violation) []decision.Violation {
	all = slices.Clone(all)
	for i := range all {
		v := &all[i]
		v.Asset, v.Limit, v.Value, v.Message = plainText(v.Asset), plainText(v.Limit), plainText(v.Value), plainText(v.Message)
	}
	return all
}

// Key is an identity (the id of a record, account or strategy, an asset) as
// every database takes it: NUL is written \0 and a backslash twice. Different
// identities stay different; FromKey reads it.
func Key(id string) string { return keyEscaper.Replace(id) }

// FromKey reads what Key writes.
func FromKey(key string) string { return keyReader.Replace(key) }

//nolint:gochecknoglobals // two tables that never change
var (
	keyEscaper = strings.NewReplacer("\\", "\\\\", "\x00", "\\0")
	keyReader  = strings.NewReplacer("\\\\", "\\", "\\0", "\x00")
)
