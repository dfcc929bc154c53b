package aster_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
)

var bazaarNow = time.Date(2026, 3, 4, 10, 20, 30, 0, time.UTC) // a Wednesday

// bazaar is a venue that answers from one formula: every candle is made of
// hours, prices lie on a tick of 0.1, and the last candle is still open.
type bazaar struct {
	symbols []string
	// twist changes an answer; false leaves it as it is.
	twist   func(path string, q url.Values) (reply, bool)
	latency time.Duration // of each request, and the clock runs: for synctest

	mu    sync.Mutex
	now   time.Time
	asked []string // path?query, in order
}

func newBazaar(symbols ...string) *bazaar { return &bazaar{symbols: symbols, now: bazaarNow} }

func (z *bazaar) setNow(t time.Time) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.now = t
}

func (z *bazaar) clock() time.Time {
	if z.latency > 0 {
		return time.Now()
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.now
}

// count tells how many requests went to a path.
func (z *bazaar) count(path string) (n int) {
	z.mu.Lock()
	defer z.mu.Unlock()
	for _, a := range z.asked {
		if a == path || strings.HasPrefix(a, path+"?") {
			n++
		}
	}
	return n
}

// RoundTrip answers without a network.
func (z *bazaar) RoundTrip(req *http.Request) (*http.Response, error) {
	path, q := req.URL.Path, req.URL.Query()
	s := &scripted{answer: func(int, received) reply {
		out := z.reply(path, q)
		out.after += z.latency
		return out
	}}
	clone := req.Clone(req.Context())
	clone.URL.Path = "/" // scripted has a clock of its own for /time
	return s.RoundTrip(clone)
}

// ServeHTTP is the same over a network.
func (z *bazaar) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	out := z.reply(req.URL.Path, req.URL.Query())
	if out.status != 0 {
		w.WriteHeader(out.status)
	}
	_, _ = w.Write([]byte(out.body))
}

func (z *bazaar) reply(path string, q url.Values) reply {
	path = path[strings.LastIndex(path, "/v")+3:]
	z.mu.Lock()
	z.asked = append(z.asked, path+"?"+q.Encode())
	z.mu.Unlock()
	if z.twist != nil {
		if out, twisted := z.twist(path, q); twisted {
			return out
		}
	}
	now := z.clock()
	symbol := q.Get("symbol")
	switch path {
	case "/time":
		return reply{body: fmt.Sprintf(`{"serverTime":%d}`, now.UnixMilli())}
	case "/exchangeInfo":
		return reply{body: z.info()}
	case "/fundingInfo":
		return reply{body: z.each("", func(s string) string {
			return fmt.Sprintf(`{"symbol":%q,"interestRate":"0.0001","time":1,"fundingIntervalHours":4,"fundingFeeCap":0.02,"fundingFeeFloor":-0.02}`, s)
		})}
	case "/klines":
		return z.klines(q)
	case "/premiumIndex":
		return reply{body: z.each(symbol, func(s string) string {
			return fmt.Sprintf(`{"symbol":%q,"markPrice":"%s","indexPrice":"1.0","estimatedSettlePrice":"1.0","lastFundingRate":"0.00012500","nextFundingTime":%d,"interestRate":"0.0001","time":%d}`,
				s, z.price(s, now.Unix()/3600).Add(decimal.New(5, -2)), now.Add(time.Hour).UnixMilli(), now.Add(-time.Second).UnixMilli())
		})}
	case "/ticker/24hr":
		return reply{body: z.each(symbol, func(s string) string {
			return fmt.Sprintf(`{"symbol":%q,"priceChange":"-1.0","priceChangePercent":"-1.250","weightedAvgPrice":"1.0","lastPrice":"%s","lastQty":"1","openPrice":"1","highPrice":"9","lowPrice":"1","volume":"100.50","quoteVolume":"2000.75","openTime":1,"closeTime":%d,"firstId":1,"lastId":2,"count":2}`,
				s, z.price(s, now.Unix()/3600).StringFixed(4), now.Add(-2*time.Second).UnixMilli())
		})}
	case "/openInterest":
		return reply{body: fmt.Sprintf(`{"symbol":%q,"openInterest":"5599.890","time":%d}`, symbol, now.UnixMilli())}
	case "/leverageBracket":
		return reply{body: z.each(symbol, func(s string) string {
			return fmt.Sprintf(`{"symbol":%q,"brackets":[{"bracket":1,"initialLeverage":75,"notionalCap":10000,"notionalFloor":0,"maintMarginRatio":0.0065,"cum":0},{"bracket":2,"initialLeverage":50,"notionalCap":50000,"notionalFloor":10000,"maintMarginRatio":0.01,"cum":35}]}`, s)
		})}
	}
	return reply{status: http.StatusNotFound, body: `{"code":-1000,"msg":"no such path"}`}
}

