package decision

import (
	"github.com/shopspring/decimal"
)

// LiquidationBuffer refuses entries after which the position would be
// liquidated before the price has moved by the strategy's LiquidationBuffer, a
// fraction of the price, or before its stop is reached; entries into a position
// of which that is true already; and to move a stop behind the liquidation.
//
// The position is liquidated when equity − notional × move falls below the
// maintenance margin at the moved price. Equity is, with isolated margin, the
// position's initial margin (notional at entry ÷ leverage) and its unrealised
// P&L; with cross margin the balance and the unrealised P&L of all cross
// positions, less what isolated positions hold and what the others, new ones
// of the proposal included, need as maintenance margin. An unknown margin mode
// must satisfy both. Maintenance follows the exchange's brackets, 1 % of the
// notional when they are unknown. This is the formula of USD-margined
// perpetuals, without fees.
type LiquidationBuffer struct{}

// Name is "liquidation_buffer".
func (LiquidationBuffer) Name() string { return "liquidation_buffer" }

// Check implements Rule.
func (r LiquidationBuffer) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r LiquidationBuffer) check(v *view, found *findings) {
	for i := range v.entries {
		e := &v.entries[i]
		if e.ask.side == "" || !e.addsRisk { // PositionExists refuses to adjust what is not open
			continue
		}
		for _, held := range v.stakes(&e.ask, decimal.NewNullDecimal(decimal.Max(e.addUSD, decimal.Zero))) {
			if e.addUSD.IsPositive() && r.checkEntry(v, e, &held, found) || e.movesStop() && r.checkStop(e, &held, found) {
				break // the other mode would say the same in other figures
			}
		}
	}
}

// movesStop: the action adds risk by its stop alone.
func (e *entry) movesStop() bool {
	return !e.addUSD.IsPositive() && e.setsStop && e.ask.position != nil
}

// checkStop refuses to move a stop behind the liquidation.
func (r LiquidationBuffer) checkStop(e *entry, held *stake, found *findings) (refused bool) {
	stop := e.ask.stopPercent.Shift(-2)
	if held.stands(stop) {
		return false
	}
	distance := held.distance()
	found.refuse(e, r.Name(), distance, stop, "stop of %s is %s of the price away, liquidation comes first at %s (%s margin)", e.d.Asset, stop, distance, held.mode)
	return true
}

func (r LiquidationBuffer) checkEntry(v *view, e *entry, held *stake, found *findings) (refused bool) {
	buffer, stop := v.in.Strategy.Risk.LiquidationBuffer, e.ask.stopPercent.Shift(-2)
	both := decimal.Max(buffer, stop)
	after := held.grown(e.addUSD)
	switch {
	case after.stands(both) && (held.notionalUSD.IsZero() || held.stands(both)):
		if most := held.roomAcrossJumps(e.addUSD, both); most.Valid && e.addUSD.GreaterThan(most.Decimal) {
			found.refuse(e, r.Name(), most.Decimal, e.addUSD, "at most %s USD may be added to %s: beyond, liquidation is less than %s of the price away (%s margin)",
				decimal.Max(most.Decimal, decimal.Zero), e.d.Asset, both, held.mode)
			return true
		}
		return false
	case !after.stands(buffer):
		distance := after.distance()
		found.refuse(e, r.Name(), buffer, distance, "liquidation of %s must be at least %s of the price away, would be %s at %sx (%s margin)",
			e.d.Asset, buffer, distance, e.ask.leverage, held.mode)
	case !after.stands(stop):
		distance := after.distance()
		found.refuse(e, r.Name(), distance, stop, "stop of %s is %s of the price away, liquidation comes first at %s (%s margin)", e.d.Asset, stop, distance, held.mode)
	default:
		distance := held.distance()
		found.refuse(e, r.Name(), both, distance, "the open position in %s must be at least %s of the price away from liquidation before it may grow, is %s (%s margin)",
			e.d.Asset, both, distance, held.mode)
	}
	return true
}

func (LiquidationBuffer) sided() {}

func (r LiquidationBuffer) room(v *view, a *ask) Room {
	var room Room
	if a.within.Valid && !a.within.Decimal.IsPositive() {
		return room
	}
	fraction := decimal.Max(v.in.Strategy.Risk.LiquidationBuffer, a.stopPercent.Shift(-2))
	for _, held := range v.stakes(a, a.within) {
		if a.within.Valid && held.stands(fraction) && held.grown(a.within.Decimal).stands(fraction) {
			room.AssetUSD = tighter(room.AssetUSD, held.roomAcrossJumps(a.within.Decimal, fraction)) // as checkEntry
			continue
		}
		room.AssetUSD = tighter(room.AssetUSD, held.largest(fraction))
	}
	return room
}

// maxStopPercent is the stop distance that liquidation leaves to a position of
// any size up to what is held and addUSD more, on the side of the ask.
func (v *view) maxStopPercent(a *ask, addUSD decimal.Decimal) decimal.Decimal {
	nearest := one
	for _, held := range v.stakes(a, decimal.NewNullDecimal(addUSD)) {
		sizes := append(make([]decimal.Decimal, 0, 4), held.notionalUSD.Add(addUSD))
		if held.notionalUSD.IsPositive() {
			sizes = append(sizes, held.notionalUSD)
		}
		for _, b := range held.brackets {
			if !b.UpToUSD.Valid || !b.UpToUSD.Decimal.LessThan(sizes[0]) {
				break
			}
			if b.UpToUSD.Decimal.GreaterThan(held.notionalUSD) {
				sizes = append(sizes, b.UpToUSD.Decimal)
			}
		}
		for _, size := range sizes {
			if after := held.grown(size.Sub(held.notionalUSD)); nearest.Equal(one) || !after.stands(nearest) {
				nearest = decimal.Min(nearest, after.distance())
			}
		}
	}
	return nearest.Shift(2)
}

