package fallback_test

import (
	"math"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/fallback"
	"github.com/ballast-go/ballast/marketdata"
)

func TestSizeFollowsVolatility(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		volatility float64
		want       string
	}{{0, "2500"}, {1.49, "2500"}, {1.5, "1875"}, {2.99, "1875"}, {3, "1250"}, {4.99, "1250"}, {5, "625"}, {80, "625"}, {math.NaN(), "625"}, {math.Inf(1), "625"}, {-1, "625"}} {
		in := newInput(t)
		r := bullish
		r.volatility = c.volatility
		add(t, &in, "BTCUSDT", r)
		require.Equal(t, c.want, decide(t, fallback.Config{}, in).AllocationUSD.String(), "volatility %v", c.volatility)
	}
}

func TestAWiderStopGetsLess(t *testing.T) {
	t.Parallel()
	in := newInput(t)
	r := bullish
	r.atr = 4.5
	add(t, &in, "BTCUSDT", r)
	d := decide(t, fallback.Config{}, in)
	require.Equal(t, "91", d.SLPrice.Decimal.String(), "2 x ATR, nearer than support at 90")
	require.Equal(t, "833.33", d.AllocationUSD.String(), "200 USD ÷ 9 % = 2,222.22 x 0.5 x 0.75, rounded down")
	require.Contains(t, d.Rationale, "allocation 833.33 USD: 50 % of the 2222.22 USD that risk_per_trade allows, x0.75 for volatility")

	r.atr = 30
	in = newInput(t)
	add(t, &in, "BTCUSDT", r)
	require.Equal(t, "90", decide(t, fallback.Config{}, in).SLPrice.Decimal.String(), "support is nearer than 2 x ATR")

	r.atr = 7
	in = newInput(t)
	add(t, &in, "BTCUSDT", r)
	asset := in.Market.Assets["BTCUSDT"]
	asset.Quote.Last = dec("89") // support at 90 is behind the price
	in.Market.Assets["BTCUSDT"] = asset
	require.Equal(t, "75", decide(t, fallback.Config{}, in).SLPrice.Decimal.String())
}

func TestOnlyTheNewestBarsAreSupport(t *testing.T) {
	t.Parallel()
	closes := append([]string{"80"}, flat("100", 20)...)
	in := newInput(t)
	in.Interval = marketdata.Interval1d // 24 h ago is one candle ago
	r := bullish
	r.atr = 50
	addSeries(&in, "BTCUSDT", candles(t, marketdata.Interval1d, "5", closes...), r)
	require.Equal(t, "95", decide(t, fallback.Config{}, in).SLPrice.Decimal.String())
	stops := fallback.DefaultStops()
	stops.RangeBars = 21
	require.Equal(t, "75", decide(t, fallback.Config{Stops: &stops}, in).SLPrice.Decimal.String())
}

func TestPricesAreRoundedAwayFromTheLast(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		r            readings
		tick         decimal.NullDecimal
		stop, target string
	}{
		"long, tick":        {bullish, null("0.9"), "96.3", "109.8"},
		"short, tick":       {bearish, null("0.9"), "103.5", "90.9"},
		"long, no tick":     {readings{55, 2, 2.0000000123, 95, 96}, null(""), "95.999999", "110.00001"},
		"short, no tick":    {readings{45, 2, 2.0000000123, 104, 105}, null(""), "104.00001", "89.999975"},
		"a tick of zero":    {bullish, null("0"), "97", "107.5"},
		"an exact multiple": {bullish, null("0.5"), "97", "107.5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newInput(t)
			add(t, &in, "BTCUSDT", c.r)
			in.Market.Assets["BTCUSDT"].Instrument.TickSize = c.tick
			d := decide(t, fallback.Config{}, in)
			require.Equal(t, c.stop, d.SLPrice.Decimal.String())
			require.Equal(t, c.target, d.TPPrice.Decimal.String())
		})
	}
}

