package marketreplay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/marketreplay"
)

func TestAQueryRecordedNTimesGivesItsAnswersInOrder(t *testing.T) {
	t.Parallel()
	file := recording(t, scripted(outcome{snap: priced("A", noon(), "1")}, outcome{snap: priced("B", noon(), "2")}, outcome{snap: priced("A", noon().Add(time.Minute), "3.10")}),
		marketdata.Query{Symbols: []string{"A"}}, marketdata.Query{Symbols: []string{"B"}}, marketdata.Query{Symbols: []string{"A"}})
	replay := open(t, file, marketreplay.Config{})
	require.Equal(t, noon(), replay.Now(), "before the first answer")
	for _, step := range []struct{ symbol, price string }{{"A", "1"}, {"A", "3.1"}, {"B", "2"}} {
		got, err := replay.Snapshot(t.Context(), marketdata.Query{Symbols: []string{step.symbol}, Candles: 7, MaxAge: time.Second})
		require.NoError(t, err)
		require.Equal(t, step.price, got.Assets[step.symbol].Quote.Last.String())
		require.Equal(t, got.At, replay.Now())
	}
	_, err := replay.Snapshot(t.Context(), marketdata.Query{Symbols: []string{"A"}})
	requireNotRecorded(t, err, "marketreplay: A: quotes: was recorded 2 times and asked once more")
	_, err = replay.Snapshot(t.Context(), query("B", "A"))
	requireNotRecorded(t, err, "marketreplay: A, B: 30 candles of 1h, 4h: was not recorded")
	_, err = replay.Snapshot(t.Context(), marketdata.Query{Symbols: []string{"\xff\n"}})
	requireNotRecorded(t, err, `marketreplay: \xff\n: quotes: was not recorded`)
}

func TestByTimeTheNewestSnapshotNotAfterNowAnswers(t *testing.T) {
	t.Parallel()
	q := marketdata.Query{Symbols: []string{"A"}}
	file := recording(t, scripted(
		outcome{snap: priced("A", noon().Add(time.Hour), "3")}, outcome{snap: priced("A", noon(), "1")}, outcome{err: context.DeadlineExceeded},
		outcome{snap: priced("A", noon(), "2")}, outcome{err: errors.New("x")}), q, q, q, q, marketdata.Query{Symbols: []string{"B"}})
	var c clock
	replay := open(t, file, marketreplay.Config{Now: c.now})
	for _, step := range []struct {
		after time.Duration
		price string
	}{{0, "2"}, {time.Hour - 1, "2"}, {time.Hour, "3"}, {1e6 * time.Hour, "3"}, {time.Minute, "2"}} {
		c.at = noon().Add(step.after).In(time.FixedZone("x", 3600))
		got, err := replay.Snapshot(t.Context(), q)
		require.NoError(t, err, "errors are not replayed by time")
		require.Equal(t, step.price, got.Assets["A"].Quote.Last.String(), step.after)
	}
	c.at = noon().Add(-1)
	_, err := replay.Snapshot(t.Context(), q)
	requireNotRecorded(t, err, "marketreplay: A: quotes: was recorded from 2025-10-10T12:00:30Z on and asked as of 2025-10-10T12:00:29.999999999Z")
	_, err = replay.Snapshot(t.Context(), marketdata.Query{Symbols: []string{"B"}})
	requireNotRecorded(t, err, "marketreplay: B: quotes: was not recorded")
}

