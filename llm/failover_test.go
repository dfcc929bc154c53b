package llm_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/llm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answering answers at once, as the model it was asked for.
func answering(content string) llm.ClientFunc {
	return func(_ context.Context, req llm.Request) (llm.Response, error) {
		return llm.Response{Model: req.Model + "-20260401", Content: content, FinishReason: llm.FinishStop, Usage: llm.Usage{PromptTokens: 3}}, nil
	}
}

func failing(err error) llm.ClientFunc {
	return func(context.Context, llm.Request) (llm.Response, error) { return llm.Response{}, err }
}

// hanging waits for the end of its context.
func hanging(ctx context.Context, _ llm.Request) (llm.Response, error) {
	<-ctx.Done()
	return llm.Response{}, fmt.Errorf("hanging: %w", ctx.Err())
}

func failover(tb testing.TB, hops ...llm.Hop) *llm.Failover {
	tb.Helper()
	f, err := llm.NewFailover(llm.FailoverConfig{Hops: hops})
	require.NoError(tb, err)
	return f
}

func kinds(tried []llm.Attempt) string {
	var out []string
	for _, attempt := range tried {
		out = append(out, attempt.Model+"="+string(attempt.Kind))
	}
	return strings.Join(out, " ")
}

func TestFailoverAsksTheNextModelAfterAnyFailure(t *testing.T) {
	t.Parallel()
	failures := map[string]error{
		"timeout": context.DeadlineExceeded, "transport": context.Canceled, "other": errors.New("circuit is open"),
	}
	for _, kind := range []llm.Kind{
		llm.KindConfig, llm.KindAuth, llm.KindPayment, llm.KindForbidden, llm.KindRateLimited, llm.KindTimeout, llm.KindServer,
		llm.KindTransport, llm.KindMalformed, llm.KindModel,
	} {
		failures[string(kind)] = &llm.Error{Kind: kind, Model: "a"}
	}
	for kind, failure := range failures {
		f := failover(t, llm.Hop{Model: "a", Client: failing(failure)}, llm.Hop{Name: "second", Model: "b", Client: answering("{}")})
		resp, err := f.Complete(t.Context(), llm.Request{Model: "ignored"})
		require.NoError(t, err)
		require.Equal(t, "a="+kind+" b=", kinds(resp.Tried))
		require.Equal(t, "second", resp.Tried[1].Endpoint)
		require.Equal(t, "b-20260401", resp.Model, "the served one")
		require.Equal(t, "second", resp.Hop)
		require.Equal(t, llm.Usage{PromptTokens: 3}, resp.Tried[1].Usage)
	}
}

func TestFailoverTakesAUselessAnswerAsAnAnswer(t *testing.T) {
	t.Parallel()
	f := failover(t, llm.Hop{Model: "a", Client: llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
		return llm.Response{Model: "a", FinishReason: llm.FinishLength}, nil
	})}, llm.Hop{Model: "b", Client: failing(io.EOF)})
	resp, err := f.Complete(t.Context(), llm.Request{})
	require.NoError(t, err)
	require.Equal(t, llm.FinishLength, resp.FinishReason)
	require.Equal(t, 1, resp.Attempts)
}

func TestFailoverAsksTheHopsThatTheRequestAdmits(t *testing.T) {
	t.Parallel()
	f := failover(t, llm.Hop{Model: "a", Client: answering("a")}, llm.Hop{Name: "own", Client: answering("b")})
	resp, err := f.Complete(t.Context(), llm.Request{Model: "b", Skip: []string{"a"}})
	require.NoError(t, err)
	require.Equal(t, "b", resp.Content)
	resp, err = f.Complete(t.Context(), llm.Request{Model: "b", Skip: []string{"own"}})
	require.NoError(t, err)
	require.Equal(t, "a", resp.Content)
	resp, err = f.Complete(t.Context(), llm.Request{Model: "b", Only: "own"})
	require.NoError(t, err)
	require.Equal(t, "own", resp.Hop)
	for _, req := range []llm.Request{{Skip: []string{"own", "a"}}, {Only: "a", Skip: []string{"a"}}, {Only: "nobody"}} {
		_, err = f.Complete(t.Context(), req)
		require.ErrorIs(t, err, llm.ErrNoModel)
	}
}

