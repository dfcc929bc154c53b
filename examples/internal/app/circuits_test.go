package app_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/breaker"
	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/llm/llmtest"
)

const holding = `{"portfolio_rationale":"Nothing.","decisions":[{"asset":"BTCUSDT","rationale":"Wait.","action":"hold","allocation_usd":0,` +
	`"position_adjustment":null,"order_adjustment":null,"tp_price":null,"sl_price":null,"exit_plan":"None.","confidence":50,` +
	`"risk_level":"low"}],"total_allocation_usd":0,"portfolio_risk_level":"low"}`

// asking is the environment to ask a server once a call.
func asking(t *testing.T, server *llmtest.Server) map[string]string {
	t.Helper()
	return map[string]string{
		"OPENROUTER_API_KEY": "sk-1", "OPENROUTER_BASE_URL": server.URL(), "LLM_MODEL": "test/model", "LLM_MAX_RETRIES": "0",
		"DATA_DIR": filepath.Join(t.TempDir(), "data"),
	}
}

// decideOnce is one run of a program, some time after the tests began.
func decideOnce(t *testing.T, c config.Config, later time.Duration) (app.Outcome, []string) {
	t.Helper()
	a, err := app.New(app.Options{Config: c, AsOf: at(), AskModel: true, Now: func() time.Time { return at().Add(later) }})
	require.NoError(t, err)
	out, err := a.Decide(t.Context(), ask(c, "BTCUSDT"))
	require.NoError(t, err)
	require.NoError(t, a.Close(context.Background()))
	return out, a.Warnings()
}

// saved finds a circuit by the end of its name.
func saved(t *testing.T, c config.Config, suffix string) app.SavedCircuit {
	t.Helper()
	file, err := app.ReadCircuits(c.DataDir)
	require.NoError(t, err)
	for _, one := range file.Circuits {
		if strings.HasSuffix(one.State.Name, suffix) {
			return one
		}
	}
	require.Fail(t, "no such circuit", suffix)
	return app.SavedCircuit{}
}

func TestACircuitOutlivesItsRunAndSendsOneProbeWhenItIsDue(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, llmtest.Status(500, "a"), llmtest.Status(500, "b"), llmtest.Status(500, "c"), llmtest.Status(500, "probe"), llmtest.Answer(holding))
	env := asking(t, server)
	c := read(t, env)
	for i := range 3 {
		out, warnings := decideOnce(t, c, 0)
		require.Empty(t, warnings)
		require.Empty(t, out.Result.Circuit)
		require.Len(t, server.Requests(), i+1)
	}
	one := saved(t, c, "/test/model")
	require.Equal(t, breaker.PhaseOpen, one.State.Phase)
	require.EqualValues(t, 3, one.Total)
	require.EqualValues(t, 3, one.ConsecutiveFailures)
	require.EqualValues(t, 1, one.Opened)
	require.EqualValues(t, 3, one.Served)

	out, _ := decideOnce(t, c, 100*time.Second)
	require.Equal(t, decision.OriginFallback, out.Result.Origin)
	require.Equal(t, "open", out.Result.Circuit)
	require.InDelta(t, 200, out.Result.ProbeIn.Seconds(), 1)
	require.Equal(t, breaker.PhaseOpen, out.Circuits[0].State)
	require.Len(t, server.Requests(), 3, "no request is made while the circuit is open")
	require.EqualValues(t, 1, saved(t, c, "/test/model").Rejected)

	env["LLM_MAX_RETRIES"] = "9" // which a probe does not use
	c = read(t, env)
	out, _ = decideOnce(t, c, 301*time.Second)
	require.Equal(t, decision.OriginFallback, out.Result.Origin)
	require.Len(t, server.Requests(), 4, "exactly one probe")
	decideOnce(t, c, 302*time.Second)
	require.Len(t, server.Requests(), 4, "which failed")

	out, _ = decideOnce(t, c, 700*time.Second)
	require.Equal(t, decision.OriginModel, out.Result.Origin)
	require.Equal(t, breaker.PhaseClosed, out.Circuits[0].State)
	one = saved(t, c, "/test/model")
	require.Equal(t, breaker.PhaseClosed, one.State.Phase)
	require.Zero(t, one.ConsecutiveFailures)
	require.EqualValues(t, 5, one.Total)
	require.EqualValues(t, 4, one.Failures)
	require.EqualValues(t, 2, one.Rejected)
	require.Positive(t, one.LatencyP50)
}

