package marketdata

import (
	"errors"
	"fmt"
	"time"
)

// Interval is the length of a candle in the notation of exchanges, "15m" or
// "4h". The zero value is invalid. Calendar months are not intervals.
type Interval string

// The intervals that perpetual futures exchanges serve.
const (
	Interval1m  Interval = "1m"
	Interval3m  Interval = "3m"
	Interval5m  Interval = "5m"
	Interval15m Interval = "15m"
	Interval30m Interval = "30m"
	Interval1h  Interval = "1h"
	Interval2h  Interval = "2h"
	Interval4h  Interval = "4h"
	Interval6h  Interval = "6h"
	Interval8h  Interval = "8h"
	Interval12h Interval = "12h"
	Interval1d  Interval = "1d"
	Interval3d  Interval = "3d"
	Interval1w  Interval = "1w"
)

// ErrInterval reports text that is not an interval.
var ErrInterval = errors.New("marketdata: unknown interval")

// Intervals lists every valid interval, shortest first.
func Intervals() []Interval {
	return []Interval{
		Interval1m, Interval3m, Interval5m, Interval15m, Interval30m, Interval1h, Interval2h,
		Interval4h, Interval6h, Interval8h, Interval12h, Interval1d, Interval3d, Interval1w,
	}
}

// ParseInterval reads the exchange notation. Case matters, because exchanges
// use "1M" for a month. The error is ErrInterval and quotes the text.
func ParseInterval(text string) (Interval, error) {
	i := Interval(text)
	if !i.Valid() {
		return "", fmt.Errorf("%w %.20q: must be one of %v", ErrInterval, text, Intervals())
	}
	return i, nil
}

// Valid reports whether the interval is one of the constants.
func (i Interval) Valid() bool { return i.Duration() > 0 }

// Duration is the length of one candle; 0 for an invalid interval.
func (i Interval) Duration() time.Duration {
	const day = 24 * time.Hour
	switch i {
	case Interval1m:
		return time.Minute
	case Interval3m:
		return 3 * time.Minute
	case Interval5m:
		return 5 * time.Minute
	case Interval15m:
		return 15 * time.Minute
	case Interval30m:
		return 30 * time.Minute
	case Interval1h:
		return time.Hour
	case Interval2h:
		return 2 * time.Hour
	case Interval4h:
		return 4 * time.Hour
	case Interval6h:
		return 6 * time.Hour
	case Interval8h:
		return 8 * time.Hour
	case Interval12h:
		return 12 * time.Hour
	case Interval1d:
		return day
	case Interval3d:
		return 3 * day
	case Interval1w:
		return 7 * day
	}
	return 0
}

// Floor is the open time, in UTC, of the candle that contains t. Candles are
// aligned to the Unix epoch, weeks to Monday 00:00 UTC. An invalid interval
// returns t unchanged.
func (i Interval) Floor(t time.Time) time.Time {
	length := int64(i.Duration() / time.Second)
	if length == 0 {
		return t
	}
	offset := int64(0)
	if i == Interval1w {
		offset = 4 * 24 * 3600 // the epoch was a Thursday; the first Monday is day 4
	}
	sec := t.Unix() - offset
	over := sec % length
	if over < 0 {
		over += length
	}
	return time.Unix(sec-over+offset, 0).UTC()
}

// LastClose is the close time of the newest candle that is closed at t: a
// candle is closed from the instant of its close time on.
func (i Interval) LastClose(t time.Time) time.Time { return i.Floor(t) }

// UnmarshalText rejects what ParseInterval rejects.
func (i *Interval) UnmarshalText(text []byte) error {
	parsed, err := ParseInterval(string(text))
	if err != nil {
		return err
	}
	*i = parsed
	return nil
}
