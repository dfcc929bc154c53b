package aster_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/aster"
)

func sentNonce(tb testing.TB, r received) time.Time {
	tb.Helper()
	values, err := url.ParseQuery(r.params())
	require.NoError(tb, err)
	nonce, err := strconv.ParseInt(values.Get("nonce"), 10, 64)
	require.NoError(tb, err)
	return time.UnixMicro(nonce)
}

func TestTheFirstSignedCallMeasuresTheVenuesClockOnceForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &scripted{skew: -90 * time.Minute, slow: 2 * time.Millisecond} // so that all wait for the first
		client := connect(t, venue, aster.Config{Signer: demoAgent(t, "", 0)})
		require.Zero(t, client.Usage().ServerOffset)
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() {
				if err := client.Do(t.Context(), balance, nil); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, 1, venue.measurements())
		require.Equal(t, -90*time.Minute+time.Millisecond, client.Usage().ServerOffset)
		for _, got := range venue.seen() {
			require.WithinDuration(t, got.at.Add(-90*time.Minute), sentNonce(t, got), 2*time.Millisecond)
		}
	})
}

// slowTime answers after a while with the time at which it was asked halfway.
func TestTheOffsetIsTakenAtTheMiddleOfTheRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := transport(func(*scripted) reply {
			return reply{after: 400 * time.Millisecond, body: `{"serverTime":` + strconv.FormatInt(time.Now().Add(5*time.Second+200*time.Millisecond).UnixMilli(), 10) + `}`}
		})
		client := connect(t, venue, aster.Config{})
		got, err := client.VenueTime(t.Context())
		require.NoError(t, err)
		require.Equal(t, 5*time.Second, client.Usage().ServerOffset)
		require.WithinDuration(t, time.Now().Add(5*time.Second), got, 0)
	})
}

func TestTheClockIsMeasuredAgainEveryHalfHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &scripted{}
		client := connect(t, venue, aster.Config{Signer: demoAgent(t, "", 0)})
		require.NoError(t, client.Do(t.Context(), balance, nil))
		time.Sleep(30*time.Minute - 1)
		require.NoError(t, client.Do(t.Context(), balance, nil))
		require.Equal(t, 1, venue.measurements())
		time.Sleep(time.Nanosecond)
		require.NoError(t, client.Do(t.Context(), balance, nil))
		require.Equal(t, 2, venue.measurements())
	})
}

func TestAMeasurementThatFailsLaterDoesNotFailTheCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		broken, asked := false, 0
		venue := routes{
			time: func() reply {
				asked++
				if broken {
					return reply{status: 500}
				}
				return reply{body: `{"serverTime":` + strconv.FormatInt(time.Now().UnixMilli(), 10) + `}`}
			},
			rest: func() reply { return reply{body: `{}`} },
		}
		client := connect(t, venue, aster.Config{Signer: demoAgent(t, "", 0), Attempts: 1, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
		require.NoError(t, client.Do(t.Context(), balance, nil))
		time.Sleep(time.Hour)
		broken = true
		require.NoError(t, client.Do(t.Context(), balance, nil))
		require.NoError(t, client.Do(t.Context(), balance, nil))
		require.Equal(t, 2, asked, "not tried again at once")
		require.Contains(t, logged.String(), "aster_clock_not_measured")
		time.Sleep(time.Minute)
		require.NoError(t, client.Do(t.Context(), balance, nil))
		require.Equal(t, 3, asked)
	})
}

func TestTheFirstMeasurementMustSucceed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply reply
		kind  aster.Kind
		text  string
	}{
		"refused":     {reply{status: 403}, aster.KindBlocked, ""},
		"missing":     {reply{body: `{}`}, aster.KindServer, "serverTime is missing"},
		"a text":      {reply{body: `{"serverTime":"1"}`}, aster.KindServer, "cannot be read"},
		"too far":     {reply{body: `{"serverTime":1}`}, aster.KindClock, "must be within 24h0m0s"},
		"an abyss":    {reply{body: `{"serverTime":-9223372036854775808}`}, aster.KindClock, "must be within 24h0m0s"},
		"an eternity": {reply{body: `{"serverTime":9223372036854775807}`}, aster.KindClock, "must be within 24h0m0s"},
	} {
		sent := 0
		venue := routes{time: func() reply { return tc.reply }, rest: func() reply { sent++; return reply{} }}
		client := connect(t, venue, aster.Config{Signer: demoAgent(t, "", 0)})
		failure := requireFailure(t, client.Do(t.Context(), order, nil), tc.kind)
		require.Contains(t, failure.Message, tc.text, name)
		require.Zero(t, sent, "%s: nothing is signed by a time that is not known", name)
	}
}

