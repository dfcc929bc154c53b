package aster

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// authKind is what a request must carry.
type authKind int

const (
	public authKind = iota // nothing
	keyed                  // APIV1: the key's header alone; APIV3: as signed
	signed                 // a signature
)

// param is one parameter, not yet encoded.
type param struct{ name, value string }

const (
	defaultBodyLimit = 8 << 20
	firstDelay       = 200 * time.Millisecond // longest wait before the second attempt
	maxDelay         = 5 * time.Second
)

// call is one request to the venue, whatever the generation of its interface.
type call struct {
	method string
	path   string // "/klines": joined to /fapi/v3 or /fapi/v1
	pathV1 string // "/fapi/v4/account": the whole path on APIV1 when it differs
	params []param
	weight int // what the venue counts it as, ≥ 1
	auth   authKind
	write  bool  // changes something: sent at most once
	limit  int64 // bound on the answer's bytes; default 8 MiB
}

func (cl *call) encoded() string {
	var out strings.Builder
	for i, p := range cl.params {
		if i > 0 {
			out.WriteByte('&')
		}
		out.WriteString(url.QueryEscape(p.name))
		out.WriteByte('=')
		out.WriteString(url.QueryEscape(p.value))
	}
	return out.String()
}

func (c *Client) pathOf(cl *call) string {
	if c.api == APIV1 && cl.pathV1 != "" {
		return cl.pathV1
	}
	return "/fapi/" + string(c.api) + cl.path
}

// do makes one call and decodes its answer into out: nil wants none, a
// *[]byte the bytes as they are, anything else decode. A failure is an *Error,
// or wraps the error of ctx when ctx ended first; that of a write that was
// sent is always an *Error. out is not changed by a failure of the venue.
func (c *Client) do(ctx context.Context, cl call, out any) error {
	req := c.request(cl)
	if cl.auth != public && c.cfg.Signer == nil {
		return req.fail(KindAuth, 0, "the client has no Signer")
	}
	body, err := c.repeat(ctx, req)
	if err != nil {
		return err
	}
	return req.read(body, out)
}

func (c *Client) request(cl call) *request {
	req := &request{client: c, call: cl, path: c.pathOf(&cl), params: cl.encoded()}
	req.op = cl.method + " " + req.path
	if req.call.limit == 0 {
		req.call.limit = defaultBodyLimit
	}
	return req
}

// repeat makes attempts until one is answered, or the next would not help.
func (c *Client) repeat(ctx context.Context, req *request) ([]byte, error) {
	var resynchronised bool
	var before *Error
	for attempt := 1; ; attempt++ {
		body, err := c.attempt(ctx, req)
		var failure *Error
		if err == nil || !errors.As(err, &failure) {
			return body, err
		}
		if before != nil && (failure.Kind == KindCircuit || failure.Kind == KindRateLimit) && failure.final {
			return nil, before // says more than that another attempt could not be made
		}
		before = failure
		if failure.Kind == KindClock && req.timed() {
			c.clock.distrust(req.epoch)
			if req.call.write || resynchronised {
				return nil, err
			}
			resynchronised = true
			continue
		}
		if req.call.write || attempt >= c.cfg.Attempts || !failure.repeatable() || !pause(ctx, backoff(attempt)) {
			return nil, err
		}
	}
}

// backoff is a random part of a bound that doubles, so that callers that
// failed together do not come back together.
func backoff(attempt int) time.Duration {
	bound := min(firstDelay<<(attempt-1), maxDelay)
	return rand.N(bound) + 1 //nolint:gosec // jitter
}

// pause reports whether wait passed; it does not begin a wait that ctx would
// not outlast.
func pause(ctx context.Context, wait time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// isGet tells where parameters go: the query of a GET, the body of the rest.
func (cl *call) isGet() bool { return cl.method == http.MethodGet }
