package decision_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

// The tests of this file and its neighbours named peer_*_test.go put the gate,
// the decoder, the prompt and the engine into situations in which a peer was
// seen to fail, and are named after that failure. docs/why.md lists them.

// peerGate is the verdict of the standard rules.
func peerGate(in decision.Input, actions ...decision.AssetDecision) decision.Verdict {
	return decision.DefaultRules().Gate(in, dt.Propose(actions...))
}

// peerRefused are the rules that refused each asset, in the order of the rules.
func peerRefused(refused []decision.Refusal) map[string][]string {
	out := map[string][]string{}
	for _, r := range refused {
		for _, v := range r.Violations {
			out[r.Asset] = append(out[r.Asset], v.Rule)
		}
	}
	return out
}

// peerWide leaves nothing but the tested limit to bind a large position.
func peerWide(symbols ...string) decision.Input {
	in := dt.Input(symbols...)
	in.Account.MaxPositionSizeUSD = dt.D("1000000")
	in.Strategy.Risk.MaxRiskPerTrade, in.Strategy.Risk.MaxDailyLoss = dt.D("100"), dt.D("100")
	return in
}

func peerLevels(d decision.AssetDecision, stop, target string) decision.AssetDecision {
	d.SLPrice, d.TPPrice = dt.Null(stop), dt.Null(target)
	return d
}

// A peer compares stop and target with each other and with no price: any pair in
// the right order passes, on whichever side of the market both are.
func TestPeer_StopAndTargetAreComparedWithoutThePrice(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT") // at 100
	for name, act := range map[string]decision.AssetDecision{
		"a long between two higher prices": peerLevels(dt.Buy("BTCUSDT", "100"), "110", "120"),
		"a long between two lower prices":  peerLevels(dt.Buy("BTCUSDT", "100"), "80", "90"),
		"a short between two higher":       peerLevels(dt.Sell("BTCUSDT", "100"), "120", "110"),
		"a short between two lower":        peerLevels(dt.Sell("BTCUSDT", "100"), "90", "80"),
	} {
		verdict := peerGate(in, act)
		require.Empty(t, verdict.Kept, name)
		require.Contains(t, peerRefused(verdict.Refused)["BTCUSDT"], "price_logic", name)
	}
}

// A peer measures reward and risk from an entry price that it puts itself at a
// fifth of the way from stop to target, so that the ratio is 4 whatever the
// market says and its limit of 3 can never bind. Here the price is the
// market's: each of these has a ratio of 4 by the peer's sum.
func TestPeer_RewardRiskIsVacuous(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Strategy.Risk.MinRewardRisk = dt.Null("3")
	for name, c := range map[string]struct {
		act   decision.AssetDecision
		ratio string // empty: kept
	}{
		"as far as the stop":     {peerLevels(dt.Buy("BTCUSDT", "100"), "97", "103"), "1"},
		"nearer than the stop":   {peerLevels(dt.Buy("BTCUSDT", "100"), "90", "101"), "0.1"},
		"just short of it":       {peerLevels(dt.Buy("BTCUSDT", "100"), "97", "108.97"), "2.99"},
		"the short side":         {peerLevels(dt.Sell("BTCUSDT", "100"), "104", "98"), "0.5"},
		"what is really 3 times": {peerLevels(dt.Buy("BTCUSDT", "100"), "97", "109"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdict := peerGate(in, c.act)
			if c.ratio == "" {
				require.Len(t, verdict.Kept, 1)
				return
			}
			require.Equal(t, map[string][]string{"BTCUSDT": {"reward_risk"}}, peerRefused(verdict.Refused))
			require.Equal(t, c.ratio, verdict.Refused[0].Violations[0].Value)
		})
	}

	held := in
	held.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "10")}
	grow := dt.Adjust("BTCUSDT", decision.AdjustIncrease, "100")
	grow.PositionAdjustment.NewTPPrice = dt.Null("101")
	require.Contains(t, peerRefused(peerGate(held, grow).Refused)["BTCUSDT"], "reward_risk", "an increase is an entry too")
}

