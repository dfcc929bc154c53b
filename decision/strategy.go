package decision

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/marketdata"
)

// MaxLeverage is the highest leverage that accounts and strategies may use.
const MaxLeverage = 20

// StrategyType is the family of a strategy. The zero value is invalid.
type StrategyType string

// The strategy types.
const (
	StrategyConservative StrategyType = "conservative"
	StrategyAggressive   StrategyType = "aggressive"
	StrategyScalping     StrategyType = "scalping"
	StrategySwing        StrategyType = "swing"
	StrategyDCA          StrategyType = "dca"
	StrategyCustom       StrategyType = "custom"
)

// PositionSizing is how a strategy suggests sizes. The zero value is invalid.
type PositionSizing string

// The sizing methods.
const (
	SizingFixed              PositionSizing = "fixed"
	SizingPercentage         PositionSizing = "percentage"
	SizingKelly              PositionSizing = "kelly"
	SizingVolatilityAdjusted PositionSizing = "volatility_adjusted"
)

// OrderPreference is which orders a strategy asks the host to place. The zero
// value is invalid.
type OrderPreference string

// The order preferences.
const (
	OrdersMakerOnly      OrderPreference = "maker_only"
	OrdersMakerPreferred OrderPreference = "maker_preferred"
	OrdersTakerAccepted  OrderPreference = "taker_accepted"
)

// Strategy is data: limits that the gate enforces, preferences and a prompt.
type Strategy struct {
	ID          string       `json:"strategy_id"` // a–z 0–9 _, at most 64
	Name        string       `json:"strategy_name"`
	Type        StrategyType `json:"strategy_type"`
	Description string       `json:"description"`
	// Prompt is a text/template over Input, at most 16 KiB.
	Prompt              string                `json:"prompt"`
	Risk                RiskParameters        `json:"risk_parameters"`
	TimeframePreference []marketdata.Interval `json:"timeframe_preference"` // informative
	MaxPositions        int                   `json:"max_positions"`        // open at once, 1–50
	PositionSizing      PositionSizing        `json:"position_sizing"`
	OrderPreference     OrderPreference       `json:"order_preference"`
	// FundingRateThreshold is the funding rate per interval, in percent, from
	// which the prompt tells the model to weigh funding.
	FundingRateThreshold decimal.Decimal `json:"funding_rate_threshold"`
	IsActive             bool            `json:"is_active"`
}

// RiskParameters are a strategy's limits. Percentages are in percent units.
type RiskParameters struct {
	MaxRiskPerTrade    decimal.Decimal     `json:"max_risk_per_trade"`   // % of balance lost at the stop, > 0, ≤ 100
	MaxDailyLoss       decimal.Decimal     `json:"max_daily_loss"`       // % of the day's opening equity, > 0, ≤ 100
	StopLossPercentage decimal.Decimal     `json:"stop_loss_percentage"` // % of price, > 0, < 100
	TakeProfitRatio    decimal.Decimal     `json:"take_profit_ratio"`    // × stop distance, > 0
	MaxLeverage        decimal.Decimal     `json:"max_leverage"`         // 1–20
	CooldownSeconds    int                 `json:"cooldown_period"`      // between entries on an asset, ≥ 0
	MaxFundingRateBps  decimal.Decimal     `json:"max_funding_rate_bps"` // paid per funding interval, ≥ 0
	LiquidationBuffer  decimal.Decimal     `json:"liquidation_buffer"`   // fraction of price, 0–1
	StopRequired       bool                `json:"stop_required"`        // entries need a stop
	MinConfidence      decimal.NullDecimal `json:"min_confidence"`       // 0–100; null: none
	// MinRewardRisk is the least |target − price| ÷ |price − stop| of an entry,
	// which then needs both, above 0 to 100; null: none, below 1 warns.
	MinRewardRisk decimal.NullDecimal `json:"min_reward_risk,omitzero"`
}

// strategyFields must be present in a strategy document.
func strategyFields() []string {
	return []string{
		"strategy_id", "strategy_name", "strategy_type", "description", "prompt", "risk_parameters", "timeframe_preference",
		"max_positions", "position_sizing", "order_preference", "funding_rate_threshold", "is_active",
	}
}

// riskFields must be present in its risk parameters; min_confidence and
// min_reward_risk may be left out.
func riskFields() []string {
	return []string{
		"max_risk_per_trade", "max_daily_loss", "stop_loss_percentage", "take_profit_ratio", "max_leverage", "cooldown_period",
		"max_funding_rate_bps", "liquidation_buffer", "stop_required",
	}
}

