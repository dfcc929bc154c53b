package fallback

import (
	"log/slog"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
)

// Config makes a Scorer. The zero value has every default. Where zero is a
// setting of its own the field is a pointer or a null decimal, and a group of
// settings that is given is taken whole: start from its Default function.
type Config struct {
	// Indicators computes RSI, volatility, ATR and the cloud from the candles
	// of Input.Interval. Default: the values in Input, and our own kernels
	// for an asset that has none there.
	Indicators decision.Indicators
	Points     *Points     // default DefaultPoints
	Thresholds *Thresholds // default DefaultThresholds
	Sizing     *Sizing     // default DefaultSizing
	Stops      *Stops      // default DefaultStops
	Confidence *Confidence // default DefaultConfidence
	// MaxRiskScore is the score, 0–100, from which a side is not entered and
	// a position against the trend gets a tighter stop. Default 70.
	MaxRiskScore *int
	// MinConfidence is the confidence, 0–100, that an entry needs; a
	// strategy's own minimum holds as well. Default 50.
	MinConfidence decimal.NullDecimal
	// ProtectOnly proposes no new entries. Default false: entries.
	ProtectOnly bool
	Logger      *slog.Logger // default: discards
}

// Points are what the factors add to the score of a long. For a short those
// of RSI and trend change places. Each is −1,000 to 1,000.
type Points struct {
	Base           int // before any factor; default 50
	Overbought     int // default 20
	Oversold       int // default −10
	HighVolatility int // default 15
	LowVolatility  int // default −5
	AgainstTrend   int // a long while bearish; default 20
	WithTrend      int // a long while bullish; default −10
	LargeMove      int // default 10
}

// DefaultPoints are the documented points.
func DefaultPoints() Points {
	return Points{
		Base: 50, Overbought: 20, Oversold: -10, HighVolatility: 15, LowVolatility: -5,
		AgainstTrend: 20, WithTrend: -10, LargeMove: 10,
	}
}

// Thresholds say when a factor counts.
type Thresholds struct {
	OverboughtRSI         decimal.Decimal // at or above; a long needs less; default 70
	OversoldRSI           decimal.Decimal // at or below; a short needs more; default 30
	HighVolatilityPercent decimal.Decimal // at or above, % per day; default 3
	LowVolatilityPercent  decimal.Decimal // below, % per day; default 1.5
	LargeMovePercent      decimal.Decimal // above, either way, in 24 h; default 5
	MediumRiskScore       int             // RiskMedium from here; default 40
	HighRiskScore         int             // RiskHigh from here; default 70
}

// DefaultThresholds are the documented thresholds.
func DefaultThresholds() Thresholds {
	return Thresholds{
		OverboughtRSI: decimal.New(70, 0), OversoldRSI: decimal.New(30, 0), HighVolatilityPercent: decimal.New(3, 0),
		LowVolatilityPercent: decimal.New(15, -1), LargeMovePercent: decimal.New(5, 0), MediumRiskScore: 40, HighRiskScore: 70,
	}
}

// Sizing says how much of the envelope an entry uses: EnvelopeShare × the
// multiplier of the first step whose volatility is not reached.
type Sizing struct {
	EnvelopeShare decimal.Decimal // 0–1; default 0.5
	Steps         []SizeStep      // ascending; default < 1.5 %: 1, < 3 %: 0.75, < 5 %: 0.5
	Beyond        decimal.Decimal // multiplier beyond the steps or when volatility is unknown, 0–1; default 0.25
}

// SizeStep is a multiplier for volatilities below a bound.
type SizeStep struct {
	BelowPercent decimal.Decimal // % per day
	Multiplier   decimal.Decimal // 0–1
}

// DefaultSizing is the documented sizing.
func DefaultSizing() Sizing {
	return Sizing{
		EnvelopeShare: decimal.New(5, -1),
		Steps: []SizeStep{
			{decimal.New(15, -1), decimal.New(1, 0)},
			{decimal.New(3, 0), decimal.New(75, -2)},
			{decimal.New(5, 0), decimal.New(5, -1)},
		},
		Beyond: decimal.New(25, -2),
	}
}

// Stops says where stops go. The strategy's stop distance is the least.
type Stops struct {
	ATRMultiple        decimal.Decimal // × ATR 14 from the last price, above 0 to 100; default 2
	TightenATRMultiple decimal.Decimal // × ATR 14 from the last close, above 0 to 100; default 1
	RangeBars          int             // candles that support and resistance are taken from, 1–1,500; default 20
}

// DefaultStops are the documented stops.
func DefaultStops() Stops {
	return Stops{ATRMultiple: decimal.New(2, 0), TightenATRMultiple: decimal.New(1, 0), RangeBars: 20}
}

// Confidence says how sure a proposal claims to be.
type Confidence struct {
	Base       decimal.Decimal // with all four inputs, 0–100; default 70
	PerMissing decimal.Decimal // less for each missing input, 0–100; default 20
}

// DefaultConfidence is the documented confidence.
func DefaultConfidence() Confidence {
	return Confidence{Base: decimal.New(70, 0), PerMissing: decimal.New(20, 0)}
}

const (
	defaultMaxRiskScore  = 70
	defaultMinConfidence = 50
)

// settings is a Config with its defaults, by value, so that nobody can change
// it from outside.
type settings struct {
	points        Points
	thresholds    Thresholds
	sizing        Sizing
	stops         Stops
	confidence    Confidence
	maxRiskScore  int
	minConfidence decimal.Decimal
	protectOnly   bool
}

func (c Config) withDefaults() settings {
	s := settings{
		points: or(c.Points, DefaultPoints), thresholds: or(c.Thresholds, DefaultThresholds), sizing: or(c.Sizing, DefaultSizing),
		stops: or(c.Stops, DefaultStops), confidence: or(c.Confidence, DefaultConfidence), protectOnly: c.ProtectOnly,
		maxRiskScore:  or(c.MaxRiskScore, func() int { return defaultMaxRiskScore }),
		minConfidence: decimal.New(defaultMinConfidence, 0),
	}
	if c.MinConfidence.Valid {
		s.minConfidence = c.MinConfidence.Decimal
	}
	s.sizing.Steps = slices.Clone(s.sizing.Steps)
	return s
}

func or[T any](given *T, otherwise func() T) T {
	if given != nil {
		return *given
	}
	return otherwise()
}
