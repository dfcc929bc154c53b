package decisiontest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

// judgeCase is one action, the first, beside others. The numbers of a case are
// those of the package: a balance of 10,000 of which all is available, 2x, a
// price of 100, a stop at 97 (103) and a target at 107.5 (92.5), 2 % risk, three
// positions.
type judgeCase struct {
	name    string
	change  func(in *decision.Input)
	actions []decision.AssetDecision
	refused string // separated by spaces
	warned  string
}

func runJudgeCases(t *testing.T, cases []judgeCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := dt.Input("BTC", "ETH", "SOL")
			if c.change != nil {
				c.change(&in)
			}
			judgements := dt.Judge(in, dt.Propose(c.actions...))
			require.Len(t, judgements, len(c.actions))
			require.Equal(t, c.actions[0].Asset, judgements[0].Asset)
			require.Equal(t, c.refused, strings.Join(judgements[0].Refused, " "), "refused")
			require.Equal(t, c.warned, strings.Join(judgements[0].Warned, " "), "warned")
		})
	}
}

func does(actions ...decision.AssetDecision) []decision.AssetDecision { return actions }

// with changes a copy of an action.
func with(d decision.AssetDecision, change func(*decision.AssetDecision)) decision.AssetDecision {
	change(&d)
	return d
}

func holding(positions ...decision.Position) func(*decision.Input) {
	return func(in *decision.Input) { in.Account.Positions = append(in.Account.Positions, positions...) }
}

func all(changes ...func(*decision.Input)) func(*decision.Input) {
	return func(in *decision.Input) {
		for _, c := range changes {
			c(in)
		}
	}
}

func quoted(asset string, change func(*marketdata.Quote)) func(*decision.Input) {
	return func(in *decision.Input) {
		a := in.Market.Assets[asset]
		change(&a.Quote)
		in.Market.Assets[asset] = a
	}
}

func lastAt(asset, price string) func(*decision.Input) {
	return quoted(asset, func(q *marketdata.Quote) { q.Last = dt.D(price) })
}

func trading(asset string, i marketdata.Instrument) func(*decision.Input) {
	return func(in *decision.Input) {
		a := in.Market.Assets[asset]
		a.Instrument = &i
		in.Market.Assets[asset] = a
	}
}

func unquoted(asset string) func(*decision.Input) {
	return func(in *decision.Input) {
		delete(in.Market.Assets, asset)
		in.Market.Failures = map[string]marketdata.Failure{asset: {Symbol: asset, Reason: marketdata.ReasonStale}}
	}
}

func moved(d decision.AssetDecision, stop, target decimal.NullDecimal) decision.AssetDecision {
	if d.PositionAdjustment != nil {
		d.PositionAdjustment.NewSLPrice, d.PositionAdjustment.NewTPPrice = stop, target
		return d
	}
	d.SLPrice, d.TPPrice = stop, target
	return d
}

var none decimal.NullDecimal

func TestJudge_answers_each_entry_in_order(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTC", "ETH")
	in.Halted = true
	got := dt.Judge(in, dt.Propose(dt.Buy("BTC", "6000"), dt.Act("ETH", decision.ActionHold), dt.Act("SOL", decision.ActionClosePosition)))
	require.Equal(t, []dt.Judgement{
		{Asset: "BTC", AddsRisk: true, Refused: []string{"halted"}, Warned: []string{"large_allocation"}},
		{Asset: "ETH"},
		{Asset: "SOL", Refused: []string{"position_exists"}},
	}, got)
	require.Empty(t, dt.Judge(in, decision.Proposal{}))
}

