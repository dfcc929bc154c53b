package llm

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// maxRungs bounds what a Ladder remembers. A host asks a handful of models.
const maxRungs = 256

// Ladder asks for an answer's structure in the strictest way that the endpoint
// takes: a JSON schema, then a JSON object, then plain text. Where the endpoint
// does not know the schema, the system message ends in it. It is safe for
// concurrent use.
//
// It steps down only when the endpoint rejects the format
// (Error.FormatRejected), by one more call in the same context, and remembers
// for its own lifetime, per model, what was rejected, unless all three were.
type Ladder struct {
	client Client

	mu    sync.Mutex
	rungs map[string]Format
}

var _ Client = (*Ladder)(nil)

// NewLadder is a ladder around one endpoint's client.
func NewLadder(c Client) *Ladder { return &Ladder{client: c, rungs: make(map[string]Format)} }

// Complete asks; a request without a schema, or with a Format of its own,
// takes one step alone.
func (l *Ladder) Complete(ctx context.Context, req Request) (Response, error) {
	if req.Schema == nil || req.Format != "" {
		return l.client.Complete(ctx, inWords(req))
	}
	for format := l.rung(req.Model); ; format = below(format) {
		req.Format = format
		resp, err := l.client.Complete(ctx, inWords(req))
		if err == nil || !rejectsFormat(err) {
			return resp, err
		}
		if format == FormatText { // it rejects plain text, so it means something else
			l.forget(req.Model)
			return resp, err
		}
		l.remember(req.Model, below(format))
		if ctx.Err() != nil {
			return resp, err
		}
	}
}

func below(format Format) Format {
	if format == FormatSchema {
		return FormatObject
	}
	return FormatText
}

func rejectsFormat(err error) bool {
	failure, ok := errors.AsType[*Error](err)
	return ok && failure.Kind == KindConfig && failure.FormatRejected
}

func (l *Ladder) rung(model string) Format {
	l.mu.Lock()
	defer l.mu.Unlock()
	if format, ok := l.rungs[model]; ok {
		return format
	}
	return FormatSchema
}

func (l *Ladder) forget(model string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.rungs, model)
}

func (l *Ladder) remember(model string, format Format) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known, ok := l.rungs[model]
	if known == FormatText { // a call beside this one came further down
		return
	}
	if !ok && len(l.rungs) >= maxRungs {
		clear(l.rungs) // costs each model its rejected calls once more
	}
	l.rungs[model] = format
}

// inWords tells the model the schema that its endpoint does not.
func inWords(req Request) Request {
	if req.Schema == nil || req.Format != FormatObject && req.Format != FormatText {
		return req
	}
	words := "Answer with exactly one JSON object and nothing around it. The object must be valid under this JSON schema:\n" +
		string(req.Schema.JSON)
	req.Messages = slices.Clone(req.Messages)
	if len(req.Messages) > 0 && req.Messages[0].Role == RoleSystem {
		req.Messages[0].Content += "\n\n" + words
		return req
	}
	req.Messages = slices.Insert(req.Messages, 0, Message{Role: RoleSystem, Content: words})
	return req
}
