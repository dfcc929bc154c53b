package aster

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext" //nolint:depguard // as wire.go
	"github.com/shopspring/decimal"
)

const (
	maxSymbols = 5000
	maxLists   = 64 // filters, order types, limits
)

// infoAnswer is the answer of exchangeInfo.
type infoAnswer struct {
	RateLimits rows[rateLimitRow, *rateLimitRow] `json:"rateLimits"`
	Symbols    symbolTable                       `json:"symbols"`
}

func (a *infoAnswer) info() ExchangeInfo {
	info := ExchangeInfo{symbols: make(map[string]Symbol, len(a.Symbols.table.rows)), bad: a.Symbols.table.bad}
	for name, r := range a.Symbols.table.rows {
		info.symbols[name] = r.symbol()
	}
	for _, r := range a.RateLimits {
		switch {
		case r.Interval != "MINUTE" || r.IntervalNum != 1:
		case r.Kind == "REQUEST_WEIGHT":
			info.WeightPerMinute = r.Limit
		case r.Kind == "ORDERS":
			info.OrdersPerMinute = r.Limit
		}
	}
	return info
}

type rateLimitRow struct {
	Kind        string `json:"rateLimitType"`
	Interval    string `json:"interval"`
	IntervalNum int    `json:"intervalNum"`
	Limit       int    `json:"limit"`
}

func (r *rateLimitRow) check() error {
	if r.Limit < 1 || r.Limit > maxHeader {
		return fmt.Errorf("limit must be between 1 and %d, was %d", maxHeader, r.Limit)
	}
	return nil
}

// symbolTable is a table of at most maxSymbols rows, and must be there.
type symbolTable struct {
	table table[symbolRow, *symbolRow]
}

// UnmarshalJSONFrom reads the array.
func (s *symbolTable) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '[' {
		return errNotRows
	}
	if err := s.table.UnmarshalJSONFrom(dec); err != nil {
		return err
	}
	if n := len(s.table.rows) + len(s.table.bad); n > maxSymbols {
		return fmt.Errorf("must have at most %d symbols, had %d", maxSymbols, n)
	}
	return nil
}

func (a *infoAnswer) check() error {
	if len(a.Symbols.table.rows) == 0 {
		return errors.New("symbols are missing")
	}
	return nil
}

// symbolRow is an element of symbols.
type symbolRow struct {
	Symbol          string   `json:"symbol"`
	ContractType    string   `json:"contractType"`
	Status          string   `json:"status"`
	BaseAsset       string   `json:"baseAsset"`
	QuoteAsset      string   `json:"quoteAsset"`
	MarginAsset     string   `json:"marginAsset"`
	OnboardDate     moment   `json:"onboardDate"`
	TriggerProtect  amount   `json:"triggerProtect"`
	LiquidationFee  amount   `json:"liquidationFee"`
	MarketTakeBound amount   `json:"marketTakeBound"`
	Filters         filters  `json:"filters"`
	OrderType       []string `json:"OrderType"` // the documented spelling
	OrderTypes      []string `json:"orderTypes"`
	TimeInForce     []string `json:"timeInForce"`
}

func (r *symbolRow) check() error {
	for _, f := range [...]struct{ name, value string }{
		{"status", r.Status}, {"baseAsset", r.BaseAsset}, {"quoteAsset", r.QuoteAsset}, {"marginAsset", r.MarginAsset},
	} {
		if err := checkName(f.name, f.value); err != nil {
			return err
		}
	}
	if len(r.OrderType) > maxLists || len(r.OrderTypes) > maxLists || len(r.TimeInForce) > maxLists {
		return fmt.Errorf("order types and times in force must number at most %d", maxLists)
	}
	if !r.Filters.price.TickSize.set || !r.Filters.lot.StepSize.set {
		return errors.New("PRICE_FILTER or LOT_SIZE is missing")
	}
	return nil
}

