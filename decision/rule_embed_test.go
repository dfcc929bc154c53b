package decision_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
)

// tiny is a host's rule that is made from one of ours.
type tiny struct {
	decision.PositionSize
	ceiling
}

func (tiny) Name() string { return "tiny" }

func (r tiny) Check(in decision.Input, p decision.Proposal) []decision.Violation {
	return append(r.PositionSize.Check(in, p), r.ceiling.Check(in, p)...)
}

func (r tiny) Room(in decision.Input, a decision.Ask) decision.Room { return r.ceiling.Room(in, a) }

func TestARuleThatEmbedsOneOfOursIsAskedItself(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	host := tiny{ceiling: ceiling{250}}
	for name, rule := range map[string]decision.Rule{"value": host, "pointer": &host} {
		rules := append(decision.DefaultRules(), rule)
		asset, _ := rules.Envelope(in).Asset("BTCUSDT")
		require.Equal(t, "tiny 250", asset.LongLimit+" "+asset.MaxLongUSD.String(), name)
		require.Len(t, rules.Gate(in, dt.Propose(dt.Buy("BTCUSDT", "250"))).Kept, 1, name)
		require.Empty(t, rules.Gate(in, dt.Propose(dt.Buy("BTCUSDT", "250.01"))).Kept, name)
	}
	for name, rule := range map[string]decision.Rule{"value": decision.PositionSize{}, "pointer": &decision.PositionSize{}} {
		v := decision.Rules{rule}.Gate(in, dt.Propose(dt.Buy("BTCUSDT", "10000.01")))
		require.Equal(t, "position_size", v.Refused[0].Violations[0].Rule, name)
		asset, _ := decision.Rules{rule}.Envelope(in).Asset("BTCUSDT")
		require.Equal(t, "10000", asset.MaxLongUSD.String(), name)
	}
}
