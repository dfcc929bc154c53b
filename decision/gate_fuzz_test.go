package decision_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/llm"
)

// FuzzAnswerThroughGate sends anything a model could say through decoding and
// the gate, and the same text as a person's decision: never a panic, and
// nothing is kept that breaks a limit or lies outside of the envelope.
func FuzzAnswerThroughGate(f *testing.F) {
	for seed := range uint64(40) {
		d := rolled(seed, seed)
		in := d.input()
		p := dt.Propose()
		for _, symbol := range propertySymbols {
			p.Decision.Decisions = append(p.Decision.Decisions, d.action(in, symbol))
		}
		p = dt.Propose(p.Decision.Decisions...)
		text, err := json.Marshal(p.Decision)
		require.NoError(f, err)
		f.Add(strings.Replace(string(text), `,"timestamp":"0001-01-01T00:00:00Z"`, "", 1), seed)
	}
	f.Add(`{"decisions":[{"asset":"BTCUSDT","action":"buy","allocation_usd":1e59}]}`, uint64(0))
	f.Fuzz(func(t *testing.T, content string, seed uint64) {
		in := rolled(seed, seed).input()
		var proposals []decision.Proposal
		if a, err := decision.DecodeAnswer(llm.Response{Content: content, FinishReason: llm.FinishStop}, in.Symbols); err == nil {
			proposals = append(proposals, decision.Proposal{Decision: a.Decision})
		}
		if d, err := decision.ReadDecision(strings.NewReader(content)); err == nil {
			proposals = append(proposals, decision.Proposal{Decision: d})
		}
		for _, p := range proposals {
			v := decision.DefaultRules().Gate(in, p)
			require.Len(t, p.Decision.Decisions, len(v.Kept)+len(v.Refused))
			require.Empty(t, dt.Audit(in, v.Kept))
			requireInEnvelope(t, in, v.Kept)
			decision.DefaultRules().Assess(in, p)
		}
	})
}

func TestSeedsOfTheGateFuzzerReachTheGate(t *testing.T) {
	t.Parallel()
	decoded := 0
	for seed := range uint64(40) {
		d := rolled(seed, seed)
		in := d.input()
		var actions []decision.AssetDecision
		for _, symbol := range propertySymbols {
			actions = append(actions, d.action(in, symbol))
		}
		text, err := json.Marshal(dt.Propose(actions...).Decision)
		require.NoError(t, err)
		content := strings.Replace(string(text), `,"timestamp":"0001-01-01T00:00:00Z"`, "", 1)
		if _, err := decision.DecodeAnswer(llm.Response{Content: content, FinishReason: llm.FinishStop}, in.Symbols); err == nil {
			decoded++
		}
	}
	require.Greater(t, decoded, 5)
}
