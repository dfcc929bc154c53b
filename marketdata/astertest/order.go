package astertest

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// order is one order, from its acceptance on.
type order struct {
	id                 int64
	clientID           string
	account            *account
	market             *market
	side, positionSide string
	kind, origKind     string // LIMIT, MARKET, STOP, …: kind becomes the child's once triggered
	tif                string
	quantity, price    decimal.Decimal // price 0: none
	stop               decimal.Decimal // 0: none
	executed, quote    decimal.Decimal
	reduceOnly         bool
	closePosition      bool
	priceProtect       bool
	workingType        string
	status             string
	created, updated   time.Time
	edits              int
}

// The states and types that the logic asks for.
const (
	statusNew, statusFilled, statusCanceled, statusExpired = "NEW", "FILLED", "CANCELED", "EXPIRED"
	limit, marketType                                      = "LIMIT", "MARKET"
	stopLimit, stopMarket                                  = "STOP", "STOP_MARKET"
	profitLimit, profitMarket                              = "TAKE_PROFIT", "TAKE_PROFIT_MARKET"
	markPrice, contractPrice                               = "MARK_PRICE", "CONTRACT_PRICE"
)

// conditional reports whether the order waits for its trigger.
func (o *order) conditional() bool {
	return o.kind != limit && o.kind != marketType
}

// above reports whether the trigger is a price at or above stop.
func (o *order) above() bool {
	isStop := o.kind == stopLimit || o.kind == stopMarket
	return isStop == (o.side == buy)
}

func (o *order) average() decimal.Decimal {
	if o.executed.IsZero() {
		return decimal.Zero
	}
	return o.quote.DivRound(o.executed, pricePlaces)
}

// signed is a quantity as a change of the position.
func (o *order) signed(quantity decimal.Decimal) decimal.Decimal {
	if o.side == sell {
		return quantity.Neg()
	}
	return quantity
}

// closes is how much of the order would reduce the position.
func (o *order) closes(p *position) decimal.Decimal {
	if p.amount.Sign()*o.signed(decimal.NewFromInt(1)).Sign() >= 0 {
		return decimal.Zero
	}
	return decimal.Min(p.amount.Abs(), o.quantity)
}

// reduces reports whether the order may do nothing but reduce a position.
func (o *order) reduces() bool {
	return o.reduceOnly || o.closePosition || o.positionSide != both && (o.positionSide == long) == (o.side == sell)
}

// taken is the price at which the order would trade at once.
func (o *order) taken() decimal.Decimal {
	if o.side == buy {
		return o.market.ask()
	}
	return o.market.bid()
}

// crosses reports whether a limit order would trade at once.
func (o *order) crosses() bool {
	if o.side == buy {
		return o.price.GreaterThanOrEqual(o.market.ask())
	}
	return o.price.LessThanOrEqual(o.market.bid())
}

// common are the members that every answer about an order has.
func (o *order) common() object {
	m := o.market
	return object{
		"orderId": o.id, "symbol": m.symbol, "status": o.status, "clientOrderId": o.clientID,
		"price": m.price(o.price), "origQty": m.quantity(o.quantity), "executedQty": m.quantity(o.executed),
		"cumQuote": money(o.quote), "timeInForce": o.tif, "type": o.kind, "origType": o.origKind,
		"reduceOnly": o.reduceOnly, "closePosition": o.closePosition, "side": o.side, "positionSide": o.positionSide,
		"stopPrice": m.price(o.stop), "workingType": o.workingType, "priceProtect": o.priceProtect,
		"updateTime": o.updated.UnixMilli(),
	}
}

// placed answers a new or changed order.
func (o *order) placed() object {
	out := o.common()
	out["cumQty"], out["avgPrice"] = out["executedQty"], money(o.average())
	return out
}

// cancelled answers a cancellation.
func (o *order) cancelled() object {
	out := o.common()
	out["cumQty"] = out["executedQty"]
	return out
}

// queried answers a question.
func (o *order) queried() object {
	out := o.common()
	out["avgPrice"], out["time"] = money(o.average()), o.created.UnixMilli()
	return out
}

// finish ends an order without another trade.
func (e *Exchange) finish(o *order, status string) {
	o.status, o.updated = status, e.now
	o.account.drop(o)
	e.pushOrder(o, status, fillOf{})
}

// drop takes an order from the open ones.
func (a *account) drop(o *order) {
	if i := slices.Index(a.open, o); i >= 0 {
		a.open = slices.Delete(a.open, i, i+1)
	}
}

// byID finds an order by one of its ids.
func (a *account) byID(m *market, id int64, clientID string) *order {
	for _, o := range slices.Backward(a.orders) {
		if o.market == m && (id != 0 && o.id == id || id == 0 && o.clientID == clientID) {
			return o
		}
	}
	return nil
}
