package decision

import (
	"context"
	"errors"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// MarketSource is where the engine reads the market.
type MarketSource = marketdata.Source

// LLMClient is whom the engine asks.
type LLMClient = llm.Client

// Indicators is who computes the engine's indicators.
type Indicators = indicator.Provider

// Scorer proposes a decision without a model. It is safe for concurrent use,
// depends on its Input alone, and never proposes beyond Input.Envelope.
type Scorer interface {
	Score(ctx context.Context, in Input) (Proposal, error)
}

// ScorerFunc makes a function a Scorer.
type ScorerFunc func(ctx context.Context, in Input) (Proposal, error)

// Score calls the function.
func (f ScorerFunc) Score(ctx context.Context, in Input) (Proposal, error) { return f(ctx, in) }

// Store keeps records. Append is safe for concurrent use and returns nil only
// once the record would survive a crash of the process (package store/memory
// says how far it keeps that promise). Appending the same record again is
// fine; the same id with other content is an error.
type Store interface {
	Append(ctx context.Context, r Record) error
}

// StoreFunc makes a function a Store.
type StoreFunc func(ctx context.Context, r Record) error

// Append calls the function.
func (f StoreFunc) Append(ctx context.Context, r Record) error { return f(ctx, r) }

// Decider is an Engine, or a decorator around one.
type Decider interface {
	Decide(ctx context.Context, req Request) (Result, error)
}

// DeciderFunc makes a function a Decider.
type DeciderFunc func(ctx context.Context, req Request) (Result, error)

// Decide calls the function.
func (f DeciderFunc) Decide(ctx context.Context, req Request) (Result, error) { return f(ctx, req) }

// Errors that callers branch on.
var (
	// ErrNoMarket says that no asset has market data: "Insufficient market
	// data". The error wraps the Failure of each asset.
	ErrNoMarket = errors.New("decision: Insufficient market data")
	// ErrStaleMarket comes with ErrNoMarket when every asset's data is stale.
	ErrStaleMarket = errors.New("decision: market data is stale")
	// ErrUnrecorded says that the store did not take the record. The Result
	// that comes with it holds only actions that reduce risk.
	ErrUnrecorded = errors.New("decision: not recorded")
)
