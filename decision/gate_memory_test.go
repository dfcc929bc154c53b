package decision_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

func TestGateAllocationsDoNotGrowWithHistory(t *testing.T) { //nolint:paralleltest // other tests would be counted
	allocations := func(candles int) float64 {
		in := dt.Input("BTCUSDT", "ETHUSDT")
		for symbol, a := range in.Market.Assets {
			a.Series = map[marketdata.Interval]marketdata.Series{marketdata.Interval1h: waves(t, marketdata.Interval1h, candles, dt.At())}
			in.Market.Assets[symbol] = a
			a.Series[marketdata.Interval1h].Columns() // derived once a series
		}
		in.Envelope = decision.DefaultRules().Envelope(in)
		p := dt.Propose(dt.Buy("BTCUSDT", "100"), dt.Sell("ETHUSDT", "100"))
		return testing.AllocsPerRun(20, func() { decision.DefaultRules().Gate(in, p) })
	}
	short := allocations(100)
	require.Positive(t, short)
	require.InDelta(t, short, allocations(1500), 1)
}
