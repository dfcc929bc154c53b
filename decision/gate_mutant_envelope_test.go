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

func TestTheRoomOfARuleEndsWhereItRefuses(t *testing.T) {
	t.Parallel()
	brackets := func(steps ...marketdata.Bracket) func(*decision.Input) {
		return instrument(marketdata.Instrument{Brackets: steps})
	}
	held := open(dt.Position("BTCUSDT", decision.Long, "5"))
	alone := func(r ...decision.Rule) decision.Rules { return append(decision.Rules{}, r...) }
	for _, c := range []struct {
		name        string
		rules       decision.Rules
		edit        func(*decision.Input)
		long, limit string
	}{
		{"the widest bracket that allows the leverage", alone(decision.Leverage{}), brackets(step("900", "5"), step("2000", "2"), step("", "1")), "2000", "leverage"},
		{"what is open counts", alone(decision.Leverage{}), all(held, brackets(step("2000", "5"), step("", "1"))), "1500", "leverage"},
		{"a bracket that forbids it is passed over", alone(decision.Leverage{}), all(held, brackets(step("100", "1"), step("2000", "2"), step("", "1"))), "1500", "leverage"},
		{"a bracket without end", alone(decision.Leverage{}, decision.PositionSize{}), brackets(step("900", "5"), step("", "3")), "10000", "position_size"},
		{"beyond every bracket", alone(decision.Leverage{}), all(held, brackets(step("100", "2"), step("400", "2"))), "0", "leverage"},
		{"concentration with what is open", alone(decision.Concentration{WarnPercent: 60, MaxPercent: 80}), held, "15500", "concentration"},
		{"more open than allowed", alone(decision.PositionSize{}), all(held, func(in *decision.Input) { in.Account.MaxPositionSizeUSD = dt.D("400") }), "0", "position_size"},
		{"funding at the limit", alone(decision.Funding{}, decision.PositionSize{}), funding("0.0005"), "10000", "position_size"},
		{"the day's loss at the limit", alone(decision.DailyLoss{}, decision.PositionSize{}), func(in *decision.Input) {
			in.Account.BalanceUSD, in.Account.RealizedPnLTodayUSD = dt.D("9500"), dt.D("-500")
		}, "0", "daily_loss"},
		{"a price of a minute", alone(decision.MarketData{}, decision.PositionSize{}), func(in *decision.Input) { in.At = in.At.Add(time.Minute) }, "10000", "position_size"},
		{"the first of two equal limits", alone(decision.AvailableCapital{}, decision.PositionSize{}), func(in *decision.Input) { in.Account.AvailableUSD = dt.D("5000") }, "10000", "available_capital"},
		{"room for the smallest order exactly", alone(decision.PositionSize{}), instrument(marketdata.Instrument{MinNotionalUSD: dt.Null("10000")}), "10000", "position_size"},
		{"no room names its rule and not the smallest order", alone(decision.Halted{}), all(func(in *decision.Input) { in.Halted = true }, instrument(marketdata.Instrument{MinNotionalUSD: dt.Null("5")})), "0", "halted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := dt.Input("BTCUSDT")
			c.edit(&in)
			e := c.rules.Envelope(in)
			require.Len(t, e.Assets, 1)
			require.Equal(t, c.long, e.Assets[0].MaxLongUSD.String())
			require.Equal(t, c.limit, e.Assets[0].LongLimit)
			if in.Account.Positions == nil { // nothing of the table depends on the side
				require.Equal(t, c.long, e.Assets[0].MaxShortUSD.String())
				require.Equal(t, c.limit, e.Assets[0].ShortLimit)
			}
		})
	}
}

// bySide is a host's rule with other room for longs than for shorts.
type bySide struct{ long, short, longTotal, shortTotal int64 }

func (bySide) Name() string { return "by_side" }

func (bySide) Check(decision.Input, decision.Proposal) []decision.Violation { return nil }

func (r bySide) Room(_ decision.Input, a decision.Ask) decision.Room {
	asset, total := r.long, r.longTotal
	if a.Side == decision.Short {
		asset, total = r.short, r.shortTotal
	}
	return decision.Room{AssetUSD: decimal.NewNullDecimal(decimal.NewFromInt(asset)), TotalUSD: decimal.NewNullDecimal(decimal.NewFromInt(total))}
}

func TestAHostsRuleIsAskedForBothSides(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	for _, r := range []bySide{{100, 200, 90, 120}, {200, 100, 120, 90}} {
		e := append(decision.DefaultRules(), r).Envelope(in)
		require.Equal(t, r.long, e.Assets[0].MaxLongUSD.IntPart())
		require.Equal(t, r.short, e.Assets[0].MaxShortUSD.IntPart())
		require.Equal(t, "by_side", e.Assets[0].ShortLimit)
		require.Equal(t, "90", e.TotalUSD.String())
	}
}

