package marketdata_test

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
)

func some(text string) decimal.NullDecimal {
	return decimal.NewNullDecimal(decimal.RequireFromString(text))
}

func TestInstrumentNamesEveryProblem(t *testing.T) {
	t.Parallel()
	step := func(upTo, leverage, maintenance string) marketdata.Bracket {
		b := marketdata.Bracket{MaxLeverage: decimal.RequireFromString(leverage), MaintenancePercent: decimal.RequireFromString(maintenance)}
		if upTo != "" {
			b.UpToUSD = some(upTo)
		}
		return b
	}
	for problem, i := range map[string]marketdata.Instrument{
		"": {TickSize: some("0.1"), MinQuantity: some("0"), Brackets: []marketdata.Bracket{step("1", "20", "1"), step("2", "10", "2"), step("", "1", "100")}},
		"tick_size must not be negative, was -0.1":                            {TickSize: some("-0.1")},
		"lot_size has an exponent or digits out of range":                     {LotSize: decimal.NewNullDecimal(decimal.New(1, -30_000_000))},
		"brackets[0]: max_leverage must be at least 1, was 0.5":               {Brackets: []marketdata.Bracket{step("", "0.5", "1")}},
		"brackets[0]: maintenance_percent must be between 0 and 100, was -90": {Brackets: []marketdata.Bracket{step("", "1", "-90")}},
		"brackets[0]: only the last step may be without an upper bound":       {Brackets: []marketdata.Bracket{step("", "1", "1"), step("5", "1", "1")}},
		"brackets[1]: up_to_usd must be above 5, was 5":                       {Brackets: []marketdata.Bracket{step("5", "1", "1"), step("5", "1", "1")}},
		"brackets[0]: up_to_usd must be positive, was 0":                      {Brackets: []marketdata.Bracket{step("0", "1", "1")}},
		"brackets[0]: a number has an exponent or digits out of range":        {Brackets: []marketdata.Bracket{step("", "1e61", "1")}},
		"brackets must number at most 100, were 101":                          {Brackets: make([]marketdata.Bracket, 101)},
	} {
		err := i.Validate()
		if problem == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, problem)
	}
	both := marketdata.Instrument{TickSize: some("-1"), MinNotionalUSD: some("-1")}.Validate()
	require.Len(t, strings.Split(both.Error(), "\n"), 2)
}
