package decision_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

// TestCrossMarginAgreesWithTheOracleBesideOthers looks for the largest long that
// the oracle lets stand beside other positions and entries, which back it or
// need a part of what backs it. The gate must end at the same cent.
func TestCrossMarginAgreesWithTheOracleBesideOthers(t *testing.T) {
	t.Parallel()
	position := func(symbol string, side decision.Side, mode decision.MarginMode, entry string) decision.Position {
		p := dt.Position(symbol, side, "10") // 1,000 USD at 100
		p.EntryPrice, p.MarginMode, p.Leverage = dt.D(entry), mode, dt.D("20")
		return p
	}
	gaining, losing := position("ETHUSDT", decision.Long, decision.MarginCross, "90"), position("ETHUSDT", decision.Long, "", "110")
	aside := position("XRPUSDT", decision.Short, decision.MarginIsolated, "93") // its loss of 70 is its own
	own := position("ETHUSDT", decision.Long, decision.MarginIsolated, "100")
	grown := position("BTCUSDT", decision.Long, "", "101")
	positions := map[string][]decision.Position{
		"nothing": nil, "a gain": {gaining}, "a loss": {losing}, "an isolated one first": {aside, losing}, "an isolated one last": {losing, aside},
		"an isolated one that grows": {own, aside}, "its own": {grown, aside, gaining},
	}
	hold, sell := dt.Act("SOLUSDT", decision.ActionHold), dt.Sell("SOLUSDT", "2000")
	more, less := dt.Adjust("ETHUSDT", decision.AdjustIncrease, "1000"), dt.Adjust("ETHUSDT", decision.AdjustDecrease, "500")
	others := map[string][]decision.AssetDecision{
		"alone": nil, "a hold": {hold}, "an entry": {sell}, "an increase": {more}, "a decrease, then an entry": {less, sell}, "both": {more, hold, sell},
	}
	thresholds := map[string]bool{}
	for table, brackets := range map[string][]marketdata.Bracket{
		"no table": nil, "a table": table([3]string{"1000", "1", "0"}, [3]string{"2500", "3", "20"}, [3]string{"", "8", "145"}),
	} {
		for held, open := range positions {
			for beside, actions := range others {
				in := dt.Input("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")
				in.Account.BalanceUSD, in.Account.Leverage, in.Account.MarginMode = dt.D("1000"), dt.D("20"), decision.MarginCross
				in.Account.Positions = open
				if brackets != nil {
					instrument(marketdata.Instrument{Brackets: brackets})(&in)
				}
				about := fmt.Sprintf("%s, open: %s, beside: %s", table, held, beside)
				most := largestLong(in, actions)
				thresholds[most.String()] = true
				require.True(t, most.GreaterThan(dt.D("100")) && most.LessThan(dt.D("10000")), "%s: %s", about, most)
				require.True(t, gateLets(in, most, actions), "%s: %s", about, most)
				require.False(t, gateLets(in, most.Add(dt.D("0.01")), actions), "%s: a cent more than %s", about, most)
			}
		}
	}
	require.Greater(t, len(thresholds), 30, "what stands beside it matters")
}

// largestLong is the most that the oracle lets be bought, to a cent.
func largestLong(in decision.Input, beside []decision.AssetDecision) decimal.Decimal {
	low, high := int64(1), int64(1_000_000) // cents
	for low+1 < high {
		middle := (low + high) / 2
		p := dt.Propose(append(slices.Clone(beside), dt.Buy("BTCUSDT", decimal.New(middle, -2).String()))...)
		if slices.Contains(dt.Judge(in, p)[len(beside)].Refused, "liquidation_buffer") {
			high = middle
		} else {
			low = middle
		}
	}
	return decimal.New(low, -2)
}

func gateLets(in decision.Input, usd decimal.Decimal, beside []decision.AssetDecision) bool {
	v := decision.Rules{decision.LiquidationBuffer{}}.Gate(in, dt.Propose(append(slices.Clone(beside), dt.Buy("BTCUSDT", usd.String()))...))
	return slices.ContainsFunc(v.Kept, func(d decision.AssetDecision) bool { return d.Asset == "BTCUSDT" })
}
