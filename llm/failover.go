package llm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// maxHops bounds a Failover: each hop has at least its part of the deadline.
const maxHops = 16

// Hop is one model that a Failover may ask.
type Hop struct {
	Name   string // for people; unique; default Model
	Model  string // default the request's own
	Client Client // with the breaker of this model around it; required
}

// FailoverConfig makes a Failover.
type FailoverConfig struct {
	Hops []Hop            // in order of preference; 1–16
	Now  func() time.Time // for stamps only; default time.Now
}

// Failover asks models in order until one answers. It is safe for concurrent
// use.
//
// While the context has a deadline, a hop has an equal share of the time that
// is left: with n hops the first has 1/n of it, and each of the others at least
// that much, however long those before it hang. A breaker inside a hop must
// give up on an attempt within that share, or it never sees a timeout.
type Failover struct {
	hops []Hop
	now  func() time.Time
}

var _ Client = (*Failover)(nil)

// ErrNoModel says that Request.Skip left a Failover nobody to ask.
var ErrNoModel = errors.New("llm: every model is skipped")

// NewFailover makes a Failover, or reports every problem of cfg.
func NewFailover(cfg FailoverConfig) (*Failover, error) {
	f := &Failover{hops: slices.Clone(cfg.Hops), now: cfg.Now}
	if cfg.Now == nil {
		cfg.Now = time.Now
		f.now = cfg.Now
	}
	for i := range f.hops {
		if f.hops[i].Name == "" {
			f.hops[i].Name = f.hops[i].Model
		}
	}
	if err := validateHops(f.hops); err != nil {
		return nil, fmt.Errorf("llm: %w", err)
	}
	return f, nil
}

func validateHops(hops []Hop) error {
	var problems []error
	if n := len(hops); n < 1 || n > maxHops {
		problems = append(problems, fmt.Errorf("Hops must be between 1 and %d, were %d", maxHops, n))
	}
	names := make(map[string]bool, len(hops))
	for i, hop := range hops {
		if hop.Client == nil {
			problems = append(problems, fmt.Errorf("Hops[%d].Client must be set", i))
		}
		if names[hop.Name] {
			problems = append(problems, fmt.Errorf("Hops[%d].Name must be unique, was %.80q again", i, hop.Name))
		}
		names[hop.Name] = true
	}
	return errors.Join(problems...)
}

// Complete returns the first answer, whatever its FinishReason, with Tried
// filled. Any failure leads to the next model, a configuration error of one
// model too, and a budget that a cheaper one may still fit; the end of ctx, any
// other budget, and a client that returned part of an answer with its error do
// not. Without an answer the error is a
// *FailoverError, or ErrNoModel.
func (f *Failover) Complete(ctx context.Context, req Request) (Response, error) {
	hops := f.wanted(req)
	if len(hops) == 0 {
		return Response{}, ErrNoModel
	}
	failure := &FailoverError{}
	calls := 0
	for i, hop := range hops {
		if ctx.Err() != nil {
			break
		}
		resp, asked := f.ask(ctx, hop, req, len(hops)-i)
		failure.Tried = append(failure.Tried, asked.attempts...)
		calls += asked.calls
		if asked.err == nil {
			resp.Hop, resp.Tried, resp.Attempts = hop.Name, failure.Tried, calls
			return resp, nil
		}
		failure.Causes = append(failure.Causes, &hopError{name: hop.Name, err: asked.err})
		if isFinal(asked.err) || resp.Content != "" {
			return Response{}, failure
		}
	}
	if err := ctx.Err(); err != nil && !errors.Is(failure, err) {
		failure.Causes = append(failure.Causes, err)
	}
	return Response{}, failure
}

// wanted are the hops that a request admits.
func (f *Failover) wanted(req Request) []Hop {
	if len(req.Skip) == 0 && req.Only == "" {
		return f.hops
	}
	return slices.DeleteFunc(slices.Clone(f.hops), func(hop Hop) bool {
		return slices.Contains(req.Skip, hop.Name) || req.Only != "" && hop.Name != req.Only
	})
}

func (h Hop) model(req Request) string {
	if h.Model != "" {
		return h.Model
	}
	return req.Model
}

// asked is what became of one hop.
type asked struct {
	attempts []Attempt
	calls    int
	err      error
}

func (f *Failover) ask(parent context.Context, hop Hop, req Request, left int) (Response, asked) {
	req.Model = hop.model(req)
	ctx, cancel := share(parent, left)
	defer cancel()
	started := f.now()
	calls := &trail{now: f.now, endpoint: hop.Name}
	resp, err := hop.Client.Complete(context.WithValue(ctx, trailKey{}, calls), req)
	if err != nil && ctx.Err() != nil && parent.Err() == nil && errors.Is(err, ctx.Err()) {
		err = shareOver(req.Model, err)
	}
	attempts := calls.close()
	if len(attempts) > 0 {
		return resp, asked{attempts: attempts, calls: len(attempts), err: err}
	}
	if len(resp.Tried) > 0 {
		return resp, asked{attempts: resp.Tried, calls: resp.Attempts, err: err}
	}
	attempt := Attempt{Model: req.Model, Endpoint: hop.Name, Took: f.now().Sub(started), Usage: resp.Usage, Kind: kindOf(err)}
	made := 1
	if attempt.Kind == KindOther {
		made = 0
	}
	return resp, asked{attempts: []Attempt{attempt}, calls: made, err: err}
}

// share bounds a hop's time when others may need theirs.
func share(ctx context.Context, left int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok || left == 1 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
}

// shareOver keeps the end of a share from looking like the end of the caller's
// own context.
func shareOver(model string, err error) error {
	failure := &Error{Kind: KindTimeout, Model: model, Message: "no answer within its share of the time"}
	if cause, ok := errors.AsType[*Error](err); ok {
		failure.Err = cause
	}
	return failure
}

// isFinal says that another model would not help: nobody may spend more.
func isFinal(err error) bool {
	if budget, ok := errors.AsType[*BudgetError](err); ok {
		return !budget.OtherModel()
	}
	return errors.Is(err, ErrBudget)
}

func kindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if failure, ok := errors.AsType[*Error](err); ok {
		return failure.Kind
	}
	var timed interface{ Timeout() bool }
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timed) && timed.Timeout():
		return KindTimeout
	case errors.Is(err, context.Canceled):
		return KindTransport
	default:
		return KindOther
	}
}

// WithModel asks c for one model, whatever the request names.
func WithModel(c Client, model string) Client {
	return ClientFunc(func(ctx context.Context, req Request) (Response, error) {
		req.Model = model
		return c.Complete(ctx, req)
	})
}
