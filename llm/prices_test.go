package llm_test

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
)

func TestKnownPricesReadAsTheyArePublished(t *testing.T) {
	t.Parallel()
	prices, err := llm.KnownPrices()
	require.NoError(t, err)
	grok := prices["x-ai/grok-4.3"]
	require.Equal(t, "1.25", grok.PromptUSD.String())
	require.Equal(t, "2.5", grok.CompletionUSD.String())
	require.Equal(t, "0.0076", grok.Cost(3120, 1480).String())
	require.Equal(t, "0.42", prices["openai/gpt-4"].Cost(8000, 3000).String())
	require.NotContains(t, prices, "x-ai/grok-4.3:nitro", "another tier has another price")
}

func TestCostIsExact(t *testing.T) {
	t.Parallel()
	price := llm.Price{
		PromptUSD: decimal.RequireFromString("0.1"), CompletionUSD: decimal.RequireFromString("0.2"), RequestUSD: decimal.RequireFromString("0.01"),
	}
	require.Equal(t, "0.0100003", price.Cost(1, 1).String())
	require.True(t, llm.Price{}.Cost(5, 5).IsZero())
}

func TestWithLetsTheOtherTableWinAndChangesNeither(t *testing.T) {
	t.Parallel()
	one, two := llm.Price{PromptUSD: decimal.New(1, 0)}, llm.Price{PromptUSD: decimal.New(2, 0)}
	old := llm.Prices{"a": one, "b": one}
	require.Equal(t, llm.Prices{"a": one, "b": two, "c": two}, old.With(llm.Prices{"b": two, "c": two}))
	require.Equal(t, llm.Prices{"a": one, "b": one}, old)
	require.Equal(t, llm.Prices{"a": one}, llm.Prices(nil).With(llm.Prices{"a": one}))
}

func TestParsePricesRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	table := func(entry string) string { return `{"usd_per_million_tokens":{"m":` + entry + `}}` }
	prices, err := llm.ParsePrices([]byte(table(`{"prompt":"0.05","completion":1,"request":0.001}`)))
	require.NoError(t, err)
	require.Equal(t, "0.001", prices["m"].RequestUSD.String())
	for text, says := range map[string]string{
		table(`{"prompt":1}`):                           `"m" must have prompt and completion`,
		table(`{"prompt":1,"completion":null}`):         `"m" must have prompt and completion`,
		table(`{"prompt":-1,"completion":1}`):           `Prices["m"]: prompt must be at least 0`,
		table(`{"prompt":1,"completion":1e29}`):         `completion must be at least 0 and below 10^12`,
		table(`{"prompt":1,"completion":1e99}`):         "not a decimal",
		table(`{"prompt":1,"completion":1,"cached":1}`): "unknown",
		`{}{}`:                           "llm: prices: ",
		strings.Repeat(" ", 1<<20) + " ": "must have at most 1048576 bytes",
	} {
		_, err := llm.ParsePrices([]byte(text))
		require.ErrorContains(t, err, says, "%.80s", text)
	}
}

func FuzzParsePrices(f *testing.F) {
	f.Add([]byte(`{"source":"s","as_of":"2026-07-02","usd_per_million_tokens":{"m":{"prompt":30,"completion":"60"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		prices, err := llm.ParsePrices(data)
		for model, price := range prices {
			if err != nil || price.Cost(1, 1).IsNegative() {
				t.Fatalf("%q: %+v, %v", model, price, err)
			}
		}
	})
}
