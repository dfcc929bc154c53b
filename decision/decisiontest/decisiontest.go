// Package decisiontest makes inputs and proposals for tests of rules,
// scorers and stores: a fresh market, a plain account and valid actions, to be
// changed by the test.
package decisiontest

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
)

// At is the time of every input made here.
func At() time.Time { return time.Date(2025, 10, 10, 22, 0, 0, 0, time.UTC) }

// D reads a decimal and panics on what is none.
func D(text string) decimal.Decimal { return decimal.RequireFromString(text) }

// Null is D as an optional value.
func Null(text string) decimal.NullDecimal { return decimal.NewNullDecimal(D(text)) }

// Account has 10,000 USD, all available, at 2x, positions up to 10,000 USD
// and none open.
func Account() decision.Account {
	return decision.Account{
		ID: "test", BalanceUSD: D("10000"), AvailableUSD: D("10000"), Leverage: D("2"), MaxPositionSizeUSD: D("10000"),
		MakerFeeBps: D("0.5"), TakerFeeBps: D("4"),
	}
}

// Strategy is the default strategy: 2 % risk a trade, 3 % stop, 2x, at most
// three positions.
func Strategy() decision.Strategy {
	s, err := decision.LoadStrategy(decision.DefaultStrategy)
	if err != nil {
		panic("decisiontest: " + err.Error()) // the strategy is embedded
	}
	return s
}

// Market has a fresh last and mark price of 100 for each symbol, and no
// candles.
func Market(symbols ...string) marketdata.Snapshot {
	snap := marketdata.Snapshot{At: At(), Assets: make(map[string]marketdata.Asset, len(symbols))}
	for _, s := range symbols {
		snap.Assets[s] = marketdata.Asset{Symbol: s, Quote: marketdata.Quote{Last: D("100"), LastAt: At(), Mark: Null("100")}}
	}
	return snap
}

// Input asks about the symbols with Account, Strategy and Market, and has the
// envelope of decision.DefaultRules.
func Input(symbols ...string) decision.Input {
	in := decision.Input{
		At: At(), Symbols: symbols, Interval: marketdata.Interval1h, LongInterval: marketdata.Interval4h,
		Account: Account(), Strategy: Strategy(), Market: Market(symbols...),
	}
	in.Envelope = decision.DefaultRules().Envelope(in)
	return in
}

// Position is open at 100 with 2x leverage, worth quantity × 100 USD, with a
// stop 3 % and a target 7.5 % away.
func Position(symbol string, side decision.Side, quantity string) decision.Position {
	p := decision.Position{
		Symbol: symbol, Side: side, Quantity: D(quantity), EntryPrice: D("100"), MarkPrice: D("100"), Leverage: D("2"),
		SLPrice: Null("97"), TPPrice: Null("107.5"),
	}
	if side == decision.Short {
		p.SLPrice, p.TPPrice = Null("103"), Null("92.5")
	}
	return p
}

// Buy opens a long with a stop 3 % and a target 7.5 % from 100.
func Buy(asset, usd string) decision.AssetDecision {
	return decision.AssetDecision{
		Asset: asset, Action: decision.ActionBuy, AllocationUSD: D(usd), SLPrice: Null("97"), TPPrice: Null("107.5"),
		ExitPlan: "stop or target", Rationale: "test", Confidence: D("70"), RiskLevel: decision.RiskLow,
	}
}

// Sell opens a short with a stop 3 % and a target 7.5 % from 100.
func Sell(asset, usd string) decision.AssetDecision {
	d := Buy(asset, usd)
	d.Action, d.SLPrice, d.TPPrice = decision.ActionSell, Null("103"), Null("92.5")
	return d
}

// Act is an action without size.
func Act(asset string, action decision.Action) decision.AssetDecision {
	return decision.AssetDecision{
		Asset: asset, Action: action, ExitPlan: "none", Rationale: "test", Confidence: D("70"), RiskLevel: decision.RiskLow,
	}
}

// Adjust changes the size of a position.
func Adjust(asset string, by decision.AdjustmentType, usd string) decision.AssetDecision {
	d := Act(asset, decision.ActionAdjustPosition)
	d.PositionAdjustment = &decision.PositionAdjustment{Type: by, AmountUSD: D(usd)}
	return d
}

// MoveStop moves the stop of a position.
func MoveStop(asset, price string) decision.AssetDecision {
	d := Act(asset, decision.ActionAdjustOrders)
	d.OrderAdjustment = &decision.OrderAdjustment{AdjustSL: true, NewSLPrice: Null(price)}
	return d
}

// Propose is a proposal of these actions with the right total.
func Propose(actions ...decision.AssetDecision) decision.Proposal {
	p := decision.Proposal{Decision: decision.Decision{
		Decisions: actions, PortfolioRationale: "test", PortfolioRiskLevel: decision.RiskLow,
	}}
	for i := range actions {
		p.Decision.TotalAllocationUSD = p.Decision.TotalAllocationUSD.Add(actions[i].AllocationUSD)
	}
	return p
}
