package astertest

import (
	"slices"
	"strconv"

	"github.com/shopspring/decimal"
)

// readOrder reads and checks the parameters of a new order, as far as they say
// something without the market.
func (e *Exchange) readOrder(c *call) (*order, error) {
	m := e.markets[c.text("symbol")]
	if m == nil {
		return nil, symbolError(c)
	}
	o := &order{
		account: c.account, market: m, side: c.text("side"), kind: c.text("type"), origKind: c.text("type"),
		positionSide: c.text("positionSide"), tif: c.text("timeInForce"), clientID: c.text("newClientOrderId"),
		workingType: c.text("workingType"),
	}
	if err := o.readEnums(); err != nil {
		return nil, err
	}
	if err := o.readNumbers(c); err != nil {
		return nil, err
	}
	var err error
	if o.reduceOnly, err = c.yes("reduceOnly"); err != nil {
		return nil, err
	}
	if o.closePosition, err = c.yes("closePosition"); err != nil {
		return nil, err
	}
	if o.priceProtect, err = c.yes("priceProtect"); err != nil {
		return nil, err
	}
	if response := c.text("newOrderRespType"); response != "" && response != "ACK" && response != "RESULT" {
		return nil, fail(-1136, "Invalid newOrderRespType.")
	}
	return o, o.checkShape(c)
}

func symbolError(c *call) error {
	if !c.has("symbol") {
		return errMandatory("symbol")
	}
	return errSymbol()
}

// readEnums checks the words and fills in the defaults.
func (o *order) readEnums() error {
	if o.side == "" || o.kind == "" {
		return errMandatory("side, type")
	}
	if o.side != buy && o.side != sell {
		return fail(-1117, "Invalid side.")
	}
	if !slices.Contains(orderTypes(), o.kind) {
		return fail(-1116, "Invalid orderType.")
	}
	if o.tif == "" {
		if o.kind == limit {
			return errMandatory("timeInForce")
		}
		o.tif = "GTC"
	}
	if !slices.Contains(timesInForce(), o.tif) {
		return fail(-1115, "Invalid timeInForce.")
	}
	if o.workingType == "" {
		o.workingType = contractPrice
	}
	if o.workingType != contractPrice && o.workingType != markPrice {
		return fail(-1130, "Data sent for parameter 'workingType' is not valid.")
	}
	if o.clientID != "" && !validClientID(o.clientID) {
		return fail(-4015, "Client order id is not valid.")
	}
	if o.positionSide == "" {
		o.positionSide = both
	}
	if !slices.Contains([]string{both, long, short}, o.positionSide) {
		return fail(-4060, "Invalid position side.")
	}
	return nil
}

func orderTypes() []string {
	return []string{limit, marketType, stopLimit, stopMarket, profitLimit, profitMarket}
}

func timesInForce() []string { return []string{"GTC", "IOC", "FOK", "GTX", "HIDDEN"} }

// readNumbers reads what the type needs.
func (o *order) readNumbers(c *call) error {
	for _, field := range [...]struct {
		name   string
		out    *decimal.Decimal
		needed bool
	}{
		{"quantity", &o.quantity, c.text("closePosition") != "true"},
		{"price", &o.price, o.kind == limit || o.kind == stopLimit || o.kind == profitLimit},
		{"stopPrice", &o.stop, o.conditional()},
	} {
		value, err := c.number(field.name)
		if err != nil {
			return err
		}
		switch {
		case field.needed && !c.has(field.name):
			return errMandatory(field.name)
		case field.needed && field.name == "quantity" && !value.IsPositive():
			return fail(-4003, "Quantity less than or equal to zero.")
		case field.needed && !value.IsPositive():
			return fail(-4001, "Price less than 0.")
		case field.needed || field.name == "quantity":
			*field.out = value
		}
	}
	return nil
}

