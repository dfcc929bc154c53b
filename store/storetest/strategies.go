package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
)

// Assignments is what RunAssignments needs of a store.
type Assignments interface {
	store.Accounts
	store.Assignments
}

// RunStrategies checks every promise of store.Strategies, as Run does of
// store.Store.
func RunStrategies(t *testing.T, open func(t *testing.T) store.Strategies) {
	t.Helper()
	run(t, open, []promise[store.Strategies]{
		{"a version reads back equal", strategyReadsBack},
		{"no version is overwritten", versionsStay},
		{"saving again makes a version the newest", newestAgain},
		{"strategies are listed by id", strategiesListed},
		{"an unknown strategy or version is not found", unknownStrategy},
		{"an invalid strategy is refused", invalidStrategy},
		{"a strategy that was given or returned may be changed", strategyCopies},
		{"versions from many writers are all kept", strategyWriters},
		{"an ended context saves no strategy", endedStrategies},
	})
}

// RunAssignments checks every promise of store.Assignments, as Run does of
// store.Store.
func RunAssignments(t *testing.T, open func(t *testing.T) Assignments) {
	t.Helper()
	run(t, open, []promise[Assignments]{
		{"the last assignment is the active one", lastAssigned},
		{"assignments of accounts are apart and make them", assignmentsApart},
		{"an assignment keeps its microseconds in UTC", assignmentTimes},
		{"nothing assigned is not found", nothingAssigned},
		{"an invalid assignment is refused", invalidAssignment},
		{"assignments from many writers leave one active", assignmentWriters},
		{"an ended context assigns nothing", endedAssignments},
	})
}

// strategy is a valid one whose description makes the version.
func strategy(t *testing.T, id, description string) decision.Strategy {
	t.Helper()
	s, err := decision.LoadStrategy(decision.DefaultStrategy)
	require.NoError(t, err)
	s.ID, s.Description = id, description
	require.NoError(t, s.Validate())
	return s
}

func save(t *testing.T, s store.Strategies, v decision.Strategy, at time.Time) string {
	t.Helper()
	hash, err := s.SaveStrategy(t.Context(), v, at)
	require.NoError(t, err)
	want, err := v.Hash()
	require.NoError(t, err)
	require.Equal(t, want, hash)
	return hash
}

// version is that of strategy s; the newest for an empty hash.
func version(t *testing.T, s store.Strategies, hash string) store.SavedStrategy {
	t.Helper()
	v, err := s.Strategy(t.Context(), "s", hash)
	require.NoError(t, err)
	return v
}

func strategyReadsBack(t *testing.T, s store.Strategies) {
	for i, w := range words() {
		want := strategy(t, "s", w)
		want.Risk.MaxRiskPerTrade, want.Risk.MinConfidence = dec("1.000000000000000001"), null("0")
		at := Start().Add(time.Duration(i)*time.Microsecond + 999)
		hash := save(t, s, want, at.In(time.FixedZone("CET", 3600)))
		for _, by := range []string{hash, ""} {
			got := version(t, s, by)
			same(t, want, got.Strategy)
			require.Equal(t, hash, got.Hash)
			require.Equal(t, Start().Add(time.Duration(i)*time.Microsecond), got.SavedAt)
		}
	}
}

func versionsStay(t *testing.T, s store.Strategies) {
	one, two := strategy(t, "s", "one"), strategy(t, "s", "two")
	first, second := save(t, s, one, Start()), save(t, s, two, Start().Add(-time.Hour))
	require.NotEqual(t, first, second)
	same(t, one, version(t, s, first).Strategy)
	same(t, two, version(t, s, second).Strategy)
	same(t, two, version(t, s, "").Strategy, "the order of saving counts, not the time")
}

func newestAgain(t *testing.T, s store.Strategies) {
	one, two := strategy(t, "s", "one"), strategy(t, "s", "two")
	first := save(t, s, one, Start())
	save(t, s, two, Start().Add(time.Second))
	one.FundingRateThreshold = one.FundingRateThreshold.Add(dec("0.00")) // of equal value
	require.Equal(t, first, save(t, s, one, Start().Add(time.Hour)))
	require.Equal(t, first, version(t, s, "").Hash)
	require.Equal(t, Start(), version(t, s, "").SavedAt, "when it was saved first")
	all, err := s.Strategies(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, first, all[0].Hash)
}