func TestJudge_market_data(t *testing.T) {
	t.Parallel()
	aged := func(age time.Duration) func(*decision.Input) {
		return quoted("BTC", func(q *marketdata.Quote) { q.LastAt = dt.At().Add(-age) })
	}
	held := holding(dt.Position("BTC", decision.Long, "10"))
	runJudgeCases(t, []judgeCase{
		{name: "a minute old", change: aged(time.Minute), actions: does(dt.Buy("BTC", "1000"))},
		{name: "more than a minute old", change: aged(time.Minute + 1), actions: does(dt.Buy("BTC", "1000")), refused: "market_data"},
		{name: "no data", change: unquoted("BTC"), actions: does(dt.Buy("BTC", "1000")), refused: "market_data"},
		{name: "a price of zero is none", change: lastAt("BTC", "0"), actions: does(dt.Buy("BTC", "1000")), refused: "market_data"},
		{name: "the failure of another asset", change: unquoted("ETH"), actions: does(dt.Buy("BTC", "1000"))},
		{name: "reducing needs none", change: all(held, unquoted("BTC")), actions: does(dt.Adjust("BTC", decision.AdjustDecrease, "500"))},
		{name: "closing needs none", change: all(held, unquoted("BTC")), actions: does(dt.Act("BTC", decision.ActionClosePosition))},
		// the account's mark of 100 stands in: 96 is further than 97
		{name: "a stop moved away", change: all(held, unquoted("BTC")), actions: does(dt.MoveStop("BTC", "96")), refused: "market_data"},
		{name: "a stop moved closer", change: all(held, unquoted("BTC")), actions: does(dt.MoveStop("BTC", "98"))},
	})
}

func TestJudge_price_logic(t *testing.T) {
	t.Parallel()
	held := holding(dt.Position("BTC", decision.Long, "10"))
	short := holding(dt.Position("BTC", decision.Short, "10"))
	target := func(price string) decision.AssetDecision {
		d := dt.Act("BTC", decision.ActionAdjustOrders)
		d.OrderAdjustment = &decision.OrderAdjustment{AdjustTP: true, NewTPPrice: dt.Null(price)}
		return d
	}
	orders := func(d decision.AssetDecision, change func(*decision.OrderAdjustment)) decision.AssetDecision {
		change(d.OrderAdjustment)
		return d
	}
	decrease := func() decision.AssetDecision { return dt.Adjust("BTC", decision.AdjustDecrease, "100") }
	runJudgeCases(t, []judgeCase{
		{name: "a long's stop below the price", actions: does(moved(dt.Buy("BTC", "1000"), dt.Null("99.99"), dt.Null("107.5")))},
		{name: "a long's stop above the price", actions: does(moved(dt.Buy("BTC", "1000"), dt.Null("100.01"), dt.Null("107.5"))), refused: "price_logic"},
		// its distance counts as the strategy's 3 %
		{name: "a stop at the price", actions: does(moved(dt.Buy("BTC", "1000"), dt.Null("100"), dt.Null("107.5"))), refused: "price_logic"},
		{name: "a long's target at the price", actions: does(moved(dt.Buy("BTC", "1000"), dt.Null("97"), dt.Null("100"))), refused: "price_logic"},
		{name: "a short's stop above the price", actions: does(moved(dt.Sell("BTC", "1000"), dt.Null("100.01"), dt.Null("92.5")))},
		{name: "a short's stop below the price", actions: does(moved(dt.Sell("BTC", "1000"), dt.Null("99.99"), dt.Null("92.5"))), refused: "price_logic"},
		{name: "a short's target above the price", actions: does(moved(dt.Sell("BTC", "1000"), dt.Null("103"), dt.Null("100.01"))), refused: "price_logic"},
		{name: "a negative target without data", change: unquoted("BTC"), actions: does(moved(dt.Buy("BTC", "1000"), dt.Null("97"), dt.Null("-1"))), refused: "market_data price_logic"},
		{name: "a long's stop moved into the gain", change: held, actions: does(dt.MoveStop("BTC", "101")), refused: "price_logic"},
		{name: "a long's stop moved up to the price", change: held, actions: does(dt.MoveStop("BTC", "99.99"))},
		{name: "a long's target moved below the price", change: held, actions: does(target("99")), refused: "price_logic"},
		{name: "a short's target moved below the price", change: short, actions: does(target("99"))},
		{
			name: "a wrong target beside a better stop", change: held, warned: "price_logic",
			actions: does(orders(target("99"), func(a *decision.OrderAdjustment) { a.AdjustSL, a.NewSLPrice = true, dt.Null("98") })),
		},
		{
			name: "a wrong target beside a stop that goes", change: held, refused: "price_logic stop_required",
			actions: does(orders(target("99"), func(a *decision.OrderAdjustment) { a.CancelSL = true })),
		},
		{
			name: "a wrong stop beside a target that goes", change: held, warned: "price_logic",
			actions: does(orders(dt.MoveStop("BTC", "101"), func(a *decision.OrderAdjustment) { a.CancelTP = true })),
		},
		{
			name: "both wrong", change: held, refused: "price_logic",
			actions: does(orders(target("99"), func(a *decision.OrderAdjustment) { a.AdjustSL, a.NewSLPrice = true, dt.Null("101") })),
		},
		{name: "a decrease with a wrong target", change: held, actions: does(moved(decrease(), none, dt.Null("99"))), warned: "price_logic"},
		{name: "a decrease with a right target", change: held, actions: does(moved(decrease(), none, dt.Null("101")))},
		{name: "an increase with a wrong target", change: held, actions: does(moved(dt.Adjust("BTC", decision.AdjustIncrease, "100"), none, dt.Null("99"))), refused: "price_logic"},
	})
}