func TestAnswersThatCannotBeUsedOpenASecondCircuitWhoseProbeMayBeRepaired(t *testing.T) {
	t.Parallel()
	var steps []llmtest.Step
	for range 7 { // three decisions with a repair each, and the probe
		steps = append(steps, llmtest.Answer("nonsense"))
	}
	server := llmtest.New(t, append(steps, llmtest.Answer(holding))...)
	c := read(t, asking(t, server))
	for range 3 {
		decideOnce(t, c, 0)
	}
	require.Len(t, server.Requests(), 6)
	require.Equal(t, breaker.PhaseOpen, saved(t, c, "(answers)").State.Phase)
	require.Equal(t, breaker.PhaseClosed, saved(t, c, "/test/model").State.Phase)

	out, _ := decideOnce(t, c, time.Second)
	require.Equal(t, "open", out.Result.Circuit)
	require.Contains(t, out.Result.Reason, "could not be decoded")
	require.Len(t, server.Requests(), 6)

	out, _ = decideOnce(t, c, 301*time.Second)
	require.Equal(t, decision.OriginModel, out.Result.Origin, out.Result.Reason)
	require.Len(t, out.Record.Responses, 2)
	require.Len(t, server.Requests(), 8)
	require.Equal(t, breaker.PhaseClosed, saved(t, c, "(answers)").State.Phase)
}

func TestEachModelIsJudgedByItsOwnAnswers(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, llmtest.Answer("nonsense"), llmtest.Answer("nonsense"), llmtest.Answer(holding))
	env := asking(t, server)
	env["LLM_FALLBACK_MODELS"] = "other/model"
	c := read(t, env)
	out, _ := decideOnce(t, c, 0)
	require.Equal(t, decision.OriginModel, out.Result.Origin, out.Result.Reason)
	require.Equal(t, "other/model", out.Result.Model)
	require.EqualValues(t, 1, saved(t, c, "/test/model (answers)").Failures)
	require.EqualValues(t, 1, saved(t, c, "/other/model (answers)").Successes)
	require.EqualValues(t, 2, saved(t, c, "/test/model").Successes, "as calls they succeeded")
}

