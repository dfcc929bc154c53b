package aster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
)

// What keeps an account from being described. They are wrapped with details.
var (
	// ErrHedgeMode says that the account may hold a long and a short position
	// in one symbol. Set position mode to one-way.
	ErrHedgeMode = errors.New("aster: the account is in hedge mode, which is not supported: set position mode to one-way")
	// ErrMultiAssets says that other assets than USDT back positions.
	ErrMultiAssets = errors.New("aster: the account is in multi-assets mode, which is not supported: set it to single-asset mode")
	// ErrInconsistentAccount says that what the venue answers about the account
	// contradicts itself, or cannot be counted in US dollars.
	ErrInconsistentAccount = errors.New("aster: the account's state cannot be relied on")
)

// AccountConfig is what the venue does not know of an account.
type AccountConfig struct {
	ID      string   // of decision.Account, 1–100 bytes
	Symbols []string // that decisions are about, 1–50: their fees, leverage and entries are asked for
	// Leverage of new positions, 1–20, which the host sets before it orders.
	// Default: the venue's setting, when it is the same for all Symbols.
	Leverage           decimal.Decimal
	MaxPositionSizeUSD decimal.Decimal // notional per asset, > 0
}

const (
	maxAccountSymbols = 50
	modesTTL          = time.Hour // of modes, fees and listings
	accountAttempts   = 3
)

func (c AccountConfig) validate() error {
	problems := []error{validateInt("Symbols", len(c.Symbols), 1, maxAccountSymbols)}
	if c.ID == "" || len(c.ID) > 100 {
		problems = append(problems, fmt.Errorf("ID must have 1 to 100 bytes, had %d", len(c.ID)))
	}
	seen := map[string]bool{}
	for n, symbol := range c.Symbols {
		if err := checkName(fmt.Sprintf("Symbols[%d]", n), symbol); err != nil {
			problems = append(problems, err)
		} else if seen[symbol] {
			problems = append(problems, fmt.Errorf("Symbols[%d] must be there once, %s was twice", n, symbol))
		}
		seen[symbol] = true
	}
	if !c.Leverage.IsZero() && (c.Leverage.LessThan(decimal.NewFromInt(1)) || c.Leverage.GreaterThan(decimal.NewFromInt(decision.MaxLeverage))) {
		problems = append(problems, fmt.Errorf("Leverage must be 0 or between 1 and %d, was %s", decision.MaxLeverage, clipped(c.Leverage)))
	}
	if !c.MaxPositionSizeUSD.IsPositive() {
		problems = append(problems, fmt.Errorf("MaxPositionSizeUSD must be positive, was %s", clipped(c.MaxPositionSizeUSD)))
	}
	return errors.Join(problems...)
}

// Accounts describes the signer's account as the engine wants it. Nothing is
// guessed: what the venue leaves out or contradicts is an error. It is safe
// for concurrent use.
type Accounts struct {
	client *Client
	cfg    AccountConfig
	modes  *memo[accountModes]
	fees   *memo[CommissionRate]
	info   *memo[ExchangeInfo]
}

// NewAccounts needs a client with a Signer. It sends nothing.
func NewAccounts(client *Client, cfg AccountConfig) (*Accounts, error) {
	problem := cfg.validate()
	if client.cfg.Signer == nil {
		problem = errors.Join(problem, errors.New("the client must have a Signer"))
	}
	if problem != nil {
		return nil, fmt.Errorf("aster: accounts: %w", problem)
	}
	cfg.Symbols = append([]string(nil), cfg.Symbols...)
	now := client.cfg.Now
	return &Accounts{
		client: client, cfg: cfg, modes: newMemo[accountModes](now, modesTTL, false),
		fees: newMemo[CommissionRate](now, modesTTL, false), info: newMemo[ExchangeInfo](now, modesTTL, false),
	}, nil
}

// AccountState is an account and what should be known about it.
type AccountState struct {
	Account decision.Account
	At      time.Time // when it was asked for, by the venue's clock, UTC
	// Notes say in words what the account does not count, such as balances in
	// other assets.
	Notes []string
}

// Account is State without the notes.
func (a *Accounts) Account(ctx context.Context) (decision.Account, error) {
	state, err := a.State(ctx)
	return state.Account, err
}

// State asks for the account. Balance, positions, stops and entries belong
// together: when a position changes while they are read, all is read again, up
// to three times, and is ErrInconsistentAccount after that.
//
// Only USDT counts. Realised P&L is since 00:00 UTC of the venue's clock, with
// fees, funding and liquidation fees. The stop loss is where resting stops have
// closed the whole position, the take profit the nearest one; both by
// STOP_MARKET and TAKE_PROFIT_MARKET orders that only reduce. Fees are the
// highest of Symbols. Entries are looked for in the last seven days. An account
// that the venue does not let trade is halted.
func (a *Accounts) State(ctx context.Context) (AccountState, error) {
	var err error
	for range accountAttempts {
		r := &reading{accounts: a, client: a.client}
		if err = r.read(ctx); err == nil {
			return r.state()
		}
		if !errors.Is(err, errMoved) {
			break
		}
	}
	if errors.Is(err, errMoved) {
		err = fmt.Errorf("%w: %w", ErrInconsistentAccount, err)
	}
	return AccountState{}, err
}

// errMoved says that two answers are of different moments.
var errMoved = errors.New("aster: positions changed while they were read")

// accountModes are settings that positions are read by.
type accountModes struct{ hedge, multiAssets bool }

func (a *Accounts) loadModes(ctx context.Context) (accountModes, error) {
	got := a.modes.load(ctx, func(ctx context.Context) (accountModes, error) {
		var m accountModes
		err := together(ctx, func(ctx context.Context) (err error) {
			m.hedge, err = a.client.PositionMode(ctx)
			return err
		}, func(ctx context.Context) (err error) {
			m.multiAssets, err = a.client.MultiAssets(ctx)
			return err
		})
		switch {
		case err != nil:
			return m, err
		case m.hedge: // as an error it is not remembered: the next reading asks whether it was changed
			return m, ErrHedgeMode
		case m.multiAssets:
			return m, ErrMultiAssets
		}
		return m, nil
	})
	return got.value, got.err
}

// loadFees are the highest rates of the symbols.
func (a *Accounts) loadFees(ctx context.Context) (CommissionRate, error) {
	got := a.fees.load(ctx, func(ctx context.Context) (CommissionRate, error) {
		rates := make([]CommissionRate, len(a.cfg.Symbols))
		tasks := make([]func(context.Context) error, len(rates))
		for n, symbol := range a.cfg.Symbols {
			tasks[n] = func(ctx context.Context) (err error) {
				rates[n], err = a.client.CommissionRate(ctx, symbol)
				return err
			}
		}
		if err := together(ctx, tasks...); err != nil {
			return CommissionRate{}, err
		}
		highest := rates[0]
		for _, r := range rates[1:] {
			highest.Maker, highest.Taker = decimal.Max(highest.Maker, r.Maker), decimal.Max(highest.Taker, r.Taker)
		}
		return highest, nil
	})
	return got.value, got.err
}

// together runs the tasks at once and waits for them. The first error ends the
// others.
func together(ctx context.Context, tasks ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	var once sync.Once
	var first error
	for _, task := range tasks {
		group.Go(func() {
			if err := task(ctx); err != nil {
				once.Do(func() { first = err })
				cancel()
			}
		})
	}
	group.Wait()
	return first
}
