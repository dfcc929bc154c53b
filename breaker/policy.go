package breaker

import (
	"context"
	"sync"
)

// Policy guards the calls to one endpoint and model. It is safe for
// concurrent use; make it with New.
type Policy struct {
	*core

	cfg   Config
	slots sync.Pool // of *slot
}

// New checks the configuration; the error joins all its problems.
func New(cfg Config) (*Policy, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Policy{core: newCore(cfg), cfg: cfg}, nil
}

// Do calls fn under the policy p: refused while the circuit is open, retried,
// and ended on time even when fn ignores its context, which ends when fn
// returns. fn runs on another goroutine; a second run may begin while one that
// timed out has not returned.
//
// The error is *OpenError (not called), ErrStopped, *ExhaustedError (every
// attempt failed, or the next would not fit), the context's error when the
// caller's context ended, or fn's own when it is ClassExcluded or
// ClassBlocked. With an error the value is zero.
//
// A caller's deadline that cuts an attempt counts as a timeout once the attempt
// ran for the lesser of 5 s and half of AttemptTimeout; as a half-open
// circuit's probe, 2 s and a third. A shorter deadline says nothing about the
// provider and does not count, so no caller opens the circuit by impatience
// alone. After a probe that proved nothing (cut short, cancelled or
// ClassExcluded) the next is refused for a tenth of RecoveryTimeout, at most
// 30 s.
func Do[T any](ctx context.Context, p *Policy, fn func(context.Context) (T, error)) (T, error) {
	var value T
	err := p.do(ctx, func(t trial) error {
		got, err := attempt(ctx, p, t.begun, t.limit, fn)
		if err == nil {
			value = got
		}
		return err
	})
	return value, err
}

// Wrap makes a function of any seam one that Do calls.
func Wrap[Req, Resp any](p *Policy, fn func(context.Context, Req) (Resp, error)) func(context.Context, Req) (Resp, error) {
	return func(ctx context.Context, req Req) (Resp, error) {
		return Do(ctx, p, func(ctx context.Context) (Resp, error) { return fn(ctx, req) })
	}
}

// do is Do without the value.
func (p *Policy) do(ctx context.Context, try func(trial) error) error {
	if err := over(ctx); err != nil {
		return err
	}
	if refusal := p.cooldown(); refusal != nil {
		return p.refuse(refusal)
	}
	var called bool
	var err error
	var idling *OpenError
	_, refused := p.circuit.Load().breaker.Execute(func() (struct{}, error) {
		if idling = p.idling(); idling != nil {
			return struct{}{}, &outcome{class: ClassExcluded, unmade: true, reason: idling.Reason}
		}
		called = true
		probing := !p.isClosed()
		var o *outcome
		o, err = p.request(ctx, try)
		if probing && o != nil && o.class == ClassExcluded && !o.unmade {
			p.idle()
		}
		p.tally.count(o, p.stamp)
		return struct{}{}, o.err()
	})
	switch {
	case idling != nil:
		return p.refuse(idling)
	case !called:
		return p.refuse(p.refusal(refused))
	}
	return err
}

// refuse counts a call that is not made.
func (p *Policy) refuse(why *OpenError) error {
	p.tally.reject()
	if p.crew.hasStopped() {
		return ErrStopped
	}
	return why
}

// start counts an attempt in, or says why none may start.
func (p *Policy) start() error {
	switch stopped, full := p.crew.start(); {
	case stopped:
		return ErrStopped
	case full:
		return &OpenError{Name: p.name, Phase: p.look(), Reason: "too many abandoned calls have not returned"}
	}
	return nil
}
