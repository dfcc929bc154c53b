package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/breaker"
	"github.com/ballast-go/ballast/llm"
)

func TestClassify_asksForBehaviour(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want breaker.Class
	}{
		"no behaviour":   {errDown, breaker.ClassFailure},
		"cut stream":     {io.ErrUnexpectedEOF, breaker.ClassFailure},
		"blocked":        {errBlocked, breaker.ClassBlocked},
		"rate limited":   {errLimited, breaker.ClassRateLimited},
		"configuration":  {errConfig, breaker.ClassExcluded},
		"retryable":      {&failure{}, breaker.ClassFailure},
		"wrapped":        {fmt.Errorf("asking: %w", errBlocked), breaker.ClassBlocked},
		"joined":         {errors.Join(errDown, errConfig), breaker.ClassExcluded},
		"inner refusal":  {&breaker.OpenError{}, breaker.ClassExcluded},
		"inner stop":     {breaker.ErrStopped, breaker.ClassExcluded},
		"one of several": {errors.Join(&failure{}, &breaker.OpenError{}), breaker.ClassFailure},
		"inner timeout":  {&breaker.TimeoutError{}, breaker.ClassFailure},
		"fn's own limit": {context.DeadlineExceeded, breaker.ClassFailure},
		"401":            {&llm.Error{Kind: llm.KindAuth}, breaker.ClassBlocked},
		"402":            {&llm.Error{Kind: llm.KindPayment}, breaker.ClassBlocked},
		"403":            {&llm.Error{Kind: llm.KindForbidden}, breaker.ClassBlocked},
		"400, 404, 422":  {&llm.Error{Kind: llm.KindConfig}, breaker.ClassExcluded},
		"wrong model":    {&llm.Error{Kind: llm.KindModel}, breaker.ClassExcluded},
		"429":            {&llm.Error{Kind: llm.KindRateLimited}, breaker.ClassRateLimited},
		"408":            {&llm.Error{Kind: llm.KindTimeout}, breaker.ClassFailure},
		"5xx or in 200":  {&llm.Error{Kind: llm.KindServer}, breaker.ClassFailure},
		"transport":      {&llm.Error{Kind: llm.KindTransport}, breaker.ClassFailure},
		"no protocol":    {&llm.Error{Kind: llm.KindMalformed}, breaker.ClassFailure},
	} {
		require.Equal(t, c.want, breaker.Classify(c.err), name)
	}
}

func TestClassify_ofTheHostDecides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answers := []breaker.Class{breaker.ClassExcluded, "unheard of", ""}
		p := open(t, breaker.Config{Attempts: 1, FailureThreshold: 10, Classify: func(err error) breaker.Class {
			require.ErrorIs(t, err, errDown)
			next := answers[0]
			answers = answers[1:]
			return next
		}})
		require.Equal(t, errDown, does(t, p, errDown))
		require.Equal(t, uint64(1), p.Stats().Excluded)
		for range 2 {
			var exhausted *breaker.ExhaustedError
			require.ErrorAs(t, does(t, p, errDown), &exhausted)
		}
		require.Equal(t, uint64(2), p.Stats().Failures)
	})
}

func TestErrors_sayWhatHappened(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"breaker: m is open for another 5m0s: down":                            &breaker.OpenError{Name: "m", Phase: breaker.PhaseOpen, Reason: "down", RetryIn: 5 * time.Minute},
		"breaker: m is half_open: its probe is under way":                      &breaker.OpenError{Name: "m", Phase: breaker.PhaseHalfOpen, Reason: "its probe is under way"},
		"breaker: m: gave up after 3 attempts: down":                           &breaker.ExhaustedError{Name: "m", Attempts: 3, Err: errDown},
		"breaker: m: gave up after 1 attempt: down":                            &breaker.ExhaustedError{Name: "m", Attempts: 1, Err: errDown},
		"breaker: no answer in 15s":                                            &breaker.TimeoutError{After: 15 * time.Second},
		"breaker: no answer in 14s, all that was left of the call":             &breaker.TimeoutError{After: 14 * time.Second, Call: true},
		"breaker: the call panicked: index out of range":                       &breaker.PanicError{Text: "index out of range"},
		"breaker: the call ended its goroutine":                                breaker.ErrGoexit,
		"breaker: policy is stopped":                                           breaker.ErrStopped,
		"breaker: circuit is open":                                             breaker.ErrOpen,
		"outer: breaker: m: gave up after 1 attempt: breaker: no answer in 1s": fmt.Errorf("outer: %w", &breaker.ExhaustedError{Name: "m", Attempts: 1, Err: &breaker.TimeoutError{After: time.Second}}),
	} {
		require.EqualError(t, err, want)
	}
	refused := &breaker.OpenError{RetryIn: time.Minute}
	require.ErrorIs(t, fmt.Errorf("asking: %w", refused), breaker.ErrOpen)
	require.NotErrorIs(t, refused, breaker.ErrStopped)
	require.Equal(t, time.Minute, refused.RetryAfter())
	limit := &breaker.TimeoutError{}
	require.True(t, limit.Timeout())
	require.NotErrorIs(t, error(limit), context.DeadlineExceeded, "that is the caller's deadline")
}
