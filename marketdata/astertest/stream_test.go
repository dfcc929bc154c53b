package astertest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/astertest"
)

// listener reads everything that a connection sends.
type listener struct {
	t      testing.TB
	socket *websocket.Conn
	events chan map[string]any // closed at the end of the connection
	raw    chan string
}

func (tr *trader) dial(path string) *listener {
	tr.t.Helper()
	socket, _, err := websocket.Dial(tr.t.Context(), tr.ex.Network().MarketStream+path, nil)
	require.NoError(tr.t, err)
	l := &listener{tr.t, socket, make(chan map[string]any, 100_000), make(chan string, 100_000)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(l.events)
		for {
			_, text, err := socket.Read(context.Background())
			if err != nil {
				return
			}
			var event any
			if json.Unmarshal(text, &event) != nil {
				l.raw <- string(text)
				continue
			}
			switch e := event.(type) {
			case map[string]any:
				l.events <- e
			case []any:
				l.events <- map[string]any{"rows": e}
			}
		}
	}()
	tr.t.Cleanup(func() { _ = socket.CloseNow(); <-done })
	return l
}

// next is the next event; nil when the connection has ended.
func (l *listener) next() map[string]any {
	l.t.Helper()
	select {
	case e := <-l.events:
		return e
	case <-time.After(10 * time.Second):
		require.FailNow(l.t, "no event")
		return nil
	}
}

func (l *listener) say(text string) map[string]any {
	l.t.Helper()
	require.NoError(l.t, l.socket.Write(l.t.Context(), websocket.MessageText, []byte(text)))
	return l.next()
}

// collect is what was sent until now.
func (l *listener) collect() (events []map[string]any) {
	l.t.Helper()
	for e := l.say(`{"method":"GET_PROPERTY","params":["combined"],"id":99}`); e != nil && e["id"] == nil; e = l.next() {
		events = append(events, e)
	}
	return events
}

func TestKlineStream(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	l := tr.dial("/ws/btcusdt@kline_1m")
	tr.ex.Advance(100 * time.Second) // from half past a minute
	var closed []map[string]any
	openTime, last := 0.0, map[string]any{}
	events := l.collect()
	require.Len(t, events, 102)
	for _, e := range events {
		require.Equal(t, want("e:s E:n s:s k:o"), fields(t, e))
		k := e["k"].(map[string]any)
		require.Equal(t, want("t:n T:n s:s i:s f:n L:n o:s c:s h:s l:s v:s n:n x:b q:s V:s Q:s B:s"), fields(t, k))
		if k["x"] == true {
			closed = append(closed, k)
			require.InDelta(t, k["T"].(float64)+1, e["E"], 0, "at the instant of the close")
		} else {
			require.GreaterOrEqual(t, k["t"], openTime)
			openTime = k["t"].(float64)
			last = k
		}
	}
	require.Len(t, closed, 2)
	rows := tr.klines("symbol=BTCUSDT&interval=1m&limit=3")
	for i, k := range closed {
		require.True(t, rows[i].c.Equal(d(k["c"].(string))) && rows[i].h.Equal(d(k["h"].(string))) && rows[i].volume.Equal(d(k["v"].(string))), "%v and %v", rows[i], k)
	}
	require.True(t, rows[2].c.Equal(d(last["c"].(string))))
}

func TestALongAdvanceIsCoarserButMissesNoClose(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	l := tr.dial("/stream?streams=btcusdt@kline_1h/ethusdt@kline_4h")
	tr.ex.Advance(48 * time.Hour)
	counts, events := map[string]int{}, 0
	for e := range l.events {
		events++
		if k := e["data"].(map[string]any)["k"].(map[string]any); k["x"] == true {
			counts[e["stream"].(string)]++
		}
	}
	// the venue ends a connection after a day
	require.Equal(t, map[string]int{"btcusdt@kline_1h": 24, "ethusdt@kline_4h": 6}, counts)
	require.Less(t, events, 3000)
}

