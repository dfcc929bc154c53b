package decision_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
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

// haltsOf always answers the same.
func haltsOf(h decision.Halt, err error) decision.Halts {
	return decision.HaltsFunc(func(context.Context, string) (*decision.Halt, error) {
		if err != nil {
			return nil, err
		}
		return &h, nil
	})
}

// toggle is a kill switch that a test throws.
type toggle struct {
	on     atomic.Pointer[decision.Halt]
	asked  atomic.Int32
	answer func(ctx context.Context, asked int32) (*decision.Halt, error) // instead, when given
}

func (s *toggle) Halted(ctx context.Context, _ string) (*decision.Halt, error) {
	asked := s.asked.Add(1)
	if s.answer != nil {
		return s.answer(ctx, asked)
	}
	return s.on.Load(), nil
}

// holding is a request with an open long in ETHUSDT.
func holding() decision.Request {
	req := request()
	req.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Long, "10")}
	return req
}

// requireOnlyTheClose: BTCUSDT was to be bought, ETHUSDT to be closed.
func requireOnlyTheClose(t *testing.T, res decision.Result) {
	t.Helper()
	require.Equal(t, decision.ActionHold, res.Decision.Decisions[0].Action)
	require.Equal(t, decision.ActionClosePosition, res.Decision.Decisions[1].Action)
	require.True(t, res.Decision.TotalAllocationUSD.IsZero())
	require.Len(t, res.Refused, 1)
	require.Equal(t, "halted", res.Refused[0].Violations[len(res.Refused[0].Violations)-1].Rule)
}

func buyAndClose(t *testing.T) string {
	t.Helper()
	return answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionClosePosition))
}

func TestHaltsAreAskedForTheAccountBeforeAndBeforeTheGate(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	b.cfg.LLM = answering(buyAndClose(t))
	var accounts []string
	b.cfg.Halts = decision.HaltsFunc(func(_ context.Context, accountID string) (*decision.Halt, error) {
		accounts = append(accounts, accountID)
		return nil, nil
	})
	res, err := b.decide(t, holding())
	require.NoError(t, err)
	require.Equal(t, []string{"test", "test"}, accounts)
	require.Equal(t, "500", res.Decision.TotalAllocationUSD.String())
	require.Nil(t, b.records[0].Recheck)
	require.False(t, b.records[0].Input.Halted)
}

func TestAHaltRefusesRiskAndSaysWhy(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 10, 10, 23, 0, 0, 0, time.FixedZone("CET", 3600))
	for name, c := range map[string]struct {
		halt decision.Halt
		want string
	}{
		"globally":       {decision.Halt{By: "alice", Reason: "drill", At: at}, "every account halted at 2025-10-10T22:00:00Z by alice: drill"},
		"for an account": {decision.Halt{AccountID: "test", At: at}, "account test halted at 2025-10-10T22:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, fixed)
			b.cfg.LLM, b.cfg.Halts = answering(buyAndClose(t)), haltsOf(c.halt, nil)
			res, err := b.decide(t, holding())
			require.NoError(t, err)
			requireOnlyTheClose(t, res)
			require.Equal(t, "trading is halted: only actions that reduce risk are allowed ("+c.want+")", res.Refused[0].Violations[0].Message)
			require.Empty(t, res.Degraded, "a switch that works is no defect")

			in := b.records[0].Input
			require.True(t, in.Halted)
			require.Equal(t, c.halt.AccountID, in.Halt.AccountID)
			require.True(t, in.Envelope.TotalUSD.IsZero())
			for _, e := range in.Envelope.Assets {
				require.True(t, e.MaxLongUSD.IsZero() && e.MaxShortUSD.IsZero(), "nothing is offered")
				require.NotContains(t, e.Actions, decision.ActionBuy)
			}
			require.Contains(t, b.records[0].Request.Messages[1].Content, `"halted":true`, "the model is told")
			require.Nil(t, b.records[0].Recheck, "nothing happened since")
		})
	}
}

