package marketreplay_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/marketreplay"
)

const headerLine = `{"format":"ballast-market","schema":1}`

// sealed is a recording of these entries whose sums are right.
func sealed(entries ...string) string {
	sum := sha256.Sum256([]byte(headerLine))
	out := headerLine + "\n"
	for _, e := range entries {
		sum = sha256.Sum256(append(sum[:], e...))
		out += `{"sum":"` + hex.EncodeToString(sum[:]) + `","entry":` + e + "}\n"
	}
	return out
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

const (
	someSeries = `{"interval":"1h","candles":[[3600000,2,3,1,2,5,10]]}`
	someQuote  = `{"last":2,"last_at":"1970-01-01T02:00:00Z","mark":null,"change_24h_percent":null,"quote_volume_24h":null,"funding_rate":null,"open_interest":null}`
	someAnswer = `{"query":{"symbols":["A"],"intervals":["1h"],"candles":5},"snapshot":{"at":"1970-01-01T02:00:00Z","assets":{"A":{"symbol":"A","quote":` + someQuote + `}}},"candles":{"A":{"1h":"ID"}}}`
)

func answered() string { return strings.Replace(someAnswer, "ID", hash(someSeries), 1) }

func TestARecordingWrittenByHandIsRead(t *testing.T) {
	t.Parallel()
	replay, err := marketreplay.Open(strings.NewReader(sealed(`{"series":`+someSeries+`}`, answered())), marketreplay.Config{})
	require.NoError(t, err)
	snap, err := replay.Snapshot(t.Context(), marketdata.Query{Symbols: []string{"A"}, Intervals: []marketdata.Interval{marketdata.Interval1h}, Candles: 5})
	require.NoError(t, err)
	last, ok := snap.Assets["A"].Series[marketdata.Interval1h].Last()
	require.True(t, ok)
	require.Equal(t, "3", last.High.String())
}

func TestOpenRefusesWhatNoRecorderWrites(t *testing.T) {
	t.Parallel()
	series := `{"series":` + someSeries + `}`
	good := sealed(series, answered())
	lines := strings.SplitAfter(good, "\n")
	change := func(from, to string) string {
		require.Contains(t, answered(), from)
		return sealed(series, strings.Replace(answered(), from, to, 1))
	}
	for name, c := range map[string]struct {
		file    string
		line    int
		message string
	}{
		"empty":                     {"", 1, "is missing"},
		"another format":            {`{"format":"ballast-llm","schema":1}` + "\n", 1, `was "ballast-llm", 1`},
		"a newer schema":            {`{"format":"ballast-market","schema":2}` + "\n", 1, `was "ballast-market", 2`},
		"no header":                 {lines[1], 1, "unknown"},
		"header twice":              {lines[0] + lines[0], 2, "unknown"},
		"empty line":                {lines[0] + "\n" + lines[1], 2, "EOF"},
		"a line lost":               {lines[0] + lines[2], 2, "sum must be"},
		"lines turned round":        {lines[0] + lines[2] + lines[1], 2, "sum must be"},
		"a line twice":              {good + lines[2], 4, "sum must be"},
		"an entry changed":          {strings.Replace(good, `"last":2`, `"last":3`, 1), 3, "sum must be"},
		"a candle changed":          {strings.Replace(good, `2,3,1,2`, `2,9,1,2`, 1), 2, "sum must be"},
		"the header changed":        {strings.Replace(good, `1}`, `1 }`, 1), 2, "sum must be"},
		"sum in capitals":           {lines[0] + strings.Replace(lines[1], lines[1][8:72], strings.ToUpper(lines[1][8:72]), 1), 2, "hexadecimal digits in lower case"},
		"sum cut":                   {lines[0] + strings.Replace(lines[1], lines[1][8:72], lines[1][8:70], 1), 2, "hexadecimal digits in lower case"},
		"unknown member":            {lines[0] + strings.Replace(lines[1], `{"sum"`, `{"api_key":"x","sum"`, 1), 2, "api_key"},
		"duplicate member":          {lines[0] + strings.Replace(lines[1], `{"sum"`, `{"entry":1,"sum"`, 1), 2, "duplicate"},
		"two values in a line":      {lines[0] + strings.Replace(lines[1], "}\n", "}{}\n", 1), 2, "after"},
		"invalid UTF-8":             {change(`"symbol":"A"`, "\"symbol\":\"\xff\""), 3, "UTF-8"},
		"entry that is no object":   {sealed(`7`), 2, "number"},
		"entry of nothing":          {sealed(`{}`), 2, "a series, or a query and its answer"},
		"unknown member of an ask":  {change(`"candles":5`, `"candles":5,"secret":1`), 3, "secret"},
		"gap in a series":           {sealed(`{"series":{"interval":"1h","candles":[[0,2,3,1,2,5,10],[7200000,2,3,1,2,5,10]]}}`), 2, "gap"},
		"series of no interval":     {sealed(`{"series":{"interval":"7m","candles":[[0,2,3,1,2,5,10]]}}`), 2, "7m"},
		"series and answer":         {change(`{"query"`, `{"series":`+someSeries+`,"query"`), 3, "either a series or an answer"},
		"neither outcome":           {sealed(`{"query":{"symbols":["A"]}}`), 2, "either a snapshot or an error"},
		"both outcomes":             {change(`"candles":{"A"`, `"error":{"context":"canceled"},"candles":{"A"`), 3, "either a snapshot or an error"},
		"query of nothing":          {change(`["A"]`, `[]`), 3, "symbols must number 1 to 250, were 0"},
		"query not in order":        {change(`["A"]`, `["B","A"]`), 3, "sorted symbols"},
		"query without its count":   {change(`,"candles":5`, ``), 3, "count of its candles"},
		"count without candles":     {sealed(`{"query":{"symbols":["A"],"candles":5},"error":{"context":"canceled"}}`), 2, "count of its candles"},
		"unknown interval":          {change(`["1h"]`, `["7m"]`), 3, "7m"},
		"no time":                   {change(`"at":"1970-01-01T02:00:00Z",`, ``), 3, "snapshot.at must be set"},
		"an asset too many":         {change(`"assets":{`, `"assets":{"B":{"symbol":"B","quote":`+someQuote+`},`), 3, "each of 1 symbols, had 2 and 0"},
		"another asset":             {change(`"assets":{"A"`, `"assets":{"B"`), 3, `"A" must be either in snapshot.assets or in snapshot.failures`},
		"asset of another name":     {change(`{"A":{"symbol":"A"`, `{"A":{"symbol":"B"`), 3, `must have its name, had "B"`},
		"candles in the snapshot":   {change(`"quote":{`, `"series":{"1h":`+someSeries+`},"quote":{`), 3, "candles beside the snapshot"},
		"candles of another":        {change(`"candles":{"A"`, `"candles":{"B"`), 3, `"B" must be an asset of the snapshot`},
		"candles that are unknown":  {sealed(answered()), 2, "must be a series of an earlier line"},
		"candles of another length": {change(`{"1h":"`, `{"4h":"`), 3, "must be candles of that interval, were of 1h"},
		"failure without a reason": {
			sealed(`{"query":{"symbols":["A"]},"snapshot":{"at":"1970-01-01T02:00:00Z","assets":{},"failures":{"A":{"symbol":"A","reason":"","detail":"x"}}}}`),
			2, "its name and a reason",
		},
		"candles of an error": {sealed(`{"query":{"symbols":["A"]},"error":{"context":"canceled"},"candles":{}}`), 2, "candles must belong to a snapshot"},
		"error of nothing":    {sealed(`{"query":{"symbols":["A"]},"error":{}}`), 2, "a context or else a type"},
		"error of both":       {sealed(`{"query":{"symbols":["A"]},"error":{"context":"canceled","type":"x"}}`), 2, "a context or else a type"},
		"unknown context":     {sealed(`{"query":{"symbols":["A"]},"error":{"context":"lost"}}`), 2, `must be canceled or deadline_exceeded, was "lost"`},
		"hostile exponent":    {change(`"last":2`, `"last":1e999999999`), 3, "not a decimal"},
	} {
		for _, cfg := range []marketreplay.Config{{}, {AllowTorn: true}} {
			replay, err := marketreplay.Open(strings.NewReader(c.file), cfg)
			require.Nil(t, replay, name)
			var bad *marketreplay.LineError
			require.ErrorAs(t, err, &bad, name)
			require.Equal(t, c.line, bad.Line, "%s: %v", name, err)
			require.ErrorContains(t, err, c.message, name)
			require.ErrorIs(t, err, bad.Err)
			require.NotErrorIs(t, err, marketreplay.ErrTorn, name)
		}
	}
	for name, file := range map[string]string{"no last line end": strings.TrimSuffix(good, "\n"), "CR LF": strings.ReplaceAll(good, "\n", "\r\n")} {
		_, err := marketreplay.Open(strings.NewReader(file), marketreplay.Config{})
		require.NoError(t, err, name)
	}
}

func TestATornLastLineIsUsedOnlyWhenAskedFor(t *testing.T) {
	t.Parallel()
	good := sealed(`{"series":`+someSeries+`}`, answered(), answered())
	last := strings.LastIndex(strings.TrimSuffix(good, "\n"), "\n") + 1
	q := marketdata.Query{Symbols: []string{"A"}, Intervals: []marketdata.Interval{marketdata.Interval1h}, Candles: 5}
	for at := last + 1; at < len(good)-1; at++ {
		_, err := marketreplay.Open(strings.NewReader(good[:at]), marketreplay.Config{})
		var bad *marketreplay.LineError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, 4, bad.Line)
		require.ErrorIs(t, err, marketreplay.ErrTorn)

		replay, err := marketreplay.Open(strings.NewReader(good[:at]), marketreplay.Config{AllowTorn: true})
		require.NoError(t, err)
		require.ErrorIs(t, replay.Torn(), marketreplay.ErrTorn)
		require.ErrorContains(t, replay.Torn(), "marketreplay: line 4: the last line broke off: ")
		require.Len(t, replay.Answers(), 1)
		_, err = replay.Snapshot(t.Context(), q)
		require.NoError(t, err)
		_, err = replay.Snapshot(t.Context(), q)
		require.ErrorIs(t, err, marketreplay.ErrNotRecorded)
	}
	for at := 1; at < len(headerLine); at++ { // of which nothing is left to use
		_, err := marketreplay.Open(strings.NewReader(good[:at]), marketreplay.Config{AllowTorn: true})
		require.ErrorIs(t, err, marketreplay.ErrTorn)
	}
}