// A first model that hangs leaves the others their share.
func TestFailoverSharesTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		f := failover(t,
			llm.Hop{Model: "a", Client: llm.ClientFunc(hanging)}, llm.Hop{Model: "b", Client: llm.ClientFunc(hanging)},
			llm.Hop{Model: "c", Client: llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
				deadline, _ := ctx.Deadline()
				require.Equal(t, 10*time.Second, time.Until(deadline), "the last has all that is left")
				return answering("{}")(ctx, req)
			})})
		resp, err := f.Complete(ctx, llm.Request{})
		require.NoError(t, err)
		require.Equal(t, "a=timeout b=timeout c=", kinds(resp.Tried))
		require.Equal(t, 10*time.Second, resp.Tried[0].Took)
		require.Equal(t, 10*time.Second, resp.Tried[1].Took)
	})
}

func TestFailoverGivesTheUnusedShareToTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		f := failover(t, llm.Hop{Model: "a", Client: failing(io.EOF)}, llm.Hop{Model: "b", Client: llm.ClientFunc(hanging)},
			llm.Hop{Model: "c", Client: answering("{}")})
		resp, err := f.Complete(ctx, llm.Request{})
		require.NoError(t, err)
		require.Equal(t, 15*time.Second, resp.Tried[1].Took)
	})
}

// The end of a share is no end of the caller's context.
func TestAShareThatIsOverIsNotTheCallersDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		f := failover(t, llm.Hop{Model: "a", Client: llm.ClientFunc(hanging)}, llm.Hop{Model: "b", Client: failing(&llm.Error{Kind: llm.KindAuth})})
		_, err := f.Complete(ctx, llm.Request{})
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		require.EqualError(t, err, "llm: no model answered: a: timeout: no answer within its share of the time; b: auth")
		require.NoError(t, ctx.Err())
	})
}

func TestTheCallersEndStopsTheFailover(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		never := llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
			t.Error("asked after the caller had left")
			return llm.Response{}, nil
		})
		f := failover(t, llm.Hop{Model: "a", Client: failing(&llm.Error{Kind: llm.KindServer})},
			llm.Hop{Model: "b", Client: llm.ClientFunc(hanging)}, llm.Hop{Model: "c", Client: never})
		_, err := f.Complete(ctx, llm.Request{})
		require.ErrorIs(t, err, context.Canceled)
		var failure *llm.FailoverError
		require.ErrorAs(t, err, &failure)
		require.Equal(t, "a=server b=transport", kinds(failure.Tried))

		_, err = failover(t, llm.Hop{Model: "c", Client: never}).Complete(ctx, llm.Request{})
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestFailoverStopsAtAnExhaustedBudgetAndNotAtAMissingPrice(t *testing.T) {
	t.Parallel()
	for reason, stops := range map[llm.BudgetReason]bool{
		llm.BudgetExhausted: true, llm.BudgetLedger: true, llm.BudgetUnlimited: true, llm.BudgetUnbounded: true, llm.BudgetUnpriced: false,
	} {
		f := failover(t, llm.Hop{Model: "a", Client: failing(&llm.BudgetError{Reason: reason})}, llm.Hop{Model: "b", Client: answering("{}")})
		_, err := f.Complete(t.Context(), llm.Request{})
		require.Equal(t, stops, errors.Is(err, llm.ErrBudget), reason)
	}
	_, err := failover(t, llm.Hop{Model: "a", Client: failing(llm.ErrBudget)}, llm.Hop{Model: "b", Client: answering("{}")}).
		Complete(t.Context(), llm.Request{})
	require.ErrorIs(t, err, llm.ErrBudget)
}

func TestFailoverNeverPutsTwoModelsAnswersTogether(t *testing.T) {
	t.Parallel()
	partial := llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
		return llm.Response{Content: "{"}, io.ErrUnexpectedEOF
	})
	resp, err := failover(t, llm.Hop{Model: "a", Client: partial}, llm.Hop{Model: "b", Client: answering("}")}).Complete(t.Context(), llm.Request{})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, llm.Response{}, resp)
}

type openError struct{ wait time.Duration }

func (openError) Error() string               { return "circuit is open" }
func (o openError) RetryAfter() time.Duration { return o.wait }
func limited(wait time.Duration) error        { return &llm.Error{Kind: llm.KindRateLimited, Wait: wait} }

func of(kind llm.Kind) error                    { return fmt.Errorf("wrapped: %w", &llm.Error{Kind: kind}) }
func joined(causes ...error) *llm.FailoverError { return &llm.FailoverError{Causes: causes} }
func seconds(n int) time.Duration               { return time.Duration(n) * time.Second }