// maxStrategyBytes bounds a strategy document.
const maxStrategyBytes = 64 << 10

// ReadStrategy reads a strategy document of at most 64 KiB. Unknown fields,
// missing fields and every broken bound are reported at once.
func ReadStrategy(r io.Reader) (Strategy, error) {
	data, err := readBounded(r, maxStrategyBytes)
	if err != nil {
		return Strategy{}, fmt.Errorf("decision: strategy: %w", err)
	}
	missing, err := missingFields(data)
	if err != nil {
		return Strategy{}, fmt.Errorf("decision: strategy: %w", err)
	}
	var s Strategy
	if err := jsonx.Unmarshal(data, &s); err != nil {
		return Strategy{}, errors.Join(missing, fmt.Errorf("decision: strategy: %w", err))
	}
	if missing != nil {
		return Strategy{}, missing
	}
	return s, s.Validate()
}

func missingFields(data []byte) (missing, malformed error) {
	var top map[string]json.RawMessage
	if err := jsonx.Unmarshal(data, &top); err != nil {
		return nil, err
	}
	var problems []error
	for _, f := range strategyFields() {
		if _, ok := top[f]; !ok {
			problems = append(problems, fmt.Errorf("decision: strategy: missing %s", f))
		}
	}
	if raw, ok := top["risk_parameters"]; ok {
		var risk map[string]json.RawMessage
		if err := jsonx.Unmarshal(raw, &risk); err != nil {
			return nil, fmt.Errorf("risk_parameters: %w", err)
		}
		for _, f := range riskFields() {
			if _, ok := risk[f]; !ok {
				problems = append(problems, fmt.Errorf("decision: strategy: missing risk_parameters.%s", f))
			}
		}
	}
	return errors.Join(problems...), nil
}

// Validate reports every problem of the strategy, its prompt template
// included.
func (s Strategy) Validate() error {
	problems := []error{s.validateLimits()}
	if len(s.Prompt) <= maxPromptBytes {
		if err := s.checkPrompt(); err != nil {
			problems = append(problems, fmt.Errorf("decision: strategy %.64q: prompt: %w", s.ID, err))
		}
	}
	return errors.Join(problems...)
}

// validateLimits is Validate without the execution of the template.
func (s Strategy) validateLimits() error {
	var problems []error
	add := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("decision: strategy %.64q: "+format, append([]any{s.ID}, args...)...))
	}
	if !validID(s.ID) {
		add("strategy_id must be 1 to 64 of a-z, 0-9 and _")
	}
	if s.Name == "" || len(s.Name) > 100 {
		add("strategy_name must have 1 to 100 characters, had %d", len(s.Name))
	}
	if s.MaxPositions < 1 || s.MaxPositions > 50 {
		add("max_positions must be between 1 and 50, was %d", s.MaxPositions)
	}
	if f := s.FundingRateThreshold; f.IsNegative() {
		add("funding_rate_threshold must not be negative, was %s", f)
	}
	s.checkChoices(add)
	s.Risk.check(add)
	if len(s.Prompt) > maxPromptBytes {
		add("prompt must be at most %d bytes, was %d", maxPromptBytes, len(s.Prompt))
	}
	return errors.Join(problems...)
}

func (s Strategy) checkChoices(add func(string, ...any)) {
	choice := func(field, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			add("%s must be one of %v, was %.40q", field, allowed, value)
		}
	}
	choice("strategy_type", string(s.Type), string(StrategyConservative), string(StrategyAggressive), string(StrategyScalping),
		string(StrategySwing), string(StrategyDCA), string(StrategyCustom))
	choice("position_sizing", string(s.PositionSizing), string(SizingFixed), string(SizingPercentage), string(SizingKelly), string(SizingVolatilityAdjusted))
	choice("order_preference", string(s.OrderPreference), string(OrdersMakerOnly), string(OrdersMakerPreferred), string(OrdersTakerAccepted))
	if len(s.TimeframePreference) == 0 || len(s.TimeframePreference) > 5 {
		add("timeframe_preference must number 1 to 5, were %d", len(s.TimeframePreference))
	}
	for _, i := range s.TimeframePreference {
		if !i.Valid() {
			add("timeframe_preference: unknown interval %.20q", string(i))
		}
	}
	has := func(wanted ...marketdata.Interval) bool {
		return slices.ContainsFunc(wanted, func(i marketdata.Interval) bool { return slices.Contains(s.TimeframePreference, i) })
	}
	if s.Type == StrategyScalping && !has(marketdata.Interval1m, marketdata.Interval5m, marketdata.Interval15m) {
		add("timeframe_preference of a scalping strategy needs one of 1m, 5m, 15m, was %v", s.TimeframePreference)
	}
	if s.Type == StrategySwing && !has(marketdata.Interval4h, marketdata.Interval1d) {
		add("timeframe_preference of a swing strategy needs 4h or 1d, was %v", s.TimeframePreference)
	}
}

