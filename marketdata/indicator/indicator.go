package indicator

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/marketdata"
)

// Line is one value per candle, oldest first. NaN marks warm-up: the bars
// before enough candles were there. As JSON, warm-up is null.
type Line []float64

// WarmUp is the index of the first value; the length when there is none.
func (l Line) WarmUp() int {
	for i, v := range l {
		if !math.IsNaN(v) {
			return i
		}
	}
	return len(l)
}

// Last is the newest value; false when the line is empty or still warming up.
func (l Line) Last() (float64, bool) { return l.Back(0) }

// Back is the value of n candles before the newest; false when there is none.
func (l Line) Back(n int) (float64, bool) {
	i := len(l) - 1 - n
	if n < 0 || i < 0 || math.IsNaN(l[i]) || math.IsInf(l[i], 0) {
		return 0, false
	}
	return l[i], true
}

// MarshalJSON writes warm-up as null and every other value so that it reads
// back as the same float.
func (l Line) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 2+len(l)*20), '[')
	for i, v := range l {
		if i > 0 {
			b = append(b, ',')
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			b = append(b, "null"...)
			continue
		}
		b = strconv.AppendFloat(b, v, 'g', -1, 64)
	}
	return append(b, ']'), nil
}

// UnmarshalJSON reads null as warm-up.
func (l *Line) UnmarshalJSON(data []byte) error {
	var values []*float64
	if err := jsonx.Unmarshal(data, &values); err != nil {
		return err
	}
	*l = make(Line, len(values))
	for i, v := range values {
		(*l)[i] = math.NaN()
		if v != nil {
			(*l)[i] = *v
		}
	}
	return nil
}

// Set is every indicator of one series. All lines have the series' length;
// entry i belongs to the close of candle i, and nothing in it depends on a
// later candle. A line that never warmed up is all NaN.
type Set struct {
	Interval  marketdata.Interval `json:"interval"`
	CloseTime time.Time           `json:"close_time"` // of the newest entry, UTC

	EMA20           Line `json:"ema_20"`
	EMA50           Line `json:"ema_50"`
	MACD            Line `json:"macd"`        // EMA 12 − EMA 26
	MACDSignal      Line `json:"macd_signal"` // EMA 9 of MACD
	RSI14           Line `json:"rsi_14"`      // Wilder, 0–100
	BollingerUpper  Line `json:"bollinger_upper"`
	BollingerMiddle Line `json:"bollinger_middle"` // SMA 20
	BollingerLower  Line `json:"bollinger_lower"`  // ± 2 population standard deviations
	ATR14           Line `json:"atr_14"`           // Wilder, price units
	// VolatilityPercent is the sample standard deviation of the last 20
	// simple returns × √(24 h ÷ interval), in percent per day.
	VolatilityPercent Line `json:"volatility_percent"`
	Tenkan            Line `json:"tenkan"` // Ichimoku conversion line, 9
	Kijun             Line `json:"kijun"`  // base line, 26
	// SpanA and SpanB are the cloud in force at the candle: the spans (52)
	// that were computed 26 candles earlier.
	SpanA Line `json:"span_a"`
	SpanB Line `json:"span_b"`
}

// Lines lists the set's lines in a fixed order, with their JSON names.
func (s *Set) Lines() []NamedLine {
	return []NamedLine{
		{"ema_20", &s.EMA20},
		{"ema_50", &s.EMA50},
		{"macd", &s.MACD},
		{"macd_signal", &s.MACDSignal},
		{"rsi_14", &s.RSI14},
		{"bollinger_upper", &s.BollingerUpper},
		{"bollinger_middle", &s.BollingerMiddle},
		{"bollinger_lower", &s.BollingerLower},
		{"atr_14", &s.ATR14},
		{"volatility_percent", &s.VolatilityPercent},
		{"tenkan", &s.Tenkan},
		{"kijun", &s.Kijun},
		{"span_a", &s.SpanA},
		{"span_b", &s.SpanB},
	}
}

// NamedLine is a line of a Set and its JSON name.
type NamedLine struct {
	Name string
	Line *Line
}

// Tail copies the newest n entries of every line.
func (s Set) Tail(n int) Set {
	lines := s.Lines()
	block := make([]float64, 0, n*len(lines))
	for _, l := range lines {
		from := len(block)
		block = append(block, (*l.Line)[max(len(*l.Line)-n, 0):]...)
		*l.Line = block[from:len(block):len(block)]
	}
	return s
}

// Values are the sets of one snapshot by symbol and interval. A series
// without one is named in Failures.
type Values struct {
	Sets     map[string]map[marketdata.Interval]Set
	Failures map[string]error // by symbol
}

// ErrNotFinite reports a NaN or infinite input value.
var ErrNotFinite = errors.New("indicator: input is not finite")

// ErrPeriod reports a period below 1 or above MaxPeriod.
var ErrPeriod = errors.New("indicator: period out of range")

// Provider computes the Sets of every series of a snapshot: candles in, values
// aligned to candle close times out. It is safe for concurrent use, looks at
// closed candles alone, and an asset that cannot be computed is in Failures
// without costing another its values. The error is the context's.
type Provider interface {
	Indicate(ctx context.Context, market marketdata.Snapshot) (Values, error)
}

// ProviderFunc makes a function a Provider.
type ProviderFunc func(ctx context.Context, market marketdata.Snapshot) (Values, error)

// Indicate calls the function.
func (f ProviderFunc) Indicate(ctx context.Context, market marketdata.Snapshot) (Values, error) {
	return f(ctx, market)
}
