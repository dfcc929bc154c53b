package decisiontest_test

import (
	"testing"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

// at sets a margin mode and a leverage that the strategy allows.
func at(mode decision.MarginMode, leverage string) func(*decision.Input) {
	return func(in *decision.Input) {
		in.Account.MarginMode, in.Account.Leverage, in.Strategy.Risk.MaxLeverage = mode, dt.D(leverage), dt.D("20")
	}
}

// stepped wants 1 % up to 1,000 and 5 % less 40 above: 10 at 1,000 either way.
func stepped(asset string) func(*decision.Input) {
	return trading(asset, marketdata.Instrument{Brackets: []marketdata.Bracket{
		{UpToUSD: dt.Null("1000"), MaxLeverage: dt.D("20"), MaintenancePercent: dt.D("1")},
		{MaxLeverage: dt.D("20"), MaintenancePercent: dt.D("5"), DeductionUSD: dt.D("40")},
	}})
}

// N is the notional, L the leverage; the price moves by 15 %.
func TestJudge_liquidation_of_an_isolated_entry(t *testing.T) {
	t.Parallel()
	isolated := func(leverage string) func(*decision.Input) { return at(decision.MarginIsolated, leverage) }
	deducting := trading("BTC", marketdata.Instrument{Brackets: []marketdata.Bracket{{MaxLeverage: dt.D("20"), MaintenancePercent: dt.D("5"), DeductionUSD: dt.D("100")}}})
	wide := func(d decision.AssetDecision) decision.AssetDecision { return moved(d, dt.Null("70"), dt.Null("140")) }
	wideShort := func(d decision.AssetDecision) decision.AssetDecision { return moved(d, dt.Null("130"), dt.Null("60")) }
	runJudgeCases(t, []judgeCase{
		// N ÷ L − 0.15 N ≥ 1 % × 0.85 N: 1 ÷ L ≥ 0.1585; 1 ÷ 6.3 = 0.15873, 1 ÷ 6.31 = 0.15848
		{name: "long 6.3", change: isolated("6.3"), actions: does(dt.Buy("BTC", "1000"))},
		{name: "long 6.31", change: isolated("6.31"), actions: does(dt.Buy("BTC", "1000")), refused: "liquidation_buffer"},
		// 1 % × 1.15 N: 1 ÷ L ≥ 0.1615; 1 ÷ 6.19 = 0.16155, 1 ÷ 6.2 = 0.16129
		{name: "short 6.19", change: isolated("6.19"), actions: does(dt.Sell("BTC", "1000"))},
		{name: "short 6.2", change: isolated("6.2"), actions: does(dt.Sell("BTC", "1000")), refused: "liquidation_buffer"},
		// N 2,000: 5 % × 1,700 − 40 = 45; 2,000 ÷ L ≥ 300 + 45; ÷ 5.79 = 345.42, ÷ 5.8 = 344.83
		{name: "long with deduction 5.79", change: all(isolated("5.79"), stepped("BTC")), actions: does(dt.Buy("BTC", "2000"))},
		{name: "long with deduction 5.8", change: all(isolated("5.8"), stepped("BTC")), actions: does(dt.Buy("BTC", "2000")), refused: "liquidation_buffer"},
		// 5 % × 2,300 − 40 = 75; 2,000 ÷ L ≥ 375; ÷ 5.33 = 375.23, ÷ 5.34 = 374.53
		{name: "short with deduction 5.33", change: all(isolated("5.33"), stepped("BTC")), actions: does(dt.Sell("BTC", "2000"))},
		{name: "short with deduction 5.34", change: all(isolated("5.34"), stepped("BTC")), actions: does(dt.Sell("BTC", "2000")), refused: "liquidation_buffer"},
		// N 1,100 falls into the bracket of 935: 9.35; 1,100 ÷ L ≥ 174.35; ÷ 6.3 = 174.60, ÷ 6.31 = 174.33
		{name: "the bracket of the moved price 6.3", change: all(isolated("6.3"), stepped("BTC")), actions: does(dt.Buy("BTC", "1100"))},
		{name: "the bracket of the moved price 6.31", change: all(isolated("6.31"), stepped("BTC")), actions: does(dt.Buy("BTC", "1100")), refused: "liquidation_buffer"},
		// a deduction above the maintenance leaves 0: 1,000 ÷ L ≥ 150; ÷ 6.66 = 150.15, ÷ 6.67 = 149.93
		{name: "a large deduction 6.66", change: all(isolated("6.66"), deducting), actions: does(dt.Buy("BTC", "1000"))},
		{name: "a large deduction 6.67", change: all(isolated("6.67"), deducting), actions: does(dt.Buy("BTC", "1000")), refused: "liquidation_buffer"},
		// a stop 30 % away: 1 ÷ L ≥ 0.3 + 1 % × 0.7 = 0.307; 1 ÷ 3.25 = 0.30769, 1 ÷ 3.26 = 0.30675
		{name: "long before its stop 3.25", change: isolated("3.25"), actions: does(wide(dt.Buy("BTC", "100")))},
		{name: "long before its stop 3.26", change: isolated("3.26"), actions: does(wide(dt.Buy("BTC", "100"))), refused: "liquidation_buffer"},
		// 0.3 + 1 % × 1.3 = 0.313; 1 ÷ 3.19 = 0.31348, 1 ÷ 3.2 = 0.3125
		{name: "short before its stop 3.19", change: isolated("3.19"), actions: does(wideShort(dt.Sell("BTC", "100")))},
		{name: "short before its stop 3.2", change: isolated("3.2"), actions: does(wideShort(dt.Sell("BTC", "100"))), refused: "liquidation_buffer"},
		// without data the buffer still binds
		{name: "an increase of nothing has no side", change: isolated("20"), actions: does(dt.Adjust("BTC", decision.AdjustIncrease, "100")), refused: "position_exists stop_required"},
		{name: "no data 6.3", change: all(isolated("6.3"), unquoted("BTC")), actions: does(dt.Buy("BTC", "1000")), refused: "market_data"},
		{name: "no data 6.31", change: all(isolated("6.31"), unquoted("BTC")), actions: does(dt.Buy("BTC", "1000")), refused: "liquidation_buffer market_data"},
	})
}

func TestJudge_liquidation_of_an_isolated_position(t *testing.T) {
	t.Parallel()
	held := func(leverage, mark string) func(*decision.Input) {
		p := dt.Position("BTC", decision.Long, "10")
		p.Leverage, p.MarkPrice, p.MarginMode = dt.D(leverage), dt.D(mark), decision.MarginIsolated
		return holding(p)
	}
	account := at(decision.MarginCross, "2") // the position's own count
	gaining := func(in *decision.Input) {
		held("10", "100")(in)
		in.Account.Positions[0].EntryPrice = dt.D("90")
	}
	increase := func(usd, stop string) decision.AssetDecision {
		return moved(dt.Adjust("BTC", decision.AdjustIncrease, usd), dt.Null(stop), none)
	}
	runJudgeCases(t, []judgeCase{
		// 1,000 ÷ L + 500 ÷ L against 1,500: as a new position
		{name: "6.3", change: all(account, held("6.3", "100")), actions: does(increase("500", "97"))},
		{name: "6.31", change: all(account, held("6.31", "100")), actions: does(increase("500", "97")), refused: "liquidation_buffer"},
		// the last price 95.85 is worse than the mark 100: 1,000 ÷ 5 − 41.5 = 0.1585 × 1,000, which an addition cannot mend
		{name: "a loss of 41.5 at the last price", change: all(account, held("5", "100"), lastAt("BTC", "95.85")), actions: does(increase("1000", "94"))},
		{name: "a loss of 41.6 at the last price", change: all(account, held("5", "100"), lastAt("BTC", "95.84")), actions: does(increase("1000", "94")), refused: "liquidation_buffer"},
		// the mark is worse than the last price 100; the notional is 10 × 100: the same numbers
		{name: "a loss of 41.5 at the mark", change: all(account, held("5", "95.85")), actions: does(increase("1000", "97"))},
		{name: "a loss of 41.6 at the mark", change: all(account, held("5", "95.84")), actions: does(increase("1000", "97")), refused: "liquidation_buffer"},
		// 900 ÷ 10 + 100 of gain is enough for 1,000; 190 + A ÷ 10 ≥ 0.1585 × (1,000 + A): A ≤ 31.5 ÷ 0.0585 = 538.46
		{name: "a gain that carries 538 more", change: all(account, gaining), actions: does(increase("538", "97"))},
		{name: "a gain that does not carry 539 more", change: all(account, gaining), actions: does(increase("539", "97")), refused: "liquidation_buffer"},
		{name: "a moved stop adds nothing", change: all(account, held("5", "90")), actions: does(dt.MoveStop("BTC", "96"))},
	})
}

// The balance is 1,000 at 20x, any risk at the stop is allowed.
func TestJudge_liquidation_of_cross_positions(t *testing.T) {
	t.Parallel()
	cross := all(at(decision.MarginCross, "20"), func(in *decision.Input) {
		in.Account.BalanceUSD, in.Account.AvailableUSD, in.Account.MaxPositionSizeUSD = dt.D("1000"), dt.D("100000"), dt.D("100000")
		in.Strategy.Risk.MaxRiskPerTrade, in.Strategy.Risk.MaxDailyLoss = dt.D("100"), dt.D("100")
	})
	open := func(symbol string, mode decision.MarginMode, entry string) func(*decision.Input) { // 10 at 100
		p := dt.Position(symbol, decision.Long, "10")
		p.EntryPrice, p.MarginMode, p.Leverage = dt.D(entry), mode, dt.D("20")
		return holding(p)
	}
	isolated := dt.Position("XRP", decision.Short, "10") // its margin is 500
	isolated.MarginMode = decision.MarginIsolated
	losing := isolated // and not what it has lost
	losing.MarkPrice = dt.D("110")
	runJudgeCases(t, []judgeCase{
		// 1,000 − 0.15 N ≥ 0.0085 N: N ≤ 1,000 ÷ 0.1585 = 6,309.15
		{name: "long 6309", change: cross, actions: does(dt.Buy("BTC", "6309"))},
		{name: "long 6310", change: cross, actions: does(dt.Buy("BTC", "6310")), refused: "liquidation_buffer"},
		// ÷ 0.1615 = 6,191.95
		{name: "short 6191", change: cross, actions: does(dt.Sell("BTC", "6191"))},
		{name: "short 6192", change: cross, actions: does(dt.Sell("BTC", "6192")), refused: "liquidation_buffer"},
		// 1,000 − 0.15 N ≥ 5 % × 0.85 N − 40: N ≤ 1,040 ÷ 0.1925 = 5,402.60
		{name: "long with deduction 5402", change: all(cross, stepped("BTC")), actions: does(dt.Buy("BTC", "5402"))},
		{name: "long with deduction 5403", change: all(cross, stepped("BTC")), actions: does(dt.Buy("BTC", "5403")), refused: "liquidation_buffer"},
		// 5 % × 1.15 N − 40: N ≤ 1,040 ÷ 0.2075 = 5,012.05
		{name: "short with deduction 5012", change: all(cross, stepped("BTC")), actions: does(dt.Sell("BTC", "5012"))},
		{name: "short with deduction 5013", change: all(cross, stepped("BTC")), actions: does(dt.Sell("BTC", "5013")), refused: "liquidation_buffer"},
		// a stop 200 % away: 1,000 − 2 × 500 = 0, and nothing is worth less than nothing
		{name: "beyond a price of zero 500", change: cross, actions: does(moved(dt.Buy("BTC", "500"), dt.Null("300"), none)), refused: "price_logic"},
		{name: "beyond a price of zero 501", change: cross, actions: does(moved(dt.Buy("BTC", "501"), dt.Null("300"), none)), refused: "liquidation_buffer price_logic risk_per_trade"},
		// 500 ÷ 0.1585 = 3,154.57
		{name: "beside an isolated position 3154", change: all(cross, holding(isolated)), actions: does(dt.Buy("BTC", "3154")), warned: "exposure"},
		{name: "beside an isolated position 3155", change: all(cross, holding(losing)), actions: does(dt.Buy("BTC", "3155")), refused: "liquidation_buffer", warned: "exposure"},
		{name: "the loss of an isolated position is its own", change: all(cross, holding(losing)), actions: does(dt.Buy("BTC", "3154")), warned: "exposure"},
		// the last price 95 is worse than the mark 100: 1,000 + 10 × (95 − 90) − 1 % × 1,000 = 1,040; ÷ 0.1585 = 6,561.51
		{name: "beside a cross position 6561", change: all(cross, open("ETH", "", "90"), lastAt("ETH", "95")), actions: does(dt.Buy("BTC", "6561"))},
		{name: "beside a cross position 6562", change: all(cross, open("ETH", "cross", "90"), lastAt("ETH", "95")), actions: does(dt.Buy("BTC", "6562")), refused: "liquidation_buffer"},
		// 1,000 − 1 % × 2,000 = 980; ÷ 0.1585 = 6,182.97
		{name: "beside another entry 6182", change: cross, actions: does(dt.Buy("BTC", "6182"), dt.Sell("ETH", "2000"))},
		{name: "beside another entry 6183", change: cross, actions: does(dt.Buy("BTC", "6183"), dt.Sell("ETH", "2000")), refused: "liquidation_buffer"},
		{name: "beside another entry of the same asset, which is refused", change: cross, actions: does(dt.Buy("BTC", "6183"), dt.Buy("BTC", "2000")), refused: "shape"},
		// ETH holds 1,000 and adds 1,000: 10, then 5 % × 2,000 − 40 = 60 in all; 940 ÷ 0.1585 = 5,930.60
		{name: "beside an increase 5930", change: all(cross, open("ETH", "", "100"), stepped("ETH")), actions: does(dt.Buy("BTC", "5930"), dt.Adjust("ETH", decision.AdjustIncrease, "1000"))},
		{name: "beside an increase 5931", change: all(cross, open("ETH", "", "100"), stepped("ETH")), actions: does(dt.Buy("BTC", "5931"), dt.Adjust("ETH", decision.AdjustIncrease, "1000")), refused: "liquidation_buffer"},
		// 1,000 + 10 × (100 − 110) = 900; ÷ 0.1585 = 5,678.23, of which 1,000 are held
		{name: "an increase by 4678", change: all(cross, open("BTC", "", "110")), actions: does(dt.Adjust("BTC", decision.AdjustIncrease, "4678"))},
		{name: "an increase by 4679", change: all(cross, open("BTC", "", "110")), actions: does(dt.Adjust("BTC", decision.AdjustIncrease, "4679")), refused: "liquidation_buffer"},
	})
}

func TestJudge_liquidation_holds_in_either_mode_when_it_is_unknown(t *testing.T) {
	t.Parallel()
	// 1,000 + 10 × (100 − 180) − 1 % × 1,000 = 190 as cross; ÷ 0.1585 = 1,198.74
	losing := dt.Position("XRP", decision.Long, "10")
	losing.EntryPrice, losing.Leverage = dt.D("180"), dt.D("20")
	little := all(at("", "2"), holding(losing), func(in *decision.Input) {
		in.Account.BalanceUSD = dt.D("1000")
		in.Strategy.Risk.MaxRiskPerTrade, in.Strategy.Risk.MaxDailyLoss = dt.D("100"), dt.D("100")
	})
	asIsolated := func(in *decision.Input) { in.Account.MarginMode = decision.MarginIsolated }
	runJudgeCases(t, []judgeCase{
		{name: "stands as both", change: little, actions: does(dt.Buy("BTC", "1198")), warned: "exposure"},
		{name: "falls as cross", change: little, actions: does(dt.Buy("BTC", "1199")), refused: "liquidation_buffer", warned: "exposure"},
		{name: "is not cross", change: all(little, asIsolated), actions: does(dt.Buy("BTC", "1199")), warned: "exposure"},
		{name: "falls as isolated", change: at("", "6.31"), actions: does(dt.Buy("BTC", "1000")), refused: "liquidation_buffer"},
		{name: "is not isolated", change: at(decision.MarginCross, "6.31"), actions: does(dt.Buy("BTC", "1000"))},
	})
}
