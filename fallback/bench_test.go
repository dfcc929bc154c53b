package fallback_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/fallback"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
	"github.com/ballast-go/ballast/marketdata/indicator/indicatortest"
)

// BenchmarkScore is ten assets of 250 candles, with indicators in the Input
// and computed anew.
func BenchmarkScore(b *testing.B) {
	with := newInput(b)
	for i := range 10 {
		s := indicatortest.Walk(marketdata.Interval1h, 250, uint64(i))
		symbol := fmt.Sprintf("A%dUSDT", i)
		addSeries(&with, symbol, s, bullish)
		set, err := indicator.Compute(s)
		require.NoError(b, err)
		with.Indicators[symbol][marketdata.Interval1h] = set.Tail(decision.IndicatorDepth)
	}
	without := with
	without.Indicators = nil
	s := fallback.New(fallback.Config{})
	for name, in := range map[string]decision.Input{"given": with, "computed": without} {
		b.Run("indicators="+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Score(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
