package llmreplay

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/llm"
)

// ErrNotRecorded says that a recording has no answer, or no further answer, to
// a request. The error that Complete returns also is a *NotRecordedError.
var ErrNotRecorded = errors.New("llmreplay: not recorded")

// NotRecordedError is a request that a recording cannot answer.
type NotRecordedError struct {
	Key      string // of the request; empty: it can have none
	Recorded int    // how many answers there were, all given
}

// Error names the beginning of the key.
func (e *NotRecordedError) Error() string { return "llmreplay: " + e.message() }

func (e *NotRecordedError) message() string {
	switch {
	case e.Key == "":
		return "the request cannot be encoded, so it was not recorded"
	case e.Recorded > 0:
		return fmt.Sprintf("request %.12s was recorded %d times and asked once more", e.Key, e.Recorded)
	default:
		return fmt.Sprintf("request %.12s was not recorded", e.Key)
	}
}

// Unwrap is ErrNotRecorded.
func (e *NotRecordedError) Unwrap() error { return ErrNotRecorded }

// LineError is what is wrong with a line of a recording.
type LineError struct {
	Line int // from 1, the header
	Err  error
}

// Error names the line.
func (e *LineError) Error() string { return fmt.Sprintf("llmreplay: line %d: %s", e.Line, e.Err) }

// Unwrap is the cause.
func (e *LineError) Unwrap() error { return e.Err }

// Player answers from a recording and asks nobody. It is safe for concurrent
// use.
type Player struct {
	mu     sync.Mutex
	tracks map[string]*track
}

// track is what a request was answered, in recorded order.
type track struct {
	answers []answer
	given   int
}

// answer is one recorded outcome; failure is nil for a response.
type answer struct {
	response llm.Response
	failure  *failure
}

var _ llm.Client = (*Player)(nil)

// Open reads a whole recording of at most MaxFileBytes, MaxCalls and
// MaxLineBytes a line. Anything that a Recorder would not have written is a
// *LineError; an error of r is wrapped.
func Open(r io.Reader) (*Player, error) { return open(r, standard()) }

func open(r io.Reader, bounds limits) (*Player, error) {
	source := &io.LimitedReader{R: r, N: bounds.file + 1}
	scanner := bufio.NewScanner(source)
	scanner.Buffer(nil, bounds.line+2) // with its end, which may be CR LF
	p := &Player{tracks: map[string]*track{}}
	number := 0
	var err error
	for err == nil && scanner.Scan() {
		number++
		err = p.read(number, scanner.Bytes(), bounds)
	}
	switch {
	case source.N <= 0:
		err = bounds.fileError(bounds.file + 1)
	case errors.Is(scanner.Err(), bufio.ErrTooLong):
		number++
		err = bounds.lineError(bounds.line + 1)
	case scanner.Err() != nil:
		return nil, fmt.Errorf("llmreplay: %w", scanner.Err())
	case number == 0:
		number, err = 1, errors.New("is missing")
	}
	if err != nil {
		return nil, &LineError{Line: number, Err: err}
	}
	return p, nil
}

func (p *Player) read(number int, data []byte, bounds limits) error {
	if number == 1 {
		var h header
		if err := jsonx.Unmarshal(data, &h); err != nil {
			return err
		}
		return h.check()
	}
	switch {
	case len(data) > bounds.line:
		return bounds.lineError(len(data))
	case number > bounds.calls+1:
		return bounds.callsError()
	}
	l, err := decodeLine(data)
	if err != nil {
		return err
	}
	t := p.tracks[l.Key]
	if t == nil {
		t = &track{}
		p.tracks[l.Key] = t
	}
	a := answer{failure: l.Error}
	if l.Response != nil {
		a.response = *l.Response
	}
	t.answers = append(t.answers, a)
	return nil
}

// Complete gives the next answer that was recorded for an equal request, at
// once. Without one the error is an *llm.Error of KindConfig that wraps
// ErrNotRecorded; after the end of ctx it is the context's, and no answer is
// used up.
func (p *Player) Complete(ctx context.Context, req llm.Request) (llm.Response, error) {
	if err := ctx.Err(); err != nil {
		return llm.Response{}, fmt.Errorf("llmreplay: %w", err)
	}
	key, err := Key(req)
	if err != nil {
		return llm.Response{}, notRecorded(req, &NotRecordedError{}, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tracks[key]
	switch {
	case t == nil:
		return llm.Response{}, notRecorded(req, &NotRecordedError{Key: key}, nil)
	case t.given == len(t.answers):
		return llm.Response{}, notRecorded(req, &NotRecordedError{Key: key, Recorded: t.given}, nil)
	}
	a := t.answers[t.given]
	t.given++
	if a.failure != nil {
		return llm.Response{}, a.failure.err()
	}
	return a.response, nil
}

func notRecorded(req llm.Request, missing *NotRecordedError, cause error) error {
	return &llm.Error{
		Kind: llm.KindConfig, Endpoint: "replay", Model: req.Model, Message: missing.message(), Err: errors.Join(missing, cause),
	}
}
