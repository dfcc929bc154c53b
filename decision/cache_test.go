package decision_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

func TestNewCacheNamesEveryProblemAndItsBound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg  decision.CacheConfig
		want []string
	}{
		"defaults": {decision.CacheConfig{}, nil},
		"smallest": {decision.CacheConfig{TTL: time.Second, MaxEntries: 1}, nil},
		"largest":  {decision.CacheConfig{TTL: 24 * time.Hour, MaxEntries: 100_000}, nil},
		"too low": {decision.CacheConfig{TTL: -time.Second, MaxEntries: -1}, []string{
			"decision: cache: TTL must be between 1s and 24h0m0s, was -1s",
			"decision: cache: MaxEntries must be between 1 and 100000, was -1",
		}},
		"too high": {decision.CacheConfig{TTL: 25 * time.Hour, MaxEntries: 100_001}, []string{
			"decision: cache: TTL must be between 1s and 24h0m0s, was 25h0m0s",
			"decision: cache: MaxEntries must be between 1 and 100000, was 100001",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cache, err := decision.NewCache(c.cfg)
			if c.want == nil {
				require.NoError(t, err)
				require.Zero(t, cache.Stats())
				return
			}
			var problems *decision.ConfigError
			require.ErrorAs(t, err, &problems)
			require.Equal(t, strings.Join(c.want, "\n"), err.Error())
		})
	}
}

func TestAHitIsJudgedAndRecordedAgain(t *testing.T) {
	t.Parallel()
	c := newClock()
	b := newCacheBench(t, c.now, decision.CacheConfig{})
	first := b.must(t, request())
	require.False(t, first.Cached)
	require.Equal(t, 100, first.Usage.PromptTokens)

	c.forward(2*time.Minute + 10*time.Second)
	hit := b.must(t, request())
	b.requireAsked(t, 1, "the second is answered from memory")
	require.True(t, hit.Cached)
	require.Equal(t, decision.OriginModel, hit.Origin)
	require.Equal(t, "the model answered 2m10s ago", hit.Reason)
	require.Equal(t, "test/model", hit.Model)
	require.Zero(t, hit.Usage, "nothing was spent")
	require.Empty(t, hit.Tried, "nobody was asked")
	require.NotEqual(t, first.ID, hit.ID)
	require.Equal(t, c.now(), hit.At)
	require.Equal(t, c.now(), hit.Decision.Timestamp)
	require.Equal(t, first.Decision.Decisions, hit.Decision.Decisions)

	require.Len(t, b.records, 2)
	asked, rec := b.records[0], b.records[1]
	require.Equal(t, asked.Proposal, rec.Proposal)
	require.Equal(t, asked.Assessments, rec.Assessments)
	require.Len(t, rec.Assessments, 1)
	require.Zero(t, rec.Request)
	require.Empty(t, rec.Responses)
	require.Empty(t, rec.Normalised)
	replayed := decision.DefaultRules().Gate(rec.Input, rec.Proposal)
	require.Equal(t, hit.Decision.Decisions, replayed.Kept, "the record alone gives the same decision")
	require.Equal(t, decision.CacheStats{Hits: 1, Misses: 1, Entries: 1}, b.cache.Stats())
}

func TestAModelsProposalIsServedUntilTTLPasses(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]struct {
		ttl, age time.Duration
		cached   bool
	}{
		"just before the default": {0, 300*time.Second - 1, true},
		"at the default":          {0, 300 * time.Second, false},
		"just before its own":     {10 * time.Second, 10*time.Second - 1, true},
		"at its own":              {10 * time.Second, 10 * time.Second, false},
		"the clock went back":     {0, -1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			b := newCacheBench(t, c.now, decision.CacheConfig{TTL: s.ttl})
			b.must(t, request())
			c.forward(s.age)
			require.Equal(t, s.cached, b.must(t, request()).Cached)
			require.Equal(t, 1, b.cache.Stats().Entries, "what has expired is replaced")
			require.Zero(t, b.cache.Stats().Moved)
		})
	}
}

// replacingATR is our kernels' indicators with another ATR 14 of the 1 h candles.
func replacingATR(tb testing.TB, atr float64) decision.Indicators {
	tb.Helper()
	kernels, err := indicator.NewCache(nil, indicator.CacheConfig{})
	require.NoError(tb, err)
	return indicatorFunc(func(ctx context.Context, snap marketdata.Snapshot) (indicator.Values, error) {
		values, err := kernels.Indicate(ctx, snap)
		for _, sets := range values.Sets {
			set := sets[marketdata.Interval1h]
			set.ATR14 = slices.Clone(set.ATR14)
			set.ATR14[len(set.ATR14)-1] = atr
			sets[marketdata.Interval1h] = set
		}
		return values, err
	})
}

