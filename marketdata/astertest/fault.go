package astertest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// Kind is what goes wrong. The zero value is invalid.
type Kind string

// What can go wrong with a request.
const (
	Slow        Kind = "slow"         // the answer takes Delay longer, in real time
	RateLimited Kind = "rate_limited" // 429 with -1003
	Banned      Kind = "banned"       // 418 for Delay of the exchange's time, default 2 minutes
	Broken      Kind = "broken"       // Status, default 500, with -1000; nothing was done
	Lost        Kind = "lost"         // 503 after the request was carried out
	TimedOut    Kind = "timed_out"    // 408 with -1007 after the request was carried out
	Refused     Kind = "refused"      // 400 with Code and Message
	Blocked     Kind = "blocked"      // 403 with a web page
	Truncated   Kind = "truncated"    // half the answer, then the connection is cut
	NotJSON     Kind = "not_json"     // the answer is text
	WrongJSON   Kind = "wrong_json"   // the answer is JSON of another shape
	// Cut ends the connection without an answer and does nothing. On one that
	// was used before, net/http sends a read again by itself.
	Cut      Kind = "cut"
	CutAfter Kind = "cut_after" // the same after the request was carried out
	Skewed   Kind = "skewed"    // the venue's clock is ahead by Delay, which may be negative, for all requests
)

// What can go wrong with a stream. Path is then matched against the name of
// the stream, or "user".
const (
	StreamDrop      Kind = "stream_drop"      // the connection ends in place of the event
	StreamLose      Kind = "stream_lose"      // the event is not sent
	StreamDuplicate Kind = "stream_duplicate" // the event is sent twice
	StreamReorder   Kind = "stream_reorder"   // the event is sent after the one that follows it on the connection
	StreamGarbage   Kind = "stream_garbage"   // half of the event is sent
)

// Fault is a script of something that goes wrong.
type Fault struct {
	Kind Kind
	// Path is a part of the paths that it concerns, such as "/klines".
	// Default all of them.
	Path   string
	Method string        // default any
	Times  int           // how often it happens; default always. Skewed ignores it
	After  time.Duration // of the exchange's time until it begins; default at once
	For    time.Duration // how long it lasts; default for ever
	Delay  time.Duration
	Status int // of Broken, 500 to 599
	Code   int // of Refused; default -1000
	// Message of Refused. Default the code.
	Message string
	// RetryAfter is sent with RateLimited, Banned and Broken, whole seconds.
	// Default not sent.
	RetryAfter time.Duration

	from, until time.Time // until zero: for ever
	times       int
}

// faults is what is scripted, and chance.
type faults struct {
	scripted []*Fault
	dice     *rand.Rand // nil: none
	rate     float64
}

const maxFaults = 1000

// Fault scripts something that goes wrong. Of several that concern a request,
// the first does. It panics when the fault makes no sense: that is a mistake
// in the test.
func (e *Exchange) Fault(f Fault) {
	if err := f.validate(); err != nil {
		panic("astertest: " + err.Error())
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settle()
	f.from, f.times = e.now.Add(f.After), f.Times
	if f.For > 0 {
		f.until = f.from.Add(f.For)
	}
	if len(e.faults.scripted) >= maxFaults {
		panic(fmt.Sprintf("astertest: at most %d faults can be scripted", maxFaults))
	}
	e.faults.scripted = append(e.faults.scripted, &f)
}

// Chaos lets a part of all requests and stream events, 0 to 1, go wrong in
// ways that a seed chooses: the same for the same order of requests. A rate of
// 0 ends it.
func (e *Exchange) Chaos(seed uint64, rate float64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults.rate = min(max(rate, 0), 1)
	e.faults.dice = rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // a script of faults, by a seed
}

// ClearFaults ends all faults and chaos, and bans.
func (e *Exchange) ClearFaults() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = faults{}
	e.limits.bannedUntil = time.Time{}
}

func (f *Fault) validate() error {
	switch f.Kind {
	case Slow, RateLimited, Banned, Lost, TimedOut, Refused, Blocked, Truncated, NotJSON, WrongJSON, Cut, CutAfter,
		Skewed, StreamDrop, StreamLose, StreamDuplicate, StreamReorder, StreamGarbage:
	case Broken:
		if f.Status != 0 && (f.Status < 500 || f.Status > 599) {
			return fmt.Errorf("Fault.Status must be between 500 and 599, was %d", f.Status)
		}
	default:
		return fmt.Errorf("Fault.Kind %.30q is unknown", string(f.Kind))
	}
	if f.Times < 0 || f.After < 0 || f.For < 0 || f.RetryAfter < 0 || f.Delay < 0 && f.Kind != Skewed {
		return fmt.Errorf("Fault.Times, After, For, RetryAfter and Delay must not be negative in %s", f.Kind)
	}
	return nil
}

