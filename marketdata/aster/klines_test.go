package aster_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
)

var tenOClock = time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)

func TestKlinesAreClosedOnes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		now, end time.Time
		last     time.Time // open time of the newest
	}{
		"within an hour":          {now: bazaarNow, last: tenOClock.Add(-time.Hour)},
		"as the hour ends":        {now: tenOClock, last: tenOClock.Add(-time.Hour)},
		"before the hour ends":    {now: tenOClock.Add(-time.Millisecond), last: tenOClock.Add(-2 * time.Hour)},
		"up to a close":           {now: bazaarNow, end: tenOClock.Add(-5 * time.Hour), last: tenOClock.Add(-6 * time.Hour)},
		"up to before a close":    {now: bazaarNow, end: tenOClock.Add(-5*time.Hour - time.Millisecond), last: tenOClock.Add(-7 * time.Hour)},
		"up to a time to come":    {now: bazaarNow, end: bazaarNow.Add(24 * time.Hour), last: tenOClock.Add(-time.Hour)},
		"up to the present close": {now: tenOClock.Add(time.Minute), end: tenOClock, last: tenOClock.Add(-time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			venue := newBazaar("BTCUSDT")
			venue.setNow(tc.now)
			got, err := venue.visit(t, aster.Config{}).Klines(t.Context(), "BTCUSDT", marketdata.Interval1h, 12, tc.end)
			require.NoError(t, err)
			require.Equal(t, tc.last, got[len(got)-1].OpenTime)
			require.GreaterOrEqual(t, len(got), 11)
			require.LessOrEqual(t, len(got), 12)
			_, err = marketdata.NewSeries(marketdata.Interval1h, got)
			require.NoError(t, err)
		})
	}
}

func TestKlinesJudgeByTheVenuesClock(t *testing.T) {
	t.Parallel()
	venue := newBazaar("BTCUSDT")
	client := venue.visit(t, aster.Config{Now: func() time.Time { return venue.clock().Add(2 * time.Hour) }})
	got, err := client.Klines(t.Context(), "BTCUSDT", marketdata.Interval1h, 5, time.Time{})
	require.NoError(t, err)
	require.Len(t, got, 5)
	require.Equal(t, tenOClock.Add(-time.Hour), got[4].OpenTime, "a clock that is two hours ahead does not close the open candle")
}

func TestKlinesAskForOneMoreAndPayWhatItWeighs(t *testing.T) {
	t.Parallel()
	for limit, weight := range map[int]int{1: 1, 98: 1, 99: 2, 498: 2, 499: 5, 999: 5, 1000: 10, 1499: 10} {
		venue := newBazaar("BTCUSDT")
		client := venue.visit(t, aster.Config{})
		_, err := client.Time(t.Context())
		require.NoError(t, err)
		before := client.Usage().UsedWeight
		got, err := client.Klines(t.Context(), "BTCUSDT", marketdata.Interval1h, limit, time.Time{})
		require.NoError(t, err)
		require.Len(t, got, limit)
		require.Equal(t, weight, client.Usage().UsedWeight-before, "limit %d", limit)
		require.Contains(t, strings.Join(venue.asked, " "), fmt.Sprintf("limit=%d&", limit+1))
	}
}

// rowsOf are the candles of the hours that begin so many hours before ten.
func rowsOf(venue *bazaar, hours ...int) []string {
	out := make([]string, len(hours))
	for n, h := range hours {
		out[n] = row(venue.candle("BTCUSDT", tenOClock.Add(-time.Duration(h)*time.Hour), time.Hour), time.Hour)
	}
	return out
}

