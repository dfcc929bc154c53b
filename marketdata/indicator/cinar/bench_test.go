package cinar_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/indicator/cinar"
	"github.com/ballast-go/ballast/marketdata/indicator/indicatortest"
)

func BenchmarkProvider_coldTenAssetsBothIntervals(b *testing.B) {
	market := indicatortest.Market(10, 250)
	b.ReportAllocs()
	for b.Loop() {
		_, err := cinar.New().Indicate(b.Context(), market)
		require.NoError(b, err)
	}
}

func BenchmarkProvider_cachedTenAssetsBothIntervals(b *testing.B) {
	market := indicatortest.Market(10, 250)
	p := cinar.New()
	_, err := p.Indicate(b.Context(), market)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		_, err := p.Indicate(b.Context(), market)
		require.NoError(b, err)
	}
}
