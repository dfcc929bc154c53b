package decision_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
)

// waves are candles that swing around 100 and end at close.
func waves(tb testing.TB, interval marketdata.Interval, n int, end time.Time) marketdata.Series {
	tb.Helper()
	candles := make([]marketdata.Candle, n)
	at := interval.LastClose(end).Add(-time.Duration(n) * interval.Duration())
	for i := range candles {
		mid := int64(10_000 + 300*math.Sin(float64(i-n+1)/7))
		candles[i] = marketdata.Candle{
			OpenTime: at, Open: decimal.New(mid-10, -2), High: decimal.New(mid+40, -2), Low: decimal.New(mid-40, -2),
			Close: decimal.New(mid, -2), Volume: decimal.New(1000, 0), QuoteVolume: decimal.New(100_000, 0),
		}
		at = at.Add(interval.Duration())
	}
	s, err := marketdata.NewSeries(interval, candles)
	require.NoError(tb, err)
	return s
}

// bench is an engine's surroundings, each part to be replaced by a test.
type bench struct {
	cfg     decision.Config
	mu      sync.Mutex
	records []decision.Record
	price   string
	queries []marketdata.Query
}

func newBench(tb testing.TB, now func() time.Time) *bench {
	tb.Helper()
	b := &bench{price: "100"}
	short, long := waves(tb, marketdata.Interval1h, 250, now()), waves(tb, marketdata.Interval4h, 250, now())
	b.cfg = decision.Config{
		Market: marketdata.SourceFunc(func(_ context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.queries = append(b.queries, q)
			snap := dt.Market(q.Symbols...)
			snap.At = now()
			for symbol, a := range snap.Assets {
				a.Quote.Last, a.Quote.Mark, a.Quote.LastAt = dt.D(b.price), dt.Null(b.price), now()
				a.Series = map[marketdata.Interval]marketdata.Series{marketdata.Interval1h: short, marketdata.Interval4h: long}
				snap.Assets[symbol] = a
			}
			return snap, nil
		}),
		Scorer: decision.ScorerFunc(func(_ context.Context, in decision.Input) (decision.Proposal, error) {
			p := dt.Propose(dt.Buy(in.Symbols[0], "500"))
			p.Assessments = []decision.Assessment{{Symbol: in.Symbols[0], Long: decision.Score{Base: 50, Raw: 50, Score: 50}}}
			return p, nil
		}),
		Store: decision.StoreFunc(func(_ context.Context, r decision.Record) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.records = append(b.records, r)
			return nil
		}),
		Now: now,
	}
	return b
}

func fixed() time.Time { return dt.At() }

func (b *bench) decide(tb testing.TB, req decision.Request) (decision.Result, error) {
	tb.Helper()
	e, err := decision.New(b.cfg)
	require.NoError(tb, err)
	res, err := e.Decide(tb.Context(), req)
	require.NoError(tb, e.Close(tb.Context()))
	return res, err
}

func request() decision.Request {
	return decision.Request{Account: dt.Account(), Symbols: []string{"BTCUSDT", "ETHUSDT"}}
}

// answering is a model that gives this answer.
func answering(content string) llm.Client {
	return llm.ClientFunc(func(_ context.Context, _ llm.Request) (llm.Response, error) {
		return llm.Response{
			Model: "test/model", Content: content, FinishReason: llm.FinishStop,
			Usage: llm.Usage{PromptTokens: 100, CompletionTokens: 20, CostUSD: dt.Null("0.0031")},
		}, nil
	})
}

func answer(tb testing.TB, actions ...decision.AssetDecision) string {
	tb.Helper()
	b, err := json.Marshal(dt.Propose(actions...).Decision)
	require.NoError(tb, err)
	return string(b)
}

