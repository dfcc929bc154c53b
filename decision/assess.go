package decision

import (
	"slices"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
)

// RiskAssessment is the risk of the portfolio as it would be once everything
// that was proposed is done, what the gate refuses included.
type RiskAssessment struct {
	// PortfolioRiskScore is from 0 (nothing at stake) to 10 (at or beyond the
	// limits): 10 × (0.4 × margin ÷ what Exposure allows + 0.2 ×
	// ConcentrationRisk + 0.2 × LeverageRisk + 0.2 × loss at the stops ÷ the
	// daily loss limit), each part at most 1, rounded to two places. The
	// weights are Ballast's own. A position without a stop counts as the whole
	// of the last part.
	PortfolioRiskScore decimal.Decimal `json:"portfolio_risk_score"`
	// ConcentrationRisk is the largest margin of one asset ÷ balance, 0–1.
	ConcentrationRisk decimal.Decimal `json:"concentration_risk"`
	// LeverageRisk is the leverage in use (notional of all positions ÷ equity)
	// ÷ the smaller of MaxLeverage and the strategy's maximum, 0–1.
	LeverageRisk decimal.Decimal `json:"leverage_risk"`

	NotionalUSD decimal.Decimal `json:"notional_usd"`
	MarginUSD   decimal.Decimal `json:"margin_usd"`
	// LossAtStopsUSD is what all positions together lose when each ends at its
	// stop. Null: that of one of them is unknown.
	LossAtStopsUSD decimal.NullDecimal `json:"loss_at_stops_usd"`
	Positions      []PositionRisk      `json:"positions"` // open ones first, then new ones
}

// PositionRisk is the risk of one position after the proposal. An entry against
// an open position counts beside it, as a position of its own.
type PositionRisk struct {
	Asset       string          `json:"asset"`
	Side        Side            `json:"side"`
	NotionalUSD decimal.Decimal `json:"notional_usd"`
	MarginUSD   decimal.Decimal `json:"margin_usd"`
	Leverage    decimal.Decimal `json:"leverage"`
	// LossAtStopUSD is notional × distance from the price to the stop ÷ price.
	// Null: no price, or no stop between it and the loss, so that it has no bound.
	LossAtStopUSD decimal.NullDecimal `json:"loss_at_stop_usd"`
	// LiquidationPrice is estimated as LiquidationBuffer does, by the nearer of
	// the margin modes that apply; null: unknown price, or a position that no
	// move can liquidate. LiquidationPercent is how far away it is.
	LiquidationPrice   decimal.NullDecimal `json:"liquidation_price"`
	LiquidationPercent decimal.NullDecimal `json:"liquidation_percent"`
}

// Assess computes the risk of the portfolio after a proposal. It is pure, and
// the order of assets does not matter to its figures.
func (rs Rules) Assess(in Input, p Proposal) RiskAssessment {
	p, _ = p.clone().sane()
	v := newView(&in, &p)
	out := RiskAssessment{Positions: v.positionsAfter()}
	loss := decimal.NewNullDecimal(decimal.Zero)
	byAsset := make(map[string]decimal.Decimal, len(out.Positions))
	for i := range out.Positions {
		p := &out.Positions[i]
		out.NotionalUSD, out.MarginUSD = out.NotionalUSD.Add(p.NotionalUSD), out.MarginUSD.Add(p.MarginUSD)
		byAsset[p.Asset] = byAsset[p.Asset].Add(p.MarginUSD)
		loss.Valid = loss.Valid && p.LossAtStopUSD.Valid
		loss.Decimal = loss.Decimal.Add(p.LossAtStopUSD.Decimal)
	}
	if out.LossAtStopsUSD = loss; !loss.Valid {
		out.LossAtStopsUSD = decimal.NullDecimal{}
	}
	largest := decimal.Zero
	for _, margin := range byAsset {
		largest = decimal.Max(largest, margin)
	}
	balance := in.Account.BalanceUSD
	out.ConcentrationRisk = share(largest, balance)
	allowed := decimal.Min(decimal.NewFromInt(MaxLeverage), in.Strategy.Risk.MaxLeverage)
	out.LeverageRisk = share(out.NotionalUSD, in.Account.EquityUSD().Mul(allowed))
	stops := one
	if loss.Valid {
		stops = share(loss.Decimal, v.pnlLimitUSD.Neg())
	}
	parts := share(out.MarginUSD, percentOf(balance, rs.maxExposurePercent())).Mul(decimal.NewFromInt(2)).
		Add(out.ConcentrationRisk).Add(out.LeverageRisk).Add(stops)
	out.PortfolioRiskScore = parts.Mul(decimal.NewFromInt(2)).Round(2)
	return out
}

// share is part ÷ whole, at most 1, rounded up to 4 places. Of nothing,
// anything is the whole.
func share(part, whole decimal.Decimal) decimal.Decimal {
	switch {
	case !part.IsPositive():
		return decimal.Zero
	case part.GreaterThanOrEqual(whole):
		return one
	}
	return part.DivRound(whole, 12).RoundUp(4)
}

// stance is one position as the proposal would leave it.
type stance struct {
	ask             ask
	lessUSD, addUSD decimal.Decimal
	stop            decimal.NullDecimal
	moved           bool // an action names or cancels the stop
}

