package decision

import (
	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

// bracket is the step of the exchange's leverage table for a notional; false
// when the table is unknown.
func (a *ask) bracket(notionalUSD decimal.Decimal) (marketdata.Bracket, bool) {
	brackets := a.instrument().Brackets
	if len(brackets) == 0 {
		return marketdata.Bracket{}, false
	}
	return bracketOf(brackets, notionalUSD), true
}

// Funding refuses entries on a side that would pay more than the strategy's
// MaxFundingRateBps of its notional at the next funding: the quote's
// FundingRate × 10,000 for a long, its negative for a short. An unknown rate is
// not checked.
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
	if a.side == "" || a.market == nil || !a.market.Quote.FundingRate.Valid {
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

// MinNotional refuses entries smaller than the exchange accepts, once they are
// rounded down to whole lots at the last price.
type MinNotional struct{}

// Name is "min_notional".
func (MinNotional) Name() string { return "min_notional" }

// Check implements Rule.
func (r MinNotional) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r MinNotional) check(v *view, found *findings) {
	for i := range v.entries {
		e := &v.entries[i]
		least := e.ask.instrument().MinNotionalUSD
		if !e.addUSD.IsPositive() || !least.Valid {
			continue
		}
		if tradable := e.ask.wholeLotsUSD(e.addUSD); tradable.LessThan(least.Decimal) {
			found.refuse(e, r.Name(), least.Decimal, tradable, "allocation in %s must be at least %s USD in whole lots, was %s of %s", e.d.Asset, least.Decimal, tradable, e.addUSD)
		}
	}
}

// wholeLotsUSD is an amount rounded down to whole lots at the last price; all of
// it when lot or price is unknown.
func (a *ask) wholeLotsUSD(usd decimal.Decimal) decimal.Decimal {
	lot := a.instrument().LotSize
	last, known := a.last()
	if !known || !lot.Valid || !lot.Decimal.IsPositive() {
		return usd
	}
	worth := lot.Decimal.Mul(last)
	lots, _ := usd.QuoRem(worth, 0)
	return lots.Mul(worth)
}

// instrument is what the exchange says of the asset; all unknown without it.
func (a *ask) instrument() marketdata.Instrument {
	if a.market == nil || a.market.Instrument == nil {
		return marketdata.Instrument{}
	}
	return *a.market.Instrument
}

// LotSize refuses entries that buy less than one lot, or in whole lots less than
// the smallest quantity, at the last price.
type LotSize struct{}

// Name is "lot_size".
func (LotSize) Name() string { return "lot_size" }

// Check implements Rule.
func (r LotSize) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r LotSize) check(v *view, found *findings) {
	for i := range v.entries {
		e := &v.entries[i]
		if !e.addUSD.IsPositive() {
			continue
		}
		if least, ok := e.ask.tooFewLots(e.addUSD); !ok {
			last, _ := e.ask.last()
			found.refuse(e, r.Name(), least, e.addUSD, "allocation in %s must buy at least %s at %s in whole lots, was %s USD", e.d.Asset, least, last, e.addUSD)
		}
	}
}

// tooFewLots is the quantity that an amount must buy and does not; ok when it
// does.
func (a *ask) tooFewLots(usd decimal.Decimal) (least decimal.Decimal, ok bool) {
	instrument := a.instrument()
	last, known := a.last()
	if !known {
		return decimal.Zero, true
	}
	tradable := a.wholeLotsUSD(usd)
	for _, least := range [...]decimal.NullDecimal{instrument.LotSize, instrument.MinQuantity} {
		if least.Valid && tradable.LessThan(least.Decimal.Mul(last)) {
			return least.Decimal, false
		}
	}
	return decimal.Zero, true
}

// TickSize refuses what adds risk when a stop or target that it names, in quote
// units, is not a multiple of the exchange's TickSize. For actions that add no
// risk it only warns. An unknown tick is not checked.
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
		found.caution(e, r.Name(), tick, price, "%s %s is not a multiple of the tick %s", what, price, tick)
	}
}
