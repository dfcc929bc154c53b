package aster

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

// usdt is the one quote and margin asset that is counted as US dollars.
const usdt = "USDT"

// Range is a filter: values must be within Min and Max, and Step apart from
// Min. A null part is switched off.
type Range struct{ Min, Max, Step decimal.NullDecimal }

// Symbol is how one contract trades. Null limits are not enforced by the venue.
type Symbol struct {
	Name         string
	ContractType string // "PERPETUAL"
	Status       string // "TRADING"
	BaseAsset    string
	QuoteAsset   string
	MarginAsset  string
	OnboardAt    time.Time // UTC; zero: not said

	Price          Range               // of limit and stop prices
	Quantity       Range               // of limit orders
	MarketQuantity Range               // of market orders, on top of Quantity
	MinNotional    decimal.NullDecimal // price × quantity, of orders that do not reduce

	// MultiplierUp and MultiplierDown bound a limit price: at most mark × up
	// to buy, at least mark × down to sell.
	MultiplierUp, MultiplierDown decimal.NullDecimal
	TriggerProtect               decimal.NullDecimal // difference of mark and last, a fraction, above which protected stops do not trigger
	LiquidationFee               decimal.NullDecimal // a fraction of the notional
	MarketTakeBound              decimal.NullDecimal // how far from mark a market order may fill, a fraction
	MaxOrders, MaxStopOrders     int                 // open at once; 0: not said

	OrderTypes   []string // "LIMIT", …
	TimesInForce []string // "GTC", …
}

// Tradable reports a perpetual that is open for trading and is no test symbol.
func (s Symbol) Tradable() bool {
	return s.Status == "TRADING" && s.ContractType == "PERPETUAL" && !strings.HasPrefix(s.Name, "TEST")
}

// Instrument is the symbol's limits as the engine knows them: the stricter of
// those for limit and market orders. Its notional limit is only known for
// symbols that are quoted in USDT, and its leverage brackets never.
func (s Symbol) Instrument() marketdata.Instrument {
	in := marketdata.Instrument{
		Symbol: s.Name, BaseAsset: s.BaseAsset, QuoteAsset: s.QuoteAsset,
		TickSize: s.Price.Step, LotSize: larger(s.Quantity.Step, s.MarketQuantity.Step), MinQuantity: larger(s.Quantity.Min, s.MarketQuantity.Min),
	}
	if s.QuoteAsset == usdt {
		in.MinNotionalUSD = s.MinNotional
	}
	return in
}

// larger is the stricter of two lower limits.
func larger(a, b decimal.NullDecimal) decimal.NullDecimal {
	if !a.Valid || b.Valid && b.Decimal.GreaterThan(a.Decimal) {
		return b
	}
	return a
}

// ExchangeInfo is what the venue lists. It is read-only.
type ExchangeInfo struct {
	WeightPerMinute int // of requests, by address; 0: not said
	OrdersPerMinute int // by account; 0: not said

	symbols map[string]Symbol
	bad     map[string]error
}

// Symbol is one contract. The error wraps ErrUnknownSymbol when the venue does
// not list it, and says what is wrong when what the venue says of it cannot be
// used.
func (e ExchangeInfo) Symbol(name string) (Symbol, error) {
	if s, found := e.symbols[name]; found {
		return s, nil
	}
	if err := e.bad[name]; err != nil {
		return Symbol{}, &decodeError{"", err}
	}
	return Symbol{}, &Error{Op: "exchange information", Kind: KindUnknownSymbol, Message: fmt.Sprintf("%.40q is not listed", name)}
}

// Names are the symbols that can be used, sorted, those that do not trade
// included.
func (e ExchangeInfo) Names() []string {
	names := make([]string, 0, len(e.symbols))
	for name := range e.symbols {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ExchangeInfo asks what the venue lists, and takes over its limit of weight
// when that is less than the configured one.
func (c *Client) ExchangeInfo(ctx context.Context) (ExchangeInfo, error) {
	return c.exchangeInfo(ctx, c.do)
}

// asker is Client.do or a bound form of it.
type asker func(ctx context.Context, cl call, out any) error

func (c *Client) exchangeInfo(ctx context.Context, do asker) (ExchangeInfo, error) {
	var answer one[infoAnswer, *infoAnswer]
	if err := do(ctx, call{method: http.MethodGet, path: "/exchangeInfo", weight: 1}, &answer); err != nil {
		return ExchangeInfo{}, err
	}
	info := answer.value.info()
	if info.WeightPerMinute > 0 {
		c.budget.lower(info.WeightPerMinute)
	}
	return info, nil
}
