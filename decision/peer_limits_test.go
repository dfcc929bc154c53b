package decision_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

// A peer bounds the notional of all positions by the percentage that is meant
// for the loss of a day, 200 USD of 10,000, so that its own strategies cannot
// trade at the size that their risk allows.
func TestPeer_TheExposureCapIsTheDailyLossPercentage(t *testing.T) {
	t.Parallel()
	for _, id := range decision.StrategyIDs() {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			strategy, err := decision.LoadStrategy(id)
			require.NoError(t, err)
			in := dt.Input("BTCUSDT")
			in.Strategy, in.Account.Leverage = strategy, decimal.Min(strategy.Risk.MaxLeverage, dt.D("5"))
			in.Account.MarginMode = decision.MarginIsolated
			envelope := decision.DefaultRules().Envelope(in).Assets[0]
			daily := in.Account.BalanceUSD.Mul(strategy.Risk.MaxDailyLoss).Shift(-2)
			require.Positive(t, envelope.MaxLongUSD.Cmp(daily), "%s may be entered with %s", id, envelope.MaxLongUSD)

			entry := dt.Buy("BTCUSDT", envelope.MaxLongUSD.String())
			stop := dt.D("100").Sub(strategy.Risk.StopLossPercentage)
			entry.SLPrice = decimal.NewNullDecimal(stop)
			require.Empty(t, peerGate(in, entry).Refused)
		})
	}
}

// A peer compares one number with free margin and with limits on notional
// alike, and with the balance after a division by the leverage, so that its
// limit on concentration cannot bind.
func TestPeer_MarginAndNotionalAreMixed(t *testing.T) {
	t.Parallel()
	in := peerWide("BTCUSDT") // 10,000 USD at 2x
	in.Account.MarginMode = decision.MarginIsolated
	require.Empty(t, peerGate(in, dt.Buy("BTCUSDT", "15000")).Refused, "its margin is 7,500 of 10,000")
	refused := peerRefused(peerGate(in, dt.Buy("BTCUSDT", "16000.01")).Refused)
	require.Contains(t, refused["BTCUSDT"], "concentration", "80 % of the balance as margin")
	require.NotContains(t, refused["BTCUSDT"], "available_capital")

	in.Account.MaxPositionSizeUSD = dt.D("14999.99")
	require.Equal(t, []string{"position_size"}, peerRefused(peerGate(in, dt.Buy("BTCUSDT", "15000")).Refused)["BTCUSDT"], "this one is of notional")
}

// Peers hold the maximum leverage in their settings and compare it with
// nothing: 125x passes a strategy of 3x.
func TestPeer_MaxLeverageIsUnused(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT", "ETHUSDT")
	in.Account.Leverage = dt.D("2.5") // the strategy's is 2
	held := dt.Position("ETHUSDT", decision.Long, "1")
	held.Leverage = dt.D("20")
	in.Account.Positions = []decision.Position{held}
	require.Contains(t, peerRefused(peerGate(in, dt.Buy("BTCUSDT", "100")).Refused)["BTCUSDT"], "leverage")
	in.Account.Leverage = dt.D("2")
	grow := peerGate(in, dt.Adjust("ETHUSDT", decision.AdjustIncrease, "100"))
	require.Contains(t, peerRefused(grow.Refused)["ETHUSDT"], "leverage", "an increase is at the position's own")

	in.Account.Positions = nil
	a := in.Market.Assets["BTCUSDT"]
	a.Instrument = &marketdata.Instrument{Brackets: []marketdata.Bracket{
		{UpToUSD: dt.Null("1000"), MaxLeverage: dt.D("2"), MaintenancePercent: dt.D("1")}, {MaxLeverage: dt.D("1"), MaintenancePercent: dt.D("1")},
	}}
	in.Market.Assets["BTCUSDT"] = a
	require.Empty(t, peerGate(in, dt.Buy("BTCUSDT", "1000")).Refused)
	require.Equal(t, []string{"leverage"}, peerRefused(peerGate(in, dt.Buy("BTCUSDT", "1001")).Refused)["BTCUSDT"], "what the exchange allows for the size")

	account := dt.Account()
	account.Leverage = dt.D("125")
	require.ErrorContains(t, account.Validate(), "leverage must be between 1 and 20, was 125")
}

