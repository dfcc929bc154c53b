package aster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
)

// state puts together what was read.
func (r *reading) state() (AccountState, error) {
	cfg := r.accounts.cfg
	a := decision.Account{
		ID: cfg.ID, Leverage: cfg.Leverage, MaxPositionSizeUSD: cfg.MaxPositionSizeUSD,
		MakerFeeBps: r.fees.Maker.Shift(4), TakerFeeBps: r.fees.Taker.Shift(4), Positions: []decision.Position{}, Halted: !r.info.CanTrade,
	}
	if a.Halted {
		r.notes = append(r.notes, "the venue does not let this account trade")
	}
	var err error
	if a.BalanceUSD, a.AvailableUSD, err = r.balance(); err != nil {
		return AccountState{}, err
	}
	if a.RealizedPnLTodayUSD, err = r.realized(); err != nil {
		return AccountState{}, err
	}
	if a.Leverage, a.MarginMode, err = r.settings(); err != nil {
		return AccountState{}, err
	}
	entries, opened := r.entries()
	if len(entries) > 0 {
		a.LastEntryAt = entries
	}
	for _, symbol := range slices.Sorted(maps.Keys(r.held)) {
		p, err := r.position(r.risks[symbol])
		if err != nil {
			return AccountState{}, err
		}
		p.OpenedAt = opened[symbol]
		a.Positions = append(a.Positions, p)
	}
	if err := a.Validate(); err != nil {
		return AccountState{}, fmt.Errorf("%w: %w", ErrInconsistentAccount, err)
	}
	return AccountState{Account: a, At: r.at.UTC(), Notes: r.notes}, nil
}

// balance is that of USDT; other assets are named.
func (r *reading) balance() (wallet, available decimal.Decimal, err error) {
	var others []string
	found := false
	for _, b := range r.info.Balances {
		switch {
		case b.Asset == usdt && found:
			return wallet, available, fmt.Errorf("%w: USDT is listed twice", ErrInconsistentAccount)
		case b.Asset == usdt:
			found, wallet, available = true, b.Wallet, b.Available
		case !b.Wallet.IsZero():
			others = append(others, b.Asset)
		}
	}
	slices.Sort(others)
	named := strings.Join(others[:min(len(others), 20)], ", ")
	switch {
	case !found:
		return wallet, available, fmt.Errorf("%w: there is no balance of USDT (other assets with a balance: %s)", ErrInconsistentAccount, named)
	case wallet.IsNegative() || available.IsNegative():
		return wallet, available, fmt.Errorf("%w: USDT balances must not be negative, were %s and %s available", ErrInconsistentAccount, clipped(wallet), clipped(available))
	case len(others) > 0:
		r.notes = append(r.notes, "balances that are not in USDT are not counted: "+named)
	}
	return wallet, available, nil
}

// realized sums what trading brought and cost since midnight.
func (r *reading) realized() (decimal.Decimal, error) {
	total := decimal.Zero
	ignored := map[string]bool{}
	for _, i := range r.income {
		switch i.Type {
		case "REALIZED_PNL", "COMMISSION", "FUNDING_FEE", "INSURANCE_CLEAR":
			if i.Asset != usdt && !i.Amount.IsZero() {
				return total, fmt.Errorf("%w: an entry of type %s is in %.40s, and only USDT is counted", ErrInconsistentAccount, i.Type, i.Asset)
			}
			total = total.Add(i.Amount)
		default:
			ignored[i.Type] = true
		}
	}
	if names := slices.Sorted(maps.Keys(ignored)); len(names) > 0 {
		r.notes = append(r.notes, "today's income that is not of trading is not counted: "+strings.Join(names[:min(len(names), 20)], ", "))
	}
	return total, nil
}

// settings are leverage and margin mode of new positions.
func (r *reading) settings() (decimal.Decimal, decision.MarginMode, error) {
	cfg := r.accounts.cfg
	leverage, modes := cfg.Leverage, map[decision.MarginMode]bool{}
	for _, symbol := range cfg.Symbols {
		p, found := r.risks[symbol]
		switch {
		case !found && cfg.Leverage.IsZero():
			return leverage, "", fmt.Errorf("%w: the leverage of %s is not listed: set AccountConfig.Leverage", ErrInconsistentAccount, symbol)
		case !found:
			modes[""] = true
			continue
		case leverage.IsZero():
			leverage = p.Leverage
		case !leverage.Equal(p.Leverage) && cfg.Leverage.IsZero():
			return leverage, "", fmt.Errorf("%w: leverage is %s for %s and %s for %s: set AccountConfig.Leverage, or the same at the venue",
				ErrInconsistentAccount, leverage, cfg.Symbols[0], p.Leverage, symbol)
		case !leverage.Equal(p.Leverage):
			r.notes = append(r.notes, fmt.Sprintf("leverage of %s is %s at the venue, decisions assume %s", symbol, p.Leverage, leverage))
		}
		modes[modeOf(p)] = true
	}
	if len(modes) != 1 {
		return leverage, "", nil // unknown: the engine keeps to the limits of either
	}
	for mode := range modes {
		return leverage, mode, nil
	}
	return leverage, "", nil
}