func TestAHaltThrownWhileTheModelThinks(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]time.Duration{"at once": 0, "prices aged meanwhile": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, time.Now)
				kill := &toggle{}
				b.cfg.Halts = kill
				text := buyAndClose(t)
				b.cfg.LLM = llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
					time.Sleep(wait) // virtual
					kill.on.Store(&decision.Halt{By: "alice", Reason: "flash crash", At: time.Now()})
					return answering(text).Complete(ctx, req)
				})
				res, err := b.decide(t, holding())
				require.NoError(t, err)
				require.EqualValues(t, 2, kill.asked.Load())
				require.Equal(t, decision.OriginModel, res.Origin)
				requireOnlyTheClose(t, res)
				require.Contains(t, res.Refused[0].Violations[0].Message, "by alice: flash crash")

				rec := b.records[0]
				require.False(t, rec.Input.Halted, "what the model saw is kept")
				require.True(t, rec.Recheck.Halted)
				require.Equal(t, "flash crash", rec.Recheck.Halt.Reason)
				requireReplays(t, rec)

				kill.on.Store(nil) // resumed
				b.cfg.LLM = answering(text)
				res, err = b.decide(t, holding())
				require.NoError(t, err)
				require.Empty(t, res.Refused)
				require.Equal(t, "500", res.Decision.TotalAllocationUSD.String())
				require.False(t, b.records[1].Input.Halted)
			})
		})
	}
}

// requireReplays: a record alone, written and read back, gives the same
// verdict again.
func requireReplays(t *testing.T, rec decision.Record) {
	t.Helper()
	data, err := json.Marshal(rec)
	require.NoError(t, err)
	var back decision.Record
	require.NoError(t, json.Unmarshal(data, &back))
	in := back.Input
	if r := back.Recheck; r != nil {
		in.At, in.Market = r.At, in.Market.Clone()
		if r.Halted {
			in.Halted, in.Halt = true, r.Halt
		}
		for symbol, a := range in.Market.Assets {
			q, ok := r.Quotes[symbol]
			if a.Quote = q; !ok {
				delete(in.Market.Assets, symbol)
				continue
			}
			in.Market.Assets[symbol] = a
		}
	}
	again := decision.DefaultRules().Validate(in, back.Proposal.Decision)
	require.Equal(t, jsonOf(t, []decision.Decision{back.Result.Decision}), jsonOf(t, []decision.Decision{again.Decision}))
	refused := 0
	for _, r := range back.Result.Refused {
		refused += len(r.Violations)
	}
	require.Len(t, again.Errors, refused)
}