func TestFailoverErrorSumsItsCausesUp(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err                         *llm.FailoverError
		retryable, limited, blocked bool
		wait                        time.Duration
	}{
		"the shortest wait counts":         {joined(limited(seconds(40)), limited(seconds(7))), true, true, false, seconds(7)},
		"a circuit waits too":              {joined(openError{seconds(300)}, limited(seconds(400))), true, false, false, seconds(300)},
		"who names no wait needs none":     {joined(limited(seconds(40)), of(llm.KindServer)), true, false, false, 0},
		"who cannot be asked is left out":  {joined(limited(seconds(40)), of(llm.KindAuth)), true, false, false, seconds(40)},
		"all are blocked":                  {joined(of(llm.KindAuth), of(llm.KindPayment)), false, false, true, 0},
		"wrong requests":                   {joined(of(llm.KindConfig), of(llm.KindModel)), false, false, false, 0},
		"the caller left":                  {joined(of(llm.KindConfig), context.Canceled), false, false, false, 0},
		"the caller's deadline":            {joined(context.DeadlineExceeded), false, false, false, 0},
		"the budget":                       {joined(&llm.BudgetError{}), false, false, false, 0},
		"too long for one, down the other": {joined(&llm.ContextError{}, of(llm.KindTransport)), true, false, false, 0},
		"unknown errors may pass":          {joined(io.EOF), true, false, false, 0},
		"no causes":                        {joined(), false, false, false, 0},
	} {
		require.Equal(t, tc.retryable, tc.err.Retryable(), name)
		require.Equal(t, tc.limited, tc.err.RateLimited(), name)
		require.Equal(t, tc.blocked, tc.err.Blocked(), name)
		require.Equal(t, tc.wait, tc.err.RetryAfter(), name)
	}
	require.ErrorIs(t, joined(io.EOF, of(llm.KindAuth)), io.EOF)
}

func TestTraceShowsEveryCallOfAHop(t *testing.T) {
	t.Parallel()
	calls := 0
	flaky := llm.Trace(llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
		if calls++; calls < 3 {
			return llm.Response{}, &llm.Error{Kind: llm.KindServer}
		}
		return answering("{}")(ctx, req)
	}))
	retrying := llm.ClientFunc(func(ctx context.Context, req llm.Request) (resp llm.Response, err error) {
		for range 3 {
			if resp, err = flaky.Complete(ctx, req); err == nil {
				return resp, nil
			}
		}
		return llm.Response{}, err
	})
	f := failover(t, llm.Hop{Model: "a", Client: failing(openError{})}, llm.Hop{Name: "x", Model: "b", Client: retrying})
	resp, err := f.Complete(t.Context(), llm.Request{})
	require.NoError(t, err)
	require.Equal(t, "a=other b=server b=server b=", kinds(resp.Tried))
	require.Equal(t, 3, resp.Attempts, "the open circuit was no call")
	require.Equal(t, 3, resp.Tried[3].Usage.PromptTokens)
	resp, err = flaky.Complete(t.Context(), llm.Request{Model: "b"})
	require.NoError(t, err)
	require.Empty(t, resp.Tried, "nobody asked for it")
}

// A breaker returns on time and leaves a call behind that ends later.
func TestTraceOfACallThatOutlivesItsHop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deaf := llm.Trace(llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
			time.Sleep(time.Minute)
			return llm.Response{Usage: llm.Usage{PromptTokens: 9}}, nil
		}))
		impatient := llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
			go func() { _, _ = deaf.Complete(ctx, req) }()
			time.Sleep(time.Second)
			return llm.Response{}, &llm.Error{Kind: llm.KindTimeout}
		})
		_, err := failover(t, llm.Hop{Model: "a", Client: impatient}).Complete(t.Context(), llm.Request{})
		var failure *llm.FailoverError
		require.ErrorAs(t, err, &failure)
		time.Sleep(2 * time.Minute)
		require.Equal(t, []llm.Attempt{{Model: "a", Endpoint: "a", Kind: llm.KindTimeout, Took: time.Second}}, failure.Tried)
	})
}

func TestTraceIsBounded(t *testing.T) {
	t.Parallel()
	mad := llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
		for range 1000 {
			if _, err := llm.Trace(failing(io.EOF)).Complete(ctx, req); err == nil {
				t.Error("no error")
			}
		}
		return llm.Response{}, io.EOF
	})
	_, err := failover(t, llm.Hop{Model: "a", Client: mad}).Complete(t.Context(), llm.Request{})
	var failure *llm.FailoverError
	require.ErrorAs(t, err, &failure)
	require.Len(t, failure.Tried, 128)
}

