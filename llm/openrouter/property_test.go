package openrouter_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/llm/openrouter"
)

func quote(t require.TestingT, text string) string {
	out, err := json.Marshal(text)
	require.NoError(t, err)
	return string(out)
}

// However a provider cuts an answer into chunks, and the network those into
// reads, what arrives is the text of the one document.
func TestAStreamAndADocumentSayTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringOfN(rapid.Rune(), 0, 20, -1), 1, 20).Draw(rt, "parts")
		var stream strings.Builder
		for i, part := range parts {
			finish := "null"
			if i == len(parts)-1 {
				finish = `"stop"`
			}
			fmt.Fprintf(&stream, "data: {\"model\":\"test/model\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%s},\"finish_reason\":%s}]}\n\n",
				quote(rt, part), finish)
			if rapid.Bool().Draw(rt, "comment") {
				stream.WriteString(": still here\r\n\r\n")
			}
		}
		whole := strings.Join(parts, "")
		document := `{"model":"test/model","choices":[{"index":0,"message":{"content":` + quote(rt, whole) + `},"finish_reason":"stop"}]}`
		chunk := rapid.IntRange(0, 7).Draw(rt, "bytes per read")
		for _, transport := range []canned{
			{contentType: "text/event-stream", body: stream.String(), chunk: chunk}, {contentType: "application/json", body: document, chunk: chunk},
		} {
			got, err := open(t, openrouter.Config{HTTPClient: &http.Client{Transport: transport}}).Complete(t.Context(), ask("q"))
			require.NoError(rt, err)
			require.Equal(rt, whole, got.Content)
			require.Equal(rt, llm.FinishStop, got.FinishReason)
		}
	})
}

// Wherever a stream is cut before its finish reason, there is no answer.
func TestAStreamCutAnywhereIsNoAnswer(t *testing.T) {
	t.Parallel()
	whole := deltaEvent + deltaEvent + finishEvent
	for cut := range len(whole) {
		transport := canned{contentType: "text/event-stream", body: whole[:cut]}
		got, err := open(t, openrouter.Config{HTTPClient: &http.Client{Transport: transport}}).Complete(t.Context(), ask("q"))
		var failure *llm.Error
		require.ErrorAs(t, err, &failure, "cut at %d", cut)
		require.Equal(t, llm.KindTransport, failure.Kind, "cut at %d", cut)
		require.Equal(t, llm.Response{}, got)
	}
}

func TestADocumentCutAnywhereIsNoAnswer(t *testing.T) {
	t.Parallel()
	whole := `{"model":"test/model","choices":[{"finish_reason":"stop","message":{"content":"x"}}],"usage":{"cost":0.1}}`
	for cut := range len(whole) {
		transport := canned{contentType: "application/json", body: whole[:cut]}
		_, err := open(t, openrouter.Config{HTTPClient: &http.Client{Transport: transport}}).Complete(t.Context(), ask("q"))
		var failure *llm.Error
		require.ErrorAs(t, err, &failure, "cut at %d", cut)
		require.Equal(t, llm.KindMalformed, failure.Kind, "cut at %d", cut)
	}
}

func TestSameModelAcceptsNoOtherSuffix(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z]{1,8}/[a-z0-9.-]{1,12}`).Draw(t, "model")
		if !openrouter.SameModel(name, name) {
			t.Fatalf("%s is not itself", name)
		}
		suffix := rapid.StringMatching(`-[a-z0-9]{0,3}[a-z]`).Draw(t, "suffix")
		if openrouter.SameModel(name, name+suffix) || openrouter.SameModel(name+suffix, name) {
			t.Fatalf("%s is taken for %s%s", name, name, suffix)
		}
	})
}

func TestTheBoundOnABodyIsExact(t *testing.T) {
	t.Parallel()
	body := `{"model":"test/model","choices":[{"finish_reason":"stop","message":{"content":"x"}}]}`
	complete := func(limit int) error {
		transport := canned{contentType: "application/json", body: body}
		_, err := open(t, openrouter.Config{HTTPClient: &http.Client{Transport: transport}, MaxBodyBytes: int64(limit)}).Complete(t.Context(), ask("q"))
		return err
	}
	require.NoError(t, complete(len(body)))
	require.ErrorContains(t, complete(len(body)-1), fmt.Sprintf("malformed: the answer exceeds %d bytes", len(body)-1))
}

// The bound holds for what is unpacked: a small body may unpack to a large one.
func TestTheBoundHoldsAfterDecompression(t *testing.T) {
	t.Parallel()
	step := llmtest.Gzip(strings.Repeat("x", 1<<20))
	_, err := open(t, openrouter.Config{BaseURL: llmtest.New(t, step).URL(), MaxBodyBytes: 64 << 10}).Complete(t.Context(), ask("q"))
	require.ErrorContains(t, err, "malformed: the answer exceeds 65536 bytes")
}

func TestWhiteSpaceBelowTheBoundIsAnAnswer(t *testing.T) {
	t.Parallel()
	for blank, sound := range map[int]bool{2048: true, 2049: false} {
		content := "a" + strings.Repeat("\n", blank) + "b"
		for _, step := range []llmtest.Step{llmtest.Stream(content), llmtest.Document(content)} {
			got, err := open(t, openrouter.Config{BaseURL: llmtest.New(t, step).URL()}).Complete(t.Context(), ask("q"))
			if sound {
				require.NoError(t, err)
				require.Equal(t, content, got.Content)
			} else {
				require.ErrorContains(t, err, "ran away into white space")
			}
		}
	}
}

func TestAnUnknownCertificateIsTransport(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the request, and the key with it, was sent to a server that nobody vouches for")
	}))
	t.Cleanup(server.Close)
	_, err := open(t, openrouter.Config{BaseURL: server.URL}).Complete(t.Context(), ask("q"))
	var failure *llm.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, llm.KindTransport, failure.Kind)
	require.Contains(t, failure.Message, "certificate")
}

func TestTheRequestIsLeftAsItWas(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t)
	req := fullRequest()
	_, err := open(t, openrouter.Config{BaseURL: server.URL(), Dialect: openrouter.OpenRouter()}).Complete(t.Context(), req)
	require.NoError(t, err)
	require.Equal(t, fullRequest(), req)
}
