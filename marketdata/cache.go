package marketdata

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ErrCacheClosed is returned by a Cache after Close.
var ErrCacheClosed = errors.New("marketdata: cache is closed")

// CacheConfig bounds a Cache. Values of zero or less mean the default.
type CacheConfig struct {
	TTL         time.Duration    // how long an answer is served; default 30 s
	MaxEntries  int              // symbols times kinds of query kept; default 1,000
	LoadTimeout time.Duration    // of one call of the source; default 15 s
	Now         func() time.Time // default time.Now
}

func (c CacheConfig) withDefaults() CacheConfig {
	if c.TTL <= 0 {
		c.TTL = 30 * time.Second
	}
	if c.MaxEntries <= 0 {
		c.MaxEntries = 1000
	}
	if c.LoadTimeout <= 0 {
		c.LoadTimeout = 15 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// CacheStats counts symbols asked for and calls of the source since NewCache.
type CacheStats struct {
	Hits   uint64 // symbols served from the cache
	Misses uint64 // symbols that waited for the source
	Loads  uint64 // calls of the source
}

// Cache is a Source that remembers what another said, per symbol. An answer
// serves every query that asks for no more intervals and candles than it has,
// until TTL passes or a candle of a requested interval closes; quotes alone
// are served from any. Failures are not kept. Callers that miss the same
// symbol share one call of the source, which none of them can cancel. Times
// stay those of the source. Safe for concurrent use; Close it when done.
type Cache struct {
	src   Source
	cfg   CacheConfig
	loads sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	entries cacheShelf
	flights map[flightKey]*flight

	hits, misses, calls atomic.Uint64
}

var _ Source = (*Cache)(nil)

// NewCache puts a cache before a source, which must not be nil.
func NewCache(src Source, cfg CacheConfig) *Cache {
	cfg = cfg.withDefaults()
	return &Cache{src: src, cfg: cfg, entries: newCacheShelf(cfg.MaxEntries), flights: map[flightKey]*flight{}}
}

// Snapshot answers from memory and asks the source for the rest. Its At is
// that of the newest part. When the source returns an error, its symbols fail
// with ReasonUnavailable; the error itself is returned when no symbol has an
// answer. A context that ends stops the waiting, not the load.
func (c *Cache) Snapshot(ctx context.Context, q Query) (Snapshot, error) {
	if err := q.Validate(); err != nil {
		return Snapshot{}, err
	}
	if err := ctx.Err(); err != nil {
		return Snapshot{}, fmt.Errorf("marketdata: cache: %w", err)
	}
	answer := cacheAnswer{want: shapeOf(q), ttl: c.cfg.TTL, snap: Snapshot{Assets: make(map[string]Asset, len(q.Symbols))}}
	if q.MaxAge > 0 {
		answer.ttl = min(answer.ttl, q.MaxAge)
	}
	now := c.cfg.Now()
	missing := c.recall(&answer, q.Symbols, now)
	c.hits.Add(uint64(len(q.Symbols) - len(missing)))
	c.misses.Add(uint64(len(missing)))
	if len(missing) > 0 {
		if err := c.fetch(ctx, &answer, missing, now); err != nil {
			return Snapshot{}, err
		}
	}
	return answer.snap, nil
}

// Stats are the counters at this moment.
func (c *Cache) Stats() CacheStats {
	return CacheStats{Hits: c.hits.Load(), Misses: c.misses.Load(), Loads: c.calls.Load()}
}

// Close cancels the loads under way and waits for them. Closing twice is
// harmless.
func (c *Cache) Close() {
	c.mu.Lock()
	c.closed = true
	for _, f := range c.flights {
		f.cancel()
	}
	c.mu.Unlock()
	c.loads.Wait()
}

// recall adds what is known to the answer and returns the other symbols.
func (c *Cache) recall(answer *cacheAnswer, symbols []string, now time.Time) []string {
	found := make([]*cacheEntry, len(symbols))
	c.mu.Lock()
	for n, symbol := range symbols {
		found[n] = c.entries.fresh(symbol, answer.want, answer.ttl, now)
	}
	c.mu.Unlock()
	var missing []string
	for n, symbol := range symbols {
		if found[n] == nil {
			missing = append(missing, symbol)
		} else {
			answer.add(symbol, found[n])
		}
	}
	return missing
}

// cacheAnswer collects one caller's snapshot.
type cacheAnswer struct {
	want shape
	ttl  time.Duration // the oldest that will do
	snap Snapshot
}

// add takes what was asked for from an entry; every caller gets its own maps.
func (a *cacheAnswer) add(symbol string, e *cacheEntry) {
	asset := e.asset
	asset.Series = make(map[Interval]Series, len(a.want.intervals))
	for _, i := range a.want.intervals {
		if s, ok := e.asset.Series[i]; ok {
			asset.Series[i] = s.Tail(a.want.candles)
		}
	}
	asset.Degraded = slices.Clone(asset.Degraded)
	a.snap.Assets[symbol] = asset
	a.heard(e.at, e.notes)
}

func (a *cacheAnswer) fail(f Failure) {
	if a.snap.Failures == nil {
		a.snap.Failures = map[string]Failure{}
	}
	a.snap.Failures[f.Symbol] = f
}

// heard notes a part's time and notes.
func (a *cacheAnswer) heard(at time.Time, notes []string) {
	if at.After(a.snap.At) {
		a.snap.At = at
	}
	for _, n := range notes {
		if !slices.Contains(a.snap.Notes, n) {
			a.snap.Notes = append(a.snap.Notes, n)
		}
	}
}