func TestAFailoverInsideAFailoverKeepsWhatItTried(t *testing.T) {
	t.Parallel()
	inner := failover(t, llm.Hop{Model: "a", Client: failing(io.EOF)}, llm.Hop{Model: "b", Client: answering("{}")})
	outer := failover(t, llm.Hop{Model: "z", Client: failing(of(llm.KindAuth))}, llm.Hop{Name: "inner", Client: inner})
	resp, err := outer.Complete(t.Context(), llm.Request{})
	require.NoError(t, err)
	require.Equal(t, "z=auth a=other b=", kinds(resp.Tried))
	require.Equal(t, 2, resp.Attempts)
}

func TestFailoverReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := llm.NewFailover(llm.FailoverConfig{})
	require.EqualError(t, err, "llm: Hops must be between 1 and 16, were 0")
	_, err = llm.NewFailover(llm.FailoverConfig{Hops: []llm.Hop{{Model: "a"}, {Name: "a", Client: answering("")}}})
	require.EqualError(t, err, "llm: Hops[0].Client must be set\nHops[1].Name must be unique, was \"a\" again")
}

func TestWithModelAsksForThatModel(t *testing.T) {
	t.Parallel()
	resp, err := llm.WithModel(answering(""), "m").Complete(t.Context(), llm.Request{Model: "other"})
	require.NoError(t, err)
	require.Equal(t, "m-20260401", resp.Model)
	require.Empty(t, resp.Hop, "without a Failover there are no hops")
}

func ExampleFailover() {
	down := llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
		return llm.Response{}, &llm.Error{Kind: llm.KindServer, Status: 502}
	})
	up := llm.ClientFunc(func(_ context.Context, req llm.Request) (llm.Response, error) {
		return llm.Response{Model: req.Model, Content: "{}", FinishReason: llm.FinishStop}, nil
	})
	ask, err := llm.NewFailover(llm.FailoverConfig{Hops: []llm.Hop{{Model: "test/first", Client: down}, {Model: "test/second", Client: up}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := ask.Complete(context.Background(), llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Content: "?"}}})
	fmt.Println(resp.Model, resp.Attempts, err)
	for _, attempt := range resp.Tried {
		fmt.Printf("%s %q\n", attempt.Model, attempt.Kind)
	}
	// Output:
	// test/second 2 <nil>
	// test/first "server"
	// test/second ""
}

func BenchmarkFailover(b *testing.B) {
	hop := answering("{}")
	b.Run("bare", func(b *testing.B) { benchmark(b, hop) })
	b.Run("failover", func(b *testing.B) {
		benchmark(b, failover(b, llm.Hop{Model: "a", Client: hop}, llm.Hop{Model: "b", Client: hop}))
	})
	b.Run("failover and trace", func(b *testing.B) {
		benchmark(b, failover(b, llm.Hop{Model: "a", Client: llm.Trace(hop)}, llm.Hop{Model: "b", Client: hop}))
	})
}

func benchmark(b *testing.B, client llm.Client) {
	b.Helper()
	b.ReportAllocs()
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	req := llm.Request{Model: "a", MaxTokens: 100, Messages: []llm.Message{{Role: llm.RoleUser, Content: strings.Repeat("x", 10_000)}}}
	for b.Loop() {
		if _, err := client.Complete(ctx, req); err != nil {
			b.Fatal(err)
		}
	}
}

func TestTraceLeavesOutCallsThatWereNotMade(t *testing.T) {
	t.Parallel()
	adapter := llm.Trace(llm.ClientFunc(func(_ context.Context, req llm.Request) (llm.Response, error) {
		switch req.Format {
		case llm.FormatText:
			return llm.Response{Model: "a", FinishReason: llm.FinishStop}, nil
		case llm.FormatObject:
			return llm.Response{}, &llm.Error{Kind: llm.KindConfig, Status: 400, FormatRejected: true}
		default:
			return llm.Response{}, &llm.Error{Kind: llm.KindConfig, FormatRejected: true} // the adapter knows
		}
	}))
	f := failover(t, llm.Hop{Model: "a", Client: llm.NewLadder(adapter)})
	resp, err := f.Complete(t.Context(), llm.Request{Schema: &llm.Schema{Name: "s", JSON: []byte(`{}`)}, Messages: []llm.Message{{Role: llm.RoleSystem, Content: "s"}}})
	require.NoError(t, err)
	require.Equal(t, "a=config a=", kinds(resp.Tried))
	require.Equal(t, 2, resp.Attempts)
}
