package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/store"
)

// Outcomes is what RunOutcomes needs of a store.
type Outcomes interface {
	store.Store
	store.History
	store.Outcomes
}

// RunOutcomes checks every promise of store.Outcomes, as Run does of
// store.Store.
func RunOutcomes(t *testing.T, open func(t *testing.T) Outcomes) {
	t.Helper()
	run(t, open, []promise[Outcomes]{
		{"the first fill executes a decision", fillExecutes},
		{"fills come back equal and in order", fillsInOrder},
		{"outcomes stand in their line, in order", outcomesInOrder},
		{"a key again is nil, with other content a conflict", keysOnce},
		{"an unknown decision or asset is not found", deedOfNothing},
		{"an invalid fill or outcome is refused", invalidDeeds},
		{"numbers keep every digit, and null is null", deedDigits},
		{"a trade without an opening opened with its decision", openedWhen},
		{"keys keep every character and are apart", deedKeys},
		{"one key from many writers is kept once", sameKeyFromManyWriters},
		{"an ended context adds nothing", endedDeeds},
	})
}

func fillOf(id, key string, at time.Time) store.Fill {
	return store.Fill{DecisionID: id, Key: key, Asset: "BTCUSDT", Quantity: dec("0.5"), Price: dec("64000.1"), FeeUSD: dec("-0.01"), At: at}
}

func outcomeOf(id, key, pnl string, at time.Time) store.Outcome {
	return store.Outcome{
		DecisionID: id, Key: key, Asset: "BTCUSDT", PnLUSD: dec(pnl), PnLPercent: null("1.5"), OpenedAt: at.Add(-time.Hour), ClosedAt: at,
	}
}

// line is the only one of the history.
func line(t *testing.T, s store.History) store.Entry {
	t.Helper()
	p := page(t, s, store.Query{})
	require.Len(t, p.Entries, 1)
	return p.Entries[0]
}

func fills(t *testing.T, s store.Outcomes, id string) []store.Fill {
	t.Helper()
	all, err := s.Fills(t.Context(), id)
	require.NoError(t, err)
	return all
}

func fillExecutes(t *testing.T, s Outcomes) {
	require.NoError(t, s.Append(t.Context(), Sample("r1", Start())))
	require.True(t, line(t, s).ExecutedAt.IsZero())
	for i, c := range []struct{ at, first time.Duration }{{2 * time.Second, 2 * time.Second}, {3 * time.Second, 2 * time.Second}, {time.Second + time.Microsecond, time.Second + time.Microsecond}} {
		require.NoError(t, s.AddFill(t.Context(), fillOf("r1", fmt.Sprint("k", i), Start().Add(c.at))))
		require.Equal(t, Start().Add(c.first), line(t, s).ExecutedAt, "the earliest, in UTC")
	}
	require.Empty(t, line(t, s).Outcomes, "a fill is no outcome")
}

func fillsInOrder(t *testing.T, s Outcomes) {
	require.NoError(t, s.Append(t.Context(), Sample("r1", Start())))
	require.NoError(t, s.Append(t.Context(), Sample("r2", Start())))
	require.Empty(t, fills(t, s, "r1"))
	zone := time.FixedZone("CET", 3600)
	given := []store.Fill{
		fillOf("r1", "b", Start().Add(time.Microsecond)), fillOf("r1", "c", Start()), fillOf("r1", "a", Start().Add(999*time.Nanosecond).In(zone)),
		fillOf("r1", "d", Start().Add(-time.Hour)),
	}
	given[0].Asset = "ETHUSDT"
	for _, f := range given {
		require.NoError(t, s.AddFill(t.Context(), f))
	}
	require.NoError(t, s.AddFill(t.Context(), fillOf("r2", "e", Start())))
	var want []store.Fill
	for _, i := range []int{3, 2, 1, 0} { // by time to the microsecond, then key
		want = append(want, given[i].Normal())
	}
	same(t, want, fills(t, s, "r1"))
	require.Len(t, fills(t, s, "r2"), 1)
}

func outcomesInOrder(t *testing.T, s Outcomes) {
	require.NoError(t, s.Append(t.Context(), Sample("r1", Start())))
	given := []store.Outcome{
		outcomeOf("r1", "b", "1", Start().Add(time.Microsecond)), outcomeOf("r1", "c", "-2", Start()), outcomeOf("r1", "a", "0", Start()),
	}
	given[1].Asset = "ETHUSDT"
	for _, o := range given {
		require.NoError(t, s.AddOutcome(t.Context(), o))
	}
	same(t, []store.Outcome{given[2], given[1], given[0]}, line(t, s).Outcomes)
	require.True(t, line(t, s).ExecutedAt.IsZero(), "an outcome is no fill")
	p := page(t, s, store.Query{Filter: store.Filter{Symbol: "ETHUSDT"}})
	same(t, []store.Outcome{given[1]}, p.Entries[0].Outcomes, "narrowed like the decision")
	p = page(t, s, store.Query{})
	p.Entries[0].Outcomes[0].Asset = "X"
	same(t, []store.Outcome{given[2], given[1], given[0]}, line(t, s).Outcomes, "what was returned may be changed")
}

