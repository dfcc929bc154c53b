package marketdata_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/marketdata"
)

func simSymbols() []string {
	var symbols []string
	for _, a := range marketdata.SimAssets() {
		symbols = append(symbols, a.Symbol)
	}
	return symbols
}

// pinned is SOLUSDT with a regime.
func pinned(r marketdata.Regime, from time.Time) marketdata.SimAsset {
	a := marketdata.SimAssets()[2]
	a.Regime, a.RegimeFrom = r, from
	return a
}

func closes(s marketdata.Series) (first, last float64) {
	c := s.Columns().Close
	return c[0], c[len(c)-1]
}

func TestSimIsTheSameOnEveryMachine(t *testing.T) {
	t.Parallel()
	source := newSim(t, func() time.Time { return time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC) })
	a := snapshot(t, source, ask("BTCUSDT", 1, marketdata.Interval1h)).Assets["BTCUSDT"]
	c := a.Series[marketdata.Interval1h].At(0)
	got := []string{c.Open.String(), c.High.String(), c.Low.String(), c.Close.String(), c.Volume.String(), c.QuoteVolume.String(), a.Quote.Last.String()}
	want := []string{"96420.1", "96568.3", "96412.3", "96556.7", "10325.301", "990253092.4678", "96549.8"}
	require.Equal(t, want, got, "a change here changes every recorded simulation")
}

func TestSimEveryIntervalIsTheAggregateOfMinutes(t *testing.T) {
	t.Parallel()
	now := clockAt(monday)
	source := newSim(t, now.now)
	rapid.Check(t, func(rt *rapid.T) {
		now.set(monday.Add(time.Duration(rapid.Int64Range(0, 86_400*3000).Draw(rt, "second")) * time.Second))
		symbol := rapid.SampledFrom(simSymbols()).Draw(rt, "symbol")
		i := rapid.SampledFrom(marketdata.Intervals()[1:12]).Draw(rt, "interval") // to 1d
		q := ask(symbol, 1, i)
		long, err := source.Snapshot(context.Background(), q)
		require.NoError(rt, err)
		want := long.Assets[symbol].Series[i].At(0)
		now.set(want.OpenTime.Add(i.Duration()))
		short, err := source.Snapshot(context.Background(), ask(symbol, int(i.Duration()/time.Minute), marketdata.Interval1m))
		require.NoError(rt, err)
		minutes := short.Assets[symbol].Series[marketdata.Interval1m]
		require.Equal(rt, want.OpenTime, minutes.At(0).OpenTime)
		got := minutes.At(0)
		for _, c := range minutes.Candles()[1:] {
			require.True(rt, c.Open.Equal(got.Close), "the path is continuous")
			got.High, got.Low, got.Close = decimal.Max(got.High, c.High), decimal.Min(got.Low, c.Low), c.Close
			got.Volume, got.QuoteVolume = got.Volume.Add(c.Volume), got.QuoteVolume.Add(c.QuoteVolume)
		}
		require.Equal(rt, candleText(want), candleText(got))
	})
}

func candleText(c marketdata.Candle) []string {
	return []string{c.Open.String(), c.High.String(), c.Low.String(), c.Close.String(), c.Volume.String(), c.QuoteVolume.String()}
}

func TestSimNeverLooksAhead(t *testing.T) {
	t.Parallel()
	now := clockAt(monday)
	source := newSim(t, now.now)
	rapid.Check(t, func(rt *rapid.T) {
		requirePrefixes(rt, source, now, rapid.SampledFrom(simSymbols()).Draw(rt, "symbol"), monday, monday.Add(1000*time.Hour))
	})
}

func TestSimPriceMovesWithinTheOpenCandle(t *testing.T) {
	t.Parallel()
	now := clockAt(monday)
	source := newSim(t, now.now)
	prices := map[string]bool{}
	for s := range 60 {
		at := monday.Add(time.Duration(s) * 17 * time.Second)
		now.set(at)
		a := snapshot(t, source, ask("BTCUSDT", 1, marketdata.Interval1h)).Assets["BTCUSDT"]
		prices[a.Quote.Last.String()] = true
		require.Equal(t, at, a.Quote.LastAt)
		require.Equal(t, monday, a.Series[marketdata.Interval1h].CloseTime())
		off := a.Quote.Mark.Decimal.Sub(a.Quote.Last).Abs().Div(a.Quote.Last)
		require.True(t, off.LessThan(dec("0.001")), "mark is %s off", off)
	}
	require.Greater(t, len(prices), 30)
}

