package httpx_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/internal/httpx"
	"github.com/ballast-go/ballast/secret"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	own := secret.New("pa ss/word")
	for text, want := range map[string]string{
		"":                                             "",
		"model overloaded":                             "model overloaded",
		"use sk-learn, not sklearn":                    "use sk-learn, not sklearn",
		"risk-adjusted desk-0123456789":                "risk-adjusted desk-0123456789",
		"key sk-or-v1-0123456789abcdef is bad":         "key [redacted] is bad",
		"key: sk-or-v1-0e6...1c96.":                    "key: [redacted]",
		`{"key":"sk-proj-abcdefgh***xyz"}`:             `{"key":"[redacted]"}`,
		"SK-NANO-0123456789":                           "[redacted]",
		"https://h/?key=sk-ant-REDACTED":               "https://h/?key=[redacted]",
		"a/sk_live_0123456789,b":                       "a/[redacted],b",
		"Authorization: Bearer abc.def.ghi":            "Authorization: Bearer [redacted]",
		`"authorization":"bearer abc"`:                 `"authorization":"bearer [redacted]"`,
		"Basic dXNlcjpwYXNz, please":                   "Basic [redacted], please",
		"Bearer\n\tabc":                                "Bearer [redacted]",
		"token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x": "token [redacted]",
		"is pa ss/word or pa+ss%2Fword right":          "is [redacted] or [redacted] right",
		"Bearer pa ss/word":                            "Bearer [redacted]",
		"two\r\nlines\x00 and\ttabs\x1b[31m":           "two lines and tabs [31m",
		"bad \xff byte":                                "bad \uFFFD byte",
	} {
		require.Equal(t, want, httpx.Redact(text, 1000, own, secret.Value{}), "%q", text)
	}
}

func TestRedactClipsAfterRedacting(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 90) + " sk-or-v1-0123456789abcdef"
	require.Equal(t, strings.Repeat("x", 90)+" [red…", httpx.Redact(text, 98))
}

func TestClipCutsAtRunes(t *testing.T) {
	t.Parallel()
	require.Equal(t, "ab", httpx.Clip("ab", 2))
	require.Equal(t, "…", httpx.Clip("éé", 3))
	require.Equal(t, "é…", httpx.Clip("ééé", 5))
	require.Equal(t, "é…", httpx.Clip("éééé", 6))
}

func TestRedactNeverLetsASecretThrough(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := "sk-" + rapid.StringMatching(`[A-Za-z0-9_-]{16,40}`).Draw(t, "key")
		own := rapid.StringMatching(`[a-zA-Z0-9+/]{12,40}`).Draw(t, "own")
		around := rapid.SampledFrom([]string{" ", "\"", "\n", ":", "=", ",", "(", "'"})
		text := rapid.String().Draw(t, "before") + around.Draw(t, "a") + key + around.Draw(t, "b") +
			rapid.String().Draw(t, "after") + own + rapid.String().Draw(t, "rest")
		limit := rapid.IntRange(3, 200).Draw(t, "limit")
		got := httpx.Redact(text, limit, secret.New(own))
		if strings.Contains(got, key[:11]) || strings.Contains(got, own) {
			t.Fatalf("%q shows a secret", got)
		}
		if len(got) > limit || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\x00") {
			t.Fatalf("%q is not one clean line of at most %d bytes", got, limit)
		}
	})
}

func FuzzRedact(f *testing.F) {
	f.Add("Bearer \xff sk-0123456789 eyJ")
	f.Fuzz(func(t *testing.T, text string) {
		got := httpx.Redact(text, 64, secret.New("hunter2"))
		require.LessOrEqual(t, len(got), 64)
		require.True(t, utf8.ValidString(got))
		require.NotContains(t, got, "hunter2")
	})
}

func BenchmarkRedact(b *testing.B) {
	text := strings.Repeat("the provider said: key sk-or-v1-0123456789abcdef was refused; ", 30)
	own := secret.New("0123456789abcdef0123456789abcdef")
	b.ReportAllocs()
	for b.Loop() {
		httpx.Redact(text, 512, own)
	}
}
