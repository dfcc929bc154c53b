package marketdata_test

import (
	"errors"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/marketdata"
)

// anySeries draws a valid series with awkward digits.
func anySeries(rt *rapid.T) marketdata.Series {
	i := rapid.SampledFrom(marketdata.Intervals()).Draw(rt, "interval")
	open := i.Floor(time.Unix(rapid.Int64Range(0, 4e9).Draw(rt, "open"), 0))
	exponent := int32(rapid.IntRange(-18, 6).Draw(rt, "exponent"))
	candles := make([]marketdata.Candle, rapid.IntRange(0, 20).Draw(rt, "n"))
	digits := rapid.Int64Range(1, math.MaxInt64/4)
	for k := range candles {
		low := digits.Draw(rt, "low")
		span := rapid.Int64Range(0, low).Draw(rt, "span")
		inside := rapid.Int64Range(low, low+span)
		candles[k] = marketdata.Candle{
			OpenTime: open.Add(time.Duration(k) * i.Duration()), Low: decimal.New(low, exponent), High: decimal.New(low+span, exponent),
			Open: decimal.New(inside.Draw(rt, "open"), exponent), Close: decimal.New(inside.Draw(rt, "close"), exponent),
			Volume: decimal.New(digits.Draw(rt, "volume")-1, exponent), QuoteVolume: decimal.New(digits.Draw(rt, "quote volume")-1, exponent),
		}
	}
	s, err := marketdata.NewSeries(i, candles)
	require.NoError(rt, err)
	return s
}

func TestSeriesSurvivesJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := anySeries(rt)
		data, err := jsonx.Marshal(s)
		require.NoError(rt, err)
		var back marketdata.Series
		require.NoError(rt, jsonx.Unmarshal(data, &back))
		again, err := jsonx.Marshal(back)
		require.NoError(rt, err)
		require.Equal(rt, string(data), string(again))
		require.Equal(rt, s.Fingerprint(), back.Fingerprint())
		require.Equal(rt, s.CloseTime(), back.CloseTime())
		for k := range s.Len() {
			require.Equal(rt, candleText(s.At(k)), candleText(back.At(k)))
		}
	})
}

func TestZeroSeriesSurvivesJSON(t *testing.T) {
	t.Parallel()
	data, err := jsonx.Marshal(marketdata.Series{})
	require.NoError(t, err)
	back := hours(t, 2)
	require.NoError(t, jsonx.Unmarshal(data, &back))
	require.Zero(t, back.Len())
	require.Equal(t, marketdata.Interval(""), back.Interval())
}

func TestSeriesJSONIsStrict(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"unknown interval": `{"interval":"7m","candles":[]}`,
		"no interval":      `{"candles":[[0,1,1,1,1,1,1]]}`,
		"six columns":      `{"interval":"1h","candles":[[0,1,1,1,1,1]]}`,
		"fractional time":  `{"interval":"1h","candles":[[0.5,1,1,1,1,1,1]]}`,
		"price as text":    `{"interval":"1h","candles":[[0,"1",1,1,1,1,1]]}`,
		"null price":       `{"interval":"1h","candles":[[0,null,1,1,1,1,1]]}`,
		"huge exponent":    `{"interval":"1h","candles":[[0,1,1e999999,1,1,1,1]]}`,
		"negative price":   `{"interval":"1h","candles":[[0,-1,1,-1,1,1,1]]}`,
		"gap":              `{"interval":"1h","candles":[[0,1,1,1,1,1,1],[7200000,1,1,1,1,1,1]]}`,
		"unknown member":   `{"interval":"1h","candles":[],"trades":1}`,
	} {
		var s marketdata.Series
		require.Error(t, jsonx.Unmarshal([]byte(text), &s), name)
		require.Zero(t, s.Len(), name)
	}
}

func TestSeriesJSONBoundsItsCandles(t *testing.T) {
	t.Parallel()
	data, err := jsonx.Marshal(hours(t, marketdata.MaxCandles+1))
	require.NoError(t, err)
	var s marketdata.Series
	require.ErrorContains(t, jsonx.Unmarshal(data, &s), "candles must be at most 1500, were 1501")
}

func TestNewSeriesNamesTheBadCandle(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(c *marketdata.Candle)
		reason marketdata.Reason
		detail string
	}{
		"zero open":        {func(c *marketdata.Candle) { c.Open = decimal.Zero }, marketdata.ReasonBadCandle, "open must be positive, was 0"},
		"negative low":     {func(c *marketdata.Candle) { c.Low = dec("-1") }, marketdata.ReasonBadCandle, "low must be positive, was -1"},
		"high below low":   {func(c *marketdata.Candle) { c.High = dec("0.5") }, marketdata.ReasonBadCandle, "high must not be below low"},
		"close above high": {func(c *marketdata.Candle) { c.Close = dec("2.5") }, marketdata.ReasonBadCandle, "must lie between"},
		"negative volume":  {func(c *marketdata.Candle) { c.Volume = dec("-1") }, marketdata.ReasonBadCandle, "volume must not be negative"},
		"hostile exponent": {func(c *marketdata.Candle) { c.High = decimal.New(1, math.MaxInt32) }, marketdata.ReasonBadCandle, "exponents must be within ±60"},
		"hostile volume":   {func(c *marketdata.Candle) { c.QuoteVolume = decimal.New(1, math.MinInt32) }, marketdata.ReasonBadCandle, "exponents must be within ±60"},
		"missing hour":     {func(c *marketdata.Candle) { c.OpenTime = c.OpenTime.Add(time.Hour) }, marketdata.ReasonGap, "2025-09-01T02:00:00Z"},
		"same hour twice":  {func(c *marketdata.Candle) { c.OpenTime = c.OpenTime.Add(-time.Hour) }, marketdata.ReasonBadCandle, "2025-09-01T02:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			candles := hours(t, 3).Candles()
			tc.change(&candles[2])
			_, err := marketdata.NewSeries(marketdata.Interval1h, candles)
			var bad *marketdata.CandleError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, 2, bad.Index)
			require.Equal(t, tc.reason, bad.Reason)
			require.Contains(t, bad.Detail, tc.detail)
			require.Less(t, len(bad.Error()), 300)
		})
	}
	_, err := marketdata.NewSeries("7m", nil)
	require.ErrorIs(t, err, marketdata.ErrInterval)
	first := hours(t, 1).Candles()
	first[0].OpenTime = first[0].OpenTime.Add(time.Millisecond)
	_, err = marketdata.NewSeries(marketdata.Interval1h, first)
	require.ErrorContains(t, err, "not aligned to 1h")
}

