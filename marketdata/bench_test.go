package marketdata_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
)

func benchmark(b *testing.B, source marketdata.Source, symbols ...string) {
	b.Helper()
	q := marketdata.Query{Symbols: symbols, Intervals: []marketdata.Interval{h1, h4}}
	require.Len(b, snapshot(b, source, q).Assets, len(symbols))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := source.Snapshot(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCacheHit10Assets(b *testing.B) {
	now := monday.Add(time.Minute)
	clock := func() time.Time { return now }
	benchmark(b, newCache(b, newSim(b, clock), marketdata.CacheConfig{Now: clock}), simSymbols()...)
}

func BenchmarkSim10Assets(b *testing.B) {
	now := monday.Add(time.Minute)
	benchmark(b, newSim(b, func() time.Time { return now }), simSymbols()...)
}

func BenchmarkCSVWarm3Assets(b *testing.B) {
	files := fstest.MapFS{"A.csv": hourFile(0, 2000), "B.csv": hourFile(0, 2000), "C.csv": hourFile(0, 2000)}
	benchmark(b, newCSV(b, files, func() time.Time { return monday.Add(1500 * time.Hour) }), "A", "B", "C")
}

func BenchmarkCSVRead2000Rows(b *testing.B) {
	files := fstest.MapFS{"A.csv": hourFile(0, 2000)}
	b.ReportAllocs()
	b.SetBytes(int64(len(files["A.csv"].Data)))
	for b.Loop() {
		source := newCSV(b, files, func() time.Time { return monday.Add(1500 * time.Hour) })
		if _, err := source.Snapshot(b.Context(), ask("A", 0)); err != nil {
			b.Fatal(err)
		}
	}
}
