package decision_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/llm"
)

func TestTwoHundredDecisionsAtOnceAreNotTakenForAbandonedCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, time.Now)
		text := answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold))
		b.cfg.LLM = llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
			time.Sleep(time.Second) // virtual
			return answering(text).Complete(ctx, req)
		})
		e, err := decision.New(b.cfg)
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				res, err := e.Decide(t.Context(), request())
				if err != nil || res.Origin != decision.OriginModel {
					t.Errorf("origin %s, %v", res.Origin, err)
				}
			})
		}
		wg.Wait()
		require.NoError(t, e.Close(t.Context()))
	})
}

func TestASeamThatHangsIsLeftAloneAfter64AbandonedCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, time.Now)
		release := make(chan struct{})
		b.cfg.ModelTimeout = time.Second
		b.cfg.LLM = llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
			<-release
			return llm.Response{}, nil
		})
		e, err := decision.New(b.cfg)
		require.NoError(t, err)
		for n := range 65 {
			started := time.Now()
			res, err := e.Decide(t.Context(), request())
			require.NoError(t, err, "the store is another seam")
			require.Equal(t, decision.OriginFallback, res.Origin)
			if n == 64 {
				require.Contains(t, res.Reason, "too many earlier calls")
				require.Zero(t, time.Since(started))
			}
		}
		close(release)
		require.NoError(t, e.Close(t.Context()))
		res, err := e.Decide(t.Context(), request())
		require.NoError(t, err)
		require.NotContains(t, res.Reason, "too many earlier calls", "they came back")
	})
}

func TestADecreaseEndsAtTheSizeOfThePosition(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "10")}
	gate := func(actions ...decision.AssetDecision) decision.Verdict {
		return decision.DefaultRules().Gate(in, dt.Propose(actions...))
	}
	v := gate(dt.Adjust("BTCUSDT", decision.AdjustDecrease, "10000000"))
	require.Equal(t, "1000", v.Kept[0].PositionAdjustment.AmountUSD.String())
	require.Equal(t, "a decrease of 10000000 is more than the position in BTCUSDT; it ends at 1000", v.Warnings[0].Message)

	v = gate(dt.Adjust("BTCUSDT", decision.AdjustDecrease, "700"), dt.Adjust("BTCUSDT", decision.AdjustDecrease, "800"))
	require.Len(t, v.Kept, 1, "two of them would be more than there is")
	require.Equal(t, "800", v.Kept[0].PositionAdjustment.AmountUSD.String())

	v = gate(dt.Adjust("BTCUSDT", decision.AdjustDecrease, "700"), dt.Act("BTCUSDT", decision.ActionClosePosition))
	require.Len(t, v.Kept, 1)
	require.Equal(t, decision.ActionClosePosition, v.Kept[0].Action)
}

func TestAReductionLosesAFlawAndNotItself(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "10")}
	odd := dt.Act("BTCUSDT", decision.ActionClosePosition)
	odd.Confidence = dt.D("101")
	crossed := dt.Adjust("BTCUSDT", decision.AdjustDecrease, "500")
	crossed.PositionAdjustment.NewSLPrice, crossed.PositionAdjustment.NewTPPrice = dt.Null("101"), dt.Null("99")
	crossed.PositionAdjustment.Percentage = dt.Null("150")
	tighten := dt.MoveStop("BTCUSDT", "98")
	tighten.OrderAdjustment.AdjustTP, tighten.OrderAdjustment.NewTPPrice = true, dt.Null("90")
	stray := dt.Act("BTCUSDT", decision.ActionHold)
	stray.PositionAdjustment = &decision.PositionAdjustment{Type: decision.AdjustIncrease, AmountUSD: dt.D("1000000")}
	stray.OrderAdjustment = &decision.OrderAdjustment{CancelSL: true}
	for name, c := range map[string]struct {
		act      decision.AssetDecision
		warnings int
		check    func(decision.AssetDecision)
	}{
		"confidence of a close": {odd, 1, func(d decision.AssetDecision) { require.True(t, d.Confidence.IsZero()) }},
		"prices and percentage of a decrease": {crossed, 3, func(d decision.AssetDecision) {
			require.Equal(t, "500", d.PositionAdjustment.AmountUSD.String())
			require.False(t, d.PositionAdjustment.NewSLPrice.Valid || d.PositionAdjustment.NewTPPrice.Valid || d.PositionAdjustment.Percentage.Valid)
		}},
		"target beside a tighter stop": {tighten, 1, func(d decision.AssetDecision) {
			require.True(t, d.OrderAdjustment.AdjustSL)
			require.False(t, d.OrderAdjustment.AdjustTP)
		}},
		"objects of other actions": {stray, 2, func(d decision.AssetDecision) {
			require.Nil(t, d.PositionAdjustment)
			require.Nil(t, d.OrderAdjustment)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := decision.DefaultRules().Gate(in, dt.Propose(c.act))
			require.Empty(t, v.Refused)
			require.Len(t, v.Warnings, c.warnings)
			c.check(v.Kept[0])
		})
	}
}

func TestAWrongMarkMakesNoRoom(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	p := dt.Position("BTCUSDT", decision.Long, "60") // 6,000 USD at the market's price
	p.MarkPrice = dt.D("1")
	in.Account.Positions = []decision.Position{p}
	v := decision.DefaultRules().Gate(in, dt.Propose(dt.Adjust("BTCUSDT", decision.AdjustIncrease, "700")))
	require.Equal(t, "risk_per_trade", v.Refused[0].Violations[0].Rule)
	require.True(t, in.AddsRisk(dt.MoveStop("BTCUSDT", "50")), "judged by the market's price")
}

func TestNumbersOutOfRangeCannotStallTheGate(t *testing.T) {
	t.Parallel()
	huge := decimal.New(1, 3_000_000)
	in := dt.Input("BTCUSDT", "ETHUSDT")
	in.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Long, "1")}
	for name, edit := range map[string]func(*decision.AssetDecision){
		"allocation": func(d *decision.AssetDecision) { d.AllocationUSD = huge },
		"tiny":       func(d *decision.AssetDecision) { d.AllocationUSD = decimal.New(1, -1000) },
		"stop":       func(d *decision.AssetDecision) { d.SLPrice = decimal.NewNullDecimal(huge) },
		"adjustment": func(d *decision.AssetDecision) { d.PositionAdjustment = &decision.PositionAdjustment{AmountUSD: huge} },
		"orders": func(d *decision.AssetDecision) {
			d.OrderAdjustment = &decision.OrderAdjustment{NewSLPrice: decimal.NewNullDecimal(huge)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := decision.DefaultRules().Gate(in, dt.Propose(with(dt.Buy("BTCUSDT", "100"), edit), dt.Act("ETHUSDT", decision.ActionClosePosition)))
			require.Len(t, v.Refused, 1)
			require.Contains(t, v.Refused[0].Violations[0].Message, "out of range")
			require.Len(t, v.Kept, 1)
		})
	}
	in.Account.Leverage, in.Account.Positions[0].Leverage = decimal.Zero, decimal.Zero
	require.NotEmpty(t, decision.DefaultRules().Gate(in, dt.Propose(dt.Buy("BTCUSDT", "100"))).Refused, "no division by zero")
	require.NotPanics(t, func() { decision.DefaultRules().Gate(decision.Input{}, dt.Propose(dt.Buy("BTCUSDT", "1"))) })
}
