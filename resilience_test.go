package ballast_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/breaker"
	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/fallback"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/llm/openrouter"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/secret"
	"github.com/ballast-go/ballast/store/memory"
)

var resilientSymbols = []string{"BTCUSDT", "ETHUSDT"}

// quietMarket answers for the clock at hand with one fixed run of candles, so
// that thousands of decisions cost little.
func quietMarket(tb testing.TB, now func() time.Time) decision.MarketSource {
	tb.Helper()
	sim, err := marketdata.NewSim(marketdata.SimConfig{Now: now})
	require.NoError(tb, err)
	var mu sync.Mutex
	var snap marketdata.Snapshot
	var taken time.Time
	return marketdata.SourceFunc(func(ctx context.Context, _ marketdata.Query) (marketdata.Snapshot, error) {
		mu.Lock()
		defer mu.Unlock()
		if at := now(); taken.IsZero() || at.Sub(taken) > 20*time.Second {
			full := marketdata.Query{Symbols: resilientSymbols, Intervals: []marketdata.Interval{"1h", "4h"}}
			var err error
			if snap, err = sim.Snapshot(ctx, full); err != nil {
				return snap, err
			}
			taken = at
		}
		return snap.Clone(), nil
	})
}

func resilientEngine(tb testing.TB, model llm.Client, now func() time.Time) *decision.Engine {
	tb.Helper()
	e, err := decision.New(decision.Config{
		Market: quietMarket(tb, now), LLM: model, Scorer: fallback.New(fallback.Config{}), Store: memory.NewSized(memory.Config{MaxRecords: 100}), Now: now,
	})
	require.NoError(tb, err)
	return e
}

// virtual is the clock of a synctest bubble, which begins in 2000, in a year
// that the simulator knows.
func virtual() time.Time { return time.Now().AddDate(26, 0, 0) }

func resilientRequest() decision.Request {
	balance := decimal.NewFromInt(10_000)
	return decision.Request{
		Account: decision.Account{ID: "a", BalanceUSD: balance, AvailableUSD: balance, Leverage: decimal.NewFromInt(2), MaxPositionSizeUSD: balance},
		Symbols: resilientSymbols,
	}
}

// holdBoth is an answer that holds both assets.
func holdBoth(tb testing.TB) string {
	tb.Helper()
	d := decision.Decision{PortfolioRationale: "Nothing is clear.", PortfolioRiskLevel: decision.RiskLow}
	for _, s := range resilientSymbols {
		d.Decisions = append(d.Decisions, decision.AssetDecision{
			Asset: s, Action: decision.ActionHold, Rationale: "Wait.", Confidence: decimal.NewFromInt(60), RiskLevel: decision.RiskLow,
		})
	}
	text, err := json.Marshal(d)
	require.NoError(tb, err)
	return string(text)
}

func TestAHangingProviderOpensTheCircuitAndOneProbeClosesIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		var healthy atomic.Bool
		text := holdBoth(t)
		policy, err := breaker.New(breaker.Config{Name: "model"})
		require.NoError(t, err)
		e := resilientEngine(t, llm.ClientFunc(breaker.Wrap(policy, func(ctx context.Context, _ llm.Request) (llm.Response, error) {
			calls.Add(1)
			if !healthy.Load() {
				<-ctx.Done()
				return llm.Response{}, ctx.Err()
			}
			time.Sleep(time.Second) // virtual
			return llm.Response{Model: "m", Content: text, FinishReason: llm.FinishStop}, nil
		})), virtual)

		for range 3 {
			started := time.Now()
			res, err := e.Decide(t.Context(), resilientRequest())
			require.NoError(t, err)
			require.Equal(t, decision.OriginFallback, res.Origin)
			require.LessOrEqual(t, time.Since(started), 30*time.Second)
			synctest.Wait() // the breaker counts at the very moment at which the engine gave up
		}
		made := calls.Load()
		started := time.Now()
		res, err := e.Decide(t.Context(), resilientRequest())
		require.NoError(t, err)
		require.Equal(t, decision.OriginFallback, res.Origin)
		require.Zero(t, time.Since(started), "nobody waits for a provider that is down")
		require.Equal(t, "open", res.Circuit)
		require.Equal(t, 300*time.Second, res.ProbeIn)
		require.Equal(t, made, calls.Load())

		time.Sleep(300*time.Second + time.Millisecond) // virtual
		healthy.Store(true)
		var byModel atomic.Int64
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				res, err := e.Decide(t.Context(), resilientRequest())
				if err != nil {
					t.Error(err)
				}
				if res.Origin == decision.OriginModel {
					byModel.Add(1)
				}
			})
		}
		wg.Wait()
		require.Equal(t, made+1, calls.Load(), "exactly one probe")
		require.EqualValues(t, 1, byModel.Load())
		require.Equal(t, breaker.PhaseClosed, policy.Stats().State)

		res, err = e.Decide(t.Context(), resilientRequest())
		require.NoError(t, err)
		require.Equal(t, decision.OriginModel, res.Origin)
		require.NoError(t, e.Close(t.Context()))
		require.NoError(t, policy.Close(t.Context()))
	})
}