// Peers carry cooldown, funding limit and distance to liquidation in their
// settings and read them nowhere.
func TestPeer_CooldownFundingAndLiquidationAreNotEnforced(t *testing.T) {
	t.Parallel()
	for rule, edit := range map[string]func(*decision.Input){
		"cooldown": func(in *decision.Input) {
			in.Account.LastEntryAt = map[string]time.Time{"BTCUSDT": in.At.Add(-time.Minute)}
		},
		"funding":            funding("0.01"),
		"liquidation_buffer": func(in *decision.Input) { in.Strategy.Risk.LiquidationBuffer = dt.D("0.6") },
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			in := dt.Input("BTCUSDT")
			require.Empty(t, peerGate(in, dt.Buy("BTCUSDT", "100")).Refused)
			edit(&in)
			require.Equal(t, []string{rule}, peerRefused(peerGate(in, dt.Buy("BTCUSDT", "100")).Refused)["BTCUSDT"])
			require.True(t, decision.DefaultRules().Envelope(in).Assets[0].MaxLongUSD.IsZero(), "and nobody is told otherwise")
		})
	}
}

// A peer compares the unrealised loss with the limit of the day, warns, and
// lets the entry through; what was realised since midnight it never reads.
// Another has a variable for the P&L of the day that is only ever set to 0.
func TestPeer_TheDailyLossOnlyWarns(t *testing.T) {
	t.Parallel()
	losing := func(mark string) []decision.Position {
		p := dt.Position("XRPUSDT", decision.Long, "20")
		p.MarkPrice = dt.D(mark)
		return []decision.Position{p}
	}
	for name, c := range map[string]struct {
		edit    func(*decision.Account)
		refused bool
	}{
		"realised alone": {func(a *decision.Account) {
			a.BalanceUSD, a.RealizedPnLTodayUSD = dt.D("9500"), dt.D("-500")
		}, true},
		"unrealised alone": {func(a *decision.Account) { a.Positions = losing("75") }, true},
		"both together": {func(a *decision.Account) {
			a.BalanceUSD, a.RealizedPnLTodayUSD, a.Positions = dt.D("9700"), dt.D("-300"), losing("90")
		}, true},
		"gains against losses": {func(a *decision.Account) {
			a.BalanceUSD, a.RealizedPnLTodayUSD, a.Positions = dt.D("10400"), dt.D("400"), losing("75")
		}, false},
		"from the equity at midnight": {func(a *decision.Account) {
			a.EquityAtMidnightUSD = dt.Null("10600")
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := dt.Input("BTCUSDT", "XRPUSDT")
			c.edit(&in.Account)
			verdict := peerGate(in, dt.Buy("BTCUSDT", "100"))
			if !c.refused {
				require.Empty(t, verdict.Refused)
				return
			}
			require.Contains(t, peerRefused(verdict.Refused)["BTCUSDT"], "daily_loss")
			if len(in.Account.Positions) > 0 {
				require.Len(t, peerGate(in, dt.Act("XRPUSDT", decision.ActionClosePosition)).Kept, 1, "the way out stays open")
			}
		})
	}
}

// Peers open what the account cannot carry: 471 USD on 94, a position that
// needs 87.78 of margin with 43.95 free because the first one's margin was
// forgotten, a short that is held against total cash.
func TestPeer_PositionsNeedMoreMarginThanIsFree(t *testing.T) {
	t.Parallel()
	account := func(balance, free string) decision.Input {
		in := peerWide("BTCUSDT", "ETHUSDT")
		in.Account.MarginMode = decision.MarginIsolated
		in.Account.BalanceUSD, in.Account.AvailableUSD = dt.D(balance), dt.D(free)
		return in
	}
	refused := func(in decision.Input, actions ...decision.AssetDecision) map[string][]string {
		return peerRefused(peerGate(in, actions...).Refused)
	}
	require.Contains(t, refused(account("94", "94"), dt.Buy("BTCUSDT", "471"))["BTCUSDT"], "available_capital")
	for _, enter := range []func(string, string) decision.AssetDecision{dt.Buy, dt.Sell} {
		second := account("200", "43.95")
		second.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Long, "1")}
		require.Equal(t, []string{"available_capital"}, refused(second, enter("BTCUSDT", "175.56"))["BTCUSDT"], "87.78 at 2x")
		require.Empty(t, refused(second, enter("BTCUSDT", "87.90")))
		require.Equal(t, "87.9", decision.DefaultRules().Envelope(second).Assets[0].MaxLongUSD.String(), "and that is what is offered")
	}
	require.Equal(t, map[string][]string{"BTCUSDT": {"available_capital"}, "ETHUSDT": {"available_capital"}},
		refused(account("200", "50"), dt.Buy("BTCUSDT", "60"), dt.Sell("ETHUSDT", "60")), "two that fit alone share what is free")
	both := account("200", "50")
	both.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Long, "1")}
	require.Equal(t, []string{"available_capital"}, refused(both, dt.Act("ETHUSDT", decision.ActionClosePosition), dt.Buy("BTCUSDT", "120"))["BTCUSDT"],
		"what a close would free is not free yet")
}

