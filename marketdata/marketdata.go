package marketdata

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/shopspring/decimal"
)

// ErrUnknownSymbol says that a source does not know an asset. It is wrapped
// by the Failure of that asset.
var ErrUnknownSymbol = errors.New("marketdata: unknown symbol")

// Instrument is what an exchange says about how an asset trades. An invalid
// (null) limit is unknown and is not checked.
type Instrument struct {
	Symbol         string              `json:"symbol"`
	BaseAsset      string              `json:"base_asset,omitempty"`
	QuoteAsset     string              `json:"quote_asset,omitempty"`
	TickSize       decimal.NullDecimal `json:"tick_size"`        // smallest price step, quote units
	LotSize        decimal.NullDecimal `json:"lot_size"`         // smallest quantity step, base units
	MinQuantity    decimal.NullDecimal `json:"min_quantity"`     // base units
	MinNotionalUSD decimal.NullDecimal `json:"min_notional_usd"` // price × quantity
	Brackets       []Bracket           `json:"brackets,omitempty"`
}

// Bracket is one step of an exchange's leverage table: up to a notional of
// UpToUSD (null: no upper bound) at most MaxLeverage is allowed, and margin
// below MaintenancePercent of the notional, less DeductionUSD, is liquidated.
type Bracket struct {
	UpToUSD            decimal.NullDecimal `json:"up_to_usd"`
	MaxLeverage        decimal.Decimal     `json:"max_leverage"`
	MaintenancePercent decimal.Decimal     `json:"maintenance_percent"`
	DeductionUSD       decimal.Decimal     `json:"deduction_usd"`
}

// Quote is an asset's market at one moment. Null fields are unknown, never
// zero by default.
type Quote struct {
	Last             decimal.Decimal     `json:"last"`    // last traded price, > 0
	LastAt           time.Time           `json:"last_at"` // when Last was current, UTC
	Mark             decimal.NullDecimal `json:"mark"`    // price used for margin and liquidation
	Change24hPercent decimal.NullDecimal `json:"change_24h_percent"`
	QuoteVolume24h   decimal.NullDecimal `json:"quote_volume_24h"` // in the quote asset
	// FundingRate is the fraction of the notional that longs pay to shorts
	// at the next funding, 0.0001 is one basis point; negative: shorts pay.
	FundingRate     decimal.NullDecimal `json:"funding_rate"`
	FundingInterval time.Duration       `json:"funding_interval_ns,omitempty"` // 0 is unknown
	OpenInterest    decimal.NullDecimal `json:"open_interest"`                 // base units
}

// Price is the mark price, or the last price when no mark is known.
func (q Quote) Price() decimal.Decimal {
	if q.Mark.Valid {
		return q.Mark.Decimal
	}
	return q.Last
}

// Asset is what a source knows of one asset. It is read-only once returned.
type Asset struct {
	Symbol     string              `json:"symbol"`
	Quote      Quote               `json:"quote"`
	Instrument *Instrument         `json:"instrument,omitempty"` // nil: unknown
	Series     map[Interval]Series `json:"series,omitempty"`     // closed candles per requested interval
	// Degraded says in words what is less than asked for, such as a last
	// price that is a candle's close because the source has no ticks.
	Degraded []string `json:"degraded,omitempty"`
}

// Reason says why an asset has no usable data.
type Reason string

// The reasons. The zero value is invalid.
const (
	ReasonStale         Reason = "stale"          // too old to decide on
	ReasonGap           Reason = "gap"            // a candle is missing
	ReasonBadCandle     Reason = "bad_candle"     // a candle contradicts itself
	ReasonUnavailable   Reason = "unavailable"    // the source could not be asked or had nothing
	ReasonUnknownSymbol Reason = "unknown_symbol" // the source does not know the asset
)

// Failure is why one asset has no data. It is an error; Unwrap leads to the
// cause when there is one.
type Failure struct { //nolint:errname // it is data first: the part of a snapshot that has none
	Symbol string `json:"symbol"`
	Reason Reason `json:"reason"`
	Detail string `json:"detail"` // names what and where, never a secret
	Err    error  `json:"-"`
}

