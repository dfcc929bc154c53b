package decision_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
)

// slowAnswer is a model that thinks for 20 s, while meanwhile happens.
func slowAnswer(text string, meanwhile func()) llm.Client {
	return llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
		time.Sleep(20 * time.Second) // virtual
		meanwhile()
		return answering(text).Complete(ctx, req)
	})
}

func drifts(res decision.Result) (out []decision.Violation) {
	for _, w := range res.Warnings {
		if w.Rule == "price_drift" {
			out = append(out, w)
		}
	}
	return out
}

func TestADriftingPriceIsReported(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, after, moved, message string }{
		"not at all":      {"100", "100", "", ""},
		"up by 0.5 %":     {"100", "100.5", "", ""},
		"down by 0.5 %":   {"100", "99.5", "", ""},
		"up by more":      {"100", "100.51", "0.51", "price of BTCUSDT moved by 0.51 % while the proposal was made, from 100 to 100.51"},
		"down by more":    {"100", "99.49", "-0.51", "price of BTCUSDT moved by -0.51 % while the proposal was made, from 100 to 99.49"},
		"barely more":     {"100", "100.500001", "0.5", "price of BTCUSDT moved by 0.5 % while the proposal was made, from 100 to 100.500001"},
		"in long figures": {"99", "99.7", "0.7071", "price of BTCUSDT moved by 0.7071 % while the proposal was made, from 99 to 99.7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, time.Now)
				b.price = c.before
				text := answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold))
				b.cfg.LLM = slowAnswer(text, func() {
					b.mu.Lock()
					defer b.mu.Unlock()
					b.price = c.after
				})
				req := request()
				req.Account.Positions = []decision.Position{dt.Position("XRPUSDT", decision.Long, "1")} // not asked about
				res, err := b.decide(t, req)
				require.NoError(t, err)
				require.Empty(t, res.Refused, "a warning refuses nothing")
				got := drifts(res)
				if c.moved == "" {
					require.Empty(t, got)
					return
				}
				require.Len(t, got, 2, "each asset that was asked about")
				require.Equal(t, "ETHUSDT", got[1].Asset)
				require.Equal(t, decision.Violation{
					Rule: "price_drift", Asset: "BTCUSDT", Severity: decision.SeverityWarning, Limit: "0.5", Value: c.moved, Message: c.message,
				}, got[0])
				require.Equal(t, got, drifts(b.records[0].Result), "it is recorded")
			})
		})
	}
}

func TestWithoutARecheckNothingDrifts(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed) // whose clock stands still
	b.cfg.LLM = llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
		b.price = "150"
		return answering(answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold))).Complete(ctx, req)
	})
	res, err := b.decide(t, request())
	require.NoError(t, err)
	require.Len(t, b.queries, 1)
	require.Empty(t, drifts(res))
}

func TestACrossedStopIsRefusedAfterTheRecheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ after, buy, sell string }{
		"the long's stop":    {"97", "stop of a long must be below the price 97, was 97", ""},
		"the short's stop":   {"103", "", "stop of a short must be above the price 103, was 103"},
		"the long's target":  {"107.5", "target of a long must be above the price 107.5, was 107.5", "stop of a short must be above the price 107.5, was 103"},
		"the short's target": {"92.5", "stop of a long must be below the price 92.5, was 97", "target of a short must be below the price 92.5, was 92.5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, time.Now)
				b.cfg.LLM = slowAnswer(answer(t, dt.Buy("BTCUSDT", "500"), dt.Sell("ETHUSDT", "500")), func() {
					b.mu.Lock()
					defer b.mu.Unlock()
					b.price = c.after
				})
				res, err := b.decide(t, request())
				require.NoError(t, err)
				got := map[string]string{}
				for _, r := range res.Refused {
					got[r.Asset] = r.Violations[0].Message
				}
				want := map[string]string{}
				if c.buy != "" {
					want["BTCUSDT"] = c.buy
				}
				if c.sell != "" {
					want["ETHUSDT"] = c.sell
				}
				require.Equal(t, want, got)
				require.Len(t, drifts(res), 2)
				requireReplays(t, b.records[0])
			})
		})
	}
}

func TestAQuoteThatIsLostAtTheRecheckStandsWhileItIsFresh(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		think   time.Duration
		lose    func(*marketdata.Snapshot) error
		refused string
	}{
		"all of them":        {20 * time.Second, func(*marketdata.Snapshot) error { return errors.New("exchange down") }, ""},
		"one":                {20 * time.Second, func(s *marketdata.Snapshot) error { delete(s.Assets, "BTCUSDT"); return nil }, ""},
		"one, for too long":  {70 * time.Second, func(s *marketdata.Snapshot) error { delete(s.Assets, "BTCUSDT"); return nil }, "no fresh market data for BTCUSDT: stale"},
		"to another's":       {20 * time.Second, func(s *marketdata.Snapshot) error { s.Assets["BTCUSDT"] = s.Assets["ETHUSDT"]; return nil }, "no fresh market data for BTCUSDT: unavailable"},
		"to no price at all": {20 * time.Second, spoil("0"), "no fresh market data for BTCUSDT: unavailable"},
		"to a huge exponent": {20 * time.Second, spoil("1e200"), "no fresh market data for BTCUSDT: unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, time.Now)
				b.cfg.ModelTimeout, b.cfg.Timeout = 100*time.Second, 120*time.Second
				market, calls := b.cfg.Market, 0
				b.cfg.Market = marketdata.SourceFunc(func(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
					snap, err := market.Snapshot(ctx, q)
					if calls++; calls > 1 {
						err = c.lose(&snap)
					}
					return snap, err
				})
				text := answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold))
				b.cfg.LLM = llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
					time.Sleep(c.think) // virtual
					return answering(text).Complete(ctx, req)
				})
				res, err := b.decide(t, request())
				require.NoError(t, err)
				require.Empty(t, drifts(res))
				if c.refused == "" {
					require.Empty(t, res.Refused)
				} else {
					require.Contains(t, res.Refused[0].Violations[0].Message, c.refused)
					require.NotContains(t, b.records[0].Recheck.Quotes, "BTCUSDT")
				}
				require.Equal(t, []string{"BTCUSDT", "ETHUSDT"}, b.queries[1].Symbols)
			})
		})
	}
}

// spoil makes the price of BTCUSDT this one.
func spoil(price string) func(*marketdata.Snapshot) error {
	return func(s *marketdata.Snapshot) error {
		a := s.Assets["BTCUSDT"]
		a.Quote.Last = dt.D(price)
		s.Assets["BTCUSDT"] = a
		return nil
	}
}

func TestTheRecheckKeepsWhatTheModelSaw(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, time.Now)
		b.cfg.LLM = slowAnswer(answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold)), func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.price = "99"
		})
		res, err := b.decide(t, request())
		require.NoError(t, err)
		rec := b.records[0]
		require.Equal(t, "100", rec.Input.Market.Assets["BTCUSDT"].Quote.Last.String())
		require.Equal(t, "99", rec.Recheck.Quotes["BTCUSDT"].Last.String())
		require.Equal(t, rec.Recheck.At, res.At)
		require.Equal(t, 20*time.Second, rec.Recheck.At.Sub(rec.Input.At))
		require.False(t, rec.Recheck.Halted)
		require.Nil(t, rec.Recheck.Halt)
		require.Contains(t, rec.Request.Messages[1].Content, `"last":100,`, "the question was about 100")
	})
}
