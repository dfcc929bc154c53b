package llmtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ballast-go/ballast/llm"
)

// ConformanceModel is the model that Run asks for.
const ConformanceModel = "test/model"

// Open makes the client under test for an endpoint: one attempt, any key. It
// registers its own cleanup.
type Open func(tb testing.TB, baseURL string) llm.Client

// Run checks what every llm.Client over HTTP promises: whole answers, a typed
// error for everything else, the end of ctx obeyed, concurrent use.
func Run(t *testing.T, open Open) {
	t.Helper()
	t.Run("Answers", func(t *testing.T) { runAnswers(t, open) })
	t.Run("Failures", func(t *testing.T) { runFailures(t, open) })
	t.Run("Cancel", func(t *testing.T) { runCancel(t, open) })
	t.Run("Deadline", func(t *testing.T) { runDeadline(t, open) })
	t.Run("CancelledBefore", func(t *testing.T) { runCancelledBefore(t, open) })
	t.Run("Concurrent", func(t *testing.T) { runConcurrent(t, open) })
}

func question(content string) llm.Request {
	return llm.Request{Model: ConformanceModel, Messages: []llm.Message{{Role: llm.RoleUser, Content: content}}}
}

func runAnswers(t *testing.T, open Open) {
	t.Helper()
	server := New(t, Complete(Completion{Content: `{"a":"é"}`, Usage: TypicalUsage(), FinishReason: llm.FinishLength}))
	got, err := open(t, server.URL()).Complete(t.Context(), question("q"))
	if err != nil {
		t.Fatalf("Complete: %v", err)
	}
	if got.Content != `{"a":"é"}` || got.Model != ConformanceModel || got.FinishReason != llm.FinishLength || got.ID != "gen-1" {
		t.Errorf("got content %q of model %q, finish %q, id %q", got.Content, got.Model, got.FinishReason, got.ID)
	}
	want := TypicalUsage()
	if got.Usage.PromptTokens != want.PromptTokens || got.Usage.CompletionTokens != want.CompletionTokens ||
		!got.Usage.CostUSD.Valid || !got.Usage.CostUSD.Decimal.Equal(want.CostUSD.Decimal) {
		t.Errorf("got usage %+v, want %+v", got.Usage, want)
	}
	if requests := server.Requests(); len(requests) != 1 || requests[0].Refused != "" {
		t.Errorf("the server saw %+v, want one request that keeps the protocol", requests)
	}
}

func runFailures(t *testing.T, open Open) {
	t.Helper()
	for _, tc := range []struct {
		step   Step
		kind   llm.Kind
		status int
		wait   time.Duration
	}{
		{InvalidModel(), llm.KindConfig, 400, 0},
		{Unauthorized(), llm.KindAuth, 401, 0},
		{PaymentRequired(), llm.KindPayment, 402, 0},
		{Moderation(), llm.KindForbidden, 403, 0},
		{RequestTimeout(), llm.KindTimeout, 408, 0},
		{RateLimited("7"), llm.KindRateLimited, 429, 7 * time.Second},
		{ServerError(), llm.KindServer, 500, 0},
		{HTML502(), llm.KindServer, 502, 0},
		{Error200A(), llm.KindRateLimited, 429, 0},
		{Error200B(), llm.KindServer, 502, 0},
		{Error200C(), llm.KindServer, 502, 0},
		{LoginPage(), llm.KindMalformed, 0, 0},
		{TruncatedBody(), llm.KindTransport, 0, 0},
		{Reset(), llm.KindTransport, 0, 0},
		{OtherModel("other/model", "{}"), llm.KindModel, 0, 0},
	} {
		t.Run(tc.step.Name+" "+string(tc.kind), func(t *testing.T) {
			server := New(t, tc.step)
			got, err := open(t, server.URL()).Complete(t.Context(), question("q"))
			var failure *llm.Error
			if !errors.As(err, &failure) {
				t.Fatalf("got error %v and response %+v, want an *llm.Error", err, got)
			}
			if failure.Kind != tc.kind || failure.Status != tc.status || failure.Wait != tc.wait {
				t.Errorf("got kind %s, status %d, wait %v; want %s, %d, %v",
					failure.Kind, failure.Status, failure.Wait, tc.kind, tc.status, tc.wait)
			}
			if n := len(server.Requests()); n != 1 {
				t.Errorf("the server saw %d requests, want one attempt", n)
			}
		})
	}
}

// runCancel ends ctx once the request has arrived at a server that hangs: the
// call returns because of that alone.
func runCancel(t *testing.T, open Open) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server := start(t, Config{Then: func(Request) Step {
		cancel()
		return Hang()
	}})
	if _, err := open(t, server.URL()).Complete(ctx, question("q")); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
}

func runDeadline(t *testing.T, open Open) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	server := New(t, Hang())
	if _, err := open(t, server.URL()).Complete(ctx, question("q")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want context.DeadlineExceeded", err)
	}
}

func runCancelledBefore(t *testing.T, open Open) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	server := New(t)
	if _, err := open(t, server.URL()).Complete(ctx, question("q")); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("the server saw %d requests, want none", n)
	}
}

func runConcurrent(t *testing.T, open Open) {
	t.Helper()
	server := start(t, Config{Then: func(req Request) Step { return Answer(req.Messages[0].Content) }})
	client := open(t, server.URL())
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() {
			want := fmt.Sprintf("question %d", i)
			got, err := client.Complete(t.Context(), question(want))
			if err != nil || got.Content != want {
				t.Errorf("got %q, error %v; want %q", got.Content, err, want)
			}
		})
	}
	wait.Wait()
}

func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	server, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}
