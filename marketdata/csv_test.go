package marketdata_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/marketdata"
)

func TestCSVAggregatesClosedCandlesOnly(t *testing.T) {
	t.Parallel()
	now := clockAt(monday.Add(11*time.Hour + 59*time.Minute))
	// The file starts an hour into a 4h bucket, which is dropped.
	source := newCSV(t, fstest.MapFS{"BTCUSDT.csv": hourFile(1, 30)}, now.now)
	a := snapshot(t, source, ask("BTCUSDT", 10, marketdata.Interval1h, marketdata.Interval4h, marketdata.Interval1d)).Assets["BTCUSDT"]

	require.Equal(t, 10, a.Series[marketdata.Interval1h].Len())
	require.Equal(t, monday.Add(11*time.Hour), a.Series[marketdata.Interval1h].CloseTime())
	require.Equal(t, 1, a.Series[marketdata.Interval4h].Len(), "only 04:00 to 08:00 is complete")
	require.Zero(t, a.Series[marketdata.Interval1d].Len())

	c := a.Series[marketdata.Interval4h].At(0)
	require.Equal(t, monday.Add(4*time.Hour), c.OpenTime)
	for _, v := range [][2]string{
		{"1004.5", c.Open.String()},
		{"1009.75", c.High.String()},
		{"1003.25", c.Low.String()},
		{"1008.5", c.Close.String()},
		{"26", c.Volume.String()},
		{"260.5", c.QuoteVolume.String()},
	} {
		require.Equal(t, v[0], v[1])
	}
	now.set(monday.Add(12 * time.Hour))
	a = snapshot(t, source, ask("BTCUSDT", 10, marketdata.Interval4h)).Assets["BTCUSDT"]
	require.Equal(t, 2, a.Series[marketdata.Interval4h].Len(), "a candle is closed from the instant of its close on")
}

func TestCSVQuoteSaysWhatCandlesTell(t *testing.T) {
	t.Parallel()
	now := clockAt(monday.Add(30*time.Hour + 10*time.Minute))
	source := newCSV(t, fstest.MapFS{"BTCUSDT.csv": hourFile(0, 40)}, now.now)
	a := snapshot(t, source, ask("BTCUSDT", 0)).Assets["BTCUSDT"]
	require.Equal(t, "1030.5", a.Quote.Last.String())
	require.Equal(t, now.now(), a.Quote.LastAt)
	require.Equal(t, []string{"last price is the close of the candle that closed at 2025-09-02T06:00:00Z"}, a.Degraded)
	require.Equal(t, "2.38450075", a.Quote.Change24hPercent.Decimal.String(), "1006.5 to 1030.5")
	require.Equal(t, "4443", a.Quote.QuoteVolume24h.Decimal.String(), "hours 6 to 29: 10 × (7 + … + 30) + 24 × 0.125")
	require.False(t, a.Quote.Mark.Valid || a.Quote.FundingRate.Valid || a.Quote.OpenInterest.Valid)

	now.set(monday.Add(20 * time.Hour))
	a = snapshot(t, source, ask("BTCUSDT", 0)).Assets["BTCUSDT"]
	require.False(t, a.Quote.Change24hPercent.Valid, "not covered, so unknown")
	require.False(t, a.Quote.QuoteVolume24h.Valid)
}

func TestCSVBaseIntervalLongerThanADay(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(csvHeader)
	for w := range 4 {
		row := hourRow(0)
		b.WriteString(strings.Replace(row, row[:13], msText(monday.AddDate(0, 0, 7*w)), 1))
	}
	source, err := marketdata.NewCSV(marketdata.CSVConfig{
		FS: fstest.MapFS{"X.csv": {Data: []byte(b.String())}}, Interval: marketdata.Interval1w,
		Now: func() time.Time { return monday.AddDate(0, 0, 28) },
	})
	require.NoError(t, err)
	a := snapshot(t, source, ask("X", 3, marketdata.Interval1w)).Assets["X"]
	require.Equal(t, 3, a.Series[marketdata.Interval1w].Len())
	require.False(t, a.Quote.Change24hPercent.Valid)
	require.False(t, a.Quote.QuoteVolume24h.Valid)
}

func TestCSVOutsideTheDataIsUnavailable(t *testing.T) {
	t.Parallel()
	now := clockAt(monday)
	source := newCSV(t, fstest.MapFS{"BTCUSDT.csv": hourFile(0, 10)}, now.now)
	for at, ok := range map[time.Duration]bool{
		time.Hour - 1: false, time.Hour: true, 10 * time.Hour: true, 11*time.Hour - 1: true, 11 * time.Hour: false,
	} {
		now.set(monday.Add(at))
		snap := snapshot(t, source, ask("BTCUSDT", 5, marketdata.Interval1h))
		require.Equal(t, ok, len(snap.Assets) == 1, "%s: %v", at, snap.Failures)
		if !ok {
			f := snap.Failures["BTCUSDT"]
			require.Equal(t, marketdata.ReasonUnavailable, f.Reason)
			require.Contains(t, f.Detail, "closed from 2025-09-01T01:00:00Z to 2025-09-01T10:00:00Z")
		}
	}
}

