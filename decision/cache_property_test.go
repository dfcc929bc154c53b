package decision_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

// Two requests are identical or not, whatever differs and however it is
// written.
func TestRequestsThatDifferAreNotAnsweredAlike(t *testing.T) {
	t.Parallel()
	type change struct {
		request func(*decision.Request)
		config  func(*decision.Config)
		same    bool
	}
	position := dt.Position("SOLUSDT", decision.Long, "2")
	held := func(edit func(*decision.Position)) change {
		return change{request: func(r *decision.Request) {
			p := position
			edit(&p)
			r.Account.Positions = []decision.Position{p}
		}}
	}
	req := func(edit func(*decision.Request)) change { return change{request: edit} }
	same := func(edit func(*decision.Request)) change { return change{request: edit, same: true} }
	cfg := func(edit func(*decision.Config)) change { return change{config: edit} }
	market := func(edit func(*marketdata.Snapshot)) change {
		return cfg(func(c *decision.Config) {
			source := c.Market
			c.Market = marketdata.SourceFunc(func(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
				snap, err := source.Snapshot(ctx, q)
				edit(&snap)
				return snap, err
			})
		})
	}
	changes := map[string]change{
		"nothing":                           same(func(*decision.Request) {}),
		"the order of symbols":              same(func(r *decision.Request) { slices.Reverse(r.Symbols) }),
		"how a number is written":           same(func(r *decision.Request) { r.Account.Leverage = dt.D("2.000") }),
		"the balance":                       same(func(r *decision.Request) { r.Account.BalanceUSD = dt.D("9999") }),
		"what is available":                 same(func(r *decision.Request) { r.Account.AvailableUSD = dt.D("9999") }),
		"the profit of the day":             same(func(r *decision.Request) { r.Account.RealizedPnLTodayUSD = dt.D("1") }),
		"a mark":                            same(func(r *decision.Request) { r.Account.Positions[0].MarkPrice = dt.D("101") }),
		"the default strategy by its name":  same(func(r *decision.Request) { r.Strategy = dt.Strategy() }),
		"the account":                       req(func(r *decision.Request) { r.Account.ID = "another" }),
		"the leverage":                      req(func(r *decision.Request) { r.Account.Leverage = dt.D("1") }),
		"the largest position":              req(func(r *decision.Request) { r.Account.MaxPositionSizeUSD = dt.D("9999") }),
		"the margin mode":                   req(func(r *decision.Request) { r.Account.MarginMode = decision.MarginCross }),
		"the global kill switch":            req(func(r *decision.Request) { r.Halted = true }),
		"the account's kill switch":         req(func(r *decision.Request) { r.Account.Halted = true }),
		"a symbol more":                     req(func(r *decision.Request) { r.Symbols = append(r.Symbols, "XRPUSDT") }),
		"a symbol less":                     req(func(r *decision.Request) { r.Symbols = r.Symbols[:1] }),
		"another symbol":                    req(func(r *decision.Request) { r.Symbols[1] = "XRPUSDT" }),
		"the strategy's limits":             req(func(r *decision.Request) { r.Strategy = dt.Strategy(); r.Strategy.MaxPositions++ }),
		"the strategy's prompt":             req(func(r *decision.Request) { r.Strategy = dt.Strategy(); r.Strategy.Prompt += "." }),
		"a position less":                   req(func(r *decision.Request) { r.Account.Positions = nil }),
		"a position's symbol":               held(func(p *decision.Position) { p.Symbol = "XRPUSDT" }),
		"a position's side":                 held(func(p *decision.Position) { p.Side = decision.Short }),
		"a position's quantity":             held(func(p *decision.Position) { p.Quantity = dt.D("2.1") }),
		"a position's entry":                held(func(p *decision.Position) { p.EntryPrice = dt.D("99") }),
		"a position's leverage":             held(func(p *decision.Position) { p.Leverage = dt.D("3") }),
		"a position's stop":                 held(func(p *decision.Position) { p.SLPrice = dt.Null("96") }),
		"a position's missing stop":         held(func(p *decision.Position) { p.SLPrice = decimal.NullDecimal{} }),
		"a position's target":               held(func(p *decision.Position) { p.TPPrice = dt.Null("108") }),
		"a position's missing target":       held(func(p *decision.Position) { p.TPPrice = decimal.NullDecimal{} }),
		"a position's stop for its target":  held(func(p *decision.Position) { p.SLPrice, p.TPPrice = p.TPPrice, p.SLPrice }),
		"a position's margin mode":          held(func(p *decision.Position) { p.MarginMode = decision.MarginCross }),
		"the model":                         cfg(func(c *decision.Config) { c.Model = "another" }),
		"the temperature":                   cfg(func(c *decision.Config) { c.Temperature = dt.Null("0.1") }),
		"the room for the answer":           cfg(func(c *decision.Config) { c.MaxTokens = 3000 }),
		"the window":                        cfg(func(c *decision.Config) { c.Candles = 200 }),
		"no model":                          cfg(func(c *decision.Config) { c.LLM = nil }),
		"no scorer":                         cfg(func(c *decision.Config) { c.Scorer = nil }),
		"the limits that the prompt shows":  cfg(func(c *decision.Config) { c.Rules = decision.Rules{decision.Exposure{WarnPercent: 1, MaxPercent: 80}} }),
		"an asset without data":             market(func(s *marketdata.Snapshot) { delete(s.Assets, "ETHUSDT") }),
		"an asset whose newest candle lags": market(func(s *marketdata.Snapshot) { lag(s, marketdata.Interval1h) }),
		"the order of positions": same(func(r *decision.Request) {
			r.Account.Positions = []decision.Position{dt.Position("XRPUSDT", decision.Short, "1"), position}
		}),
	}
	for name, c := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newCacheBench(t, dt.At, decision.CacheConfig{})
			ask := func() decision.Request {
				r := request()
				r.Account.Positions = []decision.Position{position}
				if name == "the order of positions" {
					r.Account.Positions = append(r.Account.Positions, dt.Position("XRPUSDT", decision.Short, "1"))
				}
				return r
			}
			first := b.must(t, ask())
			require.Empty(t, first.Refused)
			changed := ask()
			if c.request != nil {
				c.request(&changed)
			}
			if c.config != nil {
				c.config(&b.cfg)
			}
			require.Equal(t, c.same, b.must(t, changed).Cached)
		})
	}
}

