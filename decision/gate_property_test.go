package decision_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

var propertySymbols = []string{"BTCUSDT", "ETHUSDT", "SOLUSDT"}

// drawUSD is an amount that is often plausible, sometimes hostile.
func drawUSD(t *rapid.T, label string) decimal.Decimal {
	if rapid.IntRange(0, 9).Draw(t, label+" hostile") == 0 {
		return rapid.SampledFrom([]decimal.Decimal{dt.D("0"), dt.D("-1"), dt.D("1e12"), dt.D("0.00000001"), dt.D("-1e12")}).Draw(t, label)
	}
	return decimal.New(rapid.Int64Range(1, 900_000).Draw(t, label), -2)
}

func drawPrice(t *rapid.T, label string) decimal.NullDecimal {
	if rapid.IntRange(0, 4).Draw(t, label+" absent") == 0 {
		return decimal.NullDecimal{}
	}
	return decimal.NewNullDecimal(decimal.New(rapid.Int64Range(0, 20_000).Draw(t, label), -2))
}

func drawAction(t *rapid.T, symbol string) decision.AssetDecision {
	d := dt.Act(symbol, rapid.SampledFrom(append(decision.Actions(), "", "long")).Draw(t, "action"))
	d.Rationale = rapid.SampledFrom([]string{"because", "because", "because", ""}).Draw(t, "rationale")
	if rapid.Bool().Draw(t, "sized") || d.Action == decision.ActionBuy || d.Action == decision.ActionSell {
		d.AllocationUSD = drawUSD(t, "allocation")
	}
	d.SLPrice, d.TPPrice = drawPrice(t, "sl"), drawPrice(t, "tp")
	if rapid.IntRange(0, 5).Draw(t, "position adjustment") > 0 {
		d.PositionAdjustment = &decision.PositionAdjustment{
			Type:      rapid.SampledFrom([]decision.AdjustmentType{decision.AdjustIncrease, decision.AdjustDecrease, "both"}).Draw(t, "type"),
			AmountUSD: drawUSD(t, "amount"), NewSLPrice: drawPrice(t, "new sl"), NewTPPrice: drawPrice(t, "new tp"),
		}
	}
	if rapid.IntRange(0, 5).Draw(t, "order adjustment") > 0 {
		flag := rapid.Bool()
		d.OrderAdjustment = &decision.OrderAdjustment{
			AdjustTP: flag.Draw(t, "adjust tp"), AdjustSL: flag.Draw(t, "adjust sl"), CancelTP: flag.Draw(t, "cancel tp"),
			CancelSL: flag.Draw(t, "cancel sl"), NewSLPrice: drawPrice(t, "order sl"), NewTPPrice: drawPrice(t, "order tp"),
		}
	}
	return d
}

func drawInput(t *rapid.T) decision.Input {
	in := dt.Input(propertySymbols...)
	id := rapid.SampledFrom(decision.StrategyIDs()).Draw(t, "strategy")
	s, err := decision.LoadStrategy(id)
	require.NoError(t, err)
	in.Strategy = s
	in.Account.Leverage = decimal.NewFromInt(rapid.Int64Range(1, 20).Draw(t, "leverage"))
	in.Account.AvailableUSD = decimal.NewFromInt(rapid.Int64Range(0, 10_000).Draw(t, "available"))
	in.Account.RealizedPnLTodayUSD = decimal.NewFromInt(rapid.Int64Range(-600, 600).Draw(t, "pnl"))
	in.Halted = rapid.IntRange(0, 9).Draw(t, "halted") == 0
	for _, symbol := range append([]string{"XRPUSDT"}, propertySymbols...) {
		if rapid.IntRange(0, 2).Draw(t, symbol+" open") == 0 {
			side := rapid.SampledFrom([]decision.Side{decision.Long, decision.Short}).Draw(t, "side")
			p := dt.Position(symbol, side, decimal.New(rapid.Int64Range(1, 8000).Draw(t, "quantity"), -2).String())
			p.SLPrice.Valid = rapid.Bool().Draw(t, "has stop")
			in.Account.Positions = append(in.Account.Positions, p)
		}
		if rapid.IntRange(0, 7).Draw(t, symbol+" dead") == 0 {
			delete(in.Market.Assets, symbol)
			in.Market.Failures = map[string]marketdata.Failure{symbol: {Symbol: symbol, Reason: marketdata.ReasonStale}}
		}
		if rapid.IntRange(0, 7).Draw(t, symbol+" cooling") == 0 {
			in.Account.LastEntryAt = map[string]time.Time{symbol: in.At.Add(-time.Minute)}
		}
	}
	in.Envelope = decision.DefaultRules().Envelope(in)
	return in
}

