package astertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"
)

// Exchange is one AsterDEX. It is safe for concurrent use and has to be
// closed.
type Exchange struct {
	cfg    Config
	server *http.Server
	addr   string
	ended  chan struct{} // closed by Close
	tasks  sync.WaitGroup
	once   sync.Once

	driving sync.Mutex // held by the one that moves the clock; before mu

	mu       sync.Mutex
	ahead    time.Duration // how far Advance has moved the clock
	now      time.Time     // until when everything that was due has happened
	tape     *tape
	markets  map[string]*market
	symbols  []string // sorted
	accounts []*account
	agents   map[string]*agent // by lower-case address
	keys     map[string]*key
	routes   map[string]endpoint
	limits   limits
	faults   faults
	log      []Request
	streams  streams
	orderID  int64
	tradeID  int64
	tranID   int64
}

// Network is where a client finds an exchange. Its fields are those of the
// type of the same name in package aster, to which it converts.
type Network struct {
	Name         string
	REST         string
	MarketStream string
	UserStream   string
	ChainID      int64
}

// New starts an exchange on Config.Listener or a free port of 127.0.0.1.
func New(cfg Config) (*Exchange, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("astertest: %w", err)
	}
	e, err := build(cfg)
	if err != nil {
		return nil, fmt.Errorf("astertest: %w", err)
	}
	listener := cfg.Listener
	if listener == nil {
		if listener, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("astertest: %w", err)
		}
	}
	e.addr = listener.Addr().String()
	e.server = &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	e.tasks.Go(func() { _ = e.server.Serve(listener) }) //nolint:errcheck // it ends by Close, and says so
	if cfg.RealTime {
		e.tasks.Go(e.run)
	}
	return e, nil
}

func build(cfg Config) (*Exchange, error) {
	e := &Exchange{
		cfg: cfg, ended: make(chan struct{}), agents: map[string]*agent{}, keys: map[string]*key{}, routes: routes(),
		limits: limits{weight: cfg.WeightLimit, orders: cfg.OrderLimit, ordersUsed: map[*account]int{}},
		tranID: 1,
	}
	e.now = e.clock()
	var err error
	if e.tape, err = newTape(cfg); err != nil {
		return nil, err
	}
	if e.markets, err = newMarkets(cfg, e.tape, e.now); err != nil {
		return nil, err
	}
	for symbol := range e.markets {
		e.symbols = append(e.symbols, symbol)
	}
	slices.Sort(e.symbols)
	for _, a := range cfg.Accounts {
		made := newAccount(a, e.now.Add(-24*time.Hour))
		e.accounts = append(e.accounts, made)
		for _, g := range a.Agents {
			e.agents[strings.ToLower(g.Address)] = &agent{Agent: g, account: made}
		}
		for _, k := range a.Keys {
			e.keys[k.Key] = &key{Key: k, account: made}
		}
	}
	return e, nil
}

// Close ends every connection and waits for everything that the exchange has
// started.
func (e *Exchange) Close() {
	e.once.Do(func() {
		e.mu.Lock()
		close(e.ended)
		e.mu.Unlock()
		_ = e.server.Close() //nolint:errcheck // of a listener that is gone either way
	})
	e.tasks.Wait()
}

// enter counts a request among the tasks that Close waits for, unless the
// exchange is closing.
func (e *Exchange) enter() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case <-e.ended:
		return false
	default:
		e.tasks.Add(1)
		return true
	}
}

// Network is what a client needs to know of the exchange.
func (e *Exchange) Network() Network {
	stream := "ws://" + e.addr
	return Network{Name: "astertest", REST: "http://" + e.addr, MarketStream: stream, UserStream: stream, ChainID: e.cfg.ChainID}
}

// Now is the exchange's time, UTC. Give it to the client as its clock.
func (e *Exchange) Now() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cfg.Now != nil {
		return e.clock()
	}
	return e.now
}

// Price is the last price of a symbol; zero when it is unknown.
func (e *Exchange) Price(symbol string) decimal.Decimal {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settle()
	if m := e.markets[symbol]; m != nil {
		return m.last
	}
	return decimal.Zero
}

// Delist takes a symbol out of trading: its status is SETTLING and positions
// can only be reduced.
func (e *Exchange) Delist(symbol string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.markets[symbol]
	if m == nil {
		return fmt.Errorf("astertest: there is no symbol %.40q", symbol)
	}
	m.delisted = true
	return nil
}

// SetHedgeMode switches an account's position mode as its owner would on the
// venue's page. It fails while there are positions or open orders.
func (e *Exchange) SetHedgeMode(wallet string, on bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := e.accountOf(wallet)
	if a == nil {
		return fmt.Errorf("astertest: there is no account %.50q", wallet)
	}
	if len(a.positions)+len(a.open) > 0 {
		return errors.New("astertest: the position mode cannot change with positions or open orders")
	}
	a.hedge = on
	return nil
}

func (e *Exchange) accountOf(wallet string) *account {
	for _, a := range e.accounts {
		if strings.EqualFold(a.wallet, wallet) {
			return a
		}
	}
	return nil
}

// Holdings are an account's state, for a test to look at.
type Holdings struct {
	Wallet     decimal.Decimal            // USDT: deposit, and all that was realised, charged and paid since
	Unrealised decimal.Decimal            // USDT, at the mark prices
	Positions  map[string]decimal.Decimal // base units by symbol; of a hedge the sum
	OpenOrders int
}

// Holdings is the state of the account; an unknown one has nothing.
func (e *Exchange) Holdings(wallet string) Holdings {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settle()
	out := Holdings{Positions: map[string]decimal.Decimal{}}
	a := e.accountOf(wallet)
	if a == nil {
		return out
	}
	out.Wallet, out.Unrealised, out.OpenOrders = a.balance, e.sums(a).pnl, len(a.open)
	for _, p := range a.positions {
		out.Positions[p.market.symbol] = out.Positions[p.market.symbol].Add(p.amount)
	}
	return out
}
