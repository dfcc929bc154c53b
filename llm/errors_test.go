package llm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
)

func TestErrorSaysWhetherItIsARateLimitOrABlock(t *testing.T) {
	t.Parallel()
	for kind, want := range map[llm.Kind]struct{ limited, blocked bool }{
		llm.KindConfig: {}, llm.KindModel: {}, llm.KindTimeout: {}, llm.KindServer: {}, llm.KindTransport: {}, llm.KindMalformed: {},
		llm.KindRateLimited: {limited: true},
		llm.KindAuth:        {blocked: true}, llm.KindPayment: {blocked: true}, llm.KindForbidden: {blocked: true},
		"": {}, "unheard of": {},
	} {
		err := &llm.Error{Kind: kind}
		require.Equal(t, want.limited, err.RateLimited(), kind)
		require.Equal(t, want.blocked, err.Blocked(), kind)
		require.False(t, err.Blocked() && err.Retryable(), kind)
	}
}
