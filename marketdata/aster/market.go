package aster

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// Weights of what the venue answers for all symbols at once. That of
// premiumIndex is measured by others, not documented.
const (
	allTickersWeight  = 40
	allPremiumsWeight = 10
	maxFundingRates   = 1000
)

// Premium is a perpetual's mark price and funding.
type Premium struct {
	Symbol        string
	Mark          decimal.Decimal     // price used for margin and liquidation, > 0
	Index         decimal.NullDecimal // of the underlying
	FundingRate   decimal.Decimal     // of the last funding; fraction of the notional that longs pay
	NextFundingAt time.Time           // UTC; zero: unknown
	At            time.Time           // when Mark was current, UTC
}

// Ticker is a symbol's last day.
type Ticker struct {
	Symbol        string
	Last          decimal.Decimal // last traded price, > 0
	ChangePercent decimal.Decimal // over 24 h
	High, Low     decimal.Decimal // over 24 h
	Volume        decimal.Decimal // over 24 h, base units
	QuoteVolume   decimal.Decimal // over 24 h, quote units
	At            time.Time       // end of the 24 h, UTC
}

// FundingRate is one funding that took place.
type FundingRate struct {
	Symbol string
	Rate   decimal.Decimal // fraction of the notional that longs paid
	At     time.Time       // UTC
}

// FundingInfo is how a symbol's funding is set.
type FundingInfo struct {
	Symbol     string
	Interval   time.Duration       // between fundings, 1 h–7 d
	Cap, Floor decimal.NullDecimal // of the rate; null: not said
}

// OpenInterest is how much is held open on one side.
type OpenInterest struct {
	Symbol   string
	Quantity decimal.Decimal // base units, ≥ 0
	At       time.Time       // UTC; zero: not said
}

// Level is a price with what is offered there.
type Level struct{ Price, Quantity decimal.Decimal }

// Book is the best part of an order book.
type Book struct {
	LastUpdateID int64
	At           time.Time // UTC
	Bids, Asks   []Level   // best first, never crossed
}

// Time is the venue's clock, UTC. It also becomes what later requests are
// timed by.
func (c *Client) Time(ctx context.Context) (time.Time, error) { return c.measure(ctx) }

func symbolCall(path, symbol string, weight int) call {
	cl := call{method: http.MethodGet, path: path, weight: weight}
	if symbol != "" {
		cl.params = []param{{"symbol", symbol}}
	}
	return cl
}

// askOne asks for the row of one symbol.
func askOne[T any, P row[T]](ctx context.Context, c *Client, do asker, cl call, symbol string) (T, error) {
	var none T
	if err := checkName("symbol", symbol); err != nil {
		return none, fmt.Errorf("aster: %s: %w", cl.path, err)
	}
	answer := table[T, P]{want: map[string]bool{symbol: true}}
	if err := do(ctx, cl, &answer); err != nil {
		return none, err
	}
	found, err := answer.of(symbol)
	if err != nil {
		return none, c.request(cl).unreadable(err)
	}
	return found, nil
}

// Premium is a symbol's mark price and funding rate.
func (c *Client) Premium(ctx context.Context, symbol string) (Premium, error) {
	found, err := askOne[premiumRow](ctx, c, c.do, symbolCall("/premiumIndex", symbol, 1), symbol)
	return found.premium(), err
}

// Ticker24h is a symbol's last price and its last 24 hours.
func (c *Client) Ticker24h(ctx context.Context, symbol string) (Ticker, error) {
	found, err := askOne[tickerRow](ctx, c, c.do, symbolCall("/ticker/24hr", symbol, 1), symbol)
	return found.ticker(), err
}

// OpenInterest is a symbol's open contracts. The venue does not document the
// call: treat an error as unknown.
func (c *Client) OpenInterest(ctx context.Context, symbol string) (OpenInterest, error) {
	found, err := askOne[interestRow](ctx, c, c.do, symbolCall("/openInterest", symbol, 1), symbol)
	return found.interest(), err
}

// FundingInfo is the funding of each symbol that the venue says something of.
// The test network does not have the call.
func (c *Client) FundingInfo(ctx context.Context) (map[string]FundingInfo, error) {
	return c.fundingInfo(ctx, c.do)
}

func (c *Client) fundingInfo(ctx context.Context, do asker) (map[string]FundingInfo, error) {
	var answer table[fundingInfoRow, *fundingInfoRow]
	if err := do(ctx, symbolCall("/fundingInfo", "", 1), &answer); err != nil {
		return nil, err
	}
	out := make(map[string]FundingInfo, len(answer.rows))
	for symbol, r := range answer.rows {
		out[symbol] = r.info()
	}
	return out, nil
}

// FundingRates are a symbol's newest fundings, at most limit (1 to 1,000),
// oldest first.
func (c *Client) FundingRates(ctx context.Context, symbol string, limit int) ([]FundingRate, error) {
	if err := checkName("symbol", symbol); err != nil {
		return nil, fmt.Errorf("aster: funding rates: %w", err)
	}
	if err := validateInt("limit", limit, 1, maxFundingRates); err != nil {
		return nil, fmt.Errorf("aster: funding rates: %w", err)
	}
	cl := symbolCall("/fundingRate", symbol, 1)
	cl.params = append(cl.params, param{"limit", strconv.Itoa(limit)})
	var answer rows[fundingRateRow, *fundingRateRow]
	if err := c.do(ctx, cl, &answer); err != nil {
		return nil, err
	}
	out := make([]FundingRate, len(answer))
	for n, r := range answer {
		if r.Symbol != symbol || n > 0 && r.FundingTime.at.Before(answer[n-1].FundingTime.at) {
			return nil, c.request(cl).unreadable(fmt.Errorf("row %d: of another symbol or out of order", n))
		}
		out[n] = FundingRate{r.Symbol, r.FundingRate.value, r.FundingTime.at}
	}
	return out, nil
}

// depthWeights are the limits that the venue takes.
func depthWeight(limit int) (int, bool) {
	switch limit {
	case 5, 10, 20, 50:
		return 2, true
	case 100:
		return 5, true
	case 500:
		return 10, true
	case 1000:
		return 20, true
	}
	return 0, false
}

// Depth is the best limit levels on each side of a symbol's book; limit is 5,
// 10, 20, 50, 100, 500 or 1,000. A book that is crossed or out of order is an
// error.
func (c *Client) Depth(ctx context.Context, symbol string, limit int) (Book, error) {
	if err := checkName("symbol", symbol); err != nil {
		return Book{}, fmt.Errorf("aster: depth: %w", err)
	}
	weight, ok := depthWeight(limit)
	if !ok {
		return Book{}, fmt.Errorf("aster: depth: limit must be 5, 10, 20, 50, 100, 500 or 1000, was %d", limit)
	}
	cl := symbolCall("/depth", symbol, weight)
	cl.params = append(cl.params, param{"limit", strconv.Itoa(limit)})
	var answer one[bookRow, *bookRow]
	if err := c.do(ctx, cl, &answer); err != nil {
		return Book{}, err
	}
	b := answer.value
	return Book{LastUpdateID: b.LastUpdateID, At: b.At.at, Bids: slices.Clip(b.Bids), Asks: slices.Clip(b.Asks)}, nil
}
