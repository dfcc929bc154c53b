package ballast_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/fallback"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
	"github.com/ballast-go/ballast/marketdata/indicator/cinar"
	"github.com/ballast-go/ballast/store/memory"
)

func benchNow() time.Time { return time.Date(2025, 10, 10, 22, 0, 0, 0, time.UTC) }

// host is an engine over a market that answers at once and a model that
// answers at once.
type host struct {
	engine *decision.Engine
	req    decision.Request
	input  decision.Input // of one decision
	answer string
}

func newHost(b *testing.B, assets int, indicators decision.Indicators, model bool) *host {
	b.Helper()
	sim, err := marketdata.NewSim(marketdata.SimConfig{Now: benchNow})
	require.NoError(b, err)
	var symbols []string
	for _, a := range marketdata.SimAssets()[:assets] {
		symbols = append(symbols, a.Symbol)
	}
	snap, err := sim.Snapshot(b.Context(), marketdata.Query{Symbols: symbols, Intervals: []marketdata.Interval{"1h", "4h"}})
	require.NoError(b, err)
	balance := decimal.NewFromInt(10_000)
	h := &host{req: decision.Request{
		Account: decision.Account{ID: "bench", BalanceUSD: balance, AvailableUSD: balance, Leverage: decimal.NewFromInt(2), MaxPositionSizeUSD: balance},
		Symbols: symbols,
	}}
	h.answer = benchAnswer(b, snap, symbols)
	cfg := decision.Config{
		Market:     marketdata.SourceFunc(func(context.Context, marketdata.Query) (marketdata.Snapshot, error) { return snap, nil }),
		Scorer:     fallback.New(fallback.Config{}), // scores by the engine's indicators
		Indicators: indicators, Store: memory.NewSized(memory.Config{MaxRecords: 1000}), Now: benchNow,
	}
	if model {
		cfg.LLM = llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
			return llm.Response{Model: "bench", Content: h.answer, FinishReason: llm.FinishStop}, nil
		})
	}
	h.engine, err = decision.New(cfg)
	require.NoError(b, err)
	res, err := h.engine.Decide(b.Context(), h.req)
	require.NoError(b, err)
	require.Empty(b, res.Refused)
	rec, err := cfg.Store.(*memory.Store).Record(b.Context(), res.ID)
	require.NoError(b, err)
	h.input = rec.Input
	return h
}

// benchAnswer enters three assets and holds the others.
func benchAnswer(b *testing.B, snap marketdata.Snapshot, symbols []string) string {
	b.Helper()
	d := decision.Decision{PortfolioRationale: "Momentum is mixed, so size stays small.", PortfolioRiskLevel: decision.RiskMedium}
	for i, s := range symbols {
		one := decision.AssetDecision{Asset: s, Action: decision.ActionHold, Rationale: "Nothing is clear here, and the stop would be too wide for what can be won.", RiskLevel: decision.RiskLow, Confidence: decimal.NewFromInt(60)}
		if i < 3 {
			tick := snap.Assets[s].Instrument.TickSize.Decimal
			last := snap.Assets[s].Quote.Last
			one.Action, one.AllocationUSD, one.ExitPlan = decision.ActionBuy, decimal.NewFromInt(1000), "Leave at the stop or the target."
			one.SLPrice = decimal.NewNullDecimal(last.Mul(decimal.New(97, -2)).Div(tick).Floor().Mul(tick))
			one.TPPrice = decimal.NewNullDecimal(last.Mul(decimal.New(108, -2)).Div(tick).Floor().Mul(tick))
		}
		d.Decisions = append(d.Decisions, one)
		d.TotalAllocationUSD = d.TotalAllocationUSD.Add(one.AllocationUSD)
	}
	text, err := json.Marshal(d)
	require.NoError(b, err)
	return string(text)
}

func decide(b *testing.B, h *host) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.engine.Decide(b.Context(), h.req); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, n := range []struct {
		name   string
		assets int
	}{{"3assets", 3}, {"10assets", 10}} {
		b.Run(n.name+"/model/kernels_cold", func(b *testing.B) {
			cold := indicator.ProviderFunc(func(ctx context.Context, m marketdata.Snapshot) (indicator.Values, error) {
				cache, err := indicator.NewCache(nil, indicator.CacheConfig{})
				if err != nil {
					return indicator.Values{}, err
				}
				return cache.Indicate(ctx, m)
			})
			decide(b, newHost(b, n.assets, cold, true))
		})
		b.Run(n.name+"/model/kernels_cached", func(b *testing.B) { decide(b, newHost(b, n.assets, nil, true)) })
		b.Run(n.name+"/model/cinar_cached", func(b *testing.B) { decide(b, newHost(b, n.assets, cinar.New(), true)) })
		b.Run(n.name+"/model/cinar_cold", func(b *testing.B) {
			cold := indicator.ProviderFunc(func(ctx context.Context, m marketdata.Snapshot) (indicator.Values, error) {
				return cinar.New().Indicate(ctx, m)
			})
			decide(b, newHost(b, n.assets, cold, true))
		})
		b.Run(n.name+"/fallback/cinar_cached", func(b *testing.B) { decide(b, newHost(b, n.assets, cinar.New(), false)) })
	}
}

func BenchmarkDecideConcurrently(b *testing.B) {
	h := newHost(b, 3, cinar.New(), true)
	b.SetParallelism(5) // ten callers on two cores
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := h.engine.Decide(context.Background(), h.req); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkGate(b *testing.B) {
	h := newHost(b, 10, cinar.New(), true)
	answer, err := decision.DecodeAnswer(llm.Response{Content: h.answer, FinishReason: llm.FinishStop}, h.req.Symbols)
	require.NoError(b, err)
	rules, p := decision.DefaultRules(), decision.Proposal{Decision: answer.Decision}
	b.ReportAllocs()
	for b.Loop() {
		if v := rules.Gate(h.input, p); len(v.Refused) > 0 {
			b.Fatal(v.Refused)
		}
	}
}

func BenchmarkEnvelope(b *testing.B) {
	h := newHost(b, 10, cinar.New(), true)
	rules := decision.DefaultRules()
	b.ReportAllocs()
	for b.Loop() {
		rules.Envelope(h.input)
	}
}

// The part of a decision between the market and the record, except the model:
// prompt and schema, decoding, gate.
func BenchmarkPromptDecodeGate(b *testing.B) {
	h := newHost(b, 10, cinar.New(), true)
	rules, prompts := decision.DefaultRules(), decision.NewPromptBuilder()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := prompts.Build(h.input); err != nil {
			b.Fatal(err)
		}
		prompts.Schema(h.req.Symbols)
		answer, err := decision.DecodeAnswer(llm.Response{Content: h.answer, FinishReason: llm.FinishStop}, h.req.Symbols)
		if err != nil {
			b.Fatal(err)
		}
		if v := rules.Gate(h.input, decision.Proposal{Decision: answer.Decision}); len(v.Refused) > 0 {
			b.Fatal(v.Refused)
		}
	}
}
