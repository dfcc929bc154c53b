package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
)

// fill appends records that differ in what filters look at, in an order that
// is not the one in which they come back.
func fill(t *testing.T, s store.Store) {
	t.Helper()
	for _, r := range [...]struct {
		id, account, strategy string
		symbols               []string
		after                 time.Duration
	}{
		{"b", "acct-1", "swing", []string{"BTCUSDT"}, time.Minute},
		{"d", "acct-2", "swing", []string{"ETHUSDT", "BTCUSDT"}, 2 * time.Minute},
		{"a", "acct-1", "scalp", []string{"ETHUSDT"}, time.Minute},
		{"e", "acct-1", "swing", []string{"SOLUSDT"}, 0},
		{"c", "acct-2", "scalp", []string{"BTCUSDT"}, time.Minute + time.Microsecond},
	} {
		record := Sample(r.id, Start().Add(r.after))
		record.Input.Account.ID, record.Input.Strategy.ID, record.Input.Symbols = r.account, r.strategy, r.symbols
		record.Result.Decision.Decisions = nil
		for _, symbol := range r.symbols {
			record.Result.Decision.Decisions = append(record.Result.Decision.Decisions, decision.AssetDecision{Asset: symbol, Action: decision.ActionHold, RiskLevel: decision.RiskLow})
		}
		require.NoError(t, s.Append(t.Context(), record))
	}
}

func order(t *testing.T, s store.Store) {
	require.Empty(t, ids(t, s, store.Filter{}), "open must return an empty store")
	fill(t, s)
	require.Equal(t, []string{"d", "c", "b", "a", "e"}, ids(t, s, store.Filter{}))
}

func filters(t *testing.T, s store.Store) {
	fill(t, s)
	for _, c := range filterCases() {
		require.Equal(t, c.want, ids(t, s, c.f), c.name)
	}
}

type filterCase struct {
	name string
	f    store.Filter
	want []string // of what fill appends
}

func filterCases() []filterCase {
	minute := Start().Add(time.Minute)
	return []filterCase{
		{"account", store.Filter{AccountID: "acct-1"}, []string{"b", "a", "e"}},
		{"unknown account", store.Filter{AccountID: "acct"}, []string{}},
		{"symbol at any place", store.Filter{Symbol: "BTCUSDT"}, []string{"d", "c", "b"}},
		{"a part of a symbol", store.Filter{Symbol: "BTC"}, []string{}},
		{"a pattern is not a pattern", store.Filter{Symbol: "%"}, []string{}},
		{"strategy", store.Filter{StrategyID: "scalp"}, []string{"c", "a"}},
		{"since is inclusive", store.Filter{Since: minute}, []string{"d", "c", "b", "a"}},
		{"a microsecond later", store.Filter{Since: minute.Add(time.Microsecond)}, []string{"d", "c"}},
		{"until is exclusive", store.Filter{Until: minute}, []string{"e"}},
		{"until a microsecond later", store.Filter{Until: minute.Add(time.Microsecond)}, []string{"b", "a", "e"}},
		{"another zone", store.Filter{Since: minute.In(time.FixedZone("CET", 3600)), Until: minute.Add(time.Microsecond)}, []string{"b", "a"}},
		{"an empty span", store.Filter{Since: minute, Until: minute}, []string{}},
		{"all together", store.Filter{AccountID: "acct-1", Symbol: "BTCUSDT", StrategyID: "swing", Since: minute, Until: minute.Add(time.Second), Limit: 9}, []string{"b"}},
	}
}

func invalidFilter(t *testing.T, s store.Store) {
	fill(t, s)
	for _, f := range []store.Filter{{Limit: -1}, {Since: Start(), Until: Start().Add(-time.Microsecond)}} {
		calls := 0
		for _, err := range s.Records(t.Context(), f) {
			calls++
			require.EqualError(t, err, f.Validate().Error())
		}
		require.Equal(t, 1, calls, "an error ends the sequence")
	}
}

func limit(t *testing.T, s store.Store) {
	fill(t, s)
	require.Equal(t, []string{"d"}, ids(t, s, store.Filter{Limit: 1}))
	require.Equal(t, []string{"b", "a"}, ids(t, s, store.Filter{AccountID: "acct-1", Limit: 2}), "the limit counts what was selected")
	require.Len(t, ids(t, s, store.Filter{Limit: 6}), 5)
}

func stopEarly(t *testing.T, s store.Store) {
	fill(t, s)
	records := s.Records(t.Context(), store.Filter{})
	for range 20 { // more often than any pool has connections
		for r, err := range records {
			require.NoError(t, err)
			require.Equal(t, "d", r.Result.ID)
			break
		}
	}
	require.Len(t, ids(t, s, store.Filter{}), 5)
}

func useWhileIterating(t *testing.T, s store.Store) {
	fill(t, s)
	seen := map[string]bool{}
	for r, err := range s.Records(t.Context(), store.Filter{}) {
		require.NoError(t, err)
		require.False(t, seen[r.Result.ID], "%s came twice", r.Result.ID)
		seen[r.Result.ID] = true
		if len(seen) > 10 {
			break
		}
		equal(t, r, read(t, s, r.Result.ID))
		require.NoError(t, s.Append(t.Context(), Sample(fmt.Sprint("new-", len(seen)), Start().Add(-time.Hour))))
	}
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		require.True(t, seen[id], id)
	}
}

func returnedIsACopy(t *testing.T, s store.Store) {
	require.NoError(t, s.Append(t.Context(), Sample("r1", Start())))
	for _, r := range []decision.Record{read(t, s, "r1"), only(t, s)} {
		delete(r.Input.Market.Assets, "BTCUSDT")
		delete(r.Input.Indicators, "BTCUSDT")
		spoil(&r)
	}
	equal(t, Sample("r1", Start()), read(t, s, "r1"))
	equal(t, Sample("r1", Start()), only(t, s))
}

func appendedIsCopied(t *testing.T, s store.Store) {
	r := Sample("r1", Start())
	require.NoError(t, s.Append(t.Context(), r))
	spoil(&r)
	equal(t, Sample("r1", Start()), read(t, s, "r1"))
}

// spoil changes a record at every depth, apart from the market and its
// indicators, which nobody may change once they were made.
func spoil(r *decision.Record) {
	r.Input.Symbols[0] = "X"
	r.Input.Account.Positions[0].Symbol = "X"
	r.Input.Account.LastEntryAt["X"] = Start()
	r.Input.Envelope.Assets[0].Actions[0] = decision.ActionSell
	r.Request.Messages[0].Content = "X"
	r.Request.Schema.JSON[0] = 'X'
	*r.Request.Seed = 1
	r.Responses[0].Content = "X"
	delete(r.Recheck.Quotes, "BTCUSDT")
	r.Proposal.Decision.Decisions[1].OrderAdjustment.AdjustSL = false
	r.Proposal.Assessments[0].Degraded[0] = "X"
	r.Result.Decision.Decisions[1].PositionAdjustment.Type = decision.AdjustIncrease
	r.Result.Refused[0].Violations[0].Rule = "X"
	r.Result.Warnings[0].Rule = "X"
	r.Result.ID = "X"
}
