package astertest

import (
	"time"

	"github.com/shopspring/decimal"
)

const day = 24 * time.Hour

func depthWeight(c *call) int {
	limit, _ := c.integer("limit", 500, 0, 1000) //nolint:errcheck // a wrong one weighs as the least, and is refused later
	switch {
	case limit <= 50:
		return 2
	case limit <= 100:
		return 5
	case limit <= 500:
		return 10
	}
	return 20
}

func depth(e *Exchange, c *call) (any, error) {
	m, err := e.marketOf(c)
	if err != nil {
		return nil, err
	}
	limit, err := c.integer("limit", 500, 1, 1000)
	if err != nil {
		return nil, err
	}
	switch limit {
	case 5, 10, 20, 50, 100, 500, 1000:
	default:
		return nil, fail(-4021, "Parameter 'limit' is not valid.")
	}
	bids, asks := [][2]string{}, [][2]string{}
	for i := range int(limit) {
		step := m.tick.Mul(decimal.NewFromInt(int64(i)))
		if bid := m.bid().Sub(step); bid.IsPositive() {
			bids = append(bids, [2]string{m.price(bid), m.quantity(m.bookQuantity(i, "bid", e.now))})
		}
		asks = append(asks, [2]string{m.price(m.ask().Add(step)), m.quantity(m.bookQuantity(i, "ask", e.now))})
	}
	at := e.now.UnixMilli()
	return object{"lastUpdateId": at, "E": at, "T": at, "bids": bids, "asks": asks}, nil
}

func (e *Exchange) premium(m *market) (object, error) {
	mark := m.mark(e.now)
	next := nextFunding(e.now)
	return object{
		"symbol": m.symbol, "markPrice": money(mark), "indexPrice": money(m.last), "estimatedSettlePrice": money(m.last),
		"lastFundingRate": money(m.fundingRate(next)), "nextFundingTime": next.UnixMilli(), "interestRate": "0.00010000",
		"time": e.now.UnixMilli(),
	}, nil
}

// rolling is the market's last 24 hours, or as many as there are.
func (e *Exchange) rolling(m *market) (high, low, open, volume, quote decimal.Decimal) {
	c, err := e.tape.span(m.symbol, e.now.Add(-day), e.now)
	if err != nil || c.OpenTime.IsZero() { // data has begun later, or ended
		return m.last, m.last, m.last, decimal.Zero, decimal.Zero
	}
	return decimal.Max(c.High, m.last), decimal.Min(c.Low, m.last), c.Open, c.Volume, c.QuoteVolume
}

// trades is how many trades a quote volume counts for here.
func trades(quote decimal.Decimal) int64 { return quote.Shift(-3).IntPart() + 1 }

func average(quote, volume, otherwise decimal.Decimal) decimal.Decimal {
	if !volume.IsPositive() {
		return otherwise
	}
	return quote.DivRound(volume, pricePlaces)
}

func (e *Exchange) ticker(m *market) (object, error) {
	high, low, open, volume, quote := e.rolling(m)
	change := m.last.Sub(open)
	return object{
		"symbol": m.symbol, "priceChange": m.price(change), "priceChangePercent": change.Shift(2).DivRound(open, 3).StringFixed(3),
		"weightedAvgPrice": money(average(quote, volume, m.last)), "lastPrice": m.price(m.last),
		"lastQty": m.quantity(m.bookQuantity(0, "last", e.now)), "openPrice": m.price(open), "highPrice": m.price(high),
		"lowPrice": m.price(low), "volume": m.quantity(volume), "quoteVolume": quote.StringFixed(2),
		"openTime": e.now.Add(-day).UnixMilli(), "closeTime": e.now.UnixMilli(),
		"firstId": e.now.Add(-day).Unix(), "lastId": e.now.Add(-day).Unix() + trades(quote) - 1, "count": trades(quote),
	}, nil
}

func (e *Exchange) priceTicker(m *market) (object, error) {
	return object{"symbol": m.symbol, "price": m.price(m.last), "time": e.now.UnixMilli()}, nil
}

func (e *Exchange) bookTicker(m *market) (object, error) {
	return object{
		"symbol": m.symbol, "bidPrice": m.price(m.bid()), "bidQty": m.quantity(m.bookQuantity(0, "bid", e.now)),
		"askPrice": m.price(m.ask()), "askQty": m.quantity(m.bookQuantity(0, "ask", e.now)), "time": e.now.UnixMilli(),
	}, nil
}

func openInterest(e *Exchange, c *call) (any, error) {
	m, err := e.marketOf(c)
	if err != nil {
		return nil, err
	}
	return object{"symbol": m.symbol, "openInterest": m.quantity(m.openInterest(e.now)), "time": e.now.UnixMilli()}, nil
}

// fundingRates are those that were charged, of a symbol or of all, the oldest
// first. Without a start they are the newest.
func fundingRates(e *Exchange, c *call) (any, error) {
	symbols := e.symbols
	if c.has("symbol") {
		m, err := e.marketOf(c)
		if err != nil {
			return nil, err
		}
		symbols = []string{m.symbol}
	}
	limit, err := c.integer("limit", 100, 1, 1000)
	if err != nil {
		return nil, err
	}
	from, to, err := c.window()
	if err != nil {
		return nil, err
	}
	if to.IsZero() || to.After(e.now) {
		to = e.now
	}
	const interval = fundingHours * time.Hour
	count := (int(limit) + len(symbols) - 1) / len(symbols)
	first := nextFunding(to).Add(-time.Duration(count) * interval)
	if !from.IsZero() {
		first = nextFunding(from.Add(-1))
	}
	rows := []object{}
	for at := first; !at.After(to) && len(rows) < int(limit); at = at.Add(interval) {
		for _, symbol := range symbols {
			rows = append(rows, object{
				"symbol": symbol, "fundingRate": money(e.markets[symbol].fundingRate(at)), "fundingTime": at.UnixMilli(),
			})
		}
	}
	return rows[:min(len(rows), int(limit))], nil
}

func fundingInfo(e *Exchange, c *call) (any, error) {
	rows := []object{}
	for _, symbol := range e.symbols {
		if c.has("symbol") && c.text("symbol") != symbol {
			continue
		}
		rows = append(rows, object{
			"symbol": symbol, "interestRate": "0.00010000", "time": e.now.UnixMilli(), "fundingIntervalHours": fundingHours,
			"fundingFeeCap": decimal.New(3, -2), "fundingFeeFloor": decimal.New(-3, -2),
		})
	}
	return rows, nil
}
