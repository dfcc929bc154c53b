package indicator_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
	"github.com/ballast-go/ballast/marketdata/indicator/indicatortest"
)

func TestLineTellsValuesFromWarmUp(t *testing.T) {
	t.Parallel()
	line := indicator.Line{nan, nan, 3, 4}
	require.Equal(t, 2, line.WarmUp())
	last, ok := line.Last()
	require.True(t, ok)
	require.InDelta(t, 4, last, 0)
	before, ok := line.Back(1)
	require.True(t, ok)
	require.InDelta(t, 3, before, 0)
	for _, n := range []int{-1, 2, 4, math.MaxInt} {
		_, ok := line.Back(n)
		require.False(t, ok, "%d back", n)
	}
	_, ok = indicator.Line(nil).Last()
	require.False(t, ok)
	require.Equal(t, 1, indicator.Line{nan}.WarmUp())
}

func TestLineAsJSONReadsBackTheSameFloats(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		line := indicator.Line(rapid.SliceOf(rapid.OneOf(rapid.Float64(), rapid.Just(nan))).Draw(r, "line"))
		text, err := json.Marshal(line)
		require.NoError(r, err)
		var back indicator.Line
		require.NoError(r, json.Unmarshal(text, &back))
		require.Len(r, back, len(line))
		for i := range line {
			if math.IsNaN(line[i]) || math.IsInf(line[i], 0) {
				require.True(r, math.IsNaN(back[i]))
				continue
			}
			require.Equal(r, math.Float64bits(line[i]), math.Float64bits(back[i]))
		}
	})
}

func TestLineFromBadJSONIsAnError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{}`, `[true]`, `["1"]`, `[1e999]`} {
		var line indicator.Line
		require.Error(t, json.Unmarshal([]byte(text), &line), text)
	}
}

func TestTailIsTheNewestEntriesAndSharesNothing(t *testing.T) {
	t.Parallel()
	set, err := indicator.Compute(indicatortest.Walk(marketdata.Interval1h, 100, 5))
	require.NoError(t, err)
	tail := set.Tail(10)
	for i, l := range tail.Lines() {
		whole := *set.Lines()[i].Line
		require.Len(t, *l.Line, 10, l.Name)
		equalLine(t, whole[90:], *l.Line, l.Name)
		(*l.Line)[9] = -1
		require.NotEqual(t, -1.0, whole[99], l.Name)
	}
	longer := set.Tail(1000)
	require.Len(t, longer.EMA20, 100, "a set shorter than the tail is copied whole")
}

func TestNewSetIsAllWarmUp(t *testing.T) {
	t.Parallel()
	series := indicatortest.Walk(marketdata.Interval1h, 5, 5)
	set := indicator.NewSet(series)
	require.Equal(t, series.CloseTime(), set.CloseTime)
	for _, l := range set.Lines() {
		require.Len(t, *l.Line, 5)
		require.Equal(t, 5, l.Line.WarmUp(), l.Name)
		*l.Line = append(*l.Line, 1) // must not reach into the next line
	}
	for _, l := range set.Lines() {
		require.True(t, math.IsNaN((*l.Line)[0]), l.Name)
	}
}

func TestProviderFuncCallsTheFunction(t *testing.T) {
	t.Parallel()
	failure := errors.New("no")
	f := indicator.ProviderFunc(func(context.Context, marketdata.Snapshot) (indicator.Values, error) {
		return indicator.Values{}, failure
	})
	_, err := f.Indicate(t.Context(), marketdata.Snapshot{})
	require.ErrorIs(t, err, failure)
}
