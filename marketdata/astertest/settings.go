package astertest

import (
	"github.com/shopspring/decimal"
)

func positionMode(_ *Exchange, c *call) (any, error) {
	return object{"dualSidePosition": c.account.hedge}, nil
}

func setPositionMode(_ *Exchange, c *call) (any, error) {
	on, err := c.needYes("dualSidePosition")
	if err != nil {
		return nil, err
	}
	a := c.account
	switch {
	case on == a.hedge:
		return nil, fail(-4059, "No need to change position side.")
	case len(a.open) > 0:
		return nil, fail(-4067, "Position side cannot be changed if there exists open orders.")
	case len(a.positions) > 0:
		return nil, fail(-4068, "Position side cannot be changed if there exists position.")
	}
	a.hedge = on
	return success(), nil
}

func assetsMode(*Exchange, *call) (any, error) { return object{"multiAssetsMargin": false}, nil }

// setAssetsMode knows single-asset mode alone.
func setAssetsMode(_ *Exchange, c *call) (any, error) {
	on, err := c.needYes("multiAssetsMargin")
	if err != nil {
		return nil, err
	}
	if on {
		return nil, fail(-1020, "This operation is not supported.")
	}
	return nil, fail(-4171, "No need to change multi-assets mode.")
}

func setLeverage(e *Exchange, c *call) (any, error) {
	m, err := e.marketOf(c)
	if err != nil {
		return nil, err
	}
	leverage, err := c.integer("leverage", 0, -maxMillis, maxMillis)
	if err != nil {
		return nil, err
	}
	if leverage < 1 || leverage > m.maxLeverage() {
		return nil, fail(-4028, "Leverage %d is not valid", leverage)
	}
	a, s := c.account, c.account.of(m)
	held := decimal.Zero
	isolated := false
	for _, p := range a.positions {
		if p.market == m {
			held = decimal.Max(held, p.notional(m.mark(e.now)))
			isolated = isolated || s.isolated
		}
	}
	if isolated && leverage < s.leverage {
		return nil, fail(-4161, "Leverage reduction is not supported in Isolated Margin Mode with open positions.")
	}
	if held.GreaterThan(m.cap(leverage)) {
		return nil, fail(-2027, "Exceeded the maximum allowable position at current leverage.")
	}
	old := s.leverage
	s.leverage = leverage
	if total := e.sums(a); total.cross.Add(total.crossPnL).LessThan(total.crossInitial.Add(total.orders)) && leverage < old {
		s.leverage = old
		return nil, errMargin()
	}
	e.push(a, object{
		"e": "ACCOUNT_CONFIG_UPDATE", "E": e.now.UnixMilli(), "T": e.now.UnixMilli(), "ac": object{"s": m.symbol, "l": leverage},
	})
	return object{"leverage": leverage, "maxNotionalValue": m.cap(leverage).String(), "symbol": m.symbol}, nil
}

func setMarginType(e *Exchange, c *call) (any, error) {
	m, err := e.marketOf(c)
	if err != nil {
		return nil, err
	}
	var isolated bool
	switch c.text("marginType") {
	case "ISOLATED":
		isolated = true
	case "CROSSED":
	default:
		return nil, errMandatory("marginType")
	}
	a := c.account
	if a.of(m).isolated == isolated {
		return nil, fail(-4046, "No need to change margin type.")
	}
	for _, o := range a.open {
		if o.market == m {
			return nil, fail(-4047, "Margin type cannot be changed if there exists open orders.")
		}
	}
	for _, p := range a.positions {
		if p.market == m {
			return nil, fail(-4048, "Margin type cannot be changed if there exists position.")
		}
	}
	a.of(m).isolated = isolated
	return success(), nil
}

// changeMargin moves USDT to or from the margin of an isolated position.
func changeMargin(e *Exchange, c *call) (any, error) {
	m, err := e.marketOf(c)
	if err != nil {
		return nil, err
	}
	amount, err := c.number("amount")
	if err != nil {
		return nil, err
	}
	direction, err := c.integer("type", 0, 1, 2)
	if err != nil {
		return nil, err
	}
	if direction == 0 || !amount.IsPositive() {
		return nil, errMandatory("amount, type")
	}
	a, side := c.account, c.text("positionSide")
	if side == "" {
		side = both
	}
	p := a.position(m, side)
	if p.amount.IsZero() || !a.of(m).isolated {
		return nil, fail(-4051, "Isolated margin can only be changed on an isolated position.")
	}
	change := amount
	if direction == 2 {
		change = amount.Neg()
		least := p.notional(m.mark(e.now)).DivRound(decimal.NewFromInt(a.of(m).leverage), pricePlaces)
		if p.margin.Add(decimal.Min(p.unrealised(m.mark(e.now)), decimal.Zero)).Add(change).LessThan(least) {
			return nil, fail(-4051, "Isolated balance insufficient.")
		}
	} else if amount.GreaterThan(e.sums(a).available()) {
		return nil, fail(-4050, "Cross balance insufficient.")
	}
	p.margin = p.margin.Add(change)
	p.updated = e.now
	e.pushAccount(a, "MARGIN_TRANSFER", p)
	return object{"amount": amount, "code": 200, "msg": "Successfully modify position margin.", "type": direction}, nil
}