func TestARefusedTimeIsMeasuredAgainOnceAndForReadsOnly(t *testing.T) {
	t.Parallel()
	for _, code := range []string{`{"code":-1021,"msg":"Timestamp"}`, `{"code":-4225,"msg":"Nonce Expired"}`} {
		refused := reply{status: 400, body: code}
		synctest.Test(t, func(t *testing.T) {
			venue := &scripted{replies: []reply{refused, {body: `{}`}}}
			require.NoError(t, connect(t, venue, aster.Config{Signer: demoAgent(t, "", 0), Attempts: 1}).Do(t.Context(), balance, nil))
			require.Len(t, venue.seen(), 2)
			require.Equal(t, 2, venue.measurements())
		})
		synctest.Test(t, func(t *testing.T) {
			venue := &scripted{replies: []reply{refused}}
			client := connect(t, venue, aster.Config{Signer: demoAgent(t, "", 0)})
			_ = requireFailure(t, client.Do(t.Context(), balance, nil), aster.KindClock)
			require.Len(t, venue.seen(), 2, "once per call")
			require.Equal(t, 2, venue.measurements())
		})
		synctest.Test(t, func(t *testing.T) {
			venue := &scripted{replies: []reply{refused, {body: `{}`}}}
			client := connect(t, venue, aster.Config{Signer: demoAgent(t, "", 0)})
			failure := requireFailure(t, client.Do(t.Context(), order, nil), aster.KindClock)
			require.NotErrorIs(t, failure, aster.ErrUnknownOutcome)
			require.Len(t, venue.seen(), 1, "a write is not repeated")
			require.Equal(t, 1, venue.measurements())
			require.NoError(t, client.Do(t.Context(), order, nil))
			require.Equal(t, 2, venue.measurements(), "the next call does not trust the clock")
		})
	}
}

func TestManyRefusalsOfOneTimeAreOneMeasurement(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &scripted{slow: time.Millisecond, answer: func(n int, _ received) reply {
			if n < 20 { // the last of them only after the clock was measured again
				return reply{after: time.Second + time.Duration(n)*time.Second/4, status: 400, body: `{"code":-4225}`}
			}
			return reply{body: `{}`}
		}}
		client := connect(t, venue, aster.Config{Signer: demoAgent(t, "", 0)})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if err := client.Do(t.Context(), balance, nil); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, 2, venue.measurements())
	})
}

// A clock that jumped ahead and was put right must not leave nonces that far
// ahead, which the venue would refuse for as long.
func TestNoncesFollowAClockThatWasPutRight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ahead := time.Duration(0)
		venue := &scripted{answer: func(_ int, r received) reply {
			if nonce := sentNonce(t, r); nonce.Sub(r.at).Abs() > 10*time.Second {
				return reply{status: 400, body: `{"code":-4225,"msg":"Nonce Expired"}`}
			}
			return reply{body: `{}`}
		}}
		client := connect(t, venue, aster.Config{Signer: demoAgent(t, "", 0), Now: func() time.Time { return time.Now().Add(ahead) }})
		require.NoError(t, client.Do(t.Context(), order, nil))
		ahead = 20 * time.Minute
		_ = requireFailure(t, client.Do(t.Context(), order, nil), aster.KindClock)
		require.NoError(t, client.Do(t.Context(), order, nil))
		require.Equal(t, -20*time.Minute, client.Usage().ServerOffset)
	})
}

func TestWaitingForAMeasurementEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := routes{time: func() reply { return reply{hang: true} }}
		client := connect(t, venue, aster.Config{Signer: demoAgent(t, "", 0)})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		for range 2 {
			go func() { done <- client.Do(ctx, balance, nil) }()
		}
		synctest.Wait()
		cancel()
		for range 2 {
			require.ErrorIs(t, <-done, context.Canceled)
		}
	})
}

func TestSigningUsesTheTimeOfSendingNotOfWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &scripted{}
		client := connect(t, venue, aster.Config{Signer: demoAgent(t, "", 0), WeightPerMinute: 50})
		require.NoError(t, client.Do(t.Context(), weighing(39), nil))
		require.NoError(t, client.Do(t.Context(), balance, nil), "1 for the time, and 5 that wait for the next minute")
		got := venue.seen()[1]
		require.Equal(t, time.Minute, got.at.Sub(venue.seen()[0].at))
		require.WithinDuration(t, got.at, sentNonce(t, got), time.Millisecond)
	})
}