func TestDecideFollowsTheModel(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	b.cfg.LLM = answering(answer(t, dt.Sell("ETHUSDT", "700"), dt.Act("BTCUSDT", decision.ActionHold)))
	b.cfg.Model = "test/model"
	res, err := b.decide(t, request())
	require.NoError(t, err)
	require.Equal(t, decision.OriginModel, res.Origin)
	require.Equal(t, "test/model", res.Model)
	require.Equal(t, 100, res.Usage.PromptTokens)
	require.Equal(t, "0.0031", res.Usage.CostUSD.Decimal.String())
	require.Empty(t, res.Refused)
	require.Empty(t, res.Degraded)
	require.Equal(t, "700", res.Decision.TotalAllocationUSD.String())
	require.Equal(t, "BTCUSDT", res.Decision.Decisions[0].Asset, "in the order of the request")
	require.Equal(t, dt.At(), res.Decision.Timestamp, "the engine's, not the model's")

	require.Len(t, b.records, 1)
	rec := b.records[0]
	require.Equal(t, res.ID, rec.Result.ID)
	require.Equal(t, "test/model", rec.Request.Model)
	require.Len(t, rec.Responses, 1)
	require.Len(t, rec.Assessments, 1, "the fallback scores beside the model")
	require.Len(t, rec.Input.Indicators["BTCUSDT"][marketdata.Interval1h].RSI14, decision.IndicatorDepth)
	require.Len(t, rec.Input.Envelope.Assets, 2)
}

func TestDecideFallsBackAndSaysWhy(t *testing.T) {
	t.Parallel()
	fail := func(err error) llm.Client {
		return llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) { return llm.Response{}, err })
	}
	for name, c := range map[string]struct {
		model llm.Client
		want  string
	}{
		"no model":       {nil, "no model is configured"},
		"provider down":  {fail(&llm.Error{Kind: llm.KindServer, Status: 502, Endpoint: "test"}), "llm: test: server (502)"},
		"nonsense":       {answering("I would buy."), "unusable answer"},
		"prose and JSON": {answering(answer(t, dt.Buy("BTCUSDT", "1")) + " do not execute"), "unusable answer"},
		"unasked symbol": {answering(answer(t, dt.Buy("DOGEUSDT", "1"), dt.Act("BTCUSDT", "hold"))), "unusable answer"},
		"cut answer": {llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
			return llm.Response{Content: "{", FinishReason: llm.FinishLength}, nil
		}), "unusable answer"},
		"panicking model": {llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) { panic("boom") }), "model: panicked: boom"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, fixed)
			b.cfg.LLM = c.model
			res, err := b.decide(t, request())
			require.NoError(t, err)
			require.Equal(t, decision.OriginFallback, res.Origin)
			require.Contains(t, res.Reason, c.want)
			require.Contains(t, strings.Join(res.Degraded, "\n"), c.want)
			require.Empty(t, res.Model)
			require.Equal(t, "500", res.Decision.TotalAllocationUSD.String())
			require.Len(t, res.Decision.Decisions, 2)
			require.Equal(t, "not covered by the proposal", res.Decision.Decisions[1].Rationale)
			require.Contains(t, b.records[0].ModelError, c.want)
		})
	}
}

func TestDecideHoldsWhenNobodyAnswers(t *testing.T) {
	t.Parallel()
	for name, scorer := range map[string]decision.Scorer{
		"no scorer": nil,
		"failing scorer": decision.ScorerFunc(func(context.Context, decision.Input) (decision.Proposal, error) {
			return decision.Proposal{}, errors.New("broken")
		}),
		"panicking scorer": decision.ScorerFunc(func(context.Context, decision.Input) (decision.Proposal, error) { panic("broken") }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, fixed)
			b.cfg.Scorer = scorer
			res, err := b.decide(t, request())
			require.NoError(t, err)
			require.Equal(t, decision.OriginHold, res.Origin)
			require.Contains(t, res.Reason, "fallback: ")
			for _, d := range res.Decision.Decisions {
				require.Equal(t, decision.ActionHold, d.Action)
			}
		})
	}
}

