package columns

import (
	"fmt"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/store"
)

// Decode is the row that Encode was given, or one of a single-asset system.
// The assets may be some of the row's: Row.Narrow keeps its refusals in step.
// What no Encode wrote is store.ErrCorrupt, beside the row with what could be
// read.
func Decode(d Decision, assets []Asset, calls []Call) (store.Row, error) {
	r := store.Row{
		ID: store.FromKey(d.UID), AccountID: store.FromKey(d.Account), At: d.At.UTC(),
		StrategyID: store.FromKey(d.Strategy), StrategyHash: d.StrategyHash, Model: d.Model, Source: d.Source, Reason: d.Reason,
		Cached: d.Cached,
		Usage:  llm.Usage{PromptTokens: int(d.PromptTokens), CompletionTokens: int(d.CompletionTokens), CostUSD: d.CostUSD},
	}
	r.Decision = decision.Decision{
		PortfolioRationale: d.PortfolioRationale, TotalAllocationUSD: d.TotalAllocationUSD,
		PortfolioRiskLevel: decision.RiskLevel(d.PortfolioRiskLevel), Timestamp: r.At,
	}
	var bad damage
	if d.GenerationTimeMS.Valid {
		var ok bool
		if r.Took, ok = duration(d.GenerationTimeMS.Decimal); !ok {
			bad.note("generation_time_ms is no time in whole microseconds")
		}
	}
	var refusals []decision.Refusal
	bad.read("errors", d.Errors, &refusals)
	bad.read("warnings", d.Warnings, &r.Warnings)
	bad.read("degraded", d.Degraded, &r.Degraded)
	r.Refused, r.Warnings, r.Degraded = orNil(named(refusals, store.FromKey)), orNil(r.Warnings), orNil(r.Degraded)
	if r.IsValid() != d.IsValid {
		bad.note("is_valid is %t with %d errors", d.IsValid, len(r.Refused))
	}
	for _, a := range assets {
		r.Decision.Decisions = append(r.Decision.Decisions, bad.asset(a, refusals))
	}
	for i, c := range calls {
		r.Calls = append(r.Calls, bad.call(i, c))
	}
	if bad.err != nil {
		return r, fmt.Errorf("%w: decision %.128q: %w", store.ErrCorrupt, r.ID, bad.err)
	}
	return r, nil
}

// damage is the first thing found wrong.
type damage struct{ err error }

func (b *damage) note(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf(format, args...)
	}
}

// read decodes a column; an empty one leaves the target as it is.
func (b *damage) read(name string, data []byte, target any) {
	if len(data) == 0 {
		return
	}
	if err := jsonx.Unmarshal(data, target); err != nil {
		b.note("%s: %w", name, err)
	}
}

func (b *damage) asset(a Asset, refusals []decision.Refusal) decision.AssetDecision {
	d := decision.AssetDecision{
		Asset: store.FromKey(a.Asset), Action: decision.Action(a.Action), AllocationUSD: a.AllocationUSD,
		TPPrice: a.TPPrice, SLPrice: a.SLPrice, ExitPlan: a.ExitPlan, Rationale: a.Rationale, Confidence: a.Confidence,
		RiskLevel: decision.RiskLevel(a.RiskLevel),
	}
	b.read("position_adjustment", a.PositionAdjustment, &d.PositionAdjustment)
	b.read("order_adjustment", a.OrderAdjustment, &d.OrderAdjustment)
	var own []decision.Refusal
	b.read("refusal", a.Refusal, &own)
	kept := 0
	for i := range refusals {
		if refusals[i].Asset == a.Asset {
			kept++
		}
	}
	if len(own) != kept || a.Refused != (kept > 0) {
		b.note("asset %.40q is refused %t with %d refusals of its own and %d among the errors", d.Asset, a.Refused, len(own), kept)
	}
	return d
}

func (b *damage) call(i int, c Call) llm.Attempt {
	took, ok := duration(c.LatencyMS)
	if !ok {
		b.note("latency_ms of call %d is no time in whole microseconds", i+1)
	}
	return llm.Attempt{
		Model: c.Model, Endpoint: c.Endpoint, Kind: llm.Kind(c.Status), Took: took,
		Usage: llm.Usage{PromptTokens: int(c.PromptTokens), CompletionTokens: int(c.CompletionTokens), CostUSD: c.CostUSD},
	}
}

// timeLayout has a fixed width, so that the order of its texts is that of the
// times, for years 0 to 9999.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// FormatTime is a time as text for databases that have no type for it: UTC, to
// the microsecond.
func FormatTime(t time.Time) string { return t.UTC().Truncate(time.Microsecond).Format(timeLayout) }

// ParseTime reads what FormatTime writes.
func ParseTime(text string) (time.Time, error) {
	t, err := time.Parse(timeLayout, text)
	if err != nil || FormatTime(t) != text {
		return time.Time{}, fmt.Errorf("%w: a time like %s, was %.40q", store.ErrCorrupt, timeLayout, text)
	}
	return t, nil
}

func orNil[T any](l []T) []T {
	if len(l) == 0 {
		return nil
	}
	return l
}
