package llm

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
)

// Price is what a model costs.
type Price struct {
	PromptUSD     decimal.Decimal `json:"prompt"`     // per million tokens
	CompletionUSD decimal.Decimal `json:"completion"` // per million tokens, reasoning included
	RequestUSD    decimal.Decimal `json:"request"`    // per call
}

// Cost is the price of one call.
func (p Price) Cost(promptTokens, completionTokens int64) decimal.Decimal {
	return p.PromptUSD.Mul(decimal.NewFromInt(promptTokens)).
		Add(p.CompletionUSD.Mul(decimal.NewFromInt(completionTokens))).
		Shift(-6).Add(p.RequestUSD)
}

func (p Price) validate() error {
	return errors.Join(validateUSD("prompt", p.PromptUSD), validateUSD("completion", p.CompletionUSD), validateUSD("request", p.RequestUSD))
}

// Prices is the price of each model, by the name it is asked by. A routing
// suffix (":nitro") is another name, because it has another price.
type Prices map[string]Price

// With is p with the prices of other, which win.
func (p Prices) With(other Prices) Prices {
	sum := make(Prices, len(p)+len(other))
	maps.Copy(sum, p)
	maps.Copy(sum, other)
	return sum
}

func (p Prices) validate() error {
	var problems []error
	for _, model := range slices.Sorted(maps.Keys(p)) {
		if err := p[model].validate(); err != nil {
			problems = append(problems, fmt.Errorf("Prices[%.80q]: %w", model, err))
		}
	}
	return errors.Join(problems...)
}

//go:embed prices.json
var knownPrices []byte

// KnownPrices is a small table of list prices, dated in prices.json. Prices
// change: an endpoint's own list (openrouter.Prices) is better where it exists.
func KnownPrices() (Prices, error) { return ParsePrices(knownPrices) }

const maxPricesBytes = 1 << 20

// ParsePrices reads a table in the form of prices.json:
//
//	{"source": "…", "as_of": "2026-07-02", "usd_per_million_tokens": {"vendor/model": {"prompt": 1.25, "completion": 2.5, "request": 0}}}
func ParsePrices(data []byte) (Prices, error) {
	if len(data) > maxPricesBytes {
		return nil, fmt.Errorf("llm: prices must have at most %d bytes, had %d", maxPricesBytes, len(data))
	}
	var table struct {
		Source string `json:"source"`
		AsOf   string `json:"as_of"`
		Prices map[string]struct {
			Prompt     *decimal.Decimal `json:"prompt"`
			Completion *decimal.Decimal `json:"completion"`
			Request    decimal.Decimal  `json:"request"`
		} `json:"usd_per_million_tokens"`
	}
	if err := jsonx.Unmarshal(data, &table); err != nil {
		return nil, fmt.Errorf("llm: prices: %w", err)
	}
	prices := make(Prices, len(table.Prices))
	for model, entry := range table.Prices {
		if entry.Prompt == nil || entry.Completion == nil {
			return nil, fmt.Errorf("llm: prices: %.80q must have prompt and completion", model)
		}
		prices[model] = Price{PromptUSD: *entry.Prompt, CompletionUSD: *entry.Completion, RequestUSD: entry.Request}
	}
	if err := prices.validate(); err != nil {
		return nil, fmt.Errorf("llm: %w", err)
	}
	return prices, nil
}
