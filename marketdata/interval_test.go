package marketdata_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/marketdata"
)

func TestIntervalFloorIsTheOpenOfTheCandleAround(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		i := rapid.SampledFrom(marketdata.Intervals()).Draw(rt, "interval")
		at := time.Unix(rapid.Int64Range(-5e9, 5e9).Draw(rt, "second"), rapid.Int64Range(0, 999_999_999).Draw(rt, "ns")).
			In(time.FixedZone("east", 9*3600+1800))
		open := i.Floor(at)
		require.Equal(rt, time.UTC, open.Location())
		require.False(rt, open.After(at))
		require.True(rt, open.Add(i.Duration()).After(at))
		require.Equal(rt, open, i.Floor(open), "idempotent")
		require.Equal(rt, open.Add(i.Duration()), i.Floor(open.Add(i.Duration())), "the next one starts where it ends")
		require.Equal(rt, open, i.LastClose(at))
		if i.Duration() <= 24*time.Hour && 24*time.Hour%i.Duration() == 0 {
			require.Zero(rt, open.Sub(marketdata.Interval1d.Floor(open))%i.Duration(), "every day starts a candle")
		}
		if i == marketdata.Interval1w {
			require.Equal(rt, time.Monday, open.Weekday())
			require.Equal(rt, open, marketdata.Interval1d.Floor(open))
		}
	})
}

func TestIntervalTextIsStrict(t *testing.T) {
	t.Parallel()
	for n, i := range marketdata.Intervals() {
		got, err := marketdata.ParseInterval(string(i))
		require.NoError(t, err)
		require.Equal(t, i, got)
		if n > 0 {
			require.Greater(t, i.Duration(), marketdata.Intervals()[n-1].Duration(), "shortest first")
		}
	}
	for _, text := range []string{"", "1M", "1H", " 1h", "60m", "1h\n"} {
		_, err := marketdata.ParseInterval(text)
		require.ErrorIs(t, err, marketdata.ErrInterval, "%q", text)
		require.False(t, marketdata.Interval(text).Valid())
	}
	at := time.Unix(1, 2)
	require.Equal(t, at, marketdata.Interval("1M").Floor(at), "an invalid interval changes nothing")
	var i marketdata.Interval
	require.NoError(t, json.Unmarshal([]byte(`"4h"`), &i))
	require.Equal(t, marketdata.Interval4h, i)
	require.ErrorIs(t, i.UnmarshalText([]byte("1M")), marketdata.ErrInterval)
	require.Equal(t, marketdata.Interval4h, i, "unchanged by an error")
}
