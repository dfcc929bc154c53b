package aster

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// UserEventKind is what an event of the account is about, in the venue's
// words.
type UserEventKind string

// The kinds. The zero value is invalid.
const (
	UserEventAccount    UserEventKind = "ACCOUNT_UPDATE"        // balances or positions have changed
	UserEventOrder      UserEventKind = "ORDER_TRADE_UPDATE"    // an order was placed, filled or ended
	UserEventMarginCall UserEventKind = "MARGIN_CALL"           // a position may be liquidated soon
	UserEventSettings   UserEventKind = "ACCOUNT_CONFIG_UPDATE" // leverage or a mode was set

	eventKeyExpired = "listenKeyExpired"
	maxEventRows    = 1000 // of one event
)

// UserEvent is one event of the account. One of the pointers is set, by Kind.
type UserEvent struct {
	Kind       UserEventKind
	At         time.Time // when the venue sent it, UTC; order by it
	Account    *AccountUpdate
	Order      *OrderUpdate
	MarginCall *MarginCall
	Settings   *AccountSettings
}

// AccountUpdate is what has changed; what it does not name has not.
type AccountUpdate struct {
	Reason    string // "ORDER", "FUNDING_FEE", "DEPOSIT", …
	Balances  []BalanceUpdate
	Positions []PositionUpdate
}

// BalanceUpdate is a balance after a change.
type BalanceUpdate struct {
	Asset               string
	Wallet, CrossWallet decimal.Decimal
	Change              decimal.NullDecimal // without P&L and commission; null: not said
}

// PositionUpdate is a position after a change; a zero Amount is its end.
type PositionUpdate struct {
	Symbol           string
	PositionSide     string          // "BOTH"; "LONG" and "SHORT" in hedge mode
	Amount           decimal.Decimal // base units, negative: short
	EntryPrice       decimal.Decimal
	RealizedPnL      decimal.Decimal // since the symbol was first traded
	UnrealizedProfit decimal.Decimal
	Isolated         bool
	IsolatedWallet   decimal.Decimal
}

// OrderUpdate is an order after something happened to it.
type OrderUpdate struct {
	Symbol          string
	ID              int64
	ClientID        string
	Buy             bool
	Type            string // "LIMIT", "STOP_MARKET", …; of the child once triggered
	OriginalType    string
	PositionSide    string
	Quantity        decimal.Decimal
	Price           decimal.Decimal
	StopPrice       decimal.Decimal
	ReduceOnly      bool
	ClosePosition   bool
	Execution       string // what happened: "NEW", "TRADE", "CANCELED", "EXPIRED", "CALCULATED"
	Status          string // "NEW", "PARTIALLY_FILLED", "FILLED", …
	Filled          decimal.Decimal
	AveragePrice    decimal.Decimal
	LastQuantity    decimal.Decimal // of this fill, as the next five
	LastPrice       decimal.Decimal
	TradeID         int64
	Maker           bool
	Commission      decimal.Decimal // 0: none
	CommissionAsset string
	RealizedPnL     decimal.Decimal
	Liquidation     bool // by the venue, or deleveraged
	At              time.Time
}

// MarginCall names positions that may be liquidated.
type MarginCall struct {
	CrossWallet decimal.NullDecimal // null: not said
	Positions   []MarginCallPosition
}

// MarginCallPosition is one of them.
type MarginCallPosition struct {
	Symbol           string
	PositionSide     string
	Amount           decimal.Decimal
	Isolated         bool
	IsolatedWallet   decimal.Decimal
	MarkPrice        decimal.Decimal
	UnrealizedProfit decimal.Decimal
	Maintenance      decimal.Decimal // margin below which it is liquidated
}

// AccountSettings are what was set: leverage of a symbol, or the mode.
type AccountSettings struct {
	Symbol      string // empty: no leverage was set
	Leverage    int
	MultiAssets bool // meaningful without a Symbol
}

