package decision

import (
	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

// bracket is the step of the exchange's leverage table for a notional; false
// when the table is unknown. Beyond the last step the last one holds.
func (a *ask) bracket(notionalUSD decimal.Decimal) (marketdata.Bracket, bool) {
	if a.market == nil || a.market.Instrument == nil || len(a.market.Instrument.Brackets) == 0 {
		return marketdata.Bracket{}, false
	}
	brackets := a.market.Instrument.Brackets
	for _, b := range brackets {
		if !b.UpToUSD.Valid || notionalUSD.LessThanOrEqual(b.UpToUSD.Decimal) {
			return b, true
		}
	}
	return brackets[len(brackets)-1], true
}

// Funding refuses entries on a side that would pay more than the strategy's
// MaxFundingRateBps at the next funding. An unknown rate is not checked.
type Funding struct{}

// Name is "funding".
func (Funding) Name() string { return "funding" }

// Check implements Rule.
func (r Funding) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r Funding) check(v *view, found *findings) {
	limit := v.in.Strategy.Risk.MaxFundingRateBps
	for i := range v.entries {
		e := &v.entries[i]
		if !e.addUSD.IsPositive() {
			continue
		}
		if pays, known := r.paysBps(&e.ask); known && pays.GreaterThan(limit) {
			found.refuse(e, r.Name(), limit, pays, "a %s in %s may pay at most %s bps of funding, would pay %s", e.ask.side, e.d.Asset, limit, pays)
		}
	}
}

func (Funding) paysBps(a *ask) (decimal.Decimal, bool) {
	if a.market == nil || !a.market.Quote.FundingRate.Valid {
		return decimal.Decimal{}, false
	}
	pays := a.market.Quote.FundingRate.Decimal.Shift(4)
	if a.side == Short {
		pays = pays.Neg()
	}
	return pays, true
}

func (Funding) sided() {}

func (r Funding) room(v *view, a *ask) Room {
	if pays, known := r.paysBps(a); known && pays.GreaterThan(v.in.Strategy.Risk.MaxFundingRateBps) {
		return noRoom()
	}
	return Room{}
}

// LiquidationBuffer refuses entries whose estimated liquidation price is
// closer than the strategy's LiquidationBuffer, a fraction of the price, or
// closer than their stop, which would then never be reached. For
// isolated margin the distance is 1 ÷ leverage − maintenance margin rate; the
// rate is that of the exchange's bracket, or 1 % when that is unknown.
type LiquidationBuffer struct{}

// Name is "liquidation_buffer".
func (LiquidationBuffer) Name() string { return "liquidation_buffer" }

// Check implements Rule.
func (r LiquidationBuffer) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r LiquidationBuffer) check(v *view, found *findings) {
	limit := v.in.Strategy.Risk.LiquidationBuffer
	for i := range v.entries {
		e := &v.entries[i]
		if !e.addUSD.IsPositive() {
			continue
		}
		distance := r.distance(&e.ask, e.ask.heldUSD().Add(e.addUSD))
		if distance.LessThan(limit) {
			found.refuse(e, r.Name(), limit, distance, "liquidation of %s must be at least %s of the price away, would be %s at %sx",
				e.d.Asset, limit, distance, e.ask.leverage)
		}
		if stop := e.ask.stopPercent.Shift(-2); stop.GreaterThan(distance) {
			found.refuse(e, r.Name(), distance, stop, "stop of %s is %s of the price away, liquidation comes first at %s", e.d.Asset, stop, distance)
		}
	}
}

func (LiquidationBuffer) distance(a *ask, notionalUSD decimal.Decimal) decimal.Decimal {
	maintenance := one
	if b, ok := a.bracket(notionalUSD); ok {
		maintenance = b.MaintenancePercent
	}
	return divDown(one, a.leverage).Sub(maintenance.Shift(-2))
}

