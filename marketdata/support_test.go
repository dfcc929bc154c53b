package marketdata_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/markettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const csvHeader = "open_time_ms,open,high,low,close,volume,quote_volume\n"

// monday is a midnight that starts every interval.
var monday = time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC)

// clock is a time that tests set.
type clock struct{ at atomic.Pointer[time.Time] }

func clockAt(t time.Time) *clock {
	c := &clock{}
	c.set(t)
	return c
}

func (c *clock) now() time.Time  { return *c.at.Load() }
func (c *clock) set(t time.Time) { c.at.Store(&t) }

func dec(text string) decimal.Decimal { return decimal.RequireFromString(text) }

// hourRow is the candle of an hour after monday; its prices follow from it.
func hourRow(hour int) string {
	base := 1000 + hour%50
	return fmt.Sprintf("%d,%d.5,%d.75,%d.25,%d.5,%d,%d.125\n",
		monday.Add(time.Duration(hour)*time.Hour).UnixMilli(), base, base+2, base-1, base+1, hour+1, 10*(hour+1))
}

// hourFile has the candles of the hours in [from, to) but those to skip.
func hourFile(from, to int, skip ...int) *fstest.MapFile {
	missing := map[int]bool{}
	for _, h := range skip {
		missing[h] = true
	}
	var b strings.Builder
	b.WriteString(csvHeader)
	for h := from; h < to; h++ {
		if !missing[h] {
			b.WriteString(hourRow(h))
		}
	}
	return &fstest.MapFile{Data: []byte(b.String())}
}

func newCSV(tb testing.TB, files fstest.MapFS, now func() time.Time) *marketdata.CSV {
	tb.Helper()
	source, err := marketdata.NewCSV(marketdata.CSVConfig{FS: files, Now: now})
	require.NoError(tb, err)
	return source
}

func newSim(tb testing.TB, now func() time.Time, assets ...marketdata.SimAsset) *marketdata.Sim {
	tb.Helper()
	source, err := marketdata.NewSim(marketdata.SimConfig{Seed: 7, Symbols: assets, Now: now})
	require.NoError(tb, err)
	return source
}

func snapshot(tb testing.TB, s marketdata.Source, q marketdata.Query) marketdata.Snapshot {
	tb.Helper()
	snap, err := s.Snapshot(context.Background(), q)
	require.NoError(tb, err)
	return snap
}

func ask(symbol string, candles int, intervals ...marketdata.Interval) marketdata.Query {
	return marketdata.Query{Symbols: []string{symbol}, Intervals: intervals, Candles: candles}
}

func TestCSVConforms(t *testing.T) {
	t.Parallel()
	markettest.Run(t, func(t *testing.T) markettest.Harness {
		t.Helper()
		now := clockAt(monday.Add(300 * time.Hour))
		files := fstest.MapFS{"BTCUSDT.csv": hourFile(0, 400), "ETHUSDT.csv": hourFile(30, 400)}
		return harness(newCSV(t, files, now.now), now)
	})
}

func TestSimConforms(t *testing.T) {
	t.Parallel()
	markettest.Run(t, func(t *testing.T) markettest.Harness {
		t.Helper()
		now := clockAt(monday.Add(300 * time.Hour))
		return harness(newSim(t, now.now), now)
	})
}

func TestCacheConforms(t *testing.T) {
	t.Parallel()
	markettest.Run(t, func(t *testing.T) markettest.Harness {
		t.Helper()
		now := clockAt(monday.Add(300 * time.Hour))
		cache := marketdata.NewCache(newSim(t, now.now), marketdata.CacheConfig{Now: now.now})
		t.Cleanup(cache.Close)
		return harness(cache, now)
	})
}

func harness(s marketdata.Source, now *clock) markettest.Harness {
	at := now.now()
	return markettest.Harness{
		Source: s, Symbols: []string{"BTCUSDT", "ETHUSDT"}, Unknown: "NOPEUSDT", SetNow: now.set,
		Intervals: []marketdata.Interval{marketdata.Interval1h, marketdata.Interval2h, marketdata.Interval4h, marketdata.Interval1d},
		Times:     []time.Time{at, at.Add(59 * time.Minute), at.Add(time.Hour), at.Add(5*time.Hour + time.Second)},
	}
}
