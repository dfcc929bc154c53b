package openrouter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/ballast-go/ballast/internal/httpx"
	"github.com/ballast-go/ballast/llm"
)

// Client asks one endpoint. It is safe for concurrent use.
type Client struct {
	cfg  Config
	base *url.URL
}

var _ llm.Client = (*Client)(nil)

// New makes a client, or reports every problem of cfg at once. It sends
// nothing.
func New(cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	base, err := httpx.ParseBaseURL(cfg.BaseURL)
	if err == nil && cfg.Dialect == (Dialect{}) {
		cfg.Dialect = dialectOf(base)
	}
	if err != nil && cfg.Dialect == (Dialect{}) {
		cfg.Dialect = Generic() // so that the other problems can be told as well
	}
	if err := errors.Join(err, cfg.validate()); err != nil {
		return nil, fmt.Errorf("openrouter: %w", err)
	}
	cfg.HTTPClient = httpx.NoRedirects(cfg.HTTPClient)
	return &Client{cfg: cfg, base: base}, nil
}

// CloseIdleConnections ends the connections that are kept open between calls.
func (c *Client) CloseIdleConnections() { c.cfg.HTTPClient.CloseIdleConnections() }

// Complete asks once. A failure is an *llm.Error, or wraps the error of ctx
// when ctx ended first; the response beside it holds the Usage that was told
// before, and nothing else. req is not changed.
func (c *Client) Complete(ctx context.Context, req llm.Request) (llm.Response, error) {
	resp, err := c.complete(ctx, req)
	return c.scrub(resp), c.scrubError(err)
}

func (c *Client) complete(ctx context.Context, req llm.Request) (llm.Response, error) {
	if req.Model == "" {
		req.Model = c.cfg.Model
	}
	call := call{client: c, model: req.Model, prompt: req.Messages}
	body, err := encodeRequest(&c.cfg, req)
	if err != nil {
		failure := call.fail(llm.KindConfig, 0, "the request may not be sent: "+err.Error())
		failure.FormatRejected = errors.Is(err, errFormat)
		return llm.Response{}, failure
	}
	call.formatted = req.Schema != nil && req.Format != llm.FormatText && c.cfg.Dialect.Format != FormatNone
	started := c.cfg.Now()
	watch := startIdle(ctx, c.cfg.IdleTimeout)
	defer watch.stop()
	answer, err := call.ask(watch, body)
	switch {
	case err == nil:
		answer.Took = c.cfg.Now().Sub(started)
		return answer, nil
	case ctx.Err() != nil:
		return answer, fmt.Errorf("openrouter: %w", ctx.Err())
	default:
		return answer, call.failed(watch, err)
	}
}

// call is one attempt: what its errors need to know.
type call struct {
	client       *Client
	model        string
	prompt       []llm.Message
	formatted    bool // a response_format was sent
	generationID string
}

func (c *call) ask(watch *idle, body []byte) (llm.Response, error) {
	httpReq, err := http.NewRequestWithContext(watch.ctx, http.MethodPost, c.client.base.JoinPath("chat", "completions").String(), bytes.NewReader(body))
	if err != nil {
		return llm.Response{}, err
	}
	httpReq.Header.Set("Content-Type", "application/json")
	c.client.setHeaders(httpReq.Header)
	if !c.client.cfg.NoStream {
		httpReq.Header.Set("Accept", "text/event-stream, application/json")
	}
	resp, err := c.client.cfg.HTTPClient.Do(httpReq)
	if err != nil {
		return llm.Response{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // the body was read as far as it is wanted
	c.generationID = httpx.Redact(resp.Header.Get("X-Generation-Id"), maxNameLen, c.client.cfg.APIKey)
	if resp.StatusCode != http.StatusOK {
		return llm.Response{}, c.failStatus(watch, resp)
	}
	if strings.EqualFold(resp.Header.Get("X-OpenRouter-Cache-Status"), "HIT") {
		return llm.Response{}, c.fail(llm.KindConfig, 0, "the answer is old: it came from the provider's response cache")
	}
	answer, err := c.read(watch, resp)
	if err != nil {
		return answer, err
	}
	if answer.ID == "" {
		answer.ID = c.generationID
	}
	return answer, nil
}

func (c *call) read(watch *idle, resp *http.Response) (llm.Response, error) {
	bounded := httpx.Bounded(resp.Body, c.client.cfg.MaxBodyBytes)
	mediaType, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err == nil && mediaType == "text/event-stream" {
		return c.readStream(watch, &activity{from: bounded, watch: watch, comments: true})
	}
	return c.readDocument(&activity{from: bounded, watch: watch}, mediaType)
}

func (c *Client) setHeaders(header http.Header) {
	header.Set("Accept", "application/json")
	header.Set("User-Agent", "ballast")
	if !c.cfg.APIKey.IsZero() {
		header.Set("Authorization", "Bearer "+c.cfg.APIKey.Reveal())
	}
	if !c.cfg.Dialect.OpenRouter {
		return
	}
	header.Set("X-OpenRouter-Cache", strconv.FormatBool(false))
	if c.cfg.Referer != "" {
		header.Set("HTTP-Referer", c.cfg.Referer)
	}
	if c.cfg.AppTitle != "" {
		header.Set("X-OpenRouter-Title", c.cfg.AppTitle)
	}
}
