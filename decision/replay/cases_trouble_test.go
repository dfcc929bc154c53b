package replay_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
)

const thinks = 300 * time.Millisecond

// talks has the model answer one question after the other.
func (s *scene) talks(replies ...reply) { s.cfg.LLM = scripted("example/one", replies...) }

// failsOver puts two models behind a Failover.
func (s *scene) failsOver(first, second llm.Client) {
	client, err := llm.NewFailover(llm.FailoverConfig{Now: s.now, Hops: []llm.Hop{
		{Name: "one", Model: "example/one", Client: first}, {Name: "two", Model: "example/two", Client: second},
	}})
	require.NoError(s.t, err)
	s.cfg.LLM = client
}

func conversationCases() []corpusCase {
	return []corpusCase{
		{name: "answer_repaired", play: func(s *scene) {
			s.talks(reply{text: `{"decisions":[]}`, takes: thinks}, reply{text: s.answer(s.buy(btc, "1000")), takes: thinks})
		}},
		{name: "answer_lengthened", play: func(s *scene) {
			full := s.answer(s.buy(btc, "1000"))
			s.talks(reply{text: full[:90], finish: llm.FinishLength, takes: thinks}, reply{text: full, takes: thinks})
		}},
		{name: "answer_fenced_after_thinking", play: func(s *scene) {
			s.talks(reply{text: "<think>it rises</think>\n```json\n" + s.answer(s.buy(btc, "1000")) + "\n```\n", takes: thinks})
		}},
		{name: "answer_byte_order_mark", play: func(s *scene) { s.talks(reply{text: "\ufeff" + s.answer(hold(btc)), takes: thinks}) }},
		{name: "answer_partial", play: func(s *scene) {
			s.req.Symbols = []string{btc, eth}
			part := s.answer(s.buy(btc, "1000"))
			s.talks(reply{text: part, takes: thinks}, reply{text: part, takes: thinks})
		}},
		{name: "answer_partial_then_error", play: func(s *scene) {
			s.req.Symbols = []string{btc, eth}
			s.talks(reply{text: s.answer(s.buy(btc, "1000")), takes: thinks})
		}},
		{name: "failover_after_an_error", play: func(s *scene) {
			s.failsOver(scripted("example/one"), scripted("example/two", reply{text: s.answer(s.buy(btc, "1000")), takes: thinks}))
		}},
		{name: "failover_after_a_refusal", play: func(s *scene) {
			s.failsOver(scripted("example/one", reply{text: "", finish: llm.FinishContentFilter, takes: thinks}),
				scripted("example/two", reply{text: s.answer(hold(btc)), takes: thinks}))
		}},
		{name: "failover_after_a_repair", play: func(s *scene) {
			s.failsOver(scripted("example/one", reply{text: "no", takes: thinks}, reply{text: "no", takes: thinks}),
				scripted("example/two", reply{text: s.answer(s.buy(btc, "1000")), takes: thinks}))
		}},
	}
}

func withoutModelCases() []corpusCase {
	fell := decision.OriginFallback
	nobody := errors.New("no candles left to score")
	return []corpusCase{
		{name: "fallback_no_model", origin: fell, play: func(*scene) {}},
		{name: "fallback_two_assets", origin: fell, play: func(s *scene) { s.req.Symbols = []string{btc, eth} }},
		{name: "fallback_with_position", origin: fell, play: func(s *scene) { s.holds(s.long(btc, "2000")) }},
		{name: "fallback_model_error", origin: fell, play: func(s *scene) { s.talks() }},
		{name: "fallback_model_timeout", origin: fell, play: func(s *scene) { s.talks(reply{takes: time.Hour}) }},
		{name: "fallback_undecodable_twice", origin: fell, play: func(s *scene) {
			s.talks(reply{text: "buy!", takes: thinks}, reply{text: "I said buy!", takes: thinks})
		}},
		{name: "fallback_undecodable_then_error", origin: fell, play: func(s *scene) { s.talks(reply{text: "buy!", takes: thinks}) }},
		{name: "fallback_injected_symbol", origin: fell, play: func(s *scene) {
			s.talks(reply{text: strings.ReplaceAll(s.answer(s.buy(btc, "1000")), btc, "PWNDUSDT"), takes: thinks})
		}},
		{name: "fallback_refusing_model", origin: fell, play: func(s *scene) {
			s.talks(reply{finish: llm.FinishContentFilter, takes: thinks})
		}},
		{name: "fallback_both_models_fail", origin: fell, play: func(s *scene) { s.failsOver(scripted("example/one"), scripted("example/two")) }},
		{name: "hold_nobody", origin: decision.OriginHold, play: func(s *scene) { s.cfg.Scorer = nil }},
		{name: "hold_model_and_scorer_fail", origin: decision.OriginHold, play: func(s *scene) {
			s.talks()
			s.cfg.Scorer = decision.ScorerFunc(func(context.Context, decision.Input) (decision.Proposal, error) { return decision.Proposal{}, nobody })
		}},
	}
}

