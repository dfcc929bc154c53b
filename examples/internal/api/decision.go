// Package api has the JSON shapes that the command line and the server answer
// with.
package api

import (
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// Decision answers POST /decisions/generate and "decide --json".
type Decision struct {
	Decision   decision.Decision `json:"decision"`
	Context    Context           `json:"context"`
	Validation Validation        `json:"validation"`
	Metadata   Metadata          `json:"metadata"`
}

// Context is what the decision was made from.
type Context struct {
	Symbols      []string         `json:"symbols"`
	AccountID    string           `json:"account_id"`
	AsOf         time.Time        `json:"as_of"` // UTC
	MarketData   MarketData       `json:"market_data"`
	AccountState decision.Account `json:"account_state"`
	Risk         Risk             `json:"risk"`
}

// MarketData has the assets that could be decided on, by symbol.
type MarketData struct {
	Assets map[string]Asset `json:"assets"`
}

// Asset is the market of one asset. Null is unknown.
type Asset struct {
	Symbol         string                                `json:"symbol"`
	AsOf           time.Time                             `json:"as_of"` // of the price, UTC
	CurrentPrice   Number                                `json:"current_price"`
	PriceChange24h Number                                `json:"price_change_24h"` // percent, to the current price; that of a score is to the last close
	Volume24h      Number                                `json:"volume_24h"`       // in the quote asset
	Volatility     *float64                              `json:"volatility"`       // percent per day
	FundingRate    Number                                `json:"funding_rate"`     // fraction of the notional
	LastCandle     *Candle                               `json:"last_candle"`      // the newest that had closed
	Indicators     map[marketdata.Interval]indicator.Set `json:"indicators"`       // the newest values by interval
}

// Candle is a closed candle of the decision's interval.
type Candle struct {
	OpenTime  time.Time `json:"open_time"`
	CloseTime time.Time `json:"close_time"`
	Open      Number    `json:"open"`
	High      Number    `json:"high"`
	Low       Number    `json:"low"`
	Close     Number    `json:"close"`
	Volume    Number    `json:"volume"` // in the base asset
}

// Risk is what the limits left room for, and the risk scores.
type Risk struct {
	MaxTotalAllocationUSD Number               `json:"max_total_allocation_usd"`
	MaxNewPositions       int                  `json:"max_new_positions"`
	Assets                map[string]AssetRisk `json:"assets"`
}

// AssetRisk is the room for one asset. A zero maximum means that the side may
// not be entered; the limits name the rules that bind.
type AssetRisk struct {
	MaxLongUSD  Number `json:"max_long_usd"`  // notional
	MaxShortUSD Number `json:"max_short_usd"` // notional
	LongLimit   string `json:"long_limit"`
	ShortLimit  string `json:"short_limit"`
	// SuggestedLongUSD and SuggestedShortUSD are sizes by the strategy's
	// position_sizing, at most the maxima; null: it needs what is not known.
	SuggestedLongUSD  Number               `json:"suggested_long_usd"`
	SuggestedShortUSD Number               `json:"suggested_short_usd"`
	StopPercent       Number               `json:"stop_percent"` // distance that the maxima assume
	MaxLossUSD        Number               `json:"max_loss_usd"` // at the stop
	Scores            *decision.Assessment `json:"scores"`       // null: not scored
}

// Validation is the risk gate's verdict on what was proposed.
type Validation struct {
	IsValid  bool                 `json:"is_valid"` // nothing was refused
	Errors   []decision.Violation `json:"errors"`   // one of the whole proposal, without an asset, stands once
	Warnings []decision.Violation `json:"warnings"`
}

// Metadata says how the decision came about.
type Metadata struct {
	DecisionID       string             `json:"decision_id"`
	GenerationTimeMs int64              `json:"generation_time_ms"`
	ModelUsed        *string            `json:"model_used"` // null: no model's answer was used
	Strategy         string             `json:"strategy"`
	StrategyHash     string             `json:"strategy_hash"` // SHA-256 of its content
	Cached           bool               `json:"cached"`
	Source           decision.Origin    `json:"source"`
	Reason           string             `json:"reason"`
	Degraded         []string           `json:"degraded"`
	CircuitState     *string            `json:"circuit_state"`      // closed, open, half_open or cooldown; null: no model is configured
	NextProbeSeconds *int64             `json:"next_probe_seconds"` // until the circuit lets a call through; null: it does, or that is not known
	Attempts         []Attempt          `json:"attempts"`           // calls to models, in order, and those that were refused
	Usage            Usage              `json:"usage"`
	Refused          []decision.Refusal `json:"refused"`
}

// Attempt is one call to a model.
type Attempt struct {
	Model      string `json:"model"`    // as asked
	Endpoint   string `json:"endpoint"` // its host, or a name
	Outcome    string `json:"outcome"`  // "answered", "not_asked", or the kind of the failure: "timeout", "server", …
	DurationMs int64  `json:"duration_ms"`
	Usage      Usage  `json:"usage"`
}

// The outcomes of an Attempt that are no kind of failure.
const (
	OutcomeAnswered = "answered"  // whether the answer could be used or not
	OutcomeNotAsked = "not_asked" // refused here: an open circuit, an exhausted budget
)

// Circuit is the state of the breaker that the decision depended on: that
// which refused, else that of the first model.
type Circuit struct {
	State string
	Wait  time.Duration // until it lets a call through; 0: at once, or not known
}

// Usage is what was asked of the model, as its provider reported it. Null was
// not reported.
type Usage struct {
	PromptTokens     *int   `json:"prompt_tokens"`
	CompletionTokens *int   `json:"completion_tokens"`
	CostUSD          Number `json:"cost_usd"`
}
