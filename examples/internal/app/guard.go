package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ballast-go/ballast/breaker"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/llm"
)

// guard is what stands around one model: a policy for calls that fail, and a
// second circuit for answers that arrive but cannot be used.
type guard struct {
	model   string
	policy  *breaker.Policy
	quality *breaker.Quality
}

// newGuard names the circuits by endpoint and model, as that is what fails.
func newGuard(endpoint, model string, o Options) (*guard, error) {
	c := o.Config
	name := endpoint + "/" + model
	policy, err := breaker.New(breaker.Config{
		Name: name, Timeout: c.ModelTimeout, AttemptTimeout: ownTime(c), Attempts: c.Attempts, BackoffFactor: c.BackoffFactor,
		FailureThreshold: c.FailureThreshold, RecoveryTimeout: c.RecoveryTimeout, Logger: o.Logger, Now: o.Now,
	})
	if err != nil {
		return nil, err
	}
	quality, err := breaker.NewQuality(breaker.QualityConfig{
		Name: name + answers, Threshold: c.FailureThreshold, RecoveryTimeout: c.RecoveryTimeout, Logger: o.Logger, Now: o.Now,
	})
	return &guard{model: model, policy: policy, quality: quality}, err
}

// answers ends the name of a circuit for answers that cannot be used.
const answers = " (answers)"

// ownTime is what an attempt may take. It ends before the share of its model
// does: an attempt that is cut short by the deadline of the whole decision says
// nothing about the model.
func ownTime(c config.Config) time.Duration {
	share := c.ModelTimeout / time.Duration(1+len(c.Fallbacks))
	return min(c.AttemptTimeout, share-share/20)
}

// around puts the guard before a client. A decision passes the quality circuit
// once, however many questions it asks: the repair of an answer belongs to the
// same probe.
func (g *guard) around(client llm.Client) llm.Client {
	call := breaker.Wrap(g.policy, client.Complete)
	return llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
		if err := admit(ctx, g); err != nil {
			return llm.Response{}, err
		}
		return call(ctx, req)
	})
}

// admissions are the guards that a decision passed.
type admissions struct {
	mu     sync.Mutex
	passed map[*guard]bool
}

type admissionsKey struct{}

func withAdmissions(ctx context.Context) context.Context {
	return context.WithValue(ctx, admissionsKey{}, &admissions{passed: map[*guard]bool{}})
}

func admit(ctx context.Context, g *guard) error {
	a, ok := ctx.Value(admissionsKey{}).(*admissions)
	if !ok {
		return g.quality.Allow()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.passed[g] {
		return nil
	}
	err := g.quality.Allow()
	a.passed[g] = err == nil
	return err
}

// Circuit is the state of what guards a model.
type Circuit struct {
	Model  string
	State  breaker.Phase
	Reason string        // why it is not closed
	Wait   time.Duration // until a call may be made; 0: at once, or a probe is under way
}

// circuit is that of the calls, or when those may be made, that of the answers.
func (g *guard) circuit() Circuit {
	for _, k := range g.keepers() {
		if stats := k.Stats(); stats.State != breaker.PhaseClosed {
			return Circuit{Model: g.model, State: stats.State, Reason: k.Save().Reason, Wait: stats.NextProbeIn}
		}
	}
	return Circuit{Model: g.model, State: breaker.PhaseClosed}
}

// keeper is what a policy and a quality circuit have in common.
type keeper interface {
	Save() breaker.State
	Restore(state breaker.State) error
	Stats() breaker.Stats
}

func (g *guard) keepers() []keeper { return []keeper{g.policy, g.quality} }

// close waits for the calls that are under way.
func (g *guard) close(ctx context.Context) error {
	if err := errors.Join(g.policy.Close(ctx), g.quality.Close(ctx)); err != nil {
		return fmt.Errorf("%s: %w", g.model, err)
	}
	return nil
}
