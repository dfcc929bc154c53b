package decision_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
)

func TestNoCooldownIsNoneWhateverTheClocks(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Strategy.Risk.CooldownSeconds = 0
	in.Account.LastEntryAt = map[string]time.Time{"BTCUSDT": in.At.Add(time.Second)}
	require.Len(t, decision.DefaultRules().Gate(in, dt.Propose(dt.Buy("BTCUSDT", "100"))).Kept, 1)
}

func TestTheEnvelopeOffersNothingOnAWrongPrice(t *testing.T) {
	t.Parallel()
	for _, ago := range []time.Duration{61 * time.Second, -6 * time.Second} {
		in := dt.Input("BTCUSDT")
		in.At = in.At.Add(ago)
		e, _ := decision.DefaultRules().Envelope(in).Asset("BTCUSDT")
		require.Equal(t, "0", e.MaxLongUSD.String())
		require.Equal(t, "market_data", e.LongLimit)
	}
}

func TestAStopAtThePriceIsCrossed(t *testing.T) {
	t.Parallel()
	for _, side := range []decision.Side{decision.Long, decision.Short} {
		in := dt.Input("BTCUSDT")
		p := dt.Position("BTCUSDT", side, "10")
		p.SLPrice = dt.Null("100")
		in.Account.Positions = []decision.Position{p}
		require.Equal(t, "stop_required", firstRule(t, in, dt.Adjust("BTCUSDT", decision.AdjustIncrease, "100")))
	}
}

func TestEitherModeRefusesOnce(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Account.BalanceUSD, in.Account.AvailableUSD = dt.D("100"), dt.D("100")
	in.Strategy.Risk.MaxRiskPerTrade = dt.D("100")
	in.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "10")}
	v := decision.Rules{decision.LiquidationBuffer{}}.Gate(in, dt.Propose(dt.MoveStop("BTCUSDT", "30")))
	require.Len(t, v.Refused[0].Violations, 1, "70 % is too far with 500 of margin and with 100 of balance")
}

func TestTheMessageSaysWhoseDistanceItIs(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	for stop, want := range map[string]string{"98": " %, which the strategy assumes at least", "97": "3 %"} {
		d := with(dt.Buy("BTCUSDT", "9000"), func(d *decision.AssetDecision) { d.SLPrice = dt.Null(stop) })
		v := decision.Rules{decision.RiskPerTrade{}}.Gate(in, dt.Propose(d))
		message := v.Refused[0].Violations[0].Message
		require.Equal(t, want, message[len(message)-len(want):])
	}
}

func TestTheMessageSaysWhoseDistanceItIsOfAShort(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	for stop, want := range map[string]string{"102": " %, which the strategy assumes at least", "103": "3 %", "104": "4 %"} {
		d := with(dt.Sell("BTCUSDT", "9000"), func(d *decision.AssetDecision) { d.SLPrice = dt.Null(stop) })
		v := decision.Rules{decision.RiskPerTrade{}}.Gate(in, dt.Propose(d))
		message := v.Refused[0].Violations[0].Message
		require.Equal(t, want, message[len(message)-len(want):])
	}
}

func TestAKeptActionThatDoesNotSayHowRiskyItIsCountsAsRisky(t *testing.T) {
	t.Parallel()
	for level, want := range map[decision.RiskLevel]decision.RiskLevel{"": decision.RiskHigh, "none": decision.RiskHigh, decision.RiskMedium: decision.RiskMedium} {
		d := with(dt.Buy("BTCUSDT", "100"), func(d *decision.AssetDecision) { d.RiskLevel = level })
		v := decision.DefaultRules().Gate(dt.Input("BTCUSDT"), dt.Propose(d))
		require.Equal(t, want, v.Kept[0].RiskLevel)
	}
}

func TestAMessageNamesTenOfThoseThatAsk(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	for asks, want := range map[int]string{10: "J 2100 at 2x)", 12: "J 2100 at 2x, and 2 more)"} {
		var actions []decision.AssetDecision
		for i := range asks {
			actions = append(actions, dt.Buy(string(rune('A'+i)), "2100"))
		}
		v := decision.Rules{decision.AvailableCapital{}}.Gate(in, dt.Propose(actions...))
		require.Len(t, v.Errors, 1)
		message := v.Errors[0].Message
		require.Equal(t, want, message[len(message)-len(want):])
	}
}
