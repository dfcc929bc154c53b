package cinar

import (
	"fmt"

	"github.com/ballast-go/ballast/marketdata/indicator"
)

// Provider computes sets with cinar/indicator and remembers them, each
// computed once. It is safe for concurrent use; the sets it returns are shared
// and read-only.
type Provider struct{ *indicator.Cache }

var _ indicator.Provider = (*Provider)(nil)

// New is a Provider with the defaults of indicator.CacheConfig.
func New() *Provider {
	p, err := NewWith(indicator.CacheConfig{})
	if err != nil {
		panic(err) // the defaults are in range
	}
	return p
}

// NewWith is a Provider with the given bounds. The error names every field
// that is out of range.
func NewWith(cfg indicator.CacheConfig) (*Provider, error) {
	cache, err := indicator.NewCache(compute, cfg)
	if err != nil {
		return nil, fmt.Errorf("cinar: %w", err)
	}
	return &Provider{cache}, nil
}
