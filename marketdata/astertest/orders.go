package astertest

import (
	"errors"
	"strings"
	"time"

	"github.com/ballast-go/ballast/internal/jsonx"
)

func newOrder(e *Exchange, c *call) (any, error) {
	o, err := e.place(c)
	if err != nil {
		return nil, err
	}
	return o.placed(), nil
}

const (
	maxBatch       = 5
	maxBatchCancel = 10
)

// newOrders answers in the order of the list; one that is refused does not
// keep the others back.
func newOrders(e *Exchange, c *call) (any, error) {
	var items []map[string]any
	if err := jsonx.Unmarshal([]byte(c.text("batchOrders")), &items); err != nil {
		return nil, errMandatory("batchOrders")
	}
	if len(items) == 0 || len(items) > maxBatch {
		return nil, fail(-4082, "Invalid number of batch place orders.")
	}
	out := make([]object, len(items))
	for i, item := range items {
		one := &call{method: c.method, path: c.path, account: c.account, params: map[string]string{}}
		for name, value := range item {
			if text, ok := value.(string); ok {
				one.params[name] = text
			}
		}
		o, err := e.place(one)
		var refused *apiError
		if errors.As(err, &refused) {
			out[i] = refused.object()
			continue
		}
		out[i] = o.placed()
	}
	return out, nil
}

// find is the order that a request names by one of its ids.
func (e *Exchange) find(c *call) (*order, error) {
	m, err := e.marketOf(c)
	if err != nil {
		return nil, err
	}
	id, err := c.integer("orderId", 0, 1, maxMillis)
	if err != nil {
		return nil, err
	}
	if id == 0 && !c.has("origClientOrderId") {
		return nil, errMandatory("orderId, origClientOrderId")
	}
	return c.account.byID(m, id, c.text("origClientOrderId")), nil
}

func (o *order) isOpen() bool { return o != nil && o.status == statusNew }

// forgotten reports whether the venue no longer tells of the order.
func (o *order) forgotten(now time.Time) bool {
	unfilled := (o.status == statusCanceled || o.status == statusExpired) && o.executed.IsZero()
	return unfilled && now.Sub(o.created) > week
}

func queryOrder(e *Exchange, c *call) (any, error) {
	o, err := e.find(c)
	if err != nil {
		return nil, err
	}
	if o == nil || o.forgotten(e.now) {
		return nil, errNoOrder()
	}
	return o.queried(), nil
}

func queryOpenOrder(e *Exchange, c *call) (any, error) {
	o, err := e.find(c)
	if err != nil {
		return nil, err
	}
	if !o.isOpen() {
		return nil, errNoOrder()
	}
	return o.queried(), nil
}

func openOrders(e *Exchange, c *call) (any, error) {
	if c.has("symbol") && e.markets[c.text("symbol")] == nil {
		return nil, errSymbol()
	}
	rows := []object{}
	for _, o := range c.account.open {
		if !c.has("symbol") || o.market.symbol == c.text("symbol") {
			rows = append(rows, o.queried())
		}
	}
	return rows, nil
}

func allOrders(e *Exchange, c *call) (any, error) {
	m, err := e.marketOf(c)
	if err != nil {
		return nil, err
	}
	limit, err := c.integer("limit", 500, 1, 1000)
	if err != nil {
		return nil, err
	}
	least, err := c.integer("orderId", 0, 0, maxMillis)
	if err != nil {
		return nil, err
	}
	from, to, err := c.window()
	if err != nil {
		return nil, err
	}
	if !from.IsZero() && !to.IsZero() && to.Sub(from) >= week {
		return nil, fail(-4165, "Invalid time interval, max days are 7.")
	}
	rows := []object{}
	for _, o := range c.account.orders {
		wanted := o.id >= least && (c.has("orderId") || within(o.created, from, to, e.now))
		if o.market == m && wanted && !o.forgotten(e.now) {
			rows = append(rows, o.queried())
		}
	}
	if c.has("orderId") {
		return rows[:min(len(rows), int(limit))], nil
	}
	return page(rows, int(limit), from), nil
}

