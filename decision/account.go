package decision

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
)

// Account is the state of one trading account when a decision is asked for.
// Amounts are USD; what can be derived is derived, never given.
type Account struct {
	ID                 string          `json:"account_id"`
	BalanceUSD         decimal.Decimal `json:"balance_usd"`           // wallet, without unrealised P&L
	AvailableUSD       decimal.Decimal `json:"available_usd"`         // free for new margin
	Leverage           decimal.Decimal `json:"leverage"`              // of new positions, 1–20
	MaxPositionSizeUSD decimal.Decimal `json:"max_position_size_usd"` // notional per asset, > 0
	MakerFeeBps        decimal.Decimal `json:"maker_fee_bps"`
	TakerFeeBps        decimal.Decimal `json:"taker_fee_bps"`
	Positions          []Position      `json:"positions"` // at most one a symbol
	// RealizedPnLTodayUSD is since 00:00 UTC, fees and funding included.
	RealizedPnLTodayUSD decimal.Decimal      `json:"realized_pnl_today_usd"`
	EquityAtMidnightUSD decimal.NullDecimal  `json:"equity_at_midnight_usd"`  // at 00:00 UTC; null: unknown
	LastEntryAt         map[string]time.Time `json:"last_entry_at,omitempty"` // newest entry by symbol
	Halted              bool                 `json:"halted"`                  // kill switch of the account
	// MarginMode is that of new positions. Empty is unknown: limits then hold
	// for either mode.
	MarginMode MarginMode `json:"margin_mode,omitempty"`
	// TrackRecord is what the strategy has won and lost so far; null: unknown.
	TrackRecord *TrackRecord `json:"track_record,omitempty"`
}

// MarginMode says what backs a position. The zero value is unknown.
type MarginMode string

// The margin modes.
const (
	MarginIsolated MarginMode = "isolated" // its own margin alone
	MarginCross    MarginMode = "cross"    // the whole balance, shared with the other cross positions
)

// Valid reports whether the mode is one of the constants.
func (m MarginMode) Valid() bool { return m == MarginIsolated || m == MarginCross }

// TrackRecord counts closed trades, for Kelly sizing. It is measured by the
// host, never assumed.
type TrackRecord struct {
	Trades int `json:"trades"` // closed so far, 0–1,000,000
	Wins   int `json:"wins"`   // of them closed with a gain after fees
}

// problem names what is wrong with the counts, empty when nothing is.
func (r TrackRecord) problem() string {
	if r.Trades < 0 || r.Trades > 1_000_000 || r.Wins < 0 || r.Wins > r.Trades {
		return fmt.Sprintf("track_record must have 0 to 1000000 trades and of them 0 to all wins, had %d and %d", r.Trades, r.Wins)
	}
	return ""
}

// Position is an open position.
type Position struct {
	Symbol     string              `json:"symbol"`
	Side       Side                `json:"side"`
	Quantity   decimal.Decimal     `json:"quantity"`    // base units, > 0 on both sides
	EntryPrice decimal.Decimal     `json:"entry_price"` // > 0
	MarkPrice  decimal.Decimal     `json:"mark_price"`  // > 0
	Leverage   decimal.Decimal     `json:"leverage"`    // ≥ 1
	TPPrice    decimal.NullDecimal `json:"tp_price"`    // resting take profit; null: none
	SLPrice    decimal.NullDecimal `json:"sl_price"`    // resting stop loss; null: none
	OpenedAt   time.Time           `json:"opened_at,omitzero"`
	MarginMode MarginMode          `json:"margin_mode,omitempty"` // empty: that of the account
}

// NotionalUSD is quantity × mark price.
func (p Position) NotionalUSD() decimal.Decimal { return p.Quantity.Mul(p.MarkPrice) }

// MarginUSD is the notional ÷ leverage, rounded up to 8 places.
func (p Position) MarginUSD() decimal.Decimal { return divUp(p.NotionalUSD(), p.Leverage) }

// UnrealizedPnLUSD is what closing at the mark price would gain, without fees.
func (p Position) UnrealizedPnLUSD() decimal.Decimal {
	move := p.MarkPrice.Sub(p.EntryPrice)
	if p.Side == Short {
		move = move.Neg()
	}
	return move.Mul(p.Quantity)
}

