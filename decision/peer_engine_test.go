package decision_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
)

// peerActions are the actions by asset.
func peerActions(d decision.Decision) map[string]decision.Action {
	out := map[string]decision.Action{}
	for i := range d.Decisions {
		out[d.Decisions[i].Asset] = d.Decisions[i].Action
	}
	return out
}

// peerMarket changes what the market of a bench says.
func peerMarket(b *bench, change func(*marketdata.Snapshot)) {
	market := b.cfg.Market
	b.cfg.Market = marketdata.SourceFunc(func(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
		snap, err := market.Snapshot(ctx, q)
		change(&snap)
		return snap, err
	})
}

// Peers reject an answer that only closes once there are as many positions as
// allowed, or do not decide at all with nothing free: the one way out of a
// position is shut when it is needed.
func TestPeer_ClosesAreBlocked(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*decision.Request, *bench){
		"at the position limit": func(r *decision.Request, _ *bench) { r.Strategy.MaxPositions = 1 },
		"beyond it": func(r *decision.Request, _ *bench) {
			r.Strategy.MaxPositions = 1
			r.Account.Positions = append(r.Account.Positions, dt.Position("XRPUSDT", decision.Long, "1"))
		},
		"nothing free": func(r *decision.Request, _ *bench) { r.Account.AvailableUSD = dt.D("0") },
		"a balance below zero": func(r *decision.Request, _ *bench) {
			r.Account.BalanceUSD, r.Account.AvailableUSD = dt.D("-50"), dt.D("0")
		},
		"the day's loss is used up": func(r *decision.Request, _ *bench) { r.Account.RealizedPnLTodayUSD = dt.D("-5000") },
		"cooldown":                  func(r *decision.Request, _ *bench) { r.Account.LastEntryAt = map[string]time.Time{"ETHUSDT": dt.At()} },
		"halted":                    func(r *decision.Request, _ *bench) { r.Account.Halted, r.Halted = true, true },
		"no data for it": func(_ *decision.Request, b *bench) {
			peerMarket(b, func(s *marketdata.Snapshot) { delete(s.Assets, "ETHUSDT") })
		},
		"funding beyond the limit": func(_ *decision.Request, b *bench) {
			peerMarket(b, func(s *marketdata.Snapshot) {
				a := s.Assets["ETHUSDT"]
				a.Quote.FundingRate = dt.Null("0.05")
				s.Assets["ETHUSDT"] = a
			})
		},
		"the record fails": func(_ *decision.Request, b *bench) {
			b.cfg.Store = decision.StoreFunc(func(context.Context, decision.Record) error { return errors.New("disk full") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for action, act := range map[decision.Action]decision.AssetDecision{
				decision.ActionClosePosition:  dt.Act("ETHUSDT", decision.ActionClosePosition),
				decision.ActionAdjustPosition: dt.Adjust("ETHUSDT", decision.AdjustDecrease, "400"),
				decision.ActionAdjustOrders:   dt.MoveStop("ETHUSDT", "98"),
			} {
				b := newBench(t, fixed)
				b.cfg.LLM = answering(answer(t, dt.Buy("BTCUSDT", "50000"), act))
				req := request()
				req.Strategy = dt.Strategy()
				req.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Long, "10")}
				edit(&req, b)
				res, err := b.decide(t, req)
				if name == "the record fails" {
					require.ErrorIs(t, err, decision.ErrUnrecorded)
				} else {
					require.NoError(t, err)
				}
				require.Equal(t, map[string]decision.Action{"BTCUSDT": decision.ActionHold, "ETHUSDT": action}, peerActions(res.Decision))
			}
		})
	}
}