func strategiesListed(t *testing.T, s store.Strategies) {
	all, err := s.Strategies(t.Context())
	require.NoError(t, err)
	require.Empty(t, all)
	for _, id := range []string{"b", "a_1", "a1", "c", "b"} {
		save(t, s, strategy(t, id, "version of "+id), Start())
	}
	save(t, s, strategy(t, "c", "newer"), Start())
	all, err = s.Strategies(t.Context())
	require.NoError(t, err)
	var got []string
	for _, v := range all {
		got = append(got, v.Strategy.ID+": "+v.Strategy.Description)
	}
	require.Equal(t, []string{"a1: version of a1", "a_1: version of a_1", "b: version of b", "c: newer"}, got)
}

func unknownStrategy(t *testing.T, s store.Strategies) {
	hash := save(t, s, strategy(t, "s", "one"), Start())
	for _, c := range [][2]string{{"x", ""}, {"x", hash}, {"s", hash[1:]}, {"s", "x"}, {"S", ""}, {"", ""}, {"%", ""}, {"s\x00", ""}, {"\xff", "\xff"}, {"s", strings.ToUpper(hash)}} {
		_, err := s.Strategy(t.Context(), c[0], c[1])
		require.ErrorIs(t, err, store.ErrNotFound, "%q", c)
	}
}

func invalidStrategy(t *testing.T, s store.Strategies) {
	bad := strategy(t, "s", "one")
	bad.Risk.MaxLeverage = dec("1000")
	_, err := s.SaveStrategy(t.Context(), bad, Start())
	require.EqualError(t, err, store.CheckStrategy(bad, Start()).Error())
	for _, at := range []time.Time{{}, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		_, err = s.SaveStrategy(t.Context(), strategy(t, "s", "one"), at)
		require.Error(t, err)
	}
	_, err = s.Strategy(t.Context(), "s", "")
	require.ErrorIs(t, err, store.ErrNotFound)
}

func strategyCopies(t *testing.T, s store.Strategies) {
	given := strategy(t, "s", "one")
	given.TimeframePreference = append(given.TimeframePreference[:0:0], "1h", "4h")
	save(t, s, given, Start())
	given.TimeframePreference[0] = "1m"
	for range 2 {
		got := version(t, s, "").Strategy
		require.Equal(t, "1h", string(got.TimeframePreference[0]))
		got.TimeframePreference[0] = "1d"
		all, err := s.Strategies(t.Context())
		require.NoError(t, err)
		all[0].Strategy.TimeframePreference[0] = "1d"
	}
}