// readUserEvent also tells whether the kind is one that it knows.
func readUserEvent(kind string, data []byte) (UserEvent, bool, error) {
	var out UserEvent
	var err error
	switch UserEventKind(kind) {
	case UserEventAccount:
		err = receive(data, func(e *accountEvent) { out.At, out.Account = e.At.at, e.update() })
	case UserEventOrder:
		err = receive(data, func(e *orderEvent) { out.At, out.Order = e.At.at, e.Order.update() })
	case UserEventMarginCall:
		err = receive(data, func(e *marginEvent) { out.At, out.MarginCall = e.At.at, e.call() })
	case UserEventSettings:
		err = receive(data, func(e *settingsEvent) { out.At, out.Settings = e.At.at, e.settings() })
	default:
		return out, false, nil
	}
	out.Kind = UserEventKind(kind)
	return out, true, err
}

type accountEvent struct {
	Event   text    `json:"e"`
	At      moment  `json:"E"`
	Done    skipped `json:"T"`
	Content struct {
		Reason    text          `json:"m"`
		Balances  []balanceOfB  `json:"B"`
		Positions []positionOfP `json:"P"`
	} `json:"a"`
}

type balanceOfB struct {
	Asset  text   `json:"a"`
	Wallet amount `json:"wb"`
	Cross  amount `json:"cw"`
	Change amount `json:"bc"`
}

type positionOfP struct {
	Symbol     text   `json:"s"`
	Amount     amount `json:"pa"`
	Entry      amount `json:"ep"`
	Realized   amount `json:"cr"`
	Unrealized amount `json:"up"`
	MarginType text   `json:"mt"`
	Isolated   amount `json:"iw"`
	Side       text   `json:"ps"`
}

var errManyRows = fmt.Errorf("must have at most %d rows", maxEventRows)

func (e *accountEvent) check() error {
	c := &e.Content
	if len(c.Balances) > maxEventRows || len(c.Positions) > maxEventRows {
		return errManyRows
	}
	problems := []error{required(presence{"E", e.At.set}, presence{"a.m", c.Reason != ""})}
	for _, b := range c.Balances {
		problems = append(problems, required(presence{"B.a", b.Asset != ""}, presence{"B.wb", b.Wallet.set}, presence{"B.cw", b.Cross.set}))
	}
	for _, p := range c.Positions {
		problems = append(problems, required(presence{"P.s", p.Symbol != ""}, presence{"P.pa", p.Amount.set}, presence{"P.ep", p.Entry.set}))
	}
	return errors.Join(problems...)
}

func (e *accountEvent) update() *AccountUpdate {
	out := &AccountUpdate{Reason: string(e.Content.Reason)}
	for _, b := range e.Content.Balances {
		out.Balances = append(out.Balances, BalanceUpdate{string(b.Asset), b.Wallet.value, b.Cross.value, b.Change.orNull()})
	}
	for _, p := range e.Content.Positions {
		out.Positions = append(out.Positions, PositionUpdate{
			Symbol: string(p.Symbol), PositionSide: string(p.Side), Amount: p.Amount.value, EntryPrice: p.Entry.value, RealizedPnL: p.Realized.value,
			UnrealizedProfit: p.Unrealized.value, Isolated: isolated(p.MarginType), IsolatedWallet: p.Isolated.value,
		})
	}
	return out
}

// isolated is written in lower or upper case, by the event.
func isolated(marginType text) bool { return strings.EqualFold(string(marginType), "isolated") }

type orderEvent struct {
	Event text        `json:"e"`
	At    moment      `json:"E"`
	Done  skipped     `json:"T"`
	Order orderOfUser `json:"o"`
}

type orderOfUser struct {
	Symbol       text    `json:"s"`
	Side         text    `json:"S"`
	ClientID     text    `json:"c"`
	Type         text    `json:"o"`
	OriginalType text    `json:"ot"`
	Quantity     amount  `json:"q"`
	Price        amount  `json:"p"`
	Average      amount  `json:"ap"`
	Activation   skipped `json:"AP"`
	Stop         amount  `json:"sp"`
	Execution    text    `json:"x"`
	Status       text    `json:"X"`
	ID           int64   `json:"i"`
	LastQuantity amount  `json:"l"`
	LastPrice    amount  `json:"L"`
	Filled       amount  `json:"z"`
	Commission   amount  `json:"n"`
	CommissionIn text    `json:"N"`
	Trade        int64   `json:"t"`
	At           moment  `json:"T"`
	Maker        bool    `json:"m"`
	ReduceOnly   bool    `json:"R"`
	Close        bool    `json:"cp"`
	PositionSide text    `json:"ps"`
	Realized     amount  `json:"rp"`
}

