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

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
)

// Run checks every promise of store.Store, one subtest each. open returns an
// empty store for one subtest; it may skip, and cleans up by t.Cleanup. The
// subtests run in parallel.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	for _, promise := range [...]struct {
		name  string
		check func(t *testing.T, s store.Store)
	}{
		{"an appended record reads back equal", readsBackEqual},
		{"appending the same record twice keeps one", appendTwice},
		{"the same id with other content conflicts", conflict},
		{"an invalid id is refused", invalidID},
		{"decimals keep every digit and sign", decimals},
		{"times keep their microseconds in UTC", times},
		{"text keeps every character", text},
		{"a rationale of 1 MiB is kept", longText},
		{"an unknown id is not found", notFound},
		{"records come newest first, ties by descending id", order},
		{"filters select", filters},
		{"an invalid filter is an error", invalidFilter},
		{"a limit keeps the newest", limit},
		{"an iteration can stop early and start again", stopEarly},
		{"a store may be used while iterating", useWhileIterating},
		{"a returned record may be changed", returnedIsACopy},
		{"an appended record may be changed", appendedIsCopied},
		{"writers at once lose nothing", concurrentWriters},
		{"one record from many writers is kept once", sameRecordFromManyWriters},
		{"an ended context keeps nothing and yields its error", endedContext},
	} {
		t.Run(promise.name, func(t *testing.T) {
			t.Parallel()
			promise.check(t, open(t))
		})
	}
}

func readsBackEqual(t *testing.T, s store.Store) {
	want := Sample("r1", Start())
	require.NoError(t, s.Append(t.Context(), want))
	equal(t, want, read(t, s, "r1"))
	equal(t, want, only(t, s))
}

func appendTwice(t *testing.T, s store.Store) {
	require.NoError(t, s.Append(t.Context(), Sample("r1", Start())))
	require.NoError(t, s.Append(t.Context(), Sample("r1", Start())), "an equal record is no conflict")
	require.NoError(t, s.Append(t.Context(), read(t, s, "r1")), "what was read is what was written")
	equal(t, Sample("r1", Start()), only(t, s))
}

func conflict(t *testing.T, s store.Store) {
	require.NoError(t, s.Append(t.Context(), Sample("r1", Start())))
	other := Sample("r1", Start())
	other.Result.Decision.Decisions[0].Confidence = dec("1")
	require.ErrorIs(t, s.Append(t.Context(), other), store.ErrConflict)
	equal(t, Sample("r1", Start()), only(t, s))
}

func invalidID(t *testing.T, s store.Store) {
	for _, id := range []string{"", strings.Repeat("x", store.MaxIDBytes+1)} {
		require.ErrorIs(t, s.Append(t.Context(), Sample(id, Start())), store.ErrID)
	}
	longest := strings.Repeat("x", store.MaxIDBytes)
	require.NoError(t, s.Append(t.Context(), Sample(longest, Start())))
	require.Equal(t, []string{longest}, ids(t, s, store.Filter{}))
}

func decimals(t *testing.T, s store.Store) {
	want := Sample("r1", Start())
	d := &want.Result.Decision.Decisions[0]
	d.AllocationUSD = dec("123456789012.123456789012345678")
	d.Confidence = dec("0.000000000000000001")
	d.TPPrice = decimal.NewNullDecimal(decimal.Zero)
	d.SLPrice = decimal.NullDecimal{}
	want.Input.Account.BalanceUSD = dec("-0.000000000000000009")
	want.Input.Account.RealizedPnLTodayUSD = dec("-98765432109876543210.5")
	want.Input.Account.EquityAtMidnightUSD = decimal.NewNullDecimal(decimal.Zero)
	require.NoError(t, s.Append(t.Context(), want))
	got := read(t, s, "r1")
	equal(t, want, got)
	g := got.Result.Decision.Decisions[0]
	require.Equal(t, "123456789012.123456789012345678", g.AllocationUSD.String())
	require.Equal(t, "0.000000000000000001", g.Confidence.String())
	require.True(t, g.TPPrice.Valid, "zero is not null")
	require.True(t, g.TPPrice.Decimal.IsZero())
	require.False(t, g.SLPrice.Valid, "null is not zero")
	require.Equal(t, "-0.000000000000000009", got.Input.Account.BalanceUSD.String())
	require.Equal(t, "-98765432109876543210.5", got.Input.Account.RealizedPnLTodayUSD.String())
	require.True(t, got.Input.Account.EquityAtMidnightUSD.Valid)
}

