package aster

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"

	"github.com/ballast-go/ballast/internal/httpx"
)

// request is a call on its way: what its attempts share and its errors need.
type request struct {
	client           *Client
	call             call
	op, path, params string
	secrets          []string  // of the latest attempt, to be kept out of errors
	sent, received   time.Time // of the latest attempt, by our clock
	status           int       // of the latest answer
	epoch            int       // of the clock that the latest attempt was signed by
}

// attempt waits until the request may be sent, sends it once, and reads the
// answer.
func (c *Client) attempt(ctx context.Context, req *request) ([]byte, error) {
	if req.timed() {
		if err := c.measureIfDue(ctx); err != nil {
			return nil, err
		}
	}
	if err := c.circuit.check(); err != nil {
		return nil, req.failCircuit(err)
	}
	c.queued.Add(1)
	select {
	case c.slots <- struct{}{}:
		c.queued.Add(-1)
	case <-ctx.Done():
		c.queued.Add(-1)
		return nil, req.ended(ctx)
	}
	defer func() { <-c.slots }()
	minute, err := c.budget.reserve(ctx, req.call.weight, c.venueNow)
	if err != nil {
		return nil, req.failBudget(ctx, err)
	}
	report, err := c.circuit.allow()
	if err != nil {
		return nil, req.failCircuit(err)
	}
	said := attemptExcluded // what stays when a RoundTripper panics
	defer func() { report(said) }()
	body, said, err := c.send(ctx, req, minute)
	return body, err
}

func (c *Client) send(ctx context.Context, req *request, minute int64) ([]byte, outcome, error) {
	limited, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	httpReq, err := req.build(httptrace.WithClientTrace(limited, c.weighRepeats(req.call.weight)))
	if err != nil {
		return nil, attemptExcluded, err
	}
	if ctx.Err() != nil { // a write that is not begun has a known outcome
		return nil, attemptExcluded, req.ended(ctx)
	}
	req.sent, req.status = c.cfg.Now(), 0
	resp, err := c.http.Do(httpReq)
	if err != nil {
		return req.failTransport(ctx, err)
	}
	defer resp.Body.Close() //nolint:errcheck // the body was read as far as it is wanted
	req.status = resp.StatusCode
	c.budget.observe(minute, resp.Header, c.venueNow())
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, outcomeOfStatus(req.status), req.failStatus(ctx, resp)
	}
	body, err := httpx.ReadAll(resp.Body, req.call.limit)
	req.received = c.cfg.Now()
	switch {
	case httpx.IsTooLarge(err):
		return nil, attemptAnswered, req.unreadable(err)
	case err != nil:
		return req.failTransport(ctx, err)
	}
	if failure := req.failInside(ctx, body); failure != nil {
		return nil, attemptAnswered, failure
	}
	return body, attemptAnswered, nil
}

// weighRepeats takes weight for each time that net/http by itself sends a read
// again, which it does when a connection that was used before breaks. Without
// weight left, the next connection is closed before anything is written. Others
// share a connection of HTTP/2, which repeats only what the venue did not take.
func (c *Client) weighRepeats(weight int) *httptrace.ClientTrace {
	tries := 0
	return &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if tries++; tries == 1 {
			return
		}
		_, wait, err := c.budget.take(weight, c.venueNow())
		if encrypted, ok := info.Conn.(*tls.Conn); ok && encrypted.ConnectionState().NegotiatedProtocol == "h2" {
			return
		}
		if err != nil || wait > 0 {
			_ = info.Conn.Close() //nolint:errcheck // it is not used again either way
		}
	}}
}

// build signs and addresses one attempt. What is signed is what is sent.
func (req *request) build(ctx context.Context) (*http.Request, error) {
	c := req.client
	params, header, err := req.sign()
	if err != nil {
		return nil, err
	}
	address := c.cfg.Network.REST + req.path
	body := ""
	switch {
	case !req.call.isGet():
		body = params
	case params != "":
		address += "?" + params
	}
	httpReq, err := http.NewRequestWithContext(ctx, req.call.method, address, strings.NewReader(body))
	if err != nil {
		return nil, req.fail(KindInvalid, 0, "the request cannot be built")
	}
	if req.call.isGet() {
		httpReq.Body, httpReq.GetBody = http.NoBody, nil
	} else {
		httpReq.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	httpReq.Header.Set("Accept", "application/json")
	httpReq.Header.Set("User-Agent", "ballast")
	for name, values := range header {
		httpReq.Header[http.CanonicalHeaderKey(name)] = values
	}
	return httpReq, nil
}

// timed reports whether the request carries the venue's time. The APIV1 key
// alone does not.
func (req *request) timed() bool {
	return req.call.auth == signed || req.call.auth == keyed && req.client.api == APIV3
}

func (req *request) sign() (string, http.Header, error) {
	c := req.client
	req.secrets = nil
	if req.call.auth == public {
		return req.params, nil, nil
	}
	now, epoch := c.clock.venueNow()
	req.epoch = epoch
	s, err := c.cfg.Signer.Sign(req.params, now)
	if err != nil {
		failure := req.fail(KindAuth, 0, "the Signer failed")
		failure.Err = err
		return "", nil, failure
	}
	req.secrets = secretsOf(s)
	if !req.timed() {
		return req.params, s.Header, nil
	}
	return s.Params, s.Header, nil
}

// secretsOf is what a server that echoes a request must not get into errors.
func secretsOf(s Signed) []string {
	var out []string
	if _, signature, found := strings.Cut(s.Params, "signature="); found {
		signature, _, _ = strings.Cut(signature, "&")
		out = append(out, signature, strings.TrimPrefix(signature, "0x"))
	}
	for _, values := range s.Header {
		out = append(out, values...)
	}
	return out
}
