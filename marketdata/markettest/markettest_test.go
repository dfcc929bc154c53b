package markettest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/markettest"
)

var midnight = time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC)

func series(t *testing.T, n int) marketdata.Series {
	t.Helper()
	candles := make([]marketdata.Candle, n)
	for k := range candles {
		p := decimal.New(int64(100+k), -2)
		candles[k] = marketdata.Candle{OpenTime: midnight.Add(time.Duration(k) * time.Hour), Open: p, High: p, Low: p, Close: p, Volume: p, QuoteVolume: p}
	}
	s, err := marketdata.NewSeries(marketdata.Interval1h, candles)
	require.NoError(t, err)
	return s
}

func fixed(t *testing.T) marketdata.Snapshot {
	t.Helper()
	asset := func(symbol string) marketdata.Asset {
		return marketdata.Asset{
			Symbol: symbol, Quote: marketdata.Quote{Last: decimal.New(119, -2), LastAt: midnight.Add(20 * time.Hour)},
			Series:   map[marketdata.Interval]marketdata.Series{marketdata.Interval1h: series(t, 20)},
			Degraded: []string{"made by hand"},
		}
	}
	return marketdata.Snapshot{
		At: midnight.Add(20 * time.Hour), Notes: []string{"fixed"},
		Assets:   map[string]marketdata.Asset{"A": asset("A"), "B": asset("B")},
		Failures: map[string]marketdata.Failure{"C": {Symbol: "C", Reason: marketdata.ReasonStale, Detail: "old"}},
	}
}

func TestFixedConforms(t *testing.T) {
	t.Parallel()
	markettest.Run(t, func(t *testing.T) markettest.Harness {
		t.Helper()
		return markettest.Harness{
			Source: markettest.Fixed(fixed(t)), Symbols: []string{"A", "B"}, Unknown: "Z",
			Intervals: []marketdata.Interval{marketdata.Interval1h},
		}
	})
}

func TestFixedGivesWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	snap, err := markettest.Fixed(fixed(t)).Snapshot(t.Context(), marketdata.Query{
		Symbols: []string{"A", "C", "D"}, Candles: 3,
		Intervals: []marketdata.Interval{marketdata.Interval1h, marketdata.Interval4h},
	})
	require.NoError(t, err)
	require.Len(t, snap.Assets, 1)
	require.Len(t, snap.Assets["A"].Series, 1, "an interval that it does not have stays absent")
	require.Equal(t, 3, snap.Assets["A"].Series[marketdata.Interval1h].Len())
	require.Equal(t, marketdata.ReasonStale, snap.Failures["C"].Reason)
	require.ErrorIs(t, snap.Failures["D"], marketdata.ErrUnknownSymbol)
	require.Equal(t, []string{"fixed"}, snap.Notes)
}

func TestFailingFails(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	_, err := markettest.Failing(down).Snapshot(t.Context(), marketdata.Query{Symbols: []string{"A"}})
	require.ErrorIs(t, err, down)
}