// Peers turn a whole answer into holds because of one asset in it: one without
// data, one stop on the wrong side, one entry that is too large.
func TestPeer_OneBadAssetCancelsAll(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit func(*decision.Input)
		bad  decision.AssetDecision
		rule string
	}{
		"no data":       {func(in *decision.Input) { delete(in.Market.Assets, "BTCUSDT") }, dt.Buy("BTCUSDT", "100"), "market_data"},
		"wrong side":    {nil, peerLevels(dt.Buy("BTCUSDT", "100"), "101", "110"), "price_logic"},
		"no stop":       {nil, with(dt.Buy("BTCUSDT", "100"), func(d *decision.AssetDecision) { d.SLPrice.Valid = false }), "stop_required"},
		"too large":     {func(in *decision.Input) { in.Account.MaxPositionSizeUSD = dt.D("500") }, dt.Buy("BTCUSDT", "501"), "position_size"},
		"too risky":     {nil, peerLevels(dt.Buy("BTCUSDT", "1000"), "50", "200"), "risk_per_trade"},
		"not open":      {nil, dt.Act("BTCUSDT", decision.ActionClosePosition), "position_exists"},
		"not an action": {nil, dt.Act("BTCUSDT", "reverse"), "shape"},
		"no plan":       {nil, with(dt.Buy("BTCUSDT", "100"), func(d *decision.AssetDecision) { d.ExitPlan = "" }), "shape"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := dt.Input("BTCUSDT", "ETHUSDT", "SOLUSDT")
			in.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Long, "10")}
			if c.edit != nil {
				c.edit(&in)
			}
			verdict := peerGate(in, c.bad, dt.Act("ETHUSDT", decision.ActionClosePosition), dt.Sell("SOLUSDT", "100"))
			refused := peerRefused(verdict.Refused)
			require.Len(t, refused, 1)
			require.Contains(t, refused["BTCUSDT"], c.rule)
			require.Len(t, verdict.Kept, 2)
			require.Equal(t, decision.ActionClosePosition, verdict.Kept[0].Action)
			require.Equal(t, "100", verdict.Kept[1].AllocationUSD.String())
		})
	}
}

// A peer rejects an answer with an asset that has no data even when it only
// holds it.
func TestPeer_AHoldNeedsMarketData(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT", "ETHUSDT")
	in.Market = dt.Market("ETHUSDT")
	verdict := peerGate(in, dt.Act("BTCUSDT", decision.ActionHold), dt.Buy("ETHUSDT", "100"))
	require.Empty(t, verdict.Refused)
	require.Len(t, verdict.Kept, 2)
}

// Peers check size, price and risk of entries alone: an increase of any size
// passes, and so do orders on the wrong side, orders without a price and an
// order that is moved and cancelled at once.
func TestPeer_AdjustPositionIsUnlimited(t *testing.T) {
	t.Parallel()
	grow := func(usd string) decision.AssetDecision { return dt.Adjust("BTCUSDT", decision.AdjustIncrease, usd) }
	for name, c := range map[string]struct {
		act   decision.AssetDecision
		rules []string
	}{
		"a trillion":                {grow("1000000000000"), []string{"available_capital", "position_size", "risk_per_trade", "exposure", "concentration", "liquidation_buffer"}},
		"beyond the position limit": {grow("9001"), []string{"position_size", "risk_per_trade"}},
		"beyond the loss limit":     {grow("5667"), []string{"risk_per_trade"}},
		"a stop on the wrong side": {with(grow("100"), func(d *decision.AssetDecision) {
			d.PositionAdjustment.NewSLPrice = dt.Null("101")
		}), []string{"price_logic"}},
		"a target on the wrong side": {orders(decision.OrderAdjustment{AdjustTP: true, NewTPPrice: dt.Null("99")}), []string{"price_logic"}},
		"a target without a price":   {orders(decision.OrderAdjustment{AdjustTP: true}), []string{"shape"}},
		"moved and cancelled":        {orders(decision.OrderAdjustment{AdjustSL: true, CancelSL: true, NewSLPrice: dt.Null("98")}), []string{"shape"}},
		"a stop let go":              {dt.MoveStop("BTCUSDT", "60"), []string{"risk_per_trade"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := dt.Input("BTCUSDT")
			in.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "10")}
			verdict := peerGate(in, c.act)
			require.Empty(t, verdict.Kept)
			for _, rule := range c.rules {
				require.Contains(t, peerRefused(verdict.Refused)["BTCUSDT"], rule)
			}
		})
	}
}

// A peer lets a close carry an allocation, which whoever executes it may take
// for an order.
func TestPeer_ACloseCarriesAnAllocation(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "10")}
	odd := dt.Act("BTCUSDT", decision.ActionClosePosition)
	odd.AllocationUSD = dt.D("5000")
	odd.PositionAdjustment = &decision.PositionAdjustment{Type: decision.AdjustIncrease, AmountUSD: dt.D("5000")}
	verdict := peerGate(in, odd)
	require.Len(t, verdict.Kept, 1)
	require.True(t, verdict.Kept[0].AllocationUSD.IsZero())
	require.Nil(t, verdict.Kept[0].PositionAdjustment)
	require.NotEmpty(t, verdict.Warnings)
}

// A peer accepts a buy and a sell of one asset in one answer, and of two
// entries counts only the last one's size.
func TestPeer_DuplicateAssetsPass(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]decision.AssetDecision{
		"buy and sell": dt.Sell("BTCUSDT", "100"), "buy and buy": dt.Buy("BTCUSDT", "100"), "large, then small": dt.Buy("BTCUSDT", "1"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdict := peerGate(dt.Input("BTCUSDT", "ETHUSDT"), dt.Buy("BTCUSDT", "6000"), second, dt.Buy("ETHUSDT", "10"))
			require.Len(t, verdict.Kept, 1)
			require.Equal(t, "ETHUSDT", verdict.Kept[0].Asset)
			_, err := decision.DecodeAnswer(peerResponse(answer(t, dt.Buy("BTCUSDT", "6000"), second)), []string{"BTCUSDT"})
			require.ErrorContains(t, err, "BTCUSDT is decided twice")
		})
	}
}

