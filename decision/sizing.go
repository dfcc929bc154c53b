package decision

import (
	"math"
	"strconv"

	"github.com/shopspring/decimal"
)

// minTrackedTrades is from how many closed trades on a win rate is used.
const minTrackedTrades = 30

// suggest is the notional of a position by the strategy's PositionSizing, null
// when that needs what is not known. What is open in the asset counts towards
// it.
//
//   - fixed: MaxPositionSizeUSD ÷ max_positions, whatever the market does.
//   - percentage: an equal share of the margin that Exposure leaves (80 % of
//     the balance ÷ max_positions), times leverage.
//   - kelly: half the Kelly fraction of the balance at risk, f = p − (1 − p) ÷ b
//     (Kelly 1956), with b = take_profit_ratio and p the win rate of the
//     account's TrackRecord by the rule of succession, (wins + 1) ÷ (trades + 2).
//     At most max_risk_per_trade; nothing without an edge; unknown below 30
//     trades.
//   - volatility_adjusted: max_risk_per_trade of the balance at risk with a stop
//     two ATR 14 of Interval away, or at the strategy's stop when that is
//     farther. Unknown without ATR.
func (rs Rules) suggest(v *view, a *ask) decimal.NullDecimal {
	s := &v.in.Strategy
	slots := decimal.NewFromInt(int64(max(s.MaxPositions, 1)))
	var size decimal.NullDecimal
	switch s.PositionSizing {
	case SizingFixed:
		size = decimal.NewNullDecimal(divDown(v.in.Account.MaxPositionSizeUSD, slots))
	case SizingPercentage:
		size = decimal.NewNullDecimal(divDown(percentOf(v.in.Account.BalanceUSD, rs.maxExposurePercent()).Mul(a.leverage), slots))
	case SizingKelly:
		size = atRisk(v.kellyPercent(), v.in.Account.BalanceUSD, s.Risk.StopLossPercentage)
	case SizingVolatilityAdjusted:
		if atr := v.atrPercent(a); atr.Valid {
			stop := decimal.Max(atr.Decimal.Mul(decimal.NewFromInt(2)), s.Risk.StopLossPercentage)
			size = atRisk(decimal.NewNullDecimal(s.Risk.MaxRiskPerTrade), v.in.Account.BalanceUSD, stop)
		}
	}
	if size.Valid {
		size.Decimal = size.Decimal.Sub(a.heldUSD())
	}
	return size
}

// maxExposurePercent is the narrowest limit of any Exposure rule, the whole
// balance without one.
func (rs Rules) maxExposurePercent() int64 {
	percent := int64(100)
	for _, r := range rs {
		if e, ok := r.(Exposure); ok {
			percent = min(percent, e.MaxPercent)
		}
	}
	return percent
}

// atRisk is the notional that loses riskPercent of the balance at the stop.
func atRisk(riskPercent decimal.NullDecimal, balanceUSD, stopPercent decimal.Decimal) decimal.NullDecimal {
	if !riskPercent.Valid {
		return riskPercent
	}
	return decimal.NewNullDecimal(divDown(balanceUSD.Mul(riskPercent.Decimal), stopPercent))
}

// kellyPercent is half the Kelly fraction in percent, between zero and
// max_risk_per_trade.
func (v *view) kellyPercent() decimal.NullDecimal {
	record, risk := v.in.Account.TrackRecord, &v.in.Strategy.Risk
	if record == nil || record.Trades < minTrackedTrades || record.problem() != "" || !risk.TakeProfitRatio.IsPositive() {
		return decimal.NullDecimal{}
	}
	trades, wins := decimal.NewFromInt(int64(record.Trades)+2), decimal.NewFromInt(int64(record.Wins)+1)
	losses := trades.Sub(wins)
	edge := divDown(wins, trades).Sub(divUp(divUp(losses, trades), risk.TakeProfitRatio))
	half := edge.Shift(2).Div(decimal.NewFromInt(2))
	return decimal.NewNullDecimal(decimal.Min(decimal.Max(half, decimal.Zero), risk.MaxRiskPerTrade))
}

// atrPercent is the newest ATR 14 of Interval in percent of the price.
func (v *view) atrPercent(a *ask) decimal.NullDecimal {
	set, ok := v.in.Set(a.asset, v.in.Interval)
	last, known := a.last()
	if !ok || !known || len(set.ATR14) == 0 {
		return decimal.NullDecimal{}
	}
	atr := set.ATR14[len(set.ATR14)-1]
	if math.IsNaN(atr) || math.IsInf(atr, 0) || atr < 0 {
		return decimal.NullDecimal{}
	}
	d, err := decimal.NewFromString(strconv.FormatFloat(atr, 'e', -1, 64))
	if err != nil {
		return decimal.NullDecimal{}
	}
	return decimal.NewNullDecimal(divUp(d.Mul(hundred), last))
}

// fit is a suggested size within a maximum, rounded down to a cent; zero when
// the exchange would not accept so little.
func (a *ask) fit(suggested decimal.NullDecimal, maxUSD decimal.Decimal) decimal.NullDecimal {
	if !suggested.Valid {
		return suggested
	}
	size := cents(decimal.NewNullDecimal(decimal.Min(suggested.Decimal, maxUSD)))
	size, _ = a.tradable(size, "")
	return decimal.NewNullDecimal(size)
}
