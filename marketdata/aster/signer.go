package aster

import (
	"fmt"
	"net/http"
	"time"

	"github.com/ballast-go/ballast/secret"
)

// API is a generation of the venue's interface, as it stands in paths.
type API string

// The generations. APIV3 takes signatures of an agent wallet; APIV1 takes the
// HMAC keys of before March 2026.
const (
	APIV3 API = "v3"
	APIV1 API = "v1"
)

// Signer makes requests the account's. It is asked for each attempt and must
// be safe for concurrent use; *Agent and *HMAC are the two that exist.
type Signer interface {
	// API is the generation that the signatures are for; it never changes.
	API() API
	// Sign signs params, form-encoded and possibly empty, as of now, which is
	// the venue's time.
	Sign(params string, now time.Time) (Signed, error)
}

// Signed is a request's parameters, to be sent byte for byte, and the header
// fields to add. It holds a signature and perhaps a key; printing shows neither.
type Signed struct {
	Params string
	Header http.Header // may be nil
}

// String is secret.Redacted.
func (Signed) String() string { return secret.Redacted }

// GoString is String, for %#v.
func (s Signed) GoString() string { return s.String() }

// MarshalText is String, for every encoder.
func (s Signed) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// appendParam joins encoded parameters.
func appendParam(params, name, value string) string {
	if params == "" {
		return name + "=" + value
	}
	return params + "&" + name + "=" + value
}

func validateDuration(field string, value, low, high time.Duration) error {
	if value < low || value > high {
		return fmt.Errorf("%s must be between %v and %v, was %v", field, low, high, value)
	}
	return nil
}

func validateInt(field string, value, low, high int) error {
	if value < low || value > high {
		return fmt.Errorf("%s must be between %d and %d, was %d", field, low, high, value)
	}
	return nil
}
