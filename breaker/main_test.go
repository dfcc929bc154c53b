package breaker_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/breaker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDown = errors.New("down")

// failure is an error with every behaviour that Classify asks about.
type failure struct {
	blocked, limited, final bool
	wait                    time.Duration
}

func (f *failure) Error() string             { return "failure" }
func (f *failure) Blocked() bool             { return f.blocked }
func (f *failure) RateLimited() bool         { return f.limited }
func (f *failure) Retryable() bool           { return !f.blocked && !f.final }
func (f *failure) RetryAfter() time.Duration { return f.wait }

var (
	errBlocked = &failure{blocked: true}
	errLimited = &failure{limited: true}
	errConfig  = &failure{final: true}
)

// longest makes waits exact.
func longest(d time.Duration) time.Duration { return d }

// open makes a policy that the test closes, so that everything it started has
// ended by then.
func open(t *testing.T, cfg breaker.Config) *breaker.Policy {
	t.Helper()
	if cfg.Jitter == nil {
		cfg.Jitter = longest
	}
	p, err := breaker.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close(context.Background())) })
	return p
}

// does calls once with a function that ends with err at once.
func does(t *testing.T, p *breaker.Policy, err error) error {
	t.Helper()
	_, got := breaker.Do(t.Context(), p, func(context.Context) (string, error) { return "value", err })
	return got
}

// trip opens a policy by failed calls.
func trip(t *testing.T, p *breaker.Policy) {
	t.Helper()
	for range 1000 {
		if err := does(t, p, errDown); errors.Is(err, breaker.ErrOpen) {
			return
		}
	}
	t.Fatal("never opened")
}

// obeys waits for d, or for its context.
func obeys(ctx context.Context, d time.Duration) (string, error) {
	select {
	case <-time.After(d):
		return "value", nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// ignores waits for d whatever its context says.
func ignores(d time.Duration) (string, error) {
	<-time.After(d)
	return "late", nil
}

// changes keeps what a listener was told.
type changes struct {
	mu   sync.Mutex
	told []breaker.Change
}

func (c *changes) note(change breaker.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, change)
}

func (c *changes) all() []breaker.Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]breaker.Change(nil), c.told...)
}

// settled is all, once everything in the bubble is at rest.
func (c *changes) settled() []breaker.Change {
	synctest.Wait()
	return c.all()
}

func (c *changes) phases() []breaker.Phase {
	phases := []breaker.Phase{}
	for _, change := range c.settled() {
		phases = append(phases, change.To)
	}
	return phases
}
