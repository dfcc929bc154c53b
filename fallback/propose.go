package fallback

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// Scorer proposes decisions from technical factors alone. Equal Inputs give
// equal proposals. It is safe for concurrent use. Make it with New.
type Scorer struct {
	settings   settings
	indicators decision.Indicators
	logger     *slog.Logger
	invalid    error // from Config.Validate
}

var _ decision.Scorer = (*Scorer)(nil)

// New makes a Scorer. A Config that does not Validate makes one whose Score
// returns that error, so that New fits into a struct literal.
func New(c Config) *Scorer {
	s := &Scorer{settings: c.withDefaults(), indicators: c.Indicators, logger: c.Logger, invalid: c.Validate()}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	return s
}

// minUsable is how many of the four factors an entry needs.
const minUsable = 2

var (
	errNoATR       = errors.New("ATR is unknown")
	errProtectOnly = errors.New("no new entries are wanted (protect only)")
)

// subject is an asset with all that is looked at to decide on it.
type subject struct {
	in         *decision.Input
	symbol     string
	asset      marketdata.Asset
	position   *decision.Position // nil: none
	reading    reading
	assessment decision.Assessment
	confidence decimal.Decimal
}

// draft is what becomes of one asset.
type draft struct {
	decision decision.AssetDecision
	subject  *subject // nil: no data
	entry    *entry   // nil: none
}

// Score proposes for each symbol of Input, in that order: hold, enter with a
// stop and a target, or tighten the stop of a position that the trend turned
// against. It stays within Input.Envelope. The error is an invalid Config or
// that of the context or of Config.Indicators.
func (s *Scorer) Score(ctx context.Context, in decision.Input) (decision.Proposal, error) {
	if s.invalid != nil {
		return decision.Proposal{}, s.invalid
	}
	if err := ctx.Err(); err != nil {
		return decision.Proposal{}, fmt.Errorf("fallback: %w", err)
	}
	values, err := s.indicate(ctx, &in)
	if err != nil {
		return decision.Proposal{}, err
	}
	drafts := make([]draft, len(in.Symbols))
	var entries []*entry
	for i, symbol := range in.Symbols {
		drafts[i] = s.draft(&in, symbol, values)
		if e := drafts[i].entry; e != nil {
			entries = append(entries, e)
		}
	}
	ration(entries, in.Envelope)
	out := s.settings.proposal(drafts)
	s.logger.DebugContext(ctx, "fallback_scored", slog.Int("assets", len(drafts)),
		slog.Int("candidates", len(entries)), slog.String("outcome", out.Decision.PortfolioRationale), slog.Any("degraded", out.Degraded))
	return out, nil
}

func (s *Scorer) draft(in *decision.Input, symbol string, values *indicator.Values) draft {
	a := &subject{in: in, symbol: symbol}
	if p, ok := in.Account.Position(symbol); ok {
		a.position = &p
	}
	if err := a.look(); err != nil {
		return draft{decision: decision.AssetDecision{
			Asset: symbol, Action: decision.ActionHold, Rationale: fmt.Sprintf("hold: no market data: %s", err), RiskLevel: decision.RiskHigh,
		}}
	}
	series := a.asset.Series[in.Interval]
	a.reading = read(in, symbol, series, values, s.settings.stops.RangeBars)
	a.assessment = s.settings.assess(a.reading.factors)
	a.assessment.Symbol, a.assessment.AsOf = symbol, a.reading.asOf
	a.confidence = s.settings.confidenceOf(len(a.assessment.Degraded))
	if a.position != nil {
		return draft{decision: s.settings.protect(a), subject: a}
	}
	e, err := s.settings.enter(a)
	if err != nil {
		return draft{decision: s.settings.hold(a, err.Error()), subject: a}
	}
	return draft{subject: a, entry: e}
}