func TestTheSameQuestionPutAnotherWayIsTheSame(t *testing.T) {
	t.Parallel()
	c := clock{noon()}
	recorded := marketdata.Query{Symbols: []string{"ETHUSDT", "BTCUSDT"}, Intervals: []marketdata.Interval{marketdata.Interval4h, marketdata.Interval1h}}
	for name, q := range map[string]marketdata.Query{
		"as it was":            recorded,
		"symbols turned round": {Symbols: []string{"BTCUSDT", "ETHUSDT"}, Intervals: recorded.Intervals},
		"intervals too, twice": {Symbols: recorded.Symbols, Intervals: []marketdata.Interval{marketdata.Interval1h, marketdata.Interval4h, marketdata.Interval1h}},
		"the default in words": {Symbols: recorded.Symbols, Intervals: recorded.Intervals, Candles: marketdata.DefaultCandles},
		"for a cache":          {Symbols: recorded.Symbols, Intervals: recorded.Intervals, MaxAge: time.Second},
	} {
		replay := open(t, recording(t, simulated(t, c.now), recorded), marketreplay.Config{})
		_, err := replay.Snapshot(t.Context(), q)
		require.NoError(t, err, name)
	}
	for name, q := range map[string]marketdata.Query{
		"fewer symbols":   {Symbols: recorded.Symbols[:1], Intervals: recorded.Intervals},
		"fewer intervals": {Symbols: recorded.Symbols, Intervals: recorded.Intervals[:1]},
		"fewer candles":   {Symbols: recorded.Symbols, Intervals: recorded.Intervals, Candles: 249},
		"quotes":          {Symbols: recorded.Symbols},
	} {
		_, err := open(t, recording(t, simulated(t, c.now), recorded), marketreplay.Config{}).Snapshot(t.Context(), q)
		require.ErrorIs(t, err, marketreplay.ErrNotRecorded, name)
	}
}

func TestEveryBitOfASnapshotComesBack(t *testing.T) {
	t.Parallel()
	c := clock{noon()}
	snap, err := simulated(t, c.now).Snapshot(t.Context(), query("BTCUSDT", "NOPE", "ETHUSDT"))
	require.NoError(t, err)
	require.NotEmpty(t, snap.Notes)
	asset := snap.Assets["BTCUSDT"]
	asset.Degraded = []string{"the funding interval is unknown\u2028"}
	asset.Quote.OpenInterest = decimal.NewNullDecimal(decimal.RequireFromString("0.00000012345678901234567890"))
	asset.Quote.FundingInterval = 8 * time.Hour
	in := *asset.Instrument
	in.Brackets = []marketdata.Bracket{{MaxLeverage: decimal.NewFromInt(20), UpToUSD: decimal.NewNullDecimal(decimal.New(5, 4)), DeductionUSD: decimal.New(-1, -2)}}
	asset.Instrument = &in
	snap.Assets["BTCUSDT"] = asset
	got, err := open(t, recording(t, scripted(outcome{snap: snap}), query("BTCUSDT", "NOPE", "ETHUSDT")), marketreplay.Config{}).
		Snapshot(t.Context(), query("BTCUSDT", "NOPE", "ETHUSDT"))
	require.NoError(t, err)
	require.Equal(t, text(t, snap), text(t, got))
	require.ErrorIs(t, got.Failures["NOPE"], marketdata.ErrUnknownSymbol)
	require.Equal(t, snap.Assets["ETHUSDT"].Series[marketdata.Interval1h].Fingerprint(), got.Assets["ETHUSDT"].Series[marketdata.Interval1h].Fingerprint())
}

// A member that is added to a snapshot later must be recorded as well, or be
// one that JSON never shows.
func TestEveryMemberOfASnapshotIsInItsJSON(t *testing.T) {
	t.Parallel()
	for _, of := range []reflect.Type{
		reflect.TypeFor[marketdata.Snapshot](), reflect.TypeFor[marketdata.Asset](), reflect.TypeFor[marketdata.Quote](),
		reflect.TypeFor[marketdata.Instrument](), reflect.TypeFor[marketdata.Bracket](), reflect.TypeFor[marketdata.Failure](),
	} {
		for field := range of.Fields() {
			if of == reflect.TypeFor[marketdata.Failure]() && field.Name == "Err" {
				continue // what comes back of it is documented
			}
			require.NotContains(t, []string{"", "-"}, field.Tag.Get("json"), "%s.%s", of, field.Name)
		}
	}
}

