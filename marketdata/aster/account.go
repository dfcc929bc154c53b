package aster

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

const (
	maxPage         = 1000 // rows of one page of income or trades
	allOrdersWeight = 40
)

// Balance is what a wallet holds of one asset.
type Balance struct {
	Asset     string
	Wallet    decimal.Decimal // without unrealised P&L
	Available decimal.Decimal // for new margin; in cross margin it may exceed Wallet
}

// AccountInfo is the account as the venue keeps it at one moment.
type AccountInfo struct {
	CanTrade bool
	Balances []Balance
	Holdings []Holding // every symbol, those without a position included
}

// Holding is the part of a position that AccountInfo knows.
type Holding struct {
	Symbol       string
	PositionSide string          // "BOTH"; "LONG" and "SHORT" in hedge mode
	Amount       decimal.Decimal // base units, negative: short
	Leverage     decimal.Decimal
	Isolated     bool
}

// PositionRisk is one row of the position list, zero positions included.
type PositionRisk struct {
	Symbol           string
	PositionSide     string          // "BOTH"; "LONG" and "SHORT" in hedge mode
	Amount           decimal.Decimal // base units, negative: short
	EntryPrice       decimal.Decimal // 0 without a position
	MarkPrice        decimal.Decimal
	UnrealizedProfit decimal.Decimal
	Liquidation      decimal.NullDecimal // price; null: none
	Leverage         decimal.Decimal
	Isolated         bool
	UpdatedAt        time.Time // UTC; zero: never
}

// CommissionRate is what trading a symbol costs, as a fraction of the
// notional. A negative maker rate is paid out.
type CommissionRate struct {
	Symbol       string
	Maker, Taker decimal.Decimal
}

// Income is one entry of the account's journal.
type Income struct {
	ID     string // unique within Type
	Type   string // "REALIZED_PNL", "COMMISSION", "FUNDING_FEE", …
	Symbol string // may be empty
	Asset  string
	Amount decimal.Decimal // negative: paid
	At     time.Time       // UTC
}

// Trade is one fill of an order of the account.
type Trade struct {
	ID              int64
	OrderID         int64
	Symbol          string
	Buy             bool
	Maker           bool
	PositionSide    string
	Price           decimal.Decimal
	Quantity        decimal.Decimal // base units, > 0
	Commission      decimal.Decimal // negative: paid
	CommissionAsset string
	RealizedPnL     decimal.Decimal
	At              time.Time // UTC
}

// OpenOrder is an order that rests or waits for its trigger.
type OpenOrder struct {
	ID            int64
	ClientID      string
	Symbol        string
	Buy           bool
	PositionSide  string
	Type          string // "LIMIT", "STOP_MARKET", …; of the child once triggered
	Status        string // "NEW", "PARTIALLY_FILLED"
	Price         decimal.Decimal
	StopPrice     decimal.Decimal
	Quantity      decimal.Decimal // base units; 0 with ClosePosition
	Filled        decimal.Decimal // of Quantity
	ReduceOnly    bool
	ClosePosition bool
}

func signedCall(path, pathV1 string, weight int, params ...param) call {
	return call{method: http.MethodGet, path: path, pathV1: pathV1, weight: weight, params: params, auth: signed}
}

// withSymbol is no parameter for the empty symbol.
func withSymbol(symbol string) []param {
	if symbol == "" {
		return nil
	}
	return []param{{"symbol", symbol}}
}

// list asks for rows that must all be whole.
func list[T any, P row[T], Out any](ctx context.Context, c *Client, cl call, convert func(P) Out) ([]Out, error) {
	var answer rows[T, P]
	if err := c.do(ctx, cl, &answer); err != nil {
		return nil, err
	}
	out := make([]Out, len(answer))
	for n := range answer {
		out[n] = convert(&answer[n])
	}
	return out, nil
}

// Balances are the account's assets, most of them usually zero.
func (c *Client) Balances(ctx context.Context) ([]Balance, error) {
	return list(ctx, c, signedCall("/balance", "/fapi/v2/balance", 5), (*balanceRow).balance)
}

// AccountInfo is the account with its balances and what it holds, all of one
// moment.
func (c *Client) AccountInfo(ctx context.Context) (AccountInfo, error) {
	var answer one[accountRow, *accountRow]
	if err := c.do(ctx, signedCall("/accountWithJoinMargin", "/fapi/v4/account", 5), &answer); err != nil {
		return AccountInfo{}, err
	}
	return answer.value.info(), nil
}

