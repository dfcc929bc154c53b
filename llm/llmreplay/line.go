package llmreplay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/secret"
)

// Schema is the version of the recordings that this package writes and reads.
const Schema = 1

// Bounds of a recording. A Recorder stops before it exceeds one.
const (
	MaxLineBytes = 16 << 20
	MaxCalls     = 100_000
	MaxFileBytes = 256 << 20
)

// limits are the bounds as values, so that tests can lower them.
type limits struct {
	line, calls int
	file        int64
}

func standard() limits { return limits{line: MaxLineBytes, calls: MaxCalls, file: MaxFileBytes} }

func (l limits) lineError(was int) error {
	return fmt.Errorf("must have at most %d bytes, had %d or more", l.line, was)
}

func (l limits) callsError() error {
	return fmt.Errorf("must be the last of at most %d calls", l.calls)
}

func (l limits) fileError(was int64) error {
	return fmt.Errorf("must end within %d bytes of the recording, which had %d or more", l.file, was)
}

const format = "ballast-llm"

// secrets is what looks like a key (sk-…), a token after Bearer or Basic, or a
// JWT (eyJ…).
const secrets = `(?i)\b(bearer|basic)\s+\S+|\b(sk[-_]|eyj)[\w.+/=~*…-]{8,}`

// redact repeats for a recording what an adapter does for its own messages:
// other clients may not. The adapters' code would bring their transport along.
func redact(message string) string {
	return regexp.MustCompile(secrets).ReplaceAllLiteralString(message, secret.Redacted)
}

type header struct {
	Format string `json:"format"`
	Schema int    `json:"schema"`
}

func (h header) check() error {
	if h.Format != format || h.Schema != Schema {
		return fmt.Errorf("must be a recording of format %q, schema %d, was %.40q, %d", format, Schema, h.Format, h.Schema)
	}
	return nil
}

// line is one call.
type line struct {
	Key      string        `json:"key"`
	Request  llm.Request   `json:"request"`
	Response *llm.Response `json:"response,omitempty"`
	Error    *failure      `json:"error,omitempty"`
	Took     time.Duration `json:"took_ns"`
}

// failure is an *llm.Error, a context's error, both, or the type of another.
type failure struct {
	Kind         llm.Kind      `json:"kind,omitempty"` // empty: it was no *llm.Error
	Endpoint     string        `json:"endpoint,omitempty"`
	Model        string        `json:"model,omitempty"`
	Status       int           `json:"status,omitzero"`
	Message      string        `json:"message,omitempty"`
	Wait         time.Duration `json:"wait_ns,omitzero"`
	GenerationID string        `json:"generation_id,omitempty"`

	FormatRejected bool         `json:"format_rejected,omitzero"`
	Partial        bool         `json:"partial,omitzero"`
	Context        contextError `json:"context,omitempty"`
	Type           string       `json:"type,omitempty"` // of an error that is neither
}

// contextError names the error of a context. Empty is none.
type contextError string

const (
	contextCanceled contextError = "canceled"
	contextDeadline contextError = "deadline_exceeded"
)

// Key is the identity of a request: the SHA-256 of its JSON in hexadecimal.
// Equal requests have equal keys; white space in the schema and trailing zeros
// of the temperature make no difference, nor does the account. A request that is not valid UTF-8, or
// whose schema is not JSON, has none.
func Key(req llm.Request) (string, error) {
	req.Account = ""
	data, err := jsonx.Marshal(req)
	if err != nil {
		return "", fmt.Errorf("llmreplay: request: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// decodeLine reads one call, strictly.
func decodeLine(data []byte) (line, error) {
	var l line
	if err := jsonx.Unmarshal(data, &l); err != nil {
		return line{}, err
	}
	key, err := Key(l.Request)
	switch {
	case err != nil:
		return line{}, err
	case l.Key != key:
		return line{}, fmt.Errorf("key must be the request's, %s, was %.64q", key, l.Key)
	case l.Request.Account != "":
		return line{}, errors.New("request.account must be empty")
	case (l.Response == nil) == (l.Error == nil):
		return line{}, errors.New("must have either a response or an error")
	case l.Took < 0:
		return line{}, fmt.Errorf("took_ns must not be negative, was %d", l.Took)
	case l.Error != nil:
		return l, l.Error.check()
	}
	return l, nil
}

func (f *failure) check() error {
	kinds := []llm.Kind{
		"", llm.KindConfig, llm.KindAuth, llm.KindPayment, llm.KindForbidden, llm.KindRateLimited,
		llm.KindTimeout, llm.KindServer, llm.KindTransport, llm.KindMalformed, llm.KindModel, llm.KindOther,
	}
	switch {
	case !slices.Contains(kinds, f.Kind):
		return fmt.Errorf("error.kind must be one of %q, was %.40q", kinds[1:], f.Kind)
	case !slices.Contains([]contextError{"", contextCanceled, contextDeadline}, f.Context):
		return fmt.Errorf("error.context must be %s or %s, was %.40q", contextCanceled, contextDeadline, f.Context)
	case (f.Kind == "" && f.Context == "") == (f.Type == ""):
		return errors.New("error must have a kind, a context or else a type")
	case f.Kind == "" && *f != failure{Context: f.Context, Type: f.Type}:
		return errors.New("error must have a kind to have anything but a context or a type")
	case f.Wait < 0:
		return fmt.Errorf("error.wait_ns must not be negative, was %d", f.Wait)
	}
	return nil
}

// describe takes of an error what a recording may hold. An error of unknown
// type could say anything, a secret included, so only its type is kept.
func describe(err error) *failure {
	f := &failure{}
	switch {
	case errors.Is(err, context.Canceled):
		f.Context = contextCanceled
	case errors.Is(err, context.DeadlineExceeded):
		f.Context = contextDeadline
	}
	known, ok := errors.AsType[*llm.Error](err)
	switch {
	case ok:
		f.Kind, f.Endpoint, f.Model, f.Status = known.Kind, known.Endpoint, known.Model, known.Status
		f.Message, f.Wait, f.GenerationID = redact(known.Message), known.Wait, known.GenerationID
		f.FormatRejected, f.Partial = known.FormatRejected, known.Partial
	case f.Context == "":
		f.Type = fmt.Sprintf("%T", err)
	}
	return f
}

// err is the error again.
func (f *failure) err() error {
	var cause error
	switch f.Context {
	case contextCanceled:
		cause = context.Canceled
	case contextDeadline:
		cause = context.DeadlineExceeded
	}
	switch {
	case f.Kind != "":
		return &llm.Error{
			Kind: f.Kind, Endpoint: f.Endpoint, Model: f.Model, Status: f.Status, Message: f.Message, Wait: f.Wait,
			GenerationID: f.GenerationID, FormatRejected: f.FormatRejected, Partial: f.Partial, Err: cause,
		}
	case cause != nil:
		return fmt.Errorf("llmreplay: %w", cause)
	default:
		return &OtherError{Type: f.Type}
	}
}

// OtherError stands for a recorded error that was neither an *llm.Error nor a
// context's, of which nothing but the type was written down.
type OtherError struct{ Type string }

// Error names the type.
func (e *OtherError) Error() string {
	return fmt.Sprintf("llmreplay: the recorded call failed with a %.200q, of which nothing else was recorded", e.Type)
}
