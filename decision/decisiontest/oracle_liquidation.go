package decisiontest

import (
	"math/big"

	"github.com/ballast-go/ballast/decision"
)

// judgeLiquidationBuffer: after an addition the exchange would not liquidate
// the position while the price moves against it by the strategy's buffer, nor
// before it reaches the stop; and the open position, as it is, would stand that
// too.
func judgeLiquidationBuffer(q question) verdict {
	side := entrySide(q.in, q.entry)
	if side == "" || !positive(addUSD(q.entry)) {
		return judgeMovedStop(q, side)
	}
	moves := []*big.Rat{
		q.in.Strategy.Risk.LiquidationBuffer.Rat(),
		over(stopPercent(q.in, q.entry), whole(100)),
	}
	for _, mode := range modes(q) {
		for _, move := range moves {
			if !stands(q, side, afterUSD(q.in, q.entry), equity(q, mode, addUSD(q.entry)), move) {
				return refuses
			}
			if held := heldUSD(q.in, q.entry.Asset); positive(held) && !stands(q, side, held, equity(q, mode, new(big.Rat)), move) {
				return refuses
			}
		}
	}
	return allows
}

// judgeMovedStop: a stop is not moved behind the liquidation.
func judgeMovedStop(q question, side decision.Side) verdict {
	held := heldUSD(q.in, q.entry.Asset)
	if side == "" || ownStop(q.entry) == nil || !addsRisk(q.in, q.entry) || openPosition(q.in, q.entry.Asset) == nil {
		return allows
	}
	for _, mode := range modes(q) {
		if !stands(q, side, held, equity(q, mode, new(big.Rat)), over(stopPercent(q.in, q.entry), whole(100))) {
			return refuses
		}
	}
	return allows
}

// stands says whether, while the price moves against the position by a fraction
// of itself, the equity less the loss always covers the maintenance margin of
// what the position is then worth: at the end, and just above each bracket's
// bound that is passed on the way.
func stands(q question, side decision.Side, size, equity, move *big.Rat) bool {
	remains := minus(whole(1), move)
	if side == decision.Short {
		remains = sum(whole(1), move)
	}
	end := times(size, remains)
	brackets := instrument(q.in, q.entry.Asset).Brackets
	for i := 0; i+1 < len(brackets); i++ {
		bound := known(brackets[i].UpToUSD)
		if bound == nil || above(smaller(size, end), bound) || !above(larger(size, end), bound) {
			continue
		}
		needs := notNegative(minus(percentOf(brackets[i+1].MaintenancePercent.Rat(), bound), brackets[i+1].DeductionUSD.Rat()))
		if above(needs, minus(equity, absolute(minus(size, bound)))) {
			return false
		}
	}
	return !above(maintenanceUSD(q.in, q.entry.Asset, end), minus(equity, times(size, move)))
}

// maintenanceUSD is below what margin the exchange liquidates a notional: the
// bracket's share of it less its deduction, 1 % when the brackets are unknown.
func maintenanceUSD(in decision.Input, asset string, notional *big.Rat) *big.Rat {
	b := bracketOf(in, asset, notional)
	if b == nil {
		return notNegative(percentOf(whole(1), notional))
	}
	return notNegative(minus(percentOf(b.MaintenancePercent.Rat(), notional), b.DeductionUSD.Rat()))
}

// modes are the margin modes that must hold: that of the position or else of
// the account, both when it is unknown.
func modes(q question) []decision.MarginMode {
	mode := q.in.Account.MarginMode
	if p := openPosition(q.in, q.entry.Asset); p != nil {
		mode = modeOf(q.in, *p)
	}
	if mode == "" {
		return []decision.MarginMode{decision.MarginIsolated, decision.MarginCross}
	}
	return []decision.MarginMode{mode}
}

// equity is what backs the position once so much has been added.
func equity(q question, mode decision.MarginMode, added *big.Rat) *big.Rat {
	if mode == decision.MarginCross {
		return crossEquity(q)
	}
	return isolatedEquity(q, added)
}

func modeOf(in decision.Input, p decision.Position) decision.MarginMode {
	if p.MarginMode == "" {
		return in.Account.MarginMode
	}
	return p.MarginMode
}

// isolatedEquity is the margin of the position and of the addition, with what
// the position has gained.
func isolatedEquity(q question, added *big.Rat) *big.Rat {
	equity := over(added, divisor(leverageUsed(q.in, q.entry.Asset)))
	if p := openPosition(q.in, q.entry.Asset); p != nil {
		equity = sum(equity, entryMarginUSD(*p), worseGain(q.in, *p))
	}
	return equity
}

// crossEquity is the balance without what isolated positions have put aside,
// with the gains of all others, less what the exchange wants for the others
// and for what is proposed for them.
func crossEquity(q question) *big.Rat {
	equity := q.in.Account.BalanceUSD.Rat()
	for _, p := range q.in.Account.Positions {
		if modeOf(q.in, p) == decision.MarginIsolated {
			equity = minus(equity, entryMarginUSD(p))
			continue
		}
		equity = sum(equity, worseGain(q.in, p))
		if p.Symbol != q.entry.Asset {
			equity = minus(equity, maintenanceUSD(q.in, p.Symbol, heldUSD(q.in, p.Symbol)))
		}
	}
	for _, other := range q.all {
		if other.Asset == q.entry.Asset || !positive(addUSD(other)) {
			continue
		}
		if m := modes(question{in: q.in, entry: other}); len(m) == 1 && m[0] == decision.MarginIsolated {
			equity = minus(equity, addMarginUSD(q.in, other))
			continue
		}
		before := maintenanceUSD(q.in, other.Asset, heldUSD(q.in, other.Asset))
		after := maintenanceUSD(q.in, other.Asset, afterUSD(q.in, other))
		equity = minus(equity, minus(after, before))
	}
	return equity
}

// entryMarginUSD is the margin that a position was opened with.
func entryMarginUSD(p decision.Position) *big.Rat {
	return over(times(p.Quantity.Rat(), p.EntryPrice.Rat()), divisor(p.Leverage))
}

// worseGain is the gain of a position at the account's mark or at the last
// price, whichever is less.
func worseGain(in decision.Input, p decision.Position) *big.Rat {
	gain := gainAt(p, p.MarkPrice.Rat())
	if last := lastPrice(in, p.Symbol); last != nil {
		gain = smaller(gain, gainAt(p, last))
	}
	return gain
}
