package replay_test

import (
	"context"
	"runtime"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

// corpusCase is one record of the corpus and how it comes about.
type corpusCase struct {
	name    string
	origin  decision.Origin // default model
	refused string          // a rule that refuses something
	warned  string          // a rule that warns
	rules   decision.Rules  // the host's
	assets  func([]marketdata.SimAsset)
	play    func(*scene)
}

func corpusCases() []corpusCase {
	return slices.Concat(acceptedCases(), refusedByShape(), refusedByCapital(), refusedByAccount(), hostCases(),
		warnedCases(), strategyCases(), conversationCases(), withoutModelCases(), haltCases(), degradedCases(), cacheCases(), recheckCases())
}

// quoted changes what the market says of an asset.
func (s *scene) quoted(symbol string, edit func(*marketdata.Asset)) {
	market := s.cfg.Market
	s.cfg.Market = marketdata.SourceFunc(func(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
		snap, err := market.Snapshot(ctx, q)
		if asset, ok := snap.Assets[symbol]; ok {
			edit(&asset)
			snap.Assets[symbol] = asset
		}
		return snap, err
	})
}

// holds gives the account open positions.
func (s *scene) holds(positions ...decision.Position) { s.req.Account.Positions = positions }

// own changes the strategy of the request, which is the default one.
func (s *scene) own(edit func(*decision.Strategy)) { edit(&s.req.Strategy) }

func acceptedCases() []corpusCase {
	return []corpusCase{
		{name: "accepted_buy", play: func(s *scene) { s.says(s.buy(btc, "3000")) }},
		{name: "accepted_sell", play: func(s *scene) { s.says(s.sell(btc, "3000")) }},
		{name: "accepted_two_assets", play: func(s *scene) {
			s.req.Symbols = []string{btc, eth}
			s.says(s.buy(btc, "2000"), s.sell(eth, "1500.55"))
		}},
		{name: "accepted_close", play: func(s *scene) {
			s.holds(s.long(btc, "2000"))
			s.says(dt.Act(btc, decision.ActionClosePosition))
		}},
		{name: "accepted_decrease", play: func(s *scene) {
			s.holds(s.long(btc, "2000"))
			s.says(dt.Adjust(btc, decision.AdjustDecrease, "500"))
		}},
		{name: "accepted_increase", play: func(s *scene) {
			s.holds(s.long(btc, "2000"))
			s.says(dt.Adjust(btc, decision.AdjustIncrease, "500"))
		}},
		{name: "accepted_tighter_stop", play: func(s *scene) {
			s.holds(s.long(btc, "2000"))
			s.says(dt.MoveStop(btc, s.at(btc, "-1").String()))
		}},
	}
}

func refusedByShape() []corpusCase {
	without := func(stop bool) func(*decision.AssetDecision) {
		return func(d *decision.AssetDecision) {
			if d.SLPrice.Valid = !stop; !stop {
				d.TPPrice.Valid = false
			}
		}
	}
	return []corpusCase{
		{name: "refused_shape", origin: decision.OriginFallback, refused: "shape", play: func(s *scene) {
			s.cfg.Scorer = proposing(s.buy(btc, "-5"))
		}},
		{name: "refused_price_logic", refused: "price_logic", play: func(s *scene) {
			s.says(s.buy(btc, "1000", func(d *decision.AssetDecision) {
				d.SLPrice.Decimal, d.TPPrice.Decimal = s.at(btc, "1"), s.at(btc, "8")
			}))
		}},
		{name: "refused_stop_required", refused: "stop_required", play: func(s *scene) { s.says(s.buy(btc, "1000", without(true))) }},
		{name: "refused_position_exists", refused: "position_exists", play: func(s *scene) {
			s.says(dt.Act(btc, decision.ActionClosePosition))
		}},
		{name: "refused_min_confidence", refused: "min_confidence", play: func(s *scene) {
			s.own(func(st *decision.Strategy) { st.Risk.MinConfidence = dt.Null("70.5") })
			s.says(s.buy(btc, "1000"))
		}},
		{name: "refused_market_data", refused: "market_data", play: func(s *scene) {
			s.req.Symbols = []string{btc, eth}
			s.quoted(btc, func(a *marketdata.Asset) { a.Quote.LastAt = instant().Add(-2 * time.Minute) })
			s.says(s.buy(btc, "1000"), s.buy(eth, "1000"))
		}},
		{name: "refused_min_notional", refused: "min_notional", play: func(s *scene) {
			s.quoted(btc, instrument(func(i *marketdata.Instrument) { i.MinNotionalUSD = dt.Null("2000") }))
			s.says(s.buy(btc, "1000"))
		}},
		{name: "refused_lot_size", refused: "lot_size", play: func(s *scene) {
			s.quoted(btc, instrument(func(i *marketdata.Instrument) { i.LotSize = dt.Null("1"); i.MinNotionalUSD.Valid = false }))
			s.says(s.buy(btc, "1000"))
		}},
		{name: "refused_tick_size", refused: "tick_size", play: func(s *scene) {
			s.says(s.buy(btc, "1000", func(d *decision.AssetDecision) { d.SLPrice.Decimal = d.SLPrice.Decimal.Add(decimal.New(123, -4)) }))
		}},
		{name: "refused_funding", refused: "funding", play: func(s *scene) {
			s.quoted(btc, func(a *marketdata.Asset) { a.Quote.FundingRate = dt.Null("0.05") })
			s.says(s.buy(btc, "1000"))
		}},
	}
}

// instrument edits a copy of an asset's instrument.
func instrument(edit func(*marketdata.Instrument)) func(*marketdata.Asset) {
	return func(a *marketdata.Asset) {
		copied := *a.Instrument
		edit(&copied)
		a.Instrument = &copied
	}
}

// proposing is a Scorer that proposes the same whatever it is asked.
func proposing(actions ...decision.AssetDecision) decision.Scorer {
	return decision.ScorerFunc(func(context.Context, decision.Input) (decision.Proposal, error) { return dt.Propose(actions...), nil })
}

func refusedByCapital() []corpusCase {
	wide := func(s *scene) {
		s.own(func(st *decision.Strategy) { st.Risk.MaxRiskPerTrade, st.Risk.MaxDailyLoss = dt.D("100"), dt.D("100") })
	}
	return []corpusCase{
		{name: "refused_available_capital", refused: "available_capital", play: func(s *scene) {
			s.req.Account.AvailableUSD = dt.D("400")
			s.says(s.buy(btc, "1000"))
		}},
		{name: "refused_position_size", refused: "position_size", play: func(s *scene) {
			s.req.Account.MaxPositionSizeUSD = dt.D("900")
			s.says(s.buy(btc, "1000"))
		}},
		{name: "refused_leverage", refused: "leverage", play: func(s *scene) {
			s.req.Account.Leverage = dt.D("3")
			s.says(s.buy(btc, "1000"))
		}},
		{name: "refused_risk_per_trade", refused: "risk_per_trade", play: func(s *scene) { s.says(s.buy(btc, "7500")) }},
		{name: "refused_exposure", refused: "exposure", play: func(s *scene) {
			wide(s)
			s.req.Symbols, s.req.Account.MaxPositionSizeUSD = []string{btc, eth}, dt.D("50000")
			s.says(s.buy(btc, "9000"), s.buy(eth, "9000"))
		}},
		{name: "refused_concentration", refused: "concentration", play: func(s *scene) {
			wide(s)
			s.req.Account.MaxPositionSizeUSD = dt.D("50000")
			s.says(s.buy(btc, "16500"))
		}},
		{name: "refused_liquidation_buffer", refused: "liquidation_buffer", play: func(s *scene) {
			wide(s)
			s.req.Strategy.Risk.MaxLeverage, s.req.Account.Leverage = dt.D("20"), dt.D("20")
			s.says(s.buy(btc, "1000", func(d *decision.AssetDecision) { d.SLPrice.Decimal = s.at(btc, "-4.6") }))
		}},
	}
}

func refusedByAccount() []corpusCase {
	return []corpusCase{
		{name: "refused_max_positions", refused: "max_positions", play: func(s *scene) {
			s.own(func(st *decision.Strategy) { st.MaxPositions = 1 })
			s.holds(s.long(eth, "1000"))
			s.says(s.buy(btc, "1000"))
		}},
		{name: "refused_daily_loss", refused: "daily_loss", play: func(s *scene) {
			s.req.Account.RealizedPnLTodayUSD, s.req.Account.EquityAtMidnightUSD = dt.D("-700"), dt.Null("10700")
			s.says(s.buy(btc, "1000"))
		}},
		{name: "refused_cooldown", refused: "cooldown", play: func(s *scene) {
			s.req.Account.LastEntryAt = map[string]time.Time{btc: instant().Add(-time.Second)}
			s.says(s.buy(btc, "1000"))
		}},
	}
}

// noShorts is a host's rule.
type noShorts struct{}

func (noShorts) Name() string { return "no_shorts" }

func (noShorts) Check(_ decision.Input, p decision.Proposal) (out []decision.Violation) {
	for i := range p.Decision.Decisions {
		if d := &p.Decision.Decisions[i]; d.Action == decision.ActionSell {
			out = append(out, decision.Violation{Rule: "no_shorts", Asset: d.Asset, Severity: decision.SeverityError, Message: "shorts are not allowed here"})
		}
	}
	return out
}

// broken is a host's rule that panics, and once more when it is asked who it is.
type broken struct{}

func (broken) Name() string { panic("no name") }

func (broken) Check(decision.Input, decision.Proposal) []decision.Violation { panic("bug") }

// gone is a host's rule that ends the goroutine that asks it.
type gone struct{}

func (gone) Name() string { return "gone" }

func (gone) Check(decision.Input, decision.Proposal) []decision.Violation {
	runtime.Goexit()
	return nil
}

func hostCases() []corpusCase {
	return []corpusCase{
		{name: "host_rule_refuses", refused: "no_shorts", rules: decision.Rules{noShorts{}}, play: func(s *scene) { s.says(s.sell(btc, "1000")) }},
		{name: "host_rule_lets_through", rules: decision.Rules{noShorts{}}, play: func(s *scene) { s.says(s.buy(btc, "1000")) }},
		{name: "host_rule_panics", origin: decision.OriginFallback, rules: decision.Rules{broken{}}, play: func(s *scene) { s.says(s.buy(btc, "1000")) }},
		{name: "host_rule_exits", refused: "rules", rules: decision.Rules{gone{}}, play: func(s *scene) { s.says(s.buy(btc, "1000")) }},
	}
}

func warnedCases() []corpusCase {
	return []corpusCase{
		{name: "warned_large_allocation", warned: "large_allocation", play: func(s *scene) { s.says(s.buy(btc, "6000")) }},
		{name: "warned_high_risk_share", warned: "high_risk_share", play: func(s *scene) {
			s.says(s.buy(btc, "1000", func(d *decision.AssetDecision) { d.RiskLevel = decision.RiskHigh }))
		}},
		{name: "warned_reward_risk", warned: "reward_risk", play: func(s *scene) {
			s.says(s.buy(btc, "1000", func(d *decision.AssetDecision) { d.TPPrice.Decimal = s.at(btc, "1") }))
		}},
		{name: "warned_tick_size", warned: "tick_size", play: func(s *scene) {
			s.holds(s.long(btc, "2000"))
			s.says(dt.MoveStop(btc, s.at(btc, "-1").Add(decimal.New(123, -4)).String()))
		}},
	}
}

func strategyCases() (out []corpusCase) {
	for _, id := range decision.StrategyIDs() {
		out = append(out, corpusCase{name: "strategy_" + id, play: func(s *scene) {
			var err error
			if s.req.Strategy, err = decision.LoadStrategy(id); err != nil {
				s.t.Fatal(err)
			}
			s.req.Account.Leverage = decimal.Min(dt.D("2"), s.req.Strategy.Risk.MaxLeverage)
			s.says(s.buy(btc, "150"))
		}})
	}
	return out
}
