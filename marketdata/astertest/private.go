package astertest

import (
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

func balances(e *Exchange, c *call) (any, error) {
	s := e.sums(c.account)
	row := func(asset string, balance, cross, pnl, available decimal.Decimal, margin bool) object {
		return object{
			"accountAlias": "SgsR", "asset": asset, "balance": money(balance), "crossWalletBalance": money(cross),
			"crossUnPnl": money(pnl), "availableBalance": money(available), "maxWithdrawAmount": money(decimal.Min(available, cross)),
			"marginAvailable": margin, "updateTime": e.now.UnixMilli(),
		}
	}
	rows := []object{row("USDT", c.account.balance, s.cross, s.crossPnL, s.available(), true)}
	for _, symbol := range e.symbols { // the venue lists what one does not have
		rows = append(rows, row(e.markets[symbol].base, decimal.Zero, decimal.Zero, decimal.Zero, decimal.Zero, false))
	}
	return rows, nil
}

func accountInfo(e *Exchange, c *call) (any, error) {
	a := c.account
	s := e.sums(a)
	margin := a.balance.Add(s.pnl)
	asset := object{
		"asset": "USDT", "walletBalance": money(a.balance), "unrealizedProfit": money(s.pnl), "marginBalance": money(margin),
		"maintMargin": money(s.maintenance), "initialMargin": money(s.initial.Add(s.orders)), "positionInitialMargin": money(s.initial),
		"openOrderInitialMargin": money(s.orders), "crossWalletBalance": money(s.cross), "crossUnPnl": money(s.crossPnL),
		"availableBalance": money(s.available()), "maxWithdrawAmount": money(decimal.Min(s.available(), s.cross)),
		"marginAvailable": true, "updateTime": e.now.UnixMilli(),
	}
	positions := []object{}
	e.eachPosition(a, "", func(p *position) { positions = append(positions, e.positionInfo(a, p)) })
	return object{
		"feeTier": 0, "canTrade": true, "canDeposit": true, "canWithdraw": true, "updateTime": 0,
		"totalInitialMargin": asset["initialMargin"], "totalMaintMargin": asset["maintMargin"],
		"totalWalletBalance": asset["walletBalance"], "totalUnrealizedProfit": asset["unrealizedProfit"],
		"totalMarginBalance": asset["marginBalance"], "totalPositionInitialMargin": asset["positionInitialMargin"],
		"totalOpenOrderInitialMargin": asset["openOrderInitialMargin"], "totalCrossWalletBalance": asset["crossWalletBalance"],
		"totalCrossUnPnl": asset["crossUnPnl"], "availableBalance": asset["availableBalance"],
		"maxWithdrawAmount": asset["maxWithdrawAmount"], "assets": []object{asset}, "positions": positions,
	}, nil
}

// eachPosition goes through every symbol, or one, whether held or not.
func (e *Exchange) eachPosition(a *account, symbol string, do func(*position)) {
	sides := []string{both}
	if a.hedge {
		sides = []string{long, short}
	}
	for _, s := range e.symbols {
		if symbol != "" && s != symbol {
			continue
		}
		for _, side := range sides {
			do(a.position(e.markets[s], side))
		}
	}
}

func (e *Exchange) positionInfo(a *account, p *position) object {
	m, s := p.market, a.of(p.market)
	mark := m.mark(e.now)
	notional := p.notional(mark)
	initial := notional.DivRound(decimal.NewFromInt(s.leverage), pricePlaces)
	orders := decimal.Zero
	for _, o := range a.open {
		if o.market == m && o.positionSide == p.side {
			orders = orders.Add(e.orderMargin(o))
		}
	}
	return object{
		"symbol": m.symbol, "initialMargin": money(initial.Add(orders)), "maintMargin": money(m.maintenance(notional)),
		"unrealizedProfit": money(p.unrealised(mark)), "positionInitialMargin": money(initial), "openOrderInitialMargin": money(orders),
		"leverage": strconv.FormatInt(s.leverage, 10), "isolated": s.isolated, "entryPrice": money(p.entry()),
		"maxNotional": m.cap(s.leverage).String(), "positionSide": p.side, "positionAmt": m.quantity(p.amount),
		"updateTime": milliseconds(p.updated),
	}
}

func milliseconds(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMilli()
}

func positionRisk(e *Exchange, c *call) (any, error) {
	if c.has("symbol") && e.markets[c.text("symbol")] == nil {
		return nil, errSymbol()
	}
	rows := []object{}
	e.eachPosition(c.account, c.text("symbol"), func(p *position) { rows = append(rows, e.positionRow(c.account, p)) })
	return rows, nil
}

func (e *Exchange) positionRow(a *account, p *position) object {
	m, s := p.market, a.of(p.market)
	mark := m.mark(e.now)
	marginType, isolated, liquidation := "cross", "0.00000000", "0"
	if s.isolated {
		marginType, isolated = "isolated", money(p.margin.Add(p.unrealised(mark)))
	}
	if price := e.liquidationPrice(a, p); price.IsPositive() {
		liquidation = money(price)
	}
	return object{
		"symbol": m.symbol, "positionAmt": m.quantity(p.amount), "entryPrice": money(p.entry()), "markPrice": money(mark),
		"unRealizedProfit": money(p.unrealised(mark)), "liquidationPrice": liquidation, "leverage": strconv.FormatInt(s.leverage, 10),
		"maxNotionalValue": m.cap(s.leverage).String(), "marginType": marginType, "isolatedMargin": isolated,
		"isAutoAddMargin": "false", "positionSide": p.side, "updateTime": milliseconds(p.updated),
	}
}

func commissionRate(e *Exchange, c *call) (any, error) {
	m, err := e.marketOf(c)
	if err != nil {
		return nil, err
	}
	return object{
		"symbol": m.symbol, "makerCommissionRate": c.account.maker.StringFixed(6), "takerCommissionRate": c.account.taker.StringFixed(6),
	}, nil
}

const week = 7 * day

// incomeHistory is the oldest rows from a start on, or the newest without one,
// of the last seven days unless a window says otherwise.
func incomeHistory(e *Exchange, c *call) (any, error) {
	if c.has("symbol") && e.markets[c.text("symbol")] == nil {
		return nil, errSymbol()
	}
	limit, err := c.integer("limit", 100, 1, 1000)
	if err != nil {
		return nil, err
	}
	from, to, err := c.window()
	if err != nil {
		return nil, err
	}
	rows := []object{}
	for _, r := range c.account.income {
		if c.has("symbol") && r.symbol != c.text("symbol") || c.has("incomeType") && r.kind != c.text("incomeType") {
			continue
		}
		if !within(r.at, from, to, e.now) {
			continue
		}
		tradeID := ""
		if r.tradeID != 0 {
			tradeID = strconv.FormatInt(r.tradeID, 10)
		}
		rows = append(rows, object{
			"symbol": r.symbol, "incomeType": r.kind, "income": money(r.amount), "asset": "USDT", "info": r.kind,
			"time": r.at.UnixMilli(), "tranId": strconv.FormatInt(r.tranID, 10), "tradeId": tradeID,
		})
	}
	return page(rows, int(limit), from), nil
}

// within reports whether a time is in a window, by default the last week. The
// ends belong to it, in whole milliseconds.
func within(at, from, to, now time.Time) bool {
	if from.IsZero() && to.IsZero() {
		from = now.Add(-week)
	}
	ms := at.UnixMilli()
	return (from.IsZero() || ms >= from.UnixMilli()) && (to.IsZero() || ms <= to.UnixMilli())
}

// page cuts rows: the first with a start, else the last.
func page(rows []object, limit int, from time.Time) []object {
	if len(rows) <= limit {
		return rows
	}
	if from.IsZero() {
		return rows[len(rows)-limit:]
	}
	return rows[:limit]
}

func userTrades(e *Exchange, c *call) (any, error) {
	m, err := e.marketOf(c)
	if err != nil {
		return nil, err
	}
	limit, err := c.integer("limit", 500, 1, 1000)
	if err != nil {
		return nil, err
	}
	fromID, err := c.integer("fromId", 0, 0, maxMillis)
	if err != nil {
		return nil, err
	}
	from, to, err := c.window()
	if err != nil {
		return nil, err
	}
	if c.has("fromId") && (c.has("startTime") || c.has("endTime")) {
		return nil, fail(-1128, "Combination of optional parameters invalid.")
	}
	if !from.IsZero() && !to.IsZero() && to.Sub(from) > week {
		return nil, fail(-4165, "Invalid time interval, max days are 7.")
	}
	rows := []object{}
	for _, t := range c.account.trades {
		if t.order.market != m || t.id < fromID || !c.has("fromId") && !within(t.at, from, to, e.now) {
			continue
		}
		rows = append(rows, t.answer())
	}
	if c.has("fromId") {
		return rows[:min(len(rows), int(limit))], nil
	}
	return page(rows, int(limit), from), nil
}

func (t trade) answer() object {
	o := t.order
	return object{
		"buyer": o.side == buy, "commission": money(t.fee.Neg()), "commissionAsset": "USDT", "id": t.id, "maker": t.maker,
		"orderId": o.id, "price": o.market.price(t.price), "qty": o.market.quantity(t.quantity),
		"quoteQty": money(t.price.Mul(t.quantity)), "realizedPnl": money(t.realised), "side": o.side, "positionSide": o.positionSide,
		"symbol": o.market.symbol, "time": t.at.UnixMilli(),
	}
}