func TestOpenReportsAReaderThatFails(t *testing.T) {
	t.Parallel()
	failed := errors.New("disk on fire")
	_, err := marketreplay.Open(iotest.ErrReader(failed), marketreplay.Config{})
	require.ErrorIs(t, err, failed)
	var bad *marketreplay.LineError
	require.NotErrorAs(t, err, &bad)
}

func three() (marketdata.Source, []marketdata.Query) {
	q := marketdata.Query{Symbols: []string{"A"}}
	return scripted(outcome{snap: priced("A", noon(), "1")}, outcome{snap: priced("A", noon(), "2")}, outcome{snap: priced("A", noon(), "3")}), []marketdata.Query{q, q, q}
}

func TestARecordingIsBounded(t *testing.T) {
	t.Parallel()
	source, queries := three()
	file := recording(t, source, queries...)
	longest, size := 0, int64(len(file))
	for line := range bytes.Lines(file) {
		longest = max(longest, len(line)-1)
	}
	for name, c := range map[string]struct {
		line, answers int
		file          int64
		at            int
		message       string
	}{
		"at every bound": {longest, 3, size, 0, ""},
		"long line":      {longest - 1, 3, size, 2, "must have at most"},
		"longer line":    {longest / 2, 3, size, 2, "must have at most"},
		"many answers":   {longest, 2, size, 4, "at most 2 answers"},
		"large file":     {longest, 3, size - 1, 4, "must end within"},
	} {
		_, opened := marketreplay.OpenBounded(bytes.NewReader(file), marketreplay.Config{AllowTorn: true}, c.line, c.answers, c.file)
		source, queries := three()
		var out bytes.Buffer
		recorder, err := marketreplay.RecordBounded(source, &out, c.line, c.answers, c.file)
		require.NoError(t, err)
		for i, q := range queries {
			got, err := recorder.Snapshot(t.Context(), q)
			require.NoError(t, err, "the market was answered")
			require.Equal(t, string(rune('1'+i)), got.Assets["A"].Quote.Last.String())
		}
		for _, err := range []error{opened, recorder.Err()} {
			if c.at == 0 {
				require.NoError(t, err, name)
				continue
			}
			var bad *marketreplay.LineError
			require.ErrorAs(t, err, &bad, name)
			require.Equal(t, c.at, bad.Line, name)
			require.ErrorContains(t, err, c.message, name)
		}
		_, err = marketreplay.OpenBounded(&out, marketreplay.Config{}, c.line, c.answers, c.file)
		require.NoError(t, err, "%s: what was written can be read", name)
	}
}