func TestSimQuoteAgreesWithItsCandles(t *testing.T) {
	t.Parallel()
	now := monday.Add(90 * 24 * time.Hour)
	source := newSim(t, func() time.Time { return now })
	for symbol, a := range snapshot(t, source, marketdata.Query{Symbols: simSymbols(), Intervals: []marketdata.Interval{marketdata.Interval1h}, Candles: 25}).Assets {
		s := a.Series[marketdata.Interval1h]
		last, _ := s.Last()
		require.True(t, a.Quote.Last.Equal(last.Close), "%s: on the hour the last price is the close", symbol)
		want := last.Close.Sub(s.At(0).Close).Mul(dec("100")).DivRound(s.At(0).Close, 8)
		require.True(t, a.Quote.Change24hPercent.Decimal.Equal(want), symbol)
		sum := decimal.Zero
		for _, c := range s.Candles()[1:] {
			sum = sum.Add(c.QuoteVolume)
		}
		require.True(t, a.Quote.QuoteVolume24h.Decimal.Equal(sum), symbol)
		require.Equal(t, 8*time.Hour, a.Quote.FundingInterval)
		require.True(t, a.Quote.FundingRate.Decimal.Abs().LessThan(dec("0.001")), symbol)
		require.True(t, a.Quote.OpenInterest.Decimal.IsPositive(), symbol)
	}
}

// The bands are wide: what matters is that nothing is dead, explodes or goes
// one way only.
func TestSimLooksLikeAMarket(t *testing.T) {
	t.Parallel()
	now := clockAt(monday)
	source := newSim(t, now.now)
	up, down, crashes := 0, 0, 0
	for day := range 200 {
		now.set(monday.Add(time.Duration(day) * 36 * time.Hour))
		snap := snapshot(t, source, marketdata.Query{Symbols: simSymbols(), Intervals: []marketdata.Interval{marketdata.Interval1h}, Candles: 72})
		for symbol, a := range snap.Assets {
			c := a.Series[marketdata.Interval1h].Columns()
			variance := 0.0
			for k := 1; k < len(c.Close); k++ {
				variance += math.Pow(math.Log(c.Close[k]/c.Close[k-1]), 2)
			}
			daily := 100 * math.Sqrt(variance/3)
			require.Greater(t, daily, 0.4, "%s %s", symbol, now.now())
			require.Less(t, daily, 40.0, "%s %s", symbol, now.now())
			switch first, last := closes(a.Series[marketdata.Interval1h]); {
			case last < first*0.9:
				crashes++
			case last > first*1.03:
				up++
			case last < first*0.97:
				down++
			}
		}
	}
	require.Greater(t, up, 200, "of 2,000 windows of three days")
	require.Greater(t, down, 200)
	require.Greater(t, crashes, 20)
	require.Less(t, crashes, 400)
}

func TestSimPinnedRegimesDoWhatTheySay(t *testing.T) {
	t.Parallel()
	from := monday
	for regime, check := range map[marketdata.Regime]func(first, low, last float64) bool{
		marketdata.RegimeTrendUp:   func(first, _, last float64) bool { return last > first*1.2 },
		marketdata.RegimeTrendDown: func(first, _, last float64) bool { return last < first*0.85 },
		marketdata.RegimeRange:     func(_, _, last float64) bool { return last > 180*0.8 && last < 180*1.25 },
		marketdata.RegimeCrash:     func(first, low, _ float64) bool { return low < first*0.87 },
	} {
		for seed := range uint64(20) {
			source, err := marketdata.NewSim(marketdata.SimConfig{
				Seed: seed, Symbols: []marketdata.SimAsset{pinned(regime, from)},
				Now: func() time.Time { return from.Add(30 * 24 * time.Hour) },
			})
			require.NoError(t, err)
			s := snapshot(t, source, ask("SOLUSDT", 720, marketdata.Interval1h)).Assets["SOLUSDT"].Series[marketdata.Interval1h]
			low := math.Inf(1)
			for _, l := range s.Columns().Low {
				low = min(low, l)
			}
			first, last := closes(s)
			require.True(t, check(first, low, last), "%s, seed %d: %v … %v … %v", regime, seed, first, low, last)
		}
	}
}

