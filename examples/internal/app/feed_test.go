package app_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/astertest"
	"github.com/ballast-go/ballast/marketdata/marketreplay"
)

func TestAFeedOfAnExchangeShowsWhatAnAccountNeedsKeysFor(t *testing.T) {
	t.Parallel()
	ex, err := astertest.New(astertest.Config{})
	require.NoError(t, err)
	t.Cleanup(ex.Close)
	c := read(t, map[string]string{"ASTERDEX_BASE_URL": ex.Network().REST})
	feed, err := app.OpenFeed(app.Options{Config: c, Market: app.MarketAster, Now: ex.Now})
	require.NoError(t, err)
	t.Cleanup(feed.Close)
	require.False(t, feed.HasAccount())
	view, err := feed.Look(t.Context(), "BTCUSDT", marketdata.Interval1h)
	require.NoError(t, err)
	require.Nil(t, view.Unusable)
	in, known := view.NextFunding()
	require.True(t, known)
	require.LessOrEqual(t, in, 8*time.Hour)
	require.Positive(t, view.Usage.UsedWeight)
	_, err = feed.Look(t.Context(), "NOPE")
	var data *app.DataError
	require.ErrorAs(t, err, &data)
	require.True(t, data.Unknown())

	_, err = app.OpenFeed(app.Options{Config: c, Market: app.MarketAster, AsOf: at()})
	require.ErrorIs(t, err, app.ErrPast)
	_, err = app.OpenFeed(app.Options{Config: c, Market: "moon"})
	require.ErrorIs(t, err, app.ErrMarket)
	_, err = app.OpenFeed(app.Options{Config: c, Market: app.MarketReplay})
	require.Error(t, err)
	demo, err := app.OpenFeed(app.Options{Config: c})
	require.NoError(t, err)
	_, _, err = demo.Listings(t.Context())
	require.ErrorIs(t, err, app.ErrMarket)
}

// What several decisions were made on is recorded, and decides the same again
// by the clock of the recording.
func TestARecordedMarketDecidesTheSameAgain(t *testing.T) {
	t.Parallel()
	now := at()
	var file bytes.Buffer
	c := read(t, nil)
	decide := func(a *app.App, wait func()) (made []any) {
		for range 3 {
			out, err := a.Decide(t.Context(), ask(c, "BTCUSDT", "ETHUSDT"))
			require.NoError(t, err)
			made = append(made, out.Result.Decision)
			wait()
		}
		return made
	}
	live := open(t, app.Options{Config: c, RecordMarket: &file, Now: func() time.Time { return now }})
	first := decide(live, func() { now = now.Add(time.Hour) })
	require.NoError(t, live.MarketRecordingErr())
	again := open(t, app.Options{Config: c, Market: app.MarketReplay, ReplayMarket: bytes.NewReader(file.Bytes())})
	require.Equal(t, first, decide(again, func() {}))
	_, err := again.Decide(t.Context(), ask(c, "BTCUSDT", "ETHUSDT"))
	require.ErrorIs(t, err, marketreplay.ErrNotRecorded)

	past := open(t, app.Options{Config: c, Market: app.MarketReplay, ReplayMarket: bytes.NewReader(file.Bytes()), AsOf: at().Add(time.Hour)})
	out, err := past.Decide(t.Context(), ask(c, "BTCUSDT", "ETHUSDT"))
	require.NoError(t, err)
	require.Equal(t, first[1], out.Result.Decision)
	_, err = app.New(app.Options{Config: c, Market: app.MarketReplay, ReplayMarket: strings.NewReader("{}\n")})
	var line *marketreplay.LineError
	require.ErrorAs(t, err, &line)
}

// closing fails from the second write on.
type closing struct{ io.Writer }

var errFull = errors.New("no space left")

func (c *closing) Write(p []byte) (int, error) {
	if c.Writer == nil {
		return 0, errFull
	}
	defer func() { c.Writer = nil }()
	return c.Writer.Write(p)
}

func TestARecordingOfAMarketThatIsNotWholeIsReportedBesideTheDecision(t *testing.T) {
	t.Parallel()
	c := read(t, nil)
	a := open(t, app.Options{Config: c, AsOf: at(), RecordMarket: &closing{io.Discard}})
	_, err := a.Decide(t.Context(), ask(c, "BTCUSDT"))
	require.NoError(t, err)
	require.ErrorIs(t, a.MarketRecordingErr(), errFull)
}

func TestInsufficientDataNamesEachCauseOnceWithItsAssets(t *testing.T) {
	t.Parallel()
	err := &app.DataError{Insufficient: true, Failures: []marketdata.Failure{
		{Symbol: "A", Reason: marketdata.ReasonUnavailable, Detail: "down"},
		{Symbol: "B", Reason: marketdata.ReasonStale, Detail: "an hour old"},
		{Symbol: "C", Reason: marketdata.ReasonUnavailable, Detail: "down"},
	}}
	require.EqualError(t, err, "Insufficient market data: A, C: unavailable: down; B: stale: an hour old")
}
