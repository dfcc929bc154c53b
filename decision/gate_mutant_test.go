package decision_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

// ruleCase is what one rule alone says: severity, asset, limit and value of
// each violation.
type ruleCase struct {
	name    string
	rule    decision.Rule
	edit    func(*decision.Input)
	propose []decision.AssetDecision
	want    []string
}

func runRule(t *testing.T, cases []ruleCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.rule.Name()+" "+c.name, func(t *testing.T) {
			t.Parallel()
			in := dt.Input("BTCUSDT", "ETHUSDT", "SOLUSDT")
			if c.edit != nil {
				c.edit(&in)
			}
			var said []string
			for _, v := range c.rule.Check(in, dt.Propose(c.propose...)) {
				require.Equal(t, c.rule.Name(), v.Rule)
				said = append(said, string(v.Severity)+" "+v.Asset+" "+v.Limit+"/"+v.Value)
			}
			require.Equal(t, c.want, said)
		})
	}
}

// instrument sets what the exchange says of every asset.
func instrument(i marketdata.Instrument) func(*decision.Input) {
	return func(in *decision.Input) {
		for symbol, a := range in.Market.Assets {
			a.Instrument = &i
			in.Market.Assets[symbol] = a
		}
	}
}

// all makes one change of several.
func all(edits ...func(*decision.Input)) func(*decision.Input) {
	return func(in *decision.Input) {
		for _, edit := range edits {
			edit(in)
		}
	}
}

func stopAt(d decision.AssetDecision, price string) decision.AssetDecision {
	return with(d, func(d *decision.AssetDecision) { d.SLPrice = dt.Null(price) })
}

func takeAt(d decision.AssetDecision, price string) decision.AssetDecision {
	return with(d, func(d *decision.AssetDecision) { d.TPPrice = dt.Null(price) })
}

func confident(d decision.AssetDecision, percent string) decision.AssetDecision {
	return with(d, func(d *decision.AssetDecision) { d.Confidence = dt.D(percent) })
}

func TestALimitOfCapitalHoldsToTheLastDigit(t *testing.T) {
	t.Parallel()
	hold := dt.Act("SOLUSDT", decision.ActionHold)
	available := func(usd string) func(*decision.Input) {
		return func(in *decision.Input) { in.Account.AvailableUSD = dt.D(usd) }
	}
	leverage := func(x string) func(*decision.Input) {
		return func(in *decision.Input) { in.Account.Leverage = dt.D(x) }
	}
	long := open(dt.Position("BTCUSDT", decision.Long, "10"))
	beside := func(usd string) decision.AssetDecision { // an increase with a stop where the price is
		return with(dt.Adjust("BTCUSDT", decision.AdjustIncrease, usd), func(d *decision.AssetDecision) { d.PositionAdjustment.NewSLPrice = dt.Null("100") })
	}
	exposure, concentration := decision.Exposure{WarnPercent: 60, MaxPercent: 80}, decision.Concentration{WarnPercent: 60, MaxPercent: 80}
	runRule(t, []ruleCase{
		{"at the limit", decision.AvailableCapital{}, available("50"), list(dt.Buy("BTCUSDT", "100")), nil},
		{"margin is rounded up", decision.AvailableCapital{}, all(available("100"), leverage("3")), list(hold, dt.Buy("BTCUSDT", "300.000000001")), []string{"error  100/100.00000001"}},
		{"a debt forbids no hold", decision.AvailableCapital{}, available("-1"), list(hold), nil},
		{"at the limit", decision.LargeAllocation{WarnPercent: 50}, nil, list(dt.Buy("BTCUSDT", "5000")), nil},
		{"above", decision.LargeAllocation{WarnPercent: 50}, nil, list(hold, dt.Buy("BTCUSDT", "5000.01")), []string{"warning BTCUSDT 5000/5000.01"}},
		{"a debt makes no hold large", decision.LargeAllocation{WarnPercent: 50}, available("-1"), list(hold), nil},
		{"at the limit", decision.PositionSize{}, nil, list(dt.Buy("BTCUSDT", "10000")), nil},
		{"above", decision.PositionSize{}, nil, list(hold, dt.Buy("BTCUSDT", "10000.01")), []string{"error BTCUSDT 10000/10000.01"}},
		{"what cannot be divided is rounded against the trade", decision.RiskPerTrade{}, nil, list(hold, dt.Buy("BTCUSDT", "6666.66666667")), []string{"error BTCUSDT 200/200.00000001"}},
		{"what is left below it is free", decision.RiskPerTrade{}, nil, list(dt.Buy("BTCUSDT", "6666.66666666")), nil},
		{"a stop at the price counts as the strategy's", decision.RiskPerTrade{}, long, list(beside("5666.67")), []string{"error BTCUSDT 200/200.0001"}},
		{"a stop at the price of a strategy without one is none", decision.RiskPerTrade{}, all(long, func(in *decision.Input) {
			in.Strategy.Risk.StopLossPercentage = dt.D("0")
		}), list(beside("500")), []string{"error BTCUSDT 200/0"}},
		{"at the warning", exposure, nil, list(dt.Buy("BTCUSDT", "6000"), dt.Buy("ETHUSDT", "6000")), nil},
		{"above the warning", exposure, nil, list(hold, dt.Buy("BTCUSDT", "12000.02")), []string{"warning  6000/6000.01"}},
		{"at the maximum", exposure, nil, list(dt.Buy("BTCUSDT", "16000")), []string{"warning  6000/8000"}},
		{"above the maximum", exposure, nil, list(dt.Buy("BTCUSDT", "16000.02")), []string{"error  8000/8000.01"}},
		{"what is open already forbids no hold", exposure, open(dt.Position("XRPUSDT", decision.Long, "170")), list(hold), nil},
		{"at the warning", concentration, nil, list(dt.Buy("BTCUSDT", "12000")), nil},
		{"above the warning", concentration, nil, list(hold, dt.Buy("BTCUSDT", "12000.02")), []string{"warning BTCUSDT 6000/6000.01"}},
		{"at the maximum", concentration, nil, list(dt.Buy("BTCUSDT", "16000")), []string{"warning BTCUSDT 6000/8000"}},
		{"above the maximum, rounded up", concentration, leverage("3"), list(hold, dt.Buy("BTCUSDT", "24000.000000001")), []string{"error BTCUSDT 8000/8000.00000001"}},
	})
}

