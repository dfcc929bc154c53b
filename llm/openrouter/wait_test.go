package openrouter_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/llm/openrouter"
)

// drip is a transport whose body comes in pieces, each after a pause, and then
// hangs until the request ends.
type drip struct {
	headers time.Duration // before the headers; negative: never
	pause   time.Duration
	pieces  []string
	stream  bool
}

func (d drip) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if err := sleep(ctx, d.headers); err != nil {
		return nil, err
	}
	resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: req}
	if d.stream {
		resp.Header = eventStream()
	}
	resp.Body = io.NopCloser(&dripping{drip: d, sleep: func(wait time.Duration) error { return sleep(ctx, wait) }})
	return resp, nil
}

type dripping struct {
	drip  drip
	sleep func(time.Duration) error
}

func (d *dripping) Read(p []byte) (int, error) {
	if len(d.drip.pieces) == 0 {
		return 0, d.sleep(-1)
	}
	if err := d.sleep(d.drip.pause); err != nil {
		return 0, err
	}
	n := copy(p, d.drip.pieces[0])
	d.drip.pieces = d.drip.pieces[1:]
	return n, nil
}

func sleep(ctx context.Context, wait time.Duration) error {
	var passed <-chan time.Time
	if wait >= 0 {
		passed = time.After(wait)
	}
	select {
	case <-passed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func repeat(piece string, n int) []string {
	pieces := make([]string, n)
	for i := range pieces {
		pieces[i] = piece
	}
	return pieces
}

const (
	deltaEvent  = "data: {\"model\":\"test/model\",\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n"
	finishEvent = "data: {\"model\":\"test/model\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
)

func TestIdleTimeCountsOnlyWhatMatters(t *testing.T) {
	t.Parallel()
	const minute = time.Minute
	for name, tc := range map[string]struct {
		drip drip
		took time.Duration // virtual
		kind llm.Kind      // empty: an answer
	}{
		"no headers":              {drip{headers: -1}, minute, llm.KindTimeout},
		"headers, then nothing":   {drip{headers: 50 * time.Second, stream: true}, minute, llm.KindTimeout},
		"comments only":           {drip{pause: 10 * time.Second, stream: true, pieces: repeat(": PROCESSING data: {}\n\n", 100)}, minute, llm.KindTimeout},
		"comments in halves":      {drip{pause: 10 * time.Second, stream: true, pieces: repeat(":", 100)}, minute, llm.KindTimeout},
		"white space only":        {drip{pause: 10 * time.Second, pieces: repeat(" \r\n\t", 100)}, minute, llm.KindTimeout},
		"an answer, then nothing": {drip{stream: true, pieces: []string{deltaEvent, deltaEvent}}, minute, llm.KindTimeout},
		"slow but alive":          {drip{pause: 50 * time.Second, stream: true, pieces: append(repeat(deltaEvent, 9), finishEvent)}, 10*50*time.Second + 3*time.Second, ""},
		"finished, no end":        {drip{stream: true, pieces: []string{deltaEvent, finishEvent}}, 3 * time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := open(t, openrouter.Config{HTTPClient: &http.Client{Transport: tc.drip}})
				started := time.Now()
				got, err := client.Complete(t.Context(), ask("q"))
				require.Equal(t, tc.took, time.Since(started))
				if tc.kind == "" {
					require.NoError(t, err)
					require.Equal(t, llm.FinishStop, got.FinishReason)
					require.Equal(t, tc.took, got.Took)
					return
				}
				var failure *llm.Error
				require.ErrorAs(t, err, &failure)
				require.Equal(t, tc.kind, failure.Kind)
				require.Contains(t, failure.Message, "nothing came for 1m0s")
			})
		})
	}
}

