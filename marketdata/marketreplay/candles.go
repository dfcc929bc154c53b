package marketreplay

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ballast-go/ballast/marketdata"
)

// Tap is a source that hands on the candles that pass through it. It is safe
// for concurrent use.
type Tap struct {
	source marketdata.Source
	hand   func(symbol string, interval marketdata.Interval, candles []marketdata.Candle)

	mu   sync.Mutex
	next map[feed]time.Time // when the candle opens that is handed on next
}

type feed struct {
	symbol   string
	interval marketdata.Interval
}

var _ marketdata.Source = (*Tap)(nil)

// Candles passes queries to the source, and gives hand every candle that is
// newer than those it was given before: each once, closed, oldest first, per
// symbol and interval. The first answer gives all of its candles. When too few
// candles were asked for to reach back to those handed on last, those between
// are missing, which their times show; older ones are never handed on later.
//
// hand is called before Snapshot returns, by one goroutine at a time, and may
// keep the candles; while it works other snapshots wait. It must not be nil.
func Candles(source marketdata.Source, hand func(symbol string, interval marketdata.Interval, candles []marketdata.Candle)) *Tap {
	return &Tap{source: source, hand: hand, next: map[feed]time.Time{}}
}

// Snapshot asks the source.
func (t *Tap) Snapshot(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
	snap, err := t.source.Snapshot(ctx, q)
	if err != nil {
		return snap, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, symbol := range slices.Sorted(maps.Keys(snap.Assets)) {
		series := snap.Assets[symbol].Series
		for _, interval := range marketdata.Intervals() {
			t.pass(feed{symbol, interval}, series[interval].Until(snap.At))
		}
	}
	return snap, nil
}

// pass hands on the newest candles of a series.
func (t *Tap) pass(f feed, s marketdata.Series) {
	if s.Len() == 0 || s.CloseTime().Compare(t.next[f]) <= 0 {
		return
	}
	candles := s.Candles()
	fresh, _ := slices.BinarySearchFunc(candles, t.next[f], func(c marketdata.Candle, next time.Time) int {
		return c.OpenTime.Compare(next)
	})
	t.next[f] = s.CloseTime()
	t.hand(f.symbol, f.interval, candles[fresh:])
}
