package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ballast-go/ballast/marketdata"
)

// Market is where market data comes from.
type Market string

// The markets.
const (
	MarketDemo   Market = "demo"   // simulated
	MarketCSV    Market = "csv"    // files of candles
	MarketAster  Market = "aster"  // the AsterDEX exchange
	MarketReplay Market = "replay" // a recording
)

// ErrMarket reports a market that does not exist.
var ErrMarket = errors.New("app: unknown market")

// simulated names what the demo market has.
func simulated() string {
	var names []string
	for _, a := range marketdata.SimAssets() {
		names = append(names, a.Symbol)
	}
	return strings.Join(names, ", ")
}

// DataError says which of the requested assets cannot be decided on.
type DataError struct {
	Failures []marketdata.Failure // at least one, in the order asked for
	Known    string               // the symbols that there are, when they can be told
	// Insufficient says that an exchange has no usable data of any asset.
	Insufficient bool
}

// Error is one line: the first failure, and the other assets by name, or
// "Insufficient market data" with what is wrong with each.
func (e *DataError) Error() string {
	if e.Insufficient {
		return "Insufficient market data: " + strings.Join(e.causes(), "; ")
	}
	first := e.Failures[0]
	text := fmt.Sprintf("%s: %s: %s", first.Symbol, strings.ReplaceAll(string(first.Reason), "_", " "), first.Detail)
	if e.Unknown() && e.Known != "" {
		text += "; known are " + e.Known
	}
	if len(e.Failures) == 1 {
		return text
	}
	rest := make([]string, 0, len(e.Failures)-1)
	for _, f := range e.Failures[1:] {
		rest = append(rest, f.Symbol)
	}
	return fmt.Sprintf("%s (and %d more: %s)", text, len(rest), strings.Join(rest, ", "))
}

// causes are the different ones, with the assets of each.
func (e *DataError) causes() []string {
	assets, order := map[string][]string{}, []string(nil)
	for _, f := range e.Failures {
		cause := fmt.Sprintf("%s: %s", strings.ReplaceAll(string(f.Reason), "_", " "), f.Detail)
		if assets[cause] == nil {
			order = append(order, cause)
		}
		assets[cause] = append(assets[cause], f.Symbol)
	}
	for n, cause := range order {
		order[n] = strings.Join(assets[cause], ", ") + ": " + cause
	}
	return order
}

// Unwrap is the failures.
func (e *DataError) Unwrap() []error {
	out := make([]error, len(e.Failures))
	for i, f := range e.Failures {
		out[i] = f
	}
	return out
}

// Unknown reports whether the first failure is a symbol that does not exist:
// whoever asked is at fault, not the data.
func (e *DataError) Unknown() bool { return e.Failures[0].Reason == marketdata.ReasonUnknownSymbol }

// demanding is a source that fails as a whole, before any model is paid, when
// a symbol does not exist, when no asset is usable, or, where every asset
// counts, when one is not.
type demanding struct {
	source   marketdata.Source
	every    bool
	exchange bool // which knows why it has no data
	known    string
}

// Snapshot asks the source. The error wraps a *DataError.
func (d demanding) Snapshot(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
	snap, err := d.source.Snapshot(ctx, q)
	if err != nil {
		return marketdata.Snapshot{}, err
	}
	var failures, unknown []marketdata.Failure
	for _, symbol := range q.Symbols {
		f := d.failure(snap, q, symbol)
		if f == nil {
			continue
		}
		failures = append(failures, *f)
		if f.Reason == marketdata.ReasonUnknownSymbol {
			unknown = append(unknown, *f)
		}
	}
	switch {
	case len(unknown) > 0:
		return marketdata.Snapshot{}, &DataError{Failures: unknown, Known: d.known}
	case len(failures) == len(q.Symbols), d.every && len(failures) > 0:
		return marketdata.Snapshot{}, &DataError{Failures: failures, Insufficient: d.exchange}
	}
	return snap, nil
}

// failure is why an asset cannot be decided on, or nil.
func (d demanding) failure(snap marketdata.Snapshot, q marketdata.Query, symbol string) *marketdata.Failure {
	if f, ok := snap.Failures[symbol]; ok {
		return &f
	}
	return marketdata.Freshness{}.Check(snap.Assets[symbol], q.Intervals, snap.At)
}