// lag takes the newest candle off ETHUSDT.
func lag(s *marketdata.Snapshot, interval marketdata.Interval) {
	asset := s.Assets["ETHUSDT"]
	series := asset.Series[interval]
	asset.Series = map[marketdata.Interval]marketdata.Series{
		marketdata.Interval1h: asset.Series[marketdata.Interval1h], marketdata.Interval4h: asset.Series[marketdata.Interval4h],
	}
	asset.Series[interval] = series.Until(series.CloseTime().Add(-time.Second))
	s.Assets["ETHUSDT"] = asset
}

func TestTheIntervalsArePartOfTheKey(t *testing.T) {
	t.Parallel()
	seen := map[[32]byte]string{}
	for _, pair := range [][2]marketdata.Interval{
		{marketdata.Interval1h, marketdata.Interval4h}, {marketdata.Interval1h, marketdata.Interval1d}, {marketdata.Interval4h, marketdata.Interval1d},
	} {
		b := newBench(t, dt.At)
		b.cfg.Interval, b.cfg.LongInterval = pair[0], pair[1]
		e, err := decision.New(b.cfg)
		require.NoError(t, err)
		in := dt.Input("BTCUSDT")
		in.Interval, in.LongInterval = pair[0], pair[1]
		key, err := decision.CacheKeyOf(e, in)
		require.NoError(t, err)
		require.Empty(t, seen[key], "the key of %v", pair)
		seen[key] = "another pair"
	}
}

// No two lists of fields give the same bytes, however their texts are cut.
func TestKeysDoNotCollideByConcatenation(t *testing.T) {
	t.Parallel()
	fields := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("ab\x00\x01\x02,:")), 0, 4, -1), 0, 5)
	alike := 0
	rapid.Check(t, func(t *rapid.T) {
		a, b := fields.Draw(t, "a"), fields.Draw(t, "b")
		same := slices.Equal(a, b)
		if same {
			alike++
		}
		require.Equal(t, same, decision.CacheKeyBytes(a...) == decision.CacheKeyBytes(b...))
	})
	require.NotEqual(t, decision.CacheKeyBytes("ab", "c"), decision.CacheKeyBytes("a", "bc"))
	require.NotEqual(t, decision.CacheKeyBytes("ab"), decision.CacheKeyBytes("ab", ""))
	require.NotEqual(t, decision.CacheKeyBytes("\x01a"), decision.CacheKeyBytes("", "a"))
	long := string(make([]byte, 300))
	require.NotEqual(t, decision.CacheKeyBytes(long, ""), decision.CacheKeyBytes("", long))
}

func TestAStrategyWithoutAHashIsDecidedWithoutTheCache(t *testing.T) {
	t.Parallel()
	b := newCacheBench(t, dt.At, decision.CacheConfig{})
	req := request()
	req.Strategy = dt.Strategy()
	req.Strategy.Description = "\xff"
	_, err := req.Strategy.Hash()
	require.Error(t, err)
	for i := range 2 {
		res := b.must(t, req)
		require.False(t, res.Cached)
		require.Equal(t, decision.OriginModel, res.Origin)
		require.Contains(t, res.Degraded, "cache: "+err.Error())
		b.requireAsked(t, i+1, "asked each time")
	}
	require.Zero(t, b.cache.Stats())
}

