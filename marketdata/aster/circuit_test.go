package aster_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/aster"
)

// routes is a venue whose /time is scripted too.
type routes struct{ time, rest func() reply }

func (r routes) RoundTrip(req *http.Request) (*http.Response, error) {
	next := r.rest
	if req.URL.Path == "/fapi/v3/time" {
		next = r.time
	}
	made := next()
	if made.body == "" {
		made.body = " "
	}
	return (&scripted{answer: func(int, received) reply { return made }}).RoundTrip(elsewhere(req))
}

// elsewhere hides /time from the scripted venue's own.
func elsewhere(req *http.Request) *http.Request {
	out := req.Clone(req.Context())
	out.URL.Path = "/elsewhere"
	return out
}

func transport(answer func(*scripted) reply) http.RoundTripper {
	return routes{time: func() reply { return answer(nil) }, rest: func() reply { return answer(nil) }}
}

func TestAHostThatDoesNotAnswerIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, failing := range map[string]reply{"reset": {err: errReset}, "500": {status: 500}, "cut": {body: "[", cut: true}, "hang": {hang: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var logged bytes.Buffer
				down := true
				venue := &scripted{answer: func(int, received) reply {
					if down {
						return failing
					}
					return reply{body: `{}`}
				}}
				client := connect(t, venue, aster.Config{
					Attempts: 1, Breaker: aster.BreakerConfig{FailureThreshold: 3, RecoveryTimeout: time.Minute}, Logger: slog.New(slog.NewTextHandler(&logged, nil)),
				})
				for range 3 {
					require.Equal(t, "closed", client.Usage().Circuit)
					require.Error(t, client.Do(t.Context(), ping, nil))
				}
				require.Equal(t, "open", client.Usage().Circuit)
				require.Contains(t, logged.String(), "to=open")
				time.Sleep(20 * time.Second)
				failure := requireFailure(t, client.Do(t.Context(), ping, nil), aster.KindCircuit)
				require.ErrorIs(t, failure, aster.ErrCircuitOpen)
				require.Equal(t, 40*time.Second, failure.Wait)
				require.True(t, failure.Retryable())
				require.Len(t, venue.seen(), 3)

				time.Sleep(40*time.Second + 1)
				require.Error(t, client.Do(t.Context(), ping, nil), "the one attempt fails")
				_ = requireFailure(t, client.Do(t.Context(), ping, nil), aster.KindCircuit)
				require.Len(t, venue.seen(), 4)

				down = false
				time.Sleep(time.Minute + 1)
				require.NoError(t, client.Do(t.Context(), ping, nil))
				require.Equal(t, "closed", client.Usage().Circuit)
			})
		})
	}
}

func TestOneRequestTriesAHostAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &scripted{replies: []reply{{status: 500}, {after: time.Second, body: `{}`}}}
		client := connect(t, venue, aster.Config{Attempts: 1, Breaker: aster.BreakerConfig{FailureThreshold: 1, RecoveryTimeout: time.Second}})
		require.Error(t, client.Do(t.Context(), ping, nil))
		time.Sleep(time.Second + 1)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := client.Do(t.Context(), ping, nil); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		failure := requireFailure(t, client.Do(t.Context(), ping, nil), aster.KindCircuit)
		require.Zero(t, failure.Wait)
		wg.Wait()
		require.NoError(t, client.Do(t.Context(), ping, nil))
	})
}

func TestRefusalsAndImpatienceSayNothingAboutTheHost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &scripted{answer: func(n int, _ received) reply {
			return []reply{{status: 400}, {status: 403}, {body: `{"code":-1121}`}, {hang: true}}[n%4]
		}}
		client := connect(t, venue, aster.Config{Attempts: 1, Breaker: aster.BreakerConfig{FailureThreshold: 1}})
		for range 20 {
			require.Error(t, client.Do(within(t, time.Second), ping, nil))
		}
		require.Equal(t, "closed", client.Usage().Circuit)
		require.Len(t, venue.seen(), 20)
	})
}

// A caller that gives a host half of the attempt's time and more has seen it
// hang, however short its deadline is.
func TestACallersDeadlineCountsAfterHalfOfAnAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := connect(t, &scripted{replies: []reply{{hang: true}}}, aster.Config{Timeout: 10 * time.Second, Breaker: aster.BreakerConfig{FailureThreshold: 1}})
		require.Error(t, client.Do(within(t, 5*time.Second-1), ping, nil))
		require.Equal(t, "closed", client.Usage().Circuit)
		require.Error(t, client.Do(within(t, 5*time.Second), ping, nil))
		require.Equal(t, "open", client.Usage().Circuit)
	})
}

func TestRetriesStopWhenTheCircuitOpens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &scripted{replies: []reply{{status: 502}}}
		client := connect(t, venue, aster.Config{Attempts: 5, Breaker: aster.BreakerConfig{FailureThreshold: 2}})
		failure := requireFailure(t, client.Do(t.Context(), ping, nil), aster.KindServer)
		require.Equal(t, 502, failure.Status, "what happened says more than that no further attempt was made")
		require.Len(t, venue.seen(), 2)
	})
}

func TestAPanickingTransportLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	panicking := true
	venue := &scripted{answer: func(int, received) reply {
		if panicking {
			panic("transport")
		}
		return reply{body: `{}`}
	}}
	client := connect(t, venue, aster.Config{MaxConcurrent: 1})
	require.Panics(t, func() { _ = client.Do(t.Context(), ping, nil) })
	panicking = false
	require.NoError(t, client.Do(within(t, time.Second), ping, nil), "the slot is free")
}

// Package breaker asks errors about their behaviour, so that a host can wrap a
// client in it: blocked before limited before retryable.
func TestErrorsTellABreakerWhatTheyMean(t *testing.T) {
	t.Parallel()
	const limited, blocked, failure, excluded = "limited", "blocked", "failure", "excluded"
	for kind, want := range map[aster.Kind]string{
		aster.KindRateLimit: limited, aster.KindBanned: limited,
		aster.KindAuth: blocked, aster.KindPermission: blocked, aster.KindDeposit: blocked, aster.KindBlocked: blocked,
		aster.KindServer: failure, aster.KindNetwork: failure, aster.KindCircuit: failure, aster.KindClock: failure,
		aster.KindUnknownSymbol: excluded, aster.KindInvalid: excluded, aster.KindFilter: excluded,
		aster.KindMargin: excluded, aster.KindOrder: excluded, aster.KindUnknownOutcome: excluded,
	} {
		err := &aster.Error{Op: "GET /x", Kind: kind, Wait: time.Second, Err: context.DeadlineExceeded}
		got := excluded
		switch {
		case err.Blocked():
			got = blocked
		case err.RateLimited():
			got = limited
		case err.Retryable():
			got = failure
		}
		require.Equal(t, want, got, kind)
		require.Equal(t, time.Second, err.RetryAfter())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "aster: GET /x: "+string(kind))
	}
}
