package aster_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/aster"
)

// meter is a venue that counts weight per minute and says so in its header.
type meter struct {
	mu     sync.Mutex
	spent  map[int64]int
	shared int // what others at this address spend in each minute
}

func (m *meter) answer(_ int, r received) reply {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.spent == nil {
		m.spent = map[int64]int{}
	}
	weight, err := strconv.Atoi(r.query[len("w="):])
	if err != nil {
		return reply{err: err}
	}
	minute := r.at.Unix() / 60
	m.spent[minute] += weight
	return reply{body: `{}`, header: http.Header{"X-Mbx-Used-Weight-1m": {strconv.Itoa(m.spent[minute] + m.shared)}}}
}

func weighing(n int) aster.Call {
	return aster.Call{Path: "/x", Weight: n, Params: [][2]string{{"w", strconv.Itoa(n)}}}
}

func TestAThousandCallsNeverExceedTheWeight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &meter{}
		client := connect(t, &scripted{answer: venue.answer}, aster.Config{WeightPerMinute: 1000})
		started := time.Now()
		var wg sync.WaitGroup
		failures := make(chan error, 1000)
		for i := range 1000 {
			wg.Go(func() {
				if err := client.Do(t.Context(), weighing(1+i%5), nil); err != nil {
					failures <- err
				}
			})
		}
		wg.Wait()
		require.Empty(t, failures)
		total := 0
		for minute, spent := range venue.spent {
			require.LessOrEqual(t, spent, 800, "minute %d", minute)
			total += spent
		}
		require.Equal(t, 3000, total)
		require.Equal(t, 3*time.Minute, time.Since(started), "3000 at 800 a minute, begun at the start of one")
		require.Equal(t, 1000, client.Usage().Limit)
	})
}

func TestOthersAtTheSameAddressCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &meter{shared: 700}
		client := connect(t, &scripted{answer: venue.answer}, aster.Config{WeightPerMinute: 1000})
		started := time.Now()
		require.NoError(t, client.Do(t.Context(), weighing(10), nil))
		require.Equal(t, 710, client.Usage().UsedWeight)
		require.NoError(t, client.Do(t.Context(), weighing(40), nil))
		require.NoError(t, client.Do(t.Context(), weighing(40), nil))
		require.Equal(t, 790, client.Usage().UsedWeight)
		require.Zero(t, time.Since(started))
		require.NoError(t, client.Do(t.Context(), weighing(11), nil), "801 would be over 80 %")
		require.Equal(t, time.Minute, time.Since(started))
		require.Equal(t, time.Now().Truncate(time.Minute).UTC(), client.Usage().Minute)
	})
}

func TestAnAnswerOfTheLastMinuteSaysNothingAboutThisOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &scripted{replies: []reply{{after: 2 * time.Second, body: `{}`, header: http.Header{"X-Mbx-Used-Weight-1m": {"700"}}}}}
		client := connect(t, venue, aster.Config{})
		time.Sleep(59 * time.Second)
		require.NoError(t, client.Do(t.Context(), ping, nil))
		require.Zero(t, client.Usage().UsedWeight)
		require.NoError(t, client.Do(t.Context(), ping, nil))
		require.Equal(t, 700, client.Usage().UsedWeight)
	})
}

func TestTheVenuesLimitReplacesALargerOneOnly(t *testing.T) {
	t.Parallel()
	client := connect(t, &scripted{}, aster.Config{WeightPerMinute: 1000})
	for _, step := range []struct{ said, want int }{{2400, 1000}, {600, 600}, {900, 600}, {0, 50}, {-1, 50}} {
		client.LowerLimit(step.said)
		require.Equal(t, step.want, client.Usage().Limit, "after %d", step.said)
	}
	failure := requireFailure(t, client.Do(t.Context(), weighing(41), nil), aster.KindInvalid)
	require.Contains(t, failure.Message, "weight 41, of 40")
	require.NoError(t, client.Do(t.Context(), weighing(40), nil))
}

func TestAHeaderBelowOurOwnCountDoesNotLowerIt(t *testing.T) {
	t.Parallel()
	venue := &scripted{replies: []reply{{body: `{}`, header: http.Header{"X-Mbx-Used-Weight-1m": {"3"}}}}}
	client := connect(t, venue, aster.Config{})
	require.NoError(t, client.Do(t.Context(), weighing(10), nil))
	require.Equal(t, 10, client.Usage().UsedWeight, "others of ours are on their way")
}

