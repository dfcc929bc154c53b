package aster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
)

// outcome is what an attempt says about the host.
type outcome int

const (
	attemptExcluded outcome = iota // nothing: the caller went away
	attemptAnswered                // it answers, be it with a refusal
	attemptFailed                  // it does not answer, or with a 5xx
)

var (
	errFailed   = errors.New("failed")
	errExcluded = errors.New("excluded")
)

// circuit leaves a host alone that does not answer. It counts attempts, so
// that many calls at once do not each try theirs to the end.
type circuit struct {
	breaker  *gobreaker.TwoStepCircuitBreaker[struct{}]
	recovery time.Duration

	mu       sync.Mutex
	openedAt time.Time // by the clock of gobreaker
}

func newCircuit(cfg Config) *circuit {
	k := &circuit{recovery: cfg.Breaker.RecoveryTimeout}
	k.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name: cfg.Network.Name, MaxRequests: 1, Timeout: cfg.Breaker.RecoveryTimeout,
		ReadyToTrip: func(counts gobreaker.Counts) bool {
			return int(counts.ConsecutiveFailures) >= cfg.Breaker.FailureThreshold
		},
		IsExcluded: func(err error) bool { return errors.Is(err, errExcluded) },
		OnStateChange: func(_ string, from, to gobreaker.State) { // under gobreaker's lock
			k.changed(to)
			cfg.Logger.WarnContext(context.Background(), "aster_circuit",
				slog.String("network", cfg.Network.Name), slog.String("from", from.String()), slog.String("to", to.String()))
		},
	})
	return k
}

func (k *circuit) changed(to gobreaker.State) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if to == gobreaker.StateOpen {
		k.openedAt = time.Now() //nolint:forbidigo // gobreaker's intervals follow the monotonic clock, not Config.Now
	}
}

// openError is an attempt that was not made.
type openError struct{ retryIn time.Duration } // 0: another attempt is finding out

// Error says when to come back.
func (e *openError) Error() string {
	if e.retryIn == 0 {
		return "the host did not answer lately, and one request is trying it"
	}
	return fmt.Sprintf("the host does not answer and is left alone for another %v", e.retryIn.Round(time.Millisecond))
}

// check refuses without taking the one attempt of a half-open circuit.
func (k *circuit) check() error {
	if k.breaker.State() == gobreaker.StateOpen {
		return k.refused()
	}
	return nil
}

// allow admits one attempt, whose outcome must be reported once.
func (k *circuit) allow() (report func(outcome), err error) {
	done, err := k.breaker.Allow()
	if err != nil {
		return nil, k.refused()
	}
	return func(o outcome) {
		switch o {
		case attemptAnswered:
			done(nil)
		case attemptFailed:
			done(errFailed)
		default:
			done(errExcluded)
		}
	}, nil
}

func (k *circuit) refused() error {
	if k.breaker.State() != gobreaker.StateOpen {
		return &openError{}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return &openError{retryIn: max(k.recovery-time.Since(k.openedAt), time.Millisecond)} //nolint:forbidigo // as in changed
}

// state is closed, half-open or open.
func (k *circuit) state() string { return k.breaker.State().String() }
