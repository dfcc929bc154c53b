package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
)

func TestFilterMatches(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 5_000, time.UTC)
	record := decision.Record{
		Input: decision.Input{
			Symbols: []string{"BTCUSDT", "ETHUSDT"},
			Account: decision.Account{ID: "a1"}, Strategy: decision.Strategy{ID: "s1"},
		},
		Result: decision.Result{ID: "r1", At: at, Decision: decision.Decision{Decisions: []decision.AssetDecision{{Asset: "BTCUSDT"}, {Asset: "ETHUSDT"}}}},
	}
	berlin := time.FixedZone("CET", 3600)
	for name, c := range map[string]struct {
		filter store.Filter
		want   bool
	}{
		"the zero filter selects everything":     {store.Filter{}, true},
		"the account":                            {store.Filter{AccountID: "a1"}, true},
		"another account":                        {store.Filter{AccountID: "a2"}, false},
		"the second symbol":                      {store.Filter{Symbol: "ETHUSDT"}, true},
		"a part of a symbol is not a symbol":     {store.Filter{Symbol: "ETH"}, false},
		"the strategy":                           {store.Filter{StrategyID: "s1"}, true},
		"another strategy":                       {store.Filter{StrategyID: "s2"}, false},
		"since is inclusive":                     {store.Filter{Since: at}, true},
		"since in another zone":                  {store.Filter{Since: at.In(berlin)}, true},
		"since a microsecond later":              {store.Filter{Since: at.Add(time.Microsecond)}, false},
		"a nanosecond is below the resolution":   {store.Filter{Since: at.Add(time.Nanosecond)}, true},
		"until is exclusive":                     {store.Filter{Until: at}, false},
		"until a microsecond later":              {store.Filter{Until: at.Add(time.Microsecond)}, true},
		"all conditions must hold":               {store.Filter{AccountID: "a1", StrategyID: "s2"}, false},
		"several conditions that hold":           {store.Filter{AccountID: "a1", StrategyID: "s1", Symbol: "BTCUSDT", Since: at}, true},
		"the limit does not make a record match": {store.Filter{AccountID: "a2", Limit: 5}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, c.filter.Matches(record))
		})
	}
}

func TestFilterValidateReportsEveryProblem(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	require.NoError(t, store.Filter{}.Validate())
	require.NoError(t, store.Filter{Since: at, Until: at, Limit: 1}.Validate())
	require.NoError(t, store.Filter{Since: at}.Validate())
	err := store.Filter{Since: at, Until: at.Add(-time.Second), Limit: -3}.Validate()
	require.ErrorContains(t, err, "limit must not be negative, was -3")
	require.ErrorContains(t, err, "until must not be before since 2026-03-01T00:00:00Z, was 2026-02-28T23:59:59Z")
}

func TestCheckID(t *testing.T) {
	t.Parallel()
	require.NoError(t, store.CheckID("x"))
	require.NoError(t, store.CheckID(strings.Repeat("x", store.MaxIDBytes)))
	require.ErrorIs(t, store.CheckID(""), store.ErrID)
	require.EqualError(t, store.CheckID(strings.Repeat("x", store.MaxIDBytes+1)),
		"store: invalid record id: must have 1 to 128 bytes, had 129")
}
