package astertest

import "strings"

// routes are the endpoints by method and path: each of V3 and its name in V1.
func routes() map[string]endpoint {
	out := map[string]endpoint{}
	add := func(method, v3, v1 string, route endpoint) {
		if v3 != "" {
			out[method+" /fapi/v3"+v3] = route
		}
		if v1 == "same" {
			v1 = "/v1" + v3
		}
		if v1 != "" {
			out[method+" /fapi"+v1] = route
		}
	}
	publicRoutes(add)
	accountRoutes(add)
	orderRoutes(add)
	for _, method := range [...]string{"POST", "PUT", "DELETE"} {
		add(method, "/listenKey", "same", endpoint{auth: keyed, weight: one, handle: listenKeyCall})
	}
	return out
}

type adder = func(method, v3, v1 string, route endpoint)

func publicRoutes(add adder) {
	get := func(path string, weight func(*call) int, handle func(*Exchange, *call) (any, error)) {
		add("GET", path, "same", endpoint{weight: weight, handle: handle})
	}
	get("/ping", one, func(*Exchange, *call) (any, error) { return object{}, nil })
	get("/time", one, func(e *Exchange, _ *call) (any, error) {
		return object{"serverTime": e.signingTime().UnixMilli()}, nil
	})
	get("/exchangeInfo", one, exchangeInfo)
	get("/depth", depthWeight, depth)
	get("/klines", klinesWeight, lastKlines)
	get("/indexPriceKlines", klinesWeight, indexKlines)
	get("/markPriceKlines", klinesWeight, markKlines)
	get("/premiumIndex", one, each((*Exchange).premium))
	get("/ticker/24hr", perSymbol(40), each((*Exchange).ticker))
	get("/ticker/price", perSymbol(2), each((*Exchange).priceTicker))
	get("/ticker/bookTicker", perSymbol(2), each((*Exchange).bookTicker))
	get("/fundingRate", one, fundingRates)
	get("/fundingInfo", one, fundingInfo)
	get("/openInterest", one, openInterest)
}

func accountRoutes(add adder) {
	get := func(v3, v1 string, weight int, handle func(*Exchange, *call) (any, error)) {
		add("GET", v3, v1, endpoint{auth: signed, weight: fixed(weight), handle: handle})
	}
	post := func(path string, handle func(*Exchange, *call) (any, error)) {
		add("POST", path, "same", endpoint{auth: signed, weight: one, trades: true, handle: handle})
	}
	get("/balance", "/v2/balance", 5, balances)
	get("/accountWithJoinMargin", "/v4/account", 5, accountInfo)
	get("/positionRisk", "/v2/positionRisk", 5, positionRisk)
	get("/leverageBracket", "same", 1, leverageBrackets)
	get("/commissionRate", "same", 20, commissionRate)
	get("/income", "same", 30, incomeHistory)
	get("/userTrades", "same", 5, userTrades)
	get("/positionSide/dual", "same", 30, positionMode)
	get("/multiAssetsMargin", "same", 30, assetsMode)
	post("/positionSide/dual", setPositionMode)
	post("/multiAssetsMargin", setAssetsMode)
	post("/leverage", setLeverage)
	post("/marginType", setMarginType)
	post("/positionMargin", changeMargin)
}

func orderRoutes(add adder) {
	write := func(method, path, v1 string, weight int, handle func(*Exchange, *call) (any, error), orders func(*call) int) {
		add(method, path, v1, endpoint{auth: signed, trades: true, weight: fixed(weight), handle: handle, orders: orders})
	}
	read := func(path string, weight func(*call) int, handle func(*Exchange, *call) (any, error)) {
		add("GET", path, "same", endpoint{auth: signed, weight: weight, handle: handle})
	}
	write("POST", "/order", "same", 1, newOrder, one)
	write("PUT", "/order", "", 1, modifyOrder, one)
	write("DELETE", "/order", "same", 1, cancelOrder, nil)
	write("POST", "/batchOrders", "same", 5, newOrders, func(c *call) int { return max(strings.Count(c.text("batchOrders"), "{"), 1) })
	write("DELETE", "/batchOrders", "same", 1, cancelOrders, nil)
	write("DELETE", "/allOpenOrders", "same", 1, cancelAll, nil)
	write("POST", "/countdownCancelAll", "same", 10, countdown, nil)
	write("POST", "/noop", "", 1, func(*Exchange, *call) (any, error) { return success(), nil }, nil)
	read("/order", one, queryOrder)
	read("/openOrder", one, queryOpenOrder)
	read("/openOrders", perSymbol(40), openOrders)
	read("/allOrders", fixed(5), allOrders)
}

func one(*call) int { return 1 }

func fixed(weight int) func(*call) int { return func(*call) int { return weight } }

// perSymbol is 1 with a symbol, and more for all of them.
func perSymbol(without int) func(*call) int {
	return func(c *call) int {
		if c.has("symbol") {
			return 1
		}
		return without
	}
}

// each answers with an object for the symbol that is asked for, or with an
// array of all.
func each(handle func(*Exchange, *market) (object, error)) func(*Exchange, *call) (any, error) {
	return func(e *Exchange, c *call) (any, error) {
		if c.has("symbol") {
			m := e.markets[c.text("symbol")]
			if m == nil {
				return nil, errSymbol()
			}
			return handle(e, m)
		}
		all := make([]object, 0, len(e.symbols))
		for _, symbol := range e.symbols {
			row, err := handle(e, e.markets[symbol])
			if err != nil {
				return nil, err
			}
			all = append(all, row)
		}
		return all, nil
	}
}

// marketOf is the market of a symbol that must be sent.
func (e *Exchange) marketOf(c *call) (*market, error) {
	if m := e.markets[c.text("symbol")]; m != nil {
		return m, nil
	}
	return nil, symbolError(c)
}