// modes are the margin modes that must be satisfied.
func (a *ask) modes(v *view) []MarginMode {
	mode := v.in.Account.MarginMode
	if a.position != nil {
		mode = v.modeOf(a.position)
	}
	switch mode {
	case MarginIsolated:
		return eitherMode[:1]
	case MarginCross:
		return eitherMode[1:]
	}
	return eitherMode[:]
}

//nolint:gochecknoglobals // a constant that Go cannot write as one
var eitherMode = [...]MarginMode{MarginIsolated, MarginCross}

// backing is the equity that each USD of new notional brings with it.
func (a *ask) backing(mode MarginMode) decimal.Decimal {
	if mode == MarginCross || !a.leverage.IsPositive() {
		return decimal.Zero
	}
	perUSD, _ := one.QuoRem(a.leverage, 16)
	return perUSD
}

// stakes are what is held of the asset in each margin mode that must be
// satisfied. Where the mode is unknown, cross margin is left out when it backs
// up to addUSD more (null: any amount) at least as well as isolated margin.
func (v *view) stakes(a *ask, addUSD decimal.NullDecimal) []stake {
	modes := a.modes(v)
	out := make([]stake, 1, 2)
	if out[0] = v.stake(a, modes[0]); len(modes) == 1 {
		return out
	}
	cross := v.stake(a, modes[1])
	if addUSD.Valid && cross.equityUSD.GreaterThanOrEqual(out[0].grown(addUSD.Decimal).equityUSD) {
		return out
	}
	return append(out, cross)
}

func (v *view) stake(a *ask, mode MarginMode) stake {
	s := stake{side: a.side, mode: mode, notionalUSD: a.heldUSD(), brackets: a.instrument().Brackets, perUSD: a.backing(mode)}
	if mode == MarginCross {
		s.equityUSD = v.crossEquityUSD(a)
	} else if p := a.position; p != nil {
		s.equityUSD = initialMarginUSD(p).Add(v.worstPnLUSD(p))
	}
	return s
}

// initialMarginUSD is what an isolated position was opened with.
func initialMarginUSD(p *Position) decimal.Decimal {
	return divDown(p.Quantity.Mul(p.EntryPrice), p.Leverage)
}

// worstPnLUSD is the unrealised P&L at the account's mark or the market's last
// price, whichever makes it smaller.
func (v *view) worstPnLUSD(p *Position) decimal.Decimal {
	pnl := p.UnrealizedPnLUSD()
	if m, ok := v.in.Market.Assets[p.Symbol]; ok && m.Quote.Last.IsPositive() {
		now := *p
		now.MarkPrice = m.Quote.Last
		pnl = decimal.Min(pnl, now.UnrealizedPnLUSD())
	}
	return pnl
}

// crossed is what all cross positions share, derived once a gate.
type crossed struct {
	known     bool
	equityUSD decimal.Decimal   // less what all of them need
	needsUSD  []decimal.Decimal // by entry: the margin or maintenance that it takes
}

// crossEquityUSD is what backs a cross position in the asset, less what the
// others need.
func (v *view) crossEquityUSD(a *ask) decimal.Decimal {
	if !v.cross.known {
		v.cross = v.newCrossed()
	}
	equity := v.cross.equityUSD
	if p := a.position; p != nil && v.modeOf(p) != MarginIsolated {
		equity = equity.Add(maintenanceUSD(a.instrument().Brackets, a.heldUSD()))
	}
	for i := range v.cross.needsUSD {
		if v.entries[i].d.Asset == a.asset {
			equity = equity.Add(v.cross.needsUSD[i])
		}
	}
	return equity
}

func (v *view) newCrossed() crossed {
	c := crossed{known: true, equityUSD: v.in.Account.BalanceUSD, needsUSD: make([]decimal.Decimal, len(v.entries))}
	for i := range v.in.Account.Positions {
		p := &v.in.Account.Positions[i]
		if v.modeOf(p) == MarginIsolated {
			c.equityUSD = c.equityUSD.Sub(divUp(p.Quantity.Mul(p.EntryPrice), p.Leverage))
			continue
		}
		a := v.ask(p.Symbol, p.Side)
		c.equityUSD = c.equityUSD.Add(v.worstPnLUSD(p)).Sub(maintenanceUSD(a.instrument().Brackets, a.heldUSD()))
	}
	for i := range v.entries {
		e := &v.entries[i]
		if !e.addUSD.IsPositive() {
			continue
		}
		if modes := e.ask.modes(v); len(modes) == 1 && modes[0] == MarginIsolated {
			c.needsUSD[i] = divUp(e.addUSD, e.ask.leverage)
			c.equityUSD = c.equityUSD.Sub(c.needsUSD[i])
			continue
		}
		brackets, held := e.ask.instrument().Brackets, e.ask.heldUSD()
		c.needsUSD[i] = maintenanceUSD(brackets, held.Add(e.addUSD))
		if held.IsPositive() {
			c.needsUSD[i] = c.needsUSD[i].Sub(maintenanceUSD(brackets, held))
		}
		c.equityUSD = c.equityUSD.Sub(c.needsUSD[i])
	}
	return c
}

// modeOf is a position's margin mode, empty when it is unknown.
func (v *view) modeOf(p *Position) MarginMode {
	if p.MarginMode != "" {
		return p.MarginMode
	}
	return v.in.Account.MarginMode
}
