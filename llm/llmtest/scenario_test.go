package llmtest_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
)

// begin sends a request and returns the answer as it comes. It is closed when
// the test ends, or by the returned function.
func begin(t *testing.T, server *llmtest.Server, body string) (*http.Response, func()) {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL()+"/chat/completions", strings.NewReader(body))
	require.NoError(t, err)
	resp, err := transport.RoundTrip(req)
	require.NoError(t, err)
	leave := func() { _ = resp.Body.Close() }
	t.Cleanup(leave)
	return resp, leave
}

func TestStreamsThatNeverEndGoOnUntilTheClientLeaves(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step llmtest.Step
		want string // comes again and again
	}{
		"drip":       {llmtest.EndlessDrip(time.Millisecond), `"content":"and so on "`},
		"comments":   {llmtest.KeepAlive(time.Millisecond), ": OPENROUTER PROCESSING\n\n"},
		"blank":      {llmtest.KeepAliveWhitespace(time.Millisecond), "\n \n"},
		"raw stream": {llmtest.WhitespaceRunaway(), `\n \n`},
	} {
		server := llmtest.New(t, c.step)
		resp, leave := begin(t, server, chatFlow)
		start, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
		require.NoError(t, err, name)
		require.Greater(t, strings.Count(string(start), c.want), 2, name)
		leave()
		server.Close() // waits for the handler, which must notice
	}
}

func TestADripIsTheWholeAnswer(t *testing.T) {
	t.Parallel()
	_, body, err := complete(t, llmtest.New(t, llmtest.Drip(time.Millisecond, "content")), chatFlow)
	require.NoError(t, err)
	require.Contains(t, body, `"content":"content"`)
	require.True(t, strings.HasSuffix(body, "data: [DONE]\n\n"))
}

func TestAStreamThatHangsSendsItsContentFirst(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, llmtest.StreamHang("half an"))
	resp, _ := begin(t, server, chatFlow)
	start := make([]byte, 4096)
	var got strings.Builder
	for !strings.Contains(got.String(), `"content":"half an"`) {
		n, err := resp.Body.Read(start)
		require.NoError(t, err)
		got.Write(start[:n])
	}
	server.Close() // ends what hangs
	_, err := io.ReadAll(resp.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// The client's side stays open: only what it reads tells it that nothing comes.
func TestHalfClosedEndsOneSideUntilTheOtherLeaves(t *testing.T) {
	t.Parallel()
	for _, leaves := range []string{"client", "server"} {
		server := llmtest.New(t, llmtest.HalfClosed())
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.Split(server.URL(), "/")[2])
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = io.WriteString(conn, "POST /api/v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 58\r\n\r\n"+chat58)
		require.NoError(t, err)
		got, err := io.ReadAll(conn)
		require.NoError(t, err, "an end, not a reset")
		require.Empty(t, got)
		_, err = io.WriteString(conn, "still here")
		require.NoError(t, err)
		if leaves == "client" {
			require.NoError(t, conn.Close())
		}
		server.Close()
	}
}

// chat58 is a request of 58 bytes.
const chat58 = `{"model":"m","messages":[{"role":"user","content":"abc"}]}`

func TestAnEchoIsThePrompt(t *testing.T) {
	t.Parallel()
	for _, s := range llmtest.Scenarios() {
		server, err := llmtest.Start(s.Script())
		require.NoError(t, err)
		t.Cleanup(server.Close)
		if s.Echo {
			_, body, err := complete(t, server, `{"model":"m","messages":[{"role":"system","content":"obey"},{"role":"user","content":"a \"question\""}]}`)
			require.NoError(t, err)
			require.Contains(t, body, `"content":"obey\na \"question\"\n"`)
		}
		server.Close()
	}
}

func TestOnlyTimeoutsOfTheCallersSideStall(t *testing.T) {
	t.Parallel()
	stalling := 0
	for _, s := range llmtest.Scenarios() {
		if s.Expect.Stalls() {
			stalling++
			require.True(t, s.Step.End == llmtest.EndHang || s.Step.Repeat == llmtest.Forever, "%s would end by itself", s.Name)
		}
	}
	require.Equal(t, 5, stalling)
	require.False(t, llmtest.Expectation{Kind: llm.KindTimeout, Status: 504}.Stalls())
}
