package decision_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
)

// hostRule is a rule whose methods do what a test wants.
type hostRule struct {
	check func(decision.Proposal) []decision.Violation
	room  func() decision.Room
}

func (hostRule) Name() string { return "host" }

func (r hostRule) Check(_ decision.Input, p decision.Proposal) []decision.Violation {
	return r.check(p)
}

func (r hostRule) Room(decision.Input, decision.Ask) decision.Room {
	if r.room == nil {
		return decision.Room{}
	}
	return r.room()
}

func TestHostRulesThatMisbehaveFailClosedAndOnTime(t *testing.T) {
	t.Parallel()
	nothing := func(decision.Proposal) []decision.Violation { return nil }
	for name, r := range map[string]hostRule{
		"hanging check": {check: func(decision.Proposal) []decision.Violation { time.Sleep(time.Hour); return nil }},
		"hanging room":  {check: func(decision.Proposal) []decision.Violation { time.Sleep(time.Hour); return nil }, room: func() decision.Room { time.Sleep(time.Hour); return decision.Room{} }},
		"no severity": {check: func(decision.Proposal) []decision.Violation {
			return []decision.Violation{{Rule: "host", Asset: "BTCUSDT", Message: "no"}}
		}},
		"panicking room": {check: nothing, room: func() decision.Room { panic("host bug") }},
		"changing the proposal": {check: func(p decision.Proposal) []decision.Violation {
			p.Decision.Decisions[0].AllocationUSD = dt.D("999999")
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, time.Now)
				b.cfg.Rules, b.cfg.Timeout = decision.Rules{r}, 3*time.Second
				b.cfg.LLM = answering(answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionClosePosition)))
				req := request()
				req.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Long, "10")}
				e, err := decision.New(b.cfg)
				require.NoError(t, err)
				started := time.Now()
				res, err := e.Decide(t.Context(), req)
				require.LessOrEqual(t, time.Since(started), 3*time.Second)
				switch name {
				case "changing the proposal", "panicking room":
					require.NoError(t, err)
					require.Equal(t, "500", res.Decision.Decisions[0].AllocationUSD.String())
				case "hanging room": // all time went into the envelope
					require.Error(t, err)
				case "hanging check":
					require.ErrorIs(t, err, decision.ErrUnrecorded)
					fallthrough
				default:
					require.Equal(t, decision.ActionHold, res.Decision.Decisions[0].Action)
					require.Equal(t, decision.ActionClosePosition, res.Decision.Decisions[1].Action)
				}
				time.Sleep(4 * time.Hour) // virtual: what hung returns
				require.NoError(t, e.Close(t.Context()))
			})
		})
	}
}

func TestResultAndRecordShareNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	req := request()
	req.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Long, "10")}
	b.cfg.LLM = answering(answer(t, dt.Buy("BTCUSDT", "500"), dt.Adjust("ETHUSDT", decision.AdjustDecrease, "100")))
	b.cfg.Store = decision.StoreFunc(func(_ context.Context, r decision.Record) error {
		before, err := r.Digest()
		require.NoError(t, err)
		b.records = append(b.records, r)
		r.Result.Decision.Decisions[0].AllocationUSD = dt.D("7") // a store that writes to what it was given
		r.Result.Decision.Decisions[0].AllocationUSD = dt.D("500")
		after, err := r.Digest()
		require.NoError(t, err)
		require.Equal(t, before, after)
		return nil
	})
	res, err := b.decide(t, req)
	require.NoError(t, err)
	before, err := b.records[0].Digest()
	require.NoError(t, err)
	res.Decision.Decisions[0].AllocationUSD = dt.D("1")
	res.Decision.Decisions[1].PositionAdjustment.AmountUSD = dt.D("1")
	after, err := b.records[0].Digest()
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestRecheckPassesThroughAMarketCache(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, time.Now)
		cache := marketdata.NewCache(b.cfg.Market, marketdata.CacheConfig{})
		b.cfg.Market = cache
		text := answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold))
		b.cfg.LLM = llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
			time.Sleep(5 * time.Second) // virtual, well within the cache's TTL
			b.mu.Lock()
			b.price = "96"
			b.mu.Unlock()
			return answering(text).Complete(ctx, req)
		})
		res, err := b.decide(t, request())
		require.NoError(t, err)
		require.Equal(t, "price_logic", res.Refused[0].Violations[0].Rule)
		require.Equal(t, "96", b.records[0].Recheck.Quotes["BTCUSDT"].Last.String())
		cache.Close()
	})
}

func TestAHangingRecheckLeavesTimeToRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, time.Now)
		market, release, calls := b.cfg.Market, make(chan struct{}), 0
		b.cfg.Market = marketdata.SourceFunc(func(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
			if calls++; calls > 1 {
				<-release // ignores its context
			}
			return market.Snapshot(ctx, q)
		})
		b.cfg.LLM = llm.ClientFunc(func(ctx context.Context, _ llm.Request) (llm.Response, error) {
			<-ctx.Done()
			return llm.Response{}, ctx.Err()
		})
		e, err := decision.New(b.cfg)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		defer cancel()
		res, err := e.Decide(ctx, request())
		require.NoError(t, err)
		require.Contains(t, res.Reason, "no answer within 5s", "the bound in force, not ModelTimeout")
		require.Len(t, b.records, 1)
		close(release)
		require.NoError(t, e.Close(t.Context()))
	})
}

func TestOddAnswersOfSeamsDoNotEscape(t *testing.T) {
	t.Parallel()
	var typedNil *llm.Error
	b := newBench(t, fixed)
	b.cfg.LLM = llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) { return llm.Response{}, typedNil })
	res, err := b.decide(t, request())
	require.NoError(t, err)
	require.Contains(t, res.Reason, "panicked")

	text := answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold))
	b.cfg.LLM = llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
		return llm.Response{Content: text, FinishReason: llm.FinishStop, Usage: llm.Usage{PromptTokens: -5, CostUSD: dt.Null("-3")}}, nil
	})
	res, err = b.decide(t, request())
	require.NoError(t, err)
	require.Zero(t, res.Usage.PromptTokens)
	require.False(t, res.Usage.CostUSD.Valid)

	market := b.cfg.Market
	b.cfg.Market = marketdata.SourceFunc(func(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
		snap, err := market.Snapshot(ctx, q)
		wrong, far := snap.Assets["BTCUSDT"], snap.Assets["ETHUSDT"]
		wrong.Symbol = "DOGEUSDT"
		far.Quote.OpenInterest = decimal.NewNullDecimal(decimal.New(1, 3_000_000))
		snap.Assets["BTCUSDT"], snap.Assets["ETHUSDT"] = wrong, far
		return snap, err
	})
	_, err = b.decide(t, request())
	require.ErrorIs(t, err, decision.ErrNoMarket)
	require.ErrorContains(t, err, `the source answered with "DOGEUSDT"`)
	require.ErrorContains(t, err, "a number of the quote is out of range")
}

func TestInactiveStrategiesAreRefused(t *testing.T) {
	t.Parallel()
	req := request()
	req.Strategy = dt.Strategy()
	req.Strategy.IsActive = false
	_, err := newBench(t, fixed).decide(t, req)
	require.ErrorContains(t, err, `strategy "conservative_swing" is not active`)
}

func TestDecideSaysWhenAccountAndMarketDisagree(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	req := request()
	p := dt.Position("ETHUSDT", decision.Long, "1")
	p.MarkPrice = dt.D("90")
	req.Account.Positions = []decision.Position{p}
	res, err := b.decide(t, req)
	require.NoError(t, err)
	require.Contains(t, strings.Join(res.Degraded, "\n"), "ETHUSDT: the account marks it at 90, the market at 100")
}

func TestNumbersOfManyDecimalsReadBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	req := request()
	p := dt.Position("ETHUSDT", decision.Long, "1")
	p.EntryPrice = dt.D("1").Div(dt.D("3")).Mul(dt.D("200").Div(dt.D("7"))) // 32 decimals
	req.Account.Positions = []decision.Position{p}
	_, err := b.decide(t, req)
	require.NoError(t, err)
	data, err := json.Marshal(b.records[0])
	require.NoError(t, err)
	var back decision.Record
	require.NoError(t, json.Unmarshal(data, &back))
	require.True(t, p.EntryPrice.Equal(back.Input.Account.Positions[0].EntryPrice))
}

func TestAStopBeyondLiquidationIsRefused(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Strategy.Risk.LiquidationBuffer, in.Strategy.Risk.MaxLeverage, in.Account.Leverage = dt.D("0"), dt.D("20"), dt.D("20")
	far := dt.Buy("BTCUSDT", "100")
	far.SLPrice = dt.Null("95") // liquidation at 95.96
	v := decision.DefaultRules().Gate(in, dt.Propose(far))
	require.Equal(t, "stop of BTCUSDT is 0.05 of the price away, liquidation comes first at 0.04040404 (isolated margin)", v.Refused[0].Violations[0].Message)
	far.SLPrice = dt.Null("97")
	require.Empty(t, decision.DefaultRules().Gate(in, dt.Propose(far)).Refused)
}

var errHost = errors.New("host")

func TestScorerErrorsKeepTheirCause(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	b.cfg.Scorer = decision.ScorerFunc(func(context.Context, decision.Input) (decision.Proposal, error) { return decision.Proposal{}, errHost })
	res, err := b.decide(t, request())
	require.NoError(t, err)
	require.Contains(t, res.Reason, errHost.Error())
}