// full takes some writes and fails from then on.
type full struct {
	io.Writer
	left int
}

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errFull
	}
	return f.Writer.Write(p)
}

func TestAFailedWriteEndsTheRecordingAndIsKept(t *testing.T) {
	t.Parallel()
	for taken := 1; taken < 5; taken++ {
		source, queries := three()
		var file bytes.Buffer
		recorder, err := marketreplay.Record(source, &full{&file, taken})
		require.NoError(t, err)
		for i, q := range queries {
			got, err := recorder.Snapshot(t.Context(), q)
			require.NoError(t, err)
			require.Equal(t, string(rune('1'+i)), got.Assets["A"].Quote.Last.String())
		}
		require.Equal(t, min(taken, 4), bytes.Count(file.Bytes(), []byte("\n")))
		if taken == 4 {
			require.NoError(t, recorder.Err())
			continue
		}
		require.EqualError(t, recorder.Err(), "marketreplay: line "+string(rune('1'+taken))+": no space left")
	}
	_, err := marketreplay.Record(scripted(), &full{})
	require.ErrorIs(t, err, errFull, "the header")
	_, err = marketreplay.Record(nil, io.Discard)
	require.Error(t, err)
	_, err = marketreplay.Record(scripted(), nil)
	require.Error(t, err)
}