func TestRunsOfKlinesThatCannotBeTrusted(t *testing.T) {
	t.Parallel()
	venue := newBazaar("BTCUSDT")
	edit := func(from, to string, hours ...int) string {
		return strings.Replace(strings.Join(rowsOf(venue, hours...), ","), from, to, 1)
	}
	nine := fmt.Sprint(tenOClock.Add(-time.Hour).UnixMilli())
	for name, tc := range map[string]struct {
		rows   string
		reason marketdata.Reason // empty: not readable at all
		says   string
	}{
		"a gap":                              {edit("", "", 4, 3, 1, 0), marketdata.ReasonGap, "expected the candle that opens 2026-03-04T08:00:00Z"},
		"a gap before the open one":          {edit("", "", 4, 3, 2, 0), marketdata.ReasonGap, "expected the candle that opens 2026-03-04T09:00:00Z"},
		"the same twice":                     {edit("", "", 3, 2, 2, 1, 0), marketdata.ReasonBadCandle, "twice or out of order"},
		"the open one twice":                 {edit("", "", 2, 1, 0, 0), marketdata.ReasonBadCandle, "twice or out of order"},
		"newest first":                       {edit("", "", 0, 1, 2), marketdata.ReasonBadCandle, "twice or out of order"},
		"an old one after the open one":      {edit("", "", 2, 1, 0, 5), marketdata.ReasonBadCandle, "twice or out of order"},
		"one of the future":                  {edit("", "", 1, 0, -1), marketdata.ReasonBadCandle, "opens in the future"},
		"a close time that is off":           {strings.Replace(edit("", "", 2, 1, 0), fmt.Sprint(tenOClock.UnixMilli()-1), fmt.Sprint(tenOClock.UnixMilli()), 1), marketdata.ReasonBadCandle, "must close at"},
		"not on the hour":                    {`[` + fmt.Sprint(tenOClock.Add(-150*time.Minute).UnixMilli()) + `,"1","2","1","2","1",` + fmt.Sprint(tenOClock.Add(-90*time.Minute).UnixMilli()-1) + `,"1",1,"1","1","0"]`, marketdata.ReasonBadCandle, "not aligned"},
		"high below low":                     {`[` + nine + `,"1","1","2","1","1",` + fmt.Sprint(tenOClock.UnixMilli()-1) + `,"1",1,"1","1","0"]`, marketdata.ReasonBadCandle, "high must not be below low"},
		"negative volume":                    {`[` + nine + `,"1","1","1","1","-1",` + fmt.Sprint(tenOClock.UnixMilli()-1) + `,"1",1,"1","1","0"]`, marketdata.ReasonBadCandle, "volume"},
		"zero price":                         {`[` + nine + `,"0","1","0","1","1",` + fmt.Sprint(tenOClock.UnixMilli()-1) + `,"1",1,"1","1","0"]`, marketdata.ReasonBadCandle, "must be positive"},
		"a number for a price":               {edit(`"10`, `10`, 2, 1, 0), "", "cannot be read"},
		"a price that is none":               {`[` + nine + `,"NaN","1","1","1","1",1,"1"]`, "", "open: "},
		"a string for a time":                {`["` + nine + `","1","1","1","1","1",1,"1"]`, "", "open time"},
		"a fraction of a time":               {`[1.5,"1","1","1","1","1",1,"1"]`, "", "open time"},
		"a time beyond all":                  {`[99999999999999999999,"1","1","1","1","1",1,"1"]`, "", "open time"},
		"a row too short":                    {`[` + nine + `,"1","1","1","1","1"]`, "", "close time"},
		"an object for a row":                {`{"openTime":1}`, "", "must be an array"},
		"a hostile exponent":                 {`[` + nine + `,"1e999999999","1","1","1","1",1,"1"]`, "", "open: "},
		"an error in the venue's own words":  {`{"code":1}`, "", "must be an array"},
		"a price of a thousand digits":       {`[` + nine + `,"` + strings.Repeat("9", 1000) + `","1","1","1","1",1,"1"]`, "", "open: "},
		"more candles than were ever served": {strings.Repeat(rowsOf(venue, 1)[0]+",", 1500) + rowsOf(venue, 1)[0], "", "at most 1500 candles"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			venue := newBazaar("BTCUSDT")
			venue.twist = saying("/klines", "["+tc.rows+"]")
			_, err := venue.visit(t, aster.Config{}).Klines(t.Context(), "BTCUSDT", marketdata.Interval1h, 10, time.Time{})
			require.ErrorContains(t, err, tc.says)
			if tc.reason == "" {
				requireKind(t, err, aster.KindServer)
				return
			}
			var candle *marketdata.CandleError
			require.ErrorAs(t, err, &candle)
			require.Equal(t, tc.reason, candle.Reason)
		})
	}
}

