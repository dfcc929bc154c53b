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

func TestEnvelopeNamesTheRuleThatBinds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		edit        func(*decision.Input)
		long, short string
		limits      [2]string
		total       string
		slots       int
		actions     []decision.Action
	}{
		{"plain", func(*decision.Input) {}, "6666.66", "6666.66", [2]string{"risk_per_trade", "risk_per_trade"}, "16000", 3, []decision.Action{"hold", "buy", "sell"}},
		{"small position size", func(in *decision.Input) { in.Account.MaxPositionSizeUSD = dt.D("500.555") }, "500.55", "500.55", [2]string{"position_size", "position_size"}, "16000", 3, []decision.Action{"hold", "buy", "sell"}},
		{"little available", func(in *decision.Input) { in.Account.AvailableUSD = dt.D("100") }, "200", "200", [2]string{"available_capital", "available_capital"}, "200", 3, []decision.Action{"hold", "buy", "sell"}},
		{"nothing available", func(in *decision.Input) { in.Account.AvailableUSD = dt.D("0") }, "0", "0", [2]string{"available_capital", "available_capital"}, "0", 3, []decision.Action{"hold"}},
		{"too much leverage", func(in *decision.Input) { in.Account.Leverage = dt.D("3") }, "0", "0", [2]string{"leverage", "leverage"}, "24000", 3, []decision.Action{"hold"}},
		{"no data", func(in *decision.Input) { in.Market = dt.Market("ETHUSDT") }, "0", "0", [2]string{"market_data", "market_data"}, "16000", 3, []decision.Action{"hold"}},
		{"funding", funding("0.001"), "0", "6666.66", [2]string{"funding", "risk_per_trade"}, "16000", 3, []decision.Action{"hold", "sell"}},
		{"halted", func(in *decision.Input) { in.Halted = true }, "0", "0", [2]string{"halted", "halted"}, "0", 3, []decision.Action{"hold"}},
		{"cooling down", func(in *decision.Input) {
			in.Account.LastEntryAt = map[string]time.Time{"BTCUSDT": in.At}
		}, "0", "0", [2]string{"cooldown", "cooldown"}, "16000", 3, []decision.Action{"hold"}},
		{"open long", open(dt.Position("BTCUSDT", decision.Long, "10")), "5666.66", "0", [2]string{"risk_per_trade", "position_exists"}, "15000", 2, []decision.Action{"hold", "adjust_position", "close_position", "adjust_orders"}},
		{"no slot left", open(dt.Position("A", decision.Long, "1"), dt.Position("B", decision.Long, "1"), dt.Position("C", decision.Long, "1")), "0", "0", [2]string{"max_positions", "max_positions"}, "15700", 0, []decision.Action{"hold"}},
		{"below the smallest order", func(in *decision.Input) {
			in.Account.AvailableUSD = dt.D("2")
			a := in.Market.Assets["BTCUSDT"]
			a.Instrument = &marketdata.Instrument{MinNotionalUSD: dt.Null("5")}
			in.Market.Assets["BTCUSDT"] = a
		}, "0", "0", [2]string{"min_notional", "min_notional"}, "4", 3, []decision.Action{"hold"}},
		{"bracket", func(in *decision.Input) {
			a := in.Market.Assets["BTCUSDT"]
			a.Instrument = &marketdata.Instrument{Brackets: []marketdata.Bracket{
				{UpToUSD: dt.Null("900"), MaxLeverage: dt.D("5"), MaintenancePercent: dt.D("0.5")}, {MaxLeverage: dt.D("1"), MaintenancePercent: dt.D("1")},
			}}
			in.Market.Assets["BTCUSDT"] = a
		}, "900", "900", [2]string{"leverage", "leverage"}, "16000", 3, []decision.Action{"hold", "buy", "sell"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := dt.Input("BTCUSDT")
			c.edit(&in)
			e := decision.DefaultRules().Envelope(in)
			asset, ok := e.Asset("BTCUSDT")
			require.True(t, ok)
			require.Equal(t, c.long, asset.MaxLongUSD.String())
			require.Equal(t, c.short, asset.MaxShortUSD.String())
			require.Equal(t, c.limits[0], asset.LongLimit)
			require.Equal(t, c.limits[1], asset.ShortLimit)
			require.Equal(t, c.actions, asset.Actions)
			require.Equal(t, c.total, e.TotalUSD.String())
			require.Equal(t, c.slots, e.NewPositions)
			require.Equal(t, "200", asset.MaxLossUSD.String())
			require.True(t, asset.MaxStopPercent.Valid)
			_, ok = e.Asset("DOGEUSDT")
			require.False(t, ok)
		})
	}
}

// ceiling is a host's rule that also bounds the envelope.
type ceiling struct{ usd int64 }

func (ceiling) Name() string { return "ceiling" }

func (r ceiling) Check(_ decision.Input, p decision.Proposal) (out []decision.Violation) {
	for _, d := range p.Decision.Decisions {
		if d.AllocationUSD.GreaterThan(decimal.NewFromInt(r.usd)) {
			out = append(out, decision.Violation{Rule: r.Name(), Asset: d.Asset, Severity: decision.SeverityError, Message: "above the ceiling"})
		}
	}
	return out
}