func TestAProposalIsServedOnlyNearThePriceThatItWasMadeAt(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]struct {
		atr    decision.Indicators
		price  string
		cached bool
	}{
		"0.5 % above":                    {replacingATR(t, 0.8), "100.5", true},
		"0.5 % below":                    {replacingATR(t, 0.8), "99.5", true},
		"more than 0.5 % above":          {replacingATR(t, 0.8), "100.500001", false},
		"more than 0.5 % below":          {replacingATR(t, 0.8), "99.499999", false},
		"half an ATR above":              {replacingATR(t, 4), "102", true},
		"half an ATR below":              {replacingATR(t, 4), "98", true},
		"more than half an ATR above":    {replacingATR(t, 4), "102.000001", false},
		"more than half an ATR below":    {replacingATR(t, 4), "97.999999", false},
		"an ATR that is not known":       {replacingATR(t, math.NaN()), "100.6", false},
		"an ATR that is infinite":        {replacingATR(t, math.Inf(1)), "100.6", false},
		"an ATR that cannot be":          {replacingATR(t, -4), "100.5", true},
		"an ATR that cannot be, farther": {replacingATR(t, -4), "100.6", false},
		"no indicators at all": {indicatorFunc(func(context.Context, marketdata.Snapshot) (indicator.Values, error) {
			return indicator.Values{}, errors.New("none")
		}), "100.6", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			b := newCacheBench(t, c.now, decision.CacheConfig{})
			b.cfg.Indicators = s.atr
			b.must(t, request())
			b.price = s.price
			b.model(failing(errors.New("down"))) // so that nothing is remembered from here on
			require.Equal(t, s.cached, b.must(t, request()).Cached)
			if s.cached {
				require.Zero(t, b.cache.Stats().Moved)
				return
			}
			require.EqualValues(t, 1, b.cache.Stats().Moved)
			b.price = "100"
			require.False(t, b.must(t, request()).Cached, "the price came back, what was made before it left did not")
		})
	}
}

// indicatorFunc is a provider that is a function.
type indicatorFunc func(context.Context, marketdata.Snapshot) (indicator.Values, error)

func (f indicatorFunc) Indicate(ctx context.Context, snap marketdata.Snapshot) (indicator.Values, error) {
	return f(ctx, snap)
}

// circuitError is a breaker that lets nothing through.
type circuitError struct{ probe time.Duration }

func (e circuitError) Error() string             { return "circuit open" }
func (e circuitError) Circuit() string           { return "open" }
func (e circuitError) RetryAfter() time.Duration { return e.probe }

func TestAFallbackIsServedUntilTheNextProbe(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]struct {
		probe, age time.Duration
		cached     bool
	}{
		"just before the probe":          {20 * time.Second, 20*time.Second - 1, true},
		"at the probe":                   {20 * time.Second, 20 * time.Second, false},
		"a distant probe, within 60 s":   {5 * time.Minute, 60*time.Second - 1, true},
		"a distant probe, after 60 s":    {5 * time.Minute, 60 * time.Second, false},
		"no probe":                       {0, 0, false},
		"a probe that cannot be":         {-time.Second, 0, false},
		"a cache that remembers shorter": {5 * time.Minute, 30 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			cfg := decision.CacheConfig{}
			if name == "a cache that remembers shorter" {
				cfg.TTL = 30 * time.Second
			}
			b := newCacheBench(t, c.now, cfg)
			b.model(failing(circuitError{s.probe}))
			first := b.must(t, request())
			require.Equal(t, decision.OriginFallback, first.Origin)
			c.forward(s.age)
			res := b.must(t, request())
			require.Equal(t, s.cached, res.Cached)
			require.Equal(t, decision.OriginFallback, res.Origin, "a fallback is never reported as the model's")
			require.Equal(t, "circuit open", b.records[1].ModelError)
			require.Contains(t, res.Degraded, "model: circuit open")
			if s.cached {
				require.Equal(t, fmt.Sprintf("circuit open (%s ago)", s.age.Truncate(time.Second)), res.Reason)
				require.Equal(t, s.probe-s.age, res.ProbeIn)
				require.Equal(t, "open", res.Circuit)
				require.Equal(t, b.records[0].Proposal, b.records[1].Proposal)
				b.requireAsked(t, 1, "until the probe nobody is asked")
			}
		})
	}
}