func TestJudge_stop_required(t *testing.T) {
	t.Parallel()
	bare := moved(dt.Buy("BTC", "1000"), none, none)
	cancel := dt.Act("BTC", decision.ActionAdjustOrders)
	cancel.OrderAdjustment = &decision.OrderAdjustment{CancelSL: true}
	naked := dt.Position("BTC", decision.Long, "10")
	naked.SLPrice = none
	optional := func(in *decision.Input) { in.Strategy.Risk.StopRequired = false }
	held := holding(dt.Position("BTC", decision.Long, "10"))
	runJudgeCases(t, []judgeCase{
		{name: "an entry without", actions: does(bare), refused: "stop_required"},
		{name: "a strategy that needs none", change: optional, actions: does(bare)},
		{name: "an addition to a position with one", change: held, actions: does(bare)},
		{name: "an addition to a position without", change: holding(naked), actions: does(dt.Adjust("BTC", decision.AdjustIncrease, "100")), refused: "stop_required"},
		{name: "a cancelled stop", change: held, actions: does(cancel), refused: "stop_required"},
		{name: "a cancelled stop that was none", change: holding(naked), actions: does(cancel)},
	})
}

func TestJudge_reward_risk(t *testing.T) {
	t.Parallel()
	least := func(in *decision.Input) { in.Strategy.Risk.MinRewardRisk = dt.Null("1.5") }
	half := func(in *decision.Input) { in.Strategy.Risk.MinRewardRisk = dt.Null("0.5") }
	long := func(target string) decision.AssetDecision {
		return moved(dt.Buy("BTC", "1000"), dt.Null("97"), dt.Null(target))
	}
	short := func(target string) decision.AssetDecision {
		return moved(dt.Sell("BTC", "1000"), dt.Null("103"), dt.Null(target))
	}
	runJudgeCases(t, []judgeCase{
		{name: "3 for 3", actions: does(long("103"))},
		{name: "2.99 for 3", actions: does(long("102.99")), warned: "reward_risk"},
		{name: "a short's 3 for 3", actions: does(short("97"))},
		{name: "a short's 2.99 for 3", actions: does(short("97.01")), warned: "reward_risk"},
		{name: "4.5 for 3 where 1.5 is asked", change: least, actions: does(long("104.5"))},
		{name: "4.49 for 3 where 1.5 is asked", change: least, actions: does(long("104.49")), refused: "reward_risk"},
		{name: "1.5 for 3 where a half is asked", change: half, actions: does(long("101.5")), warned: "reward_risk"},
		{name: "1.49 for 3 where a half is asked", change: half, actions: does(long("101.49")), refused: "reward_risk"},
		{name: "no target", change: least, actions: does(moved(dt.Buy("BTC", "1000"), dt.Null("97"), none)), refused: "reward_risk"},
		// the position's own orders are 7.5 up and 3 down: 2.5
		{
			name: "an increase of a position", change: all(holding(dt.Position("BTC", decision.Long, "10")), func(in *decision.Input) { in.Strategy.Risk.MinRewardRisk = dt.Null("2.51") }),
			actions: does(dt.Adjust("BTC", decision.AdjustIncrease, "100")), refused: "reward_risk",
		},
	})
}

