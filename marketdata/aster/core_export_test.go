package aster

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"
)

// Call is a call for tests outside the package.
type Call struct {
	Method, Path, PathV1 string
	Params               [][2]string
	Weight               int
	Keyed, Signed        bool
	Write                bool
	Limit                int64
}

// Do makes a call of weight 1 unless told otherwise.
func (c *Client) Do(ctx context.Context, in Call, out any) error {
	cl := call{method: in.Method, path: in.Path, pathV1: in.PathV1, weight: max(in.Weight, 1), write: in.Write, limit: in.Limit}
	if cl.method == "" {
		cl.method = http.MethodGet
	}
	for _, p := range in.Params {
		cl.params = append(cl.params, param{p[0], p[1]})
	}
	switch {
	case in.Signed:
		cl.auth = signed
	case in.Keyed:
		cl.auth = keyed
	}
	return c.do(ctx, cl, out)
}

func (c *Client) VenueTime(ctx context.Context) (time.Time, error) { return c.venueTime(ctx) }

func (c *Client) LowerLimit(limit int) { c.budget.lower(limit) }

func (a *Agent) Signature(text string) string { return a.signature(text) }

func (h *HMAC) Signature(text string) string { return h.signature(text) }

func (a *Agent) Domain() string { return "0x" + hex.EncodeToString(a.domain[:]) }

func (a *Agent) Digest(text string) string {
	digest := messageDigest(&a.domain, text)
	return "0x" + hex.EncodeToString(digest[:])
}

func (a *Agent) NextNonce(now time.Time) int64 { return a.nonces.next(now) }

func (a *Agent) Rewind(now time.Time) { a.rewind(now) }

func KindOfCode(code int) Kind { return kindOfCode(code) }

func KindOfStatus(status int) Kind { return kindOfStatus(status) }

// ErrorBody is what is read of an error's body.
func ErrorBody(body []byte) (code int, message string) {
	detail := readErrorBody(body)
	return detail.code(), string(detail.Msg)
}

func Decode(data []byte, v any) error { return decode(data, v) }