func TestTheContextEndsTheCallWhereverItIs(t *testing.T) {
	t.Parallel()
	for name, transport := range map[string]drip{
		"before headers":   {headers: -1},
		"in a document":    {pieces: []string{"{"}},
		"in a stream":      {stream: true, pieces: []string{deltaEvent}},
		"after the finish": {stream: true, pieces: []string{deltaEvent, finishEvent}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				client := open(t, openrouter.Config{HTTPClient: &http.Client{Transport: transport}})
				started := time.Now()
				_, err := client.Complete(ctx, ask("q"))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, time.Second, time.Since(started))
				var failure *llm.Error
				require.NotErrorAs(t, err, &failure)
			})
		})
	}
}

func TestCancellingReachesTheServer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server, err := llmtest.Start(llmtest.Config{Then: func(llmtest.Request) llmtest.Step {
		cancel()
		return llmtest.WhitespaceRunaway()
	}})
	require.NoError(t, err)
	_, err = open(t, openrouter.Config{BaseURL: server.URL()}).Complete(ctx, ask("q"))
	require.ErrorIs(t, err, context.Canceled)
	server.Close() // returns only when the handler has ended
}

func TestTheHTTPClientsOwnTimeoutIsATimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := open(t, openrouter.Config{HTTPClient: &http.Client{Transport: drip{headers: -1}, Timeout: time.Second}})
		_, err := client.Complete(t.Context(), ask("q"))
		var failure *llm.Error
		require.ErrorAs(t, err, &failure)
		require.Equal(t, llm.KindTimeout, failure.Kind)
	})
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

func TestAnErrorNeverHoldsKeyPromptOrAnswer(t *testing.T) {
	t.Parallel()
	const prompt = "Account 77 holds 12.5 BTC\nat an average of 61,250 USD and wants out before Friday."
	echo := func(status int) llmtest.Step {
		return llmtest.Status(status, "bad key "+key+" (sk-or-v1-0e6...1c96) in Authorization: Bearer "+key+
			"; input was: Account 77 holds 12.5 BTC at an average of 61,250 USD and wants out before Friday.")
	}
	partial := llmtest.Complete(llmtest.Completion{
		Content: "the model wants to sell everything at once", Error: `{"code":502,"message":"cut after: wants to sell everything at once"}`,
	})
	for name, step := range map[string]llmtest.Step{
		"401": echo(401), "500": echo(500), "inside 200": echo(200), "partial answer": partial,
		"redirect":     llmtest.Redirect("https://user:" + key + "@" + key + ".example/" + key),
		"header":       {Status: 500, Header: http.Header{"X-Generation-Id": {key}}},
		"other model":  llmtest.OtherModel(key, "x"),
		"HTML":         {Status: 502, Pieces: []string{"<html><title>" + key + "</title>"}},
		"plain text":   {Status: 502, Pieces: []string{key}},
		"200 as text":  {Header: http.Header{"Content-Type": {"text/plain"}}, Pieces: []string{"the model wants to sell everything"}},
		"broken chunk": events(`{"model":"test/model","choices":[{"delta":{"wants to sell everything":1,"wants to sell everything":2}}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := llmtest.New(t, step)
			_, err := open(t, openrouter.Config{BaseURL: server.URL()}).Complete(t.Context(), ask(prompt))
			requireClean(t, err)
		})
	}
	t.Run("transport", func(t *testing.T) {
		t.Parallel()
		transport := failing{errors.New("proxy refused Bearer " + key)}
		_, err := open(t, openrouter.Config{HTTPClient: &http.Client{Transport: transport}}).Complete(t.Context(), ask(prompt))
		requireClean(t, err)
		require.ErrorContains(t, err, "proxy refused Bearer [redacted]")
	})
}

func requireClean(t *testing.T, err error) {
	t.Helper()
	var failure *llm.Error
	require.ErrorAs(t, err, &failure)
	text := strings.Join([]string{
		err.Error(), failure.Message, failure.GenerationID, failure.Endpoint, failure.Model,
	}, "\n")
	for cause := errors.Unwrap(err); cause != nil; cause = errors.Unwrap(cause) {
		text += cause.Error()
	}
	for _, secret := range []string{key, "0e6...1c96", "Account 77", "61,250", "before Friday", "sell everything"} {
		require.NotContains(t, text, secret)
	}
	require.LessOrEqual(t, len(failure.Message), 512)
}