func TestALimitOfTheAccountHoldsToTheLastDigit(t *testing.T) {
	t.Parallel()
	hold := dt.Act("SOLUSDT", decision.ActionHold)
	lost := func(balance, today string) func(*decision.Input) {
		return func(in *decision.Input) {
			in.Account.BalanceUSD, in.Account.RealizedPnLTodayUSD = dt.D(balance), dt.D(today)
		}
	}
	brackets := func(steps ...marketdata.Bracket) func(*decision.Input) {
		return instrument(marketdata.Instrument{Brackets: steps})
	}
	runRule(t, []ruleCase{
		{"after a hold", decision.Leverage{}, func(in *decision.Input) { in.Account.Leverage = dt.D("3") }, list(hold, dt.Buy("BTCUSDT", "100")), []string{"error BTCUSDT 2/3"}},
		{"at the end of a bracket", decision.Leverage{}, brackets(step("1000", "5"), step("", "1")), list(dt.Buy("BTCUSDT", "1000")), nil},
		{"beyond the end of a bracket", decision.Leverage{}, brackets(step("1000", "5"), step("", "1")), list(dt.Buy("BTCUSDT", "1000.01")), []string{"error BTCUSDT 1/2"}},
		{"beyond the last bracket", decision.Leverage{}, brackets(step("100", "5"), step("200", "5")), list(dt.Buy("BTCUSDT", "200"), dt.Buy("ETHUSDT", "200.01")), []string{"error ETHUSDT 200/200.01"}},
		{"after a hold", decision.Cooldown{}, func(in *decision.Input) {
			in.Account.LastEntryAt = map[string]time.Time{"BTCUSDT": in.At.Add(-5 * time.Second)}
		}, list(hold, dt.Buy("BTCUSDT", "100")), []string{"error BTCUSDT 600/5"}},
		{"binds no hold", decision.DailyLoss{}, lost("9500", "-500"), list(hold), nil},
		{"at the limit", decision.DailyLoss{}, lost("9500", "-500"), list(hold, dt.Buy("BTCUSDT", "100")), []string{"error  -500/-500"}},
		{"of the balance before the day's loss", decision.DailyLoss{}, lost("9530", "-470"), list(dt.Buy("BTCUSDT", "100")), nil},
		{"binds no hold", decision.Halted{}, func(in *decision.Input) { in.Halted = true }, list(hold), nil},
		{"at the limit", decision.MinConfidence{}, func(in *decision.Input) { in.Strategy.Risk.MinConfidence = dt.Null("70") }, list(dt.Buy("BTCUSDT", "100")), nil},
		{"asked of risk alone", decision.MinConfidence{}, func(in *decision.Input) { in.Strategy.Risk.MinConfidence = dt.Null("70.5") }, list(hold), nil},
		{"not asked for", decision.MinConfidence{}, nil, list(confident(dt.Buy("BTCUSDT", "100"), "-1")), nil},
		{"half is not more than half", decision.HighRiskShare{}, nil, list(hold, with(hold, func(d *decision.AssetDecision) { d.RiskLevel = decision.RiskHigh })), nil},
		{"two of three", decision.HighRiskShare{}, nil, list(hold, risky("BTCUSDT"), risky("ETHUSDT")), []string{"warning  0.5/2/3"}},
	})
}

