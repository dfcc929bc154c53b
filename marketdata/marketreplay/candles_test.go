package marketreplay_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/marketreplay"
	"github.com/ballast-go/ballast/marketdata/markettest"
)

// kept is what a tap handed on, and when.
type kept struct {
	calls   []string
	candles map[string][]marketdata.Candle
}

func (k *kept) keep(symbol string, interval marketdata.Interval, candles []marketdata.Candle) {
	name := symbol + " " + string(interval)
	k.calls = append(k.calls, fmt.Sprintf("%s %d", name, len(candles)))
	if k.candles == nil {
		k.candles = map[string][]marketdata.Candle{}
	}
	k.candles[name] = append(k.candles[name], candles...)
}

func TestEachClosedCandleIsHandedOnOnceAndInOrder(t *testing.T) {
	t.Parallel()
	c := clock{noon()}
	var k kept
	tap := marketreplay.Candles(simulated(t, c.now), k.keep)
	ask := func(q marketdata.Query, want ...string) {
		t.Helper()
		k.calls = nil
		_, err := tap.Snapshot(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, want, k.calls)
	}
	q := query("ETHUSDT", "BTCUSDT", "NOPE")
	ask(q, "BTCUSDT 1h 30", "BTCUSDT 4h 30", "ETHUSDT 1h 30", "ETHUSDT 4h 30")
	ask(q)
	c.at = noon().Add(59 * time.Minute)
	ask(q)
	c.at = noon().Add(time.Hour)
	ask(query("BTCUSDT"), "BTCUSDT 1h 1")
	ask(marketdata.Query{Symbols: q.Symbols})
	c.at = noon().Add(4 * time.Hour)
	ask(q, "BTCUSDT 1h 3", "BTCUSDT 4h 1", "ETHUSDT 1h 4", "ETHUSDT 4h 1")
	c.at = noon()
	ask(q)
	c.at = noon().Add(10 * time.Hour)
	few := query("BTCUSDT")
	few.Candles = 2
	ask(few, "BTCUSDT 1h 2", "BTCUSDT 4h 1")
	ask(query("BTCUSDT")) // what was left out is older than what was given
	want, err := simulated(t, c.now).Snapshot(t.Context(), q)
	require.NoError(t, err)
	got := k.candles["BTCUSDT 4h"]
	require.Equal(t, want.Assets["BTCUSDT"].Series[marketdata.Interval4h].Candles(), got[len(got)-30:])
}

func TestWhatATapHandsOnIsWhatTheMarketHad(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := clock{noon()}
		sim, err := marketdata.NewSim(marketdata.SimConfig{Now: c.now})
		require.NoError(t, err)
		var k kept
		tap := marketreplay.Candles(sim, k.keep)
		for range rapid.IntRange(1, 10).Draw(t, "queries") {
			c.at = c.at.Add(time.Duration(rapid.IntRange(-60, 600).Draw(t, "minutes")) * time.Minute)
			_, err := tap.Snapshot(t.Context(), query("BTCUSDT"))
			require.NoError(t, err)
		}
		for name, candles := range k.candles {
			for n := range candles[1:] {
				step := time.Hour
				if name == "BTCUSDT 4h" {
					step = 4 * time.Hour
				}
				require.Equal(t, candles[n].OpenTime.Add(step), candles[n+1].OpenTime, "%s: thirty candles reach back over any pause", name)
			}
		}
	})
}

func TestATapPassesErrorsOnAndHandsOnNothing(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	tap := marketreplay.Candles(markettest.Failing(down), func(string, marketdata.Interval, []marketdata.Candle) { t.Error("handed on") })
	_, err := tap.Snapshot(t.Context(), query("A"))
	require.ErrorIs(t, err, down)
}

func TestATapNeverHandsOnWhatHadNotClosed(t *testing.T) {
	t.Parallel()
	c := clock{noon()}
	snap, err := simulated(t, c.now).Snapshot(t.Context(), query("BTCUSDT"))
	require.NoError(t, err)
	snap.At = snap.At.Add(-time.Hour) // a source that breaks its promise
	var k kept
	_, err = marketreplay.Candles(scripted(outcome{snap: snap}), k.keep).Snapshot(t.Context(), query("BTCUSDT"))
	require.NoError(t, err)
	require.Equal(t, []string{"BTCUSDT 1h 29", "BTCUSDT 4h 29"}, k.calls)
}

func TestATapCallsItsHandOneAtATime(t *testing.T) {
	t.Parallel()
	c := clock{noon()}
	var k kept // which the race detector watches
	tap := marketreplay.Candles(simulated(t, c.now), k.keep)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := tap.Snapshot(t.Context(), query("BTCUSDT")); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.Equal(t, []string{"BTCUSDT 1h 30", "BTCUSDT 4h 30"}, k.calls)
}