func cancelOrder(e *Exchange, c *call) (any, error) {
	o, err := e.find(c)
	if err != nil {
		return nil, err
	}
	if !o.isOpen() {
		return nil, fail(-2011, "Unknown order sent.")
	}
	e.finish(o, statusCanceled)
	return o.cancelled(), nil
}

// cancelOrders cancels by a list of either id; each has its own answer.
func cancelOrders(e *Exchange, c *call) (any, error) {
	if _, err := e.marketOf(c); err != nil {
		return nil, err
	}
	name, list := "orderId", c.text("orderIdList")
	if list == "" {
		name, list = "origClientOrderId", c.text("origClientOrderIdList")
	}
	inner, opened := strings.CutPrefix(list, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	ids := strings.Split(inner, ",")
	if !opened || !closed || inner == "" {
		return nil, errMandatory("orderIdList, origClientOrderIdList")
	}
	if len(ids) > maxBatchCancel {
		return nil, fail(-4082, "Invalid number of batch cancel orders.")
	}
	out := make([]object, len(ids))
	for i, id := range ids {
		one := &call{account: c.account, params: map[string]string{"symbol": c.text("symbol"), name: strings.Trim(id, `"`)}}
		o, err := e.find(one)
		if err == nil && !o.isOpen() {
			err = fail(-2011, "Unknown order sent.")
		}
		var refused *apiError
		if errors.As(err, &refused) {
			out[i] = refused.object()
			continue
		}
		e.finish(o, statusCanceled)
		out[i] = o.cancelled()
	}
	return out, nil
}

// cancelAll answers with a code that is a string.
func cancelAll(e *Exchange, c *call) (any, error) {
	m, err := e.marketOf(c)
	if err != nil {
		return nil, err
	}
	e.cancelOpen(c.account, m, true)
	return object{"code": "200", "msg": "The operation of cancel all open order is done."}, nil
}

func countdown(e *Exchange, c *call) (any, error) {
	m, err := e.marketOf(c)
	if err != nil {
		return nil, err
	}
	if !c.has("countdownTime") {
		return nil, errMandatory("countdownTime")
	}
	ms, err := c.integer("countdownTime", 0, 0, int64(day/time.Millisecond))
	if err != nil {
		return nil, err
	}
	delete(c.account.countdowns, m.symbol)
	if ms > 0 {
		c.account.countdowns[m.symbol] = e.now.Add(time.Duration(ms) * time.Millisecond)
	}
	return object{"symbol": m.symbol, "countdownTime": c.text("countdownTime")}, nil
}

const maxEdits = 10_000

// modifyOrder changes price and quantity of an open limit order. One that is
// refused leaves the order as it was.
func modifyOrder(e *Exchange, c *call) (any, error) {
	o, err := e.find(c)
	if err != nil {
		return nil, err
	}
	if !o.isOpen() {
		return nil, errNoOrder()
	}
	if o.kind != limit || o.edits >= maxEdits {
		return nil, fail(-1020, "This operation is not supported.")
	}
	changed := *o
	for _, name := range [...]string{"quantity", "price"} {
		if !c.has(name) {
			return nil, errMandatory(name)
		}
	}
	if changed.quantity, err = c.number("quantity"); err != nil {
		return nil, err
	}
	if changed.price, err = c.number("price"); err != nil {
		return nil, err
	}
	if err := e.checkChange(o, &changed); err != nil {
		return nil, err
	}
	o.quantity, o.price, o.updated = changed.quantity, changed.price, e.now
	o.edits++
	answer := o.placed()
	e.pushOrder(o, statusNew, fillOf{})
	e.tryTrade(o)
	return answer, nil
}

// checkChange asks of a changed order what is asked of a new one, as if the
// old one were not there.
func (e *Exchange) checkChange(old, changed *order) error {
	a := old.account
	open := a.open
	defer func() { a.open = open }()
	a.open = nil
	for _, o := range open {
		if o != old {
			a.open = append(a.open, o)
		}
	}
	if err := e.check(changed); err != nil {
		return err
	}
	if changed.reduces() {
		if changed.closes(a.position(changed.market, changed.positionSide)).LessThan(changed.quantity) {
			return errReduceOnly()
		}
		return nil
	}
	return e.affordable(changed, a.position(changed.market, changed.positionSide))
}