// look finds the asset's market. The error says why there is none.
func (a *subject) look() error {
	asset, ok := a.in.Market.Assets[a.symbol]
	if !ok {
		if failure, known := a.in.Market.Failures[a.symbol]; known {
			return fmt.Errorf("%s: %s", failure.Reason, clip(failure.Detail))
		}
		return errors.New("it is not in the snapshot")
	}
	if !usable(asset.Quote.Last) {
		return errors.New("the last price is not a usable number")
	}
	if asset.Series[a.in.Interval].Len() == 0 {
		return fmt.Errorf("no closed candles of %s", a.in.Interval)
	}
	a.asset = asset
	return nil
}

func (s settings) confidenceOf(missing int) decimal.Decimal {
	return decimal.Max(s.confidence.Base.Sub(s.confidence.PerMissing.Mul(decimal.NewFromInt(int64(missing)))), decimal.Zero)
}

// protect decides on an open position.
func (s settings) protect(a *subject) decision.AssetDecision {
	side := a.position.Side
	if !side.Valid() {
		return s.hold(a, "the side of the position is unknown")
	}
	score := a.score(side)
	if a.reading.factors.Trend != against(side) || score < s.maxRiskScore {
		return s.hold(a, fmt.Sprintf("the open %s stays", side))
	}
	stop, err := s.tighter(a)
	if err != nil {
		return s.hold(a, fmt.Sprintf("the open %s stays: %s", side, err))
	}
	return decision.AssetDecision{
		Asset: a.symbol, Action: decision.ActionAdjustOrders, Confidence: a.confidence, RiskLevel: s.riskLevel(score),
		OrderAdjustment: &decision.OrderAdjustment{AdjustSL: true, NewSLPrice: decimal.NewNullDecimal(stop)},
		ExitPlan:        fmt.Sprintf("Stop loss at %s.", stop),
		Rationale: fmt.Sprintf("tighten %s: %s, risk score %d of max %d; stop at %s, %s x ATR %s from the close %s; %s",
			side, a.facts(), score, s.maxRiskScore, stop, s.stops.TightenATRMultiple, short(a.reading.atr.Decimal), a.reading.close, s.sureness(a)),
	}
}

// enter finds the position to open. The error says why there is none.
func (s settings) enter(a *subject) (*entry, error) {
	f := a.reading.factors
	if s.protectOnly {
		return nil, errProtectOnly
	}
	if usable := 4 - len(a.assessment.Degraded); usable < minUsable {
		return nil, fmt.Errorf("%d of 4 inputs are known, an entry needs %d", usable, minUsable)
	}
	side, err := s.side(f)
	if err != nil {
		return nil, err
	}
	score := a.score(side)
	if score >= s.maxRiskScore {
		return nil, fmt.Errorf("the risk score of a %s is %d, an entry needs less than %d", side, score, s.maxRiskScore)
	}
	least := s.minConfidence
	if own := a.in.Strategy.Risk.MinConfidence; own.Valid {
		least = decimal.Max(least, own.Decimal)
	}
	if a.confidence.LessThan(least) {
		return nil, fmt.Errorf("confidence is %s, an entry needs %s", a.confidence, least)
	}
	e := &entry{symbol: a.symbol, side: side, score: score}
	if e.levels, err = s.levels(a, side); err != nil {
		return nil, err
	}
	return e, s.size(e, a)
}

// side is the one that the trend favours and RSI does not forbid. Without RSI
// nothing says that the move is not exhausted.
func (s settings) side(f Factors) (decision.Side, error) {
	if f.Trend != Bullish && f.Trend != Bearish || !f.RSI.Valid {
		return "", errors.New("an entry needs a bullish or bearish trend and RSI")
	}
	if f.Trend == Bullish {
		if !f.RSI.Decimal.LessThan(s.thresholds.OverboughtRSI) {
			return "", fmt.Errorf("a long needs RSI below %s", s.thresholds.OverboughtRSI)
		}
		return decision.Long, nil
	}
	if !f.RSI.Decimal.GreaterThan(s.thresholds.OversoldRSI) {
		return "", fmt.Errorf("a short needs RSI above %s", s.thresholds.OversoldRSI)
	}
	return decision.Short, nil
}

func (a *subject) score(side decision.Side) int {
	if side == decision.Short {
		return a.assessment.Short.Score
	}
	return a.assessment.Long.Score
}