func TestAnAnswerThatNoRecordingCanHoldIsReported(t *testing.T) {
	t.Parallel()
	c := clock{noon()}
	long, err := simulated(t, c.now).Snapshot(t.Context(), marketdata.Query{Symbols: []string{"BTCUSDT"}, Intervals: []marketdata.Interval{marketdata.Interval1h}})
	require.NoError(t, err)
	misplaced := long.Clone()
	asset := misplaced.Assets["BTCUSDT"]
	asset.Series = map[marketdata.Interval]marketdata.Series{marketdata.Interval4h: asset.Series[marketdata.Interval1h]}
	misplaced.Assets["BTCUSDT"] = asset
	late := priced("A", noon().AddDate(9000, 0, 0), "1") // JSON has no year 10000
	for name, c := range map[string]struct {
		q    marketdata.Query
		snap marketdata.Snapshot
	}{
		"symbol of bytes":             {marketdata.Query{Symbols: []string{"\xff"}}, priced("\xff", noon(), "1")},
		"another symbol":              {marketdata.Query{Symbols: []string{"A"}}, priced("B", noon(), "1")},
		"no symbol":                   {marketdata.Query{Symbols: []string{"A"}}, marketdata.Snapshot{At: noon()}},
		"no time":                     {marketdata.Query{Symbols: []string{"A"}}, priced("A", time.Time{}, "1")},
		"a time that cannot be told":  {marketdata.Query{Symbols: []string{"A"}}, late},
		"candles of another interval": {query("BTCUSDT"), misplaced},
	} {
		var file bytes.Buffer
		recorder, err := marketreplay.Record(scripted(outcome{snap: c.snap}, outcome{snap: c.snap}), &file)
		require.NoError(t, err)
		for range 2 {
			got, err := recorder.Snapshot(t.Context(), c.q)
			require.NoError(t, err)
			require.Equal(t, c.snap, got, name)
		}
		var bad *marketreplay.LineError
		require.ErrorAs(t, recorder.Err(), &bad, name)
		require.Equal(t, 1, strings.Count(file.String(), "\n"), "%s: the header alone", name)
	}
}

func TestAnInvalidQueryIsPassedOnAndNotRecorded(t *testing.T) {
	t.Parallel()
	c := clock{noon()}
	var file bytes.Buffer
	recorder, err := marketreplay.Record(simulated(t, c.now), &file)
	require.NoError(t, err)
	_, err = recorder.Snapshot(t.Context(), marketdata.Query{})
	require.Error(t, err)
	require.NoError(t, recorder.Err())
	require.Equal(t, sealed(), file.String())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = recorder.Snapshot(ctx, query("BTCUSDT"))
	require.ErrorIs(t, err, context.Canceled)
	require.Contains(t, file.String(), `"error":{"context":"canceled"}`)
}
