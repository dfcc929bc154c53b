package astertest

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Request is one request that the exchange has answered.
type Request struct {
	Method, Path string // without the query, which may hold a signature
	Status       int    // 0: the connection was cut
	Code         int    // of the venue's error; 0: none
	Weight       int
	Signed       bool // a signature was sent
	At           time.Time
}

// auth is what an endpoint wants to see.
type auth int

const (
	public auth = iota
	keyed       // the key's header on V1, a signature on V3
	signed
)

// endpoint is one method of one path.
type endpoint struct {
	auth   auth
	trades bool // read-only agents and keys may not
	orders func(*call) int
	weight func(*call) int
	handle func(*Exchange, *call) (any, error)
}

// answer is what goes back.
type answer struct {
	status, code int
	body         []byte
	header       http.Header
	cut          bool // the connection, in place of an answer
	truncate     bool // the body, halfway
	signed       bool
	weight       int
	delay        time.Duration // real time
}

const (
	maxBody     = 1 << 20
	maxRequests = 10_000
)

// ServeHTTP is the venue: REST and, below /ws and /stream, the streams. New
// serves it already; it is for tests that need no network.
func (e *Exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !e.enter() {
		panic(http.ErrAbortHandler)
	}
	defer e.tasks.Done()
	if r.URL.Path == "/stream" || r.URL.Path == "/ws" || strings.HasPrefix(r.URL.Path, "/ws/") {
		e.serveStream(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	a := e.answer(readCall(r, string(body)))
	if !e.wait(r, a.delay) || a.cut {
		panic(http.ErrAbortHandler)
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if a.truncate { // the server cuts a connection that has less to send than promised
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
		a.body = a.body[:len(a.body)/2]
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) //nolint:errcheck // the client has gone
}

func readCall(r *http.Request, body string) *call {
	c := &call{method: r.Method, path: r.URL.Path, query: r.URL.RawQuery, body: body, key: r.Header.Get("X-MBX-APIKEY")}
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		c.ip = from.Addr()
	}
	return c
}

// wait reports whether the client is still there after a real time.
func (e *Exchange) wait(r *http.Request, delay time.Duration) bool {
	if delay <= 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-e.ended:
	}
	return false
}

// answer handles one request, at one instant.
func (e *Exchange) answer(c *call) answer {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settle()
	a := answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, delay: e.cfg.Latency}
	a.signed = strings.Contains(c.query+c.body, "signature=")
	fault := e.faults.next(c, e.now)
	a.delay += fault.delay()
	result, err := e.perform(c, &a, fault)
	var refused *apiError
	switch {
	case errors.As(err, &refused):
		a.status, a.code, a.body = refused.status, refused.code, encode(refused.object())
		if refused.retryAfter > 0 {
			a.header.Set("Retry-After", strconv.Itoa(refused.retryAfter))
		}
	case a.body == nil:
		a.body = encode(result)
	}
	fault.spoil(&a)
	a.header.Set("X-Mbx-Used-Weight-1m", strconv.Itoa(e.limits.used))
	e.record(c, a)
	return a
}

// perform goes through the venue's gates in its order.
func (e *Exchange) perform(c *call, a *answer, fault *Fault) (any, error) {
	if err := c.parse(); err != nil {
		return nil, err
	}
	route, found := e.routes[c.method+" "+c.path]
	if !found {
		return nil, &apiError{status: http.StatusNotFound, code: -5000, message: "Path " + c.path + ", Method " + c.method + " is invalid"}
	}
	a.weight = route.weight(c)
	if err := e.limits.admit(e.now, a.weight); err != nil {
		return nil, err
	}
	if err := fault.before(e, c); err != nil {
		return nil, err
	}
	if route.auth != public {
		if err := e.authenticate(c, route.auth); err != nil {
			return nil, err
		}
	}
	if route.trades && c.readOnly {
		return nil, errPermission()
	}
	if route.orders != nil {
		if err := e.limits.countOrders(c.account, route.orders(c)); err != nil {
			return nil, err
		}
		a.header.Set("X-Mbx-Order-Count-1m", strconv.Itoa(e.limits.ordersUsed[c.account]))
	}
	result, err := route.handle(e, c)
	if late := fault.after(); late != nil {
		return nil, late
	}
	return result, err
}

func (e *Exchange) record(c *call, a answer) {
	if len(e.log) >= maxRequests {
		e.log = slices.Delete(e.log, 0, maxRequests/4)
	}
	status := a.status
	if a.cut {
		status = 0
	}
	path := c.path
	if len(path) > 200 {
		path = path[:200]
	}
	e.log = append(e.log, Request{Method: c.method, Path: path, Status: status, Code: a.code, Weight: a.weight, Signed: a.signed, At: e.now})
}

// Requests are the last 10,000 REST requests, oldest first. They hold no
// parameters.
func (e *Exchange) Requests() []Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.log)
}