func TestErrorsComeBackAsFarAsTheyMaySay(t *testing.T) {
	t.Parallel()
	q := marketdata.Query{Symbols: []string{"A"}}
	for name, c := range map[string]struct{ err, want error }{
		"cancelled":     {fmt.Errorf("source: %w", context.Canceled), fmt.Errorf("marketreplay: %w", context.Canceled)},
		"deadline":      {context.DeadlineExceeded, fmt.Errorf("marketreplay: %w", context.DeadlineExceeded)},
		"anything else": {errors.New("https://host/?signature=0xsecret"), &marketreplay.OtherError{Type: "*errors.errorString"}},
	} {
		file := recording(t, scripted(outcome{err: c.err}), q)
		require.NotContains(t, string(file), "secret", name)
		got, err := open(t, file, marketreplay.Config{}).Snapshot(t.Context(), q)
		require.Equal(t, c.want, err, name)
		require.Equal(t, marketdata.Snapshot{}, got)
	}
	require.EqualError(t, &marketreplay.OtherError{Type: "*a.B"}, `marketreplay: the recorded query failed with a "*a.B", of which nothing else was recorded`)
}

// A recording of the simulated market at random times, symbols and queries is
// written the same twice, answers the same, and recorded again is itself.
func TestEveryRecordingReplaysAsItWent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := clock{noon()}
		sim, err := marketdata.NewSim(marketdata.SimConfig{Now: c.now})
		require.NoError(t, err)
		var queries []marketdata.Query
		var outcomes []outcome
		for range rapid.IntRange(0, 8).Draw(t, "queries") {
			q := marketdata.Query{
				Symbols: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"BTCUSDT", "ETHUSDT", "DOGEUSDT", "NOPE", "é"}), 1, 4, rapid.ID).Draw(t, "symbols"),
				Candles: rapid.SampledFrom([]int{0, 1, 5}).Draw(t, "candles"),
				Intervals: rapid.SliceOfN(rapid.SampledFrom([]marketdata.Interval{marketdata.Interval1h, marketdata.Interval4h}), 0, 2).
					Draw(t, "intervals"),
			}
			c.at = c.at.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "minutes")) * time.Minute)
			snap, err := sim.Snapshot(context.Background(), q)
			require.NoError(t, err)
			o := outcome{snap: snap}
			if rapid.IntRange(0, 4).Draw(t, "fails") == 0 {
				o = outcome{err: context.DeadlineExceeded}
			}
			queries, outcomes = append(queries, q), append(outcomes, o)
		}
		write := func(source marketdata.Source) []byte {
			var file bytes.Buffer
			recorder, err := marketreplay.Record(source, &file)
			require.NoError(t, err)
			for _, q := range queries {
				_, _ = recorder.Snapshot(context.Background(), q)
			}
			require.NoError(t, recorder.Err())
			return file.Bytes()
		}
		file := write(scripted(outcomes...))
		require.Equal(t, file, write(scripted(outcomes...)), "equal answers, equal bytes")
		replay, err := marketreplay.Open(bytes.NewReader(file), marketreplay.Config{})
		require.NoError(t, err)
		require.Len(t, replay.Answers(), len(queries))
		require.Equal(t, file, write(replay), "a replay that is recorded is the recording")
		replay, err = marketreplay.Open(bytes.NewReader(file), marketreplay.Config{})
		require.NoError(t, err)
		for n, q := range queries {
			got, err := replay.Snapshot(context.Background(), q)
			if outcomes[n].err != nil {
				require.ErrorIs(t, err, outcomes[n].err)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, text(t, outcomes[n].snap), text(t, got))
		}
	})
}

func TestASeriesIsWrittenOnce(t *testing.T) {
	t.Parallel()
	c := clock{noon()}
	var file bytes.Buffer
	recorder, err := marketreplay.Record(simulated(t, c.now), &file)
	require.NoError(t, err)
	lines := func() int { return bytes.Count(file.Bytes(), []byte("\n")) }
	ask := func() {
		_, err := recorder.Snapshot(t.Context(), query("BTCUSDT", "ETHUSDT"))
		require.NoError(t, err)
	}
	ask()
	require.Equal(t, 1+4+1, lines(), "header, series, snapshot")
	first := file.Len()
	for range 50 {
		c.at = c.at.Add(time.Minute)
		ask()
	}
	require.Equal(t, 1+4+1+50, lines())
	require.Less(t, file.Len()-first, 50*first/4)
	c.at = noon().Add(time.Hour)
	ask()
	require.Equal(t, 1+4+1+50+2+1, lines(), "the 1h series are new, those of 4h are not")
	require.NoError(t, recorder.Err())
}

