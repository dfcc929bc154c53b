package decision

import "github.com/shopspring/decimal"

// Envelope computes what Gate would let a proposal for this input do, from the
// same rules: for each asset and side the smallest room of any Bounder, at the
// strategy's stop distance, rounded down to a cent.
func (rs Rules) Envelope(in Input) Envelope {
	v := newView(&in, &Proposal{})
	out := Envelope{
		Assets:       make([]AssetEnvelope, 0, len(in.Symbols)),
		NewPositions: max(in.Strategy.MaxPositions-len(in.Account.Positions), 0),
	}
	total := decimal.NullDecimal{}
	for _, symbol := range in.Symbols {
		asset, shared := rs.assetEnvelope(v, symbol)
		out.Assets = append(out.Assets, asset)
		total = tighter(total, shared)
	}
	out.TotalUSD = cents(total)
	return out
}

func (rs Rules) assetEnvelope(v *view, symbol string) (AssetEnvelope, decimal.NullDecimal) {
	stop := v.in.Strategy.Risk.StopLossPercentage
	out := AssetEnvelope{Asset: symbol, StopPercent: stop, MaxLossUSD: decimal.Max(v.maxLossUSD, decimal.Zero).RoundDown(2)}
	a := v.ask(symbol, Long)
	long, short, shared := rs.narrowest(v, &a)
	out.MaxLongUSD, out.LongLimit = cents(long.usd), long.rule
	out.MaxShortUSD, out.ShortLimit = cents(short.usd), short.rule

	out.MaxStopPercent = decimal.NewNullDecimal(v.nearestStopPercent(&a, out.MaxLongUSD, out.MaxShortUSD))
	out.MaxLongUSD, out.LongLimit = a.tradable(out.MaxLongUSD, out.LongLimit)
	out.MaxShortUSD, out.ShortLimit = a.tradable(out.MaxShortUSD, out.ShortLimit)
	suggested := rs.suggest(v, &a)
	out.SuggestedLongUSD, out.SuggestedShortUSD = a.fit(suggested, out.MaxLongUSD), a.fit(suggested, out.MaxShortUSD)
	out.Actions = []Action{ActionHold}
	if a.position != nil {
		out.Actions = append(out.Actions, ActionAdjustPosition, ActionClosePosition, ActionAdjustOrders)
		return out, shared
	}
	if out.MaxLongUSD.IsPositive() {
		out.Actions = append(out.Actions, ActionBuy)
	}
	if out.MaxShortUSD.IsPositive() {
		out.Actions = append(out.Actions, ActionSell)
	}
	return out, shared
}

// tradable is a largest allocation with the rule that it is from; zero when the
// exchange would not accept so little.
func (a *ask) tradable(maxUSD decimal.Decimal, rule string) (decimal.Decimal, string) {
	if !maxUSD.IsPositive() || maxUSD.GreaterThanOrEqual(a.surelyTradableUSD()) {
		return maxUSD, rule
	}
	if _, ok := a.tooFewLots(maxUSD); !ok {
		return decimal.Zero, LotSize{}.Name()
	}
	if least := a.instrument().MinNotionalUSD; least.Valid && a.wholeLotsUSD(maxUSD).LessThan(least.Decimal) {
		return decimal.Zero, MinNotional{}.Name()
	}
	return maxUSD, rule
}

// surelyTradableUSD is an amount from which on whole lots cannot matter; derived
// once an ask.
func (a *ask) surelyTradableUSD() decimal.Decimal {
	if !a.sureUSD.Valid {
		i := a.instrument()
		last, _ := a.last()
		lot := i.LotSize.Decimal.Mul(last)
		a.sureUSD = decimal.NewNullDecimal(decimal.Max(lot, i.MinQuantity.Decimal.Mul(last), i.MinNotionalUSD.Decimal).Add(lot))
	}
	return a.sureUSD.Decimal
}

// nearestStopPercent is the smaller maxStopPercent of the sides that may be
// entered, of both when neither may.
func (v *view) nearestStopPercent(a *ask, longUSD, shortUSD decimal.Decimal) decimal.Decimal {
	nearest := hundred
	none := !longUSD.IsPositive() && !shortUSD.IsPositive()
	for _, one := range [...]struct {
		side   Side
		addUSD decimal.Decimal
	}{{Long, longUSD}, {Short, shortUSD}} {
		if a.position != nil && a.position.Side != one.side || a.position == nil && !none && !one.addUSD.IsPositive() {
			continue
		}
		a.side = one.side
		nearest = decimal.Min(nearest, v.maxStopPercent(a, one.addUSD))
	}
	return nearest
}

// bound is the smallest room so far and the rule that it is from.
type bound struct {
	usd  decimal.NullDecimal
	rule string
}

func (b *bound) narrow(room Room, rule string) {
	if room.AssetUSD.Valid && (!b.usd.Valid || room.AssetUSD.Decimal.LessThan(b.usd.Decimal)) {
		b.usd, b.rule = room.AssetUSD, rule
	}
}

// sided marks a bounded rule whose room depends on the side; the room of any
// other is computed once for both.
type sided interface{ sided() }

// narrowest is the smallest room of all rules for each side of an asset, and
// the smallest that all assets share.
func (rs Rules) narrowest(v *view, a *ask) (long, short bound, shared decimal.NullDecimal) {
	for _, r := range rs {
		var rooms [2]Room
		if bounder, ok := r.(bounded); ok && ours(r) {
			a.side, a.within = Long, long.usd
			rooms[0] = bounder.room(v, a)
			rooms[1] = rooms[0]
			if _, ok := r.(sided); ok {
				a.side, a.within = Short, short.usd
				rooms[1] = bounder.room(v, a)
			}
		} else if bounder, ok := r.(Bounder); ok {
			rooms[0] = bounder.Room(*v.in, Ask{Asset: a.asset, Side: Long, StopPercent: a.stopPercent})
			rooms[1] = bounder.Room(*v.in, Ask{Asset: a.asset, Side: Short, StopPercent: a.stopPercent})
		}
		long.narrow(rooms[0], r.Name())
		short.narrow(rooms[1], r.Name())
		shared = tighter(tighter(shared, rooms[0].TotalUSD), rooms[1].TotalUSD)
	}
	return long, short, shared
}

func tighter(a, b decimal.NullDecimal) decimal.NullDecimal {
	if !a.Valid || b.Valid && b.Decimal.LessThan(a.Decimal) {
		return b
	}
	return a
}

// cents is a room as an amount: never negative, rounded down to a cent.
func cents(room decimal.NullDecimal) decimal.Decimal {
	if !room.Valid || !room.Decimal.IsPositive() {
		return decimal.Zero
	}
	return room.Decimal.RoundDown(2)
}

// The rules that bound amounts; one that lost its room method would vanish
// from the envelope without this.
var (
	_ bounded = MarketData{}
	_ bounded = AvailableCapital{}
	_ bounded = PositionSize{}
	_ bounded = Leverage{}
	_ bounded = PositionExists{}
	_ bounded = MaxPositions{}
	_ bounded = RiskPerTrade{}
	_ bounded = Exposure{}
	_ bounded = Concentration{}
	_ bounded = DailyLoss{}
	_ bounded = Cooldown{}
	_ bounded = Funding{}
	_ bounded = LiquidationBuffer{}
	_ bounded = Halted{}
	_ sided   = Funding{}
	_ sided   = LiquidationBuffer{}
	_ sided   = PositionExists{}
)
