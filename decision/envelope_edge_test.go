package decision_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

// TestTheStopDistanceIsThatOfTheOpenSide: of a position at 2x a long is
// liquidated at (1/2 - 1 %) / 99 %, a short at (1/2 - 1 %) / 101 %.
func TestTheStopDistanceIsThatOfTheOpenSide(t *testing.T) {
	t.Parallel()
	for side, percent := range map[decision.Side]string{decision.Long: "49.494949", decision.Short: "48.514851"} {
		in := dt.Input("BTCUSDT")
		in.Account.MarginMode = decision.MarginIsolated
		in.Account.Positions = []decision.Position{dt.Position("BTCUSDT", side, "10")}
		e, _ := decision.DefaultRules().Envelope(in).Asset("BTCUSDT")
		require.Equal(t, percent, e.MaxStopPercent.Decimal.String(), side)
	}
	in := dt.Input("BTCUSDT")
	in.Account.MarginMode = decision.MarginIsolated
	in = funding2(in, "-0.01") // a short would pay too much, so that only a long may be entered
	e, _ := decision.DefaultRules().Envelope(in).Asset("BTCUSDT")
	require.Equal(t, "49.494949", e.MaxStopPercent.Decimal.String())
}

func funding2(in decision.Input, rate string) decision.Input {
	funding(rate)(&in)
	return in
}

// TestTheEnvelopeKnowsTheSmallestOrder between the smallest order and the amount
// from which on lots cannot matter.
func TestTheEnvelopeKnowsTheSmallestOrder(t *testing.T) {
	t.Parallel()
	for available, want := range map[string][2]string{
		"7":   {"0", "min_notional"},       // 14 USD are one lot of 10
		"9.9": {"0", "min_notional"},       // 19.8
		"10":  {"20", "available_capital"}, // two lots
		"12":  {"24", "available_capital"},
	} {
		in := dt.Input("BTCUSDT")
		a := in.Market.Assets["BTCUSDT"]
		a.Instrument = &marketdata.Instrument{LotSize: dt.Null("0.1"), MinNotionalUSD: dt.Null("15")}
		in.Market.Assets["BTCUSDT"] = a
		in.Account.AvailableUSD = dt.D(available)
		e, _ := decision.DefaultRules().Envelope(in).Asset("BTCUSDT")
		require.Equal(t, want, [2]string{e.MaxLongUSD.String(), e.LongLimit}, available)
	}
	in := dt.Input("BTCUSDT")
	a := in.Market.Assets["BTCUSDT"]
	a.Instrument = &marketdata.Instrument{LotSize: dt.Null("0.1")} // no smallest notional
	in.Market.Assets["BTCUSDT"] = a
	in.Account.AvailableUSD = dt.D("6")
	e, _ := decision.DefaultRules().Envelope(in).Asset("BTCUSDT")
	require.Equal(t, "12", e.MaxLongUSD.String())
}