func TestHaltsThatCannotBeAskedFailClosed(t *testing.T) {
	t.Parallel()
	var none *toggle
	broken := func(answer func(context.Context, int32) (*decision.Halt, error)) decision.Halts {
		return &toggle{answer: answer}
	}
	later := func(answer func(context.Context) (*decision.Halt, error)) decision.Halts {
		return broken(func(ctx context.Context, asked int32) (*decision.Halt, error) {
			if asked == 1 {
				return nil, nil
			}
			return answer(ctx)
		})
	}
	ignores := func(context.Context, int32) (*decision.Halt, error) {
		time.Sleep(time.Hour) // virtual; its context is ignored
		return nil, nil
	}
	for name, c := range map[string]struct {
		halts decision.Halts
		want  string
	}{
		"error":              {haltsOf(decision.Halt{}, errors.New("disk full")), "disk full"},
		"unreadable error":   {haltsOf(decision.Halt{}, errors.New("\xff"+strings.Repeat("x", 5000))), "?xxx"},
		"panic":              {broken(func(context.Context, int32) (*decision.Halt, error) { panic("boom") }), "halts: panicked: boom"},
		"typed nil":          {none, "halts: panicked"},
		"hanging":            {broken(ignores), "halts: context deadline exceeded"},
		"hanging politely":   {broken(func(ctx context.Context, _ int32) (*decision.Halt, error) { <-ctx.Done(); return nil, ctx.Err() }), "deadline exceeded"},
		"later error":        {later(func(context.Context) (*decision.Halt, error) { return nil, errors.New("disk full") }), "disk full"},
		"later panic":        {later(func(context.Context) (*decision.Halt, error) { panic("boom") }), "halts: panicked: boom"},
		"later hanging":      {later(func(ctx context.Context) (*decision.Halt, error) { return ignores(ctx, 2) }), "halts: context deadline exceeded"},
		"a halt without end": {haltsOf(decision.Halt{Reason: strings.Repeat("x", 501), At: dt.At()}, nil), "reason must be at most 500 bytes of UTF-8, had 501"},
		"an unreadable halt": {haltsOf(decision.Halt{By: "\xff", At: dt.At()}, nil), "by must be at most 100 bytes of UTF-8, had 1"},
		"a halt of no time":  {haltsOf(decision.Halt{Reason: "drill"}, nil), "at must be a time, was zero"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, time.Now)
				b.cfg.Halts, b.cfg.LLM = c.halts, answering(buyAndClose(t))
				e, err := decision.New(b.cfg)
				require.NoError(t, err)
				started := time.Now()
				res, err := e.Decide(t.Context(), holding())
				require.NoError(t, err)
				require.LessOrEqual(t, time.Since(started), 2*time.Second, "a switch costs no more than its share")
				requireOnlyTheClose(t, res)
				note := strings.Join(res.Degraded, "\n")
				require.Equal(t, 1, strings.Count(note, "kill switches unknown, so nothing may add risk: "), note)
				require.Contains(t, note, c.want)
				require.Less(t, len(note), 500)
				requireReplays(t, b.records[0])
				time.Sleep(3 * time.Hour) // virtual: what hung returns
				require.NoError(t, e.Close(t.Context()))
			})
		})
	}
}

func TestHangingHaltsLeaveTimeUnderAShortDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, time.Now)
		b.cfg.Timeout = 400 * time.Millisecond
		b.cfg.LLM = answering(buyAndClose(t))
		b.cfg.Halts = decision.HaltsFunc(func(ctx context.Context, _ string) (*decision.Halt, error) { <-ctx.Done(); return nil, ctx.Err() })
		res, err := b.decide(t, holding())
		require.NoError(t, err)
		requireOnlyTheClose(t, res)
	})
}

func TestARecordedHaltIsNotTheHosts(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	b.cfg.LLM = answering(buyAndClose(t))
	mine := &decision.Halt{Reason: "drill", At: dt.At().In(time.FixedZone("CET", 3600))}
	b.cfg.Halts = decision.HaltsFunc(func(context.Context, string) (*decision.Halt, error) { return mine, nil })
	_, err := b.decide(t, holding())
	require.NoError(t, err)
	mine.Reason = "overwritten"
	require.Equal(t, "drill", b.records[0].Input.Halt.Reason)
	require.Equal(t, time.UTC, b.records[0].Input.Halt.At.Location())
}

func TestHaltsCountBesideTheOthers(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*decision.Request){
		"request": func(r *decision.Request) { r.Halted = true },
		"account": func(r *decision.Request) { r.Account.Halted = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, fixed)
			b.cfg.LLM, b.cfg.Halts = answering(buyAndClose(t)), &toggle{} // off
			req := holding()
			edit(&req)
			res, err := b.decide(t, req)
			require.NoError(t, err)
			requireOnlyTheClose(t, res)
			require.Equal(t, "trading is halted: only actions that reduce risk are allowed", res.Refused[0].Violations[0].Message)
		})
	}
}

