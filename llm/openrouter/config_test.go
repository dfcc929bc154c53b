package openrouter_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/openrouter"
	"github.com/ballast-go/ballast/secret"
)

func TestNewReportsEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	_, err := openrouter.New(openrouter.Config{
		APIKey: secret.New("two words"), BaseURL: "https://user:hunter2@host/v1", ReasoningEffort: "huge", IdleTimeout: -1, MaxBodyBytes: 1 << 40,
		Referer: "a\r\nb", AppTitle: "é", Dialect: openrouter.Dialect{MaxTokensField: "max", Format: "xml"},
		Routing: openrouter.Routing{MaxPromptPrice: decimal.NewNullDecimal(decimal.NewFromInt(-1))},
	})
	for _, problem := range []string{
		"APIKey must be printable ASCII without spaces", "base URL must not hold a user or password", "ReasoningEffort must be one of",
		"IdleTimeout must be positive, was -1ns", "MaxBodyBytes must be between 1 and 67108864, was 1099511627776",
		`Referer must be printable ASCII, was "a\r\nb"`, `AppTitle must be printable ASCII, was "é"`, "Dialect.Name must be set",
		"Routing.MaxPromptPrice must not be negative, was -1",
	} {
		require.ErrorContains(t, err, problem)
	}
	require.NotContains(t, err.Error(), "hunter2")
	require.NotContains(t, err.Error(), "two words")
}

func TestNewChecksADialect(t *testing.T) {
	t.Parallel()
	for field, dialect := range map[string]openrouter.Dialect{
		"Dialect.MaxTokensField": {Name: "own", MaxTokensField: "max"},
		"Dialect.Format":         {Name: "own", Format: "xml"},
	} {
		_, err := openrouter.New(openrouter.Config{Dialect: dialect})
		require.ErrorContains(t, err, field)
	}
}

func TestDialectFollowsTheHost(t *testing.T) {
	t.Parallel()
	for base, needsKey := range map[string]bool{
		"": true, "https://openrouter.ai/api/v1": true, "https://EU.OpenRouter.ai/api/v1": true,
		"https://notopenrouter.ai/v1": false, "https://openrouter.ai.example/v1": false, "http://[::1]:11434/v1": false,
	} {
		_, err := openrouter.New(openrouter.Config{BaseURL: base})
		if needsKey {
			require.EqualError(t, err, "openrouter: APIKey must be set", base)
		} else {
			require.NoError(t, err, base)
		}
	}
	_, err := openrouter.New(openrouter.Config{APIKey: secret.New(key), Model: "x/y:online"})
	require.EqualError(t, err, `openrouter: Model must not add web search, was "x/y:online"`)
}

func TestSameModel(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		asked, served string
		same          bool
	}{
		{"x-ai/grok-4.3", "x-ai/grok-4.3", true},
		{"x-ai/grok-4.3:nitro", "x-ai/grok-4.3", true},
		{"x/y", "x/y:free", true},
		{"openai/gpt-4o", "gpt-4o", true},
		{"gpt-4o", "openai/gpt-4o-2024-08-06", true},
		{"anthropic/claude-4-sonnet", "anthropic/claude-4-sonnet-20250522", true},
		{"x-ai/grok-4", "x-ai/grok-4-07-09", true},
		{"grok-4", "grok-4-0709", true},
		{"x-ai/grok-4", "x-ai/grok-4.3", false},
		{"x-ai/grok-4", "x-ai/grok-4-fast", false},
		{"openai/gpt-4o", "openai/gpt-4o-mini", false},
		{"openai/gpt-4o", "evil/gpt-4o", false},
		{"gpt-4o-2024-08-06", "gpt-4o", false},
		{"x/y", "x/y-1399", false},
		{"x/y", "x/y-20260231", false},
		{"llama3:8b", "llama3:70b", false},
		{"llama3:8b", "llama3", false},
		{"", "", false},
		{"x/", "x/", true},
		{"x", "y/", false},
	} {
		require.Equal(t, tc.same, openrouter.SameModel(tc.asked, tc.served), "%s answered by %s", tc.asked, tc.served)
	}
}

func TestARequestThatMayNotBeSentIsNotSent(t *testing.T) {
	t.Parallel()
	temperature := func(text string) llm.Request {
		req := ask("private prompt")
		req.Temperature = decimal.NewNullDecimal(decimal.RequireFromString(text))
		return req
	}
	schema := func(name, text string) llm.Request {
		req := ask("private prompt")
		req.Schema = &llm.Schema{Name: name, JSON: []byte(text)}
		return req
	}
	tokens := ask("private prompt")
	tokens.MaxTokens = -1
	online := ask("private prompt")
	online.Model = "x/y:online"
	for message, req := range map[string]llm.Request{
		"messages must not be empty":                    {},
		"messages[0].role must be system, user":         {Messages: []llm.Message{{Role: "tool", Content: "private prompt"}}},
		"temperature must be between 0 and 2, was -1":   temperature("-1"),
		"temperature must be between 0 and 2, was 3.5":  temperature("3.5"),
		"max_tokens must not be negative, was -1":       tokens,
		`schema.name must be 1 to 64 of`:                schema("a b", "{}"),
		"schema.json must be set":                       schema("a", ""),
		"text or schema cannot be encoded as JSON":      schema("a", "{"),
		"its text or schema cannot be encoded":          schema("a", `{"a":1,"a":2}`),
		`cannot be encoded as JSON`:                     ask("private prompt \xff"),
		`model must not add web search, was "x/y:onlin`: online,
	} {
		client := open(t, openrouter.Config{Dialect: openrouter.OpenRouter(), HTTPClient: &http.Client{Transport: refuse{t}}})
		_, err := client.Complete(t.Context(), req)
		var failure *llm.Error
		require.ErrorAs(t, err, &failure)
		require.Equal(t, llm.KindConfig, failure.Kind)
		require.False(t, failure.Retryable())
		require.Contains(t, failure.Message, message)
		require.NotContains(t, fmt.Sprintf("%+v", err), "private")
	}
	nameless, err := openrouter.New(openrouter.Config{APIKey: secret.New(key)})
	require.NoError(t, err)
	_, err = nameless.Complete(t.Context(), ask("q"))
	require.ErrorContains(t, err, "neither it nor the client names a model")
}

type refuse struct{ t *testing.T }

func (r refuse) RoundTrip(*http.Request) (*http.Response, error) {
	r.t.Error("a request was sent")
	return nil, http.ErrAbortHandler
}
