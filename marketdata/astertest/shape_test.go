package astertest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/astertest"
)

// fields writes the names and JSON types of an object: s string, n number,
// b bool, a array, o object, 0 null.
func fields(t *testing.T, v any) string {
	t.Helper()
	object, ok := v.(map[string]any)
	require.True(t, ok, "not an object: %v", v)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		out = append(out, name+":"+letter(object[name]))
	}
	return strings.Join(out, " ")
}

func letter(v any) string {
	switch v.(type) {
	case string:
		return "s"
	case float64:
		return "n"
	case bool:
		return "b"
	case []any:
		return "a"
	case map[string]any:
		return "o"
	}
	return "0"
}

// want sorts what is written in the order of the documentation.
func want(text string) string {
	parts := strings.Fields(text)
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

func decoded(t *testing.T, r reply) any {
	t.Helper()
	require.Equal(t, http.StatusOK, r.status, "%s", r.body)
	var out any
	require.NoError(t, json.Unmarshal(r.body, &out))
	return out
}

// first is the first row of an array, or the object itself.
func first(t *testing.T, v any) any {
	t.Helper()
	if rows, ok := v.([]any); ok {
		require.NotEmpty(t, rows)
		return rows[0]
	}
	return v
}

const premiumShape = "symbol:s markPrice:s indexPrice:s estimatedSettlePrice:s lastFundingRate:s nextFundingTime:n interestRate:s time:n"

func TestPublicPayloads(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	for path, shape := range map[string]string{
		"/time":                               "serverTime:n",
		"/ping":                               "",
		"/depth?symbol=BTCUSDT&limit=5":       "lastUpdateId:n E:n T:n bids:a asks:a",
		"/premiumIndex?symbol=BTCUSDT":        premiumShape,
		"/premiumIndex":                       premiumShape,
		"/ticker/price":                       "symbol:s price:s time:n",
		"/ticker/bookTicker":                  "symbol:s bidPrice:s bidQty:s askPrice:s askQty:s time:n",
		"/fundingRate?symbol=BTCUSDT&limit=2": "symbol:s fundingRate:s fundingTime:n",
		"/fundingInfo":                        "symbol:s interestRate:s time:n fundingIntervalHours:n fundingFeeCap:n fundingFeeFloor:n",
		"/openInterest?symbol=BTCUSDT":        "symbol:s openInterest:s time:n",
		"/exchangeInfo":                       "exchangeFilters:a rateLimits:a serverTime:n assets:a symbols:a timezone:s",
		"/ticker/24hr?symbol=BTCUSDT":         "symbol:s priceChange:s priceChangePercent:s weightedAvgPrice:s lastPrice:s lastQty:s openPrice:s highPrice:s lowPrice:s volume:s quoteVolume:s openTime:n closeTime:n firstId:n lastId:n count:n",
	} {
		for _, version := range []string{"v3", "v1"} {
			name, query, _ := strings.Cut("/fapi/"+version+path, "?")
			require.Equal(t, want(shape), fields(t, first(t, decoded(t, tr.get(name, query)))), name)
		}
	}
}

func TestExchangeInfoPayload(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	info := decoded(t, tr.get("/fapi/v3/exchangeInfo", "")).(map[string]any)
	symbol := first(t, info["symbols"]).(map[string]any)
	require.Equal(t, want(`symbol:s pair:s contractType:s deliveryDate:n onboardDate:n status:s maintMarginPercent:s requiredMarginPercent:s
		baseAsset:s quoteAsset:s marginAsset:s pricePrecision:n quantityPrecision:n baseAssetPrecision:n quotePrecision:n underlyingType:s
		underlyingSubType:a settlePlan:n triggerProtect:s filters:a OrderType:a timeInForce:a liquidationFee:s marketTakeBound:s`), fields(t, symbol))
	shapes := map[string]string{
		"PRICE_FILTER": "filterType:s minPrice:s maxPrice:s tickSize:s", "LOT_SIZE": "filterType:s minQty:s maxQty:s stepSize:s",
		"MARKET_LOT_SIZE": "filterType:s minQty:s maxQty:s stepSize:s", "MAX_NUM_ORDERS": "filterType:s limit:n",
		"MAX_NUM_ALGO_ORDERS": "filterType:s limit:n", "MIN_NOTIONAL": "filterType:s notional:s",
		"PERCENT_PRICE": "filterType:s multiplierUp:s multiplierDown:s multiplierDecimal:n",
	}
	require.Len(t, symbol["filters"], len(shapes))
	for _, f := range symbol["filters"].([]any) {
		require.Equal(t, want(shapes[f.(map[string]any)["filterType"].(string)]), fields(t, f))
	}
	require.Equal(t, want("rateLimitType:s interval:s intervalNum:n limit:n"), fields(t, first(t, info["rateLimits"])))
	assets := info["assets"].([]any)
	require.Equal(t, want("asset:s marginAvailable:b autoAssetExchange:n"), fields(t, assets[0]))
	require.Equal(t, want("asset:s marginAvailable:b autoAssetExchange:0"), fields(t, assets[1]))
}

func TestKlinePayload(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	for path, name := range map[string]string{"klines": "symbol", "markPriceKlines": "symbol", "indexPriceKlines": "pair"} {
		rows := decoded(t, tr.get("/fapi/v3/"+path, name+"=BTCUSDT&interval=1h&limit=3")).([]any)
		require.Len(t, rows, 3)
		var types string
		for _, v := range rows[0].([]any) {
			types += letter(v)
		}
		require.Equal(t, "nsssssnsnsss", types, path)
	}
}

const (
	orderShape    = "clientOrderId:s cumQty:s cumQuote:s executedQty:s orderId:n avgPrice:s origQty:s price:s reduceOnly:b side:s positionSide:s status:s stopPrice:s closePosition:b symbol:s timeInForce:s type:s origType:s updateTime:n workingType:s priceProtect:b"
	queryShape    = "avgPrice:s clientOrderId:s cumQuote:s executedQty:s orderId:n origQty:s origType:s price:s reduceOnly:b side:s positionSide:s status:s stopPrice:s closePosition:b symbol:s time:n timeInForce:s type:s updateTime:n workingType:s priceProtect:b"
	positionShape = "symbol:s positionAmt:s entryPrice:s markPrice:s unRealizedProfit:s liquidationPrice:s leverage:s maxNotionalValue:s marginType:s isolatedMargin:s isAutoAddMargin:s positionSide:s updateTime:n"
	bracketShape  = "symbol:s brackets:a"
)

func TestSignedPayloads(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	placed := tr.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&newClientOrderId=open")
	require.Equal(t, want(orderShape), fields(t, placed))
	resting := tr.order("symbol=BTCUSDT&side=SELL&type=STOP_MARKET&closePosition=true&stopPrice=10000.0&newClientOrderId=stop")
	require.Equal(t, want(orderShape), fields(t, resting))
	for _, c := range []struct{ path, params, shape string }{
		{"/balance", "", "accountAlias:s asset:s balance:s crossWalletBalance:s crossUnPnl:s availableBalance:s maxWithdrawAmount:s marginAvailable:b updateTime:n"},
		{"/positionRisk", "", positionShape},
		{"/positionRisk", "symbol=BTCUSDT", positionShape},
		{"/leverageBracket", "", bracketShape},
		{"/leverageBracket", "symbol=BTCUSDT", bracketShape},
		{"/commissionRate", "symbol=BTCUSDT", "symbol:s makerCommissionRate:s takerCommissionRate:s"},
		{"/income", "", "symbol:s incomeType:s income:s asset:s info:s time:n tranId:s tradeId:s"},
		{"/userTrades", "symbol=BTCUSDT", "buyer:b commission:s commissionAsset:s id:n maker:b orderId:n price:s qty:s quoteQty:s realizedPnl:s side:s positionSide:s symbol:s time:n"},
		{"/positionSide/dual", "", "dualSidePosition:b"},
		{"/multiAssetsMargin", "", "multiAssetsMargin:b"},
		{"/order", "symbol=BTCUSDT&origClientOrderId=open", queryShape},
		{"/openOrder", "symbol=BTCUSDT&origClientOrderId=stop", queryShape},
		{"/openOrders", "", queryShape},
		{"/allOrders", "symbol=BTCUSDT", queryShape},
	} {
		require.Equal(t, want(c.shape), fields(t, first(t, decoded(t, tr.call(http.MethodGet, "/fapi/v3"+c.path, c.params)))), c.path)
	}
	brackets := tr.do(http.MethodGet, "/fapi/v3/leverageBracket", "symbol=BTCUSDT")
	require.Equal(t, want("bracket:n initialLeverage:n notionalCap:n notionalFloor:n maintMarginRatio:n cum:n"), fields(t, first(t, brackets["brackets"])))
	info := tr.do(http.MethodGet, "/fapi/v3/accountWithJoinMargin", "")
	require.Equal(t, want(`feeTier:n canTrade:b canDeposit:b canWithdraw:b updateTime:n totalInitialMargin:s totalMaintMargin:s totalWalletBalance:s
		totalUnrealizedProfit:s totalMarginBalance:s totalPositionInitialMargin:s totalOpenOrderInitialMargin:s totalCrossWalletBalance:s
		totalCrossUnPnl:s availableBalance:s maxWithdrawAmount:s assets:a positions:a`), fields(t, info))
	require.Equal(t, want(`asset:s walletBalance:s unrealizedProfit:s marginBalance:s maintMargin:s initialMargin:s positionInitialMargin:s
		openOrderInitialMargin:s crossWalletBalance:s crossUnPnl:s availableBalance:s maxWithdrawAmount:s marginAvailable:b updateTime:n`), fields(t, first(t, info["assets"])))
	require.Equal(t, want(`symbol:s initialMargin:s maintMargin:s unrealizedProfit:s positionInitialMargin:s openOrderInitialMargin:s leverage:s
		isolated:b entryPrice:s maxNotional:s positionSide:s positionAmt:s updateTime:n`), fields(t, first(t, info["positions"])))
}

func TestAnswersToWrites(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	tr.ex.Advance(time.Second)
	code := func(r reply) int { return r.code() }
	require.Equal(t, want("leverage:n maxNotionalValue:s symbol:s"), fields(t, tr.do(http.MethodPost, "/fapi/v3/leverage", "symbol=BTCUSDT&leverage=21")))
	require.Equal(t, 200, code(tr.call(http.MethodPost, "/fapi/v3/marginType", "symbol=BTCUSDT&marginType=ISOLATED")))
	require.Equal(t, -4046, code(tr.call(http.MethodPost, "/fapi/v3/marginType", "symbol=BTCUSDT&marginType=ISOLATED")))
	tr.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01")
	require.Equal(t, -4048, code(tr.call(http.MethodPost, "/fapi/v3/marginType", "symbol=BTCUSDT&marginType=CROSSED")))
	require.Equal(t, -4161, code(tr.call(http.MethodPost, "/fapi/v3/leverage", "symbol=BTCUSDT&leverage=5")))
	require.Equal(t, -4028, code(tr.call(http.MethodPost, "/fapi/v3/leverage", "symbol=BTCUSDT&leverage=126")))
	require.Equal(t, -4059, code(tr.call(http.MethodPost, "/fapi/v3/positionSide/dual", "dualSidePosition=false")))
	require.Equal(t, -4068, code(tr.call(http.MethodPost, "/fapi/v3/positionSide/dual", "dualSidePosition=true")))
	require.Equal(t, want("amount:n code:n msg:s type:n"), fields(t, tr.do(http.MethodPost, "/fapi/v3/positionMargin", "symbol=BTCUSDT&amount=10&type=1")))
	require.Equal(t, want("code:s msg:s"), fields(t, tr.do(http.MethodDelete, "/fapi/v3/allOpenOrders", "symbol=BTCUSDT")))
	require.Equal(t, want("symbol:s countdownTime:s"), fields(t, tr.do(http.MethodPost, "/fapi/v3/countdownCancelAll", "symbol=BTCUSDT&countdownTime=1000")))
	require.Equal(t, want("listenKey:s"), fields(t, tr.do(http.MethodPost, "/fapi/v3/listenKey", "")))
	require.Empty(t, tr.do(http.MethodPut, "/fapi/v3/listenKey", ""))
	require.Empty(t, tr.do(http.MethodDelete, "/fapi/v3/listenKey", ""))
	require.Equal(t, -1125, code(tr.call(http.MethodPut, "/fapi/v3/listenKey", "")))
	cancelled := tr.order("symbol=ETHUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=1000.00")
	r := tr.do(http.MethodDelete, "/fapi/v3/order", fmt.Sprintf("symbol=ETHUSDT&orderId=%.0f", cancelled["orderId"]))
	require.Equal(t, want(strings.Replace(orderShape, "avgPrice:s ", "", 1)), fields(t, r))
	require.Equal(t, "CANCELED", r["status"])
}

func TestWeights(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	used := 0
	check := func(r reply, weight int, what string) {
		used += weight
		require.Equal(t, fmt.Sprint(used), r.header.Get("X-Mbx-Used-Weight-1m"), what)
	}
	for _, c := range []struct {
		path   string
		weight int
	}{
		{"/time", 1},
		{"/exchangeInfo", 1},
		{"/depth?symbol=BTCUSDT&limit=50", 2},
		{"/depth?symbol=BTCUSDT&limit=100", 5},
		{"/depth?symbol=BTCUSDT", 10},
		{"/depth?symbol=BTCUSDT&limit=1000", 20},
		{"/klines?symbol=BTCUSDT&interval=1h&limit=99", 1},
		{"/klines?symbol=BTCUSDT&interval=1h&limit=100", 2},
		{"/klines?symbol=BTCUSDT&interval=1h", 5},
		{"/klines?symbol=BTCUSDT&interval=1h&limit=1001", 10},
		{"/premiumIndex", 1},
		{"/ticker/24hr?symbol=BTCUSDT", 1},
		{"/ticker/24hr", 40},
		{"/ticker/price?symbol=BTCUSDT", 1},
		{"/ticker/price", 2},
		{"/ticker/bookTicker", 2},
		{"/fundingRate", 1},
		{"/openInterest?symbol=BTCUSDT", 1},
	} {
		path, query, _ := strings.Cut("/fapi/v3"+c.path, "?")
		check(tr.get(path, query), c.weight, c.path)
	}
	for _, c := range []struct {
		path, params string
		weight       int
	}{
		{"/balance", "", 5},
		{"/accountWithJoinMargin", "", 5},
		{"/positionRisk", "", 5},
		{"/leverageBracket", "", 1},
		{"/commissionRate", "symbol=BTCUSDT", 20},
		{"/income", "", 30},
		{"/userTrades", "symbol=BTCUSDT", 5},
		{"/positionSide/dual", "", 30},
		{"/openOrders", "", 40},
		{"/openOrders", "symbol=BTCUSDT", 1},
		{"/allOrders", "symbol=BTCUSDT", 5},
	} {
		check(tr.call(http.MethodGet, "/fapi/v3"+c.path, c.params), c.weight, c.path)
	}
	r := tr.call(http.MethodPost, "/fapi/v3/order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001")
	check(r, 1, "order")
	require.Equal(t, "1", r.header.Get("X-Mbx-Order-Count-1m"))
	tr.ex.Advance(time.Minute)
	used = 0
	check(tr.get("/fapi/v3/time", ""), 1, "the next minute")
	last := tr.ex.Requests()
	require.Equal(t, "/fapi/v3/time", last[len(last)-1].Path)
	require.True(t, last[len(last)-2].Signed)
}

func TestTheWeightLimitLeadsTo429AndThenToABan(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{WeightLimit: 40})
	require.Equal(t, http.StatusOK, tr.get("/fapi/v3/ticker/24hr", "").status)
	r := tr.get("/fapi/v3/time", "")
	require.Equal(t, http.StatusTooManyRequests, r.status)
	require.Equal(t, -1003, r.code())
	for range 9 {
		require.Equal(t, http.StatusTooManyRequests, tr.get("/fapi/v3/time", "").status)
	}
	r = tr.get("/fapi/v3/time", "")
	require.Equal(t, http.StatusTeapot, r.status)
	require.Contains(t, string(r.body), fmt.Sprintf("banned until %d", tr.ex.Now().Add(2*time.Minute).UnixMilli()))
	tr.ex.Advance(time.Minute)
	require.Equal(t, http.StatusTeapot, tr.get("/fapi/v3/time", "").status, "the limit is a minute's, the ban is longer")
	tr.ex.Advance(time.Minute)
	require.Equal(t, http.StatusOK, tr.get("/fapi/v3/time", "").status)
}

func TestTooManyOrders(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{OrderLimit: 2})
	order := "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001"
	tr.order(order)
	tr.order(order)
	r := tr.call(http.MethodPost, "/fapi/v3/order", order)
	require.Equal(t, http.StatusTooManyRequests, r.status)
	require.Equal(t, -1015, r.code())
}
