package astertest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/astertest"
)

const (
	orderPath = "/fapi/v3/order"
	btc       = "symbol=BTCUSDT&"
)

// calm is a market that starts at 100,000 and stays within a percent for an
// hour, then falls to 90,000 and rises to 110,000.
func calm(t *testing.T, cfg astertest.Config) *trader {
	t.Helper()
	return hours(t, cfg, "100000,100500,99500,100000", "100000,101000,99000,100000", "100000,110000,90000,105000", "105000,106000,104000,105000")
}

func TestFilters(t *testing.T) {
	t.Parallel()
	tr := calm(t, astertest.Config{Accounts: account(func(a *astertest.Account) { a.Deposit = d("100000000") })})
	limit := func(quantity, price string) string {
		return btc + "side=BUY&type=LIMIT&timeInForce=GTC&quantity=" + quantity + "&price=" + price
	}
	for params, code := range map[string]int{
		limit("0.001", "99000.0"):                                                             0,
		"side=BUY&type=MARKET&quantity=0.01":                                                  -1102,
		"symbol=NOPE&side=BUY&type=MARKET&quantity=0.01":                                      -1121,
		btc + "type=MARKET&quantity=0.01":                                                     -1102,
		btc + "side=LONG&type=MARKET&quantity=0.01":                                           -1117,
		btc + "side=BUY&type=TRAILING_STOP_MARKET&quantity=0.01":                              -1116,
		btc + "side=BUY&type=LIMIT&quantity=0.01&price=99000":                                 -1102,
		btc + "side=BUY&type=LIMIT&timeInForce=DAY&quantity=1":                                -1115,
		btc + "side=BUY&type=MARKET":                                                          -1102,
		btc + "side=BUY&type=MARKET&quantity=x":                                               -1102,
		btc + "side=BUY&type=MARKET&quantity=0":                                               -4003,
		btc + "side=BUY&type=MARKET&quantity=-1":                                              -4003,
		btc + "side=BUY&type=MARKET&quantity=0.0005":                                          -4004,
		btc + "side=BUY&type=MARKET&quantity=0.0015":                                          -4023,
		btc + "side=BUY&type=MARKET&quantity=0.00151":                                         -1111,
		btc + "side=BUY&type=MARKET&quantity=1000.001":                                        -4005,
		limit("10000.001", "99000"):                                                           -4005,
		limit("0.01", "0"):                                                                    -4001,
		limit("0.01", "200000000"):                                                            -4002,
		limit("0.01", "0.05"):                                                                 -4013,
		limit("0.01", "99000.05"):                                                             -4014,
		limit("0.01", "99000.055"):                                                            -1111,
		limit("0.01", "120000"):                                                               -4016,
		limit("0.001", "4000"):                                                                -4164,
		btc + "side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=80000":                   -4024,
		btc + "side=SELL&type=STOP_MARKET&quantity=0.01&stopPrice=99000.05":                   -4014,
		btc + "side=SELL&type=STOP_MARKET&quantity=0.01":                                      -1102,
		btc + "side=SELL&type=STOP_MARKET&quantity=0.01&stopPrice=100000":                     -2021,
		btc + "side=BUY&type=STOP_MARKET&quantity=0.01&stopPrice=99000":                       -2021,
		btc + "side=SELL&type=TAKE_PROFIT_MARKET&quantity=0.01&stopPrice=99000":               -2021,
		btc + "side=SELL&type=STOP_MARKET&closePosition=true&quantity=1&stopPrice=99000":      -4137,
		btc + "side=SELL&type=STOP_MARKET&closePosition=true&reduceOnly=true&stopPrice=99000": -1106,
		btc + "side=SELL&type=MARKET&closePosition=true":                                      -4136,
		btc + "side=SELL&type=MARKET&quantity=0.01&reduceOnly=true":                           -2022,
		btc + "side=BUY&type=MARKET&quantity=0.01&positionSide=LONG":                          -4061,
		btc + "side=BUY&type=MARKET&quantity=0.01&positionSide=UP":                            -4060,
		btc + "side=BUY&type=MARKET&quantity=0.01&newClientOrderId=not+valid":                 -4015,
		btc + "side=BUY&type=MARKET&quantity=0.01&newOrderRespType=FULL":                      -1136,
		btc + "side=BUY&type=MARKET&quantity=100":                                             -2027,
		btc + "side=SELL&type=STOP_MARKET&quantity=0.01&stopPrice=99000&workingType=INDEX":    -1130,
		btc + "side=SELL&type=STOP_MARKET&quantity=0.01&stopPrice=99000&reduceOnly=perhaps":   -1102,
	} {
		require.Equal(t, code, tr.call(http.MethodPost, orderPath, params).code(), params)
	}
}