func TestABrokenFileOfCircuitsIsAWarningAndAFreshStart(t *testing.T) {
	t.Parallel()
	const head = `{"format":"ballast-breakers","schema":1,"circuits":[`
	closed := `{"state":{"name":"a","phase":"closed","consecutive_failures":0},"saved_at":"2026-01-01T00:00:00Z"}`
	for name, text := range map[string]string{
		"nothing":          "",
		"half":             head,
		"another format":   `{"format":"x","schema":1,"circuits":[]}`,
		"another schema":   `{"format":"ballast-breakers","schema":2,"circuits":[]}`,
		"unknown member":   head + `],"x":1}`,
		"more behind":      head + `]} {}`,
		"no name":          head + strings.Replace(closed, `"a"`, `""`, 1) + `]}`,
		"a name twice":     head + closed + "," + closed + `]}`,
		"unknown phase":    head + strings.Replace(closed, `"closed"`, `"ajar"`, 1) + `]}`,
		"negative latency": head + strings.Replace(closed, `"saved_at"`, `"latency_p50_ns":-1,"saved_at"`, 1) + `]}`,
		"served too often": head + strings.Replace(closed, `"saved_at"`, `"served":2,"reported":1,"saved_at"`, 1) + `]}`,
		"a huge count":     head + strings.Replace(closed, `"saved_at"`, `"total":18446744073709551615,"saved_at"`, 1) + `]}`,
		"too many":         head + strings.Repeat(closed+",", 200) + closed + `]}`,
		"too large":        strings.Repeat(" ", 1<<20) + head + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := llmtest.New(t, llmtest.Answer(holding))
			c := read(t, asking(t, server))
			require.NoError(t, os.MkdirAll(c.DataDir, 0o750))
			require.NoError(t, os.WriteFile(app.CircuitsPath(c.DataDir), []byte(text), 0o600))
			_, err := app.ReadCircuits(c.DataDir)
			require.ErrorContains(t, err, "breakers.json")
			_, err = app.ResetCircuits(c.DataDir, "")
			require.Error(t, err)
			out, warnings := decideOnce(t, c, 0)
			require.Equal(t, decision.OriginModel, out.Result.Origin)
			require.Len(t, warnings, 1)
			require.Contains(t, warnings[0], "every circuit starts fresh")
			_, warnings = decideOnce(t, c, 0)
			require.Empty(t, warnings, "the file was written anew")
		})
	}
}

func TestACircuitThatCannotBeRestoredStartsFreshAlone(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, llmtest.Status(500, "x"))
	env := asking(t, server)
	c := read(t, env)
	decideOnce(t, c, 0)
	decideOnce(t, c, 0)
	path := app.CircuitsPath(c.DataDir)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	bad := strings.Replace(string(data), `"consecutive_failures": 2`, `"consecutive_failures": -2`, 1)
	require.NotEqual(t, string(data), bad)
	require.NoError(t, os.WriteFile(path, []byte(bad), 0o600))
	_, warnings := decideOnce(t, c, 0)
	require.Len(t, warnings, 1)
	require.Contains(t, warnings[0], "starts fresh")

	env["BREAKER_FAILURE_THRESHOLD"] = "1" // below what was counted
	_, warnings = decideOnce(t, read(t, env), 0)
	require.Empty(t, warnings)
	require.Equal(t, breaker.PhaseOpen, saved(t, c, "/test/model").State.Phase)
}

func TestCircuitsThatCannotBeSavedAreAWarningBesideTheDecision(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, llmtest.Answer(holding))
	env := asking(t, server)
	require.NoError(t, os.WriteFile(env["DATA_DIR"], nil, 0o600)) // a file where the folder belongs
	out, warnings := decideOnce(t, read(t, env), 0)
	require.Equal(t, decision.OriginModel, out.Result.Origin)
	require.NotEmpty(t, warnings)
	require.Contains(t, warnings[len(warnings)-1], "circuits were not saved")
}

func TestNothingIsKeptWithoutAModelOrInAReplay(t *testing.T) {
	t.Parallel()
	c := read(t, map[string]string{"DATA_DIR": filepath.Join(t.TempDir(), "data")})
	_, err := open(t, app.Options{Config: c, AsOf: at()}).Decide(t.Context(), ask(c, "BTCUSDT"))
	require.NoError(t, err)
	a := open(t, app.Options{Config: c, AsOf: at(), AskModel: true, Replay: strings.NewReader(`{"format":"ballast-llm","schema":1}` + "\n")})
	out, err := a.Decide(t.Context(), ask(c, "BTCUSDT"))
	require.NoError(t, err)
	require.Equal(t, decision.OriginFallback, out.Result.Origin)
	require.Contains(t, out.Result.Reason, "was not recorded")
	require.Len(t, a.Warnings(), 1)
	require.Empty(t, a.Warnings(), "each is told once")
	require.NoError(t, a.Close(context.Background()))
	_, err = os.Stat(c.DataDir)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestResetClosesTheCircuitsOfOneNameOrAll(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, llmtest.Status(500, "x"))
	env := asking(t, server)
	env["BREAKER_FAILURE_THRESHOLD"], env["LLM_FALLBACK_MODELS"] = "1", "b/c"
	c := read(t, env)
	decideOnce(t, c, 0)
	first := saved(t, c, "/test/model").State.Name
	done, err := app.ResetCircuits(c.DataDir, first)
	require.NoError(t, err)
	require.Equal(t, []string{first, first + " (answers)"}, done)
	require.Equal(t, breaker.PhaseClosed, saved(t, c, "/test/model").State.Phase)
	require.EqualValues(t, 1, saved(t, c, "/test/model").Failures, "the counts stay")
	require.Equal(t, breaker.PhaseOpen, saved(t, c, "/b/c").State.Phase)
	_, err = app.ResetCircuits(c.DataDir, "x")
	require.ErrorIs(t, err, app.ErrNoCircuit)
	done, err = app.ResetCircuits(c.DataDir, "")
	require.NoError(t, err)
	require.Len(t, done, 4)
	decideOnce(t, c, 0)
	require.Len(t, server.Requests(), 4, "both are asked again")
}

