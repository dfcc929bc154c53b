package llmtest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/llm/openrouter"
)

func openSound(tb testing.TB, baseURL string) llm.Client {
	tb.Helper()
	client, err := openrouter.New(openrouter.Config{BaseURL: baseURL})
	require.NoError(tb, err)
	tb.Cleanup(client.CloseIdleConnections)
	return client
}

func TestRunPassesASoundClient(t *testing.T) {
	t.Parallel()
	llmtest.Run(t, openSound)
}

// broken is what a client may get wrong, as a decorator around a sound one.
func broken() map[string]func(llm.Client) llm.ClientFunc {
	return map[string]func(llm.Client) llm.ClientFunc{
		"takes an error for an answer": func(sound llm.Client) llm.ClientFunc {
			return func(ctx context.Context, req llm.Request) (llm.Response, error) {
				resp, err := sound.Complete(ctx, req)
				if failure := (*llm.Error)(nil); errors.As(err, &failure) {
					return llm.Response{}, nil
				}
				return resp, err
			}
		},
		"loses the type": func(sound llm.Client) llm.ClientFunc {
			return func(ctx context.Context, req llm.Request) (llm.Response, error) {
				resp, err := sound.Complete(ctx, req)
				if failure := (*llm.Error)(nil); errors.As(err, &failure) {
					return resp, errors.New(err.Error())
				}
				return resp, err
			}
		},
		"tries twice": func(sound llm.Client) llm.ClientFunc {
			return func(ctx context.Context, req llm.Request) (llm.Response, error) {
				resp, err := sound.Complete(ctx, req)
				if err != nil && ctx.Err() == nil {
					return sound.Complete(ctx, req)
				}
				return resp, err
			}
		},
		"does not stop": func(sound llm.Client) llm.ClientFunc {
			return func(ctx context.Context, req llm.Request) (llm.Response, error) {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 200*time.Millisecond)
				defer cancel()
				return sound.Complete(ctx, req)
			}
		},
		"forgets Retry-After": func(sound llm.Client) llm.ClientFunc {
			return func(ctx context.Context, req llm.Request) (llm.Response, error) {
				resp, err := sound.Complete(ctx, req)
				if failure := (*llm.Error)(nil); errors.As(err, &failure) {
					failure.Wait = 0
				}
				return resp, err
			}
		},
		"rounds the cost": func(sound llm.Client) llm.ClientFunc {
			return func(ctx context.Context, req llm.Request) (llm.Response, error) {
				resp, err := sound.Complete(ctx, req)
				resp.Usage.CostUSD = decimal.NewNullDecimal(resp.Usage.CostUSD.Decimal.Round(2))
				return resp, err
			}
		},
		"mixes answers up": func(sound llm.Client) llm.ClientFunc {
			var last atomic.Value
			last.Store("")
			return func(ctx context.Context, req llm.Request) (llm.Response, error) {
				resp, err := sound.Complete(ctx, req)
				if previous, ok := last.Swap(resp.Content).(string); ok && previous != "" {
					resp.Content = previous
				}
				return resp, err
			}
		},
	}
}

const brokenVariable = "LLMTEST_BROKEN_CLIENT"

// TestRunOnABrokenClient fails on purpose, and runs only in the process that
// the test below starts.
func TestRunOnABrokenClient(t *testing.T) {
	t.Parallel()
	damage, found := broken()[os.Getenv(brokenVariable)]
	if !found {
		t.Skip("only as a child of TestRunRefusesEveryBrokenClient")
	}
	llmtest.Run(t, func(tb testing.TB, baseURL string) llm.Client {
		tb.Helper()
		return damage(openSound(tb, baseURL))
	})
}

func TestRunRefusesEveryBrokenClient(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	require.NoError(t, err)
	for name := range broken() {
		child := exec.CommandContext(t.Context(), program, "-test.run=^TestRunOnABrokenClient$", "-test.v")
		child.Env = append(os.Environ(), brokenVariable+"="+name)
		out, err := child.CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, "a client that %s passed:\n%s", name, out)
		require.Contains(t, string(out), "--- FAIL: TestRunOnABrokenClient/", "%s:\n%s", name, out)
	}
}