func TestAPositionIsHeldOrItsStopTightened(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		r        readings
		side     decision.Side
		stop     string
		mark     string
		maxScore int
		want     string // new stop; empty: hold
		why      string
	}{
		"with the trend":                {r: bullish, side: decision.Long, maxScore: 70, why: "the open long stays"},
		"against it, score too low":     {r: bearish, side: decision.Long, maxScore: 71, why: "the open long stays; trend bearish"},
		"long against it":               {r: bearish, side: decision.Long, maxScore: 70, want: "99", why: "tighten long: trend bearish, RSI 44.90"},
		"long, a looser stop":           {r: bearish, side: decision.Long, stop: "98.99", maxScore: 70, want: "99", why: "stop at 99, 1 x ATR 1 from the close 100"},
		"long, as tight already":        {r: bearish, side: decision.Long, stop: "99", maxScore: 70, why: "the stop at 99 is already as tight as 99"},
		"long, tighter already":         {r: bearish, side: decision.Long, stop: "99.5", maxScore: 70, why: "already as tight"},
		"short against it":              {r: bullish, side: decision.Short, maxScore: 70, want: "101", why: "tighten short"},
		"short, a looser stop":          {r: bullish, side: decision.Short, stop: "101.01", maxScore: 70, want: "101", why: "tighten short"},
		"short, tighter already":        {r: bullish, side: decision.Short, stop: "100.5", maxScore: 70, why: "already as tight"},
		"long, the mark is beyond it":   {r: bearish, side: decision.Long, mark: "98.9", maxScore: 70, why: "a stop at 99 is not on the losing side of the price 98.9"},
		"short, the mark is beyond it":  {r: bullish, side: decision.Short, mark: "101", maxScore: 70, why: "a stop at 101 is not on the losing side"},
		"an ATR as large as the price":  {r: readings{45, 2, 100, 104, 105}, side: decision.Long, maxScore: 70, why: "a stop at 0 is not"},
		"no ATR":                        {r: readings{45, 2, math.NaN(), 104, 105}, side: decision.Long, maxScore: 70, why: "ATR is unknown"},
		"a neutral trend at any score":  {r: readings{50, 2, 1, 95, 105}, side: decision.Long, maxScore: 0, why: "the open long stays"},
		"an unknown side":               {r: bearish, side: "both", maxScore: 0, why: "the side of the position is unknown"},
		"rounded away from the close":   {r: readings{45, 2, 1.2345, 104, 105}, side: decision.Long, maxScore: 70, want: "98.76", why: "ATR 1.2345"},
		"rounded away from it, a short": {r: readings{55, 2, 1.2345, 95, 96}, side: decision.Short, maxScore: 70, want: "101.24", why: "ATR 1.2345"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newInput(t)
			add(t, &in, "BTCUSDT", c.r)
			hold(&in, "BTCUSDT", c.side, null(c.stop))
			asset := in.Market.Assets["BTCUSDT"]
			asset.Quote.Mark = null(c.mark)
			in.Market.Assets["BTCUSDT"] = asset
			d := decide(t, fallback.Config{MaxRiskScore: &c.maxScore, ProtectOnly: true}, in)
			if c.want == "" {
				requireHold(t, d, c.why)
				return
			}
			require.Equal(t, decision.ActionAdjustOrders, d.Action, d.Rationale)
			require.True(t, d.OrderAdjustment.NewSLPrice.Valid)
			require.Equal(t, c.want, d.OrderAdjustment.NewSLPrice.Decimal.String())
			require.True(t, d.OrderAdjustment.AdjustSL)
			require.False(t, d.OrderAdjustment.AdjustTP || d.OrderAdjustment.CancelTP || d.OrderAdjustment.CancelSL)
			require.Contains(t, d.Rationale, c.why)
			require.NotEmpty(t, d.ExitPlan)
			require.True(t, d.AllocationUSD.IsZero())
		})
	}
}

func TestTheLeastRiskyCandidatesAreEntered(t *testing.T) {
	t.Parallel()
	in := newInput(t)
	in.Envelope.NewPositions = 2
	calm, wild := bullish, bullish
	calm.volatility, wild.volatility = 1, 4 // scores 35 and 55
	add(t, &in, "DUSDT", bullish)           // 40
	add(t, &in, "CUSDT", wild)
	add(t, &in, "BUSDT", bullish)
	add(t, &in, "AUSDT", calm)
	p := score(t, fallback.Config{}, in)
	require.Equal(t, []decision.Action{decision.ActionHold, decision.ActionHold, decision.ActionBuy, decision.ActionBuy}, actions(p))
	require.Contains(t, p.Decision.Decisions[0].Rationale, "2 of 4 candidates may be entered and others score lower")
	require.Equal(t, "technical fallback: 2 entered with 4375 USD, 0 stops tightened, 2 held", p.Decision.PortfolioRationale)
}

func actions(p decision.Proposal) []decision.Action {
	out := make([]decision.Action, len(p.Decision.Decisions))
	for i, d := range p.Decision.Decisions {
		out[i] = d.Action
	}
	return out
}

func TestEntriesShrinkTogetherToTheTotal(t *testing.T) {
	t.Parallel()
	in := newInput(t)
	in.Envelope.TotalUSD = dec("1000")
	add(t, &in, "AUSDT", bullish) // 1,875
	add(t, &in, "BUSDT", bearish) // 1,500
	add(t, &in, "CUSDT", bearish) // 1,500
	p := score(t, fallback.Config{}, in)
	require.Equal(t, "384.61", p.Decision.Decisions[0].AllocationUSD.String())
	require.Equal(t, "307.69", p.Decision.Decisions[1].AllocationUSD.String())
	require.Equal(t, "307.69", p.Decision.Decisions[2].AllocationUSD.String())
	require.Equal(t, "999.99", p.Decision.TotalAllocationUSD.String())
	require.Contains(t, p.Decision.Decisions[0].Rationale, "allocation 384.61 USD: 50 % of the 5000.00 USD that position_size allows, x0.75 for volatility, "+
		"scaled from 1875.00 USD so that all entries (4875.00 USD) fit the total of 1000.00 USD; confidence")

	in.Market.Assets["BUSDT"].Instrument.MinNotionalUSD = null("307.70")
	p = score(t, fallback.Config{}, in)
	requireHold(t, p.Decision.Decisions[1], "after fitting 4875 USD into 1000 USD, an allocation of 307.69 USD is below the smallest order, 307.7 USD")
	require.Equal(t, "307.69", p.Decision.Decisions[2].AllocationUSD.String(), "others do not grow")
	require.Equal(t, "692.3", p.Decision.TotalAllocationUSD.String())
}

func TestTheRationaleNamesTheConfiguredShareAndTheMissingInputs(t *testing.T) {
	t.Parallel()
	sizing := fallback.DefaultSizing()
	sizing.EnvelopeShare, sizing.Steps[1].Multiplier = dec("0.125"), dec("0.6")
	in := newInput(t)
	add(t, &in, "BTCUSDT", bearish)
	in.Envelope.Assets[0].ShortLimit = ""
	shorten(&in, "BTCUSDT", 10)
	d := decide(t, fallback.Config{Sizing: &sizing, Confidence: &fallback.Confidence{Base: dec("90"), PerMissing: dec("7.5")}}, in)
	require.Equal(t, "300", d.AllocationUSD.String())
	require.Contains(t, d.Rationale, "allocation 300.00 USD: 12.5 % of the 4000.00 USD that the envelope allows, x0.6 for volatility; "+
		"confidence 82.5: 90 less 7.5 for each missing input (24h change)")
}