func TestAHeaderThatIsNoCountIsIgnored(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"", "-5", "many", "1e3", "99999999999999999999", "10000001"} {
		venue := &scripted{replies: []reply{{body: `{}`, header: http.Header{"X-Mbx-Used-Weight-1m": {header}}}}}
		client := connect(t, venue, aster.Config{})
		require.NoError(t, client.Do(t.Context(), ping, nil))
		require.Equal(t, 1, client.Usage().UsedWeight, "%q", header)
	}
}

func TestWaitingCallersLeaveWhenTheirContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &scripted{}
		client := connect(t, venue, aster.Config{WeightPerMinute: 50})
		require.NoError(t, client.Do(t.Context(), weighing(40), nil))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		for range 5 {
			go func() { done <- client.Do(ctx, weighing(40), nil) }()
		}
		synctest.Wait()
		require.Equal(t, 5, client.Usage().Waiting)
		time.Sleep(10 * time.Second)
		cancel()
		started := time.Now()
		for range 5 {
			err := <-done
			require.ErrorIs(t, err, context.Canceled)
		}
		require.Zero(t, time.Since(started))
		require.Zero(t, client.Usage().Waiting)
		require.Len(t, venue.seen(), 1)
		require.NoError(t, client.Do(t.Context(), weighing(40), nil), "those that left hold nothing")
	})
}

func TestAWaitThatTheDeadlineForbidsIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := connect(t, &scripted{}, aster.Config{WeightPerMinute: 50})
		require.NoError(t, client.Do(t.Context(), weighing(40), nil))
		time.Sleep(10 * time.Second)
		started := time.Now()
		failure := requireFailure(t, client.Do(within(t, 20*time.Second), weighing(1), nil), aster.KindRateLimit)
		require.Zero(t, time.Since(started))
		require.Equal(t, 50*time.Second, failure.RetryAfter())
		require.True(t, failure.RateLimited())
		require.NoError(t, client.Do(within(t, 51*time.Second), weighing(1), nil))
	})
}

func TestCallersWaitInTheOrderInWhichTheyCame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &scripted{}
		client := connect(t, venue, aster.Config{WeightPerMinute: 50})
		require.NoError(t, client.Do(t.Context(), weighing(39), nil))
		var wg sync.WaitGroup
		for i := range 10 { // the first is the dear one: the cheap ones do not overtake it
			call := weighing(2)
			call.Path = fmt.Sprintf("/%d", i)
			wg.Go(func() {
				if err := client.Do(t.Context(), call, nil); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		wg.Wait()
		for i, got := range venue.seen()[1:] {
			require.Equal(t, fmt.Sprintf("/fapi/v3/%d", i), got.path)
		}
	})
}

func TestARateLimitHoldsEverything(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		header http.Header
		wait   time.Duration
	}{
		"Retry-After":        {http.Header{"Retry-After": {"7"}}, 7 * time.Second},
		"to the next minute": {nil, 50 * time.Second},
		"unreadable":         {http.Header{"Retry-After": {"soon"}}, 50 * time.Second},
		"more than an hour":  {http.Header{"Retry-After": {"999999"}}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(10 * time.Second)
				venue := &scripted{replies: []reply{{status: 429, header: tc.header, body: `{"code":-1003,"msg":"Too many requests"}`}, {body: `{}`}}}
				client := connect(t, venue, aster.Config{})
				started := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() {
					if err := client.Do(t.Context(), ping, nil); err != nil {
						t.Error(err)
					}
				})
				synctest.Wait()
				time.Sleep(time.Second)
				failure := requireFailure(t, client.Do(within(t, time.Second), ping, nil), aster.KindRateLimit)
				require.Equal(t, tc.wait-time.Second, failure.Wait)
				require.NoError(t, client.Do(t.Context(), ping, nil))
				wg.Wait()
				require.Equal(t, tc.wait, time.Since(started))
				require.Len(t, venue.seen(), 3)
			})
		})
	}
}

func TestALaterRateLimitDoesNotShortenAnEarlierOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &scripted{answer: func(n int, _ received) reply {
			return reply{after: time.Duration(n+1) * time.Second, status: 429, header: http.Header{"Retry-After": {[]string{"100", "5"}[n]}}}
		}}
		client := connect(t, venue, aster.Config{Attempts: 1})
		done := make(chan error)
		for range 2 {
			go func() { done <- client.Do(t.Context(), ping, nil) }()
		}
		require.Equal(t, 100*time.Second, requireFailure(t, <-done, aster.KindRateLimit).Wait)
		require.Equal(t, 99*time.Second, requireFailure(t, <-done, aster.KindRateLimit).Wait)
		failure := requireFailure(t, client.Do(within(t, time.Second), ping, nil), aster.KindRateLimit)
		require.Equal(t, 99*time.Second, failure.Wait)
	})
}

func TestARateLimitedWriteIsNotRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &scripted{replies: []reply{{status: 429, header: http.Header{"Retry-After": {"1"}}}}}
		client := connect(t, venue, aster.Config{Signer: demoAgent(t, "", 0)})
		failure := requireFailure(t, client.Do(t.Context(), order, nil), aster.KindRateLimit)
		require.NotErrorIs(t, failure, aster.ErrUnknownOutcome, "the venue did not take it")
		require.Equal(t, time.Second, failure.Wait)
		require.Len(t, venue.seen(), 1)
	})
}

func TestNothingIsSentDuringABan(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply func(now time.Time) reply
		wait  time.Duration
	}{
		"banned until": {func(now time.Time) reply {
			return reply{status: 418, header: http.Header{"Retry-After": {"9"}}, body: fmt.Sprintf(`{"code":-1003,"msg":"Way too many requests; IP banned until %d. Please use the websocket"}`, now.Add(5*time.Minute).UnixMilli())}
		}, 5 * time.Minute},
		"banned until, as a 429": {func(now time.Time) reply {
			return reply{status: 429, body: fmt.Sprintf(`{"code":-1003,"msg":"IP Banned Until %d"}`, now.Add(time.Minute).UnixMilli())}
		}, time.Minute},
		"Retry-After": {func(time.Time) reply { return reply{status: 418, header: http.Header{"Retry-After": {"90"}}} }, 90 * time.Second},
		"nothing":     {func(time.Time) reply { return reply{status: 418, body: "teapot"} }, 2 * time.Minute},
		"in the past": {func(time.Time) reply { return reply{status: 418, body: `{"code":-1003,"msg":"banned until 1000"}`} }, 2 * time.Minute},
		"for ever": {func(time.Time) reply {
			return reply{status: 418, body: `{"code":-1003,"msg":"banned until 9999999999999"}`}
		}, 72 * time.Hour},
		"no number": {func(time.Time) reply {
			return reply{status: 418, body: `{"code":-1003,"msg":"banned until 99999999999999999999"}`}
		}, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				venue := &scripted{replies: []reply{tc.reply(time.Now()), {body: `{}`}}}
				client := connect(t, venue, aster.Config{Signer: demoAgent(t, "", 0)})
				failure := requireFailure(t, client.Do(t.Context(), ping, nil), aster.KindBanned)
				require.Equal(t, tc.wait, failure.Wait)
				require.ErrorIs(t, failure, aster.ErrBanned)
				require.Len(t, venue.seen(), 1, "not repeated")
				require.Equal(t, time.Now().Add(tc.wait).UTC(), client.Usage().BannedUntil)

				time.Sleep(tc.wait - time.Nanosecond)
				started := time.Now()
				for _, call := range []aster.Call{ping, balance, order} {
					failure = requireFailure(t, client.Do(t.Context(), call, nil), aster.KindBanned)
					require.Equal(t, time.Nanosecond, failure.Wait)
				}
				require.Zero(t, time.Since(started), "at once")
				require.Len(t, venue.seen(), 1)
				require.Zero(t, venue.measurements())
				time.Sleep(time.Nanosecond)
				require.NoError(t, client.Do(t.Context(), ping, nil))
				require.Zero(t, client.Usage().BannedUntil)
			})
		})
	}
}

func TestABanEndsTheWaitOfThoseWhoWaitForWeight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &scripted{replies: []reply{{after: 5 * time.Second, status: 418}, {body: `{}`}}}
		client := connect(t, venue, aster.Config{WeightPerMinute: 50})
		done := make(chan error)
		for range 4 { // 20 each: the third and fourth wait
			go func() { done <- client.Do(t.Context(), weighing(20), nil) }()
		}
		started := time.Now()
		require.NoError(t, <-done)
		for range 3 {
			_ = requireFailure(t, <-done, aster.KindBanned)
		}
		require.Equal(t, 5*time.Second, time.Since(started))
		require.Len(t, venue.seen(), 2)
	})
}

func TestAClockSetBackGrantsNoMinuteTwice(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	client := connect(t, &scripted{}, aster.Config{WeightPerMinute: 50, Now: func() time.Time { return now }})
	require.NoError(t, client.Do(t.Context(), weighing(40), nil))
	now = now.Add(-time.Second)
	require.Equal(t, 40, client.Usage().UsedWeight)
	now = now.Add(-time.Hour)
	require.Zero(t, client.Usage().UsedWeight, "a clock set back far must not stop everything until it has caught up")
}