// maxStopPercent is the stop distance that liquidation leaves to a position of
// any size up to what is held and addUSD more.
func (r LiquidationBuffer) maxStopPercent(a *ask, addUSD decimal.Decimal) decimal.Decimal {
	held := a.heldUSD()
	nearest := decimal.Min(r.distance(a, held), r.distance(a, held.Add(addUSD)))
	for _, b := range a.instrument().Brackets {
		if b.UpToUSD.Valid && b.UpToUSD.Decimal.GreaterThan(held) && b.UpToUSD.Decimal.LessThan(held.Add(addUSD)) {
			nearest = decimal.Min(nearest, r.distance(a, b.UpToUSD.Decimal))
		}
	}
	return decimal.Max(nearest, decimal.Zero).Shift(2)
}

func (r LiquidationBuffer) room(v *view, a *ask) Room {
	distance := r.distance(a, a.heldUSD())
	if distance.LessThan(v.in.Strategy.Risk.LiquidationBuffer) || a.stopPercent.Shift(-2).GreaterThan(distance) {
		return noRoom()
	}
	return Room{}
}

// MinNotional refuses entries smaller than the exchange accepts.
type MinNotional struct{}

// Name is "min_notional".
func (MinNotional) Name() string { return "min_notional" }

// Check implements Rule.
func (r MinNotional) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r MinNotional) check(v *view, found *findings) {
	for i := range v.entries {
		e := &v.entries[i]
		least := e.ask.instrument().MinNotionalUSD
		if e.addUSD.IsPositive() && least.Valid && e.addUSD.LessThan(least.Decimal) {
			found.refuse(e, r.Name(), least.Decimal, e.addUSD, "allocation in %s must be at least %s USD, was %s", e.d.Asset, least.Decimal, e.addUSD)
		}
	}
}

// instrument is what the exchange says of the asset; all unknown without it.
func (a *ask) instrument() marketdata.Instrument {
	if a.market == nil || a.market.Instrument == nil {
		return marketdata.Instrument{}
	}
	return *a.market.Instrument
}

// LotSize refuses entries that buy less than one lot, or less than the
// smallest quantity, at the last price.
type LotSize struct{}

// Name is "lot_size".
func (LotSize) Name() string { return "lot_size" }

// Check implements Rule.
func (r LotSize) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r LotSize) check(v *view, found *findings) {
	for i := range v.entries {
		e := &v.entries[i]
		last, known := e.ask.last()
		if !known || !e.addUSD.IsPositive() {
			continue
		}
		instrument := e.ask.instrument()
		for _, least := range [...]decimal.NullDecimal{instrument.LotSize, instrument.MinQuantity} {
			if least.Valid && e.addUSD.LessThan(least.Decimal.Mul(last)) {
				found.refuse(e, r.Name(), least.Decimal, e.addUSD, "allocation in %s must buy at least %s at %s, was %s USD", e.d.Asset, least.Decimal, last, e.addUSD)
				break
			}
		}
	}
}

// TickSize refuses entries whose stop or target is not a multiple of the
// exchange's tick. For actions that add no risk it only warns.
type TickSize struct{}

// Name is "tick_size".
func (TickSize) Name() string { return "tick_size" }

// Check implements Rule.
func (r TickSize) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r TickSize) check(v *view, found *findings) {
	for i := range v.entries {
		e := &v.entries[i]
		tick := e.ask.instrument().TickSize
		if !tick.Valid || !tick.Decimal.IsPositive() {
			continue
		}
		if e.setsStop {
			r.checkPrice(e, "stop", e.stop.Decimal, tick.Decimal, found)
		}
		if e.setsTake {
			r.checkPrice(e, "target", e.take.Decimal, tick.Decimal, found)
		}
	}
}

func (r TickSize) checkPrice(e *entry, what string, price, tick decimal.Decimal, found *findings) {
	switch {
	case price.Mod(tick).IsZero():
	case e.addsRisk:
		found.refuse(e, r.Name(), tick, price, "%s of %s must be a multiple of the tick %s, was %s", what, e.d.Asset, tick, price)
	default:
		found.warn(e, r.Name(), "%s %s is not a multiple of the tick %s", what, price, tick)
	}
}