// falling is a market that falls to 100 with setbacks: the price is below the
// cloud and RSI is not oversold.
func falling(tb testing.TB) marketdata.Source {
	tb.Helper()
	series := func(interval marketdata.Interval) marketdata.Series {
		candles := make([]marketdata.Candle, 250)
		at, price := interval.LastClose(dt.At()).Add(-250*interval.Duration()), dt.D("118.7")
		for i := range candles {
			next := price.Add(decimal.New([]int64{-40, 30, -35, 15}[i%4], -2))
			candles[i] = marketdata.Candle{OpenTime: at, Open: price, Close: next, High: decimal.Max(price, next), Low: decimal.Min(price, next)}
			at, price = at.Add(interval.Duration()), next
		}
		s, err := marketdata.NewSeries(interval, candles)
		require.NoError(tb, err)
		return s
	}
	short, long := series(marketdata.Interval1h), series(marketdata.Interval4h)
	return marketdata.SourceFunc(func(_ context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
		snap := dt.Market(q.Symbols...)
		for symbol, a := range snap.Assets {
			a.Series = map[marketdata.Interval]marketdata.Series{marketdata.Interval1h: short, marketdata.Interval4h: long}
			snap.Assets[symbol] = a
		}
		return snap, nil
	})
}

func TestTheFallbackOnlyProtectsWhileHalted(t *testing.T) {
	t.Parallel()
	for name, halted := range map[string]bool{"running": false, "halted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, fixed)
			kill := &toggle{}
			if halted {
				kill.on.Store(&decision.Halt{Reason: "drill", At: dt.At()})
			}
			b.cfg.Market, b.cfg.Halts = falling(t), kill
			b.cfg.Scorer = fallback.New(fallback.Config{})
			req := holding()
			req.Account.Positions[0].SLPrice = dt.Null("90")
			res, err := b.decide(t, req)
			require.NoError(t, err)
			require.Equal(t, decision.OriginFallback, res.Origin)
			require.Empty(t, res.Refused, "what is not allowed is not even proposed")
			entry, protect := res.Decision.Decisions[0], res.Decision.Decisions[1]
			require.Equal(t, decision.ActionAdjustOrders, protect.Action, protect.Rationale)
			require.True(t, protect.OrderAdjustment.NewSLPrice.Decimal.GreaterThan(dt.D("90")))
			if halted {
				require.Equal(t, decision.ActionHold, entry.Action)
				require.Contains(t, entry.Rationale, "no room")
			} else {
				require.Equal(t, decision.ActionSell, entry.Action, entry.Rationale)
			}
		})
	}
}

func TestHaltValidate(t *testing.T) {
	t.Parallel()
	full := decision.Halt{AccountID: strings.Repeat("a", 100), Reason: strings.Repeat("r", 500), By: strings.Repeat("b", 100), At: dt.At()}
	require.NoError(t, full.Validate())
	require.NoError(t, decision.Halt{At: dt.At()}.Validate())
	broken := decision.Halt{AccountID: full.AccountID + "a", Reason: full.Reason + "r", By: "\xff"}
	for _, want := range []string{
		"decision: halt: account_id must be at most 100 bytes of UTF-8, had 101", "reason must be at most 500 bytes of UTF-8, had 501",
		"by must be at most 100 bytes of UTF-8, had 1", "at must be a time, was zero",
	} {
		require.ErrorContains(t, broken.Validate(), want)
	}
}

func TestHaltReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	h := decision.Halt{AccountID: "a", Reason: "drill", By: "alice", At: dt.At()}
	data, err := json.Marshal(h)
	require.NoError(t, err)
	require.JSONEq(t, `{"account_id":"a","reason":"drill","by":"alice","at":"2025-10-10T22:00:00Z"}`, string(data))
	var back decision.Halt
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, h, back)
	back.At = back.At.In(time.FixedZone("CET", 3600))
	require.Equal(t, "account a halted at 2025-10-10T22:00:00Z by alice: drill", back.String())
}