// Position is the open position in a symbol; false when there is none.
func (a Account) Position(symbol string) (Position, bool) {
	for i := range a.Positions {
		if a.Positions[i].Symbol == symbol {
			return a.Positions[i], true
		}
	}
	return Position{}, false
}

// UnrealizedPnLUSD is the sum over all open positions.
func (a Account) UnrealizedPnLUSD() decimal.Decimal {
	total := decimal.Zero
	for i := range a.Positions {
		total = total.Add(a.Positions[i].UnrealizedPnLUSD())
	}
	return total
}

// MarginUSD is the margin of all open positions.
func (a Account) MarginUSD() decimal.Decimal {
	total := decimal.Zero
	for i := range a.Positions {
		total = total.Add(a.Positions[i].MarginUSD())
	}
	return total
}

// EquityUSD is balance plus unrealised P&L.
func (a Account) EquityUSD() decimal.Decimal { return a.BalanceUSD.Add(a.UnrealizedPnLUSD()) }

// maxPositions bounds an account state: no exchange lists more perpetuals.
const maxPositions = 1000

// Validate reports every problem of the state.
func (a Account) Validate() error {
	var problems []error
	add := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("decision: account: "+format, args...))
	}
	if !inRange(a.BalanceUSD, a.AvailableUSD, a.Leverage, a.MaxPositionSizeUSD, a.MakerFeeBps, a.TakerFeeBps, a.RealizedPnLTodayUSD, a.EquityAtMidnightUSD.Decimal) {
		add("an amount has an exponent or digits out of range")
		return errors.Join(problems...) // printing or comparing it could take minutes
	}
	if a.ID == "" || len(a.ID) > 100 {
		add("account_id must have 1 to 100 characters, had %d", len(a.ID))
	}
	if a.AvailableUSD.IsNegative() {
		add("available_usd must not be negative, was %s", a.AvailableUSD)
	}
	if a.Leverage.LessThan(decimal.NewFromInt(1)) || a.Leverage.GreaterThan(decimal.NewFromInt(MaxLeverage)) {
		add("leverage must be between 1 and %d, was %s", MaxLeverage, a.Leverage)
	}
	if !a.MaxPositionSizeUSD.IsPositive() {
		add("max_position_size_usd must be positive, was %s", a.MaxPositionSizeUSD)
	}
	if a.MarginMode != "" && !a.MarginMode.Valid() {
		add("margin_mode must be isolated or cross, was %.20q", string(a.MarginMode))
	}
	if a.TrackRecord != nil {
		if problem := a.TrackRecord.problem(); problem != "" {
			add("%s", problem)
		}
	}
	if len(a.Positions) > maxPositions {
		add("positions must number at most %d, were %d", maxPositions, len(a.Positions))
	}
	seen := make(map[string]bool, len(a.Positions))
	for i, p := range a.Positions {
		if seen[p.Symbol] {
			add("positions[%d]: a second position in %.40q (hedge mode is not supported)", i, p.Symbol)
		}
		seen[p.Symbol] = true
		for _, problem := range p.problems() {
			add("positions[%d]: %s", i, problem)
		}
	}
	return errors.Join(problems...)
}

func (p Position) problems() (out []string) {
	if !inRange(p.Quantity, p.EntryPrice, p.MarkPrice, p.Leverage, p.TPPrice.Decimal, p.SLPrice.Decimal) {
		return []string{"a number has an exponent or digits out of range"}
	}
	if p.Symbol == "" || len(p.Symbol) > 40 {
		out = append(out, fmt.Sprintf("symbol must have 1 to 40 characters, had %d", len(p.Symbol)))
	} else if p.Symbol != strings.ToUpper(p.Symbol) || strings.TrimSpace(p.Symbol) != p.Symbol {
		out = append(out, fmt.Sprintf("symbol must be in upper case without spaces, was %q", p.Symbol))
	}
	if !p.Side.Valid() {
		out = append(out, fmt.Sprintf("side must be long or short, was %.20q", string(p.Side)))
	}
	for _, f := range [...]struct {
		name  string
		value decimal.Decimal
	}{{"quantity", p.Quantity}, {"entry_price", p.EntryPrice}, {"mark_price", p.MarkPrice}} {
		if !f.value.IsPositive() {
			out = append(out, fmt.Sprintf("%s must be positive, was %s", f.name, f.value))
		}
	}
	if p.Leverage.LessThan(decimal.NewFromInt(1)) {
		out = append(out, fmt.Sprintf("leverage must be at least 1, was %s", p.Leverage))
	}
	if p.MarginMode != "" && !p.MarginMode.Valid() {
		out = append(out, fmt.Sprintf("margin_mode must be isolated or cross, was %.20q", string(p.MarginMode)))
	}
	for _, f := range [...]struct {
		name  string
		value decimal.NullDecimal
	}{{"tp_price", p.TPPrice}, {"sl_price", p.SLPrice}} {
		if f.value.Valid && !f.value.Decimal.IsPositive() {
			out = append(out, fmt.Sprintf("%s must be positive, was %s", f.name, f.value.Decimal))
		}
	}
	return out
}

