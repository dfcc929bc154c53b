package marketdata

import (
	"container/list"
	"fmt"
	"maps"
	"slices"
	"time"
)

// shape is what a query asks of each symbol.
type shape struct {
	intervals []Interval
	candles   int
}

func shapeOf(q Query) shape { return shape{intervals: q.Intervals, candles: q.CandleCount()} }

// key tells shapes apart whatever the order of their intervals.
func (s shape) key() string {
	return fmt.Sprint(slices.Compact(slices.Sorted(slices.Values(s.intervals))), s.candles)
}

// currentAt reports whether an answer loaded at one time is what a load now
// would have to return: no candle of the shape closed in between.
func (s shape) currentAt(loaded, now time.Time) bool {
	for _, i := range s.intervals {
		if i.LastClose(now).After(loaded) {
			return false
		}
	}
	return true
}

const (
	maxKinds = 4 // answers kept for one symbol
	// An exchange may publish a candle a moment after its close; an answer
	// that lacks it is asked for again soon.
	laggingTTL = 2 * time.Second
)

// cacheEntry is one asset as the source gave it. It is immutable.
type cacheEntry struct {
	asset  Asset
	shape  shape     // the intervals that the source did give
	loaded time.Time // by the cache's clock, before the source was asked
	at     time.Time // of the source's snapshot
	notes  []string
	lags   bool // the newest candle was not out yet
}

func newCacheEntry(asset Asset, snap Snapshot, asked shape, loaded time.Time) *cacheEntry {
	e := &cacheEntry{asset: asset, loaded: loaded, at: snap.At, notes: snap.Notes, shape: shape{candles: asked.candles}}
	e.asset.Series = maps.Clone(asset.Series)
	for _, i := range asked.intervals {
		if s, ok := asset.Series[i]; ok {
			e.shape.intervals = append(e.shape.intervals, i)
			e.lags = e.lags || s.CloseTime().Before(i.LastClose(loaded))
		}
	}
	return e
}

// covers reports whether the entry has all that is wanted.
func (e *cacheEntry) covers(want shape) bool {
	if len(want.intervals) > 0 && e.shape.candles < want.candles {
		return false
	}
	for _, i := range want.intervals {
		if !slices.Contains(e.shape.intervals, i) {
			return false
		}
	}
	return true
}

// expired also holds when the clock went back behind the load.
func (e *cacheEntry) expired(ttl time.Duration, now time.Time) bool {
	if e.lags {
		ttl = min(ttl, laggingTTL)
	}
	age := now.Sub(e.loaded)
	return age < 0 || age >= ttl
}

// cacheShelf keeps at most a number of entries, dropping those of the symbols
// that were not read for longest. The owner's mutex guards it.
type cacheShelf struct {
	limit   int
	count   int
	order   *list.List // of *cacheKinds, the last read in front
	symbols map[string]*list.Element
}

// cacheKinds are the entries of one symbol, newest first.
type cacheKinds struct {
	symbol string
	kinds  []*cacheEntry
}

func newCacheShelf(limit int) cacheShelf {
	return cacheShelf{limit: limit, order: list.New(), symbols: map[string]*list.Element{}}
}

func (s *cacheShelf) read(symbol string) []*cacheEntry {
	at, ok := s.symbols[symbol]
	if !ok {
		return nil
	}
	s.order.MoveToFront(at)
	return at.Value.(*cacheKinds).kinds //nolint:errcheck // nothing else is put in
}

// write replaces a symbol's entries and makes room for them.
func (s *cacheShelf) write(symbol string, kinds []*cacheEntry) {
	if at, ok := s.symbols[symbol]; ok {
		s.remove(at)
	}
	s.symbols[symbol] = s.order.PushFront(&cacheKinds{symbol: symbol, kinds: kinds})
	s.count += len(kinds)
	for s.count > s.limit && s.order.Len() > 1 {
		s.remove(s.order.Back())
	}
	if s.count > s.limit {
		only := s.order.Front().Value.(*cacheKinds) //nolint:errcheck // nothing else is put in
		only.kinds = only.kinds[:s.limit]
		s.count = s.limit
	}
}

func (s *cacheShelf) remove(at *list.Element) {
	gone := s.order.Remove(at).(*cacheKinds) //nolint:errcheck // nothing else is put in
	delete(s.symbols, gone.symbol)
	s.count -= len(gone.kinds)
}

// fresh is the newest entry that may serve the symbol, or nil.
func (s *cacheShelf) fresh(symbol string, want shape, ttl time.Duration, now time.Time) *cacheEntry {
	for _, e := range s.read(symbol) {
		if e.covers(want) && !e.expired(ttl, now) && want.currentAt(e.loaded, now) {
			return e
		}
	}
	return nil
}

// keep stores an entry and drops those that it replaces.
func (s *cacheShelf) keep(symbol string, e *cacheEntry, ttl time.Duration) {
	kinds := []*cacheEntry{e}
	for _, o := range s.read(symbol) {
		if o.loaded.After(e.loaded) && o.covers(e.shape) {
			return // a slower load must not replace a later one
		}
		if len(kinds) < maxKinds && !e.covers(o.shape) && !o.expired(ttl, e.loaded) {
			kinds = append(kinds, o)
		}
	}
	s.write(symbol, kinds)
}