func TestJudge_cooldown(t *testing.T) {
	t.Parallel()
	entered := func(ago time.Duration) func(*decision.Input) {
		return func(in *decision.Input) {
			in.Account.LastEntryAt = map[string]time.Time{"BTC": dt.At().Add(-ago)}
		}
	}
	held := holding(dt.Position("BTC", decision.Long, "10"))
	runJudgeCases(t, []judgeCase{ // 600 s
		{name: "ten minutes ago", change: entered(10 * time.Minute), actions: does(dt.Buy("BTC", "1000"))},
		{name: "just less", change: entered(10*time.Minute - 1), actions: does(dt.Buy("BTC", "1000")), refused: "cooldown"},
		{name: "another asset", change: entered(time.Second), actions: does(dt.Buy("ETH", "1000"))},
		{name: "an increase", change: all(held, entered(time.Second)), actions: does(dt.Adjust("BTC", decision.AdjustIncrease, "100")), refused: "cooldown"},
		{name: "a stop moved away", change: all(held, entered(time.Second)), actions: does(dt.MoveStop("BTC", "96"))},
	})
}

func TestJudge_funding(t *testing.T) {
	t.Parallel()
	rate := func(r string) func(*decision.Input) {
		return quoted("BTC", func(q *marketdata.Quote) { q.FundingRate = dt.Null(r) })
	}
	increase := dt.Adjust("BTC", decision.AdjustIncrease, "100")
	runJudgeCases(t, []judgeCase{ // 5 bps
		{name: "a long pays 5 bps", change: rate("0.0005"), actions: does(dt.Buy("BTC", "1000"))},
		{name: "a long pays 5.01 bps", change: rate("0.000501"), actions: does(dt.Buy("BTC", "1000")), refused: "funding"},
		{name: "a long is paid", change: rate("-0.01"), actions: does(dt.Buy("BTC", "1000"))},
		{name: "a short pays 5 bps", change: rate("-0.0005"), actions: does(dt.Sell("BTC", "1000"))},
		{name: "a short pays 5.01 bps", change: rate("-0.000501"), actions: does(dt.Sell("BTC", "1000")), refused: "funding"},
		{name: "an increase of nothing has no side", change: rate("0.000501"), actions: does(increase), refused: "position_exists stop_required"},
		{name: "an increase of a short", change: all(holding(dt.Position("BTC", decision.Short, "10")), rate("-0.000501")), actions: does(increase), refused: "funding"},
	})
}

