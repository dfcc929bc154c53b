package openrouter_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/llm/openrouter"
	"github.com/ballast-go/ballast/secret"
)

func TestModelsListsWhatIsPublished(t *testing.T) {
	t.Parallel()
	server, err := llmtest.Start(llmtest.Config{Key: secret.New(key), Models: []llmtest.Model{
		{
			ID: "x-ai/grok-4.3", ContextLength: 256000, ExpirationDate: "2027-05-15", SupportedParameters: []string{"response_format"},
			PromptUSD: decimal.RequireFromString("0.00000125"), CompletionUSD: decimal.RequireFromString("0.0000025"),
		},
		{ID: "openrouter/auto", PromptUSD: decimal.NewFromInt(-1), CompletionUSD: decimal.NewFromInt(-1)},
	}})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	got, err := open(t, openrouter.Config{BaseURL: server.URL()}).Models(t.Context())
	require.NoError(t, err)
	require.Equal(t, []openrouter.ModelInfo{
		{
			ID: "x-ai/grok-4.3", ContextLength: 256000, ExpiresAt: time.Date(2027, 5, 15, 0, 0, 0, 0, time.UTC),
			SupportedParameters: []string{"response_format"}, PromptUSD: price("0.00000125"), CompletionUSD: price("0.0000025"),
		},
		{ID: "openrouter/auto"},
	}, got)
}

// pages answers each path and query with a body.
type pages map[string]string

func (p pages) RoundTrip(req *http.Request) (*http.Response, error) {
	body, found := p[req.URL.RequestURI()]
	status := http.StatusOK
	if !found {
		status = http.StatusNotFound
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

func TestModelsFollowsPagesOfTheSameHost(t *testing.T) {
	t.Parallel()
	const first = `{"data":[{"id":"a","canonical_slug":"a-20260101","top_provider":{"max_completion_tokens":4096}}],"links":{"next":`
	list := func(t *testing.T, listed pages) ([]openrouter.ModelInfo, error) {
		t.Helper()
		return open(t, openrouter.Config{HTTPClient: &http.Client{Transport: listed}}).Models(t.Context())
	}
	got, err := list(t, pages{
		"/api/v1/models": first + `"/api/v1/models?page=2"}}`, "/api/v1/models?page=2": `{"data":[{"id":"b","expiration_date":"2027-01-02T03:04:05+01:00"}],"links":{"next":null}}`,
	})
	require.NoError(t, err)
	require.Equal(t, []openrouter.ModelInfo{
		{ID: "a", CanonicalSlug: "a-20260101", MaxCompletionTokens: 4096},
		{ID: "b", ExpiresAt: time.Date(2027, 1, 2, 2, 4, 5, 0, time.UTC)},
	}, got)
	for name, tc := range map[string]struct {
		listed  pages
		kind    llm.Kind
		message string
	}{
		"another host":     {pages{"/api/v1/models": first + `"https://evil.example/models"}}`}, llm.KindMalformed, "at another host"},
		"another scheme":   {pages{"/api/v1/models": first + `"http://openrouter.ai/models"}}`}, llm.KindMalformed, "at another host"},
		"endless":          {pages{"/api/v1/models": first + `"/api/v1/models"}}`}, llm.KindMalformed, "exceeds 20 pages"},
		"too many":         {pages{"/api/v1/models": `{"data":[` + strings.Repeat("{},", 10_000) + `{}]}`}, llm.KindMalformed, "exceeds 10000"},
		"too large":        {pages{"/api/v1/models": strings.Repeat(" ", 4<<20+1)}, llm.KindMalformed, "exceeds 4194304 bytes"},
		"no data":          {pages{"/api/v1/models": `{"models":[]}`}, llm.KindMalformed, "no data"},
		"not JSON":         {pages{"/api/v1/models": `<html>`}, llm.KindMalformed, "not one JSON document"},
		"odd expiration":   {pages{"/api/v1/models": `{"data":[{"expiration_date":"soon"}]}`}, llm.KindMalformed, "data[0].expiration_date is not a date"},
		"no such endpoint": {pages{}, llm.KindConfig, "Not Found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := list(t, tc.listed)
			require.Nil(t, got)
			var failure *llm.Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, tc.kind, failure.Kind)
			require.Contains(t, failure.Message, tc.message)
		})
	}
}

func TestModelsStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := open(t, openrouter.Config{HTTPClient: &http.Client{Transport: drip{headers: -1}}}).Models(ctx)
	require.ErrorIs(t, err, context.Canceled)
}
