package decision_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

func lastOf(in decision.Input, price string) decision.Input {
	for symbol, a := range in.Market.Assets {
		a.Quote.Last = dt.D(price)
		in.Market.Assets[symbol] = a
	}
	return in
}

func TestACrossedStopProtectsNothing(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	p := dt.Position("BTCUSDT", decision.Long, "10") // stop 97
	p.MarkPrice = dt.D("95")
	in.Account.Positions = []decision.Position{p}
	in = lastOf(in, "95")
	for _, d := range []decision.AssetDecision{
		dt.Adjust("BTCUSDT", decision.AdjustIncrease, "500"),
		with(dt.Buy("BTCUSDT", "500"), func(d *decision.AssetDecision) { d.SLPrice.Valid = false }),
	} {
		require.Equal(t, "stop_required", firstRule(t, in, d))
	}
	in.Halted = true
	v := decision.DefaultRules().Gate(in, dt.Propose(dt.MoveStop("BTCUSDT", "94")))
	require.Len(t, v.Kept, 1, "a stop that works takes risk off, also while halted")
}

// A wick through the stop, while the price that triggers it has not got there:
// whoever takes the stop away then is not free of limits.
func TestAStopThatOneOfTwoPricesCrossedIsStillInForce(t *testing.T) {
	t.Parallel()
	for _, side := range []decision.Side{decision.Long, decision.Short} {
		in := dt.Input("BTCUSDT")
		p := dt.Position("BTCUSDT", side, "60")
		last, marked, away := "96.9", "97.1", "60"
		if side == decision.Short {
			last, marked, away = "103.1", "102.9", "140"
		}
		for _, prices := range [][2]string{{last, marked}, {marked, last}} {
			p.MarkPrice = dt.D(prices[1])
			in.Account.Positions = []decision.Position{p}
			in = lastOf(in, prices[0])
			require.Equal(t, "risk_per_trade", firstRule(t, in, dt.MoveStop("BTCUSDT", away)))
			require.Equal(t, "stop_required", firstRule(t, in, orders(decision.OrderAdjustment{CancelSL: true})))
			require.True(t, in.AddsRisk(dt.MoveStop("BTCUSDT", away)))

			shrink := dt.Adjust("BTCUSDT", decision.AdjustDecrease, "1")
			shrink.PositionAdjustment.NewSLPrice = dt.Null(away)
			v := decision.DefaultRules().Gate(in, dt.Propose(shrink))
			require.Len(t, v.Kept, 1)
			require.False(t, v.Kept[0].PositionAdjustment.NewSLPrice.Valid, "a decrease of a dollar does not carry the stop away either")
		}
		p.MarkPrice = dt.D(last) // both crossed it: it was triggered or it failed
		in.Account.Positions = []decision.Position{p}
		in = lastOf(in, last)
		require.False(t, in.AddsRisk(dt.MoveStop("BTCUSDT", away)))
	}
}

func TestADecreaseNeverMovesTheStopAway(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Halted = true
	in.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "10")}
	d := dt.Adjust("BTCUSDT", decision.AdjustDecrease, "970")
	for stop, kept := range map[string]bool{"10": false, "96.99": false, "97": true, "98": true} {
		d.PositionAdjustment.NewSLPrice = dt.Null(stop)
		v := decision.DefaultRules().Gate(in, dt.Propose(d))
		require.Len(t, v.Kept, 1, "the decrease is never lost")
		require.Equal(t, kept, v.Kept[0].PositionAdjustment.NewSLPrice.Valid, stop)
		if !kept {
			require.Equal(t, "a decrease does not move the stop away, from 97 to "+stop+"; it is left as it is", v.Warnings[0].Message)
		}
	}
}

func TestPricesThatBelongElsewhereAreTakenOff(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "10")}
	stray := func(d decision.AssetDecision) decision.AssetDecision {
		d.SLPrice, d.TPPrice = dt.Null("-1"), dt.Null("1")
		return d
	}
	target := orders(decision.OrderAdjustment{AdjustTP: true, NewTPPrice: dt.Null("110"), NewSLPrice: dt.Null("1")})
	for _, d := range []decision.AssetDecision{
		stray(dt.Act("BTCUSDT", decision.ActionHold)), stray(dt.Act("BTCUSDT", decision.ActionClosePosition)),
		stray(dt.Adjust("BTCUSDT", decision.AdjustIncrease, "100")), target,
	} {
		v := decision.DefaultRules().Gate(in, dt.Propose(d))
		require.Len(t, v.Kept, 1)
		require.False(t, v.Kept[0].SLPrice.Valid || v.Kept[0].TPPrice.Valid)
		if a := v.Kept[0].OrderAdjustment; a != nil {
			require.False(t, a.NewSLPrice.Valid)
		}
		require.Equal(t, "shape", v.Warnings[0].Rule)
	}
}