func (r *symbolRow) symbol() Symbol {
	f := &r.Filters
	s := Symbol{
		Name: r.Symbol, ContractType: r.ContractType, Status: r.Status,
		BaseAsset: r.BaseAsset, QuoteAsset: r.QuoteAsset, MarginAsset: r.MarginAsset,
		Price:          Range{f.price.MinPrice.orUnlimited(), f.price.MaxPrice.orUnlimited(), f.price.TickSize.orUnlimited()},
		Quantity:       f.lot.quantity(),
		MarketQuantity: f.market.quantity(),
		MinNotional:    f.notional.Notional.orUnlimited(),
		MultiplierUp:   f.percent.MultiplierUp.orUnlimited(), MultiplierDown: f.percent.MultiplierDown.orUnlimited(),
		TriggerProtect: r.TriggerProtect.orNull(), LiquidationFee: r.LiquidationFee.orNull(), MarketTakeBound: r.MarketTakeBound.orNull(),
		MaxOrders: f.orders.Limit, MaxStopOrders: f.stops.Limit,
		OrderTypes: r.OrderType, TimesInForce: r.TimeInForce,
	}
	if s.OrderTypes == nil {
		s.OrderTypes = r.OrderTypes
	}
	if r.OnboardDate.at.UnixMilli() > 0 {
		s.OnboardAt = r.OnboardDate.at
	}
	return s
}

// filterRow is any filter; each kind fills its own members.
type filterRow struct {
	Kind           string `json:"filterType"`
	MinPrice       amount `json:"minPrice"`
	MaxPrice       amount `json:"maxPrice"`
	TickSize       amount `json:"tickSize"`
	MinQty         amount `json:"minQty"`
	MaxQty         amount `json:"maxQty"`
	StepSize       amount `json:"stepSize"`
	Notional       amount `json:"notional"`
	MultiplierUp   amount `json:"multiplierUp"`
	MultiplierDown amount `json:"multiplierDown"`
	Limit          int    `json:"limit"`
}

func (r *filterRow) quantity() Range {
	return Range{r.MinQty.orUnlimited(), r.MaxQty.orUnlimited(), r.StepSize.orUnlimited()}
}

func (r *filterRow) check() error {
	for _, a := range [...]amount{
		r.MinPrice, r.MaxPrice, r.TickSize, r.MinQty, r.MaxQty, r.StepSize, r.Notional, r.MultiplierUp, r.MultiplierDown,
	} {
		if a.value.IsNegative() {
			return fmt.Errorf("%.30s must not be negative, was %s", r.Kind, clipped(a.value))
		}
	}
	for _, pair := range [...][2]decimal.Decimal{{r.MinPrice.value, r.MaxPrice.value}, {r.MinQty.value, r.MaxQty.value}, {r.MultiplierDown.value, r.MultiplierUp.value}} {
		if pair[1].IsPositive() && pair[0].GreaterThan(pair[1]) {
			return fmt.Errorf("%.30s must not have a minimum above its maximum, had %s and %s", r.Kind, clipped(pair[0]), clipped(pair[1]))
		}
	}
	if r.Limit < 0 || r.Limit > maxRows {
		return fmt.Errorf("%.30s must have a limit of 0 to %d, had %d", r.Kind, maxRows, r.Limit)
	}
	return nil
}

// filters are those that matter here, by kind.
type filters struct{ price, lot, market, notional, percent, orders, stops filterRow }

// UnmarshalJSONFrom reads the array. A kind that comes twice is an error.
func (f *filters) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*f = filters{}
	var list rows[filterRow, *filterRow]
	if err := list.UnmarshalJSONFrom(dec); err != nil {
		return err
	}
	if len(list) > maxLists {
		return fmt.Errorf("must have at most %d filters, had %d", maxLists, len(list))
	}
	for _, r := range list {
		place := f.place(r.Kind)
		if place == nil {
			continue
		}
		if place.Kind != "" {
			return fmt.Errorf("%s comes twice", r.Kind)
		}
		*place = r
	}
	return nil
}

func (f *filters) place(kind string) *filterRow {
	switch kind {
	case "PRICE_FILTER":
		return &f.price
	case "LOT_SIZE":
		return &f.lot
	case "MARKET_LOT_SIZE":
		return &f.market
	case "MIN_NOTIONAL":
		return &f.notional
	case "PERCENT_PRICE":
		return &f.percent
	case "MAX_NUM_ORDERS":
		return &f.orders
	case "MAX_NUM_ALGO_ORDERS":
		return &f.stops
	}
	return nil
}