// chaos is a provider that does something else each time, from a seed.
type chaos struct {
	mu   sync.Mutex
	rand *rand.Rand
	good string
}

func (c *chaos) draw(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rand.IntN(n)
}

func (c *chaos) Complete(ctx context.Context, req llm.Request) (llm.Response, error) {
	if wait := c.draw(20); wait > 0 {
		select {
		case <-time.After(time.Duration(wait) * time.Second): // virtual
		case <-ctx.Done():
			return llm.Response{}, ctx.Err()
		}
	}
	kinds := []llm.Kind{llm.KindServer, llm.KindTransport, llm.KindTimeout, llm.KindRateLimited, llm.KindMalformed, llm.KindConfig, llm.KindForbidden}
	answers := []string{c.good, c.good, c.good, "no", c.good + c.good, "```json\n" + c.good + "\n```", `{"decisions":[`, "", "<think>" + c.good, "\xff"}
	reasons := []llm.FinishReason{llm.FinishStop, llm.FinishStop, llm.FinishStop, llm.FinishLength, llm.FinishContentFilter, llm.FinishToolCalls, ""}
	switch c.draw(5) {
	case 0:
		kind := kinds[c.draw(len(kinds))]
		if kind == llm.KindForbidden && c.draw(50) > 0 { // opens the circuit at once, which would end most of the test
			kind = llm.KindServer
		}
		return llm.Response{}, &llm.Error{Kind: kind, Status: 500, Wait: time.Duration(c.draw(60)) * time.Second}
	case 1:
		switch c.draw(4) {
		case 0:
			panic("provider bug")
		case 1:
			runtime.Goexit()
		case 2:
			time.Sleep(time.Duration(c.draw(120)) * time.Second) // ignores its context
		default:
			<-ctx.Done()
		}
		return llm.Response{}, ctx.Err()
	}
	return llm.Response{Model: req.Model, Content: answers[c.draw(len(answers))], FinishReason: reasons[c.draw(len(reasons))]}, nil
}

// resilientModel is two models, each behind a breaker, tried in order.
func resilientModel(tb testing.TB, provider llm.Client) (llm.Client, func()) {
	tb.Helper()
	var hops []llm.Hop
	var policies []*breaker.Policy
	for _, name := range []string{"first", "second"} {
		policy, err := breaker.New(breaker.Config{Name: name, AttemptTimeout: 8 * time.Second, Timeout: 14 * time.Second, RecoveryTimeout: 20 * time.Second, Cooldown: 5 * time.Second, MaxAbandoned: 1000})
		require.NoError(tb, err)
		policies = append(policies, policy)
		hops = append(hops, llm.Hop{Model: name, Client: llm.ClientFunc(breaker.Wrap(policy, provider.Complete))})
	}
	failover, err := llm.NewFailover(llm.FailoverConfig{Hops: hops})
	require.NoError(tb, err)
	return failover, func() {
		for _, p := range policies {
			require.NoError(tb, p.Close(tb.Context()))
		}
	}
}

func TestAThousandDecisionsAgainstAProviderThatMisbehavesAtRandom(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // fails when a goroutine is left
				model, closeModel := resilientModel(t, &chaos{rand: rand.New(rand.NewPCG(seed, 1)), good: holdBoth(t)}) //nolint:gosec // a seed is wanted
				e := resilientEngine(t, model, virtual)
				var byModel, byFallback, running, most atomic.Int64
				var wg sync.WaitGroup
				for n := range 1000 {
					wg.Go(func() {
						time.Sleep(time.Duration(n) * time.Millisecond) // virtual: all are under way within a second
						started := time.Now()
						if now := running.Add(1); now > most.Load() {
							most.Store(now)
						}
						res, err := e.Decide(t.Context(), resilientRequest())
						running.Add(-1)
						if took := time.Since(started); took > 30*time.Second {
							t.Errorf("took %s", took)
						}
						if err != nil {
							t.Errorf("decision %d: %v", n, err)
						}
						switch res.Origin {
						case decision.OriginModel:
							byModel.Add(1)
						case decision.OriginFallback:
							byFallback.Add(1)
						case decision.OriginHold:
							t.Error("nobody decided")
						}
					})
				}
				wg.Wait()
				t.Logf("%d by the model, %d by the fallback, at most %d at once", byModel.Load(), byFallback.Load(), most.Load())
				require.Greater(t, byModel.Load(), int64(10), "else the test proves little")
				require.Greater(t, byFallback.Load(), int64(50))
				require.Greater(t, most.Load(), int64(500))
				require.NoError(t, e.Close(t.Context()))
				closeModel()
			})
		})
	}
}

