package astertest

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

const maxKlines = 1500

func klinesWeight(c *call) int {
	limit, _ := c.integer("limit", 500, 1, maxKlines) //nolint:errcheck // a wrong one weighs as the least, and is refused later
	switch {
	case limit < 100:
		return 1
	case limit < 500:
		return 2
	case limit <= 1000:
		return 5
	}
	return 10
}

func lastKlines(e *Exchange, c *call) (any, error) {
	m, err := e.marketOf(c)
	if err != nil {
		return nil, err
	}
	candles, interval, err := e.klines(c, m)
	if err != nil {
		return nil, err
	}
	rows := make([][12]any, len(candles))
	for i, k := range candles {
		rows[i] = m.kline(k, interval)
	}
	return rows, nil
}

func indexKlines(e *Exchange, c *call) (any, error) {
	if !c.has("pair") {
		return nil, errMandatory("pair")
	}
	m := e.markets[c.text("pair")]
	if m == nil {
		return nil, errSymbol()
	}
	return e.derived(c, m, func(v decimal.Decimal, _ time.Time) decimal.Decimal { return v })
}

func markKlines(e *Exchange, c *call) (any, error) {
	m, err := e.marketOf(c)
	if err != nil {
		return nil, err
	}
	return e.derived(c, m, func(v decimal.Decimal, at time.Time) decimal.Decimal { return v.Mul(m.basis(at)) })
}

// derived are candles of a price that nobody trades at: without volumes, and
// for intervals above an hour with the factor of their first one.
func (e *Exchange) derived(c *call, m *market, price func(decimal.Decimal, time.Time) decimal.Decimal) (any, error) {
	candles, interval, err := e.klines(c, m)
	if err != nil {
		return nil, err
	}
	rows := make([][12]any, len(candles))
	for i, k := range candles {
		row := m.kline(k, interval)
		for j, v := range [...]decimal.Decimal{k.Open, k.High, k.Low, k.Close} {
			row[j+1] = money(price(v, k.OpenTime))
		}
		row[5], row[7], row[9], row[10] = "0", "0", "0", "0"
		row[8] = int64(interval.Duration() / time.Second)
		rows[i] = row
	}
	return rows, nil
}

func (m *market) kline(k marketdata.Candle, interval marketdata.Interval) [12]any {
	half := decimal.New(5, -1)
	return [...]any{
		k.OpenTime.UnixMilli(), m.price(k.Open), m.price(k.High), m.price(k.Low), m.price(k.Close), m.quantity(k.Volume),
		k.OpenTime.Add(interval.Duration()).UnixMilli() - 1, money(k.QuoteVolume), trades(k.QuoteVolume),
		m.quantity(k.Volume.Mul(half)), money(k.QuoteVolume.Mul(half)), "0",
	}
}

// klines are the candles that a request asks for; the last one may be open.
func (e *Exchange) klines(c *call, m *market) ([]marketdata.Candle, marketdata.Interval, error) {
	interval := marketdata.Interval(c.text("interval"))
	if !c.has("interval") {
		return nil, "", errMandatory("interval")
	}
	if !interval.Valid() {
		return nil, "", fail(-1120, "Invalid interval.")
	}
	limit, err := c.integer("limit", 500, 1, maxKlines)
	if err != nil {
		return nil, "", err
	}
	from, to, err := c.window()
	if err != nil {
		return nil, "", err
	}
	length := interval.Duration()
	last := interval.Floor(e.now)
	if !to.IsZero() && to.Before(last) {
		last = interval.Floor(to)
	}
	n := int(limit)
	if !from.IsZero() {
		first := interval.Floor(from.Add(length - 1))
		if first.After(last) {
			return nil, interval, nil
		}
		if count := int(last.Sub(first)/length) + 1; count > n {
			last = first.Add(time.Duration(n-1) * length)
		} else {
			n = count
		}
	}
	return e.candles(m, interval, n, last), interval, nil
}

// candles are n candles, the last of which opens at a time. Where data has
// ended or not begun there are fewer.
func (e *Exchange) candles(m *market, interval marketdata.Interval, n int, last time.Time) []marketdata.Candle {
	end := last.Add(interval.Duration())
	if !end.After(e.now) {
		return e.between(m, interval, n, end)
	}
	out := e.between(m, interval, n-1, last)
	if open, ok := e.openCandle(m, interval, last); ok {
		out = append(out, open)
	}
	return out
}

// between are closed candles, without those before the data.
func (e *Exchange) between(m *market, interval marketdata.Interval, n int, end time.Time) []marketdata.Candle {
	candles, err := e.tape.closed(m.symbol, interval, n, end)
	if err != nil {
		return nil
	}
	first := end.Add(-time.Duration(n) * interval.Duration())
	for len(candles) > 0 && candles[0].OpenTime.Before(first) { // data has ended before
		candles = candles[1:]
	}
	return candles
}

// openCandle is the candle that opened at a time, until now. One that has just
// opened has the last price alone.
func (e *Exchange) openCandle(m *market, interval marketdata.Interval, open time.Time) (marketdata.Candle, bool) {
	end := e.now
	if closes := open.Add(interval.Duration()); closes.Before(end) {
		end = closes
	}
	if !open.Before(end) {
		_, found := e.tape.candle(m.symbol, open)
		price := e.tape.price(m.symbol, open)
		return marketdata.Candle{OpenTime: open, Open: price, High: price, Low: price, Close: price}, found
	}
	c, err := e.tape.span(m.symbol, open, end)
	return c, err == nil && !c.OpenTime.IsZero()
}