func TestDecideRefusesBeyondLimits(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	b.cfg.LLM = answering(answer(t, dt.Buy("BTCUSDT", "500000"), dt.Act("ETHUSDT", decision.ActionClosePosition)))
	req := request()
	req.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Long, "10")}
	res, err := b.decide(t, req)
	require.NoError(t, err)
	require.Equal(t, decision.OriginModel, res.Origin)
	require.Len(t, res.Refused, 1)
	require.Equal(t, "500000", res.Refused[0].Was.AllocationUSD.String())
	require.Equal(t, decision.ActionHold, res.Decision.Decisions[0].Action)
	require.Contains(t, res.Decision.Decisions[0].Rationale, "refused by the risk gate: available_capital")
	require.Equal(t, decision.ActionClosePosition, res.Decision.Decisions[1].Action, "a valid close survives")
	require.True(t, res.Decision.TotalAllocationUSD.IsZero())
}

func TestDecideWithoutARecordReturnsOnlyWhatReducesRisk(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	b.cfg.Store = decision.StoreFunc(func(context.Context, decision.Record) error { return errors.New("disk full") })
	b.cfg.LLM = answering(answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionClosePosition)))
	req := request()
	req.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Long, "10")}
	res, err := b.decide(t, req)
	require.ErrorIs(t, err, decision.ErrUnrecorded)
	require.ErrorContains(t, err, "disk full")
	require.Equal(t, decision.ActionHold, res.Decision.Decisions[0].Action)
	require.Equal(t, decision.ActionClosePosition, res.Decision.Decisions[1].Action)
	require.True(t, res.Decision.TotalAllocationUSD.IsZero())
	require.Equal(t, "record", res.Refused[0].Violations[0].Rule)
}

func TestDecideNeedsAMarket(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	market := b.cfg.Market
	edit := func(change func(*marketdata.Snapshot)) decision.MarketSource {
		return marketdata.SourceFunc(func(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
			snap, err := market.Snapshot(ctx, q)
			change(&snap)
			return snap, err
		})
	}
	stale := func(s *marketdata.Snapshot, symbol string) {
		a := s.Assets[symbol]
		a.Quote.LastAt = a.Quote.LastAt.Add(-2 * time.Minute)
		s.Assets[symbol] = a
	}

	b.cfg.Market = marketdata.SourceFunc(func(context.Context, marketdata.Query) (marketdata.Snapshot, error) {
		return marketdata.Snapshot{}, errors.New("exchange down")
	})
	_, err := b.decide(t, request())
	require.ErrorIs(t, err, decision.ErrNoMarket)
	require.ErrorContains(t, err, "exchange down")

	b.cfg.Market = edit(func(s *marketdata.Snapshot) { stale(s, "BTCUSDT"); stale(s, "ETHUSDT") })
	_, err = b.decide(t, request())
	require.ErrorIs(t, err, decision.ErrNoMarket)
	require.ErrorIs(t, err, decision.ErrStaleMarket)
	require.ErrorContains(t, err, "ETHUSDT")

	b.cfg.Market = edit(func(s *marketdata.Snapshot) { stale(s, "BTCUSDT"); delete(s.Assets, "ETHUSDT") })
	_, err = b.decide(t, request())
	require.ErrorIs(t, err, decision.ErrNoMarket)
	require.NotErrorIs(t, err, decision.ErrStaleMarket)
	require.Empty(t, b.records)

	b.cfg.Market = edit(func(s *marketdata.Snapshot) { stale(s, "BTCUSDT") })
	res, err := b.decide(t, request())
	require.NoError(t, err, "one asset does not cost another its decision")
	require.Contains(t, strings.Join(res.Degraded, "\n"), "BTCUSDT: stale")
	require.Equal(t, "market_data", res.Refused[0].Violations[0].Rule)
}

