package indicatortest

import (
	"context"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// Run checks the contract of indicator.Provider. made is called once a test.
func Run(t *testing.T, made func() indicator.Provider) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, indicator.Provider){
		"GoldenTables":                        testGolden,
		"LinesStartWhereDefined":              testWarmUp,
		"EmptyMarketIsEmpty":                  testEmpty,
		"BadSeriesCostsNoOtherItsSet":         testFailures,
		"EndedContextIsTheError":              testContext,
		"FutureCandlesChangeNothingEarlier":   testLookAhead,
		"ConcurrentCallsAgree":                testConcurrent,
		"InputIsLeftAlone":                    testReadOnly,
		"ConstantPricesAreNeutral":            testConstant,
		"OverflowIsAnErrorAndNeverAnInfinity": testOverflow,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, made())
		})
	}
}

// One asks a provider for the set of one series.
func One(ctx context.Context, p indicator.Provider, s marketdata.Series) (indicator.Set, error) {
	const symbol = "TEST"
	values, err := p.Indicate(ctx, marketdata.Snapshot{Assets: map[string]marketdata.Asset{
		symbol: {Symbol: symbol, Series: map[marketdata.Interval]marketdata.Series{s.Interval(): s}},
	}})
	if err != nil {
		return indicator.Set{}, err
	}
	return values.Sets[symbol][s.Interval()], values.Failures[symbol]
}

func testGolden(t *testing.T, p indicator.Provider) {
	t.Helper()
	goldens, err := Goldens()
	require.NoError(t, err)
	require.NotEmpty(t, goldens)
	for _, golden := range goldens {
		set, err := One(t.Context(), p, golden.Series)
		require.NoError(t, err, golden.Name)
		require.NoError(t, Agree(golden.Series, golden.Set, set), golden.Name)
	}
}

// firsts is the index of each line's first value.
func firsts() map[string]int {
	return map[string]int{
		"ema_20": 19, "ema_50": 49, "macd": 25, "macd_signal": 33, "rsi_14": 14,
		"bollinger_upper": 19, "bollinger_middle": 19, "bollinger_lower": 19, "atr_14": 14,
		"volatility_percent": 20, "tenkan": 8, "kijun": 25, "span_a": 51, "span_b": 77,
	}
}

func testWarmUp(t *testing.T, p indicator.Provider) {
	t.Helper()
	for n := range 121 {
		series := Walk(marketdata.Interval1h, n, 7)
		set, err := One(t.Context(), p, series)
		require.NoError(t, err, "%d candles", n)
		require.Equal(t, series.Interval(), set.Interval)
		require.Equal(t, series.CloseTime(), set.CloseTime)
		for _, l := range set.Lines() {
			require.Len(t, *l.Line, n, l.Name)
			first := firsts()[l.Name]
			require.Equal(t, min(first, n), l.Line.WarmUp(), "%s of %d candles", l.Name, n)
			for i := first; i < n; i++ {
				require.False(t, math.IsNaN((*l.Line)[i]) || math.IsInf((*l.Line)[i], 0), "%s[%d]", l.Name, i)
			}
		}
	}
}

func testEmpty(t *testing.T, p indicator.Provider) {
	t.Helper()
	values, err := p.Indicate(t.Context(), marketdata.Snapshot{})
	require.NoError(t, err)
	require.Empty(t, values.Sets)
	require.Empty(t, values.Failures)
}

func testFailures(t *testing.T, p indicator.Provider) {
	t.Helper()
	market := Market(2, 100)
	market.Assets["BAD"] = marketdata.Asset{Symbol: "BAD", Series: map[marketdata.Interval]marketdata.Series{
		marketdata.Interval15m: {},
		marketdata.Interval4h:  Walk(marketdata.Interval4h, 100, 9),
	}}
	values, err := p.Indicate(t.Context(), market)
	require.NoError(t, err)
	require.Len(t, values.Failures, 1)
	require.ErrorIs(t, values.Failures["BAD"], marketdata.ErrInterval)
	require.ErrorContains(t, values.Failures["BAD"], "15m")
	require.Len(t, values.Sets["BAD"], 1, "the other interval of the asset is good")
	require.Len(t, values.Sets["A0"], 2)
	require.Len(t, values.Sets["A1"], 2)
}

func testContext(t *testing.T, p indicator.Provider) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, market := range []marketdata.Snapshot{{}, Market(2, 100)} {
		values, err := p.Indicate(ctx, market)
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, values)
	}
}

