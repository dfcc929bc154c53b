package openrouter_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/openrouter"
	"github.com/ballast-go/ballast/secret"
)

// A server that puts the key that it received wherever a server can write.
func TestAnEchoedKeyNeverLeavesTheClient(t *testing.T) {
	t.Parallel()
	const key = "Plain-Key-Without-Prefix-123"
	lower := strings.ToLower(key)
	for name, respond := range map[string]func(http.ResponseWriter){
		"answer": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"id":"gen-%[1]s","provider":"p %[2]s","model":"m","choices":[{"finish_reason":"stop","message":{"role":"assistant","content":"say %[1]s and %[2]s","refusal":"%[1]s"}}]}`, key, lower)
		},
		"other model": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"id":"gen-%[1]s","model":"m-%[1]s","choices":[{"finish_reason":"%[1]s","message":{"role":"assistant","content":"x"}}]}`, key)
		},
		"media type": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/"+lower)
			_, _ = io.WriteString(w, "not JSON "+key)
		},
		"error": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"error":{"code":400,"message":"bad key %[1]s or %[2]s","metadata":{"raw":"%[1]s"}}}`, key, lower)
		},
		"header": func(w http.ResponseWriter) {
			w.Header().Set("X-Generation-Id", "gen-"+key)
			w.WriteHeader(http.StatusBadGateway)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { respond(w) }))
			defer server.Close()
			client, err := openrouter.New(openrouter.Config{APIKey: secret.New(key), BaseURL: server.URL, Model: "m", NoStream: true})
			require.NoError(t, err)
			defer client.CloseIdleConnections()
			resp, err := client.Complete(t.Context(), llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Content: "q"}}})
			shown := strings.ToLower(fmt.Sprintf("%+v %#v %v %+v", resp, resp, err, err))
			require.NotContains(t, shown, lower)
			if name == "answer" {
				require.NoError(t, err)
				require.Equal(t, "say [redacted] and [redacted]", resp.Content)
			}
		})
	}
}

func TestAnEchoedKeyIsNotInTheListOfModels(t *testing.T) {
	t.Parallel()
	const key = "Plain-Key-Without-Prefix-123"
	for name, tc := range map[string]struct {
		status int
		body   string
	}{
		"list":  {http.StatusOK, `{"data":[{"id":"m-%[1]s","canonical_slug":"%[2]s","supported_parameters":["p","%[1]s"]}]}`},
		"error": {http.StatusBadRequest, `{"error":{"code":400,"message":"bad key %[1]s or %[2]s"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = fmt.Fprintf(w, tc.body, key, strings.ToLower(key))
			}))
			defer server.Close()
			client, err := openrouter.New(openrouter.Config{APIKey: secret.New(key), BaseURL: server.URL, Model: "m"})
			require.NoError(t, err)
			defer client.CloseIdleConnections()
			models, err := client.Models(t.Context())
			shown := fmt.Sprintf("%+v %v %+v", models, err, err)
			require.Contains(t, shown, secret.Redacted)
			require.NotContains(t, strings.ToLower(shown), strings.ToLower(key))
		})
	}
}