func TestMarginBoundsWhatCanBeOpened(t *testing.T) {
	t.Parallel()
	tr := calm(t, astertest.Config{Accounts: account(func(a *astertest.Account) { a.Deposit = d("1000") })})
	require.Equal(t, -2019, tr.call(http.MethodPost, orderPath, btc+"side=BUY&type=MARKET&quantity=0.2").code())
	tr.order(btc + "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.15&price=99000")
	require.Equal(t, -2019, tr.call(http.MethodPost, orderPath, btc+"side=BUY&type=MARKET&quantity=0.1").code(), "an open order binds margin")
	tr.do(http.MethodDelete, "/fapi/v3/allOpenOrders", "symbol=BTCUSDT")
	tr.order(btc + "side=BUY&type=MARKET&quantity=0.1")
}

func TestALimitOrderRestsAndFillsWhereThePriceCrosses(t *testing.T) {
	t.Parallel()
	tr := calm(t, astertest.Config{})
	placed := tr.order(btc + "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=99500.0&newClientOrderId=bid")
	require.Equal(t, "NEW", placed["status"])
	require.Equal(t, -4116, tr.call(http.MethodPost, orderPath, btc+"side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=99500.0&newClientOrderId=bid").code())
	tr.ex.Advance(7 * time.Minute) // the low of 99,000 is at a quarter past
	require.Equal(t, "NEW", tr.query("bid")["status"])
	tr.ex.Advance(8 * time.Minute)
	filled := tr.query("bid")
	require.Equal(t, "FILLED", filled["status"])
	require.True(t, d(filled["avgPrice"].(string)).Equal(d("99500")))
	trade := tr.rows("/fapi/v3/userTrades", "symbol=BTCUSDT")[0]
	require.Equal(t, true, trade["maker"])
	require.Equal(t, "-0.99500000", trade["commission"])
	at := time.UnixMilli(int64(trade["time"].(float64))).UTC()
	require.Equal(t, "01:07:30", at.Format("15:04:05"), "halfway to 99,000, when the ask is there")
	require.Equal(t, -2011, tr.call(http.MethodDelete, orderPath, btc+"origClientOrderId=bid").code())
	tr.order(btc + "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=98000.0&newClientOrderId=bid") // ids are free again
}

func TestTimesInForce(t *testing.T) {
	t.Parallel()
	tr := calm(t, astertest.Config{})
	for _, c := range []struct{ tif, price, status string }{
		{"GTC", "100500", "FILLED"},
		{"IOC", "100500", "FILLED"},
		{"FOK", "100500", "FILLED"},
		{"GTX", "100500", "EXPIRED"},
		{"GTC", "99000", "NEW"},
		{"IOC", "99000", "EXPIRED"},
		{"FOK", "99000", "EXPIRED"},
		{"GTX", "99000", "NEW"},
	} {
		got := tr.order(btc + "side=BUY&type=LIMIT&quantity=0.01&timeInForce=" + c.tif + "&price=" + c.price)
		require.Equal(t, c.status, got["status"], c)
		if c.status == "FILLED" {
			require.True(t, d(got["avgPrice"].(string)).Equal(d("100000.1")), "at the ask")
		}
	}
	ack := tr.do(http.MethodPost, orderPath, btc+"side=BUY&type=MARKET&quantity=0.01")
	require.Equal(t, "NEW", ack["status"], "an acknowledgement tells nothing of fills")
	require.Equal(t, "0.000", ack["executedQty"])
}