func TestAnEndedContextUsesNoAnswerUp(t *testing.T) {
	t.Parallel()
	q := marketdata.Query{Symbols: []string{"A"}}
	replay := open(t, recording(t, scripted(outcome{snap: priced("A", noon(), "1")}), q), marketreplay.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := replay.Snapshot(ctx, q)
	require.ErrorIs(t, err, context.Canceled)
	_, err = replay.Snapshot(t.Context(), marketdata.Query{})
	require.ErrorContains(t, err, "symbols must number 1 to 250, were 0")
	_, err = replay.Snapshot(t.Context(), q)
	require.NoError(t, err)
}

func TestAnswersListsWhatThereIs(t *testing.T) {
	t.Parallel()
	file := recording(t, scripted(outcome{err: context.Canceled}, outcome{snap: priced("A", noon(), "1")}), query("B"), marketdata.Query{Symbols: []string{"A"}})
	replay := open(t, file, marketreplay.Config{})
	want := []marketreplay.Recorded{{Query: query("B")}, {Query: marketdata.Query{Symbols: []string{"A"}}, At: noon()}}
	got := replay.Answers()
	require.Equal(t, want, got)
	require.Equal(t, noon(), replay.Now(), "errors have no time")
	got[0].Query.Symbols[0] = "changed"
	require.Equal(t, want, replay.Answers())
	require.True(t, open(t, recording(t, scripted()), marketreplay.Config{}).Now().IsZero())
}

func TestConcurrentCallersShareARecordingAndARecorder(t *testing.T) {
	t.Parallel()
	const callers, each = 8, 10
	c := clock{noon()}
	var file bytes.Buffer
	recorder, err := marketreplay.Record(simulated(t, c.now), &file)
	require.NoError(t, err)
	all := func(source marketdata.Source) {
		var group sync.WaitGroup
		for n := range callers {
			group.Go(func() {
				for i := range each {
					symbol := []string{"BTCUSDT", "ETHUSDT", "SOLUSDT"}[(i+n)%3]
					snap, err := source.Snapshot(t.Context(), query(symbol))
					if err != nil || snap.Assets[symbol].Series[marketdata.Interval1h].Len() != 30 {
						t.Errorf("%s: %v", symbol, err)
					}
				}
			})
		}
		group.Wait()
	}
	all(recorder)
	require.NoError(t, recorder.Err())
	require.Equal(t, 1+3*2+callers*each, bytes.Count(file.Bytes(), []byte("\n")))
	replay := open(t, file.Bytes(), marketreplay.Config{})
	all(replay)
	_, err = replay.Snapshot(t.Context(), query("BTCUSDT"))
	require.ErrorIs(t, err, marketreplay.ErrNotRecorded)
}

func TestThePackageContainsNoTransport(t *testing.T) {
	t.Parallel()
	list := func(args ...string) []string {
		out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...).Output()
		require.NoError(t, err)
		return strings.Fields(string(out))
	}
	own := list("-f", `{{join .Imports "\n"}}`, ".")
	require.Contains(t, own, "github.com/ballast-go/ballast/marketdata")
	for _, path := range own {
		require.False(t, path == "net" || strings.HasPrefix(path, "net/"), "%s: a query could reach a network", path)
	}
	require.False(t, slices.ContainsFunc(list("-deps", "."), func(path string) bool { return path == "net/http" || path == "crypto/tls" }))
}

func TestARecordingOfTwoDaysStaysSmall(t *testing.T) {
	t.Parallel()
	c := clock{noon()}
	var file bytes.Buffer
	recorder, err := marketreplay.Record(simulated(t, c.now), &file)
	require.NoError(t, err)
	q := marketdata.Query{Symbols: []string{"BTCUSDT"}, Intervals: []marketdata.Interval{marketdata.Interval1h, marketdata.Interval4h}}
	const hours = 48
	for range hours * 4 {
		_, err := recorder.Snapshot(t.Context(), q)
		require.NoError(t, err)
		c.at = c.at.Add(15 * time.Minute)
	}
	require.NoError(t, recorder.Err())
	require.Less(t, file.Len(), hours*35_000, "an hour needs one series and a quarter, "+strconv.Itoa(file.Len()/hours)+" bytes")
}
