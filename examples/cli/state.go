package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/config"
)

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
		return account, inFile("--state", path, err)
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