func (r ceiling) Room(decision.Input, decision.Ask) decision.Room {
	return decision.Room{AssetUSD: decimal.NewNullDecimal(decimal.NewFromInt(r.usd))}
}

func TestHostRulesBindTheEnvelopeAndTheGate(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT", "ETHUSDT")
	rules := append(decision.DefaultRules(), ceiling{250})
	asset, _ := rules.Envelope(in).Asset("BTCUSDT")
	require.Equal(t, "250", asset.MaxLongUSD.String())
	require.Equal(t, "ceiling", asset.LongLimit)
	v := rules.Gate(in, dt.Propose(dt.Buy("BTCUSDT", "251"), dt.Buy("ETHUSDT", "250")))
	require.Len(t, v.Refused, 1)
	require.Equal(t, "ceiling", v.Refused[0].Violations[0].Rule)
}

// faulty panics, names assets that add no risk, and warns.
type faulty struct{ mode string }

func (faulty) Name() string { return "faulty" }

func (r faulty) Check(decision.Input, decision.Proposal) []decision.Violation {
	v := decision.Violation{Rule: r.Name(), Asset: "ETHUSDT", Severity: decision.SeverityError, Message: "no"}
	switch r.mode {
	case "panic":
		panic("host bug")
	case "warn":
		v.Severity = decision.SeverityWarning
	case "whole":
		v.Asset = ""
	}
	return []decision.Violation{v}
}

func TestHostRulesCannotBlockWhatReducesRisk(t *testing.T) {
	t.Parallel()
	for mode, wantRefused := range map[string]int{"panic": 1, "whole": 1, "warn": 0, "reducing": 0} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			in := dt.Input("BTCUSDT", "ETHUSDT")
			in.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Long, "1")}
			v := append(decision.DefaultRules(), faulty{mode}).Gate(in, dt.Propose(dt.Buy("BTCUSDT", "100"), dt.Act("ETHUSDT", decision.ActionClosePosition)))
			require.Len(t, v.Refused, wantRefused)
			require.Equal(t, decision.ActionClosePosition, v.Kept[len(v.Kept)-1].Action)
			if mode == "warn" || mode == "reducing" {
				require.Equal(t, "faulty", v.Warnings[0].Rule)
			}
		})
	}
}

func TestGateWarnsAboutPortfolios(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT", "ETHUSDT", "SOLUSDT")
	same := waves(t, marketdata.Interval1h, 60, dt.At())
	for symbol, a := range in.Market.Assets {
		a.Series = map[marketdata.Interval]marketdata.Series{marketdata.Interval1h: same}
		in.Market.Assets[symbol] = a
	}
	risky := with(dt.Buy("BTCUSDT", "100"), func(d *decision.AssetDecision) { d.RiskLevel = decision.RiskHigh })
	rules := func(v decision.Verdict) (out []string) {
		for _, w := range v.Warnings {
			out = append(out, w.Rule)
		}
		return out
	}
	v := decision.DefaultRules().Gate(in, dt.Propose(dt.Buy("ETHUSDT", "100"), risky))
	require.Equal(t, []string{"correlation"}, rules(v))
	require.Equal(t, "BTCUSDT and ETHUSDT move together on the long side: correlation 1.00 over 50 candles", v.Warnings[0].Message)
	require.Empty(t, rules(decision.DefaultRules().Gate(in, dt.Propose(dt.Sell("ETHUSDT", "100"), risky))), "opposite sides")
	require.Equal(t, []string{"high_risk_share"}, rules(decision.DefaultRules().Gate(in, dt.Propose(risky))))

	p := dt.Propose(dt.Buy("ETHUSDT", "100"))
	p.Decision.TotalAllocationUSD, p.Decision.PortfolioRationale = dt.D("99"), " "
	require.Equal(t, []string{"shape", "shape"}, rules(decision.DefaultRules().Gate(in, p)))
	empty := decision.DefaultRules().Gate(in, dt.Propose())
	require.Equal(t, "no decisions", empty.Errors[0].Message)
}

func TestEnvelopeSaysHowFarAStopMayBe(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	a := in.Market.Assets["BTCUSDT"]
	a.Instrument = &marketdata.Instrument{Brackets: []marketdata.Bracket{
		{UpToUSD: dt.Null("100"), MaxLeverage: dt.D("20"), MaintenancePercent: dt.D("0.5")},
		{UpToUSD: dt.Null("200"), MaxLeverage: dt.D("20"), MaintenancePercent: dt.D("3")},
		{MaxLeverage: dt.D("20"), MaintenancePercent: dt.D("2")},
	}}
	in.Market.Assets["BTCUSDT"] = a
	rules := decision.DefaultRules()
	asset, _ := rules.Envelope(in).Asset("BTCUSDT")
	require.Equal(t, "45.631067", asset.MaxStopPercent.Decimal.String(), "of a short, whose maintenance grows with the price: (1/2 - 3 %) / 1.03")
	for distance, refused := range map[string]int{"145.631067": 0, "145.6311": 1} {
		d := dt.Sell("BTCUSDT", "100.5")
		d.SLPrice = dt.Null(distance)
		require.Len(t, rules.Gate(in, dt.Propose(d)).Refused, refused, distance)
	}
}