func drawProposal(t *rapid.T) decision.Proposal {
	var actions []decision.AssetDecision
	for _, symbol := range propertySymbols {
		if rapid.IntRange(0, 5).Draw(t, symbol+" mentioned") > 0 {
			actions = append(actions, drawAction(t, symbol))
		}
	}
	if rapid.IntRange(0, 5).Draw(t, "duplicate") == 0 {
		actions = append(actions, drawAction(t, rapid.SampledFrom(propertySymbols).Draw(t, "duplicated")))
	}
	for i := range actions {
		actions[i].ExitPlan = fmt.Sprint("plan ", i)
	}
	return dt.Propose(actions...)
}

// keys name entries by asset, action and the plan that tells them apart; the
// gate may take superfluous parts off what it keeps.
func keys(_ require.TestingT, actions []decision.AssetDecision) []string {
	out := make([]string, len(actions))
	for i, a := range actions {
		out[i] = a.Asset + " " + string(a.Action) + " " + a.ExitPlan
	}
	slices.Sort(out)
	return out
}

func refusedActions(v decision.Verdict) []decision.AssetDecision {
	out := make([]decision.AssetDecision, len(v.Refused))
	for i := range v.Refused {
		out[i] = v.Refused[i].Was
	}
	return out
}

func TestGateInvariants(t *testing.T) {
	t.Parallel()
	rules := decision.DefaultRules()
	rapid.Check(t, func(t *rapid.T) {
		in, p := drawInput(t), drawProposal(t)
		v := rules.Gate(in, p)

		require.Equal(t, keys(t, p.Decision.Decisions), keys(t, append(slices.Clone(v.Kept), refusedActions(v)...)), "kept and refused are the proposed")

		again := rules.Gate(in, dt.Propose(v.Kept...))
		require.Empty(t, again.Refused, "a kept action is kept again")

		for _, r := range v.Refused {
			if in.AddsRisk(r.Was) {
				continue
			}
			for _, violation := range r.Violations {
				require.Contains(t, []string{"shape", "price_logic", "position_exists"}, violation.Rule, "a limit refused what reduces risk")
			}
		}
		requireWithinLimits(t, in, v.Kept)
		requireReductions(t, in, p, v)
	})
}

// requireReductions: whoever proposed to close or to decrease a position gets
// it smaller, whatever else was wrong, and never beyond its size.
func requireReductions(t *rapid.T, in decision.Input, p decision.Proposal, v decision.Verdict) {
	reduces := func(d decision.AssetDecision) bool {
		held, open := in.Account.Position(d.Asset)
		a := d.PositionAdjustment
		return open && (d.Action == decision.ActionClosePosition ||
			d.Action == decision.ActionAdjustPosition && a != nil && a.Type == decision.AdjustDecrease && a.AmountUSD.IsPositive() &&
				(!a.NewSLPrice.Valid || !held.SLPrice.Valid || !in.AddsRisk(d)))
	}
	for _, d := range p.Decision.Decisions {
		if reduces(d) {
			require.True(t, slices.ContainsFunc(v.Kept, func(k decision.AssetDecision) bool { return k.Asset == d.Asset && reduces(k) }), "the reduction of %s is lost", d.Asset)
		}
	}
	smaller := map[string]int{}
	for _, k := range v.Kept {
		if !reduces(k) {
			continue
		}
		smaller[k.Asset]++
		require.Equal(t, 1, smaller[k.Asset], "one reduction a position")
		if held, _ := in.Account.Position(k.Asset); k.Action == decision.ActionAdjustPosition {
			require.True(t, k.PositionAdjustment.AmountUSD.LessThanOrEqual(held.NotionalUSD()))
		}
	}
}

// requireWithinLimits sums up what is kept, without the rules' own code.
func requireWithinLimits(t *rapid.T, in decision.Input, kept []decision.AssetDecision) {
	margin, total, opened := decimal.Zero, decimal.Zero, 0
	for _, p := range in.Account.Positions {
		total = total.Add(p.Quantity.Mul(p.MarkPrice).Div(p.Leverage))
	}
	for _, d := range kept {
		p, has := in.Account.Position(d.Asset)
		add, leverage, stop := d.AllocationUSD, in.Account.Leverage, d.SLPrice
		if has {
			leverage = p.Leverage
			if !stop.Valid {
				stop = p.SLPrice
			}
		}
		if d.Action == decision.ActionAdjustPosition && d.PositionAdjustment.Type == decision.AdjustIncrease {
			add, stop = d.PositionAdjustment.AmountUSD, p.SLPrice
			if d.PositionAdjustment.NewSLPrice.Valid {
				stop = d.PositionAdjustment.NewSLPrice
			}
		}
		if !add.IsPositive() {
			continue
		}
		if !has {
			opened++
		}
		after := add
		if has {
			after = after.Add(p.NotionalUSD())
		}
		margin = margin.Add(add.Div(leverage))
		require.False(t, in.Halted)
		require.Contains(t, in.Market.Assets, d.Asset)
		require.True(t, after.LessThanOrEqual(in.Account.MaxPositionSizeUSD))
		require.True(t, leverage.LessThanOrEqual(in.Strategy.Risk.MaxLeverage))
		distance := in.Strategy.Risk.StopLossPercentage
		if stop.Valid {
			distance = dt.D("100").Sub(stop.Decimal).Abs() // the price is 100
		} else {
			require.False(t, in.Strategy.Risk.StopRequired)
		}
		loss := after.Mul(distance).Div(dt.D("100"))
		require.True(t, loss.LessThanOrEqual(in.Account.BalanceUSD.Mul(in.Strategy.Risk.MaxRiskPerTrade).Div(dt.D("100"))))
	}
	if opened > 0 {
		require.LessOrEqual(t, opened+len(in.Account.Positions), in.Strategy.MaxPositions)
	}
	if margin.IsPositive() {
		require.True(t, margin.LessThanOrEqual(in.Account.AvailableUSD))
		require.True(t, total.Add(margin).LessThanOrEqual(in.Account.BalanceUSD.Mul(dt.D("0.8"))))
	}
}