func TestSeriesIsACopy(t *testing.T) {
	t.Parallel()
	given := hours(t, 3).Candles()
	s, err := marketdata.NewSeries(marketdata.Interval1h, given)
	require.NoError(t, err)
	given[0].Close = dec("9")
	s.Candles()[1].Close = dec("9")
	require.Equal(t, "1.1", s.At(0).Close.String())
	require.Equal(t, "1.101", s.At(1).Close.String())
}

func TestSeriesCutsKeepColumnsAndCandlesTogether(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := anySeries(rt)
		n := rapid.IntRange(-1, 25).Draw(rt, "tail")
		tail := s.Tail(n)
		require.Equal(rt, min(max(n, 0), s.Len()), tail.Len())
		at := s.CloseTime().Add(-time.Duration(rapid.IntRange(-1, 22).Draw(rt, "back")) * s.Interval().Duration() / 2)
		for _, cut := range []marketdata.Series{tail, s.Until(at)} {
			require.Len(rt, cut.Columns().Close, cut.Len())
			fresh, err := marketdata.NewSeries(s.Interval(), cut.Candles())
			require.NoError(rt, err)
			require.Equal(rt, fresh.Columns(), cut.Columns())
			require.Equal(rt, fresh.Fingerprint(), cut.Fingerprint())
		}
		until := s.Until(at)
		if until.Len() > 0 {
			require.False(rt, until.CloseTime().After(at))
		}
		if until.Len() < s.Len() {
			require.True(rt, s.At(until.Len()).OpenTime.Add(s.Interval().Duration()).After(at), "the next one is not closed")
		}
	})
}

func TestZeroSeriesIsEmpty(t *testing.T) {
	t.Parallel()
	var s marketdata.Series
	_, ok := s.Last()
	require.False(t, ok)
	require.True(t, s.CloseTime().IsZero())
	require.Nil(t, s.Candles())
	require.Zero(t, s.Columns())
	require.Zero(t, s.Fingerprint())
	require.Zero(t, s.Tail(3).Len()+s.Until(monday).Len())
}

func TestFailureLeadsToItsCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection refused")
	f := marketdata.Failure{Symbol: "B", Reason: marketdata.ReasonUnavailable, Detail: "no answer", Err: cause}
	require.ErrorIs(t, f, cause)
	require.EqualError(t, f, "marketdata: B: unavailable: no answer")
}

func TestQueryReportsEveryProblem(t *testing.T) {
	t.Parallel()
	err := marketdata.Query{Symbols: []string{"A", "A", ""}, Intervals: []marketdata.Interval{"1M"}, Candles: 1501}.Validate()
	require.ErrorIs(t, err, marketdata.ErrInterval)
	for _, part := range []string{`"A" is empty, too long or asked for twice`, `"" is empty`, `"1M"`, "candles must be 0 to 1500, were 1501"} {
		require.ErrorContains(t, err, part)
	}
	require.ErrorContains(t, marketdata.Query{}.Validate(), "symbols must number 1 to 250, were 0")
	require.NoError(t, ask("A", 1500, marketdata.Interval1w).Validate())
	require.Equal(t, 250, ask("A", 0).CandleCount())
}

func TestQuotePriceIsTheMarkWhenKnown(t *testing.T) {
	t.Parallel()
	q := marketdata.Quote{Last: dec("10")}
	require.Equal(t, "10", q.Price().String())
	q.Mark = decimal.NewNullDecimal(dec("11"))
	require.Equal(t, "11", q.Price().String())
}

func TestColumnsAreTheNearestFloats(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := decimal.New(rapid.Int64Range(1, math.MaxInt64-1).Draw(rt, "coefficient")>>rapid.IntRange(0, 62).Draw(rt, "shift")+1,
			int32(rapid.IntRange(-30, 30).Draw(rt, "exponent")))
		s, err := marketdata.NewSeries(marketdata.Interval1h, []marketdata.Candle{{OpenTime: monday, Open: p, High: p, Low: p, Close: p, Volume: p}})
		require.NoError(rt, err)
		want, err := strconv.ParseFloat(p.String(), 64)
		require.NoError(rt, err)
		require.Equal(rt, []float64{want, want}, []float64{s.Columns().Close[0], s.Columns().Volume[0]})
	})
}

func TestSnapshotCloneHasItsOwnMaps(t *testing.T) {
	t.Parallel()
	s := marketdata.Snapshot{At: monday, Assets: map[string]marketdata.Asset{"A": {Symbol: "A"}}, Failures: map[string]marketdata.Failure{"B": {}}}
	c := s.Clone()
	require.Equal(t, s, c)
	clear(c.Assets)
	clear(c.Failures)
	require.Len(t, s.Assets, 1)
	require.Len(t, s.Failures, 1)
}
