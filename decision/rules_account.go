package decision

import (
	"time"

	"github.com/shopspring/decimal"
)

// Leverage refuses entries at more leverage than the smallest of MaxLeverage,
// the strategy's maximum and the exchange's bracket for the notional after
// the action, and entries beyond the end of the exchange's leverage table. New
// positions use the account's leverage, open ones their own.
type Leverage struct{}

// Name is "leverage".
func (Leverage) Name() string { return "leverage" }

// Check implements Rule.
func (r Leverage) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r Leverage) check(v *view, found *findings) {
	for i := range v.entries {
		e := &v.entries[i]
		if !e.addUSD.IsPositive() {
			continue
		}
		after := e.ask.heldUSD().Add(e.addUSD)
		if most := e.ask.tableEnd(); most.Valid && after.GreaterThan(most.Decimal) {
			found.refuse(e, r.Name(), most.Decimal, after, "the exchange's leverage table for %s ends at %s USD, the position would be %s", e.d.Asset, most.Decimal, after)
		} else if limit := r.limit(v, &e.ask, after); e.ask.leverage.GreaterThan(limit) {
			found.refuse(e, r.Name(), limit, e.ask.leverage, "leverage of %s must be at most %s, is %s", e.d.Asset, limit, e.ask.leverage)
		}
	}
}

// tableEnd is the largest notional that the exchange's leverage table speaks
// of; null when it has no end.
func (a *ask) tableEnd() decimal.NullDecimal {
	if brackets := a.instrument().Brackets; len(brackets) > 0 {
		return brackets[len(brackets)-1].UpToUSD
	}
	return decimal.NullDecimal{}
}

// limit is the highest leverage for an asset at a notional.
func (Leverage) limit(v *view, a *ask, notionalUSD decimal.Decimal) decimal.Decimal {
	limit := decimal.Min(decimal.NewFromInt(MaxLeverage), v.in.Strategy.Risk.MaxLeverage)
	if b, ok := a.bracket(notionalUSD); ok {
		limit = decimal.Min(limit, b.MaxLeverage)
	}
	return limit
}

func (r Leverage) room(v *view, a *ask) Room {
	if a.leverage.GreaterThan(r.limit(v, a, a.heldUSD())) {
		return noRoom()
	}
	var room Room // up to the largest notional whose bracket still allows the leverage
	for _, b := range a.instrument().Brackets {
		if a.leverage.GreaterThan(b.MaxLeverage) {
			continue
		}
		if !b.UpToUSD.Valid {
			return Room{}
		}
		if left := b.UpToUSD.Decimal.Sub(a.heldUSD()); !room.AssetUSD.Valid || left.GreaterThan(room.AssetUSD.Decimal) {
			room.AssetUSD = decimal.NewNullDecimal(left)
		}
	}
	return room
}

// MaxPositions refuses new positions when the count of open and new ones would
// be above the strategy's MaxPositions. Open positions in assets that were not
// asked about count, and closes of the same proposal free no place.
type MaxPositions struct{}

// Name is "max_positions".
func (MaxPositions) Name() string { return "max_positions" }

// Check implements Rule.
func (r MaxPositions) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r MaxPositions) check(v *view, found *findings) {
	opening := 0
	for i := range v.entries {
		if v.entries[i].opens {
			opening++
		}
	}
	after := len(v.in.Account.Positions) + opening
	if after <= v.in.Strategy.MaxPositions {
		return
	}
	for i := range v.entries {
		if e := &v.entries[i]; e.opens {
			found.refuse(e, r.Name(), decimal.NewFromInt(int64(v.in.Strategy.MaxPositions)), decimal.NewFromInt(int64(after)),
				"positions must number at most %d, would be %d (%d open, %d new)", v.in.Strategy.MaxPositions, after, len(v.in.Account.Positions), opening)
		}
	}
}

func (MaxPositions) room(v *view, a *ask) Room {
	if a.position == nil && len(v.in.Account.Positions) >= v.in.Strategy.MaxPositions {
		return noRoom()
	}
	return Room{}
}

// DailyLoss refuses all new risk once the P&L since 00:00 UTC in USD is at or
// below −MaxDailyLoss % (of the strategy) of that day's opening equity. The P&L
// is equity − EquityAtMidnightUSD, so a deposit or withdrawal counts until the
// host corrects that. When it is null the opening equity is taken as balance −
// realised P&L of the day, and the P&L as the realised one plus all that is
// unrealised, whenever that arose.
type DailyLoss struct{}