// A peer decides on data of days ago, because only the number of rows is
// looked at; another trades a feed that has a hole in it.
func TestPeer_StaleDataIsTraded(t *testing.T) {
	t.Parallel()
	later := func(days int) func() time.Time {
		return func() time.Time { return fixed().Add(time.Duration(days) * 24 * time.Hour) }
	}
	b := newBench(t, fixed)
	asked := 0
	b.cfg.LLM = llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
		asked++
		return llm.Response{}, errors.New("down")
	})
	b.cfg.Now = later(3)
	_, err := b.decide(t, request())
	require.ErrorIs(t, err, decision.ErrStaleMarket)
	require.Zero(t, asked, "nobody pays for a question about nothing")

	hole := waves(t, marketdata.Interval1h, 10, fixed()).Candles()
	_, err = marketdata.NewSeries(marketdata.Interval1h, append(hole[:4:4], hole[5:]...))
	var bad *marketdata.CandleError
	require.ErrorAs(t, err, &bad, "candles with a hole are no series")
	require.Equal(t, marketdata.ReasonGap, bad.Reason)

	for name, change := range map[string]func(*marketdata.Asset){
		"an old price under fresh candles": func(a *marketdata.Asset) { a.Quote.LastAt = fixed().Add(-61 * time.Second) },
		"a fresh price over old candles": func(a *marketdata.Asset) {
			a.Series = map[marketdata.Interval]marketdata.Series{
				marketdata.Interval1h: waves(t, marketdata.Interval1h, 250, fixed().Add(-3*time.Hour)), marketdata.Interval4h: a.Series[marketdata.Interval4h],
			}
		},
		"no price": func(a *marketdata.Asset) { a.Quote.Last = dt.D("0") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, fixed)
			b.cfg.LLM = answering(answer(t, dt.Buy("BTCUSDT", "100"), dt.Buy("ETHUSDT", "100")))
			peerMarket(b, func(s *marketdata.Snapshot) {
				a := s.Assets["BTCUSDT"]
				change(&a)
				s.Assets["BTCUSDT"] = a
			})
			res, err := b.decide(t, request())
			require.NoError(t, err)
			require.Contains(t, peerRefused(res.Refused)["BTCUSDT"], "market_data")
			require.Equal(t, map[string]decision.Action{"BTCUSDT": decision.ActionHold, "ETHUSDT": decision.ActionBuy}, peerActions(res.Decision))
		})
	}
}

// A peer stores the candle that has just opened as if it had closed, and
// decides on it.
func TestPeer_TheOpenCandleIsDecidedOn(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	b.cfg.LLM = answering(answer(t, dt.Buy("BTCUSDT", "100"), dt.Act("ETHUSDT", decision.ActionHold)))
	peerMarket(b, func(s *marketdata.Snapshot) {
		a := s.Assets["BTCUSDT"]
		a.Series = map[marketdata.Interval]marketdata.Series{
			marketdata.Interval1h: waves(t, marketdata.Interval1h, 250, fixed().Add(time.Hour)), marketdata.Interval4h: a.Series[marketdata.Interval4h],
		}
		s.Assets["BTCUSDT"] = a
	})
	res, err := b.decide(t, request())
	require.NoError(t, err)
	require.Equal(t, marketdata.ReasonBadCandle, b.records[0].Input.Market.Failures["BTCUSDT"].Reason)
	require.Equal(t, []string{"market_data"}, peerRefused(res.Refused)["BTCUSDT"])
}

// A peer judges an answer by the price that it asked with, half a minute ago,
// or by a decision kept from before a crash.
func TestPeer_TheAnswerIsJudgedByAnOldPrice(t *testing.T) {
	t.Parallel()
	for price, want := range map[string]struct{ rule, warning string }{
		"96":  {"price_logic", "price_drift"}, // through the stop at 97
		"108": {"price_logic", "price_drift"}, // beyond the target at 107.5
		"104": {"risk_per_trade", "price_drift"},
		"101": {"", "price_drift"},
	} {
		t.Run(price, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, time.Now)
				text := answer(t, dt.Buy("BTCUSDT", "4900"), dt.Act("ETHUSDT", decision.ActionHold))
				b.cfg.LLM = llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
					time.Sleep(25 * time.Second) // virtual
					b.mu.Lock()
					b.price = price
					b.mu.Unlock()
					return answering(text).Complete(ctx, req)
				})
				res, err := b.decide(t, request())
				require.NoError(t, err)
				if want.rule == "" {
					require.Empty(t, res.Refused)
				} else {
					require.Contains(t, peerRefused(res.Refused)["BTCUSDT"], want.rule)
				}
				var warned []string
				for _, w := range res.Warnings {
					if w.Asset == "BTCUSDT" {
						warned = append(warned, w.Rule)
					}
				}
				require.Contains(t, warned, want.warning)
			})
		})
	}
}

