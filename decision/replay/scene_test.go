package replay_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/fallback"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
)

const (
	btc = "BTCUSDT"
	eth = "ETHUSDT"
)

// instant is when every decision of the corpus is asked for, so that they share
// their candles.
func instant() time.Time { return time.Date(2026, 3, 4, 12, 0, 20, 0, time.UTC) }

// scene is an engine over a simulated market, in virtual time, with a script
// for its model.
type scene struct {
	t       *testing.T
	began   time.Time
	cfg     decision.Config
	req     decision.Request
	prices  map[string]decimal.Decimal
	records []decision.Record
}

func newScene(t *testing.T, name string, assets []marketdata.SimAsset) *scene {
	t.Helper()
	s := &scene{t: t, began: time.Now(), prices: map[string]decimal.Decimal{}}
	sim, err := marketdata.NewSim(marketdata.SimConfig{Seed: 7, Symbols: assets, Now: s.now})
	require.NoError(t, err)
	snap, err := sim.Snapshot(t.Context(), marketdata.Query{Symbols: []string{btc, eth}})
	require.NoError(t, err)
	for symbol := range snap.Assets {
		s.prices[symbol] = snap.Assets[symbol].Quote.Last
	}
	s.cfg = decision.Config{
		Market: sim, Scorer: fallback.New(fallback.Config{}), Candles: 100, Now: s.now, NewID: func() string { return name },
		Store: decision.StoreFunc(func(_ context.Context, rec decision.Record) error {
			s.records = append(s.records, rec)
			return nil
		}),
	}
	s.req = decision.Request{Account: dt.Account(), Strategy: dt.Strategy(), Symbols: []string{btc}}
	s.req.Strategy.Prompt = "Trade rarely." // the corpus is to be small; the strategies' own records have theirs
	return s
}

// now is instant, and what has passed since in virtual time.
func (s *scene) now() time.Time { return instant().Add(time.Since(s.began)) }

// record is what the last decision recorded, read back as a store would.
func (s *scene) record() decision.Record {
	c, err := s.records[len(s.records)-1].Canonical()
	require.NoError(s.t, err)
	rec, err := c.Record()
	require.NoError(s.t, err)
	return rec
}

func (s *scene) decide() {
	s.engine(func(e *decision.Engine) {
		_, err := e.Decide(s.t.Context(), s.req)
		require.NoError(s.t, err)
	})
}

func (s *scene) engine(use func(*decision.Engine)) {
	e, err := decision.New(s.cfg)
	require.NoError(s.t, err)
	use(e)
	require.NoError(s.t, e.Close(s.t.Context()))
}

// reply is what a model says, once it has thought for so long.
type reply struct {
	text   string
	finish llm.FinishReason
	err    error
	takes  time.Duration
	then   func() // happens before it answers
}

// scripted answers in order; further questions fail.
func scripted(model string, replies ...reply) llm.Client {
	return llm.ClientFunc(func(ctx context.Context, _ llm.Request) (llm.Response, error) {
		if len(replies) == 0 {
			return llm.Response{}, &llm.Error{Kind: llm.KindServer, Endpoint: "example.invalid", Model: model, Message: "overloaded"}
		}
		r := replies[0]
		replies = replies[1:]
		select {
		case <-time.After(r.takes):
		case <-ctx.Done():
			return llm.Response{}, ctx.Err()
		}
		if r.then != nil {
			r.then()
		}
		if r.err != nil {
			return llm.Response{}, r.err
		}
		if r.finish == "" {
			r.finish = llm.FinishStop
		}
		return llm.Response{
			ID: "gen-1", Provider: "example", Model: model, Content: r.text, FinishReason: r.finish, Took: r.takes,
			Usage: llm.Usage{PromptTokens: 3000, CompletionTokens: 200, CostUSD: dt.Null("0.0012")},
		}, nil
	})
}

// says has the model answer with these actions.
func (s *scene) says(actions ...decision.AssetDecision) {
	s.cfg.LLM = scripted("example/one", reply{text: s.answer(actions...), takes: 800 * time.Millisecond})
}

func (s *scene) answer(actions ...decision.AssetDecision) string {
	data, err := json.Marshal(dt.Propose(actions...).Decision)
	require.NoError(s.t, err)
	return string(data)
}

// at is a price so many percent away from the market.
func (s *scene) at(symbol, percent string) decimal.Decimal {
	return s.prices[symbol].Mul(dt.D("100").Add(dt.D(percent))).Shift(-2).Round(1)
}

// buy enters a long with a stop 3 % and a target 8 % away.
func (s *scene) buy(symbol, usd string, edits ...func(*decision.AssetDecision)) decision.AssetDecision {
	d := dt.Buy(symbol, usd)
	d.SLPrice.Decimal, d.TPPrice.Decimal = s.at(symbol, "-3"), s.at(symbol, "8")
	for _, edit := range edits {
		edit(&d)
	}
	return d
}

// sell enters a short with a stop 3 % and a target 8 % away.
func (s *scene) sell(symbol, usd string) decision.AssetDecision {
	d := dt.Sell(symbol, usd)
	d.SLPrice.Decimal, d.TPPrice.Decimal = s.at(symbol, "3"), s.at(symbol, "-8")
	return d
}

func hold(symbol string) decision.AssetDecision { return dt.Act(symbol, decision.ActionHold) }

// long is an open position worth so much, entered at the market.
func (s *scene) long(symbol, usd string) decision.Position {
	p := dt.Position(symbol, decision.Long, "1")
	p.Quantity = dt.D(usd).DivRound(s.prices[symbol], 3)
	p.EntryPrice, p.MarkPrice = s.prices[symbol], s.prices[symbol]
	p.SLPrice.Decimal, p.TPPrice.Decimal = s.at(symbol, "-3"), s.at(symbol, "8")
	return p
}

// recorded plays a case in virtual time.
func recorded(t *testing.T, c corpusCase) (rec decision.Record) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		assets := marketdata.SimAssets()
		if c.assets != nil {
			c.assets(assets)
		}
		s := newScene(t, c.name, assets)
		s.cfg.Rules = c.rules
		c.play(s)
		if len(s.records) == 0 {
			s.decide()
		}
		rec = s.record()
	})
	return rec
}
