// Package memo remembers what was computed, a bounded number of results, and
// computes a result once however many ask for it at the same time.
package memo

import (
	"container/list"
	"context"
	"sync"
)

// Cache holds the most recently used results. It is safe for concurrent use
// and runs no goroutine.
type Cache[K comparable, V any] struct {
	most int

	mu       sync.Mutex
	entries  map[K]*list.Element
	order    *list.List // of entry, most recently used first
	flights  map[K]*flight[V]
	served   uint64
	computed uint64
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

// flight is one computation under way. The fields are written before done is
// closed and read after.
type flight[V any] struct {
	done      chan struct{}
	value     V
	err       error
	abandoned bool // says nothing about the result: its caller went away
}

// Stats counts since the cache was made.
type Stats struct {
	Entries  int
	Served   uint64 // answered from memory or by another's computation
	Computed uint64 // computations that were begun
}

// New is a cache of at most so many results; most is at least 1.
func New[K comparable, V any](most int) *Cache[K, V] {
	return &Cache[K, V]{
		most: max(most, 1), entries: map[K]*list.Element{}, order: list.New(), flights: map[K]*flight[V]{},
	}
}

// Peek is the result when it is there.
func (c *Cache[K, V]) Peek(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peek(key)
}

func (c *Cache[K, V]) peek(key K) (V, bool) {
	element, ok := c.entries[key]
	if !ok {
		var none V
		return none, false
	}
	c.order.MoveToFront(element)
	c.served++
	return element.Value.(entry[K, V]).value, true //nolint:errcheck // the list holds nothing else
}

// Do is the result from memory, from a computation under way, or from compute,
// which runs here with this caller's context. When the caller that computes
// goes away, one of those that wait computes instead. Errors are shared with
// those that wait and then forgotten.
func (c *Cache[K, V]) Do(ctx context.Context, key K, compute func(context.Context) (V, error)) (V, error) {
	for {
		c.mu.Lock()
		if value, ok := c.peek(key); ok {
			c.mu.Unlock()
			return value, nil
		}
		f, running := c.flights[key]
		if !running {
			f = &flight[V]{done: make(chan struct{}), abandoned: true}
			c.flights[key] = f
			c.computed++
			c.mu.Unlock()
			return c.lead(ctx, key, f, compute)
		}
		c.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			var none V
			return none, ctx.Err()
		}
		if !f.abandoned {
			c.mu.Lock()
			c.served++
			c.mu.Unlock()
			return f.value, f.err
		}
	}
}

// lead computes for all that wait. A panic passes through and leaves the
// flight abandoned, so that nobody waits for it.
func (c *Cache[K, V]) lead(ctx context.Context, key K, f *flight[V], compute func(context.Context) (V, error)) (V, error) {
	defer c.land(key, f)
	f.value, f.err = compute(ctx)
	f.abandoned = f.err != nil && ctx.Err() != nil
	return f.value, f.err
}

func (c *Cache[K, V]) land(key K, f *flight[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(f.done)
	delete(c.flights, key)
	if f.abandoned || f.err != nil {
		return
	}
	c.entries[key] = c.order.PushFront(entry[K, V]{key, f.value})
	for c.order.Len() > c.most {
		oldest := c.order.Remove(c.order.Back()).(entry[K, V]) //nolint:errcheck // the list holds nothing else
		delete(c.entries, oldest.key)
	}
}

// Stats counts so far.
func (c *Cache[K, V]) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{Entries: c.order.Len(), Served: c.served, Computed: c.computed}
}