func step(upTo, leverage string) marketdata.Bracket {
	b := marketdata.Bracket{MaxLeverage: dt.D(leverage), MaintenancePercent: dt.D("0.5")}
	if upTo != "" {
		b.UpToUSD = dt.Null(upTo)
	}
	return b
}

func risky(asset string) decision.AssetDecision {
	return with(dt.Act(asset, decision.ActionHold), func(d *decision.AssetDecision) { d.RiskLevel = decision.RiskHigh })
}

func TestALimitOfTheMarketHoldsToTheLastDigit(t *testing.T) {
	t.Parallel()
	hold := dt.Act("SOLUSDT", decision.ActionHold)
	long := open(dt.Position("BTCUSDT", decision.Long, "10"))
	later := func(by time.Duration) func(*decision.Input) {
		return func(in *decision.Input) { in.At = in.At.Add(by) }
	}
	without := func(symbol string) func(*decision.Input) {
		return func(in *decision.Input) { delete(in.Market.Assets, symbol) }
	}
	filters := instrument(marketdata.Instrument{TickSize: dt.Null("0.5"), LotSize: dt.Null("0.1"), MinQuantity: dt.Null("0.2"), MinNotionalUSD: dt.Null("5")})
	runRule(t, []ruleCase{
		{"a price of a minute", decision.MarketData{}, later(time.Minute), list(dt.Buy("BTCUSDT", "100")), nil},
		{"each asset", decision.MarketData{}, all(without("BTCUSDT"), later(time.Minute+1)), list(dt.Buy("BTCUSDT", "100"), dt.Buy("ETHUSDT", "100")), []string{"error BTCUSDT /", "error ETHUSDT 60/60.000000001"}},
		{"the price itself is no stop of a short", decision.PriceLogic{}, nil, list(stopAt(dt.Sell("BTCUSDT", "100"), "100")), []string{"error BTCUSDT 100/100"}},
		{"a cancelled target stays cancelled", decision.PriceLogic{}, long, list(orders(decision.OrderAdjustment{CancelTP: true, AdjustSL: true, NewSLPrice: dt.Null("101")})), []string{"warning BTCUSDT 100/101"}},
		{"as much as is risked", decision.RewardRisk{}, nil, list(hold, takeAt(dt.Buy("BTCUSDT", "100"), "103"), takeAt(dt.Sell("ETHUSDT", "100"), "97")), nil},
		{"less than is risked", decision.RewardRisk{}, nil, list(hold, takeAt(dt.Buy("BTCUSDT", "100"), "102.99"), takeAt(dt.Sell("ETHUSDT", "100"), "97.01")), []string{"warning BTCUSDT 3/2.99", "warning ETHUSDT 3/2.99"}},
		{"a target at the price is another rule's", decision.RewardRisk{}, nil, list(takeAt(dt.Buy("BTCUSDT", "100"), "100")), nil},
		{"no price, no ratio", decision.RewardRisk{}, without("BTCUSDT"), list(takeAt(stopAt(dt.Buy("BTCUSDT", "100"), "-5"), "1")), nil},
		{"a moved stop is no entry", decision.RewardRisk{}, long, list(dt.MoveStop("BTCUSDT", "90")), nil},
		{"what adds nothing pays what it pays", decision.Funding{}, all(long, funding("0.01")), list(hold, dt.Act("BTCUSDT", decision.ActionClosePosition)), nil},
		{"after a hold", decision.Funding{}, funding("0.000501"), list(hold, dt.Buy("BTCUSDT", "100")), []string{"error BTCUSDT 5/5.01"}},
		{"an unknown rate", decision.Funding{}, func(in *decision.Input) { in.Strategy.Risk.MaxFundingRateBps = dt.D("-1") }, list(dt.Buy("BTCUSDT", "100")), nil},
		{"the smallest order", decision.MinNotional{}, instrument(marketdata.Instrument{MinNotionalUSD: dt.Null("5")}), list(hold, dt.Buy("BTCUSDT", "5")), nil},
		{"below the smallest order", decision.MinNotional{}, instrument(marketdata.Instrument{MinNotionalUSD: dt.Null("5")}), list(hold, dt.Buy("BTCUSDT", "4.99")), []string{"error BTCUSDT 5/4.99"}},
		{"one lot is said once", decision.LotSize{}, filters, list(hold, dt.Buy("BTCUSDT", "9")), []string{"error BTCUSDT 0.1/9"}},
		{"the smallest quantity", decision.LotSize{}, filters, list(dt.Buy("BTCUSDT", "20"), dt.Buy("ETHUSDT", "19.99")), []string{"error ETHUSDT 0.2/19.99"}},
		{"a stop and a target", decision.TickSize{}, filters, list(hold, takeAt(stopAt(dt.Buy("BTCUSDT", "100"), "97.3"), "107.7")), []string{"error BTCUSDT 0.5/97.3", "error BTCUSDT 0.5/107.7"}},
		{"after an asset without a tick", decision.TickSize{}, all(filters, without("ETHUSDT")), list(dt.Buy("ETHUSDT", "100"), stopAt(dt.Buy("BTCUSDT", "100"), "97.3")), []string{"error BTCUSDT 0.5/97.3"}},
		{"a tick of zero", decision.TickSize{}, instrument(marketdata.Instrument{TickSize: dt.Null("0")}), list(dt.Buy("BTCUSDT", "100")), nil},
	})
}