func TestPriceStreams(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	for name, shape := range map[string]string{
		"btcusdt@markPrice@1s": "e:s E:n s:s p:s i:s P:s r:s T:n",
		"btcusdt@ticker":       "e:s E:n s:s p:s P:s w:s c:s Q:s o:s h:s l:s v:s q:s O:n C:n F:n L:n n:n",
		"btcusdt@miniTicker":   "e:s E:n s:s c:s o:s h:s l:s v:s q:s",
		"btcusdt@bookTicker":   "e:s u:n E:n T:n s:s b:s B:s a:s A:s",
		"!bookTicker":          "e:s u:n E:n T:n s:s b:s B:s a:s A:s",
		"!markPrice@arr@1s":    "e:s E:n s:s p:s i:s P:s r:s T:n",
		"!ticker@arr":          "e:s E:n s:s p:s P:s w:s c:s Q:s o:s h:s l:s v:s q:s O:n C:n F:n L:n n:n",
	} {
		l := tr.dial("/ws/" + name)
		tr.ex.Advance(time.Second)
		e := l.next()
		if rows, ok := e["rows"].([]any); ok {
			require.Len(t, rows, 10)
			e = rows[0].(map[string]any)
		}
		require.Equal(t, want(shape), fields(t, e), name)
		require.NoError(t, l.socket.CloseNow())
	}
	slow := tr.dial("/ws/btcusdt@markPrice")
	tr.ex.Advance(9 * time.Second)
	require.Len(t, slow.collect(), 3, "each 3 s")
}

func TestCommands(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	l := tr.dial("/ws")
	for _, c := range [][2]string{
		{`{"method":"SUBSCRIBE","params":["btcusdt@markPrice@1s","nothing@here"],"id":1}`, `{"id":1,"result":null}`},
		{`{"method":"LIST_SUBSCRIPTIONS","id":3}`, `{"id":3,"result":["btcusdt@markPrice@1s","nothing@here"]}`},
		{`{"method":"UNSUBSCRIBE","params":["nothing@here"],"id":312}`, `{"id":312,"result":null}`},
		{`{"method":"SET_PROPERTY","params":["combined",true],"id":5}`, `{"id":5,"result":null}`},
		{`{"method":"GET_PROPERTY","params":["combined"],"id":2}`, `{"id":2,"result":true}`},
		{`{"method":"GET_PROPERTY","params":["colour"],"id":2}`, `{"code":0,"msg":"Unknown property"}`},
		{`{"method":"SET_PROPERTY","params":["combined",1],"id":5}`, `{"code":1,"msg":"Invalid value type: expected Boolean"}`},
		{`{"method":"SUBSCRIBE","params":["a"],"id":"1"}`, `{"code":2,"msg":"Invalid request: request ID must be an unsigned integer"}`},
		{`{"method":`, `{"code":3,"msg":"Invalid JSON: expected value"}`},
	} {
		got, err := json.Marshal(l.say(c[0]))
		require.NoError(t, err)
		require.JSONEq(t, c[1], string(got))
	}
	tr.ex.Advance(time.Second)
	require.Equal(t, "btcusdt@markPrice@1s", l.next()["stream"])
	for i := range 5 {
		_ = l.socket.Write(t.Context(), websocket.MessageText, fmt.Appendf(nil, `{"method":"LIST_SUBSCRIPTIONS","id":%d}`, i))
	}
	for e := range l.events {
		require.NotNil(t, e)
	}
	require.Empty(t, l.events, "more than ten messages a second end the connection")
}

func TestAtMost200Streams(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	names := make([]string, 201)
	for i := range names {
		names[i] = fmt.Sprintf(`"s%d@ticker"`, i)
	}
	l := tr.dial("/ws")
	got := l.say(`{"method":"SUBSCRIBE","params":[` + strings.Join(names, ",") + `],"id":1}`)
	require.InDelta(t, 2, got["code"], 0)
	require.Len(t, l.say(`{"method":"LIST_SUBSCRIPTIONS","id":3}`)["result"], 200)
}

func (tr *trader) listenKey() string {
	return tr.do(http.MethodPost, "/fapi/v3/listenKey", "")["listenKey"].(string)
}