func TestSimPinnedTrendsStayWithinReach(t *testing.T) {
	t.Parallel()
	now := time.Date(2040, 12, 31, 23, 59, 59, 0, time.UTC)
	for _, regime := range []marketdata.Regime{marketdata.RegimeTrendUp, marketdata.RegimeTrendDown} {
		source := newSim(t, func() time.Time { return now }, pinned(regime, monday))
		a := snapshot(t, source, ask("SOLUSDT", 1500, marketdata.Interval1w, marketdata.Interval3d)).Assets["SOLUSDT"]
		require.Greater(t, a.Series[marketdata.Interval1w].Len(), 1090)
		for _, c := range a.Series[marketdata.Interval1w].Candles() {
			require.True(t, c.High.LessThan(dec("2000")) && c.Low.GreaterThan(dec("15")), "%+v", c)
		}
	}
}

func TestSimDeadFeedIsNotRestamped(t *testing.T) {
	t.Parallel()
	stop := monday.Add(90*time.Minute + 7*time.Second)
	now := clockAt(stop.Add(-time.Hour))
	source := newSim(t, now.now, pinned(marketdata.RegimeDeadFeed, stop))
	require.Equal(t, now.now(), snapshot(t, source, ask("SOLUSDT", 0)).Assets["SOLUSDT"].Quote.LastAt)
	for _, later := range []time.Duration{0, time.Minute, 100 * time.Hour} {
		now.set(stop.Add(later))
		snap := snapshot(t, source, ask("SOLUSDT", 3, marketdata.Interval1h))
		require.Equal(t, now.now(), snap.At)
		require.Equal(t, stop, snap.Assets["SOLUSDT"].Quote.LastAt)
		require.Equal(t, monday.Add(time.Hour), snap.Assets["SOLUSDT"].Series[marketdata.Interval1h].CloseTime())
	}
	f := marketdata.Freshness{}.Check(snapshot(t, source, ask("SOLUSDT", 3, marketdata.Interval1h)).Assets["SOLUSDT"], nil, now.now())
	require.NotNil(t, f)
	require.Equal(t, marketdata.ReasonStale, f.Reason)
}

func TestSimGapFailsItsAssetAlone(t *testing.T) {
	t.Parallel()
	now := clockAt(monday.Add(-time.Second))
	source := newSim(t, now.now, pinned(marketdata.RegimeGap, monday), marketdata.SimAssets()[0])
	q := marketdata.Query{Symbols: []string{"SOLUSDT", "BTCUSDT"}}
	require.Len(t, snapshot(t, source, q).Assets, 2, "before RegimeFrom")
	now.set(monday)
	snap := snapshot(t, source, q)
	require.Contains(t, snap.Assets, "BTCUSDT")
	require.Equal(t, marketdata.ReasonGap, snap.Failures["SOLUSDT"].Reason)
	require.Contains(t, snap.Failures["SOLUSDT"].Detail, "2025-08-31T22:00:00Z")
	require.Equal(t, []string{"simulated market"}, snap.Notes)
}

func TestSimKnowsItsYearsOnly(t *testing.T) {
	t.Parallel()
	begin := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	now := clockAt(begin)
	source := newSim(t, now.now)
	for at, ok := range map[time.Time]bool{
		begin.Add(-1): false, begin: true, begin.Add(3 * time.Hour): true,
		time.Date(2040, 12, 31, 23, 59, 59, 0, time.UTC): true, time.Date(2041, 1, 1, 0, 0, 0, 0, time.UTC): false,
	} {
		now.set(at)
		snap := snapshot(t, source, ask("BTCUSDT", 10, marketdata.Interval1h, marketdata.Interval1w))
		require.Equal(t, ok, len(snap.Assets) == 1, "%s: %v", at, snap.Failures)
	}
	now.set(begin.Add(3 * time.Hour))
	a := snapshot(t, source, ask("BTCUSDT", 10, marketdata.Interval1h, marketdata.Interval1w)).Assets["BTCUSDT"]
	require.Equal(t, 3, a.Series[marketdata.Interval1h].Len(), "fewer are returned as they are")
	require.Zero(t, a.Series[marketdata.Interval1w].Len())
	require.False(t, a.Quote.Change24hPercent.Valid)
}