func TestDefaultRulesHaveTheSpecifiedBounds(t *testing.T) {
	t.Parallel()
	rules := decision.DefaultRules()
	for _, r := range []decision.Rule{
		decision.LargeAllocation{WarnPercent: 50},
		decision.Exposure{WarnPercent: 60, MaxPercent: 80},
		decision.Concentration{WarnPercent: 60, MaxPercent: 80},
		decision.Correlation{Bars: 50, WarnPercent: 90},
	} {
		require.Contains(t, rules, r)
	}
}

func TestARefusalListsWhatEachAssetAdds(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT", "ETHUSDT", "SOLUSDT")
	in.Account.AvailableUSD = dt.D("100")
	said := decision.AvailableCapital{}.Check(in, dt.Propose(dt.Sell("ETHUSDT", "200"), dt.Act("SOLUSDT", decision.ActionHold), dt.Buy("BTCUSDT", "300")))
	require.Equal(t, "allocation exceeds available capital: margin 250 of 100 available (BTCUSDT 300 at 2x, ETHUSDT 200 at 2x)", said[0].Message)
}

func TestTheShapeOfAnActionIsJudgedToTheLastDigit(t *testing.T) {
	t.Parallel()
	long := open(dt.Position("BTCUSDT", decision.Long, "10"))
	percent := func(p string) decision.AssetDecision {
		return with(dt.Adjust("BTCUSDT", decision.AdjustDecrease, "500"), func(d *decision.AssetDecision) { d.PositionAdjustment.Percentage = dt.Null(p) })
	}
	refused := []string{"error BTCUSDT /"}
	warned := func(figures string) []string { return []string{"warning BTCUSDT " + figures} }
	runRule(t, []ruleCase{
		{"no confidence", decision.Shape{}, nil, list(confident(dt.Buy("BTCUSDT", "100"), "0")), nil},
		{"full confidence", decision.Shape{}, nil, list(confident(dt.Buy("BTCUSDT", "100"), "100")), nil},
		{"less than none", decision.Shape{}, nil, list(confident(dt.Buy("BTCUSDT", "100"), "-0.1")), []string{"error BTCUSDT 0/-0.1"}},
		{"0 %", decision.Shape{}, long, list(percent("0")), nil},
		{"50 %", decision.Shape{}, long, list(percent("50")), nil},
		{"100 %", decision.Shape{}, long, list(percent("100")), nil},
		{"-0.1 %", decision.Shape{}, long, list(percent("-0.1")), warned("0/-0.1")},
		{"100.1 %", decision.Shape{}, long, list(percent("100.1")), warned("100/100.1")},
		{"a decrease of all", decision.Shape{}, long, list(dt.Adjust("BTCUSDT", decision.AdjustDecrease, "1000")), nil},
		{"a decrease of more", decision.Shape{}, long, list(dt.Adjust("BTCUSDT", decision.AdjustDecrease, "1000.01")), warned("1000/1000.01")},
		{"an increase may be larger than what is open", decision.Shape{}, long, list(dt.Adjust("BTCUSDT", decision.AdjustIncrease, "2000")), nil},
		{"a stop set and cancelled", decision.Shape{}, long, list(orders(decision.OrderAdjustment{AdjustSL: true, CancelSL: true, NewSLPrice: dt.Null("98")})), refused},
		{"a stop set to nothing", decision.Shape{}, long, list(orders(decision.OrderAdjustment{AdjustSL: true})), refused},
		{"a stray stop is no stop", decision.PriceLogic{}, long, list(orders(decision.OrderAdjustment{AdjustTP: true, NewTPPrice: dt.Null("110"), NewSLPrice: dt.Null("150")})), nil},
		{"what is cancelled is not judged", decision.PriceLogic{}, long, list(orders(decision.OrderAdjustment{
			AdjustSL: true, CancelSL: true, NewSLPrice: dt.Null("150"), AdjustTP: true, CancelTP: true, NewTPPrice: dt.Null("50"),
		})), nil},
		{"a stray target is no target", decision.PriceLogic{}, long, list(orders(decision.OrderAdjustment{AdjustSL: true, NewSLPrice: dt.Null("98"), NewTPPrice: dt.Null("50")})), nil},
	})
}