func haltCases() []corpusCase {
	halts := func(h *decision.Halt, err error) decision.Halts {
		return decision.HaltsFunc(func(context.Context, string) (*decision.Halt, error) { return h, err })
	}
	return []corpusCase{
		{name: "halted_account", refused: "halted", play: func(s *scene) {
			s.req.Account.Halted = true
			s.says(s.buy(btc, "1000"))
		}},
		{name: "halted_request", refused: "halted", play: func(s *scene) {
			s.req.Halted = true
			s.says(s.buy(btc, "1000"))
		}},
		{name: "halted_globally", refused: "halted", play: func(s *scene) {
			s.cfg.Halts = halts(&decision.Halt{By: "ops", Reason: "drill", At: instant()}, nil)
			s.req.Symbols = []string{btc, eth}
			s.holds(s.long(eth, "1000"))
			s.says(s.buy(btc, "1000"), dt.Act(eth, decision.ActionClosePosition))
		}},
		{name: "halted_unknown", refused: "halted", play: func(s *scene) {
			s.cfg.Halts = halts(nil, errors.New("connection refused"))
			s.says(s.buy(btc, "1000"))
		}},
		{name: "halted_while_the_model_thinks", refused: "halted", play: func(s *scene) {
			var thrown *decision.Halt
			s.cfg.Halts = decision.HaltsFunc(func(context.Context, string) (*decision.Halt, error) { return thrown, nil })
			s.talks(reply{text: s.answer(s.buy(btc, "1000")), takes: thinks, then: func() {
				thrown = &decision.Halt{AccountID: "test", By: "ops", Reason: "drawdown", At: s.now()}
			}})
		}},
	}
}

func degradedCases() []corpusCase {
	regime := func(r marketdata.Regime) func([]marketdata.SimAsset) {
		return func(assets []marketdata.SimAsset) {
			for i := range assets {
				if assets[i].Symbol == btc {
					assets[i].Regime, assets[i].RegimeFrom = r, instant().Add(-6*time.Hour)
				}
			}
		}
	}
	both := func(s *scene) {
		s.req.Symbols = []string{btc, eth}
		s.says(dt.Buy(btc, "1000"), s.buy(eth, "1000"))
	}
	return []corpusCase{
		{name: "degraded_stale", refused: "market_data", assets: regime(marketdata.RegimeDeadFeed), play: both},
		{name: "degraded_gap", refused: "market_data", assets: regime(marketdata.RegimeGap), play: both},
		{name: "degraded_unavailable", refused: "market_data", play: func(s *scene) {
			market := s.cfg.Market
			s.cfg.Market = marketdata.SourceFunc(func(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
				snap, err := market.Snapshot(ctx, q)
				delete(snap.Assets, btc)
				return snap, err
			})
			both(s)
		}},
	}
}

// caches puts a cache before the model.
func (s *scene) caches() {
	var err error
	s.cfg.Cache, err = decision.NewCache(decision.CacheConfig{Now: s.now})
	require.NoError(s.t, err)
}

func cacheCases() []corpusCase {
	return []corpusCase{
		{name: "cached_answer", play: func(s *scene) {
			s.caches()
			s.says(s.buy(btc, "1000"))
			s.engine(func(e *decision.Engine) {
				for range 2 {
					_, err := e.Decide(s.t.Context(), s.req)
					require.NoError(s.t, err)
					time.Sleep(5 * time.Second) // virtual
				}
			})
			require.True(s.t, s.record().Result.Cached)
		}},
		{name: "cached_for_one_that_left", play: func(s *scene) {
			s.caches()
			s.says(s.buy(btc, "1000"))
			s.engine(func(e *decision.Engine) {
				ctx, leave := context.WithTimeout(s.t.Context(), 500*time.Millisecond)
				defer leave()
				var left sync.WaitGroup
				left.Go(func() {
					canceled, cancel := context.WithCancel(context.WithoutCancel(ctx))
					context.AfterFunc(ctx, cancel)
					_, err := e.Decide(canceled, s.req)
					if !errors.Is(err, context.Canceled) {
						s.t.Errorf("who leaves got %v", err)
					}
				})
				time.Sleep(100 * time.Millisecond) // virtual
				other := s.req
				other.Account.BalanceUSD = dt.D("10001")
				_, err := e.Decide(s.t.Context(), other)
				require.NoError(s.t, err)
				left.Wait()
			})
			rec := s.record()
			require.True(s.t, rec.Adopted())
			require.Len(s.t, rec.Responses, 1)
		}},
		{name: "hold_proposing_breaks", origin: decision.OriginHold, play: func(s *scene) {
			s.caches()
			s.says(s.buy(btc, "1000"))
			s.cfg.Judge = func(string, bool) { panic("bug") }
		}},
	}
}

func recheckCases() []corpusCase {
	drifts := func(percent string, again ...func(*marketdata.Asset)) func(*scene) {
		return func(s *scene) {
			moved := false
			s.quoted(btc, func(a *marketdata.Asset) {
				if !moved {
					return
				}
				a.Quote.Last = s.at(btc, percent)
				for _, edit := range again {
					edit(a)
				}
			})
			s.talks(reply{text: s.answer(s.buy(btc, "1000")), takes: 20 * time.Second, then: func() { moved = true }})
		}
	}
	return []corpusCase{
		{name: "recheck_still", play: func(s *scene) { s.talks(reply{text: s.answer(s.buy(btc, "1000")), takes: 3 * time.Second}) }},
		{name: "recheck_drift", warned: "price_drift", play: drifts("1")},
		{name: "recheck_through_the_stop", refused: "price_logic", warned: "price_drift", play: drifts("-4")},
		{name: "recheck_price_gone", refused: "market_data", play: drifts("0", func(a *marketdata.Asset) { a.Quote.Last = dt.D("0") })},
		{name: "recheck_market_down", refused: "market_data", play: func(s *scene) {
			market, down := s.cfg.Market, false
			s.cfg.Market = marketdata.SourceFunc(func(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
				if down {
					return marketdata.Snapshot{}, errors.New("connection reset")
				}
				return market.Snapshot(ctx, q)
			})
			s.cfg.ModelTimeout, s.cfg.Timeout = 2*time.Minute, 3*time.Minute
			s.talks(reply{text: s.answer(s.buy(btc, "1000")), takes: 70 * time.Second, then: func() { down = true }})
		}},
	}
}