// checkShape refuses combinations that contradict themselves.
func (o *order) checkShape(c *call) error {
	hedged := o.account.hedge
	switch {
	case hedged != (o.positionSide != both):
		return errPositionSide()
	case hedged && c.has("reduceOnly"):
		return fail(-1106, "Parameter 'reduceonly' sent when not required.")
	case !o.closePosition:
		return nil
	case o.kind != stopMarket && o.kind != profitMarket:
		return fail(-4136, "Target strategy invalid for orderType %s, closePosition true.", o.kind)
	case c.has("quantity"):
		return fail(-4137, "Quantity must be zero with closePosition equals true.")
	case c.has("reduceOnly"):
		return fail(-1106, "Parameter 'reduceonly' sent when not required.")
	case hedged && (o.positionSide == long) != (o.side == sell):
		return errPositionSide()
	}
	return nil
}

// place accepts an order, or says why not, and trades it if it can be.
func (e *Exchange) place(c *call) (*order, error) {
	o, err := e.readOrder(c)
	if err != nil {
		return nil, err
	}
	p := o.account.position(o.market, o.positionSide)
	if o.market.delisted && !o.reduces() {
		return nil, fail(-4140, "Invalid symbol status for opening position.")
	}
	if err := e.check(o); err != nil {
		return nil, err
	}
	if o.conditional() && e.triggered(o) {
		return nil, fail(-2021, "Order would immediately trigger.")
	}
	if o.reduces() && !o.closePosition && o.closes(p).LessThan(o.quantity) {
		return nil, errReduceOnly()
	}
	if !o.reduces() {
		if err := e.affordable(o, p); err != nil {
			return nil, err
		}
	}
	e.accept(o)
	e.pushOrder(o, statusNew, fillOf{})
	ack := *o
	if !o.conditional() {
		e.tryTrade(o)
	}
	if c.text("newOrderRespType") != "RESULT" {
		return &ack, nil
	}
	return o, nil
}

// accept gives the order its id and its place among the open ones.
func (e *Exchange) accept(o *order) *order {
	e.orderID++
	o.id, o.status, o.created, o.updated = e.orderID, statusNew, e.now, e.now
	if o.clientID == "" {
		o.clientID = "web_" + strconv.FormatInt(o.id, 10)
	}
	a := o.account
	a.orders = remember(a.orders, o)
	a.open = append(a.open, o)
	return o
}

// affordable checks margin and leverage of what the order would open.
func (e *Exchange) affordable(o *order, p *position) error {
	opened := o.quantity.Sub(o.closes(p))
	if opened.IsZero() {
		return nil
	}
	a, price := o.account, e.reference(o)
	if o.kind == marketType {
		price = o.taken()
	}
	leverage := a.of(o.market).leverage
	held := decimal.Zero
	if p.amount.Sign()*o.signed(opened).Sign() > 0 {
		held = p.notional(o.market.mark(e.now))
	}
	notional := opened.Mul(price)
	if held.Add(notional).GreaterThan(o.market.cap(leverage)) {
		return fail(-2027, "Exceeded the maximum allowable position at current leverage.")
	}
	need := notional.DivRound(decimal.NewFromInt(leverage), pricePlaces).Add(notional.Mul(a.taker).RoundUp(pricePlaces))
	s := e.sums(a)
	if slices.Contains(a.open, o) { // its own margin is not bound twice
		s.orders = s.orders.Sub(e.orderMargin(o))
	}
	if need.GreaterThan(s.available()) {
		return errMargin()
	}
	return nil
}

// tryTrade lets a new or newly triggered MARKET or LIMIT order trade, rest or
// expire.
func (e *Exchange) tryTrade(o *order) {
	switch {
	case o.kind == marketType:
		e.fill(o, o.taken(), false)
	case o.crosses() && o.tif == "GTX", !o.crosses() && (o.tif == "IOC" || o.tif == "FOK"):
		e.finish(o, statusExpired)
	case o.crosses():
		e.fill(o, o.taken(), false)
	}
}