// A peer takes an infinite target, with which any ratio of reward to risk is
// satisfied.
func TestPeer_TheTakeProfitIsInfinite(t *testing.T) {
	t.Parallel()
	for _, price := range []string{"Infinity", "1e400", "1e99999999", "1e20"} {
		_, err := peerDecode(peerAnswer(t, `"tp_price":107.5`, `"tp_price":`+price))
		require.ErrorContains(t, err, "decisions[0].tp_price", price)
	}
	far := dt.Buy("BTCUSDT", "100")
	far.TPPrice = decimal.NewNullDecimal(decimal.New(1, 99_999_999))
	verdict := peerGate(dt.Input("BTCUSDT"), far)
	require.Equal(t, map[string][]string{"BTCUSDT": {"shape"}}, peerRefused(verdict.Refused))
}

// A peer takes "btcusdt" for another asset than "BTCUSDT" and decides both.
func TestPeer_LowerCaseAssetsArePhantoms(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	verdict := peerGate(in, dt.Buy("btcusdt", "100"), dt.Act("BTCUSDT", decision.ActionHold))
	require.Contains(t, peerRefused(verdict.Refused)["btcusdt"], "shape")

	_, err := peerDecode(peerAnswer(t, `"BTCUSDT"`, `"btcusdt"`))
	require.ErrorContains(t, err, `must be written "BTCUSDT"`)

	b := newBench(t, fixed)
	b.cfg.LLM = answering(answer(t, dt.Buy("btcusdt", "100"), dt.Act("ETHUSDT", decision.ActionHold)))
	res, err := b.decide(t, request())
	require.NoError(t, err)
	require.Len(t, res.Decision.Decisions, 2, "one for each asset that was asked about")
	require.Equal(t, decision.OriginFallback, res.Origin)
}

// Peers enter without a stop, or take a position's stop away.
func TestPeer_EntriesHaveNoStop(t *testing.T) {
	t.Parallel()
	for _, id := range decision.StrategyIDs() {
		strategy, err := decision.LoadStrategy(id)
		require.NoError(t, err)
		if !strategy.Risk.StopRequired {
			continue
		}
		in := dt.Input("BTCUSDT", "ETHUSDT")
		in.Strategy, in.Account.Leverage = strategy, dt.D("1")
		in.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Long, "1")}
		naked := dt.Buy("BTCUSDT", "100")
		naked.SLPrice.Valid = false
		cancel := orders(decision.OrderAdjustment{CancelSL: true})
		cancel.Asset = "ETHUSDT"
		refused := peerRefused(peerGate(in, naked, cancel).Refused)
		require.Contains(t, refused["BTCUSDT"], "stop_required", id)
		require.Contains(t, refused["ETHUSDT"], "stop_required", id)
	}
}

// A peer's strategy that works without stops has a stop distance of 0, by
// which every entry without one is refused. Here the distance it is judged by
// is the strategy's, and there always is one.
func TestPeer_AStrategyWithoutStopsCanNeverEnter(t *testing.T) {
	t.Parallel()
	strategy, err := decision.LoadStrategy("dca_hedge")
	require.NoError(t, err)
	require.False(t, strategy.Risk.StopRequired)
	in := dt.Input("BTCUSDT")
	in.Strategy, in.Account.Leverage = strategy, dt.D("1")
	entry := dt.Buy("BTCUSDT", "2000") // loses 100 USD, 1 % of the balance, at 5 %
	entry.SLPrice.Valid, entry.TPPrice.Valid = false, false
	require.Len(t, peerGate(in, entry).Kept, 1)
	entry.AllocationUSD = dt.D("2000.01")
	require.Equal(t, map[string][]string{"BTCUSDT": {"risk_per_trade"}}, peerRefused(peerGate(in, entry).Refused))

	strategy.Risk.StopLossPercentage = decimal.Zero
	require.ErrorContains(t, strategy.Validate(), "stop_loss_percentage must be above 0")
}

// A peer asks for a correlation by the base currency of a symbol, which two
// symbols never share, so that its warning cannot appear.
func TestPeer_CorrelationNeverFires(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT", "ETHUSDT")
	candles := waves(t, marketdata.Interval1h, 60, in.At)
	for symbol, a := range in.Market.Assets {
		a.Series = map[marketdata.Interval]marketdata.Series{in.Interval: candles}
		in.Market.Assets[symbol] = a
	}
	warned := func(actions ...decision.AssetDecision) bool {
		for _, w := range peerGate(in, actions...).Warnings {
			if w.Rule == "correlation" {
				return true
			}
		}
		return false
	}
	require.True(t, warned(dt.Buy("BTCUSDT", "100"), dt.Buy("ETHUSDT", "100")))
	require.False(t, warned(dt.Buy("BTCUSDT", "100"), dt.Sell("ETHUSDT", "100")), "a hedge is none")
}