// A peer has a stop for all trading that its code reads and nothing ever sets;
// others' does not survive a restart, or is not looked at before the next
// entry. Here the switch is asked before the question and again before the
// gate, one that cannot be asked counts as on, and the way out stays open.
func TestPeer_TheKillSwitchDoesNothing(t *testing.T) {
	t.Parallel()
	at := fixed()
	for name, halted := range map[string]func(asked int) (*decision.Halt, error){
		"on":                 func(int) (*decision.Halt, error) { return &decision.Halt{Reason: "drawdown", At: at}, nil },
		"on for the account": func(int) (*decision.Halt, error) { return &decision.Halt{AccountID: "test", At: at}, nil },
		"thrown while the model thinks": func(asked int) (*decision.Halt, error) {
			if asked == 1 {
				return nil, nil
			}
			return &decision.Halt{By: "ops", At: at}, nil
		},
		"not to be reached": func(int) (*decision.Halt, error) { return nil, errors.New("database down") },
		"lost while the model thinks": func(asked int) (*decision.Halt, error) {
			if asked == 1 {
				return nil, nil
			}
			return nil, errors.New("database down")
		},
		"broken": func(int) (*decision.Halt, error) { panic("bug") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, fixed)
			asked := 0
			b.cfg.Halts = decision.HaltsFunc(func(_ context.Context, account string) (*decision.Halt, error) {
				if asked++; account != "test" {
					t.Errorf("asked for account %q", account)
				}
				return halted(asked)
			})
			b.cfg.LLM = answering(answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionClosePosition)))
			req := request()
			req.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Long, "10")}
			res, err := b.decide(t, req)
			require.NoError(t, err)
			require.Equal(t, 2, asked)
			require.Contains(t, peerRefused(res.Refused)["BTCUSDT"], "halted")
			require.Equal(t, map[string]decision.Action{"BTCUSDT": decision.ActionHold, "ETHUSDT": decision.ActionClosePosition}, peerActions(res.Decision))
		})
	}
}

// A peer writes the strategy of one request into an object that later requests
// share, which then run by it.
func TestPeer_AStrategyOverrideLeaks(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	b.cfg.LLM = peerSilent()
	e, err := decision.New(b.cfg)
	require.NoError(t, err)
	override, err := decision.LoadStrategy("scalping_perps")
	require.NoError(t, err)
	special := request()
	special.Strategy = override
	for _, req := range []decision.Request{request(), special, request()} {
		_, err := e.Decide(t.Context(), req)
		require.NoError(t, err)
	}
	require.NoError(t, e.Close(t.Context()))
	for i, want := range []string{decision.DefaultStrategy, "scalping_perps", decision.DefaultStrategy} {
		rec := b.records[i]
		require.Equal(t, want, rec.Input.Strategy.ID)
		limits := promptData(t, rec.Request.Messages)["limits"]
		require.Equal(t, rec.Input.Strategy.Risk.MaxRiskPerTrade.String(), peerNumber(t, limits, "max_risk_per_trade_percent").String())
	}
}

// A peer fails on an account without a strategy.
func TestPeer_AnAccountWithoutAStrategyFails(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	b.cfg.LLM = answering(answer(t, dt.Buy("BTCUSDT", "100"), dt.Act("ETHUSDT", decision.ActionHold)))
	req := request()
	req.Strategy = decision.Strategy{}
	res, err := b.decide(t, req)
	require.NoError(t, err)
	require.Equal(t, decision.OriginModel, res.Origin)
	require.Equal(t, decision.DefaultStrategy, b.records[0].Input.Strategy.ID, "the standard one, and the record says so")
}

// A peer swaps the model of a shared client for one request and waits, so that
// others run on it, and report another.
func TestPeer_ConcurrentRequestsReportAnotherModel(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	text := answer(t, dt.Buy("BTCUSDT", "100"), dt.Act("ETHUSDT", decision.ActionHold))
	client := llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
		resp, err := answering(text).Complete(ctx, req)
		resp.Model = req.Model
		return resp, err
	})
	var wg sync.WaitGroup
	for _, model := range []string{"one/a", "two/b"} {
		cfg := b.cfg
		cfg.LLM, cfg.Model = client, model
		e, err := decision.New(cfg)
		require.NoError(t, err)
		for range 16 {
			wg.Go(func() {
				res, err := e.Decide(t.Context(), request())
				if err != nil || res.Model != model {
					t.Errorf("asked %s, reported %s, %v", model, res.Model, err)
				}
			})
		}
	}
	wg.Wait()
	for _, rec := range b.records {
		require.Equal(t, rec.Request.Model, rec.Result.Model)
		require.Equal(t, rec.Request.Model, rec.Responses[0].Model)
	}
}
