package ballast_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/astertest"
)

// truth is what an exchange without faults says of the same market, asked
// without a network and read without the package that is tested.
type truth struct {
	t     *testing.T
	twin  *astertest.Exchange
	known map[string]*trueSeries
}

// trueSeries is the last while of one symbol and interval.
type trueSeries struct {
	candles map[time.Time]marketdata.Candle // by opening; closed ones
	newest  time.Time                       // opening
}

const trueReach = 400 // candles kept of each series

func newTruth(t *testing.T, cfg astertest.Config) *truth {
	t.Helper()
	twin, err := astertest.New(cfg)
	require.NoError(t, err)
	t.Cleanup(twin.Close)
	return &truth{t: t, twin: twin, known: map[string]*trueSeries{}}
}

// until is the series with every candle that is closed by now.
func (r *truth) until(symbol string, interval marketdata.Interval, now time.Time) *trueSeries {
	name := symbol + " " + string(interval)
	s := r.known[name]
	if s == nil {
		s = &trueSeries{candles: map[time.Time]marketdata.Candle{}}
		r.known[name] = s
	}
	last := interval.LastClose(now).Add(-interval.Duration())
	missing := min(int(last.Sub(s.newest)/interval.Duration()), trueReach)
	if missing <= 0 {
		return s
	}
	for _, c := range r.ask(symbol, interval, missing+1) {
		if !c.OpenTime.After(last) {
			s.candles[c.OpenTime] = c
			delete(s.candles, c.OpenTime.Add(-trueReach*interval.Duration()))
		}
	}
	s.newest = last
	return s
}

func (r *truth) ask(symbol string, interval marketdata.Interval, limit int) []marketdata.Candle {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), http.MethodGet,
		fmt.Sprintf("/fapi/v3/klines?symbol=%s&interval=%s&limit=%d", symbol, interval, limit), http.NoBody)
	answer := httptest.NewRecorder()
	r.twin.ServeHTTP(answer, req)
	require.Equal(r.t, http.StatusOK, answer.Code, answer.Body)
	var rows [][]any
	require.NoError(r.t, json.Unmarshal(answer.Body.Bytes(), &rows))
	out := make([]marketdata.Candle, len(rows))
	for n, row := range rows {
		c := &out[n]
		c.OpenTime = time.UnixMilli(int64(row[0].(float64))).UTC()
		for column, field := range map[int]*decimal.Decimal{1: &c.Open, 2: &c.High, 3: &c.Low, 4: &c.Close, 5: &c.Volume, 7: &c.QuoteVolume} {
			*field = decimal.RequireFromString(row[column].(string))
		}
	}
	return out
}

// requireTrue holds that a snapshot that was asked for between two moments has
// no stale, open, missing, crossed, false or future candle, and prices that
// may be decided on. behind is how far behind the asker takes the venue's clock
// to be.
func (r *truth) requireTrue(who string, q marketdata.Query, snap marketdata.Snapshot, begun, ended time.Time, behind time.Duration) {
	r.t.Helper()
	const settle = 5 * time.Second // how long a client may wait for a bar to be sure
	require.Len(r.t, snap.Assets, len(q.Symbols)-len(snap.Failures), who)
	for symbol, failure := range snap.Failures {
		require.NotEmpty(r.t, failure.Reason, "%s: %s", who, symbol)
		require.NotEmpty(r.t, failure.Detail, "%s: %s", who, symbol)
		require.NotContains(r.t, snap.Assets, symbol, who)
	}
	for symbol, asset := range snap.Assets {
		require.Len(r.t, asset.Series, len(q.Intervals), "%s: %s", who, symbol)
		for interval, series := range asset.Series {
			at := fmt.Sprintf("%s: %s %s asked from %s to %s", who, symbol, interval, begun, ended)
			require.NotZero(r.t, series.Len(), at)
			require.False(r.t, series.CloseTime().Before(interval.LastClose(begun.Add(-settle-behind))), "%s: stale: %s", at, series.CloseTime())
			require.False(r.t, series.CloseTime().After(ended), "%s: open or future: %s", at, series.CloseTime())
			r.requireSame(at, r.until(symbol, interval, time.Now()), series)
		}
		require.True(r.t, asset.Quote.Last.IsPositive(), "%s: %s", who, symbol)
		require.False(r.t, asset.Quote.LastAt.After(ended), "%s: %s: price of the future", who, symbol)
		require.LessOrEqual(r.t, begun.Sub(asset.Quote.LastAt), time.Minute, "%s: %s: stale price", who, symbol)
	}
}

func (r *truth) requireSame(at string, want *trueSeries, got marketdata.Series) {
	r.t.Helper()
	length := got.Interval().Duration()
	for n := range got.Len() {
		c := got.At(n)
		require.True(r.t, n == 0 || c.OpenTime.Equal(got.At(n-1).OpenTime.Add(length)), "%s: a gap before %s", at, c.OpenTime)
		require.False(r.t, c.Low.GreaterThan(decimal.Min(c.Open, c.Close)) || c.High.LessThan(decimal.Max(c.Open, c.Close)), "%s: crossed: %+v", at, c)
		is, found := want.candles[c.OpenTime]
		require.True(r.t, found, "%s: no candle opened at %s", at, c.OpenTime)
		same := is.Open.Equal(c.Open) && is.High.Equal(c.High) && is.Low.Equal(c.Low) && is.Close.Equal(c.Close) &&
			is.Volume.Equal(c.Volume) && is.QuoteVolume.Equal(c.QuoteVolume)
		if !same {
			require.Fail(r.t, "a false candle", "%s: %+v is %+v", at, c, is)
		}
	}
}
