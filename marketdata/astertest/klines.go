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
	run, err := e.klineRun(c)
	if err != nil {
		return nil, err
	}
	return e.klineRows(m, run), nil
}

// closedRows are closed candles as they are sent, without the brackets around
// them. They never change, and the same are asked for again and again.
type closedRows struct {
	n    int
	end  time.Time // of the last
	text []byte
}

// klineRows is the answer to a request. A market remembers the last one of
// each interval, which is where most of the work of an exchange would go.
func (e *Exchange) klineRows(m *market, run klineRun) raw {
	n, end, open := run.split(e.now)
	known := m.rows[run.interval]
	if known.n != n || !known.end.Equal(end) {
		candles := e.between(m, run.interval, n, end)
		rows := make([][12]any, len(candles))
		for i, k := range candles {
			rows[i] = m.kline(k, run.interval)
		}
		text := encode(rows)
		known = closedRows{n, end, text[1 : len(text)-1]}
		m.rows[run.interval] = known
	}
	out := append(raw("["), known.text...)
	if open {
		if k, found := e.openCandle(m, run.interval, run.last); found {
			if len(known.text) > 0 {
				out = append(out, ',')
			}
			out = append(out, encode(m.kline(k, run.interval))...)
		}
	}
	return append(out, ']')
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
	run, err := e.klineRun(c)
	if err != nil {
		return nil, err
	}
	candles := e.candles(m, run)
	rows := make([][12]any, len(candles))
	for i, k := range candles {
		row := m.kline(k, run.interval)
		for j, v := range [...]decimal.Decimal{k.Open, k.High, k.Low, k.Close} {
			row[j+1] = money(price(v, k.OpenTime))
		}
		row[5], row[7], row[9], row[10] = "0", "0", "0", "0"
		row[8] = int64(run.interval.Duration() / time.Second)
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

// klineRun is what a request asks for: n candles, the last of which opens at
// last and may be open.
type klineRun struct {
	interval marketdata.Interval
	n        int
	last     time.Time
}

func (e *Exchange) klineRun(c *call) (klineRun, error) {
	run := klineRun{interval: marketdata.Interval(c.text("interval"))}
	if !c.has("interval") {
		return run, errMandatory("interval")
	}
	if !run.interval.Valid() {
		return run, fail(-1120, "Invalid interval.")
	}
	limit, err := c.integer("limit", 500, 1, maxKlines)
	if err != nil {
		return run, err
	}
	from, to, err := c.window()
	if err != nil {
		return run, err
	}
	length := run.interval.Duration()
	run.n, run.last = int(limit), run.interval.Floor(e.now)
	if !to.IsZero() && to.Before(run.last) {
		run.last = run.interval.Floor(to)
	}
	if !from.IsZero() {
		first := run.interval.Floor(from.Add(length - 1))
		if count := int(run.last.Sub(first)/length) + 1; count > run.n {
			run.last = first.Add(time.Duration(run.n-1) * length)
		} else {
			run.n = max(count, 0)
		}
	}
	return run, nil
}

// split is how many candles of a run are closed and when the last of these
// ends, and whether an open one follows.
func (r klineRun) split(now time.Time) (n int, end time.Time, open bool) {
	end = r.last.Add(r.interval.Duration())
	if r.n == 0 || !end.After(now) {
		return r.n, end, false
	}
	return r.n - 1, r.last, true
}

// candles are those of a run. Where data has ended or not begun there are
// fewer.
func (e *Exchange) candles(m *market, run klineRun) []marketdata.Candle {
	n, end, open := run.split(e.now)
	out := e.between(m, run.interval, n, end)
	if open {
		if k, found := e.openCandle(m, run.interval, run.last); found {
			out = append(out, k)
		}
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
