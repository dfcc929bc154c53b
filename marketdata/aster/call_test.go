package aster_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
)

func TestAReadSendsItsParametersInTheQueryUnsigned(t *testing.T) {
	t.Parallel()
	venue := &scripted{replies: []reply{{body: `[1]`}}}
	client := connect(t, venue, aster.Config{})
	var out []int
	call := aster.Call{Path: "/klines", PathV1: "/fapi/v9/klines", Params: [][2]string{{"symbol", "BTC&USDT"}, {"interval", "1h +"}}}
	require.NoError(t, client.Do(t.Context(), call, &out))
	require.Equal(t, []int{1}, out)
	got := venue.seen()[0]
	require.Equal(t, "GET", got.method)
	require.Equal(t, "/fapi/v3/klines", got.path)
	require.Equal(t, "symbol=BTC%26USDT&interval=1h+%2B", got.query)
	require.Empty(t, got.body)
	require.Zero(t, venue.measurements(), "public calls need no time")
}

func TestAgentsSignWhatIsSent(t *testing.T) {
	t.Parallel()
	agent := demoAgent(t, demoUser, 0)
	for name, call := range map[string]aster.Call{
		"read":   {Path: "/balance", Signed: true, Params: [][2]string{{"a", "é &=+"}}},
		"keyed":  {Method: http.MethodPost, Path: "/listenKey", Keyed: true},
		"write":  order,
		"delete": {Method: http.MethodDelete, Path: "/order", Signed: true, Write: true, Params: [][2]string{{"symbol", "X"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			venue := &scripted{}
			require.NoError(t, connect(t, venue, aster.Config{Signer: agent}).Do(t.Context(), call, nil))
			got := venue.seen()[0]
			text, signature, found := strings.Cut(got.params(), "&signature=")
			require.True(t, found)
			require.Equal(t, agent.Signature(text), signature, "last, and of the bytes as sent")
			if got.method == http.MethodGet {
				require.Empty(t, got.body)
				return
			}
			require.Empty(t, got.query)
			require.Equal(t, "application/x-www-form-urlencoded", got.header.Get("Content-Type"))
		})
	}
}

func TestHMACKeysUseTheirOwnPathsAndSendTheKey(t *testing.T) {
	t.Parallel()
	venue := &scripted{}
	client := connect(t, venue, aster.Config{Signer: demoHMAC(t)})
	require.NoError(t, client.Do(t.Context(), aster.Call{Method: http.MethodPost, Path: "/listenKey", Keyed: true, Params: [][2]string{{"a", "1"}}}, nil))
	require.Zero(t, venue.measurements(), "the key alone carries no time")
	require.NoError(t, client.Do(t.Context(), balance, nil))
	require.NoError(t, client.Do(t.Context(), ping, nil))
	got := venue.seen()
	require.Equal(t, "/fapi/v1/listenKey", got[0].path)
	require.Equal(t, "a=1", got[0].params(), "the key alone, without a signature")
	require.Equal(t, hmacKey, got[0].header.Get("X-MBX-APIKEY"))
	require.Equal(t, "/fapi/v2/balance", got[1].path)
	text, signature, _ := strings.Cut(got[1].query, "&signature=")
	require.Equal(t, demoHMAC(t).Signature(text), signature)
	require.Equal(t, "/fapi/v1/ping", got[2].path)
	require.Empty(t, got[2].header.Get("X-MBX-APIKEY"), "public calls show no key")
}

func TestWithoutASignerOnlyPublicCallsAreSent(t *testing.T) {
	t.Parallel()
	venue := &scripted{}
	client := connect(t, venue, aster.Config{})
	_ = requireFailure(t, client.Do(t.Context(), balance, nil), aster.KindAuth)
	_ = requireFailure(t, client.Do(t.Context(), order, nil), aster.KindAuth)
	require.Empty(t, venue.seen())
}

// answers is what becomes of one answer that stays the same: for a read, and
// for a write.
type answers struct {
	reply  reply
	read   aster.Kind
	write  aster.Kind
	code   int
	repeat bool // a read is made three times
	text   string
}

func TestEveryAnswerIsTypedAndWritesAreSentOnce(t *testing.T) {
	t.Parallel()
	coded := func(status int, body string) reply { return reply{status: status, body: body} }
	for name, tc := range map[string]answers{
		"500 JSON":                     {coded(500, `{"code":-1000,"msg":"An unknown error"}`), aster.KindServer, aster.KindUnknownOutcome, -1000, true, "An unknown error"},
		"500 with a code of a refusal": {coded(500, `{"code":-2019,"msg":"Margin is insufficient."}`), aster.KindServer, aster.KindUnknownOutcome, -2019, true, "Margin is"},
		"502 HTML":                     {coded(502, "<html><body>hunter2"), aster.KindServer, aster.KindUnknownOutcome, 0, true, "a web page"},
		"503":                          {coded(503, ``), aster.KindServer, aster.KindUnknownOutcome, 0, true, "Service Unavailable"},
		"408":                          {coded(408, ``), aster.KindServer, aster.KindUnknownOutcome, 0, true, "Request Timeout"},
		"408 with a code of a refusal": {coded(408, `{"code":-2019,"msg":"m"}`), aster.KindServer, aster.KindUnknownOutcome, -2019, true, "m"},
		"-1001":                        {coded(400, `{"code":-1001,"msg":"Disconnected"}`), aster.KindServer, aster.KindUnknownOutcome, -1001, true, "Disconnected"},
		"-1006":                        {coded(400, `{"code":-1006,"msg":"x"}`), aster.KindServer, aster.KindUnknownOutcome, -1006, true, "x"},
		"-1007 inside a 200":           {coded(200, `{"code":-1007,"msg":"Timeout"}`), aster.KindServer, aster.KindUnknownOutcome, -1007, true, "Timeout"},
		"string code":                  {coded(400, `{"code":"-1121","msg":"Invalid symbol."}`), aster.KindUnknownSymbol, aster.KindUnknownSymbol, -1121, false, "Invalid symbol."},
		"negative code in 200":         {coded(200, `{"msg":"Invalid symbol.","code":-1121}`), aster.KindUnknownSymbol, aster.KindUnknownSymbol, -1121, false, "Invalid symbol."},
		"string code in 200":           {coded(200, ` {"code":"-2019","msg":"m"}`), aster.KindMargin, aster.KindMargin, -2019, false, "m"},
		"two codes in 200":             {coded(200, `{"code":200,"code":-2019}`), aster.KindServer, aster.KindUnknownOutcome, 0, false, "cannot be read"},
		"403 HTML":                     {coded(403, "<!DOCTYPE html><title>hunter2</title>"), aster.KindBlocked, aster.KindBlocked, 0, false, "a web page"},
		"403 with a code":              {coded(403, `{"code":-2015,"msg":"Invalid API-key"}`), aster.KindAuth, aster.KindAuth, -2015, false, "Invalid API-key"},
		"401 text":                     {coded(401, "who are you"), aster.KindAuth, aster.KindAuth, 0, false, "who are you"},
		"400 empty":                    {coded(400, ""), aster.KindInvalid, aster.KindInvalid, 0, false, "Bad Request"},
		"404":                          {coded(404, "{}"), aster.KindInvalid, aster.KindInvalid, 0, false, "Not Found"},
		"deposit":                      {coded(400, `{"code":-5050,"msg":"This function can only be used after deposit"}`), aster.KindDeposit, aster.KindDeposit, -5050, false, "deposit"},
		"filter":                       {coded(400, `{"code":-4164,"msg":"notional"}`), aster.KindFilter, aster.KindFilter, -4164, false, "notional"},
		"redirect":                     {reply{status: 307, header: http.Header{"Location": {"https://evil.example/?k=hunter2"}}}, aster.KindBlocked, aster.KindBlocked, 0, false, "a redirect was not followed"},
		"empty 200":                    {coded(200, ""), aster.KindServer, aster.KindUnknownOutcome, 0, false, "cannot be read"},
		"HTML 200":                     {coded(200, "<html>hunter2"), aster.KindServer, aster.KindUnknownOutcome, 0, false, "cannot be read"},
		"two documents":                {coded(200, "{} {}"), aster.KindServer, aster.KindUnknownOutcome, 0, false, "cannot be read"},
		"cut body":                     {reply{body: `{"a":`, cut: true}, aster.KindNetwork, aster.KindUnknownOutcome, 0, true, "unexpected EOF"},
		"reset":                        {reply{err: errReset}, aster.KindNetwork, aster.KindUnknownOutcome, 0, true, "connection reset by peer"},
		"no connection":                {reply{err: &net.OpError{Op: "dial", Err: errors.New("refused")}}, aster.KindNetwork, aster.KindNetwork, 0, true, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, call := range []aster.Call{{Path: "/x", Signed: true}, order} {
					venue := &scripted{replies: []reply{tc.reply}}
					client := connect(t, venue, aster.Config{Signer: demoAgent(t, "", 0)})
					want, attempts := tc.read, 1
					if call.Write {
						want = tc.write
					} else if tc.repeat {
						attempts = 3
					}
					failure := requireFailure(t, client.Do(t.Context(), call, nil), want)
					require.Equal(t, tc.code, failure.Code)
					require.Contains(t, failure.Message, tc.text)
					require.Len(t, venue.seen(), attempts)
					require.Equal(t, want == aster.KindUnknownOutcome, errors.Is(failure, aster.ErrUnknownOutcome))
					require.NotContains(t, failure.Error(), "hunter2")
					require.Equal(t, "/fapi/v3"+call.Path, strings.Fields(failure.Op)[1])
				}
			})
		})
	}
}