func (r RiskParameters) check(add func(string, ...any)) {
	within := func(field string, value decimal.Decimal, low, high int64, openLow bool) {
		if value.LessThan(decimal.NewFromInt(low)) || openLow && value.Equal(decimal.NewFromInt(low)) || value.GreaterThan(decimal.NewFromInt(high)) {
			bound := "from"
			if openLow {
				bound = "above"
			}
			add("risk_parameters.%s must be %s %d to %d, was %s", field, bound, low, high, value)
		}
	}
	within("max_risk_per_trade", r.MaxRiskPerTrade, 0, 100, true)
	within("max_daily_loss", r.MaxDailyLoss, 0, 100, true)
	within("stop_loss_percentage", r.StopLossPercentage, 0, 99, true)
	within("take_profit_ratio", r.TakeProfitRatio, 0, 100, true)
	within("max_leverage", r.MaxLeverage, 1, MaxLeverage, false)
	within("cooldown_period", decimal.NewFromInt(int64(r.CooldownSeconds)), 0, 30*24*3600, false)
	within("max_funding_rate_bps", r.MaxFundingRateBps, 0, 10_000, false)
	within("liquidation_buffer", r.LiquidationBuffer, 0, 1, false)
	if r.MinConfidence.Valid {
		within("min_confidence", r.MinConfidence.Decimal, 0, 100, false)
	}
	if r.MinRewardRisk.Valid {
		within("min_reward_risk", r.MinRewardRisk.Decimal, 0, 100, true)
	}
	if r.MaxRiskPerTrade.GreaterThan(r.MaxDailyLoss) {
		add("risk_parameters.max_risk_per_trade must not be above max_daily_loss, was %s above %s", r.MaxRiskPerTrade, r.MaxDailyLoss)
	}
}

func validID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' {
			return false
		}
	}
	return true
}

// Hash is the SHA-256 of the strategy's JSON in hexadecimal: the version of
// its content. How a document wrote its numbers, order and space does not
// matter, nor do the host's settings of package decimal.
func (s Strategy) Hash() (string, error) {
	r := &s.Risk
	for _, d := range [...]*decimal.Decimal{
		&r.MaxRiskPerTrade, &r.MaxDailyLoss, &r.StopLossPercentage, &r.TakeProfitRatio, &r.MaxLeverage, &r.MaxFundingRateBps,
		&r.LiquidationBuffer, &s.FundingRateThreshold,
	} {
		*d = normal(*d)
	}
	for _, d := range [...]*decimal.NullDecimal{&r.MinConfidence, &r.MinRewardRisk} {
		if d.Decimal = normal(d.Decimal); !d.Valid {
			*d = decimal.NullDecimal{}
		}
	}
	data, err := s.MarshalJSON()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// normal is d in the one form that prints as the same digits under any setting
// of package decimal.
func normal(d decimal.Decimal) decimal.Decimal {
	if !inRange(d) {
		return d
	}
	if d = d.Normalize(); d.Exponent() > 0 {
		d = decimal.NewFromBigInt(d.BigInt(), 0)
	}
	return d
}

// MarshalJSON writes decimals as JSON numbers with their exact digits.
func (s Strategy) MarshalJSON() ([]byte, error) {
	return jsonx.Marshal(s.plain())
}

// plainStrategy is a Strategy without its methods.
type plainStrategy Strategy

// plain is the strategy as it is encoded: a limit that is null and has digits
// all the same is left out like any that is null.
func (s Strategy) plain() plainStrategy {
	if !s.Risk.MinRewardRisk.Valid {
		s.Risk.MinRewardRisk = decimal.NullDecimal{}
	}
	return plainStrategy(s)
}

// UnmarshalJSON rejects unknown, duplicate and case-variant members; unlike
// ReadStrategy it does not validate.
func (s *Strategy) UnmarshalJSON(data []byte) error {
	return jsonx.Unmarshal(data, (*plainStrategy)(s))
}