// each is one object for a symbol, an array of all for none.
func (z *bazaar) each(symbol string, object func(string) string) string {
	if symbol != "" {
		return object(symbol)
	}
	parts := make([]string, len(z.symbols))
	for n, s := range z.symbols {
		parts[n] = object(s)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func (z *bazaar) info() string {
	return `{"exchangeFilters":[],"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":50000},{"rateLimitType":"ORDERS","interval":"MINUTE","intervalNum":1,"limit":1200}],"serverTime":1,"assets":[],"symbols":` +
		z.each("", listing) + `,"timezone":"UTC"}`
}

func listing(s string) string {
	return fmt.Sprintf(`{"symbol":%q,"pair":%q,"contractType":"PERPETUAL","deliveryDate":4133404800000,"onboardDate":1598252400000,"status":"TRADING","maintMarginPercent":"2.5","requiredMarginPercent":"5","baseAsset":%q,"quoteAsset":"USDT","marginAsset":"USDT","pricePrecision":5,"quantityPrecision":0,"underlyingSubType":["L1"],"triggerProtect":"0.15","filters":[{"filterType":"PRICE_FILTER","minPrice":"0.1","maxPrice":"300000","tickSize":"0.1"},{"filterType":"LOT_SIZE","minQty":"0.001","maxQty":"1000","stepSize":"0.001"},{"filterType":"MARKET_LOT_SIZE","minQty":"0.002","maxQty":"100","stepSize":"0.001"},{"filterType":"MAX_NUM_ORDERS","limit":200},{"filterType":"MAX_NUM_ALGO_ORDERS","limit":100},{"filterType":"MIN_NOTIONAL","notional":"5"},{"filterType":"PERCENT_PRICE","multiplierUp":"1.1500","multiplierDown":"0.8500","multiplierDecimal":"4"}],"OrderType":["LIMIT","MARKET"],"timeInForce":["GTC","IOC"],"liquidationFee":"0.010000","marketTakeBound":"0.30"}`,
		s, s, strings.TrimSuffix(s, "USDT"))
}

// price is where hour h of a symbol begins.
func (z *bazaar) price(symbol string, hour int64) decimal.Decimal {
	return decimal.New(10_000+int64(len(symbol))*100+(hour*7919)%1000, -1)
}

func (z *bazaar) hour(symbol string, hour int64) marketdata.Candle {
	from, to := z.price(symbol, hour), z.price(symbol, hour+1)
	tick, volume := decimal.New(1, -1), decimal.NewFromInt(10+hour%7)
	return marketdata.Candle{
		Open: from, Close: to, High: decimal.Max(from, to).Add(tick), Low: decimal.Min(from, to).Sub(tick),
		Volume: volume, QuoteVolume: volume.Mul(from),
	}
}

// candle is one of whole hours.
func (z *bazaar) candle(symbol string, open time.Time, length time.Duration) marketdata.Candle {
	first := open.Unix() / 3600
	c := z.hour(symbol, first)
	for h := first + 1; h < first+int64(length/time.Hour); h++ {
		next := z.hour(symbol, h)
		c.High, c.Low, c.Close = decimal.Max(c.High, next.High), decimal.Min(c.Low, next.Low), next.Close
		c.Volume, c.QuoteVolume = c.Volume.Add(next.Volume), c.QuoteVolume.Add(next.QuoteVolume)
	}
	c.OpenTime = open
	return c
}

// rows are the newest candles that open before end, the open one included.
func (z *bazaar) rows(symbol string, interval marketdata.Interval, limit int, end time.Time) []string {
	length := interval.Duration()
	last := interval.Floor(end)
	out := make([]string, limit)
	for n := range out {
		out[n] = row(z.candle(symbol, last.Add(-time.Duration(limit-1-n)*length), length), length)
	}
	return out
}

func row(c marketdata.Candle, length time.Duration) string {
	return fmt.Sprintf(`[%d,"%s","%s","%s","%s","%s",%d,"%s",308,"1.5","2.5","0"]`,
		c.OpenTime.UnixMilli(), c.Open.StringFixed(8), c.High, c.Low, c.Close, c.Volume, c.OpenTime.Add(length).UnixMilli()-1, c.QuoteVolume)
}

func (z *bazaar) klines(q url.Values) reply {
	interval := marketdata.Interval(q.Get("interval"))
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil || limit < 1 || limit > 1500 || !interval.Valid() {
		return reply{status: http.StatusBadRequest, body: `{"code":-1130,"msg":"bad parameter"}`}
	}
	end := z.clock()
	if text := q.Get("endTime"); text != "" {
		ms, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return reply{status: http.StatusBadRequest, body: `{"code":-1130,"msg":"bad endTime"}`}
		}
		if t := time.UnixMilli(ms); t.Before(end) {
			end = t
		}
	}
	return reply{body: "[" + strings.Join(z.rows(q.Get("symbol"), interval, limit, end), ",") + "]"}
}

// visit makes a client of the bazaar that shares its clock.
func (z *bazaar) visit(tb testing.TB, cfg aster.Config) *aster.Client {
	tb.Helper()
	if cfg.Now == nil {
		cfg.Now = z.clock
	}
	cfg.WeightPerMinute = 100_000
	return connect(tb, z, cfg)
}

func (z *bazaar) source(tb testing.TB, cfg aster.SourceConfig) *aster.Source {
	tb.Helper()
	source, err := aster.NewSource(z.visit(tb, aster.Config{}), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return source
}

// saying answers one path with a body.
func saying(path, body string) func(string, url.Values) (reply, bool) {
	return func(asked string, _ url.Values) (reply, bool) { return reply{body: body}, asked == path }
}

// gate counts the requests under way.
type gate struct {
	venue       http.RoundTripper
	under, most atomic.Int64
}

// RoundTrip asks the venue.
func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	now := g.under.Add(1)
	for before := g.most.Load(); now > before && !g.most.CompareAndSwap(before, now); before = g.most.Load() {
	}
	defer g.under.Add(-1)
	return g.venue.RoundTrip(req)
}

// requireKind is for those that need no more of the failure.
func requireKind(tb testing.TB, err error, kind aster.Kind) {
	tb.Helper()
	_ = requireFailure(tb, err, kind)
}
