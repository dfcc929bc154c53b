package astertest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/astertest"
)

type bar struct {
	open, close            time.Time
	o, h, l, c, volume, qv decimal.Decimal
}

func (tr *trader) klines(query string) []bar {
	tr.t.Helper()
	r := tr.get("/fapi/v3/klines", query)
	require.Equal(tr.t, http.StatusOK, r.status, "%s", r.body)
	var rows [][]any
	require.NoError(tr.t, json.Unmarshal(r.body, &rows))
	out := make([]bar, len(rows))
	for i, row := range rows {
		at := func(j int) time.Time { return time.UnixMilli(int64(row[j].(float64))).UTC() }
		out[i] = bar{at(0), at(6), d(row[1].(string)), d(row[2].(string)), d(row[3].(string)), d(row[4].(string)), d(row[5].(string)), d(row[7].(string))}
	}
	return out
}

func TestTheLastKlineIsOpenAndKnowsNothingOfItsFuture(t *testing.T) {
	t.Parallel()
	tr := hours(t, astertest.Config{}, "100000,100500,99500,100200", "100200,102000,99000,101000", "101000,101000,101000,101000")
	high, low := d("100200"), d("100200")
	for minute := range 60 {
		rows := tr.klines("symbol=BTCUSDT&interval=1h&limit=5")
		require.Len(t, rows, 2)
		require.Equal(t, d("100500").String(), rows[0].h.String(), "the closed candle is whole")
		open := rows[1]
		require.True(t, open.close.After(tr.ex.Now()))
		require.Equal(t, "100200", open.o.String())
		price := tr.ex.Price("BTCUSDT")
		high, low = decimal.Max(high, price), decimal.Min(low, price)
		require.Equal(t, price.String(), open.c.String())
		if minute <= 15 {
			require.True(t, open.h.Equal(d("100200")), "minute %d: the high comes after the low", minute)
			require.True(t, open.l.Equal(low))
		}
		if minute < 45 {
			require.True(t, open.h.LessThan(d("102000")), "minute %d", minute)
		}
		tr.ex.Advance(time.Minute)
	}
	closed := tr.klines("symbol=BTCUSDT&interval=1h&limit=5")[1]
	require.Equal(t, []string{"100200", "102000", "99000", "101000", "100"},
		[]string{closed.o.String(), closed.h.String(), closed.l.String(), closed.c.String(), closed.volume.String()})
	quarters := tr.klines("symbol=BTCUSDT&interval=15m&limit=5")
	require.Len(t, quarters, 5)
	sum := decimal.Zero
	for i, q := range quarters[:4] {
		sum = sum.Add(q.volume)
		if i > 0 {
			require.True(t, q.o.Equal(quarters[i-1].c))
		}
	}
	require.True(t, sum.Equal(d("100")), "parts add up, was %s", sum)
	require.True(t, quarters[0].l.Equal(d("99000")) && quarters[2].h.Equal(d("102000")))
}

func TestSimulatedKlinesAgreeAcrossIntervals(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{Seed: 7})
	rapid.Check(t, func(rt *rapid.T) {
		tr.ex.Advance(time.Duration(rapid.IntRange(1, 50_000).Draw(rt, "seconds")) * time.Second)
		tr.ex.Advance(-time.Second) // never back
		now := tr.ex.Now()
		pair := rapid.SampledFrom([][2]string{{"1m", "3m"}, {"5m", "15m"}, {"15m", "1h"}, {"1h", "4h"}, {"4h", "1d"}, {"1m", "1h"}}).Draw(rt, "intervals")
		symbol := rapid.SampledFrom([]string{"BTCUSDT", "DOGEUSDT"}).Draw(rt, "symbol")
		long := tr.klines(fmt.Sprintf("symbol=%s&interval=%s&limit=3", symbol, pair[1]))
		require.Len(rt, long, 3)
		require.True(rt, long[2].close.After(now) && !long[1].close.After(now), "only the last is open")
		for _, want := range long {
			parts := tr.klines(fmt.Sprintf("symbol=%s&interval=%s&startTime=%d&endTime=%d", symbol, pair[0], want.open.UnixMilli(), want.close.UnixMilli()))
			require.NotEmpty(rt, parts)
			got := parts[0]
			for _, p := range parts[1:] {
				got.h, got.l, got.c = decimal.Max(got.h, p.h), decimal.Min(got.l, p.l), p.c
				got.volume = got.volume.Add(p.volume)
			}
			require.True(rt, got.o.Equal(want.o) && got.h.Equal(want.h) && got.l.Equal(want.l) && got.c.Equal(want.c),
				"%s %v at %s: %v and %v", symbol, pair, now, got, want)
			require.True(rt, got.volume.Equal(want.volume), "%s and %s", got.volume, want.volume)
		}
	})
}

