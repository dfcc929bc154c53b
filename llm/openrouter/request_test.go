package openrouter_test

import (
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/llm/openrouter"
)

var update = flag.Bool("update", false, "write the golden files anew")

func price(text string) decimal.NullDecimal {
	return decimal.NewNullDecimal(decimal.RequireFromString(text))
}

func fullRequest() llm.Request {
	seed := int64(7)
	return llm.Request{
		Messages:  []llm.Message{{Role: llm.RoleSystem, Content: "rules <&>"}, {Role: llm.RoleUser, Content: "data"}},
		Schema:    &llm.Schema{Name: "trading_decision_v1", JSON: []byte(`{"type":"object","properties":{"b":{},"a":{}}}`)},
		MaxTokens: 2000, Temperature: price("0"), Seed: &seed, User: "u_1",
	}
}

func TestEachDialectIsSentOnlyWhatItKnows(t *testing.T) {
	t.Parallel()
	for _, dialect := range []openrouter.Dialect{
		openrouter.OpenRouter(), openrouter.OpenAI(), openrouter.NanoGPT(), openrouter.DeepSeek(), openrouter.Ollama(), openrouter.VLLM(),
		openrouter.Generic(),
		{Name: "bare"},
	} {
		t.Run(dialect.Name, func(t *testing.T) {
			t.Parallel()
			server := llmtest.New(t)
			client := open(t, openrouter.Config{
				BaseURL: server.URL(), Dialect: dialect, ReasoningEffort: "low", Referer: "https://bot.example", AppTitle: "Bot",
				Routing: openrouter.Routing{Order: []string{"xai"}, MaxPromptPrice: price("5"), MaxCompletionPrice: price("20.50")},
			})
			_, err := client.Complete(t.Context(), fullRequest())
			require.NoError(t, err)
			got := server.Requests()[0]
			golden(t, dialect.Name, got.Body)
			for name, value := range map[string]string{"Http-Referer": "https://bot.example", "X-Openrouter-Title": "Bot", "X-Openrouter-Cache": "false"} {
				if !dialect.OpenRouter {
					value = ""
				}
				require.Equal(t, value, got.Header.Get(name), name)
			}
			require.Equal(t, "Bearer [redacted]", got.Header.Get("Authorization"))
			require.Equal(t, "ballast", got.Header.Get("User-Agent"))
		})
	}
}

func TestAPlainRequestLeavesTheDefaultsToTheProvider(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t)
	client := open(t, openrouter.Config{
		BaseURL: server.URL(), Dialect: openrouter.OpenRouter(), NoStream: true,
		Routing: openrouter.Routing{NoFallbacks: true, AllowDataCollection: true, AnyParameters: true},
	})
	req := ask("data")
	req.Model = "test/named:floor"
	_, err := client.Complete(t.Context(), req)
	require.NoError(t, err)
	golden(t, "plain", server.Requests()[0].Body)
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "request_"+name+".json")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, append(got, '\n'), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got)+"\n")
}

func TestNoKeySendsNoAuthorization(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t)
	client, err := openrouter.New(openrouter.Config{BaseURL: server.URL() + "/", Model: model})
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	_, err = client.Complete(t.Context(), ask("q"))
	require.NoError(t, err)
	require.Empty(t, server.Requests()[0].Header["Authorization"])
	require.Equal(t, "/api/v1/chat/completions", server.Requests()[0].Path)
}

// The prompt and the key stay with the host that was configured, whatever the
// caller's own client would do.
func TestARedirectIsNotFollowedByACustomClient(t *testing.T) {
	t.Parallel()
	other := llmtest.New(t)
	server := llmtest.New(t, llmtest.Redirect(other.URL()+"/chat/completions"))
	own := &http.Client{Transport: &http.Transport{}}
	_, err := open(t, openrouter.Config{BaseURL: server.URL(), HTTPClient: own}).Complete(t.Context(), ask("q"))
	require.ErrorContains(t, err, "config (307): a redirect was not followed")
	require.Empty(t, other.Requests())
	require.Nil(t, own.CheckRedirect, "the caller's client is left as it was")
}

func TestNoKeyIsReadFromTheEnvironment(t *testing.T) {
	t.Setenv("OPENROUTER_API_KEY", "sk-from-environment")
	_, err := openrouter.New(openrouter.Config{})
	require.EqualError(t, err, "openrouter: APIKey must be set")
}