// positionsAfter are the positions once the proposal is done.
func (v *view) positionsAfter() []PositionRisk {
	all := make([]stance, 0, len(v.in.Account.Positions)+len(v.entries))
	for i := range v.in.Account.Positions {
		held := &v.in.Account.Positions[i]
		a := v.ask(held.Symbol, held.Side)
		all = append(all, stance{ask: a, stop: a.bounding(held.SLPrice)})
	}
	for i := range v.entries {
		e := &v.entries[i]
		at := slices.IndexFunc(all, func(s stance) bool { return s.ask.asset == e.d.Asset && s.ask.side == e.ask.side })
		if at < 0 {
			if !e.opensSide() {
				continue
			}
			at = len(all)
			s := stance{ask: e.ask}
			s.ask.position, s.ask.leverage = nil, v.in.Account.Leverage
			all = append(all, s)
		}
		all[at].do(e)
	}
	out := make([]PositionRisk, 0, len(all))
	for i := range all {
		if s := &all[i]; s.ask.heldUSD().GreaterThan(s.lessUSD) || s.addUSD.IsPositive() {
			out = append(out, v.positionRisk(s))
		}
	}
	return out
}

// opensSide reports an entry of some size, on whichever side.
func (e *entry) opensSide() bool { return e.enters() && e.addUSD.IsPositive() }

func (e *entry) enters() bool { return e.d.Action == ActionBuy || e.d.Action == ActionSell }

// do takes an action into account. Of several that disagree about the stop the
// one that risks most counts, so that their order does not matter.
func (s *stance) do(e *entry) {
	s.lessUSD = s.lessUSD.Add(e.takenUSD())
	s.addUSD = s.addUSD.Add(decimal.Max(e.addUSD, decimal.Zero))
	cancels := e.d.Action == ActionAdjustOrders && e.d.OrderAdjustment != nil && e.d.OrderAdjustment.CancelSL && !e.setsStop
	switch {
	case e.enters() && !e.addUSD.IsPositive():
		return // it enters nothing, so it protects nothing
	case !e.setsStop && !cancels && s.ask.position != nil:
		return
	}
	stop := decimal.NullDecimal{}
	if e.setsStop {
		stop = s.ask.bounding(e.stop)
	}
	if s.moved {
		stop = farther(s.ask.side, s.stop, stop)
	}
	s.stop, s.moved = stop, true
}

// bounding is a stop between the price and the loss; null when it is none.
func (a *ask) bounding(stop decimal.NullDecimal) decimal.NullDecimal {
	if stop.Valid && stop.Decimal.IsPositive() && stopDistance(&Position{Side: a.side, SLPrice: stop}, a.worth()).IsPositive() {
		return stop
	}
	return decimal.NullDecimal{}
}

// farther is the stop that loses more, none at all most.
func farther(side Side, a, b decimal.NullDecimal) decimal.NullDecimal {
	switch {
	case !a.Valid || !b.Valid:
		return decimal.NullDecimal{}
	case side == Short:
		return decimal.NewNullDecimal(decimal.Max(a.Decimal, b.Decimal))
	}
	return decimal.NewNullDecimal(decimal.Min(a.Decimal, b.Decimal))
}

// takenUSD is the notional that an action takes off its position.
func (e *entry) takenUSD() decimal.Decimal {
	a := e.d.PositionAdjustment
	switch {
	case e.d.Action == ActionClosePosition:
		return e.ask.heldUSD()
	case e.d.Action == ActionAdjustPosition && a != nil && a.Type == AdjustDecrease:
		return decimal.Max(a.AmountUSD, decimal.Zero)
	}
	return decimal.Zero
}

func (v *view) positionRisk(after *stance) PositionRisk {
	a := &after.ask
	held := a.heldUSD()
	left := decimal.Max(held.Sub(after.lessUSD), decimal.Zero)
	notional := left.Add(after.addUSD)
	out := PositionRisk{Asset: a.asset, Side: a.side, NotionalUSD: notional, Leverage: a.leverage, MarginUSD: divUp(notional, a.leverage)}
	price := a.worth()
	if !price.IsPositive() {
		return out
	}
	if after.stop.Valid {
		distance := stopDistance(&Position{Side: a.side, SLPrice: after.stop}, price)
		out.LossAtStopUSD = decimal.NewNullDecimal(divUp(notional.Mul(distance), price))
	}
	nearest, farthest := decimal.NullDecimal{}, one
	for _, mode := range a.modes(v) {
		s := v.stake(a, mode)
		if held.IsPositive() && left.LessThan(held) && mode == MarginIsolated { // a part is closed with its part of the margin
			s.equityUSD = divDown(s.equityUSD.Mul(left), held)
		}
		s.notionalUSD, farthest = left, s.farthest()
		nearest = tighter(nearest, decimal.NewNullDecimal(s.grown(notional.Sub(left)).distance()))
	}
	if d := nearest.Decimal; d.LessThan(farthest) {
		out.LiquidationPercent = decimal.NewNullDecimal(d.Shift(2))
		out.LiquidationPrice = decimal.NewNullDecimal(price.Mul(scale(a.side, d)))
	}
	return out
}

// MarshalJSON writes decimals as JSON numbers with their exact digits.
func (r RiskAssessment) MarshalJSON() ([]byte, error) {
	type plain RiskAssessment
	return jsonx.Marshal(plain(r))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *RiskAssessment) UnmarshalJSON(data []byte) error {
	type plain RiskAssessment
	return jsonx.Unmarshal(data, (*plain)(r))
}