func TestStopsAndTakeProfitsTrigger(t *testing.T) {
	t.Parallel()
	for _, working := range []string{"MARK_PRICE", "CONTRACT_PRICE"} {
		t.Run(working, func(t *testing.T) {
			t.Parallel()
			tr := calm(t, astertest.Config{})
			tr.order(btc + "side=BUY&type=MARKET&quantity=0.1")
			tr.order(btc + "side=SELL&type=STOP_MARKET&closePosition=true&stopPrice=95000.0&newClientOrderId=sl&workingType=" + working)
			tr.order(btc + "side=SELL&type=TAKE_PROFIT_MARKET&closePosition=true&stopPrice=108000.0&newClientOrderId=tp&workingType=" + working)
			tr.ex.Advance(time.Hour + 5*time.Minute) // 90,000 comes at a quarter past the hour
			require.Equal(t, "NEW", tr.query("sl")["status"])
			tr.ex.Advance(5 * time.Minute)
			stop := tr.query("sl")
			require.Equal(t, "FILLED", stop["status"])
			require.Equal(t, "MARKET", stop["type"])
			require.Equal(t, "STOP_MARKET", stop["origType"])
			require.InDelta(t, 95000, d(stop["avgPrice"].(string)).InexactFloat64(), 25, "slippage is a tick, the mark two basis points away")
			require.True(t, tr.holdings().Positions["BTCUSDT"].IsZero())
			require.Equal(t, "NEW", tr.query("tp")["status"])
			tr.ex.Advance(time.Hour)
			require.Equal(t, "EXPIRED", tr.query("tp")["status"], "there is nothing to close")
		})
	}
}

func TestStopLimitOrdersRestOnceTriggered(t *testing.T) {
	t.Parallel()
	tr := calm(t, astertest.Config{})
	tr.order(btc + "side=BUY&type=TAKE_PROFIT&quantity=0.1&stopPrice=95000.0&price=91000.0&newClientOrderId=dip")
	tr.ex.Advance(time.Hour + 12*time.Minute) // 92,000
	dip := tr.query("dip")
	require.Equal(t, "NEW", dip["status"])
	require.Equal(t, "LIMIT", dip["type"])
	tr.ex.Advance(5 * time.Minute)
	require.Equal(t, "FILLED", tr.query("dip")["status"])
	require.True(t, d(tr.query("dip")["avgPrice"].(string)).Equal(d("91000")))
}

func TestReduceOnlyNeverTurnsAPosition(t *testing.T) {
	t.Parallel()
	tr := calm(t, astertest.Config{})
	tr.order(btc + "side=BUY&type=MARKET&quantity=0.1")
	require.Equal(t, -2022, tr.call(http.MethodPost, orderPath, btc+"side=SELL&type=MARKET&quantity=0.2&reduceOnly=true").code())
	tr.order(btc + "side=SELL&type=LIMIT&timeInForce=GTC&quantity=0.1&price=100500&reduceOnly=true&newClientOrderId=out")
	tr.order(btc + "side=SELL&type=MARKET&quantity=0.06")
	tr.ex.Advance(time.Hour)
	out := tr.query("out")
	require.Equal(t, "FILLED", out["status"])
	require.Equal(t, "0.040", out["executedQty"], "what was left")
	require.True(t, tr.holdings().Positions["BTCUSDT"].IsZero())
}

func TestAnOrderCanTurnAPosition(t *testing.T) {
	t.Parallel()
	tr := calm(t, astertest.Config{Accounts: account(func(a *astertest.Account) { a.NoFees = true })})
	tr.order(btc + "side=BUY&type=MARKET&quantity=0.1")
	tr.order(btc + "side=SELL&type=MARKET&quantity=0.3")
	row := tr.rows("/fapi/v3/positionRisk", "symbol=BTCUSDT")[0]
	require.Equal(t, "-0.200", row["positionAmt"])
	require.True(t, d(row["entryPrice"].(string)).Equal(d("100000")))
	require.True(t, tr.holdings().Wallet.Equal(d("9999.99")), "a tick on a tenth, was %s", tr.holdings().Wallet)
}