func TestWhatMustNotBeRememberedIsNot(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*cacheBench){
		"a hold that nobody proposed": func(b *cacheBench) {
			b.cfg.Scorer = nil
			b.model(llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
				return llm.Response{}, circuitError{time.Minute}
			}))
		},
		"what the gate refused in part": func(b *cacheBench) {
			b.model(answering(answer(t, dt.Buy("BTCUSDT", "500"), dt.Buy("ETHUSDT", "9999999"))))
		},
		"what a hanging rule might have refused": func(b *cacheBench) {
			b.cfg.Rules = decision.Rules{hostRule{check: func(decision.Proposal) []decision.Violation { panic("host bug") }}}
		},
		"what was not recorded": func(b *cacheBench) {
			b.cfg.Store = decision.StoreFunc(func(context.Context, decision.Record) error { return errors.New("disk full") })
		},
		"what is larger than 64 KiB": func(b *cacheBench) {
			long := dt.Act("ETHUSDT", decision.ActionHold)
			long.Rationale = strings.Repeat("a", 65<<10)
			b.cfg.Scorer = decision.ScorerFunc(func(context.Context, decision.Input) (decision.Proposal, error) { return dt.Propose(long), nil })
			b.model(llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
				return llm.Response{}, circuitError{time.Minute}
			}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newCacheBench(t, newClock().now, decision.CacheConfig{})
			spoil(b)
			for i := range 2 {
				res, err := b.decide(t, request())
				require.Equal(t, name == "what was not recorded", errors.Is(err, decision.ErrUnrecorded))
				require.False(t, res.Cached)
				b.requireAsked(t, i+1, "asked each time")
			}
			require.Equal(t, decision.CacheStats{Misses: 2}, b.cache.Stats())
		})
	}
}

func TestAProposalThatTheGateRefusesLaterIsForgotten(t *testing.T) {
	t.Parallel()
	b := newCacheBench(t, newClock().now, decision.CacheConfig{})
	b.must(t, request())
	poor := request()
	poor.Account.AvailableUSD = dt.D("10")
	res := b.must(t, poor)
	require.True(t, res.Cached, "what is available is not part of the question")
	require.Equal(t, "available_capital", res.Refused[0].Violations[0].Rule)
	require.Equal(t, decision.ActionHold, res.Decision.Decisions[0].Action)
	require.Zero(t, b.cache.Stats().Entries)
	require.False(t, b.must(t, request()).Cached)
}

func TestAKillSwitchIsStrongerThanTheCache(t *testing.T) {
	t.Parallel()
	halt := &decision.Halt{Reason: "test", At: dt.At()}
	for name, throw := range map[string]func(*cacheBench, *decision.Request){
		"request": func(_ *cacheBench, r *decision.Request) { r.Halted = true },
		"account": func(_ *cacheBench, r *decision.Request) { r.Account.Halted = true },
		"halts": func(b *cacheBench, _ *decision.Request) {
			b.cfg.Halts = decision.HaltsFunc(func(context.Context, string) (*decision.Halt, error) { return halt, nil })
		},
		"halts, thrown after the hit": func(b *cacheBench, _ *decision.Request) {
			asked := 0
			b.cfg.Halts = decision.HaltsFunc(func(context.Context, string) (*decision.Halt, error) {
				if asked++; asked == 1 {
					return nil, nil //nolint:nilnil // no halt is on
				}
				return halt, nil
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newCacheBench(t, newClock().now, decision.CacheConfig{})
			require.Equal(t, decision.ActionBuy, b.must(t, request()).Decision.Decisions[0].Action)
			req := request()
			throw(b, &req)
			res := b.must(t, req)
			require.Equal(t, name == "halts, thrown after the hit", res.Cached)
			require.Equal(t, decision.ActionHold, res.Decision.Decisions[0].Action)
			require.Equal(t, "halted", res.Refused[0].Violations[0].Rule)
			require.True(t, res.Decision.TotalAllocationUSD.IsZero())
		})
	}
}

func TestARememberedCloseSurvivesAHaltThrownAfterTheHit(t *testing.T) {
	t.Parallel()
	b := newCacheBench(t, newClock().now, decision.CacheConfig{})
	b.model(answering(buyAndClose(t)))
	b.cfg.Halts = &toggle{answer: func(_ context.Context, asked int32) (*decision.Halt, error) {
		if asked < 4 { // twice for the first decision, once before the hit
			return nil, nil //nolint:nilnil // no halt is on
		}
		return &decision.Halt{Reason: "test", At: dt.At()}, nil
	}}
	require.Empty(t, b.must(t, holding()).Refused)
	res := b.must(t, holding())
	require.True(t, res.Cached)
	requireOnlyTheClose(t, res)
}

func TestWhoeverForcesARefreshAsksAnewAndIsRemembered(t *testing.T) {
	t.Parallel()
	b := newCacheBench(t, newClock().now, decision.CacheConfig{})
	b.must(t, request())
	b.model(answering(answer(t, dt.Sell("BTCUSDT", "700"), dt.Act("ETHUSDT", decision.ActionHold))))
	forced := request()
	forced.ForceRefresh = true
	require.False(t, b.must(t, forced).Cached)
	b.requireAsked(t, 2, "the cache is not read")
	res := b.must(t, request())
	require.True(t, res.Cached)
	require.Equal(t, decision.ActionSell, res.Decision.Decisions[0].Action, "the cache is written")

	b.model(answering(answer(t, dt.Buy("BTCUSDT", "9999999"), dt.Act("ETHUSDT", decision.ActionHold))))
	require.NotEmpty(t, b.must(t, forced).Refused)
	require.False(t, b.must(t, request()).Cached, "a newer proposal was refused: the older one does not come back")
}