func TestRecordsReadBackAsTheSameBytes(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	b.cfg.LLM = answering(answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold)))
	_, err := b.decide(t, request())
	require.NoError(t, err)
	data, err := json.Marshal(b.records[0])
	require.NoError(t, err)
	var back decision.Record
	require.NoError(t, json.Unmarshal(data, &back))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	require.Equal(t, string(data), string(again))

	verdict := decision.DefaultRules().Gate(back.Input, back.Proposal)
	require.Len(t, verdict.Kept, 2, "the gate can be replayed from the record")
	first, err := b.records[0].Digest()
	require.NoError(t, err)
	second, err := back.Digest()
	require.NoError(t, err)
	require.Equal(t, first, second)
}

func TestDecideRejectsABadRequest(t *testing.T) {
	t.Parallel()
	eleven := []string{"A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "B1", "B2"}
	for name, c := range map[string]struct {
		edit func(*decision.Request)
		want string
	}{
		"no symbols":   {func(r *decision.Request) { r.Symbols = nil }, "symbols must number 1 to 10, were 0"},
		"11 symbols":   {func(r *decision.Request) { r.Symbols = eleven }, "symbols must number 1 to 10, were 11"},
		"twice":        {func(r *decision.Request) { r.Symbols = []string{"BTCUSDT", "BTCUSDT"} }, "named twice"},
		"bad account":  {func(r *decision.Request) { r.Account.Leverage = dt.D("125") }, "leverage must be between 1 and 20, was 125"},
		"bad strategy": {func(r *decision.Request) { r.Strategy = dt.Strategy(); r.Strategy.MaxPositions = 0 }, "max_positions must be between 1 and 50, was 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := request()
			c.edit(&req)
			_, err := newBench(t, fixed).decide(t, req)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestNewReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := decision.New(decision.Config{
		Interval: "4h", LongInterval: "1h", Candles: 99, Temperature: dt.Null("3.5"), MaxTokens: -1, Timeout: -1, Rules: decision.Rules{nil},
	})
	var problems *decision.ConfigError
	require.ErrorAs(t, err, &problems)
	require.Len(t, problems.Problems, 8)
	for _, want := range []string{"missing Market", "missing Store", "LongInterval must be an interval longer", "Candles must be between 100 and 1500, was 99", "Temperature must be between 0 and 2, was 3.5"} {
		require.ErrorContains(t, err, want)
	}
}

func TestDecideIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	b.cfg.LLM = answering(answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold)))
	e, err := decision.New(b.cfg)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			res, err := e.Decide(context.Background(), request())
			if err != nil || res.Decision.TotalAllocationUSD.String() != "500" {
				t.Errorf("decided %v, %v", res.Decision, err)
			}
		})
	}
	wg.Wait()
	require.NoError(t, e.Close(t.Context()))
	ids := map[string]bool{}
	for _, r := range b.records {
		ids[r.Result.ID] = true
	}
	require.Len(t, ids, 32)
}

func TestWindowCoversADayOfShortCandles(t *testing.T) {
	t.Parallel()
	for interval, want := range map[marketdata.Interval]int{"1m": 1441, "5m": 289, "15m": 250, "2h": 250, "1d": 250} {
		b := newBench(t, fixed)
		b.cfg.Interval, b.cfg.LongInterval = interval, "1w"
		_, err := b.decide(t, request())
		require.ErrorIs(t, err, decision.ErrNoMarket, "the market of this test has no such candles")
		require.Equal(t, want, b.queries[0].Candles)
	}
}

func TestDecideRaisesAnAlarmForAnUnrequestedSymbol(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	var log bytes.Buffer
	b.cfg.Logger = slog.New(slog.NewJSONHandler(&log, nil))
	b.cfg.LLM = answering(answer(t, dt.Buy("ВTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold))) // Cyrillic
	res, err := b.decide(t, request())
	require.NoError(t, err)
	require.Equal(t, decision.OriginFallback, res.Origin)
	require.Contains(t, log.String(), `"msg":"answer_alarm"`)
	require.Contains(t, log.String(), `"msg":"fallback_used"`)
	require.Contains(t, log.String(), `"msg":"decision_generated"`)
}
