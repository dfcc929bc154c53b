package decision_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/llm"
)

func TestWhatIsNotUTF8DoesNotKeepADecisionFromBeingRecorded(t *testing.T) {
	t.Parallel()
	for name, model := range map[string]llm.ClientFunc{
		"an answer": func(context.Context, llm.Request) (llm.Response, error) {
			return llm.Response{
				ID: "\xff", Provider: "\xff", Model: "\xff", Content: "{\"decisions\": \xff}", FinishReason: llm.FinishStop,
				Tried: []llm.Attempt{{Model: "\xff", Endpoint: "\xff"}},
			}, nil
		},
		"a finish": func(context.Context, llm.Request) (llm.Response, error) {
			return llm.Response{Content: "{}", FinishReason: "\xff", Refusal: "\xff"}, nil
		},
		"a failure": func(context.Context, llm.Request) (llm.Response, error) {
			return llm.Response{}, errors.New("upstream said \xff")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, dt.At)
			b.cfg.LLM = model
			var kept decision.Record
			b.cfg.Store = decision.StoreFunc(func(_ context.Context, r decision.Record) error {
				kept = r
				_, err := r.Canonical()
				return err
			})
			e, err := decision.New(b.cfg)
			require.NoError(t, err)
			_, err = e.Decide(t.Context(), decision.Request{Account: dt.Account(), Symbols: []string{"BTCUSDT"}})
			require.NoError(t, err)
			canonical, err := kept.Canonical()
			require.NoError(t, err)
			back, err := canonical.Record()
			require.NoError(t, err)
			for i, r := range back.Responses { // a replay decodes what was decoded
				_, was := decision.DecodeAnswer(kept.Responses[i], kept.Input.Symbols)
				_, is := decision.DecodeAnswer(r, kept.Input.Symbols)
				require.Equal(t, was, is)
				if name == "an answer" {
					require.True(t, r.Garbled)
					require.ErrorContains(t, is, "must be valid UTF-8")
				}
			}
			require.NoError(t, e.Close(context.WithoutCancel(t.Context())))
		})
	}
}
