package decisiontest

import (
	"math/big"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
)

// judgePositionSize: the asset is worth no more than the account's limit after
// an addition.
func judgePositionSize(q question) verdict {
	return refusedIf(positive(addUSD(q.entry)) && above(afterUSD(q.in, q.entry), q.in.Account.MaxPositionSizeUSD.Rat()))
}

// judgeLeverage: an addition is made at no more than the leverage that
// everybody allows: this library 20, the strategy its own, the exchange that
// of the bracket; and not beyond the exchange's last bracket.
func judgeLeverage(q question) verdict {
	if !positive(addUSD(q.entry)) {
		return allows
	}
	most := smaller(whole(20), q.in.Strategy.Risk.MaxLeverage.Rat())
	if b := bracketOf(q.in, q.entry.Asset, afterUSD(q.in, q.entry)); b != nil {
		most = smaller(most, b.MaxLeverage.Rat())
		if b.UpToUSD.Valid && above(afterUSD(q.in, q.entry), b.UpToUSD.Decimal.Rat()) {
			return refuses
		}
	}
	return refusedIf(above(leverageUsed(q.in, q.entry.Asset).Rat(), most))
}

// bracketOf is the first bracket that reaches up to a notional, or the last
// one when none does; nil when the exchange's are unknown.
func bracketOf(in decision.Input, asset string, notional *big.Rat) *marketdata.Bracket {
	brackets := instrument(in, asset).Brackets
	for _, b := range brackets {
		if !b.UpToUSD.Valid || !above(notional, b.UpToUSD.Decimal.Rat()) {
			return &b
		}
	}
	if len(brackets) == 0 {
		return nil
	}
	return &brackets[len(brackets)-1]
}

// judgeConcentration: after an addition one asset ties up at most 80 % of the
// balance, and above 60 % it is reported.
func judgeConcentration(q question) verdict {
	if !positive(addUSD(q.entry)) {
		return allows
	}
	margin := upTo8(over(afterUSD(q.in, q.entry), divisor(leverageUsed(q.in, q.entry.Asset))))
	return shareOfBalance(q.in, margin)
}

// judgeLargeAllocation reports an addition worth more than half of what is
// available.
func judgeLargeAllocation(q question) verdict {
	add := addUSD(q.entry)
	if positive(add) && above(add, percentOf(whole(50), q.in.Account.AvailableUSD.Rat())) {
		return warns
	}
	return allows
}

// judgeRiskPerTrade: whoever takes a risk loses at the stop no more than the
// strategy's share of the balance, what is held already included.
func judgeRiskPerTrade(q question) verdict {
	if !addsRisk(q.in, q.entry) {
		return allows
	}
	distance := stopPercent(q.in, q.entry)
	if distance.Sign() == 0 { // no size has a loss to compare with
		return refusedIf(positive(afterUSD(q.in, q.entry)))
	}
	most := downTo8(over(times(q.in.Account.BalanceUSD.Rat(), q.in.Strategy.Risk.MaxRiskPerTrade.Rat()), distance))
	return refusedIf(above(addUSD(q.entry), minus(most, heldUSD(q.in, q.entry.Asset))))
}

// judgeMaxPositions: no more assets are open than the strategy allows, those
// that other rules refuse counted. Adding to a position opens none.
func judgeMaxPositions(q question) verdict {
	opened := 0
	for _, d := range q.all {
		if opens(q.in, d) {
			opened++
		}
	}
	return refusedIf(opens(q.in, q.entry) && len(q.in.Account.Positions)+opened > q.in.Strategy.MaxPositions)
}

func opens(in decision.Input, d decision.AssetDecision) bool {
	return (d.Action == decision.ActionBuy || d.Action == decision.ActionSell) && openPosition(in, d.Asset) == nil
}

// judgeAvailableCapital: all additions together, the refused ones as well, tie
// up no more than what is available. Otherwise no risk is taken at all.
func judgeAvailableCapital(q question) verdict {
	margin := proposedMarginUSD(q)
	return refusedIf(addsRisk(q.in, q.entry) && positive(margin) && above(margin, q.in.Account.AvailableUSD.Rat()))
}

// judgeExposure: after all additions at most 80 % of the balance is tied up,
// and above 60 % it is reported. It binds every risk.
func judgeExposure(q question) verdict {
	margin := proposedMarginUSD(q)
	if !addsRisk(q.in, q.entry) || !positive(margin) {
		return allows
	}
	for _, p := range q.in.Account.Positions {
		margin = sum(margin, upTo8(over(heldUSD(q.in, p.Symbol), divisor(p.Leverage))))
	}
	return shareOfBalance(q.in, margin)
}

func proposedMarginUSD(q question) *big.Rat {
	margin := new(big.Rat)
	for _, d := range q.all {
		margin = sum(margin, addMarginUSD(q.in, d))
	}
	return margin
}

// shareOfBalance refuses a margin above 80 % of the balance and warns of one
// above 60 %.
func shareOfBalance(in decision.Input, margin *big.Rat) verdict {
	balance := in.Account.BalanceUSD.Rat()
	switch {
	case above(margin, percentOf(whole(80), balance)):
		return refuses
	case above(margin, percentOf(whole(60), balance)):
		return warns
	}
	return allows
}

// judgeDailyLoss: once the day has lost the strategy's share of what it opened
// with, no risk is taken until it ends.
func judgeDailyLoss(q question) verdict {
	a := q.in.Account
	unrealized := new(big.Rat)
	for _, p := range a.Positions {
		unrealized = sum(unrealized, worseGain(q.in, p))
	}
	gain := sum(a.RealizedPnLTodayUSD.Rat(), unrealized)
	opening := minus(a.BalanceUSD.Rat(), a.RealizedPnLTodayUSD.Rat())
	if midnight := known(a.EquityAtMidnightUSD); midnight != nil {
		gain = minus(sum(a.BalanceUSD.Rat(), unrealized), midnight)
		opening = midnight
	}
	most := percentOf(q.in.Strategy.Risk.MaxDailyLoss.Rat(), notNegative(opening))
	return refusedIf(addsRisk(q.in, q.entry) && !above(gain, negative(most)))
}

// gainAt is what closing a position at a price gains.
func gainAt(p decision.Position, price *big.Rat) *big.Rat {
	move := minus(price, p.EntryPrice.Rat())
	if p.Side == decision.Short {
		move = negative(move)
	}
	return times(p.Quantity.Rat(), move)
}

// judgeHalted: behind a kill switch, of the account or of all, no risk.
func judgeHalted(q question) verdict {
	return refusedIf((q.in.Halted || q.in.Account.Halted) && addsRisk(q.in, q.entry))
}
