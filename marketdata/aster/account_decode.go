package aster

import (
	"errors"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

const (
	maxBrackets = 100
	sideBoth    = "BOTH"
	sideLong    = "LONG"
	sideShort   = "SHORT"
)

func checkSide(side string) error {
	if side != sideBoth && side != sideLong && side != sideShort {
		return fmt.Errorf("positionSide must be BOTH, LONG or SHORT, was %.20q", side)
	}
	return nil
}

// checkOrderSide reads BUY or SELL.
func checkOrderSide(side string) error {
	if side != "BUY" && side != "SELL" {
		return fmt.Errorf("side must be BUY or SELL, was %.20q", side)
	}
	return nil
}

func checkLeverage(leverage decimal.Decimal) error {
	if leverage.LessThan(decimal.NewFromInt(1)) || leverage.GreaterThan(decimal.NewFromInt(1000)) {
		return fmt.Errorf("leverage must be between 1 and 1000, was %s", clipped(leverage))
	}
	return nil
}

// balanceRow is an element of balance, and of the assets of an account, which
// name the wallet's balance otherwise.
type balanceRow struct {
	Asset         string `json:"asset"`
	Balance       amount `json:"balance"`
	WalletBalance amount `json:"walletBalance"`
	Available     amount `json:"availableBalance"`
}

func (r *balanceRow) check() error {
	if err := checkName("asset", r.Asset); err != nil {
		return err
	}
	if r.Balance.set == r.WalletBalance.set {
		return fmt.Errorf("%s must have one of balance and walletBalance", r.Asset)
	}
	return required(presence{"availableBalance", r.Available.set})
}

func (r *balanceRow) balance() Balance {
	wallet := r.Balance.value
	if r.WalletBalance.set {
		wallet = r.WalletBalance.value
	}
	return Balance{r.Asset, wallet, r.Available.value}
}

// accountRow is the answer of accountWithJoinMargin.
type accountRow struct {
	CanTrade  flag                           `json:"canTrade"`
	Assets    rows[balanceRow, *balanceRow]  `json:"assets"`
	Positions *rows[holdingRow, *holdingRow] `json:"positions"`
}

func (r *accountRow) check() error {
	return required(presence{"canTrade", r.CanTrade.set}, presence{"assets", len(r.Assets) > 0}, presence{"positions", r.Positions != nil})
}

func (r *accountRow) info() AccountInfo {
	info := AccountInfo{CanTrade: r.CanTrade.on}
	for n := range r.Assets {
		info.Balances = append(info.Balances, r.Assets[n].balance())
	}
	for _, p := range *r.Positions {
		info.Holdings = append(info.Holdings, Holding{p.Symbol, p.PositionSide, p.Amount.value, p.Leverage.value, p.Isolated.on})
	}
	return info
}

type holdingRow struct {
	Symbol       string `json:"symbol"`
	PositionSide string `json:"positionSide"`
	Amount       amount `json:"positionAmt"`
	Leverage     amount `json:"leverage"`
	Isolated     flag   `json:"isolated"`
}

func (r *holdingRow) check() error {
	if err := required(presence{"positionAmt", r.Amount.set}, presence{"leverage", r.Leverage.set}, presence{"isolated", r.Isolated.set}); err != nil {
		return err
	}
	return errors.Join(checkName("symbol", r.Symbol), checkSide(r.PositionSide), checkLeverage(r.Leverage.value))
}

// positionRow is an element of positionRisk.
type positionRow struct {
	Symbol       string `json:"symbol"`
	PositionSide string `json:"positionSide"`
	Amount       amount `json:"positionAmt"`
	EntryPrice   amount `json:"entryPrice"`
	MarkPrice    amount `json:"markPrice"`
	Unrealized   amount `json:"unRealizedProfit"`
	Liquidation  amount `json:"liquidationPrice"`
	Leverage     amount `json:"leverage"`
	MarginType   string `json:"marginType"`
	UpdateTime   moment `json:"updateTime"`
}

func (r *positionRow) check() error {
	if err := required(
		presence{"positionAmt", r.Amount.set}, presence{"entryPrice", r.EntryPrice.set}, presence{"markPrice", r.MarkPrice.set},
		presence{"unRealizedProfit", r.Unrealized.set}, presence{"liquidationPrice", r.Liquidation.set}, presence{"leverage", r.Leverage.set},
	); err != nil {
		return err
	}
	if err := errors.Join(checkName("symbol", r.Symbol), checkSide(r.PositionSide), checkLeverage(r.Leverage.value)); err != nil {
		return err
	}
	if r.MarginType != "isolated" && r.MarginType != "cross" {
		return fmt.Errorf("marginType must be isolated or cross, was %.20q", r.MarginType)
	}
	return r.checkPrices()
}

func (r *positionRow) checkPrices() error {
	for _, p := range [...]struct {
		name  string
		value decimal.Decimal
	}{{"entryPrice", r.EntryPrice.value}, {"markPrice", r.MarkPrice.value}, {"liquidationPrice", r.Liquidation.value}} {
		if p.value.IsNegative() {
			return fmt.Errorf("%s of %s must not be negative, was %s", p.name, r.Symbol, clipped(p.value))
		}
	}
	if !r.Amount.value.IsZero() && (r.EntryPrice.value.IsZero() || r.MarkPrice.value.IsZero()) {
		return fmt.Errorf("a position in %s must have an entry and a mark price, had %s and %s", r.Symbol, clipped(r.EntryPrice.value), clipped(r.MarkPrice.value))
	}
	return nil
}

func (r *positionRow) position() PositionRisk {
	p := PositionRisk{
		Symbol: r.Symbol, PositionSide: r.PositionSide, Amount: r.Amount.value, EntryPrice: r.EntryPrice.value, MarkPrice: r.MarkPrice.value,
		UnrealizedProfit: r.Unrealized.value, Liquidation: r.Liquidation.orUnlimited(), Leverage: r.Leverage.value, Isolated: r.MarginType == "isolated",
	}
	if r.UpdateTime.at.UnixMilli() > 0 {
		p.UpdatedAt = r.UpdateTime.at
	}
	return p
}

// bracketsRow is an element of leverageBracket, all numbers.
type bracketsRow struct {
	Symbol   string                        `json:"symbol"`
	Brackets rows[bracketRow, *bracketRow] `json:"brackets"`
}

func (r *bracketsRow) check() error {
	if n := len(r.Brackets); n == 0 || n > maxBrackets {
		return fmt.Errorf("brackets must number 1 to %d, were %d", maxBrackets, n)
	}
	slices.SortStableFunc(r.Brackets, func(a, b bracketRow) int { return a.Floor.Decimal.Cmp(b.Floor.Decimal) })
	floor := decimal.Zero
	for n, b := range r.Brackets {
		if !b.Floor.Decimal.Equal(floor) {
			return fmt.Errorf("bracket %d must begin at %s, begins at %s", n+1, clipped(floor), clipped(b.Floor.Decimal))
		}
		floor = b.Cap.Decimal
	}
	return nil
}

func (r *bracketsRow) brackets() []marketdata.Bracket {
	out := make([]marketdata.Bracket, len(r.Brackets))
	for n, b := range r.Brackets {
		out[n] = marketdata.Bracket{
			UpToUSD: b.Cap, MaxLeverage: b.Leverage.Decimal, MaintenancePercent: b.Ratio.Decimal.Shift(2), DeductionUSD: b.Cum.Decimal,
		}
	}
	return out
}

type bracketRow struct {
	Leverage decimal.NullDecimal `json:"initialLeverage"`
	Cap      decimal.NullDecimal `json:"notionalCap"`
	Floor    decimal.NullDecimal `json:"notionalFloor"`
	Ratio    decimal.NullDecimal `json:"maintMarginRatio"`
	Cum      decimal.NullDecimal `json:"cum"`
}

func (r *bracketRow) check() error {
	if err := required(presence{"initialLeverage", r.Leverage.Valid}, presence{"notionalCap", r.Cap.Valid}, presence{"notionalFloor", r.Floor.Valid},
		presence{"maintMarginRatio", r.Ratio.Valid}, presence{"cum", r.Cum.Valid}); err != nil {
		return err
	}
	if r.Floor.Decimal.IsNegative() || r.Cum.Decimal.IsNegative() || !r.Cap.Decimal.GreaterThan(r.Floor.Decimal) {
		return errors.New("notionalCap must be above notionalFloor, and neither that nor cum may be negative")
	}
	if !r.Ratio.Decimal.IsPositive() || r.Ratio.Decimal.GreaterThan(decimal.NewFromInt(1)) {
		return fmt.Errorf("maintMarginRatio must be above 0 and at most 1, was %s", clipped(r.Ratio.Decimal))
	}
	return checkLeverage(r.Leverage.Decimal)
}
