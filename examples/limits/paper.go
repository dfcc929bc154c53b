package main

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
)

// paper is an account that fills whatever it is told, at the close, for free.
// It is as simple as the limits need it: no fees, no funding, stops are filled
// at their price.
type paper struct {
	account decision.Account
	day     time.Time
}

func newPaper(leverage decimal.Decimal) *paper {
	usd := decimal.NewFromInt(10_000)
	return &paper{account: decision.Account{
		ID: "paper", BalanceUSD: usd, AvailableUSD: usd, Leverage: leverage, MaxPositionSizeUSD: usd, MarginMode: decision.MarginIsolated,
		LastEntryAt: map[string]time.Time{},
	}}
}

func (p *paper) marginPercent() decimal.Decimal {
	if !p.account.BalanceUSD.IsPositive() {
		return decimal.Zero
	}
	return p.account.MarginUSD().Shift(2).DivRound(p.account.BalanceUSD, 2)
}

func (p *paper) find(symbol string) *decision.Position {
	for i := range p.account.Positions {
		if p.account.Positions[i].Symbol == symbol {
			return &p.account.Positions[i]
		}
	}
	return nil
}

// act fills what was kept.
func (p *paper) act(actions []decision.AssetDecision, market marketdata.Snapshot, at time.Time) {
	for _, d := range actions {
		held := p.find(d.Asset)
		price := market.Assets[d.Asset].Quote.Last
		switch {
		case d.Action == decision.ActionBuy || d.Action == decision.ActionSell:
			p.enter(d, price, at)
		case held == nil:
		case d.Action == decision.ActionClosePosition:
			p.leave(held, held.Quantity, held.MarkPrice)
		case d.Action == decision.ActionAdjustPosition && d.PositionAdjustment.Type == decision.AdjustDecrease:
			p.leave(held, decimal.Min(d.PositionAdjustment.AmountUSD.DivRound(held.MarkPrice, 8), held.Quantity), held.MarkPrice)
		case d.Action == decision.ActionAdjustPosition:
			p.grow(held, d.PositionAdjustment.AmountUSD, price, at)
		case d.Action == decision.ActionAdjustOrders:
			p.move(held, d.OrderAdjustment)
		}
	}
	p.settle()
}

func (p *paper) enter(d decision.AssetDecision, price decimal.Decimal, at time.Time) {
	if held := p.find(d.Asset); held != nil {
		p.grow(held, d.AllocationUSD, price, at)
		return
	}
	side := decision.Long
	if d.Action == decision.ActionSell {
		side = decision.Short
	}
	p.account.Positions = append(p.account.Positions, decision.Position{
		Symbol: d.Asset, Side: side, Quantity: d.AllocationUSD.DivRound(price, 12), EntryPrice: price, MarkPrice: price,
		Leverage: p.account.Leverage, SLPrice: d.SLPrice, TPPrice: d.TPPrice, OpenedAt: at, MarginMode: decision.MarginIsolated,
	})
	p.account.LastEntryAt[d.Asset] = at
}

func (p *paper) grow(held *decision.Position, usd, price decimal.Decimal, at time.Time) {
	more := usd.DivRound(price, 12)
	cost := held.Quantity.Mul(held.EntryPrice).Add(more.Mul(price))
	held.Quantity = held.Quantity.Add(more)
	held.EntryPrice = cost.DivRound(held.Quantity, 12)
	p.account.LastEntryAt[held.Symbol] = at
}

func (p *paper) move(held *decision.Position, a *decision.OrderAdjustment) {
	if a.CancelSL {
		held.SLPrice = decimal.NullDecimal{}
	}
	if a.CancelTP {
		held.TPPrice = decimal.NullDecimal{}
	}
	if a.AdjustSL {
		held.SLPrice = a.NewSLPrice
	}
	if a.AdjustTP {
		held.TPPrice = a.NewTPPrice
	}
}

// leave closes a part at a price.
func (p *paper) leave(held *decision.Position, quantity, price decimal.Decimal) {
	gain := price.Sub(held.EntryPrice).Mul(quantity)
	if held.Side == decision.Short {
		gain = gain.Neg()
	}
	p.account.BalanceUSD = p.account.BalanceUSD.Add(gain)
	p.account.RealizedPnLTodayUSD = p.account.RealizedPnLTodayUSD.Add(gain)
	held.Quantity = held.Quantity.Sub(quantity)
}

// pass lets an hour go by: stops and targets that its candle reached are
// filled, the stop first. It returns the day's P&L in percent.
func (p *paper) pass(market marketdata.Snapshot, at time.Time) decimal.Decimal {
	for i := range p.account.Positions {
		held := &p.account.Positions[i]
		series := market.Assets[held.Symbol].Series[marketdata.Interval1h]
		if series.Len() == 0 {
			continue
		}
		c := series.At(series.Len() - 1)
		stop, target := c.Low, c.High
		if held.Side == decision.Short {
			stop, target = c.High, c.Low
		}
		switch long := held.Side == decision.Long; {
		case held.SLPrice.Valid && reached(held.SLPrice.Decimal, stop, long):
			p.leave(held, held.Quantity, held.SLPrice.Decimal)
		case held.TPPrice.Valid && reached(held.TPPrice.Decimal, target, !long):
			p.leave(held, held.Quantity, held.TPPrice.Decimal)
		default:
			held.MarkPrice = c.Close
		}
	}
	p.settle()
	equity := p.account.EquityUSD()
	day := decimal.Zero
	if opening := p.account.EquityAtMidnightUSD; opening.Valid && opening.Decimal.IsPositive() {
		day = equity.Sub(opening.Decimal).Shift(2).DivRound(opening.Decimal, 4)
	}
	if today := at.Truncate(24 * time.Hour); !today.Equal(p.day) {
		p.day = today
		p.account.EquityAtMidnightUSD = decimal.NewNullDecimal(equity)
		p.account.RealizedPnLTodayUSD = decimal.Zero
	}
	return day
}

func reached(order, extreme decimal.Decimal, falling bool) bool {
	if falling {
		return extreme.LessThanOrEqual(order)
	}
	return extreme.GreaterThanOrEqual(order)
}

// settle drops what was closed and works out what is free.
func (p *paper) settle() {
	p.account.Positions = slices.DeleteFunc(p.account.Positions, func(held decision.Position) bool { return !held.Quantity.IsPositive() })
	p.account.AvailableUSD = decimal.Max(p.account.EquityUSD().Sub(p.account.MarginUSD()), decimal.Zero)
}
