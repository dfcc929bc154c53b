package app_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/marketdata"
)

// half answers for A, says that B is down, that C is not there, and for D with
// a price of an hour ago.
func half(_ context.Context, _ marketdata.Query) (marketdata.Snapshot, error) {
	fresh := func(symbol string, age time.Duration) marketdata.Asset {
		return marketdata.Asset{Symbol: symbol, Quote: marketdata.Quote{Last: decimal.NewFromInt(1), LastAt: at().Add(-age)}}
	}
	return marketdata.Snapshot{
		At:     at(),
		Assets: map[string]marketdata.Asset{"A": fresh("A", 0), "D": fresh("D", time.Hour)},
		Failures: map[string]marketdata.Failure{
			"B": {Symbol: "B", Reason: marketdata.ReasonUnavailable, Detail: "down"},
			"C": {Symbol: "C", Reason: marketdata.ReasonUnknownSymbol, Detail: "no such", Err: marketdata.ErrUnknownSymbol},
		},
	}, nil
}

func TestAMarketFailsAsAWholeOnlyWhenItMust(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		symbols []string
		every   bool
		message string // empty: no error
		unknown bool
	}{
		{"all usable", []string{"A"}, true, "", false},
		{"one down is tolerated", []string{"A", "B"}, false, "", false},
		{"one stale is tolerated", []string{"A", "D"}, false, "", false},
		{"one down counts where every asset does", []string{"A", "B"}, true, "B: unavailable: down", false},
		{
			"one stale counts where every asset does",
			[]string{"D", "A"},
			true,
			"D: stale: the last price must be at most 1m0s old, was 1h0m0s (2025-10-10T21:00:00Z)", false,
		},
		{"all down", []string{"B"}, false, "B: unavailable: down", false},
		{"several down are one line", []string{"B", "D"}, false, "B: unavailable: down (and 1 more: D)", false},
		{"an unknown symbol is never tolerated", []string{"A", "B", "C"}, false, "C: unknown symbol: no such; known are A, B, D", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			market := app.Demand(marketdata.SourceFunc(half), tc.every, "A, B, D")
			snap, err := market.Snapshot(t.Context(), marketdata.Query{Symbols: tc.symbols})
			if tc.message == "" {
				require.NoError(t, err)
				require.Contains(t, snap.Assets, "A")
				return
			}
			var bad *app.DataError
			require.ErrorAs(t, err, &bad)
			require.EqualError(t, err, tc.message)
			require.Equal(t, tc.unknown, bad.Unknown())
			require.Equal(t, tc.unknown, errors.Is(err, marketdata.ErrUnknownSymbol))
			require.Empty(t, snap.Assets)
		})
	}
}

var errDown = errors.New("down")

func TestAMarketPassesTheErrorOfItsSourceOn(t *testing.T) {
	t.Parallel()
	down := marketdata.SourceFunc(func(context.Context, marketdata.Query) (marketdata.Snapshot, error) {
		return marketdata.Snapshot{}, errDown
	})
	_, err := app.Demand(down, true, "").Snapshot(t.Context(), marketdata.Query{Symbols: []string{"A"}})
	require.ErrorIs(t, err, errDown)
	var bad *app.DataError
	require.NotErrorAs(t, err, &bad)
}
