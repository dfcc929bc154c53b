package render_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/render"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// viewed is an asset of which everything is known.
func viewed(t *testing.T) app.View {
	t.Helper()
	sim, err := marketdata.NewSim(marketdata.SimConfig{Now: decisiontest.At})
	require.NoError(t, err)
	snap, err := sim.Snapshot(t.Context(), marketdata.Query{
		Symbols: []string{"BTCUSDT"}, Intervals: []marketdata.Interval{marketdata.Interval1h, marketdata.Interval4h},
	})
	require.NoError(t, err)
	asset := snap.Assets["BTCUSDT"]
	asset.Quote.FundingRate, asset.Quote.FundingInterval = decisiontest.Null("-0.00025"), 8*time.Hour
	asset.Quote.OpenInterest, asset.Quote.Change24hPercent = decisiontest.Null("75450.5"), decisiontest.Null("1.25")
	asset.Quote.LastAt = decisiontest.At().Add(-2 * time.Second)
	asset.Instrument = &marketdata.Instrument{
		Symbol: "BTCUSDT", BaseAsset: "BTC", QuoteAsset: "USDT", TickSize: decisiontest.Null("0.1"), MinNotionalUSD: decisiontest.Null("5"),
		Brackets: []marketdata.Bracket{{MaxLeverage: decisiontest.D("125")}, {MaxLeverage: decisiontest.D("50")}},
	}
	v := app.View{
		Asset: asset, At: decisiontest.At(), NextFundingAt: decisiontest.At().Add(90 * time.Minute),
		Usage: &aster.Usage{UsedWeight: 47, Limit: 2400}, Notes: []string{"network \x1b[31mtestnet"},
	}
	v.Indicators = map[marketdata.Interval]indicator.Set{}
	for _, i := range marketdata.Intervals() {
		if s, ok := asset.Series[i]; ok {
			set, err := indicator.Compute(s)
			require.NoError(t, err)
			v.Intervals, v.Indicators[i] = append(v.Intervals, i), set
		}
	}
	require.NotEmpty(t, v.Intervals)
	return v
}

func TestMarketFitsItsWidth(t *testing.T) {
	t.Parallel()
	for name, most := range map[string]int{"market.txt": 120, "market_tiny.txt": 40} {
		var out bytes.Buffer
		require.NoError(t, render.Market(&out, api.NewMarket(viewed(t), 2), render.Style{Width: most}))
		golden(t, name, out.String())
		for line := range bytes.Lines(out.Bytes()) {
			require.LessOrEqual(t, utf8.RuneCount(bytes.TrimSuffix(line, []byte("\n"))), most, "%s", line)
		}
		require.NotContains(t, out.String(), "\x1b")
	}
}

func TestWhatIsNotKnownOfAMarketIsSaid(t *testing.T) {
	t.Parallel()
	v := viewed(t)
	v.Asset.Quote = marketdata.Quote{Last: v.Asset.Quote.Last, LastAt: v.At.Add(-time.Hour)}
	v.Asset.Instrument, v.Usage, v.NextFundingAt, v.Indicators = nil, nil, time.Time{}, nil
	v.Unusable = marketdata.Freshness{}.Check(v.Asset, v.Intervals, v.At)
	var out bytes.Buffer
	m := api.NewMarket(v, 1)
	require.NoError(t, render.Market(&out, m, render.Style{}))
	for _, want := range []string{
		"mark        unknown", "24 h        unknown, volume unknown", "funding     unknown", "open interest unknown", "indicators  unknown",
		"it would not be decided on, as the last price must be at most 1m0s old, was 1h0m0s",
	} {
		require.Contains(t, strings.Join(strings.Fields(out.String()), " "), strings.Join(strings.Fields(want), " "))
	}
	require.NotContains(t, out.String(), "weight")
	require.False(t, m.Freshness.Usable)
	require.Nil(t, m.Weight)
	require.Nil(t, m.Funding.NextSeconds)
	require.InDelta(t, 3600, m.Freshness.PriceAgeSeconds, 0)
}

func TestListingsShowNullAsUnknown(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	all := api.NewListings([]app.Listing{{Instrument: marketdata.Instrument{Symbol: "BTCUSDT", TickSize: decisiontest.Null("0.1")}}}, nil)
	require.NoError(t, render.Listings(&out, all, render.Style{}))
	require.Contains(t, out.String(), "BTCUSDT │  0.1 │ unknown │")
	require.Contains(t, out.String(), "symbols     1")
	require.NotNil(t, all.Notes)
}