func (f *Fault) stream() bool { return strings.HasPrefix(string(f.Kind), "stream_") }

// active reports whether the fault happens at a time.
func (f *Fault) active(now time.Time) bool {
	return !now.Before(f.from) && (f.until.IsZero() || now.Before(f.until)) && (f.Times == 0 || f.times > 0)
}

// next is what goes wrong with a request; nil: nothing.
func (f *faults) next(c *call, now time.Time) *Fault {
	for _, one := range f.scripted {
		if one.stream() || one.Kind == Skewed || !one.active(now) || !strings.Contains(c.path, one.Path) || one.Method != "" && one.Method != c.method {
			continue
		}
		one.times--
		return one
	}
	if f.dice == nil || f.dice.Float64() >= f.rate {
		return nil
	}
	kinds := [...]Kind{Slow, RateLimited, Broken, Lost, TimedOut, Blocked, Truncated, NotJSON, WrongJSON, Cut, CutAfter}
	return &Fault{Kind: kinds[f.dice.IntN(len(kinds))], Delay: 20 * time.Millisecond}
}

// nextStream is what goes wrong with an event; empty: nothing.
func (f *faults) nextStream(name string, now time.Time) Kind {
	for _, one := range f.scripted {
		if one.stream() && one.active(now) && strings.Contains(name, one.Path) {
			one.times--
			return one.Kind
		}
	}
	if f.dice == nil || f.dice.Float64() >= f.rate {
		return ""
	}
	kinds := [...]Kind{StreamDrop, StreamLose, StreamDuplicate, StreamReorder, StreamGarbage}
	return kinds[f.dice.IntN(len(kinds))]
}

// signingTime is what the venue takes for the time when it checks signatures
// and tells its time.
func (e *Exchange) signingTime() time.Time {
	now := e.now
	for _, f := range e.faults.scripted {
		if f.Kind == Skewed && f.active(e.now) {
			now = now.Add(f.Delay)
		}
	}
	return now
}

func (f *Fault) delay() time.Duration {
	if f == nil || f.Kind != Slow {
		return 0
	}
	return f.Delay
}

// before is the answer in place of carrying the request out.
func (f *Fault) before(e *Exchange, c *call) error {
	if f == nil {
		return nil
	}
	seconds := int(f.RetryAfter / time.Second)
	switch f.Kind {
	case RateLimited:
		err := tooMany("Too many requests.")
		err.retryAfter = seconds
		return err
	case Banned:
		length := f.Delay
		if length == 0 {
			length = firstBan
		}
		e.limits.ban(e.now, length)
		err := banned(e.limits.bannedUntil)
		err.retryAfter = seconds
		return err
	case Broken:
		status := f.Status
		if status == 0 {
			status = http.StatusInternalServerError
		}
		return &apiError{status: status, code: -1000, message: "An unknown error occurred while processing the request.", retryAfter: seconds}
	case Refused:
		code := f.Code
		if code == 0 {
			code = -1000
		}
		message := f.Message
		if message == "" {
			message = fmt.Sprintf("Error %d of %s.", code, c.path)
		}
		return fail(code, "%s", message)
	case Blocked, Cut:
		return fail(0, "%s", f.Kind) // spoil replaces it
	default:
		return nil
	}
}

// after is the answer in place of the result.
func (f *Fault) after() error {
	switch {
	case f == nil:
		return nil
	case f.Kind == Lost:
		return &apiError{status: http.StatusServiceUnavailable, code: -1000, message: "Unknown error, please check your request or try again later."}
	case f.Kind == TimedOut:
		return &apiError{
			status: http.StatusRequestTimeout, code: -1007,
			message: "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
		}
	}
	return nil
}

// spoil changes an answer on its way.
func (f *Fault) spoil(a *answer) {
	if f == nil {
		return
	}
	switch f.Kind {
	case Blocked:
		a.status, a.code = http.StatusForbidden, 0
		a.body = []byte("<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1></body></html>")
		a.header.Set("Content-Type", "text/html")
	case Truncated:
		a.truncate = true
	case NotJSON:
		a.body = []byte("upstream connect error")
	case WrongJSON:
		a.body = []byte(`{"unexpected":[1,{"shape":null}]}`)
	case Cut, CutAfter:
		a.cut, a.code = true, 0
	default:
	}
}
