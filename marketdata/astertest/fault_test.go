package astertest_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/astertest"
)

const klineQuery = "symbol=BTCUSDT&interval=1h&limit=2"

func TestScriptedFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault        astertest.Fault
		status, code int
		fails        bool
	}{
		{astertest.Fault{Kind: astertest.RateLimited, RetryAfter: 3 * time.Second}, 429, -1003, false},
		{astertest.Fault{Kind: astertest.Broken}, 500, -1000, false},
		{astertest.Fault{Kind: astertest.Broken, Status: 502}, 502, -1000, false},
		{astertest.Fault{Kind: astertest.Lost}, 503, -1000, false},
		{astertest.Fault{Kind: astertest.TimedOut}, 408, -1007, false},
		{astertest.Fault{Kind: astertest.Refused, Code: -1001}, 400, -1001, false},
		{astertest.Fault{Kind: astertest.Blocked}, 403, 0, false},
		{astertest.Fault{Kind: astertest.NotJSON}, 200, 0, false},
		{astertest.Fault{Kind: astertest.WrongJSON}, 200, 0, false},
		{astertest.Fault{Kind: astertest.Slow, Delay: time.Millisecond}, 200, 0, false},
		{astertest.Fault{Kind: astertest.Truncated}, 0, 0, true},
		{astertest.Fault{Kind: astertest.Cut}, 0, 0, true},
		{astertest.Fault{Kind: astertest.CutAfter}, 0, 0, true},
	} {
		t.Run(string(c.fault.Kind), func(t *testing.T) {
			t.Parallel()
			tr := start(t, astertest.Config{})
			c.fault.Path, c.fault.Times, c.fault.Method = "/klines", 1, http.MethodGet
			tr.ex.Fault(c.fault)
			require.Equal(t, http.StatusOK, tr.get("/fapi/v3/time", "").status, "another path")
			tr.client.CloseIdleConnections() // on a new one, net/http does not repeat a read by itself
			r, err := tr.send(http.MethodGet, "/fapi/v3/klines", klineQuery, "", nil)
			if c.fails {
				require.Error(t, err)
			} else {
				require.NoError(t, err)
				require.Equal(t, c.status, r.status)
				require.Equal(t, c.code, r.code())
			}
			if c.fault.RetryAfter > 0 {
				require.Equal(t, "3", r.header.Get("Retry-After"))
			}
			require.Equal(t, http.StatusOK, tr.get("/fapi/v3/klines", klineQuery).status, "once")
		})
	}
}

func TestABanEnds(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	tr.ex.Fault(astertest.Fault{Kind: astertest.Banned, Times: 1, Delay: time.Minute})
	r := tr.get("/fapi/v3/time", "")
	require.Equal(t, http.StatusTeapot, r.status)
	require.Contains(t, string(r.body), fmt.Sprintf("IP banned until %d.", tr.ex.Now().Add(time.Minute).UnixMilli()))
	require.Equal(t, http.StatusTeapot, tr.get("/fapi/v3/time", "").status)
	tr.ex.Advance(time.Minute)
	require.Equal(t, http.StatusOK, tr.get("/fapi/v3/time", "").status)
	tr.ex.Fault(astertest.Fault{Kind: astertest.Banned})
	require.Equal(t, http.StatusTeapot, tr.get("/fapi/v3/time", "").status)
	tr.ex.ClearFaults()
	require.Equal(t, http.StatusOK, tr.get("/fapi/v3/time", "").status)
}

// TestALostOrderExists is the fault that makes double orders: 503, and done.
func TestALostOrderExists(t *testing.T) {
	t.Parallel()
	for _, kind := range []astertest.Kind{astertest.Lost, astertest.TimedOut, astertest.CutAfter} {
		tr := start(t, astertest.Config{})
		tr.ex.Fault(astertest.Fault{Kind: kind, Path: "/order", Method: http.MethodPost, Times: 1})
		_, _ = tr.try(http.MethodPost, "/fapi/v3/order", btc+"side=BUY&type=MARKET&quantity=0.01&newClientOrderId=once")
		require.Equal(t, "FILLED", tr.query("once")["status"], kind)
	}
	for _, kind := range []astertest.Kind{astertest.Broken, astertest.Cut} {
		tr := start(t, astertest.Config{})
		tr.ex.Fault(astertest.Fault{Kind: kind, Path: "/order", Method: http.MethodPost, Times: 1})
		_, _ = tr.try(http.MethodPost, "/fapi/v3/order", btc+"side=BUY&type=MARKET&quantity=0.01&newClientOrderId=once")
		require.Empty(t, tr.holdings().Positions, kind)
	}
}

func TestAFaultHasItsTime(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	tr.ex.Fault(astertest.Fault{Kind: astertest.Broken, After: time.Minute, For: time.Minute})
	for _, status := range []int{200, 500, 200} {
		require.Equal(t, status, tr.get("/fapi/v3/time", "").status)
		require.Equal(t, status, tr.get("/fapi/v3/time", "").status)
		tr.ex.Advance(time.Minute)
	}
	for _, f := range []astertest.Fault{{}, {Kind: "odd"}, {Kind: astertest.Broken, Status: 404}, {Kind: astertest.Slow, Delay: -1}} {
		require.Panics(t, func() { tr.ex.Fault(f) })
	}
}