func TestTheNewestCandleAloneIsBelievedOnceItHasSettled(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]int{0: 2, 4 * time.Second: 2, 5 * time.Second: 3, time.Minute: 3} {
		venue := newBazaar("BTCUSDT")
		venue.setNow(tenOClock.Add(after))
		venue.twist = saying("/klines", "["+strings.Join(rowsOf(venue, 3, 2, 1), ",")+"]")
		got, err := venue.visit(t, aster.Config{}).Klines(t.Context(), "BTCUSDT", marketdata.Interval1h, 10, time.Time{})
		require.NoError(t, err)
		require.Len(t, got, want, "%s after the close, and no later candle yet", after)
	}
}

// TestACandleOfTheMomentOfAskingIsNotBelieved has the venue answer a moment
// after it was asked, when the next candle has begun.
func TestACandleOfTheMomentOfAskingIsNotBelieved(t *testing.T) {
	t.Parallel()
	venue := newBazaar("BTCUSDT")
	venue.setNow(tenOClock.Add(-time.Millisecond))
	venue.twist = saying("/klines", listOf(rowsOf(venue, 3, 2, 1, 0)...))
	for _, end := range []time.Time{{}, tenOClock.Add(24 * time.Hour)} {
		got, err := venue.visit(t, aster.Config{}).Klines(t.Context(), "BTCUSDT", marketdata.Interval1h, 10, end)
		require.NoError(t, err)
		require.Len(t, got, 2)
	}
}

func TestKlinesRefuseWhatCannotBeAsked(t *testing.T) {
	t.Parallel()
	venue := newBazaar("BTCUSDT")
	client := venue.visit(t, aster.Config{})
	for name, ask := range map[string]func() error{
		"limit 0": func() error {
			_, err := client.Klines(t.Context(), "BTCUSDT", marketdata.Interval1h, 0, time.Time{})
			return err
		},
		"limit 1500": func() error {
			_, err := client.Klines(t.Context(), "BTCUSDT", marketdata.Interval1h, 1500, time.Time{})
			return err
		},
		"other interval": func() error { _, err := client.Klines(t.Context(), "BTCUSDT", "7m", 5, time.Time{}); return err },
		"no symbol": func() error {
			_, err := client.Klines(t.Context(), "", marketdata.Interval1h, 5, time.Time{})
			return err
		},
		"spaced symbol": func() error {
			_, err := client.Klines(t.Context(), "BTC USDT", marketdata.Interval1h, 5, time.Time{})
			return err
		},
		"funding limit": func() error { _, err := client.FundingRates(t.Context(), "BTCUSDT", 1001); return err },
		"depth limit":   func() error { _, err := client.Depth(t.Context(), "BTCUSDT", 7); return err },
		"no ticker":     func() error { _, err := client.Ticker24h(t.Context(), strings.Repeat("A", 41)); return err },
	} {
		require.ErrorContains(t, ask(), "aster: ", name)
	}
	require.Empty(t, venue.asked, "nothing was sent")
}

func TestNoTimeNoKlines(t *testing.T) {
	t.Parallel()
	venue := newBazaar("BTCUSDT")
	venue.twist = func(path string, _ url.Values) (reply, bool) {
		return reply{status: 403, body: "<html>"}, path == "/time"
	}
	_, err := venue.visit(t, aster.Config{}).Klines(t.Context(), "BTCUSDT", marketdata.Interval1h, 5, time.Time{})
	requireKind(t, err, aster.KindBlocked)
	require.Zero(t, venue.count("/klines"))
}
