package aster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ballast-go/ballast/internal/httpx"
	"github.com/ballast-go/ballast/secret"
)

const (
	maxErrorBody = 64 << 10 // as much of an error's body as is read
	maxMessage   = 512
	minSecret    = 8 // a shorter one would be found in ordinary words
)

func (req *request) fail(kind Kind, status int, message string) *Error {
	return &Error{Op: req.op, Kind: kind, Status: status, Message: message}
}

// ended is a call that the end of ctx kept from being sent.
func (req *request) ended(ctx context.Context) error {
	return fmt.Errorf("aster: %s: not sent: %w", req.op, ctx.Err())
}

func (req *request) failCircuit(err error) error {
	failure := req.fail(KindCircuit, 0, err.Error())
	failure.final = true
	var open *openError
	if errors.As(err, &open) {
		failure.Wait = open.retryIn
	}
	return failure
}

func (req *request) failBudget(ctx context.Context, err error) error {
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		failure := req.fail(refused.kind, 0, refused.text)
		failure.Wait, failure.final = refused.wait, true
		return failure
	case errors.Is(err, errTooHeavy):
		failure := req.fail(KindInvalid, 0, err.Error())
		failure.Err = err
		return failure
	}
	return req.ended(ctx)
}

// failTransport is an attempt that was begun and has no whole answer.
func (req *request) failTransport(ctx context.Context, err error) ([]byte, outcome, error) {
	said := attemptFailed
	ended := ctx.Err() != nil
	if ended && req.client.cfg.Now().Sub(req.sent) < req.client.cfg.Timeout/2 {
		said = attemptExcluded // the caller's impatience says nothing about the host
	}
	var dial *net.OpError
	sent := !errors.As(err, &dial) || dial.Op != "dial"
	switch {
	case req.call.write && sent:
		return nil, said, req.transport(KindUnknownOutcome, err)
	case ended:
		return nil, said, fmt.Errorf("aster: %s: %w", req.op, ctx.Err())
	}
	return nil, said, req.transport(KindNetwork, err)
}

// transport words an error of net/http, whose text is the URL around the
// cause. The cause is kept unless it holds what may not be shown.
func (req *request) transport(kind Kind, err error) *Error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	failure := req.fail(kind, req.status, req.clean(err.Error()))
	if failure.Message == strings.Join(strings.Fields(err.Error()), " ") {
		failure.Err = err
	}
	return failure
}

// unreadable is an answer that came whole and is not what the venue promises.
// A write was done then, or was not.
func (req *request) unreadable(err error) *Error {
	kind := KindServer
	if req.call.write {
		kind = KindUnknownOutcome
	}
	failure := req.fail(kind, req.status, "the answer cannot be read: "+req.clean(err.Error()))
	failure.final = true
	return failure
}

// read decodes an answer.
func (req *request) read(body []byte, out any) error {
	if raw, ok := out.(*[]byte); ok {
		*raw = body
		return nil
	}
	if out == nil {
		out = new(text) // any one value
	}
	if err := decode(body, out); err != nil {
		return req.unreadable(err)
	}
	return nil
}

// failStatus reports an answer outside 2xx. What can be read of its body only
// adds to what the status says, so that a body that breaks off is no matter.
func (req *request) failStatus(ctx context.Context, resp *http.Response) error {
	body, _ := httpx.ReadAll(resp.Body, maxErrorBody) //nolint:errcheck // see above
	detail := readErrorBody(body)
	failure := req.failDetail(ctx, resp.StatusCode, detail, resp.Header.Get("Retry-After"))
	if failure.Message == "" {
		failure.Message = http.StatusText(resp.StatusCode)
	}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		failure.Message = "a redirect was not followed"
	}
	return failure
}

// failInside reports an error that came in a 2xx: a negative code at the top
// of an object. It returns nil when there is none.
func (req *request) failInside(ctx context.Context, body []byte) error {
	if !bytes.Contains(body, []byte(`"code"`)) || !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return nil
	}
	var detail errorBody
	if err := decode(body, &detail); err != nil {
		return req.unreadable(err)
	}
	if detail.code() >= 0 {
		return nil
	}
	return req.failDetail(ctx, req.status, detail, "")
}

func (req *request) failDetail(ctx context.Context, status int, detail errorBody, retryAfter string) *Error {
	c := req.client
	code := detail.code()
	kind := kindOfCode(code)
	if kind == "" || decides(status) {
		kind = kindOfStatus(status)
	}
	failure := req.fail(kind, status, req.clean(string(detail.Msg)))
	failure.Code = code
	now := c.venueNow()
	until, banned := bannedUntil(string(detail.Msg))
	switch {
	case status == http.StatusTeapot || kind == KindRateLimit && banned:
		failure.Kind = KindBanned
		failure.Wait = c.budget.ban(now, banEnd(now, until, httpx.RetryAfter(retryAfter, c.cfg.Now())))
		req.warn(ctx, "aster_banned", failure)
	case kind == KindRateLimit:
		failure.Wait = c.budget.pause(now, httpx.RetryAfter(retryAfter, c.cfg.Now()))
		req.warn(ctx, "aster_rate_limited", failure)
	case req.call.write && kind == KindServer:
		failure.Kind = KindUnknownOutcome
	}
	return failure
}

func (req *request) warn(ctx context.Context, message string, failure *Error) {
	req.client.cfg.Logger.WarnContext(ctx, message, //nolint:sloglint // one of the two messages above
		slog.String("op", req.op), slog.Int("status", failure.Status), slog.Int("code", failure.Code), slog.Duration("wait", failure.Wait))
}

// banEnd prefers what the venue says in words, then its header.
func banEnd(now, until time.Time, retryAfter time.Duration) time.Time {
	switch {
	case until.After(now):
		return until
	case retryAfter > 0:
		return now.Add(retryAfter)
	}
	return now.Add(defaultBan)
}

// bannedUntil finds "banned until 1764000000000", milliseconds.
func bannedUntil(message string) (time.Time, bool) {
	_, after, found := strings.Cut(strings.ToLower(message), "banned until ")
	digits := after[:len(after)-len(strings.TrimLeft(after, "0123456789"))]
	ms, err := strconv.ParseInt(digits, 10, 64)
	if !found || err != nil {
		return time.Time{}, false
	}
	return time.UnixMilli(ms), true
}

// clean makes a server's words fit for an error.
func (req *request) clean(message string) string {
	secrets := make([]secret.Value, 0, len(req.secrets))
	for _, plain := range req.secrets {
		if len(plain) < minSecret {
			continue
		}
		secrets = append(secrets, secret.New(plain))
		message = regexp.MustCompile("(?i)"+regexp.QuoteMeta(plain)).ReplaceAllLiteralString(message, secret.Redacted)
	}
	return httpx.Redact(message, maxMessage, secrets...)
}

// errorBody is the venue's error. Anything else reads as empty.
type errorBody struct {
	Code label `json:"code"`
	Msg  text  `json:"msg"`
}

// code is a whole number, or 0.
func (e errorBody) code() int {
	code, err := strconv.ParseInt(string(e.Code), 10, 32)
	if err != nil {
		return 0
	}
	return int(code)
}

// readErrorBody reads {"code": …, "msg": …} or takes the text as it is, of a
// page only that it is one.
func readErrorBody(body []byte) errorBody {
	var detail errorBody
	body = bytes.TrimSpace(body)
	switch err := decode(body, &detail); {
	case err == nil:
		return detail
	case bytes.HasPrefix(body, []byte("<")):
		return errorBody{Msg: "a web page in place of an answer"}
	default:
		return errorBody{Msg: text(body)}
	}
}