func TestAWrongStopIsTakenOffAndTheTargetStays(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "10")}
	both := orders(decision.OrderAdjustment{AdjustSL: true, NewSLPrice: dt.Null("101"), AdjustTP: true, NewTPPrice: dt.Null("110")})
	kept := decision.DefaultRules().Gate(in, dt.Propose(both)).Kept
	require.Equal(t, decision.OrderAdjustment{AdjustTP: true, NewTPPrice: dt.Null("110")}, *kept[0].OrderAdjustment)
}

func TestWhatIsKnownOfAnAssetIsItsOwn(t *testing.T) {
	t.Parallel()
	last := func(price string) func(*decision.Input) {
		return func(in *decision.Input) {
			a := in.Market.Assets["BTCUSDT"]
			a.Quote.Last = dt.D(price)
			in.Market.Assets["BTCUSDT"] = a
		}
	}
	slow := dt.Position("BTCUSDT", decision.Long, "10")
	slow.Leverage = dt.D("1")
	runRule(t, []ruleCase{
		{"a price of zero is none", decision.MarketData{}, last("0"), list(dt.Buy("BTCUSDT", "100")), []string{"error BTCUSDT /"}},
		{"an increase has the position's leverage", decision.AvailableCapital{}, all(open(slow), func(in *decision.Input) { in.Account.AvailableUSD = dt.D("100") }), list(dt.Adjust("BTCUSDT", decision.AdjustIncrease, "150")), []string{"error  100/150"}},
		{"the distance of a stop is rounded up", decision.RiskPerTrade{}, last("3"), list(stopAt(dt.Buy("BTCUSDT", "600"), "2")), []string{"error BTCUSDT 200/200.00000004"}},
	})
	in := dt.Input("BTCUSDT")
	all(last("0"), open(slow))(&in)
	require.True(t, in.AddsRisk(dt.MoveStop("BTCUSDT", "96")), "judged by the mark price when the market has none")
}

// closing are candles that close at prices, in cents.
func closing(t *testing.T, cents []int64) marketdata.Series {
	t.Helper()
	candles := make([]marketdata.Candle, len(cents))
	at := marketdata.Interval1h.LastClose(dt.At()).Add(-time.Duration(len(cents)) * time.Hour)
	for i, c := range cents {
		price := decimal.New(c, -2)
		candles[i] = marketdata.Candle{OpenTime: at, Open: price, High: price, Low: price, Close: price, Volume: dt.D("1"), QuoteVolume: price}
		at = at.Add(time.Hour)
	}
	s, err := marketdata.NewSeries(marketdata.Interval1h, candles)
	require.NoError(t, err)
	return s
}

