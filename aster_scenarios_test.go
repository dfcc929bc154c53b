package ballast_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/marketdata/astertest"
)

// The second table of docs/faults.md, end to end: exchange, client, snapshot,
// engine.
func TestEveryFaultOfTheExchangeEndsAsItsTableSays(t *testing.T) {
	t.Parallel()
	for _, s := range astertest.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			inScenario(t, s, scenarioAtTheClient)
			inScenario(t, s, scenarioInASnapshot)
			inScenario(t, s, scenarioInADecision)
		})
	}
}

// inScenario plays the scenario anew.
func inScenario(t *testing.T, s astertest.Scenario, look func(*testing.T, astertest.Scenario, *venue, marketdata.Source)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		const before = 5 * time.Minute // in which streams begin
		begin := astertest.ScenarioTime()
		if s.Asked == astertest.AskedNothing {
			begin = begin.Add(-before)
		}
		time.Sleep(time.Until(begin)) // virtual
		v := openVenue(t, venueSetup{bubble: true, sign: s.Asked == astertest.AskedAccount, exchange: scenarioMarket()})
		var source marketdata.Source = v.source(t, aster.SourceConfig{})
		if s.Asked == astertest.AskedNothing {
			source = v.listen(t, source.(*aster.Source), before)
		}
		require.NoError(t, s.Script(v.exchange, venueWallet))
		if s.Asked == astertest.AskedNothing {
			v.advance(2 * time.Minute)
		}
		look(t, s, v, source)
	})
}

// scenarioMarket has the scenarios' symbols alone.
func scenarioMarket() astertest.Config {
	return astertest.Config{Assets: marketdata.SimAssets()[:len(astertest.ScenarioSymbols())], StreamStep: 5 * time.Second}
}

// listen starts streams of the scenarios' symbols.
func (v *venue) listen(t *testing.T, source *aster.Source, lasting time.Duration) *aster.Live {
	t.Helper()
	live, err := aster.NewLive(source, aster.LiveConfig{Symbols: astertest.ScenarioSymbols(), Intervals: []marketdata.Interval{marketdata.Interval1m, marketdata.Interval1h, marketdata.Interval4h}})
	require.NoError(t, err)
	t.Cleanup(live.Close)
	v.advance(lasting)
	return live
}

// advance lets time pass, and streams report it.
func (v *venue) advance(d time.Duration) {
	const step = 5 * time.Second
	for range d / step {
		time.Sleep(step) // virtual
		v.exchange.Advance(0)
	}
}

func scenarioAtTheClient(t *testing.T, s astertest.Scenario, v *venue, _ marketdata.Source) {
	t.Helper()
	want := s.Expect
	ctx, cancel := context.WithTimeout(t.Context(), astertest.ScenarioDeadline)
	defer cancel()
	var err error
	switch s.Asked {
	case astertest.AskedCandles:
		_, err = v.client.Klines(ctx, astertest.ScenarioSymbols()[0], marketdata.Interval1h, 10, time.Time{})
	case astertest.AskedAccount:
		_, err = v.accounts(t, astertest.ScenarioSymbols()...).Account(ctx)
	case astertest.AskedNothing:
		return
	}
	var failure *aster.Error
	switch {
	case want.Deadline:
		require.ErrorIs(t, err, context.DeadlineExceeded)
	case want.Fails:
		require.ErrorIs(t, err, aster.ErrHedgeMode)
	case want.Kind == "":
		require.NoError(t, err)
	default:
		require.ErrorAs(t, err, &failure)
		require.Equal(t, want.Kind, string(failure.Kind), "%v", err)
		require.Equal(t, want.Status, failure.Status, "%v", err)
		require.Equal(t, want.Code, failure.Code, "%v", err)
		require.Equal(t, want.Wait, failure.RetryAfter().Round(time.Second), "%v", err)
		require.Equal(t, want.Retryable, failure.Retryable())
	}
}

func scenarioInASnapshot(t *testing.T, s astertest.Scenario, v *venue, source marketdata.Source) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), astertest.ScenarioDeadline)
	defer cancel()
	q := marketdata.Query{Symbols: astertest.ScenarioSymbols(), Intervals: []marketdata.Interval{marketdata.Interval1h, marketdata.Interval4h}}
	if s.Asked == astertest.AskedNothing {
		q.Intervals = append(q.Intervals, marketdata.Interval1m)
	}
	begun := time.Now()
	snap, err := source.Snapshot(ctx, q)
	if s.Expect.Deadline {
		require.ErrorIs(t, err, context.DeadlineExceeded)
		return
	}
	require.NoError(t, err)
	twin := scenarioMarket()
	twin.Now, twin.Listener = time.Now, newPipes()
	newTruth(t, twin).requireTrue(s.Name, q, snap, begun, time.Now(), max(0, -v.client.Usage().ServerOffset))
	for _, symbol := range q.Symbols {
		if slices.Contains(s.Expect.Missing, symbol) {
			require.Equal(t, s.Expect.Reason, snap.Failures[symbol].Reason, "%v", snap.Failures[symbol])
			continue
		}
		require.Contains(t, snap.Assets, symbol, "%v", snap.Failures[symbol])
		said := strings.Join(snap.Assets[symbol].Degraded, "; ")
		require.Contains(t, said, s.Expect.Degraded)
		require.Equal(t, s.Expect.Degraded == "", said == "", said)
	}
	if live, ok := source.(*aster.Live); ok {
		require.Equal(t, strings.Contains(s.Expect.Note, "by requests"), live.Stats().FromMemory == 0, "%+v", live.Stats())
	}
}

func scenarioInADecision(t *testing.T, s astertest.Scenario, _ *venue, source marketdata.Source) {
	t.Helper()
	symbols := astertest.ScenarioSymbols()
	res, err := decideAt(t, source, symbols)
	if len(s.Expect.Missing) == len(symbols) {
		require.ErrorIs(t, err, decision.ErrNoMarket)
		require.ErrorContains(t, err, "Insufficient market data")
		return
	}
	require.NoError(t, err)
	require.Equal(t, decision.OriginFallback, res.Origin)
	for _, d := range res.Decision.Decisions {
		missing := slices.Contains(s.Expect.Missing, d.Asset)
		require.Equal(t, missing, strings.Contains(d.Rationale, "no market data"), d.Rationale)
		require.NotEqual(t, missing, strings.Contains(d.Rationale, "risk score"), d.Rationale)
	}
	require.Equal(t, s.Expect.Degraded != "", strings.Contains(strings.Join(res.Degraded, "; "), s.Expect.Degraded) && s.Expect.Degraded != "")
}

func TestScenariosOfTheExchangeCoverEveryKind(t *testing.T) {
	t.Parallel()
	played, names := map[string]bool{}, map[string]bool{}
	for _, s := range astertest.Scenarios() {
		require.False(t, names[s.Name], "%s is there twice", s.Name)
		require.NotEmpty(t, s.What)
		names[s.Name] = true
		for _, f := range s.Faults {
			played[string(f.Kind)] = true
		}
	}
	file, err := parser.ParseFile(token.NewFileSet(), "marketdata/astertest/fault.go", nil, 0)
	require.NoError(t, err)
	kinds := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == "Kind" {
			kinds++
			kind, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			require.True(t, played[kind], "no scenario has a fault of kind %s", kind)
		}
		return true
	})
	require.Len(t, played, kinds)
}
