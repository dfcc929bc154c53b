package indicator_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
	"github.com/ballast-go/ballast/marketdata/indicator/indicatortest"
)

func BenchmarkCompute_oneSeriesOf250(b *testing.B) {
	series := indicatortest.Walk(marketdata.Interval15m, 250, 1)
	b.ReportAllocs()
	for b.Loop() {
		_, err := indicator.Compute(series)
		require.NoError(b, err)
	}
}

func BenchmarkKernels_oneAssetBothIntervals(b *testing.B) {
	benchmarkKernels(b, 1)
}

func BenchmarkKernels_tenAssetsBothIntervals(b *testing.B) {
	benchmarkKernels(b, 10)
}

func benchmarkKernels(b *testing.B, assets int) {
	b.Helper()
	market := indicatortest.Market(assets, 250)
	b.ReportAllocs()
	for b.Loop() {
		_, err := indicator.New().Indicate(b.Context(), market)
		require.NoError(b, err)
	}
}
