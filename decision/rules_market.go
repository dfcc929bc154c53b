package decision

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

// MarketData refuses risk on an asset without fresh data: one that is not in
// Input.Market, or whose Input.At − LastAt is above MaxPriceAge. The engine sets
// that to its Freshness.MaxPriceAge.
type MarketData struct{ MaxPriceAge time.Duration } // zero: 60 s

// Name is "market_data".
func (MarketData) Name() string { return "market_data" }

// Check implements Rule.
func (r MarketData) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r MarketData) maxAge() time.Duration {
	if r.MaxPriceAge == 0 {
		return time.Minute
	}
	return r.MaxPriceAge
}

func (r MarketData) check(v *view, found *findings) {
	for i := range v.entries {
		e := &v.entries[i]
		if !e.addsRisk {
			continue
		}
		if e.ask.market == nil {
			reason := "no market data"
			if f, ok := v.in.Market.Failures[e.d.Asset]; ok {
				reason = string(f.Reason)
			}
			found.reject(e, r.Name(), "no fresh market data for %.40s: %s", e.d.Asset, reason)
			continue
		}
		switch age := v.in.At.Sub(e.ask.market.Quote.LastAt); {
		case age > r.maxAge():
			found.refuse(e, r.Name(), seconds(r.maxAge()), seconds(age), "last price of %s must be at most %s old, was %s", e.d.Asset, r.maxAge(), age.Round(time.Second))
		case age < -marketdata.MaxFutureStamp:
			found.refuse(e, r.Name(), seconds(-marketdata.MaxFutureStamp), seconds(age), "last price of %s is stamped %s in the future", e.d.Asset, -age.Round(time.Second))
		}
	}
}

func (r MarketData) room(v *view, a *ask) Room {
	if a.market == nil {
		return noRoom()
	}
	if age := v.in.At.Sub(a.market.Quote.LastAt); age > r.maxAge() || age < -marketdata.MaxFutureStamp {
		return noRoom()
	}
	return Room{}
}

// seconds is a time as a figure of a violation.
func seconds(d time.Duration) decimal.Decimal { return decimal.New(int64(d), -9) }

func noRoom() Room { return Room{AssetUSD: decimal.NewNullDecimal(decimal.Zero)} }

// PriceLogic refuses stops and targets on the wrong side of the last price, in
// quote units: a long needs stop < price < target, a short target < price <
// stop; neither more than ten times the price. Without market data it only
// demands positive prices. An action that adds no risk loses the wrong price,
// with a warning, and not the reduction; a decrease loses a stop that would be
// farther away than the one in force.
type PriceLogic struct{}

// Name is "price_logic".
func (PriceLogic) Name() string { return "price_logic" }

// Check implements Rule.
func (r PriceLogic) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r PriceLogic) check(v *view, found *findings) {
	for i := range v.entries {
		e := &v.entries[i]
		var stop, take string
		if e.setsStop {
			stop = e.wrongSide(e.stop.Decimal, e.ask.side == Long)
		}
		if e.setsTake {
			take = e.wrongSide(e.take.Decimal, e.ask.side == Short)
		}
		costs := e.addsRisk || e.leavesNothing(stop != "", take != "")
		e.fixes.stop = r.report(e, "stop", e.stop.Decimal, stop, costs, found)
		e.fixes.take = r.report(e, "target", e.take.Decimal, take, costs, found)
		if e.widens() {
			e.fixes.stop = true
			found.caution(e, r.Name(), e.ask.position.SLPrice.Decimal, e.stop.Decimal, "a decrease does not move the stop away, from %s to %s; it is left as it is",
				e.ask.position.SLPrice.Decimal, e.stop.Decimal)
		}
	}
}

// widens: a decrease whose new stop is farther from the price than the one in
// force. The decrease may not be filled.
func (e *entry) widens() bool {
	if e.d.Action != ActionAdjustPosition || e.addsRisk || !e.setsStop || e.ask.position == nil || e.fixes.stop {
		return false
	}
	after := *e.ask.position
	after.SLPrice = e.stop
	return losesMore(e.ask.position, &after, e.ask.worth())
}

// maxPriceMultiple is how far away an order may be: a target beyond any price is
// none, and makes every ratio look good.
const maxPriceMultiple = 10

// wrongSide is what a stop or target must be and is not, empty when it is.
func (e *entry) wrongSide(price decimal.Decimal, below bool) string {
	last, known := e.ask.last()
	switch {
	case !price.IsPositive():
		return "positive"
	case !known || e.ask.side == "":
		return ""
	case below && !price.LessThan(last):
		return "below the price " + last.String()
	case !below && !price.GreaterThan(last):
		return "above the price " + last.String()
	case price.GreaterThan(last.Mul(decimal.NewFromInt(maxPriceMultiple))):
		return fmt.Sprintf("at most %d times the price %s", maxPriceMultiple, last)
	}
	return ""
}

// leavesNothing reports whether an action would do nothing any more without
// its new stop or target.
func (e *entry) leavesNothing(stop, take bool) bool {
	a := e.d.OrderAdjustment
	if e.d.Action != ActionAdjustOrders || a == nil {
		return false
	}
	return !a.CancelSL && !a.CancelTP && (!a.AdjustSL || stop) && (!a.AdjustTP || take)
}

