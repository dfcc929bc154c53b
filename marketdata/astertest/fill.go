package astertest

import (
	"strconv"

	"github.com/shopspring/decimal"
)

// fillOf is one trade of an order, for its event. The zero value is none.
type fillOf struct {
	quantity, price, fee, realised decimal.Decimal
	trade                          int64
	maker                          bool
	liquidation                    bool
}

// fill trades the whole rest of an order at a price.
func (e *Exchange) fill(o *order, price decimal.Decimal, maker bool) {
	a, m := o.account, o.market
	p := a.position(m, o.positionSide)
	quantity := o.quantity
	if o.reduces() {
		quantity = o.closes(p) // what is left of the position by then
		o.quantity = quantity
	}
	e.tradeID++
	trading := fillOf{quantity: quantity, price: price, trade: e.tradeID, maker: maker}
	rate := a.taker
	if maker {
		rate = a.maker
	}
	trading.fee = quantity.Mul(price).Mul(rate).RoundUp(pricePlaces)
	trading.realised = p.change(o.signed(quantity), price, a.of(m))
	e.book(o, trading)
	a.keep(p)
	p.updated = e.now
	e.pushOrder(o, "TRADE", trading)
	e.pushAccount(a, "ORDER", p)
}

// book writes a trade into the order and the account.
func (e *Exchange) book(o *order, f fillOf) {
	a, m := o.account, o.market
	o.executed, o.quote = o.executed.Add(f.quantity), o.quote.Add(f.quantity.Mul(f.price))
	o.status, o.updated = statusFilled, e.now
	a.drop(o)
	a.trades = remember(a.trades, trade{
		order: o, id: f.trade, price: f.price, quantity: f.quantity, realised: f.realised, fee: f.fee, maker: f.maker, at: e.now,
	})
	e.earn(a, m, "REALIZED_PNL", f.realised, f.trade)
	e.earn(a, m, "COMMISSION", f.fee.Neg(), f.trade)
}

// earn books an amount that a trade or a position of a symbol has made.
func (e *Exchange) earn(a *account, m *market, kind string, amount decimal.Decimal, tradeID int64) {
	e.tranID++
	a.earn(income{symbol: m.symbol, kind: kind, amount: amount, at: e.now, tranID: e.tranID, tradeID: tradeID})
}

// change trades an amount and returns what the closed part has made. Cost and
// isolated margin leave in the proportion of what is closed.
func (p *position) change(amount, price decimal.Decimal, s *setting) (realised decimal.Decimal) {
	closed := decimal.Zero
	if p.amount.Sign()*amount.Sign() < 0 {
		closed = decimal.Min(p.amount.Abs(), amount.Abs())
		cost, margin := p.cost, p.margin
		if held := p.amount.Abs(); closed.LessThan(held) {
			cost = cost.Mul(closed).DivRound(held, pricePlaces)
			margin = margin.Mul(closed).DivRound(held, pricePlaces)
		}
		realised = closed.Mul(price).Sub(cost).Mul(decimal.NewFromInt(int64(p.amount.Sign())))
		p.cost, p.margin = p.cost.Sub(cost), p.margin.Sub(margin)
	}
	opened := amount.Abs().Sub(closed).Mul(price)
	p.amount = p.amount.Add(amount)
	p.cost = p.cost.Add(opened)
	if s.isolated {
		p.margin = p.margin.Add(opened.DivRound(decimal.NewFromInt(s.leverage), pricePlaces))
	}
	return realised
}

// payFunding charges every position, at the instant of a funding.
func (e *Exchange) payFunding() {
	for _, a := range e.accounts {
		cross := false
		for _, p := range a.positions {
			if p.amount.IsZero() {
				continue
			}
			payment := p.amount.Mul(p.market.mark(e.now)).Mul(p.market.fundingRate(e.now)).Neg().Round(pricePlaces)
			e.earn(a, p.market, "FUNDING_FEE", payment, 0)
			if a.of(p.market).isolated {
				p.margin = p.margin.Add(payment)
				e.pushAccount(a, "FUNDING_FEE", p)
			} else {
				cross = true
			}
		}
		if cross {
			e.pushAccount(a, "FUNDING_FEE", nil)
		}
	}
}

// liquidationPrice is the mark price at which a position is closed by the
// venue while nothing else changes; 0: none.
func (e *Exchange) liquidationPrice(a *account, p *position) decimal.Decimal {
	if p.amount.IsZero() {
		return decimal.Zero
	}
	backing := p.margin
	if !a.of(p.market).isolated {
		mark := p.market.mark(e.now)
		s := e.sums(a)
		backing = s.cross.Add(s.crossPnL).Sub(p.unrealised(mark)).
			Sub(s.crossMaintenance.Sub(p.market.maintenance(p.notional(mark))))
	}
	held, side := p.amount.Abs(), decimal.NewFromInt(int64(p.amount.Sign()))
	floor := decimal.Zero
	for i, b := range p.market.brackets {
		// backing + side×(held×P − cost) = held×P×rate − deduction, for P
		rate := b.MaintenancePercent.Shift(-2)
		price := side.Mul(p.cost).Sub(backing).Sub(b.DeductionUSD).DivRound(held.Mul(side.Sub(rate)), pricePlaces)
		if !price.IsPositive() {
			continue
		}
		notional, upTo := price.Mul(held), p.market.bracketCap(i)
		if notional.GreaterThanOrEqual(floor) && (notional.LessThanOrEqual(upTo) || i == len(p.market.brackets)-1) {
			return price
		}
		floor = upTo
	}
	return decimal.Zero
}

// liquidate closes a position at a price. What remains of its margin pays the
// fee; what is missing, the insurance fund pays.
func (e *Exchange) liquidate(a *account, p *position, price decimal.Decimal) {
	e.cancelOpen(a, p.market, a.of(p.market).isolated)
	side := sell
	if p.amount.IsNegative() {
		side = buy
	}
	o := e.accept(&order{
		account: a, market: p.market, side: side, positionSide: p.side, kind: limit, origKind: limit, tif: "IOC",
		quantity: p.amount.Abs(), price: price, workingType: contractPrice, clientID: "autoclose-" + strconv.FormatInt(e.now.UnixMilli(), 10),
	})
	e.tradeID++
	f := fillOf{quantity: o.quantity, price: price, trade: e.tradeID, liquidation: true}
	backing := p.margin
	if !a.of(p.market).isolated {
		backing = e.sums(a).cross
	}
	f.realised = p.change(p.amount.Neg(), price, a.of(p.market))
	e.book(o, f)
	a.keep(p)
	p.updated = e.now
	left := backing.Add(f.realised)
	clearance := decimal.Min(left, f.quantity.Mul(price).Mul(p.market.liquidationFee).Round(pricePlaces)).Neg()
	if left.IsPositive() || a.of(p.market).isolated || !a.heldInCross() {
		e.earn(a, p.market, "INSURANCE_CLEAR", clearance, 0)
	}
	e.pushOrder(o, "CALCULATED", f)
	e.pushAccount(a, "ORDER", p)
}

func (a *account) heldInCross() bool {
	for _, p := range a.positions {
		if !a.of(p.market).isolated && !p.amount.IsZero() {
			return true
		}
	}
	return false
}

// cancelOpen cancels a symbol's open orders, or all.
func (e *Exchange) cancelOpen(a *account, m *market, thisAlone bool) {
	for i := len(a.open) - 1; i >= 0; i-- {
		if o := a.open[i]; !thisAlone || o.market == m {
			e.finish(o, statusCanceled)
		}
	}
}
