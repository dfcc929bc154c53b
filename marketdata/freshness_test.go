package marketdata_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
)

func hours(tb testing.TB, n int) marketdata.Series {
	tb.Helper()
	candles := make([]marketdata.Candle, n)
	for k := range candles {
		candles[k] = marketdata.Candle{
			OpenTime: monday.Add(time.Duration(k) * time.Hour), Open: dec("1.5"), High: dec("2"), Low: dec("1"),
			Close: decimal.New(int64(1100+k%800), -3), Volume: dec("3"), QuoteVolume: dec("4.5"),
		}
	}
	s, err := marketdata.NewSeries(marketdata.Interval1h, candles)
	require.NoError(tb, err)
	return s
}

func fresh(tb testing.TB, priceAt time.Time) marketdata.Asset {
	tb.Helper()
	return marketdata.Asset{
		Symbol: "B", Quote: marketdata.Quote{Last: dec("1"), LastAt: priceAt},
		Series: map[marketdata.Interval]marketdata.Series{marketdata.Interval1h: hours(tb, 5)},
	}
}

func TestFreshnessBounds(t *testing.T) {
	t.Parallel()
	closed := monday.Add(5 * time.Hour)
	for name, tc := range map[string]struct {
		at, priceAge time.Duration // at is after the newest close
		policy       marketdata.Freshness
		want         marketdata.Reason
		detail       string
	}{
		"just closed":                 {0, 0, marketdata.Freshness{}, "", ""},
		"candle at its limit":         {90*time.Minute + 30*time.Second, 0, marketdata.Freshness{}, "", ""},
		"candle beyond its limit":     {90*time.Minute + 30*time.Second + 1, 0, marketdata.Freshness{}, marketdata.ReasonStale, "must have closed at most 1h30m30s ago"},
		"own slack":                   {91*time.Minute + 1, 0, marketdata.Freshness{Slack: time.Minute}, marketdata.ReasonStale, "1h31m0s ago"},
		"candle closes in a moment":   {-1, 0, marketdata.Freshness{}, marketdata.ReasonBadCandle, "closes at 2025-09-01T05:00:00Z, which is 1ns in the future"},
		"price at its limit":          {0, time.Minute, marketdata.Freshness{}, "", ""},
		"price beyond its limit":      {0, time.Minute + 1, marketdata.Freshness{}, marketdata.ReasonStale, "at most 1m0s old"},
		"own price age":               {0, 3 * time.Second, marketdata.Freshness{MaxPriceAge: 2 * time.Second}, marketdata.ReasonStale, "at most 2s old, was 3s"},
		"price a little ahead":        {0, -5 * time.Second, marketdata.Freshness{}, "", ""},
		"price stamped in the future": {0, -5*time.Second - 1, marketdata.Freshness{}, marketdata.ReasonStale, "in the future"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := closed.Add(tc.at)
			f := tc.policy.Check(fresh(t, at.Add(-tc.priceAge)), []marketdata.Interval{marketdata.Interval1h}, at)
			if tc.want == "" {
				require.Nil(t, f)
				return
			}
			require.NotNil(t, f)
			require.Equal(t, "B", f.Symbol)
			require.Equal(t, tc.want, f.Reason)
			require.Contains(t, f.Detail, tc.detail)
		})
	}
}

func TestFreshnessNeedsWhatIsDecidedOn(t *testing.T) {
	t.Parallel()
	at := monday.Add(5 * time.Hour)
	a := fresh(t, at)
	f := marketdata.Freshness{}.Check(a, []marketdata.Interval{marketdata.Interval1h, marketdata.Interval4h}, at)
	require.NotNil(t, f)
	require.Equal(t, marketdata.ReasonUnavailable, f.Reason)
	require.Equal(t, "no closed 4h candles", f.Detail)
	a.Quote.Last = decimal.Zero
	f = marketdata.Freshness{}.Check(a, nil, at)
	require.NotNil(t, f)
	require.Equal(t, "marketdata: B: unavailable: no last price", f.Error())
	a = fresh(t, time.Time{})
	require.Equal(t, marketdata.ReasonStale, marketdata.Freshness{}.Check(a, nil, at).Reason, "a price without a time")
}

func TestFreshnessAllocatesNothingForFreshData(t *testing.T) {
	at := monday.Add(5 * time.Hour)
	a, intervals := fresh(t, at), []marketdata.Interval{marketdata.Interval1h}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if f := (marketdata.Freshness{}).Check(a, intervals, at); f != nil {
			t.Error(f)
		}
	}))
}
