package app_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/marketdata"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func at() time.Time { return time.Date(2025, 10, 10, 22, 0, 0, 0, time.UTC) }

func read(t *testing.T, env map[string]string) config.Config {
	t.Helper()
	env = maps.Clone(env)
	if env == nil {
		env = map[string]string{}
	}
	if env["DATA_DIR"] == "" {
		env["DATA_DIR"] = t.TempDir()
	}
	c, err := config.Read(env, nil)
	require.NoError(t, err)
	return c
}

func open(t *testing.T, o app.Options) *app.App {
	t.Helper()
	a, err := app.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close(context.Background())) })
	return a
}

func ask(c config.Config, symbols ...string) decision.Request {
	return decision.Request{Account: app.PaperAccount(app.DefaultAccount, c), Symbols: symbols}
}

func TestTheFallbackDecidesOnTheDemoMarketAndIsRecorded(t *testing.T) {
	t.Parallel()
	c := read(t, nil)
	ticks := at()
	clock := func() time.Time { ticks = ticks.Add(time.Second); return ticks }
	a := open(t, app.Options{Config: c, AsOf: at(), Now: clock})
	out, err := a.Decide(t.Context(), ask(c, "BTCUSDT", "ETHUSDT"))
	require.NoError(t, err)
	require.Equal(t, decision.OriginFallback, out.Result.Origin)
	require.Equal(t, at(), out.Result.At, "as of a past time the clock stands still")
	require.Equal(t, time.Second, out.Took, "which the real clock does not")
	require.Equal(t, out.Result.ID, out.Record.Result.ID)
	require.Len(t, out.Assessments(), 2)

	scores, notes, err := a.Assess(t.Context(), ask(c, "BTCUSDT", "ETHUSDT"))
	require.NoError(t, err)
	require.Equal(t, out.Assessments(), scores)
	require.Equal(t, []string{"simulated market"}, notes)
}

func TestTheGatesOfTheFallbackComeFromTheConfig(t *testing.T) {
	t.Parallel()
	for _, env := range []map[string]string{{"MAX_RISK_SCORE": "0"}, {"MIN_CONFIDENCE": "100"}} {
		c := read(t, env)
		out, err := open(t, app.Options{Config: c, AsOf: at()}).Decide(t.Context(), ask(c, "BTCUSDT", "ETHUSDT", "SOLUSDT"))
		require.NoError(t, err)
		for _, d := range out.Result.Decision.Decisions {
			require.Equal(t, decision.ActionHold, d.Action, "%v: %s", env, d.Rationale)
		}
	}
}

func TestTheModelIsAskedWithTheSettingsOfTheConfig(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, llmtest.Answer("nonsense"))
	c := read(t, map[string]string{
		"OPENROUTER_API_KEY": "sk-1", "OPENROUTER_BASE_URL": server.URL(), "LLM_MODEL": "test/model", "LLM_TEMPERATURE": "0.25", "LLM_MAX_TOKENS": "321",
	})
	out, err := open(t, app.Options{Config: c, AsOf: at(), AskModel: true}).Decide(t.Context(), ask(c, "BTCUSDT"))
	require.NoError(t, err)
	require.Equal(t, decision.OriginFallback, out.Result.Origin)
	require.Contains(t, out.Result.Reason, "unusable answer")
	require.Len(t, server.Requests(), 2, "the second asks for a repair")
	body := string(server.Requests()[0].Body)
	require.Contains(t, body, `"temperature":0.25`)
	require.Contains(t, body, `321`)
	require.Equal(t, "test/model", server.Requests()[0].Model)
}

func TestADeadCSVAssetFailsBeforeTheModelIsPaid(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, llmtest.Answer("{}"))
	c := read(t, map[string]string{"OPENROUTER_API_KEY": "sk-1", "OPENROUTER_BASE_URL": server.URL()})
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "BTCUSDT.csv"), nil, 0o600))
	_, err := open(t, app.Options{Config: c, Market: app.MarketCSV, CandleDir: dir, AsOf: at(), AskModel: true}).Decide(t.Context(), ask(c, "BTCUSDT"))
	var bad *app.DataError
	require.ErrorAs(t, err, &bad)
	require.False(t, bad.Unknown())
	require.EqualError(t, bad, "BTCUSDT: bad candle: BTCUSDT.csv: the file is empty")
	var row *marketdata.CSVError
	require.ErrorAs(t, err, &row)
	require.Empty(t, server.Requests())
}

func TestAnUnknownSymbolIsTheCallersFault(t *testing.T) {
	t.Parallel()
	c := read(t, nil)
	for _, o := range []app.Options{
		{Config: c, AsOf: at()},
		{Config: c, AsOf: at(), Market: app.MarketCSV, CandleDir: t.TempDir()},
	} {
		_, err := open(t, o).Decide(t.Context(), ask(c, "NOPEUSDT"))
		var bad *app.DataError
		require.ErrorAs(t, err, &bad)
		require.True(t, bad.Unknown())
		require.ErrorIs(t, err, marketdata.ErrUnknownSymbol)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	c := read(t, nil)
	_, err := app.New(app.Options{Config: c, Market: "moon"})
	require.ErrorIs(t, err, app.ErrMarket)
	_, err = app.New(app.Options{Config: c, Market: app.MarketCSV})
	require.ErrorContains(t, err, "Dir")
	_, err = app.New(app.Options{Config: c, AskModel: true})
	require.ErrorContains(t, err, "OPENROUTER_ settings")
	c.Interval, c.LongInterval = marketdata.Interval4h, marketdata.Interval1h
	_, err = app.New(app.Options{Config: c})
	var invalid *decision.ConfigError
	require.ErrorAs(t, err, &invalid)
}

func TestDecideReturnsTheErrorOfItsContext(t *testing.T) {
	t.Parallel()
	c := read(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := open(t, app.Options{Config: c}).Decide(ctx, ask(c, "BTCUSDT"))
	require.ErrorIs(t, err, context.Canceled)
}
