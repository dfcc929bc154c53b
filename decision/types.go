package decision

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
)

// Action is what to do with an asset. The zero value is invalid.
type Action string

// The actions. Buy opens (or adds to) a long, sell a short.
const (
	ActionBuy            Action = "buy"
	ActionSell           Action = "sell"
	ActionHold           Action = "hold"
	ActionAdjustPosition Action = "adjust_position"
	ActionClosePosition  Action = "close_position"
	ActionAdjustOrders   Action = "adjust_orders"
)

// Actions lists the valid actions.
func Actions() []Action {
	return []Action{ActionBuy, ActionSell, ActionHold, ActionAdjustPosition, ActionClosePosition, ActionAdjustOrders}
}

// Valid reports whether the action is one of the constants.
func (a Action) Valid() bool {
	switch a {
	case ActionBuy, ActionSell, ActionHold, ActionAdjustPosition, ActionClosePosition, ActionAdjustOrders:
		return true
	}
	return false
}

// RiskLevel is how risky whoever proposed finds a decision. The zero value is
// invalid.
type RiskLevel string

// The risk levels.
const (
	RiskLow    RiskLevel = "low"
	RiskMedium RiskLevel = "medium"
	RiskHigh   RiskLevel = "high"
)

// Valid reports whether the level is one of the constants.
func (r RiskLevel) Valid() bool { return r == RiskLow || r == RiskMedium || r == RiskHigh }

// AdjustmentType is the direction of a position adjustment. The zero value is
// invalid.
type AdjustmentType string

// The adjustment types.
const (
	AdjustIncrease AdjustmentType = "increase"
	AdjustDecrease AdjustmentType = "decrease"
)

// Valid reports whether the type is one of the constants.
func (a AdjustmentType) Valid() bool { return a == AdjustIncrease || a == AdjustDecrease }

// PositionAdjustment changes the size of an open position, and its orders
// when new prices are given.
type PositionAdjustment struct {
	Type       AdjustmentType      `json:"adjustment_type"`
	AmountUSD  decimal.Decimal     `json:"adjustment_amount_usd"` // notional, > 0
	Percentage decimal.NullDecimal `json:"adjustment_percentage"` // of the position, 0–100; informative
	NewTPPrice decimal.NullDecimal `json:"new_tp_price"`          // null: unchanged
	NewSLPrice decimal.NullDecimal `json:"new_sl_price"`          // null: unchanged
}

// OrderAdjustment moves or cancels the protective orders of an open position.
type OrderAdjustment struct {
	AdjustTP   bool                `json:"adjust_tp"`
	AdjustSL   bool                `json:"adjust_sl"`
	CancelTP   bool                `json:"cancel_tp"`
	CancelSL   bool                `json:"cancel_sl"`
	NewTPPrice decimal.NullDecimal `json:"new_tp_price"` // with AdjustTP
	NewSLPrice decimal.NullDecimal `json:"new_sl_price"` // with AdjustSL
}

// AssetDecision is what to do with one asset.
type AssetDecision struct {
	Asset  string `json:"asset"`
	Action Action `json:"action"`
	// AllocationUSD is the notional of the position to open (price ×
	// quantity); the margin that it ties up is this ÷ leverage. Zero unless
	// the action is buy or sell.
	AllocationUSD      decimal.Decimal     `json:"allocation_usd"`
	PositionAdjustment *PositionAdjustment `json:"position_adjustment"` // with adjust_position
	OrderAdjustment    *OrderAdjustment    `json:"order_adjustment"`    // with adjust_orders
	TPPrice            decimal.NullDecimal `json:"tp_price"`            // take profit; null: none
	SLPrice            decimal.NullDecimal `json:"sl_price"`            // stop loss; null: none
	ExitPlan           string              `json:"exit_plan"`
	Rationale          string              `json:"rationale"`
	Confidence         decimal.Decimal     `json:"confidence"` // 0–100
	RiskLevel          RiskLevel           `json:"risk_level"`
}

// AddsRisk reports whether the action can increase what may be lost, judged
// without knowledge of the position: every move of a stop counts, because it
// may be a move away. Input.AddsRisk knows the position and is exact.
func (d AssetDecision) AddsRisk() bool {
	switch d.Action {
	case ActionBuy, ActionSell:
		return true
	case ActionAdjustPosition:
		return d.PositionAdjustment != nil && d.PositionAdjustment.Type != AdjustDecrease
	case ActionAdjustOrders:
		return d.OrderAdjustment != nil && (d.OrderAdjustment.CancelSL || d.OrderAdjustment.AdjustSL)
	case ActionHold, ActionClosePosition:
		return false
	}
	return true // an unknown action can do anything
}