func TestJudge_position_exists(t *testing.T) {
	t.Parallel()
	long, short := holding(dt.Position("BTC", decision.Long, "10")), holding(dt.Position("BTC", decision.Short, "10"))
	runJudgeCases(t, []judgeCase{
		{name: "closing nothing", actions: does(dt.Act("BTC", decision.ActionClosePosition)), refused: "position_exists"},
		{name: "closing", change: long, actions: does(dt.Act("BTC", decision.ActionClosePosition))},
		{name: "decreasing nothing", actions: does(dt.Adjust("BTC", decision.AdjustDecrease, "100")), refused: "position_exists"},
		// nothing is known of the stop that there is none of: it adds risk
		{name: "moving no stop", actions: does(dt.MoveStop("BTC", "97")), refused: "position_exists"},
		{name: "buying beside a short", change: short, actions: does(dt.Buy("BTC", "1000")), refused: "position_exists"},
		{name: "buying beside a long", change: long, actions: does(dt.Buy("BTC", "1000"))},
		{name: "selling beside a long", change: long, actions: does(dt.Sell("BTC", "1000")), refused: "position_exists"},
		{name: "selling beside a short", change: short, actions: does(dt.Sell("BTC", "1000"))},
	})
}

func TestJudge_min_confidence(t *testing.T) {
	t.Parallel()
	least := func(in *decision.Input) { in.Strategy.Risk.MinConfidence = dt.Null("70.5") }
	sure := func(c string) decision.AssetDecision {
		return with(dt.Buy("BTC", "1000"), func(d *decision.AssetDecision) { d.Confidence = dt.D(c) })
	}
	runJudgeCases(t, []judgeCase{
		{name: "as confident as asked", change: least, actions: does(sure("70.5"))},
		{name: "less confident", change: least, actions: does(sure("70.4")), refused: "min_confidence"},
		{name: "nothing asked", actions: does(sure("0"))},
		{name: "closing", change: all(least, holding(dt.Position("BTC", decision.Long, "1"))), actions: does(dt.Act("BTC", decision.ActionClosePosition))},
	})
}

func TestJudge_halted(t *testing.T) {
	t.Parallel()
	held := holding(dt.Position("BTC", decision.Long, "10"))
	global := func(in *decision.Input) { in.Halted = true }
	account := func(in *decision.Input) { in.Account.Halted = true }
	runJudgeCases(t, []judgeCase{
		{name: "the global switch", change: global, actions: does(dt.Buy("BTC", "1000")), refused: "halted"},
		{name: "the account's switch", change: account, actions: does(dt.Buy("BTC", "1000")), refused: "halted"},
		{name: "a stop moved away", change: all(held, account), actions: does(dt.MoveStop("BTC", "96")), refused: "halted"},
		{name: "a stop moved closer", change: all(held, global), actions: does(dt.MoveStop("BTC", "98"))},
		{name: "a reduction", change: all(held, global, account), actions: does(dt.Adjust("BTC", decision.AdjustDecrease, "100"))},
	})
}

func TestAudit_is_empty_for_what_was_kept_and_names_each_limit_once(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTC", "ETH")
	in.Account.AvailableUSD = dt.D("1000")
	actions := does(dt.Buy("BTC", "1000"), dt.Buy("ETH", "1000.01"), dt.Act("SOL", decision.ActionHold))
	require.Equal(t, []string{"BTC available_capital", "ETH available_capital"}, dt.Audit(in, actions))
	require.Empty(t, dt.Audit(in, actions[:1]))
	require.Empty(t, dt.Audit(in, nil))
	require.Equal(t, []string{"BTC shape"}, dt.Audit(in, does(dt.Buy("BTC", "100"), dt.Buy("BTC", "100"))))
}

// A host's gate, or a rule that it added, is checked by what it lets through.
func ExampleAudit() {
	in := dt.Input("BTC", "ETH")
	in.Account.AvailableUSD = dt.D("2000") // at 2x: 4,000 USD of notional

	proposal := dt.Propose(dt.Buy("BTC", "3000"), dt.Buy("ETH", "2000"))
	fmt.Println(dt.Audit(in, proposal.Decision.Decisions))

	kept := decision.DefaultRules().Gate(in, proposal).Kept
	fmt.Println(dt.Audit(in, kept))
	// Output:
	// [BTC available_capital ETH available_capital]
	// []
}
