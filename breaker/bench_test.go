package breaker_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/breaker"
)

func answer(context.Context) (int, error) { return 42, nil }

//go:noinline
func bare(ctx context.Context, fn func(context.Context) (int, error)) (int, error) { return fn(ctx) }

func listen(ctx context.Context) (int, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	default:
		return 42, nil
	}
}

// BenchmarkCall puts a call that succeeds, bare, beside bare gobreaker and the
// whole policy, for a function that ignores its context and one that listens.
func BenchmarkCall(b *testing.B) {
	bareBreaker := gobreaker.NewCircuitBreaker[int](gobreaker.Settings{})
	policy, err := breaker.New(breaker.Config{})
	require.NoError(b, err)
	cancelled, cancel := context.WithCancel(b.Context())
	defer cancel()
	for _, c := range []struct {
		name string
		call func() (int, error)
	}{
		{"bare", func() (int, error) { return bare(cancelled, answer) }},
		{"gobreaker", func() (int, error) { return bareBreaker.Execute(func() (int, error) { return answer(cancelled) }) }},
		{"context.WithTimeout", func() (int, error) {
			ctx, cancel := context.WithTimeout(cancelled, time.Minute)
			defer cancel()
			return listen(ctx)
		}},
		{"policy", func() (int, error) { return breaker.Do(cancelled, policy, answer) }},
		{"policy, listening", func() (int, error) { return breaker.Do(cancelled, policy, listen) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.call(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCallParallel(b *testing.B) {
	policy, err := breaker.New(breaker.Config{})
	require.NoError(b, err)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := breaker.Do(context.Background(), policy, answer); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkRefusal(b *testing.B) {
	policy, err := breaker.New(breaker.Config{FailureThreshold: 1, Attempts: 1})
	require.NoError(b, err)
	_, err = breaker.Do(b.Context(), policy, func(context.Context) (int, error) { return 0, errors.New("down") })
	require.Error(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := breaker.Do(b.Context(), policy, answer); !errors.Is(err, breaker.ErrOpen) {
			b.Fatal(err)
		}
	}
}
