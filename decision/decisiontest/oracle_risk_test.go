package decisiontest_test

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
)

func orders(a decision.OrderAdjustment) decision.AssetDecision {
	d := dt.Act("BTC", decision.ActionAdjustOrders)
	d.OrderAdjustment = &a
	return d
}

func TestJudge_says_what_adds_risk(t *testing.T) {
	t.Parallel()
	long, short := dt.Position("BTC", decision.Long, "10"), dt.Position("BTC", decision.Short, "10") // 1,000 USD, stop 3 % away
	naked := long
	naked.SLPrice = none
	decrease := func(usd, stop string) decision.AssetDecision {
		return moved(dt.Adjust("BTC", decision.AdjustDecrease, usd), dt.Null(stop), none)
	}
	for _, c := range []struct {
		name   string
		open   []decision.Position
		action decision.AssetDecision
		adds   bool
	}{
		{"hold", nil, dt.Act("BTC", decision.ActionHold), false},
		{"close", nil, dt.Act("BTC", decision.ActionClosePosition), false},
		{"buy", nil, dt.Buy("BTC", "1"), true},
		{"sell", nil, dt.Sell("BTC", "1"), true},
		{"an unknown action", nil, dt.Act("BTC", "moon"), true},
		{"increase", []decision.Position{long}, dt.Adjust("BTC", decision.AdjustIncrease, "1"), true},
		{"another spelling of decrease", []decision.Position{long}, dt.Adjust("BTC", "Decrease", "1"), true},
		{"decrease", []decision.Position{long}, dt.Adjust("BTC", decision.AdjustDecrease, "1"), false},
		{"no adjustment", []decision.Position{long}, dt.Act("BTC", decision.ActionAdjustPosition), false},
		{"no order adjustment", []decision.Position{long}, dt.Act("BTC", decision.ActionAdjustOrders), false},
		// before 1,000 × 3 = 30 per 100; 500 × 6 = 30; 500 × 6.01 = 30.05
		{"half of it with twice the distance", []decision.Position{long}, decrease("500", "94"), false},
		{"half of a short with twice the distance", []decision.Position{short}, decrease("500", "106"), false},
		{"half of a short with more", []decision.Position{short}, decrease("500", "106.01"), false},
		{"all of it", []decision.Position{long}, decrease("1000", "1"), false},
		{"more than all of it", []decision.Position{long}, decrease("5000", "1"), false},
		{"a decrease that brings the first stop", []decision.Position{naked}, decrease("1", "1"), false},
		{"a decrease of nothing with a stop", nil, decrease("1", "97"), false},
		{"a stop closer", []decision.Position{long}, dt.MoveStop("BTC", "97.01"), false},
		{"the same stop", []decision.Position{long}, dt.MoveStop("BTC", "97"), false},
		{"a stop further", []decision.Position{long}, dt.MoveStop("BTC", "96.99"), true},
		{"a short's stop closer", []decision.Position{short}, dt.MoveStop("BTC", "102.99"), false},
		{"a short's stop further", []decision.Position{short}, dt.MoveStop("BTC", "103.01"), true},
		{"a stop beyond the price", []decision.Position{long}, dt.MoveStop("BTC", "120"), false},
		{"a first stop", []decision.Position{naked}, dt.MoveStop("BTC", "1"), false},
		{"a stop without position", nil, dt.MoveStop("BTC", "97"), true},
		{"a stop to nowhere", []decision.Position{long}, orders(decision.OrderAdjustment{AdjustSL: true}), true},
		{"a cancelled stop", []decision.Position{long}, orders(decision.OrderAdjustment{CancelSL: true}), true},
		{"a cancelled stop that was none", []decision.Position{naked}, orders(decision.OrderAdjustment{CancelSL: true}), false},
		{"a cancelled stop of nothing", nil, orders(decision.OrderAdjustment{CancelSL: true}), true},
		{"cancelled and moved closer", []decision.Position{long}, orders(decision.OrderAdjustment{CancelSL: true, AdjustSL: true, NewSLPrice: dt.Null("99")}), true},
		{"a cancelled target", []decision.Position{long}, orders(decision.OrderAdjustment{CancelTP: true}), false},
		{"a moved target", []decision.Position{long}, orders(decision.OrderAdjustment{AdjustTP: true, NewTPPrice: dt.Null("200")}), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := dt.Input("BTC")
			in.Account.Positions = c.open
			require.Equal(t, c.adds, dt.Judge(in, dt.Propose(c.action))[0].AddsRisk)
		})
	}
}

