package marketreplay_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/marketreplay"
	"github.com/ballast-go/ballast/marketdata/markettest"
)

func tenAssets(b *testing.B) (marketdata.Source, marketdata.Query) {
	b.Helper()
	q := marketdata.Query{Intervals: []marketdata.Interval{marketdata.Interval1h, marketdata.Interval4h}}
	for _, asset := range marketdata.SimAssets() {
		q.Symbols = append(q.Symbols, asset.Symbol)
	}
	snap, err := simulated(b, noon).Snapshot(b.Context(), q)
	require.NoError(b, err)
	return markettest.Fixed(snap), q
}

// BenchmarkRecord is ten assets on two intervals whose candles were written
// before, which is all but one answer an hour.
func BenchmarkRecord(b *testing.B) {
	source, q := tenAssets(b)
	recorder, err := marketreplay.RecordBounded(source, io.Discard, 1<<30, 1<<30, 1<<50)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		_, err := recorder.Snapshot(b.Context(), q)
		require.NoError(b, err)
	}
	require.NoError(b, recorder.Err())
}

// BenchmarkOpen reads a hundred such answers.
func BenchmarkOpen(b *testing.B) {
	source, q := tenAssets(b)
	var file bytes.Buffer
	recorder, err := marketreplay.Record(source, &file)
	require.NoError(b, err)
	for range 100 {
		_, err := recorder.Snapshot(b.Context(), q)
		require.NoError(b, err)
	}
	b.SetBytes(int64(file.Len()))
	b.ReportAllocs()
	for b.Loop() {
		_, err := marketreplay.Open(bytes.NewReader(file.Bytes()), marketreplay.Config{})
		require.NoError(b, err)
	}
}

// BenchmarkReplay gives such an answer again.
func BenchmarkReplay(b *testing.B) {
	source, q := tenAssets(b)
	var file bytes.Buffer
	recorder, err := marketreplay.Record(source, &file)
	require.NoError(b, err)
	_, err = recorder.Snapshot(b.Context(), q)
	require.NoError(b, err)
	replay, err := marketreplay.Open(&file, marketreplay.Config{Now: noon})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		_, err := replay.Snapshot(b.Context(), q)
		require.NoError(b, err)
	}
}
