package aster

import (
	"context"
	"sync"
	"time"
)

// memoPatience is how long a failed question is not asked again by those that
// can do without the answer.
const memoPatience = time.Minute

// memo remembers one answer that rarely changes. Callers that miss it wait for
// one question.
type memo[T any] struct {
	now      func() time.Time
	ttl      time.Duration
	optional bool          // callers can do without
	turn     chan struct{} // held by the one that asks

	mu       sync.Mutex
	value    T
	known    bool
	at       time.Time // of value
	err      error     // of the latest question, nil when it was answered
	failedAt time.Time
}

// memory is what a memo knows. With both known and err, the value is outdated
// and could not be refreshed.
type memory[T any] struct {
	value T
	known bool
	err   error
}

func newMemo[T any](now func() time.Time, ttl time.Duration, optional bool) *memo[T] {
	return &memo[T]{now: now, ttl: ttl, optional: optional, turn: make(chan struct{}, 1)}
}

// load is the answer: remembered, or asked for by the caller's context. An
// answer is kept for twice the ttl when it cannot be refreshed.
func (m *memo[T]) load(ctx context.Context, ask func(context.Context) (T, error)) memory[T] {
	if got, enough := m.recall(); enough {
		return got
	}
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return memory[T]{err: ctx.Err()}
	}
	defer func() { <-m.turn }()
	if got, enough := m.recall(); enough {
		return got
	}
	value, err := ask(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err == nil:
		m.value, m.known, m.at, m.err = value, true, m.now(), nil
	case ctx.Err() == nil:
		m.err, m.failedAt = err, m.now()
	}
	got := m.memory()
	got.err = err
	return got
}

// recall also tells whether that is enough for now.
func (m *memo[T]) recall() (memory[T], bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	got := m.memory()
	if m.known && m.now().Sub(m.at) < m.ttl {
		got.err = nil
		return got, true
	}
	return got, m.err != nil && (got.known || m.optional) && m.now().Sub(m.failedAt) < memoPatience
}

// memory is called with mu held.
func (m *memo[T]) memory() memory[T] {
	if m.known && m.now().Sub(m.at) < 2*m.ttl {
		return memory[T]{m.value, true, m.err}
	}
	return memory[T]{err: m.err}
}