func TestHedgeMode(t *testing.T) {
	t.Parallel()
	tr := calm(t, astertest.Config{})
	require.NoError(t, tr.ex.SetHedgeMode(wallet, true))
	require.Equal(t, true, tr.do(http.MethodGet, "/fapi/v3/positionSide/dual", "")["dualSidePosition"])
	require.Equal(t, -4061, tr.call(http.MethodPost, orderPath, btc+"side=BUY&type=MARKET&quantity=0.1").code())
	tr.order(btc + "side=BUY&type=MARKET&quantity=0.1&positionSide=LONG")
	tr.order(btc + "side=SELL&type=MARKET&quantity=0.2&positionSide=SHORT")
	rows := tr.rows("/fapi/v3/positionRisk", "symbol=BTCUSDT")
	require.Len(t, rows, 2)
	require.Equal(t, []any{"LONG", "0.100", "SHORT", "-0.200"}, []any{rows[0]["positionSide"], rows[0]["positionAmt"], rows[1]["positionSide"], rows[1]["positionAmt"]})
	require.Equal(t, -2022, tr.call(http.MethodPost, orderPath, btc+"side=SELL&type=MARKET&quantity=0.2&positionSide=LONG").code())
	require.Equal(t, -1106, tr.call(http.MethodPost, orderPath, btc+"side=SELL&type=MARKET&quantity=0.1&positionSide=LONG&reduceOnly=true").code())
	require.Equal(t, -4061, tr.call(http.MethodPost, orderPath, btc+"side=BUY&type=STOP_MARKET&closePosition=true&stopPrice=101000&positionSide=LONG").code())
	tr.order(btc + "side=SELL&type=MARKET&quantity=0.1&positionSide=LONG")
	require.Error(t, tr.ex.SetHedgeMode(wallet, false))
	require.Error(t, tr.ex.SetHedgeMode(agentOwner, false))
}

func TestZeroPositionsAreListed(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	require.Len(t, tr.rows("/fapi/v3/positionRisk", ""), 10)
}

func TestBatches(t *testing.T) {
	t.Parallel()
	tr := calm(t, astertest.Config{})
	send := func(method, params string) []map[string]any {
		r := tr.call(method, "/fapi/v3/batchOrders", params)
		require.Equal(t, http.StatusOK, r.status, "%s", r.body)
		var out []map[string]any
		require.NoError(t, json.Unmarshal(r.body, &out))
		return out
	}
	one := `{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"0.01","price":"99000","newClientOrderId":"a"}`
	bad := `{"symbol":"BTCUSDT","side":"SELL","type":"MARKET","quantity":"0.01","reduceOnly":"true"}`
	out := send(http.MethodPost, "batchOrders="+url.QueryEscape("["+one+","+bad+"]"))
	require.Equal(t, "NEW", out[0]["status"])
	require.InDelta(t, -2022, out[1]["code"], 0)
	out = send(http.MethodDelete, btc+"origClientOrderIdList="+url.QueryEscape(`["a","b"]`))
	require.Equal(t, "CANCELED", out[0]["status"])
	require.InDelta(t, -2011, out[1]["code"], 0)
	require.Equal(t, -4082, tr.call(http.MethodPost, "/fapi/v3/batchOrders", "batchOrders="+url.QueryEscape("["+one+","+one+","+one+","+one+","+one+","+one+"]")).code())
	require.Equal(t, -1102, tr.call(http.MethodPost, "/fapi/v3/batchOrders", "batchOrders=%5B").code())
}

func TestModifyKeepsARefusedOrder(t *testing.T) {
	t.Parallel()
	tr := calm(t, astertest.Config{})
	tr.order(btc + "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=99000&newClientOrderId=a")
	require.Equal(t, -4014, tr.call(http.MethodPut, orderPath, btc+"origClientOrderId=a&quantity=0.02&price=99000.05").code())
	require.Equal(t, -1102, tr.call(http.MethodPut, orderPath, btc+"origClientOrderId=a&quantity=0.02").code())
	require.Equal(t, "0.010", tr.query("a")["origQty"])
	require.Equal(t, "NEW", tr.do(http.MethodPut, orderPath, btc+"origClientOrderId=a&quantity=0.02&price=99100")["status"])
	got := tr.query("a")
	require.Equal(t, "0.020 99100.0", fmt.Sprint(got["origQty"], " ", got["price"]))
}

func TestTheCountdownCancels(t *testing.T) {
	t.Parallel()
	tr := calm(t, astertest.Config{})
	tr.order(btc + "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=90000&newClientOrderId=a")
	tr.do(http.MethodPost, "/fapi/v3/countdownCancelAll", btc+"countdownTime=5000")
	tr.ex.Advance(4 * time.Second)
	require.Equal(t, "NEW", tr.query("a")["status"])
	tr.ex.Advance(time.Second)
	require.Equal(t, "CANCELED", tr.query("a")["status"])
	require.Equal(t, -2013, tr.call(http.MethodGet, "/fapi/v3/openOrder", btc+"origClientOrderId=a").code())
	require.Equal(t, -2013, tr.call(http.MethodGet, orderPath, btc+"origClientOrderId=none").code())
}
