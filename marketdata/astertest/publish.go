package astertest

import (
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/ballast-go/ballast/marketdata"
)

// publish sends what became due since the instant before: the candles that
// closed, then what is sent at each step and at the last instant of an
// Advance, then pings and ends.
func (e *Exchange) publish(before time.Time, grid time.Duration, last bool) {
	onStep := last || e.now.Truncate(grid).After(before)
	for _, conn := range e.streams.open {
		for _, name := range conn.topics {
			e.publishKlines(conn, name, before, onStep)
		}
		for _, name := range conn.topics {
			if onStep {
				e.publishPrices(conn, name, before)
			}
		}
		e.keepAlive(conn)
	}
}

// klineTopic reads a name such as btcusdt@kline_1h.
func klineTopic(name string) (symbol string, interval marketdata.Interval, found bool) {
	symbol, text, found := strings.Cut(name, "@kline_")
	interval = marketdata.Interval(text)
	return strings.ToUpper(symbol), interval, found && interval.Valid()
}

// publishKlines sends the closing event of a candle, and the open one.
func (e *Exchange) publishKlines(conn *connection, name string, before time.Time, onStep bool) {
	symbol, interval, found := klineTopic(name)
	m := e.markets[symbol]
	if !found || m == nil {
		return
	}
	open := interval.Floor(e.now)
	if open.After(before) {
		if closed := e.candles(m, klineRun{interval, 1, open.Add(-interval.Duration())}); len(closed) == 1 {
			e.emit(conn, name, e.klineEvent(m, interval, closed[0], true))
		}
	}
	if !onStep && !open.After(before) {
		return
	}
	if c, ok := e.openCandle(m, interval, open); ok {
		e.emit(conn, name, e.klineEvent(m, interval, c, false))
	}
}

func (e *Exchange) klineEvent(m *market, interval marketdata.Interval, c marketdata.Candle, closed bool) object {
	row := m.kline(c, interval)
	first := c.OpenTime.Unix()
	return object{
		"e": "kline", "E": e.now.UnixMilli(), "s": m.symbol,
		"k": object{
			"t": row[0], "T": row[6], "s": m.symbol, "i": string(interval), "f": first, "L": first + trades(c.QuoteVolume) - 1,
			"o": row[1], "c": row[4], "h": row[2], "l": row[3], "v": row[5], "n": row[8], "x": closed, "q": row[7],
			"V": row[9], "Q": row[10], "B": row[11],
		},
	}
}

// publishPrices sends one event of the other streams, or an array of them.
func (e *Exchange) publishPrices(conn *connection, name string, before time.Time) {
	if text, all := strings.CutPrefix(name, "!"); all {
		kind, _, array := strings.Cut(text, "@arr")
		rows := []object{}
		for _, symbol := range e.symbols {
			if event := e.priceEvent(e.markets[symbol], strings.TrimSuffix(kind, "@1s")); event != nil {
				rows = append(rows, event)
			}
		}
		for _, row := range rows {
			if !array { // !bookTicker
				e.emit(conn, name, row)
			}
		}
		if array && len(rows) > 0 {
			e.emit(conn, name, rows)
		}
		return
	}
	symbol, kind, _ := strings.Cut(name, "@")
	m := e.markets[strings.ToUpper(symbol)]
	if m == nil || strings.ToLower(symbol) != symbol {
		return
	}
	if kind == "markPrice" && before.Truncate(3*time.Second).Equal(e.now.Truncate(3*time.Second)) {
		return
	}
	if event := e.priceEvent(m, strings.TrimSuffix(kind, "@1s")); event != nil {
		e.emit(conn, name, event)
	}
}

// priceEvent is nil for a stream that there is not.
func (e *Exchange) priceEvent(m *market, kind string) object {
	at := e.now.UnixMilli()
	switch kind {
	case "markPrice":
		next := nextFunding(e.now)
		return object{
			"e": "markPriceUpdate", "E": at, "s": m.symbol, "p": money(m.mark(e.now)), "i": money(m.last), "P": money(m.last),
			"r": money(m.fundingRate(next)), "T": next.UnixMilli(),
		}
	case "bookTicker":
		return object{
			"e": "bookTicker", "u": at, "E": at, "T": at, "s": m.symbol, "b": m.price(m.bid()), "B": m.quantity(m.bookQuantity(0, "bid", e.now)),
			"a": m.price(m.ask()), "A": m.quantity(m.bookQuantity(0, "ask", e.now)),
		}
	case "ticker", "miniTicker":
		return e.tickerEvent(m, kind == "miniTicker")
	}
	return nil
}

func (e *Exchange) tickerEvent(m *market, mini bool) object {
	high, low, open, volume, quote := e.rolling(m)
	event := object{
		"e": "24hrMiniTicker", "E": e.now.UnixMilli(), "s": m.symbol, "c": m.price(m.last), "o": m.price(open), "h": m.price(high),
		"l": m.price(low), "v": m.quantity(volume), "q": quote.StringFixed(2),
	}
	if mini {
		return event
	}
	change := m.last.Sub(open)
	first := e.now.Add(-day)
	event["e"] = "24hrTicker"
	event["p"], event["P"] = m.price(change), change.Shift(2).DivRound(open, 3).StringFixed(3)
	event["w"], event["Q"] = money(average(quote, volume, m.last)), m.quantity(m.bookQuantity(0, "last", e.now))
	event["O"], event["C"] = first.UnixMilli(), e.now.UnixMilli()
	event["F"], event["L"], event["n"] = first.Unix(), first.Unix()+trades(quote)-1, trades(quote)
	return event
}

// emit sends an event, unless something goes wrong with it.
func (e *Exchange) emit(conn *connection, name string, event any) {
	if conn.combined {
		event = object{"stream": name, "data": event}
	}
	text := encode(event)
	fault := e.faults.nextStream(name, e.now)
	switch fault {
	case StreamDrop:
		conn.end()
		return
	case StreamLose:
		return
	case StreamReorder:
		if conn.held == nil {
			conn.held = text
			return
		}
	case StreamGarbage:
		text = text[:len(text)/2]
	default:
	}
	conn.send(message{text: text})
	if fault == StreamDuplicate {
		conn.send(message{text: text})
	}
	if conn.held != nil {
		conn.send(message{text: conn.held})
		conn.held = nil
	}
}

// keepAlive pings, and ends what has not answered or is a day old.
func (e *Exchange) keepAlive(conn *connection) {
	switch {
	case !conn.unponged.IsZero() && e.now.Sub(conn.unponged) >= pongWithin, e.now.Sub(conn.since) >= connectionLife:
		conn.send(message{end: websocket.StatusGoingAway})
	case !e.now.Before(conn.pingAt):
		conn.pingAt = e.now.Add(pingEvery)
		if conn.unponged.IsZero() {
			conn.unponged = e.now
		}
		conn.send(message{ping: true})
	}
}
