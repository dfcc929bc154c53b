package llmreplay

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/llm"
)

// Recorder asks a client and writes each call down once it has ended, with one
// Write per line. It is safe for concurrent use.
//
// What the client answers is passed on unchanged even when it cannot be
// recorded: an answer that was paid for is not lost to a full disk. The first
// such failure ends the recording and is kept for Err.
type Recorder struct {
	// Now stamps how long a call took; set it before the first call. Default
	// time.Now.
	Now func() time.Time

	client llm.Client
	max    limits
	mu     sync.Mutex
	w      io.Writer
	calls  int
	bytes  int64
	err    error
}

var _ llm.Client = (*Recorder)(nil)

// Record writes the header of a recording to w and records what client is
// asked from then on. The caller closes w, after the last call.
func Record(client llm.Client, w io.Writer) *Recorder { return record(client, w, standard()) }

func record(client llm.Client, w io.Writer, bounds limits) *Recorder {
	r := &Recorder{client: client, w: w, max: bounds}
	r.Now = time.Now
	data, err := jsonx.Marshal(header{Format: format, Schema: Schema})
	r.write(data, err)
	return r
}

// Complete asks the client.
func (r *Recorder) Complete(ctx context.Context, req llm.Request) (llm.Response, error) {
	started := r.Now()
	resp, err := r.client.Complete(ctx, req)
	asked := req
	asked.Account = "" // whose money it was is nobody's who reads the recording
	l := line{Request: asked, Took: max(r.Now().Sub(started), 0)}
	if err != nil {
		l.Error = describe(err)
	} else {
		l.Response = &resp
	}
	data, encodeErr := encodeLine(l)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return resp, err
	}
	r.calls++
	if encodeErr == nil && r.calls > r.max.calls {
		encodeErr = r.max.callsError()
	}
	r.write(data, encodeErr)
	return resp, err
}

// Err is why the recording is incomplete: the first call, or header, that
// could not be written. nil says that every call that returned is in it.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// encodeLine reads back what it wrote, so that no recording is refused later.
func encodeLine(l line) ([]byte, error) {
	var err error
	if l.Key, err = Key(l.Request); err != nil {
		return nil, err
	}
	data, err := jsonx.Marshal(l)
	if err != nil {
		return nil, err
	}
	_, err = decodeLine(data)
	return data, err
}

// write appends a line that was encoded without err.
func (r *Recorder) write(data []byte, err error) {
	size := r.bytes + int64(len(data)) + 1
	switch {
	case err != nil:
	case len(data) > r.max.line:
		err = r.max.lineError(len(data))
	case size > r.max.file:
		err = r.max.fileError(size)
	default:
		_, err = r.w.Write(append(data, '\n'))
		r.bytes = size
	}
	if err != nil {
		r.err = &LineError{Line: r.calls + 1, Err: err}
	}
}