// Decision is what to do with every asset that was asked about.
type Decision struct {
	Decisions          []AssetDecision `json:"decisions"`
	PortfolioRationale string          `json:"portfolio_rationale"`
	TotalAllocationUSD decimal.Decimal `json:"total_allocation_usd"` // Σ AllocationUSD
	PortfolioRiskLevel RiskLevel       `json:"portfolio_risk_level"`
	Timestamp          time.Time       `json:"timestamp"` // set by the engine, UTC
}

// Proposal is a decision that nobody has checked, from the model or a Scorer.
type Proposal struct {
	Decision    Decision     `json:"decision"`
	Assessments []Assessment `json:"assessments,omitempty"` // from a Scorer
	Degraded    []string     `json:"degraded,omitempty"`    // what the Scorer had to do without
}

// Assessment is a Scorer's risk score of one asset, as if it were entered on
// either side.
type Assessment struct {
	Symbol   string    `json:"symbol"`
	AsOf     time.Time `json:"as_of"` // close of the newest candle, UTC
	Long     Score     `json:"long"`
	Short    Score     `json:"short"`
	Degraded []string  `json:"degraded"` // inputs that were missing
}

// Score is a risk score from 0 (calm) to 100 (dangerous) with its parts:
// Raw = Base + Σ Points, Score = Raw clamped to 0–100.
type Score struct {
	Base          int           `json:"base"`
	Contributions Contributions `json:"contributions"`
	Raw           int           `json:"raw"`
	Score         int           `json:"score"`
}

// Contributions are the four factors of a Score.
type Contributions struct {
	RSI         Contribution `json:"rsi"`
	Volatility  Contribution `json:"volatility"`
	Trend       Contribution `json:"trend"`
	PriceChange Contribution `json:"price_change"`
}

// Contribution is what one factor adds to a Score. WeightPercent labels the
// factor's intended importance; it does not multiply the points.
type Contribution struct {
	Input         Measure `json:"input"`
	Points        int     `json:"points"`
	WeightPercent int     `json:"weight_percent"`
}

// Measure is a measured value in digits or in a word, empty when it is
// missing. As JSON it is a number, a string or null.
type Measure string

// MarshalJSON writes digits as the number that they are.
func (m Measure) MarshalJSON() ([]byte, error) {
	switch {
	case m == "":
		return []byte("null"), nil
	case jsonx.IsNumber(string(m)):
		return []byte(m), nil
	}
	return jsonx.Marshal(string(m))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Measure) UnmarshalJSON(data []byte) error {
	if jsonx.IsNumber(string(data)) {
		*m = Measure(data)
		return nil
	}
	var text *string
	if err := jsonx.Unmarshal(data, &text); err != nil {
		return err
	}
	*m = ""
	if text != nil {
		*m = Measure(*text)
	}
	return nil
}

// Origin says who proposed a decision. The zero value is invalid.
type Origin string

// The origins.
const (
	OriginModel    Origin = "model"
	OriginFallback Origin = "fallback" // the Scorer, because the model did not answer usably
	OriginHold     Origin = "hold"     // nobody: neither model nor Scorer answered
)

// Side is the direction of a position. The zero value is invalid.
type Side string

// The sides.
const (
	Long  Side = "long"
	Short Side = "short"
)

// Valid reports whether the side is one of the constants.
func (s Side) Valid() bool { return s == Long || s == Short }

// MarshalJSON writes decimals as JSON numbers with their exact digits.
func (d Decision) MarshalJSON() ([]byte, error) {
	type plain Decision
	return jsonx.Marshal(plain(d))
}

// UnmarshalJSON accepts decimals as numbers and as strings of digits, and
// rejects unknown, duplicate and case-variant members.
func (d *Decision) UnmarshalJSON(data []byte) error {
	type plain Decision
	return jsonx.Unmarshal(data, (*plain)(d))
}

// MarshalJSON writes decimals as JSON numbers with their exact digits.
func (d AssetDecision) MarshalJSON() ([]byte, error) {
	type plain AssetDecision
	return jsonx.Marshal(plain(d))
}

// UnmarshalJSON decodes as Decision does.
func (d *AssetDecision) UnmarshalJSON(data []byte) error {
	type plain AssetDecision
	return jsonx.Unmarshal(data, (*plain)(d))
}