// maxAccountBytes bounds an account state read from a file.
const maxAccountBytes = 1 << 20

// accountFields must be present in an account state, positionFields in each of
// its positions: a limit that is missing must not read as one that is zero.
func accountFields() []string {
	return []string{
		"account_id", "balance_usd", "available_usd", "leverage", "max_position_size_usd", "maker_fee_bps", "taker_fee_bps",
		"positions", "realized_pnl_today_usd", "halted",
	}
}

func positionFields() []string {
	return []string{"symbol", "side", "quantity", "entry_price", "mark_price", "leverage"}
}

// ReadAccount reads an account state as JSON of at most 1 MiB and validates
// it. Unknown, duplicate and missing members are errors; only tp_price,
// sl_price, opened_at, equity_at_midnight_usd, last_entry_at, margin_mode and
// track_record may be absent.
func ReadAccount(r io.Reader) (Account, error) {
	data, err := readBounded(r, maxAccountBytes)
	if err != nil {
		return Account{}, fmt.Errorf("decision: account: %w", err)
	}
	var a Account
	if err := jsonx.Unmarshal(data, (*plainAccount)(&a)); err != nil {
		return Account{}, fmt.Errorf("decision: account: %w", err)
	}
	var problems []error
	for _, path := range missingAccountFields(data) {
		problems = append(problems, fmt.Errorf("decision: account: missing %s", path))
	}
	if len(problems) > 0 {
		return Account{}, errors.Join(problems...)
	}
	return a, a.Validate()
}

// plainAccount is an Account without its methods.
type plainAccount Account

// missingAccountFields names what a document that decodes leaves out or sets
// to null.
func missingAccountFields(data []byte) (missing []string) {
	var top map[string]json.RawMessage
	var positions []map[string]json.RawMessage
	absent := func(fields map[string]json.RawMessage, name string) bool {
		raw, ok := fields[name]
		return !ok || string(raw) == "null"
	}
	if err := jsonx.Unmarshal(data, &top); err != nil {
		return nil // it decoded before
	}
	for _, f := range accountFields() {
		if absent(top, f) {
			missing = append(missing, f)
		}
	}
	if err := jsonx.Unmarshal(top["positions"], &positions); err != nil {
		return missing
	}
	for i, p := range positions {
		for _, f := range positionFields() {
			if absent(p, f) {
				missing = append(missing, fmt.Sprintf("positions[%d].%s", i, f))
			}
		}
	}
	return missing
}

// MarshalJSON writes decimals as JSON numbers with their exact digits.
func (a Account) MarshalJSON() ([]byte, error) {
	return jsonx.Marshal(plainAccount(a))
}

// UnmarshalJSON rejects unknown, duplicate and case-variant members.
func (a *Account) UnmarshalJSON(data []byte) error {
	return jsonx.Unmarshal(data, (*plainAccount)(a))
}

// divUp is a ÷ b rounded up to 8 places; b is positive, a not negative.
func divUp(a, b decimal.Decimal) decimal.Decimal {
	if !b.IsPositive() {
		return a // an invalid divisor must not make anything smaller
	}
	q, rest := a.QuoRem(b, 8)
	if rest.IsPositive() {
		q = q.Add(decimal.New(1, -8))
	}
	return q
}

// divDown is a ÷ b rounded towards zero to 8 places; zero for a b that is not
// positive.
func divDown(a, b decimal.Decimal) decimal.Decimal {
	if !b.IsPositive() {
		return decimal.Zero
	}
	q, _ := a.QuoRem(b, 8)
	return q
}

func readBounded(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("must be at most %d bytes, was more", limit)
	}
	return data, nil
}
