package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/store"
)

// Bounds of what is never forgotten.
const (
	maxBreakers = 10_000
	maxCandles  = 1_000_000
)

// candleKey says what candles are of.
type candleKey struct {
	symbol   string
	interval marketdata.Interval
}

var (
	_ store.Breakers = (*Store)(nil)
	_ store.Candles  = (*Store)(nil)
)

// SaveBreaker is as store.Breakers says.
func (s *Store) SaveBreaker(ctx context.Context, b store.BreakerState) error {
	if err := b.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memory: save breaker: %w", err)
	}
	b.State, b.SavedAt = slices.Clone(b.State), b.SavedAt.UTC().Truncate(time.Microsecond)
	kept, known := s.breakers[b.Name]
	switch {
	case !known && len(s.breakers) >= maxBreakers:
		return fmt.Errorf("memory: save breaker: at most %d are kept", maxBreakers)
	case known && kept.SavedAt.After(b.SavedAt):
		return nil
	}
	s.breakers[b.Name] = b
	return nil
}

// Breakers is as store.Breakers says.
func (s *Store) Breakers(ctx context.Context) ([]store.BreakerState, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memory: breakers: %w", err)
	}
	all := make([]store.BreakerState, 0, len(s.breakers))
	for _, name := range slices.Sorted(maps.Keys(s.breakers)) {
		b := s.breakers[name]
		b.State = slices.Clone(b.State)
		all = append(all, b)
	}
	return all, nil
}

// SaveCandles is as store.Candles says.
func (s *Store) SaveCandles(ctx context.Context, symbol string, interval marketdata.Interval, candles []marketdata.Candle) error {
	if err := store.CheckCandles(symbol, interval, candles); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memory: save candles: %w", err)
	}
	if s.candleCount+len(candles) > maxCandles {
		return fmt.Errorf("memory: save candles: at most %d are kept", maxCandles)
	}
	key := candleKey{symbol, interval}
	kept := s.candles[key]
	before := len(kept)
	for _, c := range candles {
		c.OpenTime = c.OpenTime.UTC()
		at, found := findCandle(kept, c.OpenTime)
		if found {
			kept[at] = c
		} else {
			kept = slices.Insert(kept, at, c)
		}
	}
	s.candles[key] = kept
	s.candleCount += len(kept) - before
	return nil
}

func findCandle(candles []marketdata.Candle, at time.Time) (int, bool) {
	return slices.BinarySearchFunc(candles, at, func(c marketdata.Candle, t time.Time) int { return c.OpenTime.Compare(t) })
}

// Candles is as store.Candles says.
func (s *Store) Candles(ctx context.Context, symbol string, interval marketdata.Interval, since, until time.Time, limit int) ([]marketdata.Candle, error) {
	if err := store.CheckCandleQuery(symbol, since, until, limit); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memory: candles: %w", err)
	}
	kept := s.candles[candleKey{symbol, interval}]
	from, _ := findCandle(kept, since)
	to, _ := findCandle(kept, until)
	return slices.Clone(kept[from:min(to, from+limit)]), nil
}