func TestAnEnvelopeIsRoundedDownAndNeverNegative(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Account.BalanceUSD = dt.D("10002.99")
	in.Account.Positions = []decision.Position{
		dt.Position("A", decision.Long, "1"), dt.Position("B", decision.Long, "1"), dt.Position("C", decision.Long, "1"), dt.Position("D", decision.Long, "1"),
	}
	e := decision.DefaultRules().Envelope(in)
	require.Equal(t, "200.05", e.Assets[0].MaxLossUSD.String(), "2 % are 200.0598")
	require.Zero(t, e.NewPositions, "four of three are open")
	in.Account.BalanceUSD = dt.D("-1")
	require.True(t, decision.DefaultRules().Envelope(in).Assets[0].MaxLossUSD.IsZero())
}

// whole is a host's rule that says the same of every proposal.
type whole struct{ says decision.Violation }

func (whole) Name() string { return "whole" }

func (r whole) Check(decision.Input, decision.Proposal) []decision.Violation {
	return []decision.Violation{r.says}
}

func TestWhatAHostsRuleSaysIsSaidOnce(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT", "ETHUSDT")
	for _, c := range []struct {
		name                      string
		says                      decision.Violation
		refused, errors, warnings int
	}{
		{"an error of the whole", decision.Violation{Severity: decision.SeverityError}, 2, 1, 0},
		{"one without severity", decision.Violation{}, 2, 1, 0},
		{"a warning of the whole", decision.Violation{Severity: decision.SeverityWarning}, 0, 0, 1},
		{"an error of an asset", decision.Violation{Severity: decision.SeverityError, Asset: "ETHUSDT"}, 1, 0, 0},
		{"a warning of an asset", decision.Violation{Severity: decision.SeverityWarning, Asset: "ETHUSDT"}, 0, 0, 1},
		{"an error of an unknown asset", decision.Violation{Severity: decision.SeverityError, Asset: "XRPUSDT"}, 0, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := decision.Rules{whole{c.says}}.Gate(in, dt.Propose(dt.Buy("BTCUSDT", "100"), dt.Buy("ETHUSDT", "100")))
			require.Len(t, v.Refused, c.refused)
			require.Len(t, v.Errors, c.errors)
			require.Len(t, v.Warnings, c.warnings)
			require.NotNil(t, v.Kept, "an empty list, not null")
		})
	}
}

func TestOfSeveralReductionsTheSameIsKeptInAnyOrder(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "20")}
	plan := func(d decision.AssetDecision, text string) decision.AssetDecision {
		return with(d, func(d *decision.AssetDecision) { d.ExitPlan = text })
	}
	decrease := func(usd string) decision.AssetDecision { return dt.Adjust("BTCUSDT", decision.AdjustDecrease, usd) }
	for name, pair := range map[string][2]decision.AssetDecision{ // the first is kept
		"the larger, not the one with the larger first digit": {decrease("1000"), decrease("900")},
		"of the same size one":                                {plan(decrease("900"), "b"), plan(decrease("900"), "a")},
		"of two closes one":                                   {plan(dt.Act("BTCUSDT", decision.ActionClosePosition), "b"), plan(dt.Act("BTCUSDT", decision.ActionClosePosition), "a")},
		"of the same action twice":                            {decrease("900"), decrease("900")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, order := range [][]decision.AssetDecision{{pair[0], pair[1]}, {pair[1], pair[0]}, {pair[1], pair[0], pair[1]}} {
				v := decision.DefaultRules().Gate(in, dt.Propose(order...))
				require.Len(t, v.Kept, 1)
				require.Equal(t, pair[0], v.Kept[0])
				for _, r := range v.Refused {
					require.Len(t, r.Violations, 1, "said once")
				}
			}
		})
	}
	stray := with(dt.Act("BTCUSDT", decision.ActionHold), func(d *decision.AssetDecision) {
		d.PositionAdjustment = &decision.PositionAdjustment{Type: decision.AdjustDecrease, AmountUSD: dt.D("5000")}
	})
	for _, hold := range []decision.AssetDecision{dt.Act("BTCUSDT", decision.ActionHold), stray} {
		for _, reduction := range []decision.AssetDecision{decrease("900"), dt.Act("BTCUSDT", decision.ActionClosePosition)} {
			require.Len(t, decision.DefaultRules().Gate(in, dt.Propose(hold, reduction)).Kept, 2, "a hold reduces nothing and is in nobody's way")
		}
	}
}
