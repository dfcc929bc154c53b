package columns

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/store"
)

// Decision is a row of table decisions without its link and its executions.
type Decision struct {
	UID                string // store.Key
	Account            string // store.Key; accounts.name
	At                 time.Time
	Strategy           string // strategy_used, store.Key; null reads as empty, and so in all texts
	StrategyHash       string
	Model              string // model_used
	Source             string
	Reason             string
	PortfolioRationale string
	TotalAllocationUSD decimal.Decimal
	PortfolioRiskLevel string
	IsValid            bool
	Errors             []byte // JSON array of all refusals; empty: none, and so for the next two
	Warnings           []byte // JSON array of violations
	Degraded           []byte // JSON array of texts
	Cached             bool
	GenerationTimeMS   decimal.NullDecimal // null: legacy
	PromptTokens       int64
	CompletionTokens   int64
	CostUSD            decimal.NullDecimal
}

// Asset is a row of table asset_decisions.
type Asset struct {
	Position           int    // 0, 1, 2 …
	Asset              string // store.Key
	Action             string
	AllocationUSD      decimal.Decimal
	TPPrice, SLPrice   decimal.NullDecimal
	ExitPlan           string
	Rationale          string
	Confidence         decimal.Decimal
	RiskLevel          string
	PositionAdjustment []byte // JSON object; nil: null
	OrderAdjustment    []byte // JSON object; nil: null
	Refused            bool
	Refusal            []byte // JSON array of the refusals of the asset; nil: null
}

// Call is a row of table llm_calls.
type Call struct {
	Attempt          int // 1, 2, 3 …
	Model, Endpoint  string
	Status           string
	LatencyMS        decimal.Decimal
	PromptTokens     int64
	CompletionTokens int64
	CostUSD          decimal.NullDecimal
}

// millis is a duration of whole microseconds as milliseconds.
func millis(d time.Duration) decimal.Decimal { return decimal.New(d.Microseconds(), -3) }

// maxMillis is above any duration.
var maxMillis = decimal.New(1, 13) //nolint:gochecknoglobals // a bound that never changes

// duration is what millis wrote; false for what it did not write.
func duration(ms decimal.Decimal) (time.Duration, bool) {
	if ms.Exponent() > 20 || ms.Exponent() < -60 || ms.Abs().GreaterThan(maxMillis) {
		return 0, false
	}
	micros := ms.Shift(3)
	return time.Duration(micros.IntPart()) * time.Microsecond, micros.IsInteger()
}

// Legacy reports whether the row came from a single-asset system.
func (d Decision) Legacy() bool { return d.Source == store.SourceLegacy }
