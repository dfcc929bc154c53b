package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/config"
)

// accountFlags say for whom and by which strategy.
type accountFlags struct {
	Account  string `placeholder:"NAME" help:"Name of the account. Default the one of --state, else default."`
	State    string `placeholder:"FILE" help:"State of the account as JSON; its limits win over LEVERAGE and MAX_POSITION_SIZE_USD. Default the account of the keys with --market aster, else a paper account of 10000 USD."`
	Strategy string `placeholder:"ID|FILE.json" default:"${strategy}" help:"Built-in strategy, or a file with one."`
}

var errOtherAccount = errors.New("--account names another account than --state")

// request asks about the assets of the settings.
func (f accountFlags) request(s *session, cfg config.Config) (decision.Request, error) {
	strategy, err := findStrategy(f.Strategy)
	if err != nil {
		return decision.Request{}, err
	}
	req := decision.Request{Symbols: cfg.Assets, Strategy: strategy}
	if f.State == "" {
		req.Account = app.PaperAccount(app.DefaultAccount, cfg)
		if f.Account != "" {
			req.Account.ID = f.Account
		}
		return req, nil
	}
	if req.Account, err = readAccount(f.State); err != nil {
		return req, err
	}
	if f.Account != "" && f.Account != req.Account.ID {
		return req, usageError{fmt.Errorf("%w: %.40q and %.40q", errOtherAccount, f.Account, req.Account.ID)}
	}
	if text := overruled(req.Account, cfg.AccountSettings); text != "" {
		s.warn(text)
	}
	return req, nil
}

// settle puts the account of the exchange into the request when no state was
// given and the market has it, and says what to know about the account.
func (f accountFlags) settle(ctx context.Context, a *app.App, req *decision.Request) (notes []string, err error) {
	if f.State != "" || !a.HasAccount() {
		return f.degraded(req.Account), nil
	}
	req.Account, notes, err = a.Account(ctx, req.Account.ID, req.Symbols)
	return notes, err
}

// degraded says so when nobody gave the state of a real account.
func (f accountFlags) degraded(account decision.Account) []string {
	if f.State != "" {
		return nil
	}
	return []string{fmt.Sprintf("paper account of %s USD: no --state was given", account.BalanceUSD)}
}

// readAccount reads a state file. What it says is data; that it is there is
// usage.
func readAccount(path string) (decision.Account, error) {
	file, err := os.Open(path)
	if err != nil {
		return decision.Account{}, usageError{notOpened("--state", err)}
	}
	defer func() { _ = file.Close() }() //nolint:errcheck // only read
	account, err := decision.ReadAccount(file)
	if err == nil {
		err = normalise(&account)
	}
	if err != nil {
		return account, inFile("--state "+path, err)
	}
	return account, nil
}

// normalise reads the symbols of an account as --symbols are read, so that a
// position in BTC is one in BTCUSDT. Lower case is refused: an exchange does
// not write it, so whatever did may have written more that is wrong.
func normalise(account *decision.Account) error {
	for i := range account.Positions {
		symbol, err := stateSymbol(account.Positions[i].Symbol)
		if err != nil {
			return fmt.Errorf("account: positions[%d].symbol %w", i, err)
		}
		account.Positions[i].Symbol = symbol
	}
	entries := make(map[string]time.Time, len(account.LastEntryAt))
	for _, name := range slices.Sorted(maps.Keys(account.LastEntryAt)) {
		symbol, err := stateSymbol(name)
		if err != nil {
			return fmt.Errorf("account: last_entry_at %w", err)
		}
		if _, twice := entries[symbol]; twice {
			return fmt.Errorf("account: last_entry_at must name each symbol once, named %s twice", symbol)
		}
		entries[symbol] = account.LastEntryAt[name]
	}
	account.LastEntryAt = entries
	return account.Validate() // BTC and BTCUSDT are two positions in one symbol
}

func stateSymbol(text string) (string, error) {
	symbol, err := config.ParseSymbol(text)
	if err != nil || text != strings.ToUpper(text) {
		return "", fmt.Errorf("must be a symbol in capitals such as BTCUSDT or BTC, was %.40q", text)
	}
	return symbol, nil
}

// overruled says which variables an account's own limits win over; empty when
// there is nothing to say.
func overruled(account decision.Account, given []config.AccountSetting) string {
	state := map[string]decimal.Decimal{"LEVERAGE": account.Leverage, "MAX_POSITION_SIZE_USD": account.MaxPositionSizeUSD}
	var parts []string
	for _, g := range given {
		if own := state[g.Name]; !own.Equal(g.Value) {
			parts = append(parts, fmt.Sprintf("%s %s is not used: --state says %s", g.Name, g.Value, own))
		}
	}
	return strings.Join(parts, "; ")
}