// Bars draws least to most bars whose prices are 1 to 10^6 steps.
func Bars(least, most int) *rapid.Generator[[]Candle] {
	return rapid.Custom(func(t *rapid.T) []Candle {
		price := rapid.Int64Range(1, 1_000_000)
		n := rapid.IntRange(least, most).Draw(t, "candles")
		bars := make([]Candle, n)
		still := rapid.Bool().Draw(t, "no wicks")
		for i := range bars {
			open, last := price.Draw(t, "open"), price.Draw(t, "close")
			bars[i] = Candle{Open: open, Close: last, High: max(open, last), Low: min(open, last)}
			if !still {
				bars[i].High += price.Draw(t, "wick")
				bars[i].Low = rapid.Int64Range(1, bars[i].Low).Draw(t, "low")
			}
		}
		return bars
	})
}

func testLookAhead(t *testing.T, p indicator.Provider) {
	t.Helper()
	rapid.Check(t, func(r *rapid.T) {
		past := Bars(0, 110).Draw(r, "past")
		futures := [2][]Candle{Bars(0, 40).Draw(r, "one future"), Bars(0, 40).Draw(r, "other future")}
		var sets [2]indicator.Set
		for i, future := range futures {
			var err error
			sets[i], err = One(t.Context(), p, Series(marketdata.Interval1h, -2, slices.Concat(past, future)))
			require.NoError(r, err)
		}
		other := sets[1].Lines()
		for k, line := range sets[0].Lines() {
			for i := range past {
				a, b := (*line.Line)[i], (*other[k].Line)[i]
				require.Equal(r, math.Float64bits(a), math.Float64bits(b), "%s[%d] is %v or %v", line.Name, i, a, b)
			}
		}
	})
}

func testConcurrent(t *testing.T, p indicator.Provider) {
	t.Helper()
	market := Market(3, 120)
	want, err := indicator.New().Indicate(t.Context(), market)
	require.NoError(t, err)
	var callers sync.WaitGroup
	results, failures := make([]indicator.Values, 8), make([]error, 8)
	for i := range results {
		callers.Go(func() { results[i], failures[i] = p.Indicate(t.Context(), market) })
	}
	callers.Wait()
	for i, values := range results {
		require.NoError(t, failures[i])
		require.Empty(t, values.Failures)
		for symbol, asset := range market.Assets {
			for interval, series := range asset.Series {
				require.NoError(t, Agree(series, want.Sets[symbol][interval], values.Sets[symbol][interval]), "%s %s", symbol, interval)
			}
		}
	}
}

func testReadOnly(t *testing.T, p indicator.Provider) {
	t.Helper()
	series := Walk(marketdata.Interval1h, 100, 3)
	before := series.Columns()
	kept := marketdata.Columns{
		Open: slices.Clone(before.Open), High: slices.Clone(before.High), Low: slices.Clone(before.Low),
		Close: slices.Clone(before.Close), Volume: slices.Clone(before.Volume),
	}
	_, err := One(t.Context(), p, series)
	require.NoError(t, err)
	require.Equal(t, kept, series.Columns())
}

func testConstant(t *testing.T, p indicator.Provider) {
	t.Helper()
	bars := make([]Candle, 120)
	for i := range bars {
		bars[i] = Candle{Open: 700, High: 700, Low: 700, Close: 700}
	}
	for _, exponent := range []int32{-10, 0, 10} {
		series := Series(marketdata.Interval1h, exponent, bars)
		price := series.Columns().Close[0]
		set, err := One(t.Context(), p, series)
		require.NoError(t, err)
		for name, want := range map[string]float64{
			"ema_20": price, "ema_50": price, "macd": 0, "macd_signal": 0, "rsi_14": 50,
			"bollinger_upper": price, "bollinger_middle": price, "bollinger_lower": price, "atr_14": 0,
			"volatility_percent": 0, "tenkan": price, "kijun": price, "span_a": price, "span_b": price,
		} {
			i := slices.IndexFunc(set.Lines(), func(l indicator.NamedLine) bool { return l.Name == name })
			got, ok := set.Lines()[i].Line.Last()
			require.True(t, ok, name)
			require.InDelta(t, want, got, Floor*price, "%s at %v", name, price)
		}
	}
}

// A Series may refuse such prices; what it does hold must not become a Set
// with an infinity in it.
func testOverflow(t *testing.T, p indicator.Provider) {
	t.Helper()
	for _, zeros := range []int{160, 307} { // squares, and sums, past the largest float
		series, err := Vast(zeros)
		if err != nil {
			var refused *marketdata.CandleError
			require.ErrorAs(t, err, &refused)
			continue
		}
		set, err := One(t.Context(), p, series)
		require.ErrorIs(t, err, indicator.ErrRange, "prices of 10^%d", zeros)
		require.Zero(t, set)
	}
}
