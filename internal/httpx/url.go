package httpx

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

// ErrBaseURL is what every refused base URL is.
var ErrBaseURL = errors.New("httpx: base URL")

type baseURLError struct{ problem string }

// Error names the rule and never the URL: what breaks a rule may be a secret.
func (e *baseURLError) Error() string { return ErrBaseURL.Error() + " " + e.problem }

// Unwrap is ErrBaseURL.
func (e *baseURLError) Unwrap() error { return ErrBaseURL }

// ParseBaseURL reads the address that paths are joined to. It must be
// absolute, https unless its host is loopback, and without user, query and
// fragment, where secrets end up in logs. A trailing slash is dropped.
func ParseBaseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, &baseURLError{"cannot be read as a URL"}
	case u.Opaque != "" || u.Hostname() == "":
		return nil, &baseURLError{"must be absolute, like https://host/path"}
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, &baseURLError{"must have the scheme https"}
	case u.Scheme == "http" && !IsLoopback(u.Hostname()):
		return nil, &baseURLError{"must have the scheme https, since its host is not loopback"}
	case u.User != nil:
		return nil, &baseURLError{"must not hold a user or password"}
	case u.RawQuery != "" || u.ForceQuery:
		return nil, &baseURLError{"must not hold a query"}
	case u.Fragment != "" || strings.HasSuffix(text, "#"):
		return nil, &baseURLError{"must not hold a fragment"}
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// IsLoopback reports whether host, a name or an address without its port, can
// only be this machine.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
