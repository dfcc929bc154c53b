package aster

import (
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/ballast-go/ballast/internal/httpx"
)

// Client asks one venue: it signs, keeps within the venue's limits, repeats
// reads that failed for no reason of their own, and never repeats a write. It
// is safe for concurrent use.
type Client struct {
	cfg     Config
	http    *http.Client
	api     API
	slots   chan struct{} // one per request under way
	queued  atomic.Int64  // requests that wait for a slot
	budget  *budget
	clock   *clock
	circuit *circuit
}

// New makes a client, or reports every problem of cfg at once. It sends
// nothing.
func New(cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("aster: %w", err)
	}
	c := &Client{
		cfg: cfg, http: httpx.NoRedirects(cfg.HTTP), api: APIV3,
		slots: make(chan struct{}, cfg.MaxConcurrent), budget: newBudget(cfg.WeightPerMinute),
		circuit: newCircuit(cfg),
	}
	if cfg.Signer != nil {
		c.api = cfg.Signer.API()
	}
	c.clock = newClock(cfg.Now)
	return c, nil
}

// Close ends the connections that are kept open between requests. Requests
// under way go on: their contexts end them.
func (c *Client) Close() { c.http.CloseIdleConnections() }
