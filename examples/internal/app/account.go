package app

import (
	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/config"
)

// DefaultAccount is the id of the account that nobody named.
const DefaultAccount = "default"

// PaperAccount is an account of 10,000 USD without positions, at AsterDEX's
// fees, for who gives no state of a real one.
func PaperAccount(id string, c config.Config) decision.Account {
	balance := decimal.NewFromInt(10_000)
	return decision.Account{
		ID: id, BalanceUSD: balance, AvailableUSD: balance,
		Leverage: c.Leverage, MaxPositionSizeUSD: c.MaxPositionSizeUSD,
		MakerFeeBps: decimal.New(5, -1), TakerFeeBps: decimal.NewFromInt(4),
	}
}