func TestJudge_takes_a_stop_for_crossed_when_both_prices_are_beyond_it(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		side           decision.Side
		mark, to, last string
		adds           bool
	}{
		{decision.Long, "97.01", "60", "97", true},
		{decision.Long, "97", "60", "97.01", true},
		{decision.Long, "97", "60", "97", false},
		{decision.Long, "97.01", "97", "97", false}, // no farther than the last price itself
		{decision.Short, "102.99", "140", "103", true},
		{decision.Short, "103", "140", "102.99", true},
		{decision.Short, "103", "140", "103", false},
	} {
		p := dt.Position("BTC", c.side, "10")
		p.MarkPrice = dt.D(c.mark)
		in := dt.Input("BTC")
		in.Account.Positions = []decision.Position{p}
		lastAt("BTC", c.last)(&in)
		for action, adds := range map[string]bool{"move": c.adds, "cancel": c.adds || c.to == "97"} {
			d := dt.MoveStop("BTC", c.to)
			if action == "cancel" {
				d = orders(decision.OrderAdjustment{CancelSL: true})
			}
			require.Equal(t, adds, dt.Judge(in, dt.Propose(d))[0].AddsRisk, "%v %s", c, action)
			require.Equal(t, adds, in.AddsRisk(d), "%v %s", c, action)
		}
	}
}

func TestJudge_compares_stops_at_the_last_price(t *testing.T) {
	t.Parallel()
	p := dt.Position("BTC", decision.Long, "10")
	p.SLPrice = dt.Null("105") // above the last price of 100 nothing is left to lose, at the mark of 110 5 a unit
	p.MarkPrice = dt.D("110")
	in := dt.Input("BTC")
	in.Account.Positions = []decision.Position{p}
	require.False(t, dt.Judge(in, dt.Propose(dt.MoveStop("BTC", "101")))[0].AddsRisk)
	unquoted("BTC")(&in)
	require.True(t, dt.Judge(in, dt.Propose(dt.MoveStop("BTC", "101")))[0].AddsRisk)
}

func TestJudge_shape(t *testing.T) {
	t.Parallel()
	held := holding(dt.Position("BTC", decision.Long, "10"))
	blank := func(d decision.AssetDecision, rationale, plan string) decision.AssetDecision {
		d.Rationale, d.ExitPlan = rationale, plan
		return d
	}
	sure := func(d decision.AssetDecision, confidence string) decision.AssetDecision {
		d.Confidence = dt.D(confidence)
		return d
	}
	runJudgeCases(t, []judgeCase{
		{name: "an unknown action", actions: does(moved(dt.Act("BTC", "moon"), dt.Null("97"), none)), refused: "shape stop_required"},
		{name: "an allocation of zero", actions: does(dt.Buy("BTC", "0")), refused: "shape"},
		{name: "an allocation below zero", actions: does(dt.Sell("BTC", "-1")), refused: "shape"},
		{name: "the smallest allocation", actions: does(dt.Buy("BTC", "0.00000001"))},
		{name: "no rationale", actions: does(blank(dt.Buy("BTC", "100"), "\t\n ", "plan")), refused: "shape"},
		{name: "no exit plan", actions: does(blank(dt.Buy("BTC", "100"), "why", "")), refused: "shape"},
		{name: "hold needs neither", actions: does(blank(dt.Act("BTC", decision.ActionHold), "", ""))},
		{name: "confidence of 100", actions: does(sure(dt.Buy("BTC", "100"), "100"))},
		{name: "confidence above 100", actions: does(sure(dt.Buy("BTC", "100"), "100.1")), refused: "shape"},
		{name: "confidence below 0", actions: does(sure(dt.Buy("BTC", "100"), "-0.1")), refused: "shape"},
		{name: "confidence of a harmless action", change: held, actions: does(sure(dt.Act("BTC", decision.ActionClosePosition), "101"))},
		{name: "no adjustment", change: held, actions: does(dt.Act("BTC", decision.ActionAdjustPosition)), refused: "shape"},
		{name: "an unknown adjustment", change: held, actions: does(dt.Adjust("BTC", "halve", "100")), refused: "shape"},
		{name: "an adjustment by zero", change: held, actions: does(dt.Adjust("BTC", decision.AdjustDecrease, "0")), refused: "shape"},
		{name: "no order adjustment", change: held, actions: does(dt.Act("BTC", decision.ActionAdjustOrders)), refused: "shape"},
		{name: "no flag", change: held, actions: does(orders(decision.OrderAdjustment{NewSLPrice: dt.Null("98")})), refused: "shape"},
		{name: "target moved and cancelled", change: held, actions: does(orders(decision.OrderAdjustment{AdjustTP: true, CancelTP: true, NewTPPrice: dt.Null("110")})), refused: "shape"},
		{name: "stop moved and cancelled", change: held, actions: does(orders(decision.OrderAdjustment{AdjustSL: true, CancelSL: true, NewSLPrice: dt.Null("98")})), refused: "shape stop_required"},
		{name: "target moved nowhere", change: held, actions: does(orders(decision.OrderAdjustment{AdjustTP: true})), refused: "shape"},
		{name: "stop moved nowhere", change: held, actions: does(orders(decision.OrderAdjustment{AdjustSL: true})), refused: "shape"},
		{name: "target moved, stop cancelled", change: held, actions: does(orders(decision.OrderAdjustment{CancelTP: true, AdjustSL: true, NewSLPrice: dt.Null("98")}))},
		{name: "an asset nobody asked about", change: func(in *decision.Input) { in.Symbols = []string{"ETH"} }, actions: does(dt.Buy("BTC", "100")), refused: "shape"},
		{
			name: "closing an asset nobody asked about", change: all(held, func(in *decision.Input) { in.Symbols = []string{"ETH"} }),
			actions: does(dt.Act("BTC", decision.ActionClosePosition)),
		},
		{name: "twice", actions: does(dt.Buy("BTC", "100"), dt.Buy("BTC", "200")), refused: "shape"},
		{name: "beside a hold of the same", actions: does(dt.Buy("BTC", "100"), dt.Act("BTC", decision.ActionHold)), refused: "shape"},
		{name: "a reduction beside a buy", change: held, actions: does(dt.Adjust("BTC", decision.AdjustDecrease, "1"), dt.Buy("BTC", "200"))},
	})
}