func TestCorrelationComparesTheLastCandles(t *testing.T) {
	t.Parallel()
	wave := func(first int64, period float64, n int) []int64 {
		out := make([]int64, n)
		for i := range out {
			out[i] = 10_000 + int64(300*math.Sin(float64(n-i)/period))
		}
		if first > 0 {
			out[0] = first
		}
		return out
	}
	series := func(closes map[string][]int64) func(*decision.Input) {
		return func(in *decision.Input) {
			for symbol, cents := range closes {
				in.Market.Assets[symbol] = marketdata.Asset{Symbol: symbol, Quote: in.Market.Assets["BTCUSDT"].Quote, Series: map[marketdata.Interval]marketdata.Series{marketdata.Interval1h: closing(t, cents)}}
			}
		}
	}
	same := wave(0, 7, 51)
	three := series(map[string][]int64{"BTCUSDT": same, "ETHUSDT": same, "SOLUSDT": same})
	buys := list(dt.Buy("BTCUSDT", "100"), dt.Buy("ETHUSDT", "100"))
	xrp := open(dt.Position("XRPUSDT", decision.Long, "1"))
	r := decision.Correlation{Bars: 50, WarnPercent: 90}
	warned := []string{"warning  0.90/1.0000"}
	runRule(t, []ruleCase{
		{"as many candles as returns need", r, three, buys, warned},
		{"one candle too few", r, series(map[string][]int64{"BTCUSDT": same[1:], "ETHUSDT": same[1:]}), buys, nil},
		{"the oldest return counts", r, series(map[string][]int64{"BTCUSDT": wave(20_000, 7, 51), "ETHUSDT": wave(5_000, 7, 51)}), buys, nil},
		{"the one before does not", r, series(map[string][]int64{"BTCUSDT": wave(20_000, 7, 52), "ETHUSDT": wave(5_000, 7, 52)}), buys, warned},
		{"other waves", r, series(map[string][]int64{"BTCUSDT": same, "ETHUSDT": wave(0, 3, 51)}), buys, nil},
		{"one is not above 100 %", decision.Correlation{Bars: 50, WarnPercent: 100}, three, buys, nil},
		{"one is above 99 %", decision.Correlation{Bars: 50, WarnPercent: 99}, three, buys, []string{"warning  0.99/1.0000"}},
		{"the other side between two of the same", r, three, list(dt.Buy("BTCUSDT", "100"), dt.Sell("ETHUSDT", "100"), dt.Buy("SOLUSDT", "100")), warned},
		{"with what is open", r, all(series(map[string][]int64{"BTCUSDT": same, "XRPUSDT": same}), xrp), buys[:1], warned},
		{"an increase is one position", r, all(three, open(dt.Position("BTCUSDT", decision.Long, "1"))), list(dt.Adjust("BTCUSDT", decision.AdjustIncrease, "100")), nil},
		{"without new risk", r, all(three, open(dt.Position("BTCUSDT", decision.Long, "1"), dt.Position("ETHUSDT", decision.Long, "1"))), list(dt.Act("BTCUSDT", decision.ActionHold)), nil},
		{"holds are no positions", r, series(map[string][]int64{"ETHUSDT": same, "SOLUSDT": same}), list(dt.Buy("BTCUSDT", "100"), dt.Act("ETHUSDT", decision.ActionHold), dt.Act("SOLUSDT", decision.ActionHold)), nil},
	})
}

func TestAddsRiskReadsTheObjectOfItsAction(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "10"), dt.Position("ETHUSDT", decision.Long, "0")}
	cancelled := orders(decision.OrderAdjustment{CancelSL: true})
	cancelled.PositionAdjustment = &decision.PositionAdjustment{Type: decision.AdjustDecrease, AmountUSD: dt.D("1"), NewSLPrice: dt.Null("99")}
	require.True(t, in.AddsRisk(cancelled), "a stray decrease takes no risk off")
	unknown := dt.MoveStop("BTCUSDT", "99")
	unknown.Action = "liquidate"
	require.True(t, in.AddsRisk(unknown), "a stray tighter stop takes no risk off")
	nothing := orders(decision.OrderAdjustment{CancelSL: true})
	nothing.Asset = "ETHUSDT"
	require.False(t, in.AddsRisk(nothing), "a position of nothing loses nothing")
}

func TestARiskLevelThatNobodyNamedIsHigh(t *testing.T) {
	t.Parallel()
	for proposed, want := range map[decision.RiskLevel]decision.RiskLevel{decision.RiskLow: decision.RiskLow, "": decision.RiskHigh, "none": decision.RiskHigh} {
		b := newBench(t, fixed)
		b.cfg.Scorer = decision.ScorerFunc(func(_ context.Context, in decision.Input) (decision.Proposal, error) {
			p := dt.Propose(dt.Buy(in.Symbols[0], "500"))
			p.Decision.PortfolioRiskLevel = proposed
			return p, nil
		})
		res, err := b.decide(t, request())
		require.NoError(t, err)
		require.Equal(t, want, res.Decision.PortfolioRiskLevel)
	}
}
