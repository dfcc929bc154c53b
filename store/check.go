package store

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/marketdata"
)

// ErrAccount says that an account id is empty, too long or not UTF-8.
var ErrAccount = errors.New("store: invalid account id")

// Bounds of what comes with a key of the caller.
const (
	MaxKeyBytes         = 128 // Outcome.Key and Fill.Key
	MaxBreakerNameBytes = 300 // BreakerState.Name
	maxSymbolBytes      = 100
)

// CheckAccountID reports an id that no account may have; the error is
// ErrAccount.
func CheckAccountID(id string) error {
	if id == "" || len(id) > MaxHaltAccountBytes || !utf8.ValidString(id) {
		return fmt.Errorf("%w: must have 1 to %d bytes of UTF-8, had %d", ErrAccount, MaxHaltAccountBytes, len(id))
	}
	return nil
}

// problems collects what is wrong with a value.
type problems struct {
	of   string
	list []error
}

func (p *problems) add(format string, args ...any) {
	p.list = append(p.list, fmt.Errorf("store: "+p.of+": "+format, args...))
}

func (p *problems) err() error { return errors.Join(p.list...) }

func (p *problems) plain(name, text string, most int) {
	if text == "" || len(text) > most || !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		p.add("%s must have 1 to %d bytes of UTF-8 without NUL, had %d", name, most, len(text))
	}
}

func (p *problems) number(name string, d decimal.Decimal) bool {
	if !jsonx.InRange(d) {
		p.add("%s must have an exponent within ±%d and at most 100 digits", name, jsonx.MaxExponent)
		return false
	}
	return true
}

func (p *problems) positive(name string, d decimal.Decimal) {
	if p.number(name, d) && !d.IsPositive() {
		p.add("%s must be positive, was %s", name, d)
	}
}

func (p *problems) time(name string, t time.Time) {
	if !inYears(t) || t.IsZero() {
		p.add("%s must be a time in the years 1 to 9999, was in %d", name, t.UTC().Year())
	}
}

// inYears reports whether every database has the time.
func inYears(t time.Time) bool {
	year := t.UTC().Year()
	return year >= 1 && year <= 9999
}

// Validate reports every problem of the outcome but those that only its
// decision shows.
func (o Outcome) Validate() error {
	p := problems{of: "outcome"}
	p.plain("key", o.Key, MaxKeyBytes)
	p.number("pnl", o.PnLUSD)
	p.number("pnl_percentage", o.PnLPercent.Decimal)
	p.time("closed_at", o.ClosedAt)
	if !o.OpenedAt.IsZero() && (!inYears(o.OpenedAt) || micros(o.ClosedAt).Before(micros(o.OpenedAt))) {
		p.add("opened_at must not be after closed_at, was %s", o.OpenedAt.UTC().Format(time.RFC3339Nano))
	}
	return p.err()
}

// Normal is the outcome as it is kept: times in UTC to the microsecond, and
// opened when its decision was made, or when it closed if that was earlier,
// unless it says when.
func (o Outcome) Normal(decided time.Time) Outcome {
	o.ClosedAt = micros(o.ClosedAt)
	if o.OpenedAt.IsZero() {
		o.OpenedAt = decided
		if o.ClosedAt.Before(decided) {
			o.OpenedAt = o.ClosedAt
		}
	}
	o.OpenedAt = micros(o.OpenedAt)
	if !o.PnLPercent.Valid {
		o.PnLPercent = decimal.NullDecimal{}
	}
	return o
}

// Equal reports whether both say the same; both are Normal.
func (o Outcome) Equal(other Outcome) bool {
	return o.DecisionID == other.DecisionID && o.Key == other.Key && o.Asset == other.Asset && o.PnLUSD.Equal(other.PnLUSD) &&
		o.PnLPercent.Valid == other.PnLPercent.Valid && o.PnLPercent.Decimal.Equal(other.PnLPercent.Decimal) &&
		o.OpenedAt.Equal(other.OpenedAt) && o.ClosedAt.Equal(other.ClosedAt)
}

// Validate reports every problem of the fill but those that only its decision
// shows.
func (f Fill) Validate() error {
	p := problems{of: "fill"}
	p.plain("key", f.Key, MaxKeyBytes)
	p.positive("quantity", f.Quantity)
	p.positive("price", f.Price)
	p.number("fee_usd", f.FeeUSD)
	p.time("at", f.At)
	return p.err()
}

// Normal is the fill as it is kept: its time in UTC to the microsecond.
func (f Fill) Normal() Fill {
	f.At = micros(f.At)
	return f
}

// Equal reports whether both say the same; both are Normal.
func (f Fill) Equal(other Fill) bool {
	return f.DecisionID == other.DecisionID && f.Key == other.Key && f.Asset == other.Asset && f.Quantity.Equal(other.Quantity) &&
		f.Price.Equal(other.Price) && f.FeeUSD.Equal(other.FeeUSD) && f.At.Equal(other.At)
}

// Validate reports every problem of the state.
func (b BreakerState) Validate() error {
	p := problems{of: "breaker"}
	if b.Name == "" || len(b.Name) > MaxBreakerNameBytes || !utf8.ValidString(b.Name) {
		p.add("name must have 1 to %d bytes of UTF-8, had %d", MaxBreakerNameBytes, len(b.Name))
	}
	if len(b.State) > MaxBreakerBytes || !jsonx.Raw(b.State).IsValid() {
		p.add("state must be a JSON value of at most %d bytes, had %d", MaxBreakerBytes, len(b.State))
	}
	p.time("saved_at", b.SavedAt)
	return p.err()
}

// CheckCandles reports candles that are not to be kept: no Series could be
// made of any of them alone. Their symbol has 1 to 100 bytes.
func CheckCandles(symbol string, interval marketdata.Interval, candles []marketdata.Candle) error {
	p := problems{of: "candles"}
	p.plain("symbol", symbol, maxSymbolBytes)
	if _, err := marketdata.NewSeries(interval, nil); err != nil {
		p.add("%w", err)
		return p.err()
	}
	for i := range candles {
		if _, err := marketdata.NewSeries(interval, candles[i:i+1]); err != nil {
			p.add("[%d]: %w", i, err)
			break
		}
	}
	return p.err()
}

// CheckCandleQuery reports what Candles cannot be asked.
func CheckCandleQuery(symbol string, since, until time.Time, limit int) error {
	p := problems{of: "candles"}
	p.plain("symbol", symbol, maxSymbolBytes)
	if limit < 1 || limit > MaxCandles {
		p.add("limit must be between 1 and %d, was %d", MaxCandles, limit)
	}
	if !inYears(since) || !inYears(until) || until.Before(since) {
		p.add("until must not be before since, both in the years 1 to 9999, were %d and %d", until.UTC().Year(), since.UTC().Year())
	}
	return p.err()
}

// CheckStrategy reports every problem of a version that is to be saved.
func CheckStrategy(s decision.Strategy, at time.Time) error {
	p := problems{of: "strategy", list: []error{s.Validate()}}
	p.time("saved_at", at)
	return p.err()
}
