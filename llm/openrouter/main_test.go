package openrouter_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/llm/openrouter"
	"github.com/ballast-go/ballast/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	model = "test/model"
	key   = "sk-or-v1-0123456789abcdef0123456789abcdef"
)

func open(tb testing.TB, cfg openrouter.Config) *openrouter.Client {
	tb.Helper()
	if cfg.Model == "" {
		cfg.Model = model
	}
	cfg.APIKey = secret.New(key)
	client, err := openrouter.New(cfg)
	require.NoError(tb, err)
	tb.Cleanup(client.CloseIdleConnections)
	return client
}

func ask(text string) llm.Request {
	return llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Content: text}}}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, noStream := range map[string]bool{"streamed": false, "document": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			llmtest.Run(t, func(tb testing.TB, baseURL string) llm.Client {
				tb.Helper()
				return open(tb, openrouter.Config{BaseURL: baseURL, Dialect: openrouter.OpenRouter(), NoStream: noStream})
			})
		})
	}
}