func keysOnce(t *testing.T, s Outcomes) {
	for _, id := range []string{"r1", "r2"} {
		require.NoError(t, s.Append(t.Context(), Sample(id, Start())))
	}
	f, o := fillOf("r1", "k", Start()), outcomeOf("r1", "k", "1.50", Start())
	for range 2 {
		require.NoError(t, s.AddFill(t.Context(), f), "keys of fills and outcomes are apart")
		require.NoError(t, s.AddOutcome(t.Context(), o))
	}
	f.Quantity, o.PnLUSD = dec("0.500"), dec("1.5")
	f.At, o.ClosedAt = f.At.Add(999), o.ClosedAt.Add(999).In(time.FixedZone("CET", 3600))
	require.NoError(t, s.AddFill(t.Context(), f), "as many say it")
	require.NoError(t, s.AddOutcome(t.Context(), o))
	for i, change := range []func(f *store.Fill){
		func(f *store.Fill) { f.DecisionID = "r2" }, func(f *store.Fill) { f.Asset = "ETHUSDT" }, func(f *store.Fill) { f.Quantity = dec("0.6") },
		func(f *store.Fill) { f.Price = dec("1") }, func(f *store.Fill) { f.FeeUSD = dec("0") }, func(f *store.Fill) { f.At = Start().Add(time.Microsecond) },
	} {
		other := f
		change(&other)
		require.ErrorIs(t, s.AddFill(t.Context(), other), store.ErrConflict, i)
	}
	for i, change := range []func(o *store.Outcome){
		func(o *store.Outcome) { o.DecisionID = "r2" }, func(o *store.Outcome) { o.Asset = "ETHUSDT" }, func(o *store.Outcome) { o.PnLUSD = dec("1.51") },
		func(o *store.Outcome) { o.PnLPercent = decimal.NullDecimal{} }, func(o *store.Outcome) { o.PnLPercent = null("2") },
		func(o *store.Outcome) { o.OpenedAt = Start() }, func(o *store.Outcome) { o.ClosedAt = Start().Add(time.Second) },
	} {
		other := o
		change(&other)
		require.ErrorIs(t, s.AddOutcome(t.Context(), other), store.ErrConflict, i)
	}
	require.Len(t, fills(t, s, "r1"), 1)
	require.Empty(t, fills(t, s, "r2"))
	p := page(t, s, store.Query{})
	require.Empty(t, p.Entries[0].Outcomes)
	same(t, []store.Outcome{outcomeOf("r1", "k", "1.5", Start())}, p.Entries[1].Outcomes)
}

func deedOfNothing(t *testing.T, s Outcomes) {
	require.NoError(t, s.Append(t.Context(), Sample("r1", Start())))
	for _, c := range []struct{ id, asset string }{{"r2", "BTCUSDT"}, {"", "BTCUSDT"}, {"R1", "BTCUSDT"}, {"r1", "SOLUSDT"}, {"r1", "BTC"}, {"r1", ""}, {"r1", "%"}} {
		f, o := fillOf(c.id, "k", Start()), outcomeOf(c.id, "k", "1", Start())
		f.Asset, o.Asset = c.asset, c.asset
		require.ErrorIs(t, s.AddFill(t.Context(), f), store.ErrNotFound, "%v", c)
		require.ErrorIs(t, s.AddOutcome(t.Context(), o), store.ErrNotFound, "%v", c)
	}
	_, err := s.Fills(t.Context(), "r2")
	require.ErrorIs(t, err, store.ErrNotFound)
	require.NoError(t, s.AddFill(t.Context(), fillOf("r1", "k", Start())), "what was refused took no key")
	require.NoError(t, s.AddOutcome(t.Context(), outcomeOf("r1", "k", "1", Start())))
}

