package astertest

import (
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// account is what the exchange keeps of one account. It is guarded by
// Exchange.mu.
type account struct {
	wallet       string // address
	deposited    bool
	maker, taker decimal.Decimal
	balance      decimal.Decimal // USDT, isolated margins included
	hedge        bool
	settings     map[string]*setting
	positions    []*position // with an amount or an isolated margin; by symbol, then side
	open         []*order    // by id
	orders       []*order    // all that are remembered, by id
	income       []income
	trades       []trade
	countdowns   map[string]time.Time // when a symbol's orders are cancelled
	listenKey    string
	listenUntil  time.Time
}

// setting is how an account trades a symbol.
type setting struct {
	leverage int64
	isolated bool
}

type income struct {
	symbol, kind    string
	amount          decimal.Decimal
	at              time.Time
	tranID, tradeID int64
}

type trade struct {
	order           *order
	id              int64
	price, quantity decimal.Decimal
	realised, fee   decimal.Decimal
	maker           bool
	at              time.Time
}

const (
	maxRemembered     = 20_000 // orders, trades and income rows of an account
	defaultLeverage   = 20
	both, long, short = "BOTH", "LONG", "SHORT"
	buy, sell         = "BUY", "SELL"
)

func newAccount(a Account, at time.Time) *account {
	made := &account{
		wallet: strings.ToLower(a.Wallet), deposited: a.Deposit.IsPositive(), maker: a.MakerFee, taker: a.TakerFee,
		balance: a.Deposit, hedge: a.HedgeMode, settings: map[string]*setting{}, countdowns: map[string]time.Time{},
	}
	if made.deposited {
		made.income = []income{{kind: "TRANSFER", amount: a.Deposit, at: at, tranID: 1}}
	}
	return made
}

// of is the setting of a symbol; leverage starts at 20, or less where the
// symbol allows less.
func (a *account) of(m *market) *setting {
	s := a.settings[m.symbol]
	if s == nil {
		s = &setting{leverage: min(defaultLeverage, m.maxLeverage())}
		a.settings[m.symbol] = s
	}
	return s
}

// earn books an amount. Rows are never zero, except that nothing keeps a fee
// from being.
func (a *account) earn(row income) {
	if row.amount.IsZero() {
		return
	}
	a.balance = a.balance.Add(row.amount)
	a.income = remember(a.income, row)
}

// remember appends to a history of bounded length.
func remember[T any](all []T, one T) []T {
	if len(all) >= maxRemembered {
		all = slices.Delete(all, 0, maxRemembered/4)
	}
	return append(all, one)
}

// position is the one of a symbol and side, or an empty one.
func (a *account) position(m *market, side string) *position {
	for _, p := range a.positions {
		if p.market == m && p.side == side {
			return p
		}
	}
	return &position{market: m, side: side}
}

// keep stores a position that changed, or drops one that is empty.
func (a *account) keep(p *position) {
	at, found := slices.BinarySearchFunc(a.positions, p, func(x, y *position) int {
		return strings.Compare(x.market.symbol+x.side, y.market.symbol+y.side)
	})
	switch empty := p.amount.IsZero() && p.margin.IsZero(); {
	case found && empty:
		a.positions = slices.Delete(a.positions, at, at+1)
	case !found && !empty:
		a.positions = slices.Insert(a.positions, at, p)
	}
}

// position is an amount of base units, and what it was bought or sold for.
type position struct {
	market  *market
	side    string          // BOTH, LONG or SHORT
	amount  decimal.Decimal // negative: sold
	cost    decimal.Decimal // notional of the entries that are still open, ≥ 0
	margin  decimal.Decimal // isolated margin; zero in cross mode
	updated time.Time
	called  bool // a margin call was sent
}

func (p *position) entry() decimal.Decimal {
	if p.amount.IsZero() {
		return decimal.Zero
	}
	return p.cost.DivRound(p.amount.Abs(), pricePlaces)
}

func (p *position) unrealised(mark decimal.Decimal) decimal.Decimal {
	return p.amount.Mul(mark).Sub(p.cost.Mul(decimal.NewFromInt(int64(p.amount.Sign()))))
}

func (p *position) notional(mark decimal.Decimal) decimal.Decimal { return p.amount.Mul(mark).Abs() }

// sums are an account's margins in USDT at one moment.
type sums struct {
	cross, crossPnL, pnl           decimal.Decimal // cross: wallet without isolated margins
	initial, maintenance           decimal.Decimal // of all positions
	crossInitial, crossMaintenance decimal.Decimal
	orders                         decimal.Decimal // initial margin of open orders
}

func (s sums) available() decimal.Decimal {
	return decimal.Max(s.cross.Add(s.crossPnL).Sub(s.crossInitial).Sub(s.orders), decimal.Zero)
}

func (e *Exchange) sums(a *account) sums {
	s := sums{cross: a.balance}
	for _, p := range a.positions {
		mark := p.market.mark(e.now)
		pnl, notional := p.unrealised(mark), p.notional(mark)
		initial := notional.DivRound(decimal.NewFromInt(a.of(p.market).leverage), pricePlaces)
		maintenance := p.market.maintenance(notional)
		s.pnl, s.initial, s.maintenance = s.pnl.Add(pnl), s.initial.Add(initial), s.maintenance.Add(maintenance)
		s.cross = s.cross.Sub(p.margin)
		if !a.of(p.market).isolated {
			s.crossPnL, s.crossInitial, s.crossMaintenance = s.crossPnL.Add(pnl), s.crossInitial.Add(initial), s.crossMaintenance.Add(maintenance)
		}
	}
	for _, o := range a.open {
		s.orders = s.orders.Add(e.orderMargin(o))
	}
	return s
}

// orderMargin is what an open order binds: the margin of what it would open.
func (e *Exchange) orderMargin(o *order) decimal.Decimal {
	price := o.price
	if price.IsZero() {
		price = o.stop
	}
	if o.reduces() {
		return decimal.Zero
	}
	opened := o.quantity.Sub(o.closes(o.account.position(o.market, o.positionSide)))
	return opened.Mul(price).DivRound(decimal.NewFromInt(o.account.of(o.market).leverage), pricePlaces)
}