func TestACloseNeedsNoNumbers(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "10")}
	d := dt.Act("BTCUSDT", decision.ActionClosePosition)
	d.AllocationUSD, d.SLPrice, d.Confidence = decimal.New(1, 1<<30), decimal.NewNullDecimal(decimal.New(1, 1<<30)), decimal.New(1, -1<<30)
	p := dt.Propose(dt.Act("BTCUSDT", decision.ActionHold))
	p.Decision.Decisions[0] = d // Propose would add the numbers up
	v := decision.DefaultRules().Gate(in, p)
	require.Len(t, v.Kept, 1)
	require.True(t, v.Kept[0].AllocationUSD.IsZero() && v.Kept[0].Confidence.IsZero())
}

func TestTooManyEntriesAreRefusedAndNoReductionIsLost(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "10")}
	var actions []decision.AssetDecision
	for i := range 3000 {
		actions = append(actions, dt.Buy(fmt.Sprint("A", i), "1"))
	}
	actions = append(actions, dt.Act("BTCUSDT", decision.ActionClosePosition))
	v := decision.DefaultRules().Gate(in, dt.Propose(actions...))
	require.Len(t, v.Kept, 1)
	require.Equal(t, decision.ActionClosePosition, v.Kept[0].Action)
	require.Len(t, v.Refused, 3000)
	require.Equal(t, "a proposal must have at most 200 entries, had 3001", v.Refused[0].Violations[0].Message)
}

func TestAPriceFromTheFutureIsNone(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.At = in.At.Add(-time.Minute)
	require.Equal(t, "market_data", firstRule(t, in, dt.Buy("BTCUSDT", "100")))
	in.At = dt.At().Add(-marketdata.MaxFutureStamp)
	require.Len(t, decision.DefaultRules().Gate(in, dt.Propose(dt.Buy("BTCUSDT", "100"))).Kept, 1)
}

func TestAFilterThatNoExchangeHasIsAFailure(t *testing.T) {
	t.Parallel()
	for _, bad := range []marketdata.Instrument{
		{LotSize: decimal.NewNullDecimal(decimal.New(1, -30_000_000))},
		{MinNotionalUSD: decimal.NewNullDecimal(decimal.New(1, 50_000_000))},
		{Brackets: []marketdata.Bracket{{MaxLeverage: dt.D("20"), MaintenancePercent: dt.D("-90")}}},
		{Brackets: []marketdata.Bracket{{UpToUSD: dt.Null("50000"), MaxLeverage: dt.D("20")}, {UpToUSD: dt.Null("1000"), MaxLeverage: dt.D("1")}}},
	} {
		b := newBench(t, fixed)
		source := b.cfg.Market
		b.cfg.Market = marketdata.SourceFunc(func(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
			snap, err := source.Snapshot(ctx, q)
			snap = snap.Clone()
			for symbol, a := range snap.Assets {
				a.Instrument = &bad
				snap.Assets[symbol] = a
			}
			return snap, err
		})
		_, err := b.decide(t, request())
		require.ErrorIs(t, err, decision.ErrNoMarket)
		require.ErrorContains(t, err, "instrument")
	}
}

func TestAHaltDuringTheRecheckCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, time.Now)
		var halted bool
		source, calls := b.cfg.Market, 0
		b.cfg.Market = marketdata.SourceFunc(func(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
			if calls++; calls > 1 {
				halted = true
				time.Sleep(time.Second) // virtual
			}
			return source.Snapshot(ctx, q)
		})
		b.cfg.RecheckAfter = time.Nanosecond
		b.cfg.Halts = decision.HaltsFunc(func(context.Context, string) (*decision.Halt, error) {
			if halted {
				return &decision.Halt{At: time.Now(), Reason: "now"}, nil
			}
			return nil, nil
		})
		b.cfg.Scorer = decision.ScorerFunc(func(context.Context, decision.Input) (decision.Proposal, error) {
			time.Sleep(time.Second) // virtual
			return dt.Propose(dt.Buy("BTCUSDT", "500")), nil
		})
		res, err := b.decide(t, request())
		require.NoError(t, err)
		require.Len(t, res.Refused, 1)
		require.True(t, b.records[0].Recheck.Halted)
	})
}

func TestTheRequestMayBeChangedAfterwards(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	req := request()
	req.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Long, "1")}
	req.Account.LastEntryAt = map[string]time.Time{"ETHUSDT": fixed()}
	_, err := b.decide(t, req)
	require.NoError(t, err)
	req.Account.Positions[0].Quantity, req.Account.LastEntryAt["ETHUSDT"] = dt.D("9"), time.Time{}
	kept := b.records[0].Input.Account
	require.Equal(t, "1", kept.Positions[0].Quantity.String())
	require.Equal(t, fixed(), kept.LastEntryAt["ETHUSDT"])
}