// Error names the asset, the reason and the detail.
func (f Failure) Error() string {
	return fmt.Sprintf("marketdata: %s: %s: %s", f.Symbol, f.Reason, f.Detail)
}

// Unwrap is the cause, or nil.
func (f Failure) Unwrap() error { return f.Err }

// Query asks for a snapshot.
type Query struct {
	Symbols   []string   // one or more, unique
	Intervals []Interval // candles to return; none: quotes only
	Candles   int        // candles per interval, newest last; 0 is 250, at most 1,500
	// MaxAge is how old an answer that a cache remembers may be; 0 leaves it
	// to the cache. A source that asks each time has nothing to do with it.
	MaxAge time.Duration
}

// Query bounds.
const (
	DefaultCandles  = 250
	MaxCandles      = 1500
	MaxQuerySymbols = 250
)

// Validate reports every problem of the query.
func (q Query) Validate() error {
	var problems []error
	if len(q.Symbols) == 0 || len(q.Symbols) > MaxQuerySymbols {
		problems = append(problems, fmt.Errorf("marketdata: symbols must number 1 to %d, were %d", MaxQuerySymbols, len(q.Symbols)))
	}
	seen := make(map[string]bool, len(q.Symbols))
	for _, s := range q.Symbols {
		if s == "" || len(s) > 40 || seen[s] {
			problems = append(problems, fmt.Errorf("marketdata: symbol %.40q is empty, too long or asked for twice", s))
		}
		seen[s] = true
	}
	for _, i := range q.Intervals {
		if !i.Valid() {
			problems = append(problems, fmt.Errorf("%w %.20q", ErrInterval, string(i)))
		}
	}
	if q.MaxAge < 0 {
		problems = append(problems, fmt.Errorf("marketdata: max age must not be negative, was %s", q.MaxAge))
	}
	if q.Candles < 0 || q.Candles > MaxCandles {
		problems = append(problems, fmt.Errorf("marketdata: candles must be 0 to %d, were %d", MaxCandles, q.Candles))
	}
	return errors.Join(problems...)
}

// CandleCount is Candles with its default.
func (q Query) CandleCount() int {
	if q.Candles == 0 {
		return DefaultCandles
	}
	return q.Candles
}

// Snapshot is the answer to a Query: every symbol asked for is either in
// Assets or in Failures. It is read-only once returned.
type Snapshot struct {
	At       time.Time          `json:"at"` // when it was taken, UTC
	Assets   map[string]Asset   `json:"assets"`
	Failures map[string]Failure `json:"failures,omitempty"`
	// Notes say in words what holds for all of it, such as "simulated market".
	Notes []string `json:"notes,omitempty"`
}

// Clone copies the maps; the immutable values inside are shared.
func (s Snapshot) Clone() Snapshot {
	s.Assets = maps.Clone(s.Assets)
	s.Failures = maps.Clone(s.Failures)
	return s
}

// Source answers with market data. The contract, which markettest checks:
//
//   - Only closed candles: none whose close time is after the snapshot.
//   - Every requested symbol is in Assets or in Failures, one asset's
//     failure never costs another its data, and an unknown symbol is a
//     Failure with ReasonUnknownSymbol that wraps ErrUnknownSymbol.
//   - Times say how fresh the data is; a source never re-stamps old data.
//   - Fewer candles than asked for are returned as they are.
//   - An error is returned only when nothing can be said about any asset: an
//     invalid query, or a context that ended (its error is wrapped).
//   - Safe for concurrent use; what was returned is never changed later.
type Source interface {
	Snapshot(ctx context.Context, q Query) (Snapshot, error)
}

// SourceFunc makes a function a Source.
type SourceFunc func(ctx context.Context, q Query) (Snapshot, error)

// Snapshot calls the function.
func (f SourceFunc) Snapshot(ctx context.Context, q Query) (Snapshot, error) { return f(ctx, q) }
