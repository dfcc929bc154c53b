package decision_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

func TestPeer_AStopBesideThePriceAllowsAnySize(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	near := with(dt.Buy("BTCUSDT", "6666.67"), func(d *decision.AssetDecision) { d.SLPrice = dt.Null("99.99") })
	v := decision.DefaultRules().Gate(in, dt.Propose(near))
	require.Len(t, v.Refused, 1)
	require.Equal(t, "loss at the stop of BTCUSDT must be at most 200 USD (2 % of balance), would be 200.0001 at a distance of 3 %, which the strategy assumes at least", v.Refused[0].Violations[0].Message)
	near.AllocationUSD = dt.D("6666.66") // what the envelope offers
	require.Len(t, decision.DefaultRules().Gate(in, dt.Propose(near)).Kept, 1)
}

func TestPeer_AWrongMarkMakesRoom(t *testing.T) {
	t.Parallel()
	position := dt.Position("ETHUSDT", decision.Long, "20") // 2,000 USD at 100
	position.SLPrice = decision.Position{}.SLPrice
	crashed := dt.Input("BTCUSDT", "ETHUSDT")
	crashed.Account.Positions = []decision.Position{position}
	crashed.Account.EquityAtMidnightUSD = dt.Null("10000")
	asset := crashed.Market.Assets["ETHUSDT"]
	asset.Quote.Last = dt.D("50") // the account still marks it at 100
	crashed.Market.Assets["ETHUSDT"] = asset
	require.Equal(t, "daily_loss", firstRule(t, crashed, dt.Buy("BTCUSDT", "100")), "10 % of the day is lost")

	hidden := dt.Input("BTCUSDT", "ETHUSDT")
	position.Quantity, position.MarkPrice = dt.D("155"), dt.D("1") // 7,750 USD of margin at 100
	hidden.Account.Positions = []decision.Position{position}
	hidden.Account.MaxPositionSizeUSD = dt.D("100000")
	position.EntryPrice = dt.D("1")
	hidden.Account.Positions[0].EntryPrice = dt.D("1")
	require.Equal(t, "exposure", firstRule(t, hidden, dt.Buy("BTCUSDT", "600")))
}

func firstRule(t *testing.T, in decision.Input, d decision.AssetDecision) string {
	t.Helper()
	v := decision.DefaultRules().Gate(in, dt.Propose(d))
	require.Len(t, v.Refused, 1)
	return v.Refused[0].Violations[0].Rule
}

func TestPeer_AStopBehindTheLiquidation(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Account.MarginMode = decision.MarginIsolated
	in.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "2")} // liquidated at 50.51
	require.Equal(t, "liquidation_buffer", firstRule(t, in, dt.MoveStop("BTCUSDT", "50")))
	require.Len(t, decision.DefaultRules().Gate(in, dt.Propose(dt.MoveStop("BTCUSDT", "51"))).Kept, 1)
}

func TestPeer_WholeLotsAreBelowTheMinimum(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	asset := in.Market.Assets["BTCUSDT"]
	asset.Instrument = &marketdata.Instrument{LotSize: dt.Null("0.1"), MinNotionalUSD: dt.Null("15")} // a lot is worth 10
	in.Market.Assets["BTCUSDT"] = asset
	require.Equal(t, "min_notional", firstRule(t, in, dt.Buy("BTCUSDT", "19.99")))
	require.Len(t, decision.DefaultRules().Gate(in, dt.Propose(dt.Buy("BTCUSDT", "20"))).Kept, 1)
	asset.Instrument = &marketdata.Instrument{LotSize: dt.Null("1000")} // worth 100,000
	in.Market.Assets["BTCUSDT"] = asset
	e, _ := decision.DefaultRules().Envelope(in).Asset("BTCUSDT")
	require.Equal(t, "0", e.MaxLongUSD.String())
	require.Equal(t, "lot_size", e.LongLimit)
}

func TestAStrategyForOtherCandlesIsADegradation(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	req := request()
	s, err := decision.LoadStrategy("scalping_perps")
	require.NoError(t, err)
	req.Strategy = s
	res, err := b.decide(t, req)
	require.NoError(t, err)
	require.Contains(t, res.Degraded, "strategy scalping_perps is meant for candles of [1m 5m], not of 1h and 4h")
}
