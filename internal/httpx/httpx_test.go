package httpx_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/internal/httpx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestReadAllNamesTheBound(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 9, 10} {
		got, err := httpx.ReadAll(strings.NewReader(strings.Repeat("x", size)), 10)
		require.NoError(t, err)
		require.Len(t, got, size)
	}
	for _, read := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader} {
		got, err := httpx.ReadAll(read(strings.NewReader(strings.Repeat("x", 11))), 10)
		require.EqualError(t, err, "httpx: body must be at most 10 bytes")
		require.True(t, httpx.IsTooLarge(err))
		require.Len(t, got, 10)
	}
}

func TestBoundedStaysOverTheBound(t *testing.T) {
	t.Parallel()
	reader := httpx.Bounded(strings.NewReader("abc"), 1)
	_, err := io.ReadAll(reader)
	require.True(t, httpx.IsTooLarge(err))
	n, err := reader.Read(make([]byte, 8))
	require.Zero(t, n)
	require.True(t, httpx.IsTooLarge(err))
}

func TestBoundedPassesOtherErrorsOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := httpx.ReadAll(io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(broken)), 10)
	require.ErrorIs(t, err, broken)
	require.False(t, httpx.IsTooLarge(err))
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                                 0,
		"0":                                0,
		"30":                               30 * time.Second,
		" 30 ":                             30 * time.Second,
		"0000000000000000000030":           30 * time.Second,
		"3599":                             3599 * time.Second,
		"3600":                             time.Hour,
		"3601":                             time.Hour,
		"99999999999999999999999999":       time.Hour,
		"-1":                               0,
		"+1":                               0,
		"1.5":                              0,
		"1e3":                              0,
		"soon":                             0,
		"Sat, 21 Nov 2026 12:00:30 GMT":    30 * time.Second,
		"Saturday, 21-Nov-26 12:01:00 GMT": time.Minute,
		"Sat, 21 Nov 2026 11:00:00 GMT":    0,
		"Fri, 21 Nov 2098 12:00:00 GMT":    time.Hour,
	} {
		require.Equal(t, want, httpx.RetryAfter(value, now), "%q", value)
	}
}

func TestRetryAfterIsAlwaysWithinItsBound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		wait := httpx.RetryAfter(rapid.String().Draw(t, "value"), time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "now"), 0))
		if wait < 0 || wait > httpx.MaxRetryAfter {
			t.Fatalf("wait %v", wait)
		}
	})
}

func TestParseBaseURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://openrouter.ai/api/v1":  "https://openrouter.ai/api/v1",
		"https://openrouter.ai/api/v1/": "https://openrouter.ai/api/v1",
		"https://openrouter.ai":         "https://openrouter.ai",
		"HTTPS://h:8443/a%2Fb/":         "https://h:8443/a%2Fb",
		"http://localhost:11434/v1":     "http://localhost:11434/v1",
		"http://127.3.2.1/v1":           "http://127.3.2.1/v1",
		"http://[::1]:80":               "http://[::1]:80",
	} {
		got, err := httpx.ParseBaseURL(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got.String())
	}
}

func TestParseBaseURLSaysTheRuleAndNeverTheURL(t *testing.T) {
	t.Parallel()
	for text, rule := range map[string]string{
		"":                            "absolute",
		"hunter2":                     "absolute",
		"/hunter2":                    "absolute",
		"mailto:hunter2":              "absolute",
		"https://:443/hunter2":        "absolute",
		"ftp://hunter2/":              "scheme https",
		"http://hunter2.example":      "not loopback",
		"http://localhost.hunter2/":   "not loopback",
		"http://192.168.0.1/hunter2":  "not loopback",
		"http://2130706433/hunter2":   "not loopback",
		"https://hunter2@host":        "user or password",
		"https://u:hunter2@host":      "user or password",
		"https://host/?key=hunter2":   "query",
		"https://host/hunter2?":       "query",
		"https://host/#hunter2":       "fragment",
		"https://host/hunter2#":       "fragment",
		"https://u:hunter2@host:port": "cannot be read",
		"https://host/%zzhunter2":     "cannot be read",
		"https://host/\nhunter2":      "cannot be read",
	} {
		_, err := httpx.ParseBaseURL(text)
		require.ErrorIs(t, err, httpx.ErrBaseURL, text)
		require.ErrorContains(t, err, rule, text)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestNewClientFollowsNothing(t *testing.T) {
	t.Parallel()
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	t.Cleanup(target.Close)
	server := httptest.NewServer(http.RedirectHandler(target.URL, http.StatusTemporaryRedirect))
	t.Cleanup(server.Close)
	client := httpx.NewClient(httpx.ClientConfig{})
	t.Cleanup(client.CloseIdleConnections)
	require.Equal(t, http.StatusTemporaryRedirect, post(t, client, server.URL))
}

func post(t *testing.T, client *http.Client, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("body"))
	require.NoError(t, err)
	resp, err := client.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

func TestNewClientBoundsHeaders(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 80<<10))
	}))
	t.Cleanup(server.Close)
	client := httpx.NewClient(httpx.ClientConfig{})
	t.Cleanup(client.CloseIdleConnections)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	if err == nil {
		require.NoError(t, resp.Body.Close())
	}
	require.ErrorContains(t, err, "exceeded 65536 bytes")
}

func TestNewClientTrustsNoEnvironmentAndNoOldTLS(t *testing.T) {
	t.Parallel()
	transport, ok := httpx.NewClient(httpx.ClientConfig{HeaderTimeout: time.Second}).Transport.(*http.Transport)
	require.True(t, ok)
	require.Nil(t, transport.Proxy)
	require.Equal(t, uint16(tls.VersionTLS12), transport.TLSClientConfig.MinVersion)
	require.False(t, transport.TLSClientConfig.InsecureSkipVerify)
	require.Equal(t, time.Second, transport.ResponseHeaderTimeout)
	require.Equal(t, 10*time.Second, transport.TLSHandshakeTimeout)
	require.Equal(t, 8, transport.MaxIdleConnsPerHost)
}
