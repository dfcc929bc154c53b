package astertest

import (
	"strings"

	"github.com/shopspring/decimal"
)

// checkPrice applies PRICE_FILTER to a price or a stop price that was sent.
func (m *market) checkPrice(price decimal.Decimal) error {
	switch {
	case !price.IsPositive():
		return fail(-4001, "Price less than 0.")
	case price.GreaterThan(m.maxPrice):
		return fail(-4002, "Price greater than max price.")
	case price.LessThan(m.tick):
		return fail(-4013, "Price less than min price.")
	case -price.Exponent() > m.pricePrecision() && !price.Truncate(m.pricePrecision()).Equal(price):
		return fail(-1111, "Precision is over the maximum defined for this asset.")
	case !price.Sub(m.tick).Mod(m.tick).IsZero():
		return fail(-4014, "Price not increased by tick size.")
	}
	return nil
}

// pricePrecision and quantityPrecision are what exchangeInfo shows beside the
// filters. They allow more digits than the steps, as on the venue.
func (m *market) pricePrecision() int32    { return m.tickPlaces + 1 }
func (m *market) quantityPrecision() int32 { return m.lotPlaces + 1 }

// checkQuantity applies LOT_SIZE, and MARKET_LOT_SIZE to what trades at the
// market.
func (m *market) checkQuantity(quantity decimal.Decimal, atMarket bool) error {
	most := m.maxQty
	if atMarket {
		most = m.marketMaxQty
	}
	switch {
	case !quantity.IsPositive():
		return fail(-4003, "Quantity less than or equal to zero.")
	case quantity.LessThan(m.minQty):
		return fail(-4004, "Quantity less than min quantity.")
	case quantity.GreaterThan(most):
		return fail(-4005, "Quantity greater than max quantity.")
	case -quantity.Exponent() > m.quantityPrecision() && !quantity.Truncate(m.quantityPrecision()).Equal(quantity):
		return fail(-1111, "Precision is over the maximum defined for this asset.")
	case !quantity.Sub(m.minQty).Mod(m.lot).IsZero():
		return fail(-4023, "Qty not increased by step size.")
	}
	return nil
}

// checkBand applies PERCENT_PRICE to a limit price.
func (m *market) checkBand(side string, price, mark decimal.Decimal) error {
	if high := mark.Mul(m.up); side == buy && price.GreaterThan(high) {
		return fail(-4016, "Limit price can't be higher than %s.", m.price(high))
	}
	if low := mark.Mul(m.down); side == sell && price.LessThan(low) {
		return fail(-4024, "Limit price can't be lower than %s.", m.price(low))
	}
	return nil
}

func (m *market) checkNotional(price, quantity decimal.Decimal) error {
	if price.Mul(quantity).LessThan(m.minNotional) {
		return fail(-4164, "Order's notional must be no smaller than %s (unless you choose reduce only)", m.minNotional.StringFixed(1))
	}
	return nil
}

const (
	maxOrders      = 200 // open orders a symbol and account
	maxConditional = 100 // of them waiting for a trigger
)

// check applies every filter to a new order, and the account's limits.
func (e *Exchange) check(o *order) error {
	m := o.market
	if !o.price.IsZero() {
		if err := m.checkPrice(o.price); err != nil {
			return err
		}
		if err := m.checkBand(o.side, o.price, m.mark(e.now)); err != nil {
			return err
		}
	}
	if !o.stop.IsZero() {
		if err := m.checkPrice(o.stop); err != nil {
			return err
		}
	}
	if !o.closePosition {
		atMarket := o.kind == marketType || strings.HasSuffix(o.kind, "_MARKET")
		if err := m.checkQuantity(o.quantity, atMarket); err != nil {
			return err
		}
	}
	if !o.reduces() {
		if err := m.checkNotional(e.reference(o), o.quantity); err != nil {
			return err
		}
	}
	return o.account.checkCount(o)
}

// reference is the price that an order's notional is measured at.
func (e *Exchange) reference(o *order) decimal.Decimal {
	switch {
	case !o.price.IsZero():
		return o.price
	case !o.stop.IsZero():
		return o.stop
	}
	return o.market.mark(e.now)
}

func (a *account) checkCount(o *order) error {
	open, conditional := 0, 0
	for _, other := range a.open {
		if other.market == o.market {
			open++
			if other.conditional() {
				conditional++
			}
		}
		if other.clientID == o.clientID {
			return fail(-4116, "ClientOrderId is duplicated.")
		}
	}
	switch {
	case open >= maxOrders:
		return fail(-2025, "Reach max open order limit.")
	case o.conditional() && conditional >= maxConditional:
		return fail(-4045, "Reach max stop order limit.")
	}
	return nil
}
