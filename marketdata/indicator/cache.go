package indicator

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator/internal/memo"
)

// CacheConfig bounds a Cache.
type CacheConfig struct {
	// MaxEntries is how many sets are remembered, the least recently used
	// forgotten first; default 1,024. A set of 250 candles holds 28 kB.
	MaxEntries int
	// Parallel is how many series are computed at a time, over all callers;
	// default GOMAXPROCS.
	Parallel int
}

func (c CacheConfig) withDefaults() CacheConfig {
	if c.MaxEntries == 0 {
		c.MaxEntries = 1024
	}
	if c.Parallel == 0 {
		c.Parallel = runtime.GOMAXPROCS(0)
	}
	return c
}

func (c CacheConfig) validate() error {
	var problems []error
	if c.MaxEntries < 1 || c.MaxEntries > 1_000_000 {
		problems = append(problems, fmt.Errorf("indicator: cache: MaxEntries must be between 1 and 1000000, was %d", c.MaxEntries))
	}
	if c.Parallel < 1 || c.Parallel > 1024 {
		problems = append(problems, fmt.Errorf("indicator: cache: Parallel must be between 1 and 1024, was %d", c.Parallel))
	}
	return errors.Join(problems...)
}

// SeriesFunc computes the set of one series. It is safe for concurrent use
// and stops when ctx ends.
type SeriesFunc func(ctx context.Context, series marketdata.Series) (Set, error)

// Cache is the Provider that computes each series once, several at a time, and
// remembers the sets, which are shared and read-only. It is safe for
// concurrent use and runs no goroutine between calls.
type Cache struct {
	one   SeriesFunc
	slots chan struct{} // held while a series is computed
	sets  *memo.Cache[key, Set]
}

var _ Provider = (*Cache)(nil)

// key is what a set is a function of. The fingerprint tells apart two markets
// that share a symbol and a clock.
type key struct {
	symbol      string
	interval    marketdata.Interval
	closeTime   int64 // Unix seconds of the newest close
	fingerprint uint64
	candles     int
}

// NewCache remembers what compute returns; nil is Compute, our own kernels.
// The error names every field that is out of range.
func NewCache(compute SeriesFunc, cfg CacheConfig) (*Cache, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if compute == nil {
		compute = func(_ context.Context, s marketdata.Series) (Set, error) { return Compute(s) }
	}
	return &Cache{one: compute, slots: make(chan struct{}, cfg.Parallel), sets: memo.New[key, Set](cfg.MaxEntries)}, nil
}

// CacheStats says what a Cache did since it was made.
type CacheStats struct {
	Entries  int    // sets that are remembered
	Served   uint64 // sets answered without computing
	Computed uint64 // computations begun
}

// Stats counts so far.
func (c *Cache) Stats() CacheStats { return CacheStats(c.sets.Stats()) }

// job is one series that is not remembered.
type job struct {
	key    key
	series marketdata.Series
	set    Set
	err    error
}

// Indicate computes the sets of every series of the snapshot that it does not
// remember. It returns as soon as the context ends.
func (c *Cache) Indicate(ctx context.Context, market marketdata.Snapshot) (Values, error) {
	out := Values{
		Sets:     make(map[string]map[marketdata.Interval]Set, len(market.Assets)),
		Failures: map[string]error{},
	}
	var jobs []*job
	for symbol, asset := range market.Assets {
		sets := make(map[marketdata.Interval]Set, len(asset.Series))
		out.Sets[symbol] = sets
		for interval, series := range asset.Series {
			k := key{symbol, interval, series.CloseTime().Unix(), series.Fingerprint(), series.Len()}
			if set, ok := c.sets.Peek(k); ok {
				sets[interval] = set
				continue
			}
			jobs = append(jobs, &job{key: k, series: series})
		}
	}
	c.run(ctx, jobs)
	if err := ctx.Err(); err != nil {
		return Values{}, fmt.Errorf("indicator: cache: %w", err)
	}
	for _, j := range jobs {
		if j.err != nil {
			err := fmt.Errorf("%s: %w", j.key.interval, j.err)
			out.Failures[j.key.symbol] = errors.Join(out.Failures[j.key.symbol], err)
			continue
		}
		out.Sets[j.key.symbol][j.key.interval] = j.set
	}
	return out, nil
}

// run does the jobs with as many workers as there are slots. Each job keeps
// its own error, because one series must not cost another its set.
func (c *Cache) run(ctx context.Context, jobs []*job) {
	queue := make(chan *job, len(jobs))
	for _, j := range jobs {
		queue <- j
	}
	close(queue)
	var workers sync.WaitGroup
	for range min(len(jobs), cap(c.slots)) {
		workers.Go(func() {
			for j := range queue {
				if ctx.Err() != nil {
					return
				}
				j.set, j.err = c.sets.Do(ctx, j.key, func(ctx context.Context) (Set, error) {
					return c.compute(ctx, j.series)
				})
			}
		})
	}
	workers.Wait()
}

func (c *Cache) compute(ctx context.Context, series marketdata.Series) (Set, error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return Set{}, ctx.Err()
	}
	defer func() { <-c.slots }()
	return c.one(ctx, series)
}
