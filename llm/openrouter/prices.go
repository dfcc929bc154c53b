package openrouter

import "github.com/ballast-go/ballast/llm"

// Prices is the price table of the models whose prices are published.
func Prices(models []ModelInfo) llm.Prices {
	prices := make(llm.Prices, len(models))
	for _, model := range models {
		if !model.PromptUSD.Valid || !model.CompletionUSD.Valid {
			continue
		}
		prices[model.ID] = llm.Price{
			PromptUSD: model.PromptUSD.Decimal.Shift(6), CompletionUSD: model.CompletionUSD.Decimal.Shift(6),
			RequestUSD: model.RequestUSD.Decimal, // zero when null
		}
	}
	return prices
}

// Contexts is the context length, in tokens, of the models that publish one,
// as llm.Fit takes it.
func Contexts(models []ModelInfo) map[string]int {
	contexts := make(map[string]int, len(models))
	for _, model := range models {
		if model.ContextLength > 0 {
			contexts[model.ID] = model.ContextLength
		}
	}
	return contexts
}
