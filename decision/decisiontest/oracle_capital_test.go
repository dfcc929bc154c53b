package decisiontest_test

import (
	"testing"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

func TestJudge_position_size(t *testing.T) {
	t.Parallel()
	limit := func(in *decision.Input) { in.Account.MaxPositionSizeUSD = dt.D("5000") }
	marked := dt.Position("BTC", decision.Long, "20")
	marked.MarkPrice = dt.D("110")
	runJudgeCases(t, []judgeCase{
		{name: "as large as allowed", change: limit, actions: does(dt.Buy("BTC", "5000"))},
		{name: "larger", change: limit, actions: does(dt.Sell("BTC", "5000.00000001")), refused: "position_size", warned: "large_allocation"},
		// 20 × 100 + 3,000
		{name: "with what is held", change: all(limit, holding(dt.Position("BTC", decision.Long, "20"))), actions: does(dt.Adjust("BTC", decision.AdjustIncrease, "3000"))},
		{name: "more with what is held", change: all(limit, holding(dt.Position("BTC", decision.Long, "20"))), actions: does(dt.Buy("BTC", "3000.01")), refused: "position_size"},
		// 20 × 110 + 2,800: the mark of the account is above the last price
		{name: "at the mark", change: all(limit, holding(marked)), actions: does(dt.Buy("BTC", "2800"))},
		{name: "more at the mark", change: all(limit, holding(marked)), actions: does(dt.Buy("BTC", "2800.01")), refused: "position_size"},
		{name: "a decrease of what is too large", change: all(limit, holding(dt.Position("BTC", decision.Long, "60"))), actions: does(dt.Adjust("BTC", decision.AdjustDecrease, "100"))},
	})
}

func TestJudge_leverage(t *testing.T) {
	t.Parallel()
	at := func(account, strategy string) func(*decision.Input) {
		return func(in *decision.Input) {
			in.Account.Leverage, in.Strategy.Risk.MaxLeverage = dt.D(account), dt.D(strategy)
			in.Account.MarginMode = decision.MarginCross // the liquidation of 20x isolated is another rule's
		}
	}
	stepped := trading("BTC", marketdata.Instrument{Brackets: []marketdata.Bracket{
		{UpToUSD: dt.Null("1000"), MaxLeverage: dt.D("2"), MaintenancePercent: dt.D("1")},
		{UpToUSD: dt.Null("2000"), MaxLeverage: dt.D("1"), MaintenancePercent: dt.D("1")},
	}})
	steep := dt.Position("BTC", decision.Long, "10")
	steep.Leverage = dt.D("3")
	runJudgeCases(t, []judgeCase{
		{name: "as high as the strategy's", change: at("3", "3"), actions: does(dt.Buy("BTC", "1000"))},
		{name: "above the strategy's", change: at("3.1", "3"), actions: does(dt.Buy("BTC", "1000")), refused: "leverage"},
		{name: "20", change: at("20", "30"), actions: does(dt.Buy("BTC", "1000"))},
		{name: "above 20", change: at("20.5", "30"), actions: does(dt.Buy("BTC", "1000")), refused: "leverage"},
		{name: "in the first bracket", change: stepped, actions: does(dt.Buy("BTC", "1000"))},
		{name: "in the second bracket", change: stepped, actions: does(dt.Buy("BTC", "1000.01")), refused: "leverage"},
		{name: "beyond the last bracket", change: stepped, actions: does(dt.Buy("BTC", "2001")), refused: "leverage"},
		{name: "in the second bracket with what is held", change: all(stepped, holding(dt.Position("BTC", decision.Long, "5"))), actions: does(dt.Buy("BTC", "500.01")), refused: "leverage"},
		{name: "that of the position, not of the account", change: holding(steep), actions: does(dt.Buy("BTC", "100")), refused: "leverage"},
		{name: "a moved stop", change: holding(steep), actions: does(dt.MoveStop("BTC", "96"))},
	})
}

func TestJudge_concentration(t *testing.T) {
	t.Parallel()
	// 50 × 100 held at 1x, at the last price: the account marks it at 80.
	p := dt.Position("BTC", decision.Long, "50")
	p.EntryPrice, p.MarkPrice, p.Leverage = dt.D("80"), dt.D("80"), dt.D("1")
	start := all(holding(p), func(in *decision.Input) { in.Strategy.Risk.MaxRiskPerTrade = dt.D("5") })
	third := func(balance string) func(*decision.Input) {
		return func(in *decision.Input) {
			in.Account.BalanceUSD, in.Account.Leverage, in.Account.MarginMode = dt.D(balance), dt.D("3"), decision.MarginIsolated
			in.Strategy.Risk.MaxRiskPerTrade, in.Strategy.Risk.MaxLeverage = dt.D("100"), dt.D("3")
		}
	}
	runJudgeCases(t, []judgeCase{
		{name: "60 %", change: start, actions: does(dt.Buy("BTC", "1000"))},
		{name: "more than 60 %", change: start, actions: does(dt.Buy("BTC", "1000.00000001")), warned: "concentration exposure"},
		{name: "80 %", change: start, actions: does(dt.Buy("BTC", "3000")), warned: "concentration exposure"},
		{name: "more than 80 %", change: start, actions: does(dt.Buy("BTC", "3000.00000001")), refused: "concentration exposure"},
		{name: "another asset", change: start, actions: does(dt.Buy("ETH", "3000")), warned: "exposure"},
		// 1,000 ÷ 3 is 333.33333334, rounded up: 80 % of 416.666666675, and more than 333.333333335
		{name: "a third, rounded up", change: third("416.666666675"), actions: does(dt.Buy("BTC", "1000")), warned: "concentration exposure"},
		{name: "a third, above", change: third("416.66666666875"), actions: does(dt.Buy("BTC", "1000")), refused: "concentration exposure"},
	})
}

func TestJudge_large_allocation(t *testing.T) {
	t.Parallel()
	runJudgeCases(t, []judgeCase{
		{name: "half", actions: does(dt.Buy("BTC", "5000"))},
		{name: "more than half", actions: does(dt.Buy("BTC", "5000.01")), warned: "large_allocation"},
	})
}

func TestJudge_risk_per_trade(t *testing.T) {
	t.Parallel()
	bare := func(usd string) decision.AssetDecision { return moved(dt.Buy("BTC", usd), none, none) }
	optional := func(in *decision.Input) { in.Strategy.Risk.StopRequired = false }
	at4 := func(usd string) decision.AssetDecision {
		return moved(dt.Buy("BTC", usd), dt.Null("96"), dt.Null("107.5"))
	}
	held := func(quantity string) func(*decision.Input) {
		return holding(dt.Position("BTC", decision.Long, quantity))
	}
	balance := func(usd string) func(*decision.Input) {
		return func(in *decision.Input) { in.Account.BalanceUSD = dt.D(usd) }
	}
	thirds := func(usd string) decision.AssetDecision { return moved(dt.Buy("BTC", usd), dt.Null("2"), dt.Null("5")) }
	runJudgeCases(t, []judgeCase{
		// 10,000 × 2 % ÷ 3 % = 6,666.666…, cut after 8 places
		{name: "200 at 3 %", actions: does(dt.Buy("BTC", "6666.66666666")), warned: "large_allocation"},
		{name: "less than the ninth place at 3 %", actions: does(dt.Buy("BTC", "6666.666666665")), refused: "risk_per_trade", warned: "large_allocation"},
		{name: "more at 3 %", actions: does(dt.Buy("BTC", "6666.66666667")), refused: "risk_per_trade", warned: "large_allocation"},
		{name: "a short at 3 %", actions: does(dt.Sell("BTC", "6666.66666667")), refused: "risk_per_trade", warned: "large_allocation"},
		// ÷ 4 % = 5,000
		{name: "200 at 4 %", actions: does(at4("5000"))},
		{name: "more at 4 %", actions: does(at4("5000.00000001")), refused: "risk_per_trade", warned: "large_allocation"},
		{name: "with what is held", change: held("20"), actions: does(at4("3000"))},
		{name: "more with what is held", change: held("20"), actions: does(at4("3000.00000001")), refused: "risk_per_trade"},
		// the strategy's 3 %
		{name: "no stop", change: optional, actions: does(bare("6666.66666666")), warned: "large_allocation"},
		{name: "more without stop", change: optional, actions: does(bare("6666.66666667")), refused: "risk_per_trade", warned: "large_allocation"},
		// (3 − 2) ÷ 3 is 33.33333334 %, rounded up: 20,000 ÷ 33.33333334 = 599.99999988
		{name: "a third", change: lastAt("BTC", "3"), actions: does(thirds("599.99999988"))},
		{name: "more than a third", change: lastAt("BTC", "3"), actions: does(thirds("599.99999989")), refused: "risk_per_trade"},
		// 5,000 × 4 % = 200, 5,000 × 4.01 % = 200.5
		{name: "a moved stop", change: held("50"), actions: does(dt.MoveStop("BTC", "96"))},
		{name: "a stop moved further", change: held("50"), actions: does(dt.MoveStop("BTC", "95.99")), refused: "risk_per_trade"},
		// 7,000 × 3 % = 210 is too much already
		{name: "a stop moved closer", change: held("70"), actions: does(dt.MoveStop("BTC", "97.01"))},
		// −0.00000001 × 2 ÷ 3 is cut to 0, −0.00000002 × 2 ÷ 3 to −0.00000001; a day that opened with nothing has lost all
		{name: "a debt below the eighth place", change: balance("-0.00000001"), actions: does(dt.MoveStop("BTC", "96")), refused: "daily_loss position_exists"},
		{name: "a debt", change: balance("-0.00000002"), actions: does(dt.MoveStop("BTC", "96")), refused: "daily_loss position_exists risk_per_trade"},
	})
}

func TestJudge_max_positions(t *testing.T) {
	t.Parallel()
	two := holding(dt.Position("XRP", decision.Long, "1"), dt.Position("ADA", decision.Short, "1"))
	three := all(two, holding(dt.Position("BTC", decision.Long, "1")))
	refusedToo := with(dt.Buy("ETH", "100"), func(d *decision.AssetDecision) { d.Rationale = " " })
	runJudgeCases(t, []judgeCase{
		{name: "the third", change: two, actions: does(dt.Buy("BTC", "100"))},
		{name: "the fourth", change: three, actions: does(dt.Buy("ETH", "100")), refused: "max_positions"},
		{name: "the third and the fourth", change: two, actions: does(dt.Sell("BTC", "100"), dt.Buy("ETH", "100")), refused: "max_positions"},
		{name: "beside one that is refused", change: two, actions: does(dt.Buy("BTC", "100"), refusedToo), refused: "max_positions"},
		{name: "adding to one of three", change: three, actions: does(dt.Buy("BTC", "100"), dt.Buy("ETH", "100"))},
	})
}

func TestJudge_available_capital(t *testing.T) {
	t.Parallel()
	thousand := func(in *decision.Input) { in.Account.AvailableUSD = dt.D("1000") }
	nothing := func(in *decision.Input) { in.Account.AvailableUSD = dt.D("0") }
	held := holding(dt.Position("SOL", decision.Long, "10"))
	runJudgeCases(t, []judgeCase{
		// (1,000 + 1,000) ÷ 2
		{name: "all of it", change: thousand, actions: does(dt.Buy("BTC", "1000"), dt.Buy("ETH", "1000")), warned: "large_allocation"},
		{name: "more than all", change: thousand, actions: does(dt.Buy("BTC", "1000"), dt.Buy("ETH", "1000.01")), refused: "available_capital", warned: "large_allocation"},
		// 0.00000001 ÷ 2 is rounded up
		{name: "the last digit", change: thousand, actions: does(dt.Buy("BTC", "500"), dt.Buy("ETH", "1500.00000001")), refused: "available_capital"},
		{name: "beside what is refused for itself", change: thousand, actions: does(dt.Buy("BTC", "500"), moved(dt.Buy("ETH", "1501"), none, none)), refused: "available_capital"},
		{name: "a moved stop beside it", change: all(thousand, held), actions: does(dt.MoveStop("SOL", "96"), dt.Buy("ETH", "2001")), refused: "available_capital"},
		{name: "a reduction beside it", change: all(thousand, held), actions: does(dt.Adjust("SOL", decision.AdjustDecrease, "5"), dt.Buy("ETH", "2001"))},
		{name: "a moved stop alone", change: all(nothing, held), actions: does(dt.MoveStop("SOL", "96"))},
		{
			name: "an addition at the position's leverage", change: all(thousand, held), warned: "large_allocation",
			actions: does(dt.Adjust("SOL", decision.AdjustIncrease, "2000")),
		},
		{
			name: "an increase below zero makes no room", change: all(thousand, held), refused: "available_capital", warned: "large_allocation",
			actions: does(dt.Buy("BTC", "2001"), dt.Adjust("SOL", decision.AdjustIncrease, "-1000")),
		},
		{name: "a size below zero makes no room", change: thousand, actions: does(dt.Buy("BTC", "2001"), dt.Buy("ETH", "-1000")), refused: "available_capital", warned: "large_allocation"},
	})
}

func TestJudge_exposure(t *testing.T) {
	t.Parallel()
	open := func(quantity string) func(*decision.Input) { // at 100 and 2x
		return holding(dt.Position("XRP", decision.Long, quantity))
	}
	held := holding(dt.Position("BTC", decision.Long, "10"))
	unlevered, levered := dt.Position("XRP", decision.Long, "75"), dt.Position("XRP", decision.Long, "10")
	unlevered.Leverage, levered.Leverage = dt.D("0"), dt.D("3")
	third := func(balance string) func(*decision.Input) {
		return all(holding(levered), func(in *decision.Input) {
			in.Account.BalanceUSD, in.Account.MarginMode, in.Strategy.Risk.MaxRiskPerTrade = dt.D(balance), decision.MarginIsolated, dt.D("100")
		})
	}
	runJudgeCases(t, []judgeCase{
		// 5,500 + 500 = 60 %
		{name: "60 %", change: open("110"), actions: does(dt.Buy("BTC", "1000"))},
		{name: "more than 60 %", change: open("110"), actions: does(dt.Buy("BTC", "1000.01")), warned: "exposure"},
		// 7,500 + 500 = 80 %
		{name: "80 %", change: open("150"), actions: does(dt.Buy("BTC", "1000")), warned: "exposure"},
		{name: "more than 80 %", change: open("150"), actions: does(dt.Buy("BTC", "1000.01")), refused: "exposure"},
		// at no leverage the margin is the notional: 7,500 + 500
		{name: "a position without leverage", change: holding(unlevered), actions: does(dt.Buy("BTC", "1000")), warned: "exposure"},
		{name: "more beside a position without leverage", change: holding(unlevered), actions: does(dt.Buy("BTC", "1000.01")), refused: "exposure"},
		// 1,000 ÷ 3 + 150 is 483.33333334, rounded up: 80 % of 604.166666675, and more than 483.333333335
		{name: "a third, rounded up", change: third("604.166666675"), actions: does(dt.Buy("BTC", "300")), warned: "exposure"},
		{name: "a third, above", change: third("604.16666666875"), actions: does(dt.Buy("BTC", "300")), refused: "exposure"},
		{name: "two together", change: open("150"), actions: does(dt.Buy("BTC", "500"), dt.Sell("ETH", "500.01")), refused: "exposure"},
		{name: "a moved stop beside it", change: all(open("150"), held), actions: does(dt.MoveStop("BTC", "96"), dt.Buy("ETH", "1")), refused: "exposure"},
		{name: "a moved stop alone", change: all(open("170"), held), actions: does(dt.MoveStop("BTC", "96"))},
	})
}

func TestJudge_daily_loss(t *testing.T) {
	t.Parallel()
	day := func(balance, realized string) func(*decision.Input) {
		return func(in *decision.Input) {
			in.Account.BalanceUSD, in.Account.RealizedPnLTodayUSD = dt.D(balance), dt.D(realized)
		}
	}
	midnight := func(equity string) func(*decision.Input) {
		return func(in *decision.Input) { in.Account.EquityAtMidnightUSD = dt.Null(equity) }
	}
	open := func(side decision.Side, entry string) func(*decision.Input) {
		p := dt.Position("XRP", side, "10")
		p.EntryPrice = dt.D(entry)
		return holding(p)
	}
	buy := does(dt.Buy("BTC", "1000"))
	runJudgeCases(t, []judgeCase{ // 5 %
		{name: "499.99 of 10000", change: all(midnight("10000"), day("9500.01", "0")), actions: buy},
		{name: "500 of 10000", change: all(midnight("10000"), day("9500", "0")), actions: buy, refused: "daily_loss"},
		{name: "midnight counts, not what was realised", change: all(midnight("10000"), day("10000", "-5000")), actions: buy},
		// 10 × (100 − 149.99) = −499.9
		{name: "unrealised 499.9", change: all(midnight("10000"), open(decision.Long, "149.99")), actions: buy},
		{name: "unrealised 500", change: all(midnight("10000"), open(decision.Long, "150")), actions: buy, refused: "daily_loss"},
		{name: "a short's unrealised 500", change: all(midnight("10000"), open(decision.Short, "50")), actions: buy, refused: "daily_loss"},
		// opening 9,500.01 + 499.99
		{name: "midnight unknown", change: day("9500.01", "-499.99"), actions: buy},
		{name: "midnight unknown, 500 realised", change: day("9500", "-500"), actions: buy, refused: "daily_loss"},
		{name: "midnight unknown, half unrealised", change: all(day("9750", "-250"), open(decision.Long, "125")), actions: buy, refused: "daily_loss"},
		// nothing of a debt can be lost: a gain of 10 is no loss of 5 % of −1,000
		{name: "a debt", change: all(midnight("-1000"), day("-990", "0"), holding(dt.Position("BTC", decision.Long, "10"))), actions: does(dt.MoveStop("BTC", "96")), refused: "liquidation_buffer risk_per_trade"},
		{name: "a reduction", change: all(day("9500", "-500"), holding(dt.Position("BTC", decision.Long, "10"))), actions: does(dt.Adjust("BTC", decision.AdjustDecrease, "1"))},
	})
}

func TestJudge_exchange_filters(t *testing.T) {
	t.Parallel()
	lots := trading("BTC", marketdata.Instrument{LotSize: dt.Null("0.5"), MinQuantity: dt.Null("2")})
	lot := trading("BTC", marketdata.Instrument{LotSize: dt.Null("0.5")})
	least := trading("BTC", marketdata.Instrument{MinNotionalUSD: dt.Null("5.5")})
	tick := trading("BTC", marketdata.Instrument{TickSize: dt.Null("0.25")})
	held := holding(dt.Position("BTC", decision.Long, "10"))
	decrease := func(stop, target string) decision.AssetDecision {
		return moved(dt.Adjust("BTC", decision.AdjustDecrease, "100"), dt.Null(stop), dt.Null(target))
	}
	runJudgeCases(t, []judgeCase{
		{name: "half a unit", change: lot, actions: does(dt.Buy("BTC", "50"))},
		{name: "less than half a unit", change: lot, actions: does(dt.Buy("BTC", "49.99")), refused: "lot_size"},
		{name: "two units", change: lots, actions: does(dt.Buy("BTC", "200"))},
		{name: "less than two units", change: lots, actions: does(dt.Buy("BTC", "199.99")), refused: "lot_size"},
		{name: "a decrease of less", change: all(lots, held), actions: does(dt.Adjust("BTC", decision.AdjustDecrease, "1"))},
		{name: "the least notional", change: least, actions: does(dt.Buy("BTC", "5.5"))},
		{name: "less than the least notional", change: least, actions: does(dt.Buy("BTC", "5.49")), refused: "min_notional"},
		{name: "prices on the grid", change: tick, actions: does(moved(dt.Buy("BTC", "1000"), dt.Null("96.75"), dt.Null("107.25")))},
		{name: "a stop off the grid", change: tick, actions: does(moved(dt.Buy("BTC", "1000"), dt.Null("96.8"), dt.Null("107.25"))), refused: "tick_size"},
		{name: "a target off the grid", change: tick, actions: does(moved(dt.Buy("BTC", "1000"), dt.Null("96.75"), dt.Null("107.3"))), refused: "tick_size"},
		{name: "a decrease off the grid", change: all(tick, held), actions: does(decrease("97.1", "107.5")), warned: "tick_size"},
		{name: "a decrease on the grid", change: all(tick, held), actions: does(decrease("97.25", "107.5"))},
		{name: "a stop moved closer off the grid", change: all(tick, held), actions: does(dt.MoveStop("BTC", "97.1")), warned: "tick_size"},
		{name: "a stop moved away off the grid", change: all(tick, held), actions: does(dt.MoveStop("BTC", "96.9")), refused: "tick_size"},
		{name: "the position's own stop", change: all(trading("BTC", marketdata.Instrument{TickSize: dt.Null("2")}), held), actions: does(dt.Adjust("BTC", decision.AdjustIncrease, "100"))},
		{name: "a tick of zero", change: trading("BTC", marketdata.Instrument{TickSize: dt.Null("0")}), actions: does(dt.Buy("BTC", "1000"))},
	})
}
