package decisiontest

import (
	"math/big"
	"time"

	"github.com/ballast-go/ballast/decision"
)

// judgeMarketData: nobody takes a risk on an asset whose price is unknown or
// more than a minute old.
func judgeMarketData(q question) verdict {
	if !addsRisk(q.in, q.entry) {
		return allows
	}
	if lastPrice(q.in, q.entry.Asset) == nil {
		return refuses
	}
	age := q.in.At.Sub(q.in.Market.Assets[q.entry.Asset].Quote.LastAt)
	return refusedIf(age > time.Minute || age < -5*time.Second) // not from the future either
}

// judgePriceLogic: the stop that an action sets is on the losing side of the
// price, its target on the winning side, both above zero. What is wrong in a
// harmless action is reported, unless nothing else is left of it.
func judgePriceLogic(q question) verdict {
	wrongStop := wrongPrice(q, ownStop(q.entry), false)
	wrongTarget := wrongPrice(q, ownTarget(q.entry), true)
	switch {
	case !wrongStop && !wrongTarget:
		return allows
	case addsRisk(q.in, q.entry):
		return refuses
	case q.entry.Action == decision.ActionAdjustOrders:
		a := q.entry.OrderAdjustment
		movesStop := ownStop(q.entry) != nil && !wrongStop
		movesTarget := ownTarget(q.entry) != nil && !wrongTarget
		if !a.CancelSL && !a.CancelTP && !movesStop && !movesTarget {
			return refuses
		}
	}
	return warns
}

// wrongPrice says whether an order at this price, a target or else a stop, is
// at or beyond the wrong side of the market.
func wrongPrice(q question, price *big.Rat, target bool) bool {
	if price == nil {
		return false
	}
	if !positive(price) {
		return true
	}
	last, side := lastPrice(q.in, q.entry.Asset), entrySide(q.in, q.entry)
	if last == nil || side == "" {
		return false
	}
	if above(price, times(last, whole(10))) { // nobody means it
		return true
	}
	if (side == decision.Long) == target {
		return !above(price, last)
	}
	return !above(last, price)
}

// judgeStopRequired: where the strategy asks for stops, no risk without one.
func judgeStopRequired(q question) verdict {
	return refusedIf(q.in.Strategy.Risk.StopRequired && addsRisk(q.in, q.entry) && stopAfter(q.in, q.entry) == nil)
}

// judgeRewardRisk: an addition wins at its target at least what it loses at
// its stop, which is reported, and at least the strategy's multiple of it,
// which is required.
func judgeRewardRisk(q question) verdict {
	last, side := lastPrice(q.in, q.entry.Asset), entrySide(q.in, q.entry)
	stop, target := stopAfter(q.in, q.entry), targetAfter(q.in, q.entry)
	least := known(q.in.Strategy.Risk.MinRewardRisk)
	if !positive(addUSD(q.entry)) || last == nil || side == "" {
		return allows
	}
	if stop == nil || target == nil {
		return refusedIf(least != nil)
	}
	reward, risk := minus(target, last), minus(last, stop)
	if side == decision.Short {
		reward, risk = negative(reward), negative(risk)
	}
	if !positive(reward) || !positive(risk) {
		return allows
	}
	if least != nil && above(times(least, risk), reward) {
		return refuses
	}
	if above(risk, reward) {
		return warns
	}
	return allows
}

// judgeCooldown: between two entries on an asset lies the strategy's pause.
func judgeCooldown(q question) verdict {
	entered, ok := q.in.Account.LastEntryAt[q.entry.Asset]
	if !ok || !positive(addUSD(q.entry)) {
		return allows
	}
	pause := time.Duration(q.in.Strategy.Risk.CooldownSeconds) * time.Second
	return refusedIf(pause > 0 && q.in.At.Sub(entered) < pause)
}

// judgeFunding: no addition on a side that pays more than the strategy allows
// at each funding. Longs pay a rate above zero, shorts one below.
func judgeFunding(q question) verdict {
	rate := known(q.in.Market.Assets[q.entry.Asset].Quote.FundingRate)
	side := entrySide(q.in, q.entry)
	if rate == nil || side == "" || !positive(addUSD(q.entry)) {
		return allows
	}
	paysBps := times(rate, whole(10_000))
	if side == decision.Short {
		paysBps = negative(paysBps)
	}
	return refusedIf(above(paysBps, q.in.Strategy.Risk.MaxFundingRateBps.Rat()))
}

// judgePositionExists: what is changed or closed must be there, and a position
// is closed before the other side is entered.
func judgePositionExists(q question) verdict {
	p := openPosition(q.in, q.entry.Asset)
	switch q.entry.Action {
	case decision.ActionAdjustPosition, decision.ActionAdjustOrders, decision.ActionClosePosition:
		return refusedIf(p == nil)
	case decision.ActionBuy:
		return refusedIf(p != nil && p.Side == decision.Short)
	case decision.ActionSell:
		return refusedIf(p != nil && p.Side == decision.Long)
	default:
		return allows
	}
}

// judgeMinConfidence: no risk below the confidence that the strategy asks for.
func judgeMinConfidence(q question) verdict {
	least := known(q.in.Strategy.Risk.MinConfidence)
	return refusedIf(least != nil && addsRisk(q.in, q.entry) && above(least, q.entry.Confidence.Rat()))
}

// judgeTickSize: the prices that an action sets are ones that the exchange
// has. A wrong one in a harmless action is reported.
func judgeTickSize(q question) verdict {
	tick := known(instrument(q.in, q.entry.Asset).TickSize)
	if tick == nil || !positive(tick) {
		return allows
	}
	for _, price := range []*big.Rat{ownStop(q.entry), ownTarget(q.entry)} {
		if price == nil || multipleOf(price, tick) {
			continue
		}
		if addsRisk(q.in, q.entry) {
			return refuses
		}
		return warns
	}
	return allows
}

// judgeLotSize: an addition buys at least one lot, and in whole lots the least
// quantity.
func judgeLotSize(q question) verdict {
	last, add := lastPrice(q.in, q.entry.Asset), addUSD(q.entry)
	if last == nil || !positive(add) {
		return allows
	}
	i := instrument(q.in, q.entry.Asset)
	for _, quantity := range []*big.Rat{known(i.LotSize), known(i.MinQuantity)} {
		if quantity != nil && above(times(quantity, last), wholeLots(q, add)) {
			return refuses
		}
	}
	return allows
}

// judgeMinNotional: an addition, in whole lots, is worth at least what the
// exchange takes.
func judgeMinNotional(q question) verdict {
	least, add := known(instrument(q.in, q.entry.Asset).MinNotionalUSD), addUSD(q.entry)
	return refusedIf(least != nil && positive(add) && above(least, wholeLots(q, add)))
}

// wholeLots is an amount without the part of the last lot that it does not
// fill.
func wholeLots(q question, usd *big.Rat) *big.Rat {
	last, lot := lastPrice(q.in, q.entry.Asset), known(instrument(q.in, q.entry.Asset).LotSize)
	if last == nil || lot == nil || !positive(lot) {
		return usd
	}
	worth := times(lot, last)
	lots := over(usd, worth)
	return times(new(big.Rat).SetInt(new(big.Int).Quo(lots.Num(), lots.Denom())), worth)
}