func TestAReadComesThroughAfterFailures(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]reply{
		"503": {status: 503}, "reset": {err: errReset}, "cut": {body: "[", cut: true}, "hang": {hang: true}, "code": {status: 400, body: `{"code":-1001}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				venue := &scripted{replies: []reply{first, first, {body: `{"a":"1"}`}}}
				client := connect(t, venue, aster.Config{Signer: demoAgent(t, "", 0)})
				var out struct{ A string }
				require.NoError(t, client.Do(t.Context(), aster.Call{Path: "/x", Signed: true}, &struct {
					A *string `json:"a"`
				}{&out.A}))
				require.Equal(t, "1", out.A)
				got := venue.seen()
				require.Len(t, got, 3)
				require.NotEqual(t, got[0].query, got[1].query, "each attempt has a nonce of its own")
			})
		})
	}
}

func TestBackoffIsShortJitteredAndWithinTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &scripted{replies: []reply{{status: 500}}}
		client := connect(t, venue, aster.Config{Attempts: 10, Breaker: aster.BreakerConfig{FailureThreshold: 1000}})
		require.Error(t, client.Do(t.Context(), ping, nil))
		got := venue.seen()
		require.Len(t, got, 10)
		bound := 200 * time.Millisecond
		for i := 1; i < len(got); i++ {
			waited := got[i].at.Sub(got[i-1].at)
			require.Positive(t, waited)
			require.LessOrEqual(t, waited, min(bound, 5*time.Second), "before attempt %d", i+1)
			bound *= 2
		}
		ctx := within(t, time.Nanosecond)
		_ = requireFailure(t, client.Do(ctx, ping, nil), aster.KindServer)
		require.NoError(t, ctx.Err(), "a wait that ctx would not outlast is not begun")
	})
}

func TestAHangingVenueCostsOneTimeoutPerAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &scripted{replies: []reply{{hang: true}}}
		client := connect(t, venue, aster.Config{Timeout: time.Second, Signer: demoAgent(t, "", 0)})
		started := time.Now()
		failure := requireFailure(t, client.Do(t.Context(), ping, nil), aster.KindNetwork)
		require.ErrorIs(t, failure, context.DeadlineExceeded)
		require.InDelta(t, 3, time.Since(started).Seconds(), 0.6)

		started = time.Now()
		failure = requireFailure(t, client.Do(t.Context(), order, nil), aster.KindUnknownOutcome)
		require.Equal(t, time.Second, time.Since(started))
		require.ErrorIs(t, failure, aster.ErrUnknownOutcome)
		require.False(t, failure.Retryable())
		require.Len(t, venue.seen(), 4)
	})
}

func TestTheCallersContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &scripted{replies: []reply{{hang: true}}}
		client := connect(t, venue, aster.Config{Signer: demoAgent(t, "", 0)})
		_, err := client.VenueTime(t.Context())
		require.NoError(t, err)

		err = client.Do(within(t, time.Second), ping, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var failure *aster.Error
		require.NotErrorAs(t, err, &failure, "a read that its caller gave up is nobody's failure")

		failure = requireFailure(t, client.Do(within(t, time.Second), order, nil), aster.KindUnknownOutcome)
		require.ErrorIs(t, failure, context.DeadlineExceeded)

		before := len(venue.seen())
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for _, call := range []aster.Call{ping, order} {
			err = client.Do(ended, call, nil)
			require.ErrorIs(t, err, context.Canceled)
			require.NotErrorIs(t, err, aster.ErrUnknownOutcome, "it was never sent")
		}
		require.Len(t, venue.seen(), before)
	})
}

// leaving is a signer during which the caller goes away.
type leaving struct {
	*aster.Agent
	cancel context.CancelFunc
}

func (l leaving) Sign(params string, now time.Time) (aster.Signed, error) {
	l.cancel()
	return l.Agent.Sign(params, now)
}

func TestAWriteWhoseCallerLeftBeforeItWasSentHasAKnownOutcome(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	venue := &scripted{}
	err := connect(t, venue, aster.Config{Signer: leaving{demoAgent(t, "", 0), cancel}}).Do(ctx, order, nil)
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, aster.ErrUnknownOutcome)
	require.Empty(t, venue.seen())
}

func TestNoMoreRequestsThanAllowedAreUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		venue := &scripted{replies: []reply{{after: time.Second, body: `{}`}}}
		client := connect(t, venue, aster.Config{MaxConcurrent: 3})
		done := make(chan error)
		for range 7 {
			go func() { done <- client.Do(t.Context(), ping, nil) }()
		}
		synctest.Wait()
		require.Len(t, venue.seen(), 3)
		require.Equal(t, 4, client.Usage().Waiting)

		err := client.Do(within(t, time.Millisecond), ping, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "not sent")
		for range 7 {
			require.NoError(t, <-done)
		}
		require.Zero(t, client.Usage().Waiting)
	})
}

func TestUnknownSymbolIsMarketdatas(t *testing.T) {
	t.Parallel()
	venue := &scripted{replies: []reply{{status: 400, body: `{"code":-1121,"msg":"Invalid symbol."}`}}}
	err := connect(t, venue, aster.Config{}).Do(t.Context(), ping, nil)
	require.ErrorIs(t, err, marketdata.ErrUnknownSymbol)
	require.ErrorIs(t, err, aster.ErrUnknownSymbol)
	require.ErrorIs(t, aster.ErrUnknownSymbol, marketdata.ErrUnknownSymbol)
	require.NotErrorIs(t, err, aster.ErrBanned)
	require.EqualError(t, err, "aster: GET /fapi/v3/ping: unknown_symbol (400, code -1121): Invalid symbol.: take symbols from exchange information")
}

func TestRawAnswersComeAsTheyAre(t *testing.T) {
	t.Parallel()
	venue := &scripted{replies: []reply{{body: ` [1, {"code":-1}]`}}}
	var raw []byte
	require.NoError(t, connect(t, venue, aster.Config{}).Do(t.Context(), ping, &raw))
	require.Equal(t, ` [1, {"code":-1}]`, string(raw), "a code inside a list is the list's")
}

// Sent is what must stay one: the bytes that were signed.
func TestParametersAreNotReordered(t *testing.T) {
	t.Parallel()
	venue := &scripted{}
	client := connect(t, venue, aster.Config{Signer: demoAgent(t, "", 0)})
	require.NoError(t, client.Do(t.Context(), aster.Call{Path: "/x", Signed: true, Params: [][2]string{{"z", "1"}, {"a", "2"}, {"z", "3"}}}, nil))
	require.True(t, strings.HasPrefix(venue.seen()[0].query, "z=1&a=2&z=3&nonce="))
	_, err := url.ParseQuery(venue.seen()[0].query)
	require.NoError(t, err)
}
