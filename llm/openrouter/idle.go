package openrouter

import (
	"context"
	"errors"
	"io"
	"time"
)

var errIdle = errors.New("openrouter: nothing but white space and comments came in time")

// idle cancels its context when no byte that matters came for a while. One
// goroutine reads; the timer is the only other party.
type idle struct {
	ctx    context.Context //nolint:containedctx // lives exactly as long as the call that made it
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration
}

func startIdle(parent context.Context, limit time.Duration) *idle {
	ctx, cancel := context.WithCancelCause(parent)
	return &idle{ctx: ctx, cancel: cancel, limit: limit, timer: time.AfterFunc(limit, func() { cancel(errIdle) })}
}

func (i *idle) stop() {
	i.timer.Stop()
	i.cancel(nil)
}

// shorten lowers the limit, for a rest that is wanted but not needed.
func (i *idle) shorten(limit time.Duration) {
	i.limit = min(i.limit, limit)
	i.active()
}

func (i *idle) active() { i.timer.Reset(i.limit) }

// expired reports that the limit, not the caller, ended the call.
func (i *idle) expired() bool { return context.Cause(i.ctx) == errIdle } //nolint:errorlint // identity: only our own timer sets it

// activity passes bytes on and tells the watch of those that matter.
type activity struct {
	from      io.Reader
	watch     *idle
	comments  bool // lines that start with ':' do not matter
	midLine   bool
	inComment bool
}

// Read reads from the body.
func (a *activity) Read(p []byte) (int, error) {
	n, err := a.from.Read(p)
	if a.matters(p[:n]) {
		a.watch.active()
	}
	return n, err
}

func (a *activity) matters(p []byte) bool {
	found := false
	for _, b := range p {
		switch {
		case b == '\n' || b == '\r':
			a.midLine, a.inComment = false, false
		case b == ':' && !a.midLine && a.comments:
			a.midLine, a.inComment = true, true
		case b == ' ' || b == '\t' || a.inComment:
		default:
			a.midLine, found = true, true
		}
	}
	return found
}