func TestGateIgnoresTheOrderOfAssets(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, p := drawInput(t), drawProposal(t)
		shuffled := dt.Propose(rapid.Permutation(p.Decision.Decisions).Draw(t, "order")...)
		a, b := decision.DefaultRules().Gate(in, p), decision.DefaultRules().Gate(in, shuffled)
		require.Equal(t, keys(t, a.Kept), keys(t, b.Kept))
		require.Equal(t, keys(t, refusedActions(a)), keys(t, refusedActions(b)))
	})
}

// distrust refuses every risk on one asset, or on all when it is empty.
type distrust struct{ asset string }

func (distrust) Name() string { return "distrust" }

func (r distrust) Check(_ decision.Input, p decision.Proposal) (out []decision.Violation) {
	for _, d := range p.Decision.Decisions {
		if r.asset == "" || d.Asset == r.asset {
			out = append(out, decision.Violation{Rule: r.Name(), Asset: d.Asset, Severity: decision.SeverityError, Message: "distrusted"})
		}
	}
	return out
}

func TestGateWithAnotherRuleNeverKeepsMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, p := drawInput(t), drawProposal(t)
		before := decision.DefaultRules().Gate(in, p)
		stricter := append(decision.DefaultRules(), distrust{rapid.SampledFrom(append([]string{""}, propertySymbols...)).Draw(t, "distrusted")})
		after := stricter.Gate(in, p)
		kept := keys(t, before.Kept)
		for _, k := range keys(t, after.Kept) {
			require.Contains(t, kept, k)
		}
		for _, r := range after.Refused {
			if !in.AddsRisk(r.Was) {
				require.Contains(t, keys(t, refusedActions(before)), keys(t, []decision.AssetDecision{r.Was})[0], "a host's rule refused what reduces risk")
			}
		}
	})
}

func TestGateKeepsViolationsToTheirAsset(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, p := drawInput(t), drawProposal(t)
		if len(p.Decision.Decisions) == 0 {
			return
		}
		i := rapid.IntRange(0, len(p.Decision.Decisions)-1).Draw(t, "spoiled")
		spoiled := dt.Propose(slices.Clone(p.Decision.Decisions)...)
		spoiled.Decision.Decisions[i].Confidence = dt.D("-1")
		asset := spoiled.Decision.Decisions[i].Asset
		others := func(v decision.Verdict) (out []decision.AssetDecision) {
			for _, d := range v.Kept {
				if d.Asset != asset {
					out = append(out, d)
				}
			}
			return out
		}
		require.Equal(t, keys(t, others(decision.DefaultRules().Gate(in, p))), keys(t, others(decision.DefaultRules().Gate(in, spoiled))))
	})
}

func TestEnvelopeIsWhatTheGateAllows(t *testing.T) {
	t.Parallel()
	rules := decision.DefaultRules()
	price := dt.D("100")
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		for _, e := range in.Envelope.Assets {
			if p, has := in.Account.Position(e.Asset); has && !p.SLPrice.Valid {
				continue // an increase keeps the position's stop, not the strategy's
			}
			distance := e.StopPercent.Mul(price).Shift(-2)
			long, short := dt.Buy(e.Asset, e.MaxLongUSD.String()), dt.Sell(e.Asset, e.MaxShortUSD.String())
			long.SLPrice, short.SLPrice = decimal.NewNullDecimal(price.Sub(distance)), decimal.NewNullDecimal(price.Add(distance))
			for _, d := range []decision.AssetDecision{long, short} {
				if d.AllocationUSD.IsPositive() {
					require.Empty(t, rules.Gate(in, dt.Propose(d)).Refused, "the largest allocation is kept")
				}
				d.AllocationUSD = d.AllocationUSD.Add(dt.D("0.02"))
				require.NotEmpty(t, rules.Gate(in, dt.Propose(d)).Refused, "more is refused")
			}
		}
	})
}
