package httpx

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"
)

// ClientConfig shapes a client of one upstream.
type ClientConfig struct {
	ConnectTimeout time.Duration // for the connection, and again for the TLS handshake; default 10 s
	// HeaderTimeout bounds the wait for response headers. Default 0: only the
	// request's context does, for servers that think before they answer.
	HeaderTimeout      time.Duration
	MaxIdleConnections int // kept open per host; default 8
	// Proxy picks a proxy per request. Default nil: none, whatever the
	// environment says.
	Proxy func(*http.Request) (*url.URL, error)
}

const (
	defaultConnectTimeout = 10 * time.Second
	defaultIdle           = 8
	idleConnTimeout       = 90 * time.Second
	maxHeaderBytes        = 64 << 10
)

// NewClient builds a client with its own connections: TLS 1.2 or newer, no
// redirects followed, response headers of at most 64 KiB. Bodies and the whole
// call are for the caller to bound.
func NewClient(cfg ClientConfig) *http.Client {
	if cfg.ConnectTimeout <= 0 {
		cfg.ConnectTimeout = defaultConnectTimeout
	}
	if cfg.MaxIdleConnections <= 0 {
		cfg.MaxIdleConnections = defaultIdle
	}
	dialer := &net.Dialer{Timeout: cfg.ConnectTimeout, KeepAlive: 30 * time.Second}
	return NoRedirects(&http.Client{Transport: &http.Transport{
		Proxy:                  cfg.Proxy,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    cfg.ConnectTimeout,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    cfg.MaxIdleConnections,
		IdleConnTimeout:        idleConnTimeout,
		ResponseHeaderTimeout:  cfg.HeaderTimeout,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}})
}

// NoRedirects is a copy of client that hands a redirect back as the answer: a
// 307 would send the body, and most headers, to a host that nobody configured.
func NoRedirects(client *http.Client) *http.Client {
	copied := *client
	copied.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &copied
}