func TestUserStream(t *testing.T) {
	t.Parallel()
	tr := calm(t, astertest.Config{})
	key := tr.listenKey()
	require.Equal(t, key, tr.listenKey(), "the active key again")
	_, resp, err := websocket.Dial(t.Context(), tr.ex.Network().UserStream+"/ws/unknown", nil)
	require.Error(t, err)
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)
	l := tr.dial("/ws/" + key)
	tr.order(btc + "side=BUY&type=MARKET&quantity=0.1&newClientOrderId=open")
	e := l.next()
	require.Equal(t, want("e:s E:n T:n o:o"), fields(t, e))
	orderEvent := "s:s c:s S:s o:s f:s q:s p:s ap:s sp:s x:s X:s i:n l:s z:s L:s T:n t:n b:s a:s m:b R:b wt:s ot:s ps:s cp:b rp:s"
	require.Equal(t, want(orderEvent), fields(t, e["o"]))
	o := l.next()["o"].(map[string]any)
	require.Equal(t, want(orderEvent+" N:s n:s"), fields(t, o), "with the fee")
	require.Equal(t, "TRADE FILLED open 0.100", fmt.Sprint(o["x"], " ", o["X"], " ", o["c"], " ", o["l"]))
	e = l.next()
	require.Equal(t, want("e:s E:n T:n a:o"), fields(t, e))
	update := e["a"].(map[string]any)
	require.Equal(t, "ORDER", update["m"])
	require.Equal(t, want("a:s wb:s cw:s bc:s"), fields(t, first(t, update["B"])))
	require.Equal(t, want("s:s pa:s ep:s cr:s up:s mt:s iw:s ps:s"), fields(t, first(t, update["P"])))

	tr.order(btc + "side=SELL&type=STOP_MARKET&closePosition=true&stopPrice=95000&newClientOrderId=sl")
	require.Equal(t, "NEW", l.next()["o"].(map[string]any)["x"])
	tr.ex.Advance(30 * time.Minute)
	require.Empty(t, tr.do(http.MethodPut, "/fapi/v3/listenKey", ""))
	tr.ex.Advance(40 * time.Minute)
	o = l.next()["o"].(map[string]any)
	require.Equal(t, "TRADE MARKET STOP_MARKET", fmt.Sprint(o["x"], " ", o["o"], " ", o["ot"]))
	require.Equal(t, "0.000", l.next()["a"].(map[string]any)["P"].([]any)[0].(map[string]any)["pa"])
	tr.ex.Advance(20 * time.Minute)
	e = l.next()
	require.Equal(t, want("e:s E:n"), fields(t, e))
	require.Equal(t, "listenKeyExpired", e["e"], "an hour after it was extended")
	require.NotEqual(t, key, tr.listenKey())
}

func TestMarginCallAndLiquidationAreReported(t *testing.T) {
	t.Parallel()
	tr := calm(t, astertest.Config{Accounts: account(func(a *astertest.Account) { a.Deposit = d("600") })})
	tr.order(btc + "side=BUY&type=MARKET&quantity=0.1")
	tr.ex.Advance(30 * time.Minute)
	l := tr.dial("/ws/" + tr.listenKey())
	prices := tr.dial("/ws/btcusdt@bookTicker") // so that the clock makes small steps
	tr.ex.Advance(50 * time.Minute)
	e := l.next()
	require.Equal(t, "MARGIN_CALL", e["e"])
	require.Equal(t, want("e:s E:n cw:s p:a"), fields(t, e))
	require.Equal(t, want("s:s ps:s pa:s mt:s iw:s mp:s up:s mm:s"), fields(t, first(t, e["p"])))
	o := l.next()["o"].(map[string]any)
	require.Equal(t, "CALCULATED", o["x"])
	require.Contains(t, o["c"], "autoclose-")
	require.Equal(t, "ACCOUNT_UPDATE", l.next()["e"])
	require.NotNil(t, prices.next())
}

func TestAConnectionLivesForADayAndIsPinged(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	l := tr.dial("/ws")
	tr.ex.Advance(24*time.Hour - time.Second)
	require.Contains(t, l.say(`{"method":"LIST_SUBSCRIPTIONS","id":3}`), "result", "pongs have kept it alive")
	tr.ex.Advance(time.Second)
	require.Nil(t, l.next())
}

func TestAClientThatDoesNotAnswerPingsIsDropped(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	socket, _, err := websocket.Dial(t.Context(), tr.ex.Network().MarketStream+"/ws", &websocket.DialOptions{
		OnPingReceived: func(context.Context, []byte) bool { return false },
	})
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		_, _, err := socket.Read(context.Background())
		done <- err
	}()
	tr.ex.Advance(21 * time.Minute)
	require.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(<-done))
	_ = socket.CloseNow()
}
