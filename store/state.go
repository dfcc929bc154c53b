package store

import (
	"context"
	"time"

	"github.com/ballast-go/ballast/marketdata"
)

// BreakerState is what a circuit breaker knows, in the words of whoever saves
// it.
type BreakerState struct {
	Name    string    `json:"name"`     // 1–300 bytes
	State   []byte    `json:"state"`    // a JSON value of at most MaxBreakerBytes
	SavedAt time.Time `json:"saved_at"` // UTC
}

// MaxBreakerBytes bounds BreakerState.State.
const MaxBreakerBytes = 64 << 10

// Breakers keeps the state of circuit breakers across restarts.
type Breakers interface {
	// SaveBreaker keeps the state, which must Validate, unless one that was
	// saved later is kept already. Times compare to the microsecond; of equal
	// ones the state given last stays.
	SaveBreaker(ctx context.Context, b BreakerState) error
	// Breakers are all, by name.
	Breakers(ctx context.Context) ([]BreakerState, error)
}

// Candles keeps closed candles; marketreplay.Candles hands them on. What is
// kept under a symbol, interval and open time is replaced by what is saved
// later, as exchanges correct candles.
type Candles interface {
	// SaveCandles keeps all or, when CheckCandles refuses one, none. Of two
	// with one open time the last counts.
	SaveCandles(ctx context.Context, symbol string, interval marketdata.Interval, candles []marketdata.Candle) error
	// Candles are those that open at or after since and before until, oldest
	// first, at most limit of them. There may be gaps. What CheckCandleQuery
	// refuses is an error.
	Candles(ctx context.Context, symbol string, interval marketdata.Interval, since, until time.Time, limit int) ([]marketdata.Candle, error)
}

// MaxCandles bounds what Candles reads at once.
const MaxCandles = 100_000