func TestSimSeedsDiffer(t *testing.T) {
	t.Parallel()
	prices := map[string]bool{}
	for seed := range uint64(10) {
		source, err := marketdata.NewSim(marketdata.SimConfig{Seed: seed, Now: func() time.Time { return monday }})
		require.NoError(t, err)
		prices[snapshot(t, source, ask("BTCUSDT", 0)).Assets["BTCUSDT"].Quote.Last.String()] = true
	}
	require.Len(t, prices, 10)
}

func TestSimRefusesAnImpossibleAsset(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*marketdata.SimAsset){
		"Symbol must have 1 to 40 bytes":            func(a *marketdata.SimAsset) { a.Symbol = "" },
		"TickSize and LotSize must be positive":     func(a *marketdata.SimAsset) { a.TickSize = decimal.Zero },
		"Price must be 1,000 to 10,000,000 ticks":   func(a *marketdata.SimAsset) { a.Price = dec("0.5") },
		"DailyVolume must be at least 1,000 lots":   func(a *marketdata.SimAsset) { a.DailyVolume = dec("1e12") },
		"DailyVolatilityPercent must be between":    func(a *marketdata.SimAsset) { a.DailyVolatilityPercent = dec("11") },
		"RegimeFrom must be between 2020 and 2040":  func(a *marketdata.SimAsset) { a.Regime = marketdata.RegimeTrendUp },
		"Regime must be one of":                     func(a *marketdata.SimAsset) { a.Regime = "moon" },
		"MinNotionalUSD not negative, were 0.01, 0": func(a *marketdata.SimAsset) { a.MinNotionalUSD = dec("-1") },
	} {
		a := marketdata.SimAssets()[2]
		change(&a)
		_, err := marketdata.NewSim(marketdata.SimConfig{Symbols: []marketdata.SimAsset{a}})
		require.ErrorContains(t, err, want)
	}
	twice := marketdata.SimAssets()[:1]
	_, err := marketdata.NewSim(marketdata.SimConfig{Symbols: append(twice, twice...)})
	require.ErrorContains(t, err, "twice")
	_, err = marketdata.NewSim(marketdata.SimConfig{Symbols: []marketdata.SimAsset{}})
	require.ErrorContains(t, err, "must number 1 to")
}

func TestSimBracketsAreContinuous(t *testing.T) {
	t.Parallel()
	source := newSim(t, func() time.Time { return monday })
	in := snapshot(t, source, ask("BTCUSDT", 0)).Assets["BTCUSDT"].Instrument
	require.Equal(t, "BTC", in.BaseAsset)
	for n, b := range in.Brackets[1:] {
		before := in.Brackets[n]
		at := before.UpToUSD.Decimal
		margin := func(b marketdata.Bracket) decimal.Decimal {
			return at.Mul(b.MaintenancePercent).Shift(-2).Sub(b.DeductionUSD)
		}
		require.True(t, margin(before).Equal(margin(b)), "at %s: %s and %s", at, margin(before), margin(b))
	}
	require.False(t, in.Brackets[len(in.Brackets)-1].UpToUSD.Valid)
}

func TestRegimeTextIsStrict(t *testing.T) {
	t.Parallel()
	for _, want := range marketdata.Regimes() {
		var r marketdata.Regime
		require.NoError(t, r.UnmarshalText([]byte(want)))
		require.Equal(t, want, r)
	}
	var r marketdata.Regime
	require.ErrorContains(t, r.UnmarshalText([]byte("Range")), `unknown regime "Range"`)
}