func TestJudge_keeps_the_largest_of_several_reductions(t *testing.T) {
	t.Parallel()
	decrease := func(usd string) decision.AssetDecision { return dt.Adjust("BTC", decision.AdjustDecrease, usd) }
	closing := dt.Act("BTC", decision.ActionClosePosition)
	worse := moved(decrease("900"), dt.Null("1"), none) // 100 × 99 loses more than 1,000 × 3
	for _, c := range []struct {
		name    string
		actions []decision.AssetDecision
		kept    []bool
	}{
		{"the larger", does(decrease("100"), decrease("100.01"), decrease("99")), []bool{false, true, false}},
		{"a close", does(decrease("5000"), closing), []bool{false, true}},
		{"the first of equals", does(decrease("5"), decrease("5.0")), []bool{true, false}},
		{"the first close", does(closing, closing), []bool{true, false}},
		{"one with a stop farther away", does(decrease("100"), worse), []bool{false, true}},
		{"orders beside it", does(decrease("100"), dt.MoveStop("BTC", "98")), []bool{true, true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := dt.Input("BTC")
			in.Account.Positions = []decision.Position{dt.Position("BTC", decision.Long, "10")}
			for i, j := range dt.Judge(in, dt.Propose(c.actions...)) {
				require.Equal(t, c.kept[i], len(j.Refused) == 0, "%d: %v", i, j.Refused)
			}
		})
	}
}

func TestJudge_looks_at_no_number_that_is_too_long(t *testing.T) {
	t.Parallel()
	digits := decimal.RequireFromString(strings.Repeat("9", 101))
	for name, change := range map[string]func(*decision.AssetDecision){
		"allocation":      func(d *decision.AssetDecision) { d.AllocationUSD = decimal.New(1, 61) },
		"confidence":      func(d *decision.AssetDecision) { d.Confidence = decimal.New(1, -61) },
		"digits":          func(d *decision.AssetDecision) { d.AllocationUSD = digits },
		"stop":            func(d *decision.AssetDecision) { d.SLPrice = decimal.NewNullDecimal(decimal.New(1, 2_000_000_000)) },
		"target":          func(d *decision.AssetDecision) { d.TPPrice = decimal.NewNullDecimal(decimal.New(1, -2_000_000_000)) },
		"amount":          func(d *decision.AssetDecision) { d.PositionAdjustment.AmountUSD = decimal.New(1, 61) },
		"percentage":      func(d *decision.AssetDecision) { d.PositionAdjustment.Percentage = dt.Null("1e61") },
		"adjusted stop":   func(d *decision.AssetDecision) { d.PositionAdjustment.NewSLPrice = dt.Null("1e61") },
		"adjusted target": func(d *decision.AssetDecision) { d.PositionAdjustment.NewTPPrice = dt.Null("1e61") },
		"moved stop":      func(d *decision.AssetDecision) { d.OrderAdjustment.NewSLPrice = dt.Null("1e61") },
		"moved target":    func(d *decision.AssetDecision) { d.OrderAdjustment.NewTPPrice = dt.Null("1e61") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dt.Buy("BTC", "100")
			d.PositionAdjustment, d.OrderAdjustment = new(decision.PositionAdjustment), new(decision.OrderAdjustment)
			change(&d)
			got := dt.Judge(dt.Input("BTC"), dt.Propose(dt.Buy("BTC", "100"), d))
			require.Empty(t, got[0].Refused, "the other counts as the only one")
			require.Equal(t, dt.Judgement{Asset: "BTC", AddsRisk: true, Refused: []string{"shape"}}, got[1])
		})
	}
	for _, fits := range []decimal.Decimal{decimal.New(1, 60), dt.D(strings.Repeat("9", 40) + "." + strings.Repeat("9", 60))} {
		d := moved(dt.Buy("BTC", "100"), dt.Null("97"), decimal.NewNullDecimal(fits))
		require.Equal(t, []string{"price_logic"}, dt.Judge(dt.Input("BTC"), dt.Propose(d))[0].Refused, "looked at, and beyond any price")
	}
}