func times(t *testing.T, s store.Store) {
	at := time.Date(2026, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	require.NoError(t, s.Append(t.Context(), Sample("r1", at)))
	got := read(t, s, "r1")
	require.Equal(t, at, got.Result.At)
	require.Equal(t, time.UTC, got.Result.At.Location())
	require.Equal(t, at, got.Input.At)
	require.Equal(t, at.Add(-time.Hour), got.Input.Account.LastEntryAt["ETHUSDT"])
}

func text(t *testing.T, s store.Store) {
	for i, words := range []string{
		"Aufwärtstrend über der Wolke — 上昇トレンド 📈 \u202eright to left", `quotes " ' \ and {{braces}} %s ; DROP TABLE decisions; --`,
		"tab\tnewline\r\n\u2028", "a NUL \x00 that a model may write as \\u0000",
	} {
		id := fmt.Sprint("r", i)
		want := Sample(id, Start())
		want.Result.Decision.Decisions[0].Rationale = words
		want.Responses[0].Content = words
		want.Input.Account.ID = words[:12]
		require.NoError(t, s.Append(t.Context(), want))
		equal(t, want, read(t, s, id))
		require.Equal(t, []string{id}, ids(t, s, store.Filter{AccountID: want.Input.Account.ID}))
	}
}

func longText(t *testing.T, s store.Store) {
	want := Sample("r1", Start())
	want.Result.Decision.Decisions[0].Rationale = strings.Repeat("é", 1<<19)
	require.NoError(t, s.Append(t.Context(), want))
	require.Equal(t, want.Result.Decision.Decisions[0].Rationale, read(t, s, "r1").Result.Decision.Decisions[0].Rationale)
}

func notFound(t *testing.T, s store.Store) {
	require.NoError(t, s.Append(t.Context(), Sample("r1", Start())))
	for _, id := range []string{"r2", "R1", "r1 ", ""} {
		_, err := s.Record(t.Context(), id)
		require.ErrorIs(t, err, store.ErrNotFound, id)
	}
}

func concurrentWriters(t *testing.T, s store.Store) {
	const writers, each = 32, 4
	failures := make([]error, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				r := Sample(fmt.Sprintf("w%02d-%d", w, i), Start().Add(time.Duration(i)*time.Second))
				if err := s.Append(t.Context(), r); err != nil {
					failures[w] = err
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range failures {
		require.NoError(t, err)
	}
	require.Len(t, ids(t, s, store.Filter{}), writers*each)
	for w := range writers {
		equal(t, Sample(fmt.Sprintf("w%02d-0", w), Start()), read(t, s, fmt.Sprintf("w%02d-0", w)))
	}
}

func sameRecordFromManyWriters(t *testing.T, s store.Store) {
	const writers = 16
	failures := make([]error, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() { failures[w] = s.Append(t.Context(), Sample("r1", Start())) })
	}
	wg.Wait()
	for _, err := range failures {
		require.NoError(t, err)
	}
	require.Equal(t, []string{"r1"}, ids(t, s, store.Filter{}))
}

func endedContext(t *testing.T, s store.Store) {
	require.NoError(t, s.Append(t.Context(), Sample("kept", Start())))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Append(ctx, Sample("r1", Start())), context.Canceled)
	_, err := s.Record(ctx, "kept")
	require.ErrorIs(t, err, context.Canceled)
	calls := 0
	for _, err := range s.Records(ctx, store.Filter{}) {
		calls++
		require.ErrorIs(t, err, context.Canceled)
	}
	require.Equal(t, 1, calls, "an error ends the sequence")
	require.Equal(t, []string{"kept"}, ids(t, s, store.Filter{}))
}

// equal compares the content: what JSON can say of both.
func equal(t *testing.T, want, got decision.Record) {
	t.Helper()
	a, err := want.MarshalJSON()
	require.NoError(t, err)
	b, err := got.MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, string(a), string(b))
}

func read(t *testing.T, s store.Store, id string) decision.Record {
	t.Helper()
	r, err := s.Record(t.Context(), id)
	require.NoError(t, err)
	return r
}

// only is the one record that the store lists.
func only(t *testing.T, s store.Store) decision.Record {
	t.Helper()
	var out []decision.Record
	for r, err := range s.Records(t.Context(), store.Filter{}) {
		require.NoError(t, err)
		out = append(out, r)
	}
	require.Len(t, out, 1)
	return out[0]
}

func ids(t *testing.T, s store.Store, f store.Filter) []string {
	t.Helper()
	out := []string{}
	for r, err := range s.Records(t.Context(), f) {
		require.NoError(t, err)
		out = append(out, r.Result.ID)
	}
	return out
}