// Positions are the rows of one symbol, or of all for the empty symbol.
func (c *Client) Positions(ctx context.Context, symbol string) ([]PositionRisk, error) {
	return list(ctx, c, signedCall("/positionRisk", "/fapi/v2/positionRisk", 5, withSymbol(symbol)...), (*positionRow).position)
}

// Brackets are the leverage tables of one symbol, or of all for the empty
// symbol. A table that contradicts itself is left out.
func (c *Client) Brackets(ctx context.Context, symbol string) (map[string][]marketdata.Bracket, error) {
	return c.brackets(ctx, symbol, c.do)
}

func (c *Client) brackets(ctx context.Context, symbol string, do asker) (map[string][]marketdata.Bracket, error) {
	var answer table[bracketsRow, *bracketsRow]
	if err := do(ctx, signedCall("/leverageBracket", "", 1, withSymbol(symbol)...), &answer); err != nil {
		return nil, err
	}
	out := make(map[string][]marketdata.Bracket, len(answer.rows))
	for symbol, r := range answer.rows {
		out[symbol] = r.brackets()
	}
	return out, nil
}

// CommissionRate is what trading a symbol costs the account.
func (c *Client) CommissionRate(ctx context.Context, symbol string) (CommissionRate, error) {
	found, err := askOne[commissionRow](ctx, c, c.do, signedCall("/commissionRate", "", 20, withSymbol(symbol)...), symbol)
	return CommissionRate{found.Symbol, found.Maker.value, found.Taker.value}, err
}

// PositionMode reports hedge mode: two positions a symbol, long and short.
func (c *Client) PositionMode(ctx context.Context) (hedge bool, err error) {
	var answer one[modeRow, *modeRow]
	err = c.do(ctx, signedCall("/positionSide/dual", "", 30), &answer)
	return answer.value.Hedge.on, err
}

// MultiAssets reports that other assets than USDT back positions too.
func (c *Client) MultiAssets(ctx context.Context) (on bool, err error) {
	var answer one[multiAssetsRow, *multiAssetsRow]
	err = c.do(ctx, signedCall("/multiAssetsMargin", "", 30), &answer)
	return answer.value.MultiAssets.on, err
}

// OpenOrders are the open orders of one symbol, or of all for the empty
// symbol, which weighs 40 times as much.
func (c *Client) OpenOrders(ctx context.Context, symbol string) ([]OpenOrder, error) {
	weight := 1
	if symbol == "" {
		weight = allOrdersWeight
	}
	return list(ctx, c, signedCall("/openOrders", "", weight, withSymbol(symbol)...), (*orderRow).order)
}

// Page bounds a list that is read page by page.
type Page struct {
	From, To time.Time // both included; zero: the venue's default
	Limit    int       // 1–1,000; 0 is 1,000
}

func (p Page) params() ([]param, error) {
	if p.Limit == 0 {
		p.Limit = maxPage
	}
	if err := validateInt("Limit", p.Limit, 1, maxPage); err != nil {
		return nil, err
	}
	if !p.From.IsZero() && !p.To.IsZero() && p.To.Before(p.From) {
		return nil, fmt.Errorf("To must not be before From, was %s before %s", p.To.Format(time.RFC3339), p.From.Format(time.RFC3339))
	}
	out := []param{{"limit", strconv.Itoa(p.Limit)}}
	if !p.From.IsZero() {
		out = append(out, param{"startTime", strconv.FormatInt(p.From.UnixMilli(), 10)})
	}
	if !p.To.IsZero() {
		out = append(out, param{"endTime", strconv.FormatInt(p.To.UnixMilli(), 10)})
	}
	return out, nil
}

// Income is one page of the account's journal, oldest first; by default of the
// last seven days.
func (c *Client) Income(ctx context.Context, page Page) ([]Income, error) {
	params, err := page.params()
	if err != nil {
		return nil, fmt.Errorf("aster: income: %w", err)
	}
	return list(ctx, c, signedCall("/income", "", 30, params...), (*incomeRow).income)
}

// UserTrades is one page of the account's fills in a symbol, oldest first; by
// default of the last seven days, which is also the longest span.
func (c *Client) UserTrades(ctx context.Context, symbol string, page Page) ([]Trade, error) {
	if err := checkName("symbol", symbol); err != nil {
		return nil, fmt.Errorf("aster: user trades: %w", err)
	}
	params, err := page.params()
	if err != nil {
		return nil, fmt.Errorf("aster: user trades: %w", err)
	}
	return list(ctx, c, signedCall("/userTrades", "", 5, append(withSymbol(symbol), params...)...), (*tradeRow).trade)
}
