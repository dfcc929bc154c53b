package astertest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

// Config describes an exchange. The zero value is a simulated market without
// accounts.
type Config struct {
	// Start is what the clock shows first. Default 2025-10-01 12:00:30 UTC.
	Start time.Time
	// Now replaces the clock that stands still, for a test with a clock of its
	// own; Advance moves ahead of it. Start is ignored. Default none.
	Now func() time.Time
	// RealTime lets the exchange run by itself, at four steps a second of Now,
	// which is then time.Now by default. For trying a program by hand.
	RealTime bool
	Dir      string // folder of SYMBOL.csv files of 1h candles in the format of marketdata.CSV; default none
	FS       fs.FS  // instead of Dir; default none: the simulator
	// Assets are the symbols, their ticks, lots and, in the simulator, their
	// prices. RegimeGap is refused: the venue has no gaps. Default
	// marketdata.SimAssets(), of which those without a file are left out.
	Assets   []marketdata.SimAsset
	Seed     uint64    // of simulated prices, of funding rates and the mark price
	Accounts []Account // who may sign; default none
	ChainID  int64     // in signatures; default 1666, the venue's mainnet
	// WeightLimit is the request weight a minute and OrderLimit the new orders
	// a minute and account, 1 to 1,000,000. Defaults 2,400 and 1,200.
	WeightLimit, OrderLimit int
	Latency                 time.Duration // real time before each answer, at most 1 minute; default none
	StreamStep              time.Duration // time between stream updates, 250 ms to 1 h; default 1 s. See Advance
	// Listener is where it is served, for a test with a network of its own,
	// such as pipes in a bubble of testing/synctest. Close closes it. Default
	// a free port of 127.0.0.1.
	Listener net.Listener
}

// Account is one account of the exchange: its wallet and who may sign for it.
type Account struct {
	Wallet  string          // address of the main wallet, 0x and 40 hexadecimal digits; required, unique
	Deposit decimal.Decimal // USDT; 0: nothing was deposited, and V3 answers -5050
	Agents  []Agent         // who signs for V3
	Keys    []Key           // who signs for V1
	// MakerFee and TakerFee are fractions of the notional, 0 to 0.01. Defaults
	// 0.0001 and 0.00035; NoFees makes both 0.
	MakerFee, TakerFee decimal.Decimal
	NoFees             bool
	HedgeMode          bool // two positions a symbol
}

// Agent is an approved API wallet.
type Agent struct {
	Address  string         // of the agent's key
	ReadOnly bool           // it may not trade
	Expires  time.Time      // default never
	IPs      []netip.Prefix // from where it may sign; default anywhere
}

// Key is a key pair of the V1 interface. It protects nothing, so it is no
// secret: give the exchange none of the real ones.
type Key struct {
	Key, Secret string
	ReadOnly    bool           // it may not trade
	IPs         []netip.Prefix // from where it may sign; default anywhere
}

const (
	defaultChainID = 1666
	maxLimit       = 1_000_000
	maxAccounts    = 100
)

func (c Config) withDefaults() Config {
	if c.Start.IsZero() {
		c.Start = time.Date(2025, 10, 1, 12, 0, 30, 0, time.UTC)
	}
	if c.RealTime && c.Now == nil {
		c.Now = time.Now
	}
	if c.ChainID == 0 {
		c.ChainID = defaultChainID
	}
	if c.WeightLimit == 0 {
		c.WeightLimit = 2400
	}
	if c.OrderLimit == 0 {
		c.OrderLimit = 1200
	}
	if c.StreamStep == 0 {
		c.StreamStep = time.Second
	}
	accounts := make([]Account, len(c.Accounts))
	for i, a := range c.Accounts {
		if a.MakerFee.IsZero() && !a.NoFees {
			a.MakerFee = decimal.New(1, -4)
		}
		if a.TakerFee.IsZero() && !a.NoFees {
			a.TakerFee = decimal.New(35, -5)
		}
		accounts[i] = a
	}
	c.Accounts = accounts
	return c
}

func (c Config) validate() error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if c.Dir != "" && c.FS != nil {
		bad("at most one of Dir and FS may be set")
	}
	if c.ChainID < 0 {
		bad("ChainID must be positive, was %d", c.ChainID)
	}
	if c.WeightLimit < 1 || c.WeightLimit > maxLimit || c.OrderLimit < 1 || c.OrderLimit > maxLimit {
		bad("WeightLimit and OrderLimit must be between 1 and %d, were %d and %d", maxLimit, c.WeightLimit, c.OrderLimit)
	}
	if c.Latency < 0 || c.Latency > time.Minute {
		bad("Latency must be between 0 and 1m, was %v", c.Latency)
	}
	if c.StreamStep < 250*time.Millisecond || c.StreamStep > time.Hour {
		bad("StreamStep must be between 250ms and 1h, was %v", c.StreamStep)
	}
	if len(c.Accounts) > maxAccounts {
		bad("Accounts must be at most %d, were %d", maxAccounts, len(c.Accounts))
	}
	for _, a := range c.Assets {
		if a.Regime == marketdata.RegimeGap {
			bad("Assets: %.40s has the regime %s, which the venue does not have", a.Symbol, a.Regime)
		}
	}
	seen := map[string]bool{}
	for i, a := range c.Accounts {
		problems = append(problems, a.validate(i, seen))
	}
	return errors.Join(problems...)
}

// validate adds what must be unique to seen.
func (a Account) validate(i int, seen map[string]bool) error {
	var problems []error
	unique := func(kind, text string) {
		if text == "" || seen[kind+text] {
			problems = append(problems, fmt.Errorf("Accounts[%d]: each %s must be set and unique", i, kind))
		}
		seen[kind+text] = true
	}
	address := func(kind, text string) {
		digits, found := strings.CutPrefix(text, "0x")
		if raw, err := hex.DecodeString(digits); !found || err != nil || len(raw) != 20 {
			problems = append(problems, fmt.Errorf("Accounts[%d]: %s must be 0x and 40 hexadecimal digits, was %.50q", i, kind, text))
		}
		unique(kind, strings.ToLower(text))
	}
	address("wallet", a.Wallet)
	for _, agent := range a.Agents {
		address("agent", agent.Address)
	}
	for _, key := range a.Keys {
		unique("key", key.Key)
	}
	if a.Deposit.IsNegative() || a.Deposit.GreaterThan(decimal.New(1, 12)) {
		problems = append(problems, fmt.Errorf("Accounts[%d]: Deposit must be between 0 and 1e12, was %.40s", i, a.Deposit.String()))
	}
	for _, fee := range [...]decimal.Decimal{a.MakerFee, a.TakerFee} {
		if fee.IsNegative() || fee.GreaterThan(decimal.New(1, -2)) {
			problems = append(problems, fmt.Errorf("Accounts[%d]: MakerFee and TakerFee must be between 0 and 0.01, one was %.40s", i, fee.String()))
		}
	}
	return errors.Join(problems...)
}