func TestDecisionsAtTheSameTimeCountOnceEach(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, llmtest.Answer(holding))
	c := read(t, asking(t, server))
	a := open(t, app.Options{Config: c, AsOf: at(), AskModel: true})
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			out, err := a.Decide(t.Context(), ask(c, "BTCUSDT"))
			if err != nil || out.Result.Origin != decision.OriginModel {
				t.Errorf("%v: %s", err, out.Result.Reason)
			}
		})
	}
	group.Wait()
	require.NoError(t, a.Close(context.Background()))
	one := saved(t, c, "/test/model")
	require.EqualValues(t, 16, one.Total)
	require.EqualValues(t, 16, one.Served)
	require.EqualValues(t, 16, one.Reported)
	require.EqualValues(t, 16, saved(t, c, "(answers)").Successes)
	require.Empty(t, a.Warnings())
}

func TestRunsThatShareAFileAddUp(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, llmtest.Answer(holding))
	env := asking(t, server)
	c := read(t, env)
	one := open(t, app.Options{Config: c, AsOf: at(), AskModel: true})
	env["LLM_MODEL"] = "other/model"
	two := open(t, app.Options{Config: read(t, env), AsOf: at(), AskModel: true})
	three := open(t, app.Options{Config: c, AsOf: at(), AskModel: true})
	for range 2 {
		for _, a := range []*app.App{one, two, three} {
			out, err := a.Decide(t.Context(), ask(c, "BTCUSDT"))
			require.NoError(t, err)
			require.Equal(t, decision.OriginModel, out.Result.Origin, out.Result.Reason)
		}
	}
	require.EqualValues(t, 4, saved(t, c, "/test/model").Total, "one and three")
	require.EqualValues(t, 4, saved(t, c, "/test/model").Served)
	require.EqualValues(t, 2, saved(t, c, "/other/model").Total)
}

func FuzzParseCircuits(f *testing.F) {
	state := `{"state":{"name":"a","phase":"open","consecutive_failures":0,"probe_at":"9999-12-31T23:59:59Z"},"saved_at":"2026-01-01T00:00:00Z","total":3}`
	for _, seed := range []string{"", "null", "{}", `{"format":"ballast-breakers","schema":1,"circuits":[` + state + `]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := app.ParseCircuits(data)
		if err != nil {
			return
		}
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(app.CircuitsPath(dir), data, 0o600))
		done, err := app.ResetCircuits(dir, "")
		require.NoError(t, err)
		require.Len(t, done, len(file.Circuits))
		again, err := app.ReadCircuits(dir)
		require.NoError(t, err, "what is written can be read")
		require.Len(t, again.Circuits, len(file.Circuits))
		for _, c := range again.Circuits {
			require.Equal(t, breaker.PhaseClosed, c.State.Phase)
		}
	})
}