func strategyWriters(t *testing.T, s store.Strategies) {
	const writers = 16
	versions := make([]decision.Strategy, writers)
	for w := range writers {
		versions[w] = strategy(t, "s", fmt.Sprint("version ", w/2))
	}
	failures := make([]error, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() { _, failures[w] = s.SaveStrategy(t.Context(), versions[w], Start()) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(failures...))
	for _, v := range versions {
		hash, err := v.Hash()
		require.NoError(t, err)
		same(t, v, version(t, s, hash).Strategy)
	}
	all, err := s.Strategies(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
}

func endedStrategies(t *testing.T, s store.Strategies) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.SaveStrategy(ctx, strategy(t, "s", "one"), Start())
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Strategy(ctx, "s", "")
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Strategies(ctx)
	require.ErrorIs(t, err, context.Canceled)
	all, err := s.Strategies(t.Context())
	require.NoError(t, err)
	require.Empty(t, all)
}

func assignment(account, strategy string, after time.Duration) store.Assignment {
	return store.Assignment{AccountID: account, StrategyID: strategy, Hash: strings.Repeat("a", 64), By: "ops", At: Start().Add(after)}
}

// assign makes an assignment the active one and is the one before.
func assign(t *testing.T, s store.Assignments, a store.Assignment) store.Assignment {
	t.Helper()
	previous, err := s.Assign(t.Context(), a)
	require.NoError(t, err)
	return previous
}

func assigned(t *testing.T, s store.Assignments, account string) store.Assignment {
	t.Helper()
	a, err := s.Assigned(t.Context(), account)
	require.NoError(t, err)
	return a
}

func assignments(t *testing.T, s store.Assignments, account string) []store.Assignment {
	t.Helper()
	all, err := s.Assignments(t.Context(), account)
	require.NoError(t, err)
	return all
}

func lastAssigned(t *testing.T, s Assignments) {
	one, two, three := assignment("a", "one", time.Hour), assignment("a", "two", 0), assignment("a", "one", time.Hour)
	two.Hash, two.By = "", ""
	require.Zero(t, assign(t, s, one))
	require.Equal(t, one, assigned(t, s, "a"))
	require.Equal(t, one, assign(t, s, two))
	require.Equal(t, two, assigned(t, s, "a"), "the order counts, not the time")
	require.Equal(t, two, assign(t, s, three))
	require.Equal(t, []store.Assignment{three, two, one}, assignments(t, s, "a"))
	got := assignments(t, s, "a")
	got[0].By = "X"
	require.Equal(t, three, assigned(t, s, "a"), "what was returned may be changed")
}

func assignmentsApart(t *testing.T, s Assignments) {
	ids := append(words(), "a", "A")
	for i, id := range ids {
		a := assignment(id, "s", time.Duration(i)*time.Second)
		a.StrategyID, a.By = strings.ReplaceAll(id, "\x00", "0"), strings.ReplaceAll(id, "\x00", "0")
		require.Zero(t, assign(t, s, a), "%q", id)
		require.Equal(t, a, assigned(t, s, id))
	}
	for _, id := range ids {
		require.Len(t, assignments(t, s, id), 1, "%q", id)
	}
	require.Len(t, accounts(t, s), len(ids))
}

func assignmentTimes(t *testing.T, s Assignments) {
	a := assignment("a", "s", time.Microsecond+999)
	a.At = a.At.In(time.FixedZone("CET", 3600))
	assign(t, s, a)
	a.At = Start().Add(time.Microsecond)
	require.Equal(t, a, assigned(t, s, "a"))
	require.Equal(t, []store.Assignment{a}, assignments(t, s, "a"))
	require.Equal(t, a, assign(t, s, a))
}

func nothingAssigned(t *testing.T, s Assignments) {
	assign(t, s, assignment("a", "s", 0))
	_, err := s.AddAccount(t.Context(), "idle")
	require.NoError(t, err)
	for _, id := range []string{"idle", "nobody", "", "%", "\xff", strings.Repeat("x", 200)} {
		_, err := s.Assigned(t.Context(), id)
		require.ErrorIs(t, err, store.ErrNotFound, "%q", id)
		require.Empty(t, assignments(t, s, id))
	}
}

func invalidAssignment(t *testing.T, s Assignments) {
	first := assignment("a", "s", 0)
	assign(t, s, first)
	for i, change := range []func(a *store.Assignment){
		func(a *store.Assignment) { a.AccountID = "" }, func(a *store.Assignment) { a.AccountID = strings.Repeat("x", 101) },
		func(a *store.Assignment) { a.StrategyID = "" }, func(a *store.Assignment) { a.StrategyID = strings.Repeat("x", 101) },
		func(a *store.Assignment) { a.Hash = strings.Repeat("a", 65) }, func(a *store.Assignment) { a.By = "\xff" }, func(a *store.Assignment) { a.By = "\x00" },
		func(a *store.Assignment) { a.By = strings.Repeat("x", 101) }, func(a *store.Assignment) { a.At = time.Time{} },
		func(a *store.Assignment) { a.At = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		a := assignment("a", "other", 0)
		change(&a)
		_, err := s.Assign(t.Context(), a)
		require.EqualError(t, err, a.Validate().Error(), i)
	}
	require.Equal(t, []store.Assignment{first}, assignments(t, s, "a"))
	require.Len(t, accounts(t, s), 1)
}

func assignmentWriters(t *testing.T, s Assignments) {
	const writers = 16
	failures, before := make([]error, writers), make([]store.Assignment, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			before[w], failures[w] = s.Assign(t.Context(), assignment("a", fmt.Sprint("s", w), 0))
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(failures...))
	all := assignments(t, s, "a")
	require.Len(t, all, writers)
	require.Equal(t, all[0], assigned(t, s, "a"))
	replaced := map[string]bool{}
	for _, a := range before {
		require.False(t, replaced[a.StrategyID], "each is replaced once, and nothing is once")
		replaced[a.StrategyID] = true
	}
	require.False(t, replaced[all[0].StrategyID], "nothing replaced the active one")
}

func endedAssignments(t *testing.T, s Assignments) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Assign(ctx, assignment("a", "s", 0))
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Assigned(ctx, "a")
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Assignments(ctx, "a")
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, assignments(t, s, "a"))
}
