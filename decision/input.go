package decision

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// IndicatorDepth is how many values of each indicator an Input holds.
const IndicatorDepth = 10

// Input is everything that a decision is made from. Proposals, the envelope
// and the gate are functions of it. It is read-only once the engine made it.
type Input struct {
	At           time.Time           `json:"at"` // when the decision is made, UTC
	Symbols      []string            `json:"symbols"`
	Interval     marketdata.Interval `json:"interval"`
	LongInterval marketdata.Interval `json:"long_interval"`
	Account      Account             `json:"account"`
	Strategy     Strategy            `json:"strategy"`
	// Market holds fresh assets only; every other symbol is in its Failures.
	Market marketdata.Snapshot `json:"market"`
	// Indicators are the newest IndicatorDepth values by symbol and interval.
	// A symbol with too few candles is absent.
	Indicators map[string]map[marketdata.Interval]indicator.Set `json:"indicators"`
	Envelope   Envelope                                         `json:"envelope"`
	Halted     bool                                             `json:"halted"` // a kill switch is on
	// Halt is the kill switch that is on, when the engine's Halts named it.
	Halt *Halt `json:"halt,omitempty"`
}

// Envelope is what the gate would let a proposal do.
type Envelope struct {
	Assets []AssetEnvelope `json:"assets"` // in the order of Input.Symbols
	// TotalUSD is the most that all new positions together may be, at the
	// account's leverage.
	TotalUSD decimal.Decimal `json:"total_usd"`
	// NewPositions is how many more assets may be entered.
	NewPositions int `json:"new_positions"`
}

// AssetEnvelope is the room of one asset. A zero maximum means that the side
// may not be entered; LongLimit and ShortLimit name the rule that binds.
type AssetEnvelope struct {
	Asset       string          `json:"asset"`
	Actions     []Action        `json:"actions"`
	MaxLongUSD  decimal.Decimal `json:"max_long_usd"`  // notional
	MaxShortUSD decimal.Decimal `json:"max_short_usd"` // notional
	LongLimit   string          `json:"long_limit"`
	ShortLimit  string          `json:"short_limit"`
	// SuggestedLongUSD and SuggestedShortUSD are the sizes of the strategy's
	// PositionSizing, at most the maxima; null: it needs what is not known.
	SuggestedLongUSD  decimal.NullDecimal `json:"suggested_long_usd"`
	SuggestedShortUSD decimal.NullDecimal `json:"suggested_short_usd"`
	// StopPercent is the stop distance that the maxima assume, MaxLossUSD
	// the loss at the stop that the position may have at most: a wider stop
	// allows MaxLossUSD ÷ distance.
	StopPercent decimal.Decimal `json:"stop_percent"`
	MaxLossUSD  decimal.Decimal `json:"max_loss_usd"`
	// MaxStopPercent is the distance, in percent of the price, beyond which a
	// stop would come after liquidation. Null: not computed.
	MaxStopPercent decimal.NullDecimal `json:"max_stop_percent"`
}

// Asset is the envelope of one asset; false when it was not asked about.
func (e Envelope) Asset(symbol string) (AssetEnvelope, bool) {
	for i := range e.Assets {
		if e.Assets[i].Asset == symbol {
			return e.Assets[i], true
		}
	}
	return AssetEnvelope{}, false
}

// Set is the indicators of a symbol and interval; false when absent.
func (in Input) Set(symbol string, interval marketdata.Interval) (indicator.Set, bool) {
	set, ok := in.Indicators[symbol][interval]
	return set, ok
}

// MarshalJSON writes decimals as JSON numbers with their exact digits.
func (in Input) MarshalJSON() ([]byte, error) {
	type plain Input
	return jsonx.Marshal(plain(in))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (in *Input) UnmarshalJSON(data []byte) error {
	type plain Input
	return jsonx.Unmarshal(data, (*plain)(in))
}