// Not parallel: it weighs the heap.
func TestMemoryStaysFlatOverAHundredThousandCalls(t *testing.T) { //nolint:paralleltest // see above
	draw := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // a seed is wanted
	var mu sync.Mutex
	calls, failed, opened := 0, 0, uint64(0)
	model, policies := quickModel(t, llm.ClientFunc(func(_ context.Context, req llm.Request) (llm.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		calls++
		switch draw.IntN(8) {
		case 0, 1, 2, 3:
			return llm.Response{}, &llm.Error{Kind: llm.KindServer, Status: 500 + calls%50, Message: fmt.Sprint("call ", calls)}
		case 4:
			return llm.Response{}, &llm.Error{Kind: llm.KindConfig, Status: 400, Message: fmt.Sprint("call ", calls)}
		case 5:
			panic(fmt.Sprint("call ", calls))
		}
		return llm.Response{Model: req.Model, Content: fmt.Sprint("call ", calls), FinishReason: llm.FinishStop}, nil
	}))
	run := func(n int) uint64 {
		for calls = 0; calls < n; {
			if _, err := model.Complete(t.Context(), llm.Request{}); err != nil {
				var all *llm.FailoverError
				require.ErrorAs(t, err, &all)
				failed++
				for _, p := range policies {
					p.Reset() // time does not pass here
				}
			}
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := run(10_000)
	after := run(100_000)
	for _, p := range policies {
		opened += p.Stats().Opened
		require.NoError(t, p.Close(t.Context()))
	}
	t.Logf("heap after 10,000 calls %d kB, after 110,000 %d kB; %d requests failed, circuits opened %d times", before>>10, after>>10, failed, opened)
	require.Greater(t, failed, 1000, "else the test proves little")
	require.Greater(t, opened, uint64(100))
	require.Less(t, after, before+512<<10)
}

// quickModel is two models behind breakers that wait for nothing.
func quickModel(t *testing.T, provider llm.Client) (llm.Client, []*breaker.Policy) {
	t.Helper()
	var hops []llm.Hop
	var policies []*breaker.Policy
	for _, name := range []string{"first", "second"} {
		policy, err := breaker.New(breaker.Config{Name: name, FirstDelay: time.Nanosecond, MaxDelay: time.Nanosecond, Cooldown: time.Nanosecond})
		require.NoError(t, err)
		policies = append(policies, policy)
		hops = append(hops, llm.Hop{Model: name, Client: llm.Trace(llm.ClientFunc(breaker.Wrap(policy, provider.Complete)))})
	}
	failover, err := llm.NewFailover(llm.FailoverConfig{Hops: hops})
	require.NoError(t, err)
	return failover, policies
}

// The same on real sockets and a real clock, with short settings.
func TestCircuitAgainstARealHangingServer(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, llmtest.Hang(), llmtest.Hang(), llmtest.Answer(holdBoth(t)))
	client, err := openrouter.New(openrouter.Config{
		APIKey: secret.New("sk-or-v1-0123456789abcdef"), BaseURL: server.URL(), Model: "m", Dialect: openrouter.OpenRouter(), AllowedModels: []string{llmtest.ScenarioModel},
	})
	require.NoError(t, err)
	defer client.CloseIdleConnections()
	policy, err := breaker.New(breaker.Config{
		Name: "m", AttemptTimeout: 50 * time.Millisecond, Timeout: 200 * time.Millisecond, Attempts: 1, FailureThreshold: 2, RecoveryTimeout: 300 * time.Millisecond,
	})
	require.NoError(t, err)
	e := resilientEngine(t, llm.ClientFunc(breaker.Wrap(policy, client.Complete)), time.Now)
	for range 2 {
		res, err := e.Decide(t.Context(), resilientRequest())
		require.NoError(t, err)
		require.Equal(t, decision.OriginFallback, res.Origin)
	}
	asked := len(server.Requests())
	res, err := e.Decide(t.Context(), resilientRequest())
	require.NoError(t, err)
	require.Equal(t, "open", res.Circuit)
	require.Len(t, server.Requests(), asked, "the server was left alone")

	require.Eventually(t, func() bool {
		res, err := e.Decide(t.Context(), resilientRequest())
		return err == nil && res.Origin == decision.OriginModel
	}, 10*time.Second, 20*time.Millisecond)
	require.Equal(t, breaker.PhaseClosed, policy.Stats().State)
	require.NoError(t, e.Close(t.Context()))
	require.NoError(t, policy.Close(t.Context()))
}