func (e *orderEvent) check() error {
	o := &e.Order
	if o.Side != "BUY" && o.Side != "SELL" {
		return fmt.Errorf("o.S must be BUY or SELL, was %.20q", o.Side)
	}
	return required(
		presence{"E", e.At.set}, presence{"o.s", o.Symbol != ""}, presence{"o.i", o.ID > 0}, presence{"o.x", o.Execution != ""}, presence{"o.X", o.Status != ""},
		presence{"o.q", o.Quantity.set}, presence{"o.z", o.Filled.set}, presence{"o.l", o.LastQuantity.set}, presence{"o.L", o.LastPrice.set}, presence{"o.T", o.At.set},
	)
}

func (o *orderOfUser) update() *OrderUpdate {
	client := string(o.ClientID)
	return &OrderUpdate{
		Symbol: string(o.Symbol), ID: o.ID, ClientID: client, Buy: o.Side == "BUY", Type: string(o.Type), OriginalType: string(o.OriginalType),
		PositionSide: string(o.PositionSide), Quantity: o.Quantity.value, Price: o.Price.value, StopPrice: o.Stop.value, ReduceOnly: o.ReduceOnly,
		ClosePosition: o.Close, Execution: string(o.Execution), Status: string(o.Status), Filled: o.Filled.value, AveragePrice: o.Average.value,
		LastQuantity: o.LastQuantity.value, LastPrice: o.LastPrice.value, TradeID: o.Trade, Maker: o.Maker, Commission: o.Commission.value,
		CommissionAsset: string(o.CommissionIn), RealizedPnL: o.Realized.value, At: o.At.at,
		Liquidation: o.Execution == "CALCULATED" || strings.HasPrefix(client, "autoclose-") || strings.HasPrefix(client, "adl_autoclose"),
	}
}

type marginEvent struct {
	Event     text        `json:"e"`
	At        moment      `json:"E"`
	Cross     amount      `json:"cw"`
	Positions []marginOfP `json:"p"`
}

type marginOfP struct {
	Symbol      text   `json:"s"`
	Side        text   `json:"ps"`
	Amount      amount `json:"pa"`
	MarginType  text   `json:"mt"`
	Isolated    amount `json:"iw"`
	Mark        amount `json:"mp"`
	Unrealized  amount `json:"up"`
	Maintenance amount `json:"mm"`
}

func (e *marginEvent) check() error {
	if len(e.Positions) > maxEventRows {
		return errManyRows
	}
	problems := []error{required(presence{"E", e.At.set})}
	for _, p := range e.Positions {
		problems = append(problems, required(presence{"p.s", p.Symbol != ""}, presence{"p.pa", p.Amount.set}, presence{"p.mm", p.Maintenance.set}))
	}
	return errors.Join(problems...)
}

func (e *marginEvent) call() *MarginCall {
	out := &MarginCall{CrossWallet: e.Cross.orNull()}
	for _, p := range e.Positions {
		out.Positions = append(out.Positions, MarginCallPosition{
			Symbol: string(p.Symbol), PositionSide: string(p.Side), Amount: p.Amount.value, Isolated: isolated(p.MarginType), IsolatedWallet: p.Isolated.value,
			MarkPrice: p.Mark.value, UnrealizedProfit: p.Unrealized.value, Maintenance: p.Maintenance.value,
		})
	}
	return out
}

type settingsEvent struct {
	Event  text    `json:"e"`
	At     moment  `json:"E"`
	Done   skipped `json:"T"`
	Symbol *struct {
		Symbol   text `json:"s"`
		Leverage int  `json:"l"`
	} `json:"ac"`
	Modes *struct {
		MultiAssets bool `json:"j"`
	} `json:"ai"`
}

func (e *settingsEvent) check() error {
	if e.Symbol == nil && e.Modes == nil {
		return errors.New("neither ac nor ai was sent")
	}
	return required(presence{"E", e.At.set}, presence{"ac.s", e.Symbol == nil || e.Symbol.Symbol != ""})
}

func (e *settingsEvent) settings() *AccountSettings {
	out := &AccountSettings{}
	if e.Symbol != nil {
		out.Symbol, out.Leverage = string(e.Symbol.Symbol), e.Symbol.Leverage
	}
	if e.Modes != nil {
		out.MultiAssets = e.Modes.MultiAssets
	}
	return out
}