// drawState changes what is not part of a key: the amounts, the prices within
// the band and the time.
func drawState(t *rapid.T, c *clock, b *cacheBench, req *decision.Request) {
	c.forward(time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds")) * time.Second)
	b.price = decimal.New(rapid.OneOf(rapid.Just(int64(10_000)), rapid.Int64Range(9960, 10040)).Draw(t, "price"), -2).String()
	a := &req.Account
	a.AvailableUSD = decimal.NewFromInt(rapid.Int64Range(0, 10_000).Draw(t, "available"))
	a.BalanceUSD = decimal.NewFromInt(rapid.Int64Range(500, 10_000).Draw(t, "balance"))
	a.RealizedPnLTodayUSD = decimal.NewFromInt(rapid.Int64Range(-600, 600).Draw(t, "pnl"))
	a.LastEntryAt = nil
	if rapid.IntRange(0, 3).Draw(t, "cooling") == 0 {
		a.LastEntryAt = map[string]time.Time{rapid.SampledFrom(req.Symbols).Draw(t, "entered"): c.now().Add(-time.Minute)}
	}
	req.Halted = rapid.IntRange(0, 4).Draw(t, "halted") == 0
	for i := range a.Positions {
		a.Positions[i].MarkPrice = dt.D(b.price)
	}
}

// A hit never returns what the gate would not keep of the input of the moment:
// a hit decides as an engine without a cache does that gets the same proposal.
func TestAHitIsWhatTheGateKeepsOfTheMoment(t *testing.T) {
	t.Parallel()
	hits, refused, tb := 0, 0, t
	rapid.Check(t, func(t *rapid.T) {
		c := newClock()
		b := newCacheBench(tb, c.now, decision.CacheConfig{})
		actions := []decision.AssetDecision{
			drawSound(t, "BTCUSDT", rapid.Bool().Draw(t, "BTCUSDT held")), drawSound(t, "ETHUSDT", false), drawSound(t, "SOLUSDT", true),
		}
		proposal := dt.Propose(actions...)
		b.cfg.Scorer = decision.ScorerFunc(func(context.Context, decision.Input) (decision.Proposal, error) { return proposal, nil })
		b.model(failing(circuitError{time.Minute}))
		if rapid.Bool().Draw(t, "by the model") {
			b.model(answering(answer(tb, actions...)))
		}
		req := request()
		req.Symbols = []string{"BTCUSDT", "ETHUSDT", "SOLUSDT"}
		req.Account.Positions = []decision.Position{dt.Position("SOLUSDT", decision.Long, "5")}
		if a := actions[0].Action; a != decision.ActionBuy && a != decision.ActionSell && a != decision.ActionHold {
			req.Account.Positions = append(req.Account.Positions, dt.Position("BTCUSDT", decision.Long, "5"))
		}
		b.must(tb, req)

		drawState(t, c, b, &req)
		res := b.must(tb, req)
		rec := b.records[len(b.records)-1]
		without := newBench(tb, c.now)
		without.price = b.price
		without.cfg.Scorer, without.cfg.LLM = b.cfg.Scorer, b.cfg.LLM
		fresh, err := without.decide(tb, req)
		require.NoError(t, err)
		require.Equal(t, fresh.Decision, res.Decision)
		require.Equal(t, fresh.Refused, res.Refused)
		kept := decision.DefaultRules().Gate(rec.Input, rec.Proposal).Kept
		for _, d := range res.Decision.Decisions {
			require.True(t, d.Action == decision.ActionHold || slices.ContainsFunc(kept, func(k decision.AssetDecision) bool { return k.Asset == d.Asset && k.Action == d.Action }))
			require.False(t, rec.Input.Halted && rec.Input.AddsRisk(d))
		}
		if b.price == "100" {
			requireWithinLimits(t, rec.Input, res.Decision.Decisions)
		}
		if res.Cached {
			require.False(t, req.Halted, "a halt asks another question")
			hits++
			refused += len(res.Refused)
		}
	})
	require.Positive(t, hits, "the property was about hits")
	require.Positive(t, refused, "and some of them met a limit")
}

// drawSound is an action that the gate keeps on an account that is rich enough.
func drawSound(t *rapid.T, symbol string, held bool) decision.AssetDecision {
	if held {
		return rapid.SampledFrom([]decision.AssetDecision{
			dt.Act(symbol, decision.ActionClosePosition), dt.Adjust(symbol, decision.AdjustDecrease, "100"),
			dt.Adjust(symbol, decision.AdjustIncrease, "200"), dt.MoveStop(symbol, "98"), dt.MoveStop(symbol, "96"),
		}).Draw(t, symbol)
	}
	usd := decimal.NewFromInt(rapid.Int64Range(100, 3000).Draw(t, symbol+" usd")).String()
	return rapid.SampledFrom([]decision.AssetDecision{
		dt.Buy(symbol, usd), dt.Sell(symbol, usd), dt.Act(symbol, decision.ActionHold),
	}).Draw(t, symbol)
}
