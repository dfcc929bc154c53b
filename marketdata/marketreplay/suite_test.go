package marketreplay_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/marketreplay"
	"github.com/ballast-go/ballast/marketdata/markettest"
)

func harness(t *testing.T, c *clock, source marketdata.Source) markettest.Harness {
	t.Helper()
	return markettest.Harness{
		Source: source, Symbols: []string{"BTCUSDT", "ETHUSDT"}, Unknown: "NOPE",
		Intervals: []marketdata.Interval{marketdata.Interval1h, marketdata.Interval4h},
		SetNow:    func(at time.Time) { c.at = at },
		Times:     []time.Time{noon(), noon().Add(time.Hour), noon().Add(5 * time.Hour)},
	}
}

func TestARecorderConforms(t *testing.T) {
	t.Parallel()
	markettest.Run(t, func(t *testing.T) markettest.Harness {
		t.Helper()
		c := &clock{noon()}
		var file bytes.Buffer
		recorder, err := marketreplay.Record(simulated(t, c.now), &file)
		require.NoError(t, err)
		t.Cleanup(func() {
			require.NoError(t, recorder.Err())
			_, err := marketreplay.Open(&file, marketreplay.Config{})
			require.NoError(t, err)
		})
		return harness(t, c, recorder)
	})
}

// What the suite asks is recorded first.
func TestAReplayByTimeConforms(t *testing.T) {
	t.Parallel()
	markettest.Run(t, func(t *testing.T) markettest.Harness {
		t.Helper()
		c := &clock{}
		var file bytes.Buffer
		recorder, err := marketreplay.Record(simulated(t, c.now), &file)
		require.NoError(t, err)
		h := harness(t, c, recorder)
		whole := marketdata.Query{Symbols: h.Symbols, Intervals: h.Intervals, Candles: 60}
		queries := []marketdata.Query{whole, {Symbols: h.Symbols}, {Symbols: []string{h.Symbols[0], h.Unknown}, Intervals: h.Intervals[:1]}}
		for _, n := range []int{7, 1} {
			queries = append(queries, marketdata.Query{Symbols: h.Symbols, Intervals: h.Intervals, Candles: n})
		}
		for _, symbol := range h.Symbols {
			queries = append(queries, marketdata.Query{Symbols: []string{symbol}, Intervals: h.Intervals, Candles: 60})
		}
		for _, c.at = range h.Times {
			for _, q := range queries {
				_, err := recorder.Snapshot(t.Context(), q)
				require.NoError(t, err)
			}
		}
		require.NoError(t, recorder.Err())
		h.Source = open(t, file.Bytes(), marketreplay.Config{Now: c.now})
		c.at = h.Times[0]
		return h
	})
}

func TestATapConforms(t *testing.T) {
	t.Parallel()
	markettest.Run(t, func(t *testing.T) markettest.Harness {
		t.Helper()
		c := &clock{noon()}
		return harness(t, c, marketreplay.Candles(simulated(t, c.now), func(string, marketdata.Interval, []marketdata.Candle) {}))
	})
}