// report refuses the action or, when it costs no more than that, reports that
// the price is to be left as it is.
func (r PriceLogic) report(e *entry, what string, price decimal.Decimal, wrong string, costs bool, found *findings) (drop bool) {
	switch {
	case wrong == "":
		return false
	case costs:
		found.refuse(e, r.Name(), e.ask.worth(), price, "%s of a %s must be %s, was %s", what, e.ask.side, wrong, price)
		return false
	}
	found.caution(e, r.Name(), e.ask.worth(), price, "%s of a %s must be %s, was %s; the order is left as it is", what, e.ask.side, wrong, price)
	return true
}

// StopRequired refuses whatever adds risk to a position that would have no
// stop after the action, when the strategy's StopRequired says so. It has no
// figures.
type StopRequired struct{}

// Name is "stop_required".
func (StopRequired) Name() string { return "stop_required" }

// Check implements Rule.
func (r StopRequired) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r StopRequired) check(v *view, found *findings) {
	if !v.in.Strategy.Risk.StopRequired {
		return
	}
	for i := range v.entries {
		if e := &v.entries[i]; e.addsRisk && !e.stop.Valid {
			found.reject(e, r.Name(), "strategy %s requires a stop for %s", v.in.Strategy.ID, e.d.Asset)
		}
	}
}

// RewardRisk refuses entries whose reward ÷ risk, |target − price| ÷ |price −
// stop| at the last price, is below the strategy's MinRewardRisk, and warns
// below 1. With a minimum an entry needs a stop and a target; a null minimum
// refuses nothing. Without market data nothing is checked.
type RewardRisk struct{}

// Name is "reward_risk".
func (RewardRisk) Name() string { return "reward_risk" }

// Check implements Rule.
func (r RewardRisk) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r RewardRisk) check(v *view, found *findings) {
	least := v.in.Strategy.Risk.MinRewardRisk
	for i := range v.entries {
		e := &v.entries[i]
		last, known := e.ask.last()
		if !known || e.ask.side == "" || !e.addUSD.IsPositive() {
			continue
		}
		if least.Valid && (!e.stop.Valid || !e.take.Valid) {
			found.reject(e, r.Name(), "strategy %s requires a stop and a target for %s, to compare them", v.in.Strategy.ID, e.d.Asset)
		}
		if !e.stop.Valid || !e.take.Valid {
			continue
		}
		reward, risk := e.take.Decimal.Sub(last), last.Sub(e.stop.Decimal)
		if e.ask.side == Short {
			reward, risk = reward.Neg(), risk.Neg()
		}
		switch {
		case !reward.IsPositive() || !risk.IsPositive(): // PriceLogic speaks of the wrong sides
		case least.Valid && reward.LessThan(least.Decimal.Mul(risk)):
			found.refuse(e, r.Name(), least.Decimal, divDown(reward, risk), "reward of %s must be at least %s times the risk, was %s for %s", e.d.Asset, least.Decimal, reward, risk)
		case reward.LessThan(risk):
			found.caution(e, r.Name(), risk, reward, "reward %s is smaller than risk %s", reward, risk)
		}
	}
}

// PositionExists refuses to adjust or close what is not among the account's
// Positions, and to enter against an open position: one side a symbol, as in
// the one-way mode of exchanges. It has no figures.
type PositionExists struct{}

// Name is "position_exists".
func (PositionExists) Name() string { return "position_exists" }

// Check implements Rule.
func (r PositionExists) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r PositionExists) check(v *view, found *findings) {
	for i := range v.entries {
		e := &v.entries[i]
		held := e.ask.position
		switch e.d.Action {
		case ActionAdjustPosition, ActionClosePosition, ActionAdjustOrders:
			if held == nil {
				found.reject(e, r.Name(), "%s without an open position in %.40s", e.d.Action, e.d.Asset)
			}
		case ActionBuy, ActionSell:
			if held != nil && held.Side != e.ask.side {
				found.reject(e, r.Name(), "%s while a %s is open in %s: close it first", e.d.Action, held.Side, e.d.Asset)
			}
		case ActionHold:
		}
	}
}

func (PositionExists) sided() {}

func (PositionExists) room(_ *view, a *ask) Room {
	if a.position != nil && a.position.Side != a.side {
		return noRoom()
	}
	return Room{}
}

// MinConfidence refuses what adds risk when its Confidence, 0–100 as the
// proposer claims it, is below the strategy's MinConfidence. Null demands none.
type MinConfidence struct{}

// Name is "min_confidence".
func (MinConfidence) Name() string { return "min_confidence" }

// Check implements Rule.
func (r MinConfidence) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r MinConfidence) check(v *view, found *findings) {
	least := v.in.Strategy.Risk.MinConfidence
	if !least.Valid {
		return
	}
	for i := range v.entries {
		if e := &v.entries[i]; e.addsRisk && e.d.Confidence.LessThan(least.Decimal) {
			found.refuse(e, r.Name(), least.Decimal, e.d.Confidence, "confidence must be at least %s, was %s", least.Decimal, e.d.Confidence)
		}
	}
}