// Name is "daily_loss".
func (DailyLoss) Name() string { return "daily_loss" }

// Check implements Rule.
func (r DailyLoss) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r DailyLoss) check(v *view, found *findings) {
	if !v.anyRisk() {
		return
	}
	if pnl, limit := v.pnlUSD, v.pnlLimitUSD; pnl.LessThanOrEqual(limit) {
		found.whole(Violation{
			Rule: r.Name(), Severity: SeverityError, Limit: limit.String(), Value: pnl.String(),
			Message: "P&L since 00:00 UTC must be above " + limit.String() + " USD (-" + v.in.Strategy.Risk.MaxDailyLoss.String() +
				" % of the day's opening equity), is " + pnl.String(),
		})
	}
}

// dayLoss is the P&L of the day and the loss at which new risk ends.
func (v *view) dayLoss() (pnl, limit decimal.Decimal) {
	a := &v.in.Account
	unrealized := decimal.Zero
	for i := range a.Positions {
		unrealized = unrealized.Add(v.worstPnLUSD(&a.Positions[i]))
	}
	opening := a.BalanceUSD.Sub(a.RealizedPnLTodayUSD)
	pnl = a.RealizedPnLTodayUSD.Add(unrealized)
	if a.EquityAtMidnightUSD.Valid {
		opening = a.EquityAtMidnightUSD.Decimal
		pnl = a.BalanceUSD.Add(unrealized).Sub(opening)
	}
	limit = decimal.Max(opening, decimal.Zero).Mul(v.in.Strategy.Risk.MaxDailyLoss).Shift(-2).Neg()
	return pnl, limit
}

func (DailyLoss) room(v *view, _ *ask) Room {
	if v.pnlUSD.LessThanOrEqual(v.pnlLimitUSD) {
		return Room{AssetUSD: decimal.NewNullDecimal(decimal.Zero), TotalUSD: decimal.NewNullDecimal(decimal.Zero)}
	}
	return Room{}
}

// Halted refuses all new risk while a kill switch is on, globally or for the
// account: Input.Halted, which is Request.Halted or a Halt of the engine's
// Halts, or Account.Halted. It has no figures.
type Halted struct{}

// Name is "halted".
func (Halted) Name() string { return "halted" }

// Check implements Rule.
func (r Halted) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r Halted) check(v *view, found *findings) {
	if (v.in.Halted || v.in.Account.Halted) && v.anyRisk() {
		message := "trading is halted: only actions that reduce risk are allowed"
		if v.in.Halt != nil {
			message += " (" + v.in.Halt.String() + ")"
		}
		found.whole(Violation{Rule: r.Name(), Severity: SeverityError, Message: message})
	}
}

func (Halted) room(v *view, _ *ask) Room {
	if v.in.Halted || v.in.Account.Halted {
		return Room{AssetUSD: decimal.NewNullDecimal(decimal.Zero), TotalUSD: decimal.NewNullDecimal(decimal.Zero)}
	}
	return Room{}
}

func (v *view) anyRisk() bool {
	for i := range v.entries {
		if v.entries[i].addsRisk {
			return true
		}
	}
	return false
}

// Cooldown refuses entries on an asset when Input.At − the account's
// LastEntryAt is below the strategy's CooldownSeconds. An unknown last entry is
// not checked.
type Cooldown struct{}

// Name is "cooldown".
func (Cooldown) Name() string { return "cooldown" }

// Check implements Rule.
func (r Cooldown) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r Cooldown) check(v *view, found *findings) {
	for i := range v.entries {
		e := &v.entries[i]
		if !e.addUSD.IsPositive() {
			continue
		}
		if age, limit, active := r.active(v, e.d.Asset); active {
			found.refuse(e, r.Name(), decimal.NewFromInt(int64(limit/time.Second)), decimal.NewFromInt(int64(age/time.Second)),
				"last entry on %s must be at least %s ago, was %s", e.d.Asset, limit, age.Round(time.Second))
		}
	}
}

func (Cooldown) active(v *view, asset string) (age, limit time.Duration, active bool) {
	last, ok := v.in.Account.LastEntryAt[asset]
	limit = time.Duration(v.in.Strategy.Risk.CooldownSeconds) * time.Second
	age = v.in.At.Sub(last)
	return age, limit, ok && limit > 0 && age < limit
}

func (r Cooldown) room(v *view, a *ask) Room {
	if _, _, active := r.active(v, a.asset); active {
		return noRoom()
	}
	return Room{}
}
