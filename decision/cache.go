package decision

import (
	"container/list"
	"fmt"
	"sync"
	"time"
)

// CacheConfig bounds a Cache.
type CacheConfig struct {
	// TTL is how long a model's proposal is served, 1 s to 24 h. Default 300 s.
	TTL time.Duration
	// MaxEntries is how many proposals are kept, 1 to 100,000; those that were
	// not asked for longest go first. Proposals above 64 KiB are not kept.
	// Default 1,000.
	MaxEntries int
	Now        func() time.Time // default time.Now
}

// Bounds of a cache.
const (
	minCacheTTL, maxCacheTTL = time.Second, 24 * time.Hour
	maxCacheEntries          = 100_000
	maxOfferBytes            = 64 << 10
	// maxFallbackTTL bounds how long a fallback's proposal may keep the model
	// from being asked.
	maxFallbackTTL = time.Minute
)

func (c CacheConfig) withDefaults() CacheConfig {
	if c.TTL == 0 {
		c.TTL = 300 * time.Second
	}
	if c.MaxEntries == 0 {
		c.MaxEntries = 1000
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c CacheConfig) validate() error {
	var problems []error
	if c.TTL < minCacheTTL || c.TTL > maxCacheTTL {
		problems = append(problems, fmt.Errorf("decision: cache: TTL must be between %s and %s, was %s", minCacheTTL, maxCacheTTL, c.TTL))
	}
	if c.MaxEntries < 1 || c.MaxEntries > maxCacheEntries {
		problems = append(problems, fmt.Errorf("decision: cache: MaxEntries must be between 1 and %d, was %d", maxCacheEntries, c.MaxEntries))
	}
	if len(problems) > 0 {
		return &ConfigError{Problems: problems}
	}
	return nil
}

// CacheStats counts the decisions that asked a Cache: Hits, Shared and Misses
// add up to all of them.
type CacheStats struct {
	Hits    uint64 // got a proposal from memory
	Shared  uint64 // joined an identical request under way
	Misses  uint64 // asked anew, forced refreshes included
	Moved   uint64 // proposals dropped because a price had moved
	Entries int    // kept at this moment
}

// Cache remembers proposals, never decisions: what it serves passes the gate
// again with the account, prices and kill switches of the moment, and is
// recorded again. Identical requests at the same time share one question.
//
// Requests are identical when they agree in the account with its positions,
// limits and kill switches, symbols, strategy, model, prompt, newest closed
// candles and in which assets have no data. A model's proposal is served until
// TTL passes, a fallback's until the breaker's next probe, at most 60 s; either
// only while every price is within 0.5 % or half its ATR 14, whichever is
// more, of the price that it was made at. What the gate refused any part of
// and what could not be recorded is not kept.
//
// It is safe for concurrent use. Engines that share one must ask the same
// provider and Scorer: those are not told apart.
type Cache struct {
	cfg CacheConfig

	mu      sync.Mutex
	entries map[cacheKey]*list.Element // of *offer
	order   *list.List                 // the last asked for in front
	flights map[cacheKey]*flight
	flown   uint64
	stats   CacheStats
}

// NewCache makes an empty cache. The error is a *ConfigError with every
// problem.
func NewCache(cfg CacheConfig) (*Cache, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Cache{cfg: cfg, entries: map[cacheKey]*list.Element{}, order: list.New(), flights: map[cacheKey]*flight{}}, nil
}

// Stats are the counters at this moment.
func (c *Cache) Stats() CacheStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	stats := c.stats
	stats.Entries = c.order.Len()
	return stats
}

// recall is what is remembered and still holds, or nil. The caller holds mu.
func (c *Cache) recall(key cacheKey, in *Input, now time.Time) *offer {
	at, ok := c.entries[key]
	if !ok {
		return nil
	}
	o := at.Value.(*offer) //nolint:errcheck // nothing else is put in
	switch {
	case !o.current(now):
		c.remove(at)
	case !o.prices.hold(in):
		c.remove(at)
		c.stats.Moved++
	default:
		c.order.MoveToFront(at)
		return o
	}
	return nil
}

// keep stores an offer unless a later one is there. The caller holds mu.
func (c *Cache) keep(o *offer) {
	if at, ok := c.entries[o.key]; ok {
		if at.Value.(*offer).number > o.number { //nolint:errcheck // nothing else is put in
			return
		}
		c.remove(at)
	}
	c.entries[o.key] = c.order.PushFront(o)
	for c.order.Len() > c.cfg.MaxEntries {
		c.remove(c.order.Back())
	}
}

// forget drops an offer, and what it was to replace. The caller holds mu.
func (c *Cache) forget(o *offer) {
	at, ok := c.entries[o.key]
	if ok && at.Value.(*offer).number <= o.number { //nolint:errcheck // nothing else is put in
		c.remove(at)
	}
}

func (c *Cache) remove(at *list.Element) {
	gone := c.order.Remove(at).(*offer) //nolint:errcheck // nothing else is put in
	delete(c.entries, gone.key)
}

// lifetime is how long a proposal may be served.
func (c *Cache) lifetime(res *Result) time.Duration {
	switch res.Origin {
	case OriginModel:
		return c.cfg.TTL
	case OriginFallback:
		return max(min(res.ProbeIn, maxFallbackTTL, c.cfg.TTL), 0)
	case OriginHold:
	}
	return 0
}
