package config

import (
	"net"
	"net/url"
	"strings"

	"github.com/ballast-go/ballast/llm/openrouter"
)

// baseURL is checked even when no model is asked, by the rules of the client
// that would use it.
func (r *reader) baseURL(name, otherwise string) string {
	value := r.textOr(name, otherwise)
	if _, err := openrouter.New(openrouter.Config{BaseURL: value, Dialect: openrouter.Generic()}); err != nil {
		_, rule, found := strings.Cut(err.Error(), "base URL ")
		if !found {
			rule = err.Error()
		}
		r.problem("%s %s, was %.80q", name, rule, redacted(value))
	}
	return value
}

// redacted is a URL without what may be a secret: user and password, query
// and fragment, and whatever looks like a key in place of a URL.
func redacted(text string) string {
	if end := strings.IndexAny(text, "?#"); end >= 0 {
		text = text[:end] + "…"
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		scheme, rest = "", text
	} else {
		scheme += "://"
	}
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		rest = "…" + rest[at:]
	}
	if strings.Contains(rest, "sk-") {
		rest = "…"
	}
	return scheme + rest
}

// isLoopback reports whether a URL can only be of this machine.
func isLoopback(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return strings.EqualFold(u.Hostname(), "localhost") || ip != nil && ip.IsLoopback()
}