func modeOf(p PositionRisk) decision.MarginMode {
	if p.Isolated {
		return decision.MarginIsolated
	}
	return decision.MarginCross
}

func (r *reading) position(p PositionRisk) (decision.Position, error) {
	out := decision.Position{
		Symbol: p.Symbol, Side: decision.Long, Quantity: p.Amount.Abs(), EntryPrice: p.EntryPrice, MarkPrice: p.MarkPrice,
		Leverage: p.Leverage, MarginMode: modeOf(p),
	}
	if p.Amount.IsNegative() {
		out.Side = decision.Short
	}
	stops, targets, err := exits(p, r.orders[p.Symbol])
	if err != nil {
		return out, err
	}
	if len(targets) > 0 {
		out.TPPrice = decimal.NewNullDecimal(targets[0].price)
	}
	covered := decimal.Zero
	for _, s := range stops {
		covered = covered.Add(s.quantity)
		if covered.GreaterThanOrEqual(out.Quantity) {
			out.SLPrice = decimal.NewNullDecimal(s.price)
			return out, nil
		}
	}
	if len(stops) > 0 {
		r.notes = append(r.notes, fmt.Sprintf("stops of %s close %s of %s, so that it has no stop loss", p.Symbol, covered, out.Quantity))
	}
	return out, nil
}

// exit is an order that reduces a position when its trigger is reached.
type exit struct{ price, quantity decimal.Decimal }

// exits are a position's resting stops and take profits, the nearest first.
func exits(p PositionRisk, orders []OpenOrder) (stops, targets []exit, err error) {
	long := p.Amount.IsPositive()
	for _, o := range orders {
		closes := o.Buy != long && (o.ReduceOnly || o.ClosePosition)
		if !closes || o.Type != "STOP_MARKET" && o.Type != "TAKE_PROFIT_MARKET" {
			continue
		}
		e := exit{o.StopPrice, o.Quantity.Sub(o.Filled)}
		if o.ClosePosition {
			e.quantity = p.Amount.Abs()
		}
		if !e.price.IsPositive() || !e.quantity.IsPositive() {
			return nil, nil, fmt.Errorf("%w: order %d must have a stop price and a quantity, had %s and %s", ErrInconsistentAccount, o.ID, clipped(e.price), clipped(e.quantity))
		}
		if o.Type == "STOP_MARKET" {
			stops = append(stops, e)
		} else {
			targets = append(targets, e)
		}
	}
	rising := func(a, b exit) int { return a.price.Cmp(b.price) }
	falling := func(a, b exit) int { return b.price.Cmp(a.price) }
	if long {
		slices.SortStableFunc(stops, falling)
		slices.SortStableFunc(targets, rising)
	} else {
		slices.SortStableFunc(stops, rising)
		slices.SortStableFunc(targets, falling)
	}
	return stops, targets, nil
}

// entries are when each symbol was last entered, and when the positions that
// are held were opened, as far as the trades reach.
func (r *reading) entries() (last, opened map[string]time.Time) {
	last, opened = map[string]time.Time{}, map[string]time.Time{}
	for symbol, trades := range r.trades {
		entered, began := walkBack(r.held[symbol].Amount, trades)
		if !entered.IsZero() {
			last[symbol] = entered
		}
		if !began.IsZero() {
			opened[symbol] = began
		}
	}
	return last, opened
}

// walkBack undoes trades from the newest on. One that left the position on its
// own side entered; the first that did so from the other side or from nothing
// opened what is held.
func walkBack(amount decimal.Decimal, trades []Trade) (entered, opened time.Time) {
	trades = slices.Clone(trades)
	slices.SortFunc(trades, func(a, b Trade) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return cmp.Compare(a.ID, b.ID)
	})
	after := amount
	for _, t := range slices.Backward(trades) {
		if t.PositionSide != sideBoth {
			break // hedge mode: what came before is not this position
		}
		change := t.Quantity
		if !t.Buy {
			change = change.Neg()
		}
		before := after.Sub(change)
		if after.Sign() == change.Sign() {
			if entered.IsZero() {
				entered = t.At
			}
			if opened.IsZero() && !amount.IsZero() && before.Sign() != amount.Sign() {
				opened = t.At
			}
		}
		if !entered.IsZero() && (!opened.IsZero() || amount.IsZero()) {
			break
		}
		after = before
	}
	return entered, opened
}
