package astertest

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"
)

const listenLife = time.Hour

// listenKeyCall makes, extends or ends the key of the account's user stream.
func listenKeyCall(e *Exchange, c *call) (any, error) {
	a := c.account
	switch {
	case c.method == "POST" && a.listenKey == "":
		e.tranID++
		a.listenKey = fmt.Sprintf("%x%020d", hash([]byte(a.wallet), []byte(e.now.String())), e.tranID)
	case c.method != "POST" && a.listenKey == "":
		return nil, fail(-1125, "This listenKey does not exist.")
	case c.method == "DELETE":
		a.listenKey = ""
		return object{}, nil
	}
	a.listenUntil = e.now.Add(listenLife)
	if c.method == "POST" {
		return object{"listenKey": a.listenKey}, nil
	}
	return object{}, nil
}

// push sends an event to the account's user streams.
func (e *Exchange) push(a *account, event object) {
	for _, conn := range e.streams.open {
		if conn.account == a && a.listenKey != "" && conn.key == a.listenKey {
			e.emit(conn, "user", event)
		}
	}
}

// pushOrder reports what happened to an order.
func (e *Exchange) pushOrder(o *order, execution string, f fillOf) {
	m, at := o.market, o.updated.UnixMilli()
	event := object{
		"s": m.symbol, "c": o.clientID, "S": o.side, "o": o.kind, "f": o.tif, "q": m.quantity(o.quantity), "p": m.price(o.price),
		"ap": money(o.average()), "sp": m.price(o.stop), "x": execution, "X": o.status, "i": o.id, "l": m.quantity(f.quantity),
		"z": m.quantity(o.executed), "L": m.price(f.price), "T": at, "t": f.trade, "b": "0", "a": "0", "m": f.maker,
		"R": o.reduceOnly, "wt": o.workingType, "ot": o.origKind, "ps": o.positionSide, "cp": o.closePosition,
		"rp": money(f.realised),
	}
	if f.fee.IsPositive() {
		event["N"], event["n"] = "USDT", money(f.fee)
	}
	e.push(o.account, object{"e": "ORDER_TRADE_UPDATE", "E": e.now.UnixMilli(), "T": at, "o": event})
}

// pushAccount reports the balance, and the position when one has changed.
func (e *Exchange) pushAccount(a *account, reason string, p *position) {
	at := e.now.UnixMilli()
	positions := []object{}
	if p != nil {
		margin := "cross"
		if a.of(p.market).isolated {
			margin = "isolated"
		}
		positions = append(positions, object{
			"s": p.market.symbol, "pa": p.market.quantity(p.amount), "ep": money(p.entry()), "cr": money(a.realised(p.market)),
			"up": money(p.unrealised(p.market.mark(e.now))), "mt": margin, "iw": money(p.margin), "ps": p.side,
		})
	}
	cross := a.balance
	for _, held := range a.positions {
		cross = cross.Sub(held.margin)
	}
	e.push(a, object{
		"e": "ACCOUNT_UPDATE", "E": at, "T": at,
		"a": object{
			"m": reason, "P": positions,
			"B": []object{{"a": "USDT", "wb": money(a.balance), "cw": money(cross), "bc": "0.00000000"}},
		},
	})
}

// realised is what trades of a symbol have made so far.
func (a *account) realised(m *market) decimal.Decimal {
	sum := decimal.Zero
	for _, t := range a.trades {
		if t.order.market == m {
			sum = sum.Add(t.realised)
		}
	}
	return sum
}

func (e *Exchange) pushMarginCall(a *account, p *position, mark decimal.Decimal) {
	margin := "CROSSED"
	if a.of(p.market).isolated {
		margin = "ISOLATED"
	}
	e.push(a, object{
		"e": "MARGIN_CALL", "E": e.now.UnixMilli(), "cw": money(e.sums(a).cross),
		"p": []object{{
			"s": p.market.symbol, "ps": p.side, "pa": p.market.quantity(p.amount), "mt": margin, "iw": money(p.margin),
			"mp": money(mark), "up": money(p.unrealised(mark)), "mm": money(p.market.maintenance(p.notional(mark))),
		}},
	})
}