func TestASkewedClock(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	tr.ex.Fault(astertest.Fault{Kind: astertest.Skewed, Delay: -time.Minute})
	require.Equal(t, -4225, tr.call(http.MethodGet, "/fapi/v3/balance", "").code())
	at := decoded(t, tr.get("/fapi/v3/time", "")).(map[string]any)["serverTime"].(float64)
	require.InDelta(t, float64(tr.ex.Now().Add(-time.Minute).UnixMilli()), at, 0, "and it can be measured")
}

func TestStreamFaults(t *testing.T) {
	t.Parallel()
	read := func(kind astertest.Kind) (times []float64, garbage int, ended bool) {
		tr := start(t, astertest.Config{})
		l := tr.dial("/ws/btcusdt@bookTicker")
		tr.ex.Advance(time.Second)
		tr.ex.Fault(astertest.Fault{Kind: kind, Path: "bookTicker", Times: 1})
		tr.ex.Advance(3 * time.Second)
		if kind == astertest.StreamDrop {
			require.NotNil(t, l.next())
			require.Nil(t, l.next())
			return nil, 0, true
		}
		for _, e := range l.collect()[1:] {
			times = append(times, e["E"].(float64))
		}
		return times, len(l.raw), false
	}
	_, _, ended := read(astertest.StreamDrop)
	require.True(t, ended)
	times, _, _ := read(astertest.StreamLose)
	require.Len(t, times, 2)
	require.InDelta(t, 1000, times[1]-times[0], 0)
	times, _, _ = read(astertest.StreamDuplicate)
	require.Len(t, times, 4)
	require.InDelta(t, times[0], times[1], 0)
	times, _, _ = read(astertest.StreamReorder)
	require.Len(t, times, 3)
	require.Greater(t, times[0], times[1])
	times, garbage, _ := read(astertest.StreamGarbage)
	require.Len(t, times, 2)
	require.Equal(t, 1, garbage)
}

func TestChaosIsTheSameForTheSameSeed(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (out []int) {
		tr := start(t, astertest.Config{})
		tr.ex.Chaos(seed, 0.5)
		for range 60 { // net/http repeats a GET of its own accord
			r, err := tr.send(http.MethodPost, "/fapi/v3/noop", "", "a=1", nil)
			if err != nil {
				r.status = -1
			}
			out = append(out, r.status)
		}
		return out
	}
	one := run(1)
	require.Equal(t, one, run(1))
	require.NotEqual(t, one, run(2))
	ordinary := 0
	for _, status := range one {
		if status == http.StatusBadRequest {
			ordinary++
		}
	}
	require.True(t, ordinary > 10 && ordinary < 55, "was %d", ordinary)
}

// TestManyAtOnce is for the race detector.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{WeightLimit: 1_000_000})
	l := tr.dial("/ws/btcusdt@kline_1m")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				r, err := tr.send(http.MethodGet, "/fapi/v3/klines", klineQuery, "", nil)
				if err != nil || r.status != http.StatusOK {
					t.Error("a request has failed", err, r.status)
				}
				tr.ex.Advance(time.Second)
				tr.ex.Holdings(wallet)
				tr.ex.Requests()
			}
		})
	}
	all.Wait()
	require.Len(t, tr.ex.Requests(), 160)
	require.NotNil(t, l.next())
}

func TestAClockOfTheTest(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Date(2025, 10, 1, 12, 0, 0, 0, time.UTC)
	tr := start(t, astertest.Config{Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}})
	tr.order(btc + "side=BUY&type=MARKET&quantity=0.01")
	mu.Lock()
	now = now.Add(9 * time.Hour)
	mu.Unlock()
	require.Len(t, tr.rows("/fapi/v3/income", "incomeType=FUNDING_FEE"), 1, "what is due happens with the next request")
	tr.ex.Advance(8 * time.Hour)
	require.Len(t, tr.rows("/fapi/v3/income", "incomeType=FUNDING_FEE"), 2)
}

func TestRealTimeRunsByItself(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{RealTime: true, StreamStep: 250 * time.Millisecond})
	l := tr.dial("/ws/btcusdt@bookTicker")
	require.Equal(t, "bookTicker", l.next()["e"])
	require.InDelta(t, float64(time.Now().Unix()), float64(tr.ex.Now().Unix()), 60)
	require.False(t, math.IsNaN(tr.ex.Price("BTCUSDT").InexactFloat64()))
}

func TestRequestsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{Accounts: account(withKey)})
	tr.order(btc + "side=BUY&type=MARKET&quantity=0.01")
	tr.call(http.MethodGet, "/fapi/v3/balance", "")
	text, err := json.Marshal(tr.ex.Requests())
	require.NoError(t, err)
	require.NotContains(t, string(text), "signature")
	require.NotContains(t, string(text), agentOwner)
	require.Len(t, tr.ex.Requests(), 2)
	require.Equal(t, astertest.Request{
		Method: "POST", Path: "/fapi/v3/order", Status: 200, Weight: 1, Signed: true, At: tr.ex.Now(),
	}, tr.ex.Requests()[0])
}