func TestCSVGapCountsOnlyInsideTheWindow(t *testing.T) {
	t.Parallel()
	now := clockAt(monday.Add(40 * time.Hour))
	source := newCSV(t, fstest.MapFS{"BTCUSDT.csv": hourFile(0, 60, 20, 50)}, now.now)
	require.Len(t, snapshot(t, source, ask("BTCUSDT", 19, marketdata.Interval1h)).Assets, 1)

	f := snapshot(t, source, ask("BTCUSDT", 20, marketdata.Interval1h)).Failures["BTCUSDT"]
	require.Equal(t, marketdata.ReasonGap, f.Reason)
	var bad *marketdata.CSVError
	require.ErrorAs(t, f, &bad)
	require.Equal(t, "BTCUSDT.csv", bad.File)
	require.Equal(t, 22, bad.Line, "the row after the gap")
	require.Contains(t, f.Detail, "2025-09-01T20:00:00Z is missing")

	require.Equal(t, marketdata.ReasonGap, snapshot(t, source, ask("BTCUSDT", 5, marketdata.Interval4h)).Failures["BTCUSDT"].Reason,
		"a 4h candle with an hour missing")
	now.set(monday.Add(51 * time.Hour))
	require.Equal(t, marketdata.ReasonGap, snapshot(t, source, ask("BTCUSDT", 0)).Failures["BTCUSDT"].Reason,
		"the newest candle itself is missing")
	now.set(monday.Add(52 * time.Hour))
	require.Len(t, snapshot(t, source, ask("BTCUSDT", 1, marketdata.Interval1h)).Assets, 1)
}

func TestCSVIntervalMustBeAMultiple(t *testing.T) {
	t.Parallel()
	now := clockAt(monday.Add(5 * time.Hour))
	source := newCSV(t, fstest.MapFS{"BTCUSDT.csv": hourFile(0, 10)}, now.now)
	f := snapshot(t, source, ask("BTCUSDT", 5, marketdata.Interval15m)).Failures["BTCUSDT"]
	require.Equal(t, marketdata.ReasonUnavailable, f.Reason)
	require.Equal(t, "BTCUSDT.csv has 1h candles, of which 15m is not a multiple", f.Detail)
}

func TestCSVRefusesWhatIsNotACandle(t *testing.T) {
	t.Parallel()
	row := func(open, high, low, closing, volume string) string {
		return csvHeader + hourRow(0) + msText(monday.Add(time.Hour)) + "," + strings.Join([]string{open, high, low, closing, volume, "1"}, ",") + "\n"
	}
	for name, tc := range map[string]struct {
		data, column, value, problem string
		line                         int
	}{
		"empty file":        {"", "", "", "empty", 0},
		"header only":       {csvHeader, "", "", "no candles", 1},
		"missing column":    {"open_time_ms,open,high,low,close,volume\n", "quote_volume", "", "missing", 1},
		"unknown column":    {strings.TrimSuffix(csvHeader, "\n") + ",trades\n", "8", "trades", "not known", 1},
		"column twice":      {strings.TrimSuffix(csvHeader, "\n") + ",open\n", "open", "", "twice", 1},
		"NaN":               {row("NaN", "2", "1", "1", "1"), "open", "NaN", "finite", 3},
		"infinity":          {row("1", "Inf", "1", "1", "1"), "high", "Inf", "finite", 3},
		"negative price":    {row("1", "2", "-1", "1", "1"), "low", "-1", "positive", 3},
		"zero price":        {row("1", "2", "1", "0", "1"), "close", "0", "positive", 3},
		"negative volume":   {row("1", "2", "1", "1", "-1"), "volume", "-1", "negative", 3},
		"hostile exponent":  {row("1", "1e999999999", "1", "1", "1"), "high", "1e999999999", "finite", 3},
		"locale":            {row(`"1`, "2", "1", "1", "1"), "open", `"1`, "finite", 3},
		"high below low":    {row("1", "1", "2", "1", "1"), "high", "1", "below low", 3},
		"open above high":   {row("3", "2", "1", "1", "1"), "open", "3", "between", 3},
		"close below low":   {row("2", "3", "2", "1", "1"), "close", "1", "between", 3},
		"too few columns":   {csvHeader + "1,2\n", "", "1,2", "7 columns", 2},
		"blank line":        {csvHeader + hourRow(0) + "\n" + hourRow(1), "", "", "7 columns", 3},
		"duplicate time":    {csvHeader + hourRow(3) + hourRow(3), "open_time_ms", msText(monday.Add(3 * time.Hour)), "after", 3},
		"unordered time":    {csvHeader + hourRow(3) + hourRow(2), "open_time_ms", msText(monday.Add(2 * time.Hour)), "after", 3},
		"unaligned time":    {csvHeader + "1756684800001" + hourRow(0)[13:], "open_time_ms", "1756684800001", "aligned", 2},
		"time in seconds":   {csvHeader + "1756684800.5" + hourRow(0)[13:], "open_time_ms", "1756684800.5", "whole", 2},
		"time out of range": {csvHeader + "9756684800000" + hourRow(0)[13:], "open_time_ms", "9756684800000", "between", 2},
		"endless line":      {csvHeader + strings.Repeat("1", 5000), "", "", "shorter than", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := clockAt(monday.Add(time.Hour))
			source := newCSV(t, fstest.MapFS{"B.csv": {Data: []byte(tc.data)}, "OK.csv": hourFile(0, 3)}, now.now)
			snap := snapshot(t, source, marketdata.Query{Symbols: []string{"B", "OK"}})
			require.Contains(t, snap.Assets, "OK", "one file's fault is not another's")
			f := snap.Failures["B"]
			require.Equal(t, marketdata.ReasonBadCandle, f.Reason)
			var bad *marketdata.CSVError
			require.ErrorAs(t, f, &bad)
			require.Equal(t, []any{"B.csv", tc.line, tc.column, tc.value}, []any{bad.File, bad.Line, bad.Column, bad.Value})
			require.Contains(t, bad.Problem, tc.problem)
			require.Contains(t, bad.Error(), f.Detail)
			require.Equal(t, f, snapshot(t, source, ask("B", 0)).Failures["B"], "remembered")
		})
	}
}