func invalidDeeds(t *testing.T, s Outcomes) {
	require.NoError(t, s.Append(t.Context(), Sample("r1", Start())))
	for i, change := range []func(f *store.Fill){
		func(f *store.Fill) { f.Key = "" }, func(f *store.Fill) { f.Key = strings.Repeat("k", store.MaxKeyBytes+1) }, func(f *store.Fill) { f.Key = "\xff" }, func(f *store.Fill) { f.Key = "\x00" },
		func(f *store.Fill) { f.Quantity = dec("0") }, func(f *store.Fill) { f.Price = dec("-1") }, func(f *store.Fill) { f.At = time.Time{} },
		func(f *store.Fill) { f.FeeUSD = decimal.New(1, 1_000_000) }, func(f *store.Fill) { f.At = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		f := fillOf("r1", "k", Start())
		change(&f)
		require.EqualError(t, s.AddFill(t.Context(), f), f.Validate().Error(), i)
	}
	for i, change := range []func(o *store.Outcome){
		func(o *store.Outcome) { o.Key = "" }, func(o *store.Outcome) { o.PnLUSD = decimal.New(1, 1_000_000) }, func(o *store.Outcome) { o.ClosedAt = time.Time{} },
		func(o *store.Outcome) { o.PnLPercent = decimal.NewNullDecimal(decimal.New(1, -1_000_000)) },
		func(o *store.Outcome) { o.OpenedAt = o.ClosedAt.Add(time.Microsecond) },
	} {
		o := outcomeOf("r1", "k", "1", Start())
		change(&o)
		require.EqualError(t, s.AddOutcome(t.Context(), o), o.Validate().Error(), i)
	}
	require.Empty(t, fills(t, s, "r1"))
	require.Empty(t, line(t, s).Outcomes)
}

func deedDigits(t *testing.T, s Outcomes) {
	require.NoError(t, s.Append(t.Context(), Sample("r1", Start())))
	f := fillOf("r1", "k", Start())
	f.Quantity, f.Price, f.FeeUSD = dec("0.000000000000000001"), dec("123456789012.123456789012345678"), dec("-0.000000000000000009")
	require.NoError(t, s.AddFill(t.Context(), f))
	same(t, []store.Fill{f}, fills(t, s, "r1"))
	for i, c := range []struct {
		pnl     string
		percent decimal.NullDecimal
	}{{"-98765432109876543210.5", decimal.NullDecimal{}}, {"0", null("0")}, {"0.000000000000000001", null("-0.000000000000000001")}} {
		o := outcomeOf("r1", fmt.Sprint("k", i), c.pnl, Start())
		o.PnLPercent = c.percent
		require.NoError(t, s.AddOutcome(t.Context(), o))
		got := line(t, s).Outcomes[i]
		require.Equal(t, c.pnl, got.PnLUSD.String())
		require.Equal(t, c.percent.Valid, got.PnLPercent.Valid)
		require.Equal(t, c.percent.Decimal.String(), got.PnLPercent.Decimal.String())
		same(t, o, got)
	}
}

func openedWhen(t *testing.T, s Outcomes) {
	require.NoError(t, s.Append(t.Context(), Sample("r1", Start().Add(999))))
	later, earlier := outcomeOf("r1", "a", "1", Start().Add(time.Hour+999)), outcomeOf("r1", "b", "1", Start().Add(-time.Hour))
	later.OpenedAt, earlier.OpenedAt = time.Time{}, time.Time{}
	for range 2 {
		require.NoError(t, s.AddOutcome(t.Context(), later), "the same each time")
		require.NoError(t, s.AddOutcome(t.Context(), earlier))
	}
	got := line(t, s).Outcomes
	require.Len(t, got, 2)
	require.Equal(t, earlier.ClosedAt, got[0].OpenedAt, "no trade closes before it opens")
	require.Equal(t, Start(), got[1].OpenedAt)
	require.Equal(t, Start().Add(time.Hour), got[1].ClosedAt, "to the microsecond, in UTC")
}

func deedKeys(t *testing.T, s Outcomes) {
	for i, w := range words() {
		id := "r" + w
		r := Sample(id, Start().Add(time.Duration(-i)*time.Second))
		r.Result.Decision.Decisions[0].Asset = "asset " + w
		require.NoError(t, s.Append(t.Context(), r))
		key := strings.ReplaceAll(w, "\x00", "0")
		f, o := fillOf(id, key, Start()), outcomeOf(id, key, "1", Start())
		f.Asset, o.Asset = "asset "+w, "asset "+w
		require.NoError(t, s.AddFill(t.Context(), f))
		require.NoError(t, s.AddOutcome(t.Context(), o))
		same(t, []store.Fill{f}, fills(t, s, id))
		same(t, []store.Outcome{o}, page(t, s, store.Query{}).Entries[i].Outcomes)
	}
}

func sameKeyFromManyWriters(t *testing.T, s Outcomes) {
	require.NoError(t, s.Append(t.Context(), Sample("r1", Start())))
	const writers = 16
	var failures [2][writers]error
	var wg sync.WaitGroup
	for w := range writers {
		at := Start().Add(time.Duration(w%2) * time.Second)
		wg.Go(func() {
			failures[0][w] = s.AddFill(t.Context(), fillOf("r1", "k", at))
			failures[1][w] = s.AddOutcome(t.Context(), outcomeOf("r1", "k", "1", at))
		})
	}
	wg.Wait()
	require.Len(t, fills(t, s, "r1"), 1)
	outcomes := line(t, s).Outcomes
	require.Len(t, outcomes, 1)
	for kind, kept := range [...]time.Time{fills(t, s, "r1")[0].At, outcomes[0].ClosedAt} {
		for w, err := range failures[kind] {
			if Start().Add(time.Duration(w%2) * time.Second).Equal(kept) {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, store.ErrConflict)
			}
		}
	}
}

func endedDeeds(t *testing.T, s Outcomes) {
	require.NoError(t, s.Append(t.Context(), Sample("r1", Start())))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.AddFill(ctx, fillOf("r1", "k", Start())), context.Canceled)
	require.ErrorIs(t, s.AddOutcome(ctx, outcomeOf("r1", "k", "1", Start())), context.Canceled)
	_, err := s.Fills(ctx, "r1")
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, fills(t, s, "r1"))
	require.Empty(t, line(t, s).Outcomes)
}
