package fallback

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
)

// entry is a position that might be opened.
type entry struct {
	symbol        string
	side          decision.Side
	score         int
	levels        levels
	allocationUSD decimal.Decimal
	leastUSD      decimal.Decimal // smallest order that the exchange takes
	sizing        string          // how the allocation came about
	refused       string          // why it is held after all; empty: it is not
}

// size sets the allocation: what the envelope leaves for the stop that was
// found × EnvelopeShare × multiplier, rounded down to a cent.
func (s settings) size(e *entry, a *subject) error {
	room, ok := a.in.Envelope.Asset(a.symbol)
	action, most, limit := decision.ActionBuy, room.MaxLongUSD, room.LongLimit
	if e.side == decision.Short {
		action, most, limit = decision.ActionSell, room.MaxShortUSD, room.ShortLimit
	}
	if !ok || !most.IsPositive() || !slices.Contains(room.Actions, action) {
		why := string(action) + " is not allowed"
		if limit != "" {
			why = "the " + limit + " limit binds"
		}
		return fmt.Errorf("no room for a %s: %s", e.side, why)
	}
	if farthest := room.MaxStopPercent; farthest.Valid && e.levels.stopPercent.GreaterThan(farthest.Decimal) {
		return fmt.Errorf("the stop of a %s would be %s %% away, liquidation comes first at %s %%",
			e.side, e.levels.stopPercent.StringFixed(2), farthest.Decimal.StringFixed(2))
	}
	if atStop, _ := room.MaxLossUSD.Mul(decimal.New(100, 0)).QuoRem(e.levels.stopPercent, 8); atStop.LessThan(most) {
		most, limit = decimal.Max(atStop, decimal.Zero), decision.RiskPerTrade{}.Name()
	}
	volatility := a.reading.factors.VolatilityPercent
	multiplier, which := s.multiplier(volatility), "volatility"
	if !volatility.Valid {
		which = "unknown volatility"
	}
	e.allocationUSD = most.Mul(s.sizing.EnvelopeShare).Mul(multiplier).RoundDown(2)
	e.sizing = fmt.Sprintf("%s %% of the %s USD that %s allows, x%s for %s", s.sizing.EnvelopeShare.Shift(2),
		most.RoundDown(2).StringFixed(2), cmp.Or(limit, "the envelope"), multiplier, which)
	e.leastUSD = least(a.asset.Instrument, a.asset.Quote.Last)
	return e.tooSmall()
}

func (s settings) multiplier(volatility decimal.NullDecimal) decimal.Decimal {
	if volatility.Valid {
		for _, step := range s.sizing.Steps {
			if volatility.Decimal.LessThan(step.BelowPercent) {
				return step.Multiplier
			}
		}
	}
	return s.sizing.Beyond
}

// least is the smallest notional that the instrument's filters accept; zero
// when they are unknown.
func least(i *marketdata.Instrument, price decimal.Decimal) decimal.Decimal {
	if i == nil {
		return decimal.Zero
	}
	quantity := decimal.Max(i.MinQuantity.Decimal, i.LotSize.Decimal) // zero when null
	return decimal.Max(i.MinNotionalUSD.Decimal, quantity.Mul(price))
}

func (e *entry) tooSmall() error {
	if !e.allocationUSD.IsPositive() || e.allocationUSD.LessThan(e.leastUSD) {
		return fmt.Errorf("an allocation of %s USD is below the smallest order, %s USD", e.allocationUSD, decimal.Max(e.leastUSD, decimal.New(1, -2)))
	}
	return nil
}

// ration fits all entries together into the envelope. When there are more
// than NewPositions, those with the lowest score stay, equal scores in
// alphabetical order. When they sum to more than TotalUSD, all shrink by the
// same factor: each may be within its own asset's envelope and the gate would
// still refuse all of them, because the account's capital is one.
func ration(entries []*entry, room decision.Envelope) {
	slices.SortFunc(entries, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.score, b.score), strings.Compare(a.symbol, b.symbol))
	})
	open := min(max(room.NewPositions, 0), len(entries))
	for _, e := range entries[open:] {
		e.refused = fmt.Sprintf("%d of %d candidates may be entered and others score lower", open, len(entries))
	}
	entries = entries[:open]
	sum := decimal.Zero
	for _, e := range entries {
		sum = sum.Add(e.allocationUSD)
	}
	if sum.LessThanOrEqual(room.TotalUSD) {
		return
	}
	total := decimal.Max(room.TotalUSD, decimal.Zero)
	for _, e := range entries {
		e.sizing += fmt.Sprintf(", scaled from %s USD so that all entries (%s USD) fit the total of %s USD",
			e.allocationUSD.StringFixed(2), sum.StringFixed(2), total.StringFixed(2))
		e.allocationUSD, _ = e.allocationUSD.Mul(total).QuoRem(sum, 2)
		if err := e.tooSmall(); err != nil {
			e.refused = fmt.Sprintf("after fitting %s USD into %s USD, %s", sum, total, err)
		}
	}
}
