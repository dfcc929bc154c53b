package markettest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/marketdata"
)

// checkAggregates compares each candle of a longer interval with the shorter
// ones that it spans, as far as both were given.
func checkAggregates(t *testing.T, h Harness) {
	for symbol, asset := range h.ask(t, h.query()).Assets {
		for n, short := range h.Intervals {
			for _, long := range h.Intervals[n+1:] {
				if long.Duration()%short.Duration() == 0 {
					compareSpans(t, symbol, asset.Series[short], asset.Series[long])
				}
			}
		}
	}
}

func compareSpans(t *testing.T, symbol string, short, long marketdata.Series) {
	t.Helper()
	byTime := map[time.Time]marketdata.Candle{}
	for _, c := range short.Candles() {
		byTime[c.OpenTime] = c
	}
	step := short.Interval().Duration()
	for _, c := range long.Candles() {
		sum, complete := byTime[c.OpenTime]
		for at := step; at < long.Interval().Duration() && complete; at += step {
			var next marketdata.Candle
			if next, complete = byTime[c.OpenTime.Add(at)]; complete {
				sum = merge(sum, next)
			}
		}
		if complete {
			requireEqualCandle(t, c, sum, symbol, long.Interval())
		}
	}
}

func merge(c, next marketdata.Candle) marketdata.Candle {
	if next.High.GreaterThan(c.High) {
		c.High = next.High
	}
	if next.Low.LessThan(c.Low) {
		c.Low = next.Low
	}
	c.Close = next.Close
	c.Volume = c.Volume.Add(next.Volume)
	c.QuoteVolume = c.QuoteVolume.Add(next.QuoteVolume)
	return c
}

func requireEqualCandle(t *testing.T, want, got marketdata.Candle, symbol string, i marketdata.Interval) {
	t.Helper()
	equal := want.OpenTime.Equal(got.OpenTime) && want.Open.Equal(got.Open) && want.High.Equal(got.High) && want.Low.Equal(got.Low) &&
		want.Close.Equal(got.Close) && want.Volume.Equal(got.Volume) && want.QuoteVolume.Equal(got.QuoteVolume)
	require.True(t, equal, "%s %s: %+v is not %+v", symbol, i, want, got)
}

// checkDecimals finds prices that went through floats: their tails lie off the
// tick, or do not survive a round trip.
func checkDecimals(t *testing.T, h Harness) {
	for symbol, asset := range h.ask(t, h.query()).Assets {
		for i, s := range asset.Series {
			data, err := jsonx.Marshal(s)
			require.NoError(t, err)
			var back marketdata.Series
			require.NoError(t, jsonx.Unmarshal(data, &back))
			require.Equal(t, s.Len(), back.Len())
			for k := range s.Len() {
				requireEqualCandle(t, s.At(k), back.At(k), symbol, i)
				if asset.Instrument != nil && asset.Instrument.TickSize.Valid {
					requireOnTick(t, s.At(k), asset.Instrument, symbol)
				}
			}
		}
	}
}

func requireOnTick(t *testing.T, c marketdata.Candle, in *marketdata.Instrument, symbol string) {
	t.Helper()
	tick := in.TickSize.Decimal
	onTick := c.Open.Mod(tick).IsZero() && c.High.Mod(tick).IsZero() && c.Low.Mod(tick).IsZero() && c.Close.Mod(tick).IsZero()
	require.True(t, onTick, "%s: %+v is not on the tick %s", symbol, c, tick)
}

// checkLookAhead asks later first, so that nothing remembered leaks backwards.
func checkLookAhead(t *testing.T, h Harness) {
	h.needClock(t)
	for n := len(h.Times) - 1; n > 0; n-- {
		h.SetNow(h.Times[n])
		later := h.ask(t, h.query())
		h.SetNow(h.Times[n-1])
		earlier := h.ask(t, h.query())
		for symbol, asset := range later.Assets {
			for i, s := range asset.Series {
				requirePrefix(t, earlier.Assets[symbol].Series[i], s.Until(h.Times[n-1]), symbol)
			}
		}
	}
}

// requirePrefix compares the newest candles that both have.
func requirePrefix(t *testing.T, earlier, later marketdata.Series, symbol string) {
	t.Helper()
	n := min(earlier.Len(), later.Len())
	require.Equal(t, earlier.CloseTime(), later.CloseTime(), "%s %s: newest candle", symbol, earlier.Interval())
	earlier, later = earlier.Tail(n), later.Tail(n)
	for k := range n {
		requireEqualCandle(t, earlier.At(k), later.At(k), symbol, earlier.Interval())
	}
}