func TestKlineWindows(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	now := tr.ex.Now()
	hour := marketdata.Interval1h.Floor(now)
	from := hour.Add(-10 * time.Hour)
	rows := tr.klines(fmt.Sprintf("symbol=BTCUSDT&interval=1h&startTime=%d&limit=4", from.UnixMilli()))
	require.Len(t, rows, 4)
	require.Equal(t, from, rows[0].open, "the first ones from a start")
	rows = tr.klines(fmt.Sprintf("symbol=BTCUSDT&interval=1h&endTime=%d&limit=4", from.UnixMilli()))
	require.Len(t, rows, 4)
	require.Equal(t, from, rows[3].open, "the last ones before an end")
	rows = tr.klines(fmt.Sprintf("symbol=BTCUSDT&interval=1h&startTime=%d", from.UnixMilli()))
	require.Len(t, rows, 11)
	require.Len(t, tr.klines("symbol=BTCUSDT&interval=1h&limit=1500"), 1500)
	require.Len(t, tr.klines("symbol=BTCUSDT&interval=1w&limit=20"), 20)
	require.Empty(t, tr.klines(fmt.Sprintf("symbol=BTCUSDT&interval=1h&startTime=%d", now.Add(day).UnixMilli())))
	for query, code := range map[string]int{
		"interval=1h": -1102, "symbol=NOPEUSDT&interval=1h": -1121, "symbol=BTCUSDT": -1102, "symbol=BTCUSDT&interval=7m": -1120,
		"symbol=BTCUSDT&interval=1h&limit=1501": -1130, "symbol=BTCUSDT&interval=1h&startTime=2&endTime=1": -1023, "symbol=%zz": -1100,
	} {
		require.Equal(t, code, tr.get("/fapi/v3/klines", query).code(), query)
	}
}

// What was asked before is remembered, and must not show in what is asked next.
func TestKlinesAreTheSameWhateverWasAskedBefore(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	for _, step := range []time.Duration{0, time.Second, 59 * time.Minute, time.Minute, 4 * time.Hour} {
		tr.ex.Advance(step)
		end := tr.ex.Now().Truncate(time.Hour)
		for _, query := range []string{
			"interval=1h&limit=1", "interval=1h&limit=2", "interval=1h&limit=30", "interval=4h&limit=30", "interval=1h&limit=30", "interval=15m&limit=30",
			fmt.Sprintf("interval=1h&limit=29&endTime=%d", end.UnixMilli()-1), fmt.Sprintf("interval=1h&limit=30&endTime=%d", end.UnixMilli()),
			fmt.Sprintf("interval=1h&startTime=%d&limit=3", end.Add(-2*time.Hour).UnixMilli()), fmt.Sprintf("interval=1h&startTime=%d", end.Add(time.Hour).UnixMilli()),
		} {
			for _, symbol := range []string{"BTCUSDT", "ETHUSDT", "BTCUSDT"} {
				text := "symbol=" + symbol + "&" + query
				fresh := start(t, astertest.Config{Start: tr.ex.Now()})
				require.Equal(t, string(fresh.get("/fapi/v3/klines", text).body), string(tr.get("/fapi/v3/klines", text).body), "%s after %v", text, step)
			}
		}
	}
}

const day = 24 * time.Hour

func TestTheTickerRollsOver24Hours(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	then := tr.ex.Price("ETHUSDT")
	tr.ex.Advance(day)
	ticker := decoded(t, tr.get("/fapi/v3/ticker/24hr", "symbol=ETHUSDT")).(map[string]any)
	require.True(t, then.Equal(d(ticker["openPrice"].(string))))
	require.True(t, tr.ex.Price("ETHUSDT").Equal(d(ticker["lastPrice"].(string))))
	require.InDelta(t, float64(tr.ex.Now().UnixMilli()), ticker["closeTime"], 0)
	sum := decimal.Zero
	for _, k := range tr.klines(fmt.Sprintf("symbol=ETHUSDT&interval=1m&limit=1500&startTime=%d&endTime=%d", tr.ex.Now().Add(-day).UnixMilli(), tr.ex.Now().UnixMilli())) {
		sum = sum.Add(k.volume)
	}
	volume := d(ticker["volume"].(string))
	require.True(t, volume.Sub(sum).Abs().LessThan(volume.Shift(-2)), "%s and %s", volume, sum)
}