func TestCSVAcceptsAnyColumnOrderAndLineEnds(t *testing.T) {
	t.Parallel()
	data := "\ufeffclose,open_time_ms,open,high,low,quote_volume,volume\r\n1.50," + msText(monday) + ",1.25,2.00,1.0,7,6\r\n"
	now := clockAt(monday.Add(time.Hour))
	source := newCSV(t, fstest.MapFS{"B.csv": {Data: []byte(data)}}, now.now)
	c := snapshot(t, source, ask("B", 0, marketdata.Interval1h)).Assets["B"].Series[marketdata.Interval1h].At(0)
	require.Equal(t, "1.25 2 1 1.5 6 7", strings.Join([]string{
		c.Open.String(), c.High.String(), c.Low.String(), c.Close.String(), c.Volume.String(), c.QuoteVolume.String(),
	}, " "))
}

func TestCSVBoundsRowsAndBytes(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]marketdata.CSVConfig{
		"must have at most 9 rows": {MaxRows: 9}, "must be at most 200 bytes": {MaxBytes: 200},
	} {
		cfg.FS, cfg.Now = fstest.MapFS{"B.csv": hourFile(0, 10)}, func() time.Time { return monday.Add(9 * time.Hour) }
		source, err := marketdata.NewCSV(cfg)
		require.NoError(t, err)
		require.Contains(t, snapshot(t, source, ask("B", 0)).Failures["B"].Detail, name)
		// A file that hides its size is cut all the same.
		cfg.FS = liarFS{cfg.FS}
		source, err = marketdata.NewCSV(cfg)
		require.NoError(t, err)
		require.Contains(t, snapshot(t, source, ask("B", 0)).Failures["B"].Detail, name)
		cfg.MaxRows, cfg.MaxBytes = 10, int64(len(hourFile(0, 10).Data))
		source, err = marketdata.NewCSV(cfg)
		require.NoError(t, err)
		require.Empty(t, snapshot(t, source, ask("B", 0)).Failures, "exactly at the bound")
	}
}

// liarFS says that every file is empty.
type liarFS struct{ fs.FS }

func (l liarFS) Open(name string) (fs.File, error) {
	f, err := l.FS.Open(name)
	return liarFile{f}, err
}

type liarFile struct{ fs.File }

func (l liarFile) Stat() (fs.FileInfo, error) {
	info, err := l.File.Stat()
	return liarInfo{info}, err
}

type liarInfo struct{ fs.FileInfo }

func (liarInfo) Size() int64 { return 0 }

func TestCSVSymbolsCannotLeaveTheFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inside := filepath.Join(dir, "candles")
	require.NoError(t, os.Mkdir(inside, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "SECRET.csv"), hourFile(0, 3).Data, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(inside, "B.csv"), hourFile(0, 3).Data, 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(inside, "FOLDER.csv"), 0o700))
	source, err := marketdata.NewCSV(marketdata.CSVConfig{Dir: inside, Now: func() time.Time { return monday.Add(time.Hour) }})
	require.NoError(t, err)
	require.Len(t, snapshot(t, source, ask("B", 0)).Assets, 1)
	for _, symbol := range []string{"../SECRET", "..", "/etc/passwd", "b", "B.csv", "B\x00", "BTC/USDT", "ВТС", "NONE"} {
		f := snapshot(t, source, ask(symbol, 0)).Failures[symbol]
		require.Equal(t, marketdata.ReasonUnknownSymbol, f.Reason, symbol)
		require.ErrorIs(t, f, marketdata.ErrUnknownSymbol)
	}
	f := snapshot(t, source, ask("FOLDER", 0)).Failures["FOLDER"]
	require.Equal(t, marketdata.ReasonUnavailable, f.Reason)
	require.NotContains(t, f.Error(), dir, "the folder is nobody's business")
	require.NotContains(t, f.Err.Error(), dir)
}

func TestCSVConfigReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := marketdata.NewCSV(marketdata.CSVConfig{Interval: "7m", MaxRows: -1, MaxBytes: 1 << 40})
	require.ErrorIs(t, err, marketdata.ErrInterval)
	for _, part := range []string{"exactly one of Dir and FS", "MaxRows must be between 0 and 2000000, was -1", "MaxBytes must be between 0 and 67108864, was 1099511627776"} {
		require.ErrorContains(t, err, part)
	}
	_, err = marketdata.NewCSV(marketdata.CSVConfig{Dir: filepath.Join(t.TempDir(), "none")})
	require.ErrorIs(t, err, fs.ErrNotExist)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = marketdata.NewCSV(marketdata.CSVConfig{Dir: file})
	require.ErrorContains(t, err, "not a folder")
}

func TestCSVNeverLooksAhead(t *testing.T) {
	t.Parallel()
	now := clockAt(monday)
	source := newCSV(t, fstest.MapFS{"B.csv": hourFile(0, 300)}, now.now)
	rapid.Check(t, func(rt *rapid.T) {
		requirePrefixes(rt, source, now, "B", monday.Add(time.Hour), monday.Add(300*time.Hour))
	})
}

// requirePrefixes compares what is known at two times in [from, to].
func requirePrefixes(rt *rapid.T, source marketdata.Source, now *clock, symbol string, from, to time.Time) {
	seconds := rapid.Int64Range(0, int64(to.Sub(from)/time.Second))
	a, b := seconds.Draw(rt, "a"), seconds.Draw(rt, "b")
	t1, t2 := from.Add(time.Duration(min(a, b))*time.Second), from.Add(time.Duration(max(a, b))*time.Second)
	i := rapid.SampledFrom([]marketdata.Interval{marketdata.Interval1h, marketdata.Interval4h, marketdata.Interval1d}).Draw(rt, "interval")
	q := ask(symbol, marketdata.MaxCandles, i)
	now.set(t2)
	later, err := source.Snapshot(context.Background(), q)
	require.NoError(rt, err)
	now.set(t1)
	earlier, err := source.Snapshot(context.Background(), q)
	require.NoError(rt, err)
	want := later.Assets[symbol].Series[i].Until(t1)
	got := earlier.Assets[symbol].Series[i]
	if n := want.Len(); n < got.Len() {
		got = got.Tail(n) // the later window began later
	}
	require.Equal(rt, append([]marketdata.Candle{}, want.Candles()...), append([]marketdata.Candle{}, got.Candles()...))
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte(csvHeader + hourRow(0) + hourRow(1)))
	f.Add([]byte(csvHeader + hourRow(0) + hourRow(5)))
	f.Add([]byte("\ufeff" + strings.ReplaceAll(csvHeader+hourRow(0), "\n", "\r\n")))
	f.Add([]byte(csvHeader + "1756684800000,1e30,1e30,1e-30,1,0,0\n"))
	f.Add([]byte(csvHeader + ",,,,,,\n"))
	f.Add([]byte("close,open\n1,2\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		now := monday.Add(2 * time.Hour)
		source := newCSV(t, fstest.MapFS{"B.csv": {Data: data}}, func() time.Time { return now })
		snap := snapshot(t, source, ask("B", 3, marketdata.Interval1h, marketdata.Interval4h))
		require.Equal(t, 1, len(snap.Assets)+len(snap.Failures))
		for _, failure := range snap.Failures {
			require.Less(t, len(failure.Detail), 500)
			require.NotEqual(t, marketdata.ReasonUnknownSymbol, failure.Reason)
		}
		for _, asset := range snap.Assets {
			require.True(t, asset.Quote.Last.IsPositive())
			require.False(t, asset.Series[marketdata.Interval1h].CloseTime().After(now))
		}
	})
}

func msText(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