// A peer rounds an order to nothing, or sends one that the exchange finds too
// small.
func TestPeer_TheSmallestNotionalRoundsToZero(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	a := in.Market.Assets["BTCUSDT"]
	a.Quote.Last, a.Quote.Mark = dt.D("65000"), dt.Null("65000")
	a.Instrument = &marketdata.Instrument{Symbol: "BTCUSDT", LotSize: dt.Null("0.001"), MinNotionalUSD: dt.Null("5")}
	in.Market.Assets["BTCUSDT"] = a
	enter := func(usd string) decision.AssetDecision { return peerLevels(dt.Buy("BTCUSDT", usd), "63050", "70000") }
	require.Equal(t, []string{"min_notional", "lot_size"}, peerRefused(peerGate(in, enter("4.99")).Refused)["BTCUSDT"])
	require.Equal(t, []string{"min_notional", "lot_size"}, peerRefused(peerGate(in, enter("64.99")).Refused)["BTCUSDT"], "0.000999… rounds down to 0")
	require.Len(t, peerGate(in, enter("65")).Kept, 1)
	require.Equal(t, "65", peerGate(in, enter("65")).Kept[0].AllocationUSD.String(), "nothing is raised to a minimum")
}

// Peers ask for a confidence in words and compare it with nothing.
func TestPeer_ConfidenceIsOnlyAskedForInThePrompt(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT", "ETHUSDT")
	in.Strategy.Risk.MinConfidence = dt.Null("75")
	in.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Long, "1")}
	refused := peerRefused(peerGate(in, dt.Buy("BTCUSDT", "100"), dt.Adjust("ETHUSDT", decision.AdjustIncrease, "100")).Refused) // at 70
	require.Equal(t, map[string][]string{"BTCUSDT": {"min_confidence"}, "ETHUSDT": {"min_confidence"}}, refused)
	require.Len(t, peerGate(in, dt.Act("ETHUSDT", decision.ActionClosePosition)).Kept, 1, "an unsure close is a close")
	sure := dt.Buy("BTCUSDT", "100")
	sure.Confidence = dt.D("75")
	require.Len(t, peerGate(in, sure).Kept, 1)
}

// A peer forgets positions in assets that this answer does not speak of.
func TestPeer_LimitsForgetOtherPositions(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Account.Positions = []decision.Position{dt.Position("XRPUSDT", decision.Long, "79.5"), dt.Position("ADAUSDT", decision.Short, "79.5")}
	require.Equal(t, []string{"exposure"}, peerRefused(peerGate(in, dt.Buy("BTCUSDT", "101")).Refused)["BTCUSDT"])
	in.Strategy.MaxPositions = 2
	require.Contains(t, peerRefused(peerGate(in, dt.Buy("BTCUSDT", "10")).Refused)["BTCUSDT"], "max_positions")
}

// A peer keeps money in floats, where three allocations of 0.1 are not 0.3,
// and makes up for it with a tolerance of a cent.
func TestPeer_MoneyIsFloats(t *testing.T) {
	t.Parallel()
	entries := list(dt.Buy("BTCUSDT", "0.1"), dt.Buy("ETHUSDT", "0.1"), dt.Buy("SOLUSDT", "0.1"))
	symbols := []string{"BTCUSDT", "ETHUSDT", "SOLUSDT"}
	text := answer(t, entries...)
	require.Contains(t, text, `"total_allocation_usd":0.3`)
	got, err := decision.DecodeAnswer(peerResponse(text), symbols)
	require.NoError(t, err)
	require.Equal(t, "0.3", got.Decision.TotalAllocationUSD.String())

	off := dt.Propose(entries...).Decision
	off.TotalAllocationUSD = dt.D("0.309")
	_, err = decision.DecodeAnswer(peerResponse(peerJSON(t, off)), symbols)
	require.ErrorContains(t, err, "total_allocation_usd: must be the sum of the allocations, 0.3, was 0.309")

	in := dt.Input("PEPEUSDT") // the limit of the last digit, at a price of 0.00001234
	a := in.Market.Assets["PEPEUSDT"]
	a.Quote.Last = dt.D("0.00001234")
	a.Instrument = &marketdata.Instrument{Symbol: "PEPEUSDT", TickSize: dt.Null("0.00000001")}
	in.Market.Assets["PEPEUSDT"] = a
	require.Empty(t, peerGate(in, peerLevels(dt.Buy("PEPEUSDT", "100"), "0.00001233", "0.00001235")).Refused)
	require.Contains(t, peerRefused(peerGate(in, peerLevels(dt.Buy("PEPEUSDT", "100"), "0.00001234", "0.00001235")).Refused)["PEPEUSDT"], "price_logic")
	require.Equal(t, []string{"tick_size"}, peerRefused(peerGate(in, peerLevels(dt.Buy("PEPEUSDT", "100"), "0.000012335", "0.00001235")).Refused)["PEPEUSDT"])
}