func TestWhereDataEndsThePriceStays(t *testing.T) {
	t.Parallel()
	tr := hours(t, astertest.Config{}, "100000,100500,99500,100200", "100200,102000,99000,101000", "101000,101500,100500,101100")
	tr.ex.Advance(1000 * time.Hour)
	require.Equal(t, "101100", tr.ex.Price("BTCUSDT").String())
	rows := tr.klines("symbol=BTCUSDT&interval=1h&limit=1500")
	require.Len(t, rows, 3)
	require.Equal(t, "101100", rows[2].c.String())
	require.Equal(t, http.StatusOK, tr.get("/fapi/v3/ticker/24hr", "").status)
}

func TestDepthIsOnTicksAroundThePrice(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	var book struct{ Bids, Asks [][2]string }
	r := tr.get("/fapi/v3/depth", "symbol=SOLUSDT&limit=20")
	require.NoError(t, json.Unmarshal(r.body, &book))
	require.Len(t, book.Bids, 20)
	require.Len(t, book.Asks, 20)
	tick := d("0.01")
	for i := range 20 {
		bid, ask := d(book.Bids[i][0]), d(book.Asks[i][0])
		require.True(t, bid.Mod(tick).IsZero() && bid.LessThanOrEqual(tr.ex.Price("SOLUSDT")) && ask.GreaterThan(tr.ex.Price("SOLUSDT")))
		require.True(t, ask.Sub(bid).Equal(tick.Mul(decimal.NewFromInt(int64(2*i+1)))))
	}
	require.Equal(t, -4021, tr.get("/fapi/v3/depth", "symbol=SOLUSDT&limit=7").code())
}

func TestFundingHistory(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	var rows []struct {
		FundingTime int64
		FundingRate string
	}
	read := func(query string) {
		rows = nil
		require.NoError(t, json.Unmarshal(tr.get("/fapi/v3/fundingRate", query).body, &rows))
	}
	read("symbol=BTCUSDT&limit=5")
	require.Len(t, rows, 5)
	for i, r := range rows {
		require.Zero(t, r.FundingTime%(8*3_600_000))
		require.LessOrEqual(t, r.FundingTime, tr.ex.Now().UnixMilli())
		require.True(t, i == 0 || r.FundingTime-rows[i-1].FundingTime == 8*3_600_000)
	}
	require.Greater(t, rows[4].FundingTime, tr.ex.Now().Add(-8*time.Hour).UnixMilli())
	start := rows[2].FundingTime
	premium := decoded(t, tr.get("/fapi/v3/premiumIndex", "symbol=BTCUSDT")).(map[string]any)
	read(fmt.Sprintf("symbol=BTCUSDT&startTime=%d&limit=2", start))
	require.Len(t, rows, 2)
	require.Equal(t, start, rows[0].FundingTime, "with a start, the first ones")
	tr.ex.Advance(8 * time.Hour)
	read("symbol=BTCUSDT&limit=1")
	require.Equal(t, premium["lastFundingRate"], rows[0].FundingRate, "what was announced is what was charged")
	read("limit=7")
	require.Len(t, rows, 7)
}

func TestADelistedSymbol(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	tr.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01")
	require.NoError(t, tr.ex.Delist("BTCUSDT"))
	require.Error(t, tr.ex.Delist("NOPE"))
	require.Contains(t, string(tr.get("/fapi/v3/exchangeInfo", "").body), `"SETTLING"`)
	require.Equal(t, -4140, tr.call(http.MethodPost, "/fapi/v3/order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01").code())
	tr.order("symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.01&reduceOnly=true")
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]astertest.Config{
		"WeightLimit and OrderLimit must be between": {WeightLimit: -1},
		"Latency must be between":                    {Latency: -1},
		"StreamStep must be between":                 {StreamStep: 1},
		"ChainID must be positive":                   {ChainID: -1},
		"wallet must be 0x and 40":                   {Accounts: []astertest.Account{{Wallet: "0x12"}}},
		"each wallet must be set and unique":         {Accounts: []astertest.Account{{Wallet: wallet}, {Wallet: wallet}}},
		"Deposit must be between":                    {Accounts: []astertest.Account{{Wallet: wallet, Deposit: d("-1")}}},
		"MakerFee and TakerFee":                      {Accounts: []astertest.Account{{Wallet: wallet, TakerFee: d("1")}}},
		"no such file":                               {Dir: "testdata/none"},
		"Start must be in the years":                 {Start: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)},
		"regime gap":                                 {Assets: []marketdata.SimAsset{{Symbol: "A", Regime: marketdata.RegimeGap}}},
		"Assets":                                     {Assets: []marketdata.SimAsset{{Symbol: "A", Regime: marketdata.RegimeGap}}},
	} {
		_, err := astertest.New(cfg)
		require.ErrorContains(t, err, want)
	}
}
