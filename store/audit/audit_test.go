package audit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/audit"
	"github.com/ballast-go/ballast/store/memory"
)

func TestVerifyFindsNothingWhereNothingWasChanged(t *testing.T) {
	t.Parallel()
	f := newFake(t, 4, "b", "a")
	f.heads = append(f.heads, store.Checkpoint{AccountID: "empty", Hash: store.Genesis("empty")})
	var seen []audit.Progress
	report, err := audit.Verify(t.Context(), f, audit.Options{Checkpoints: f.heads, Progress: func(p audit.Progress) { seen = append(seen, p) }})
	require.NoError(t, err)
	require.NoError(t, report.Err())
	require.Len(t, report.Accounts, 3)
	require.Equal(t, "a", report.Accounts[0].AccountID)
	require.Equal(t, int64(8), report.Links())
	require.Equal(t, int64(4), report.Accounts[1].Verified)
	require.ElementsMatch(t, f.heads, report.Checkpoints())
	require.Equal(t, audit.Progress{AccountID: "b", Links: 4, Of: 4, Total: 8}, seen[7])
}

func TestVerifyReadsAStore(t *testing.T) {
	t.Parallel()
	s := memory.New()
	for i := 1; i <= 3; i++ {
		require.NoError(t, s.Append(t.Context(), sample("a", i)))
	}
	report, err := audit.Verify(t.Context(), s, audit.Options{})
	require.NoError(t, err)
	require.NoError(t, report.Err())
	require.Equal(t, int64(3), report.Accounts[0].Head.Seq)
}

// Every way to change a history, and what is said of it. The chain has five
// links; somebody else's has five too.
func TestVerifyNamesTheFirstBrokenLink(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tamper      func(t *testing.T, f *fake)
		checkpoints bool // of before
		seq         int64
		id          string
		what        audit.What
		field       string
	}{
		"a digit of a column": {tamper: func(_ *testing.T, f *fake) {
			r := &f.links["a"][2].Row
			r.Decision.Decisions = slices.Clone(r.Decision.Decisions)
			r.Decision.Decisions[1].Confidence = decimal.RequireFromString("51")
		}, seq: 3, id: "a-3", what: audit.EditedColumns, field: "/decision/decisions/1/confidence"},
		"a column of money": {tamper: func(_ *testing.T, f *fake) {
			f.links["a"][0].Row.Decision.TotalAllocationUSD = decimal.New(1, -18)
		}, seq: 1, id: "a-1", what: audit.EditedColumns, field: "/decision/total_allocation_usd"},
		"a time by a microsecond": {tamper: func(_ *testing.T, f *fake) {
			f.links["a"][4].Row.At = f.links["a"][4].Row.At.Add(1000)
		}, seq: 5, id: "a-5", what: audit.EditedColumns, field: "/timestamp"},
		"a refusal taken away": {tamper: func(_ *testing.T, f *fake) { f.links["a"][1].Row.Refused = nil }, seq: 2, id: "a-2", what: audit.EditedColumns, field: "/refused/0"},
		"a row given another id": {tamper: func(_ *testing.T, f *fake) {
			f.links["a"][1].Row.ID = "x"
		}, seq: 2, id: "x", what: audit.Misplaced, field: "/id"},
		"a digit of a record": {tamper: func(t *testing.T, f *fake) {
			t.Helper()
			r := sample("a", 3)
			r.Result.Decision.Decisions[1].Confidence = decimal.RequireFromString("51")
			f.replace(t, "a", 2, r)
		}, seq: 3, id: "a-3", what: audit.EditedRecord},
		"a record and its digest": {tamper: func(t *testing.T, f *fake) {
			t.Helper()
			r := sample("a", 3)
			r.Result.Reason = "another"
			f.replace(t, "a", 2, r)
			f.links["a"][2].Link.Digest = store.Hash(f.links["a"][2].Canonical.Digest())
		}, seq: 3, id: "a-3", what: audit.EditedColumns, field: "hash"},
		"a record, its digest and its hash": {tamper: func(t *testing.T, f *fake) {
			t.Helper()
			r := sample("a", 3)
			r.Result.Reason = "another"
			f.replace(t, "a", 2, r)
			l := &f.links["a"][2].Link
			l.Digest = store.Hash(f.links["a"][2].Canonical.Digest())
			l.Hash = store.Next(l.Previous, l.Seq, l.Digest)
		}, seq: 4, id: "a-4", what: audit.Removed, field: "previous"},
		"a digest":        {tamper: func(_ *testing.T, f *fake) { f.links["a"][1].Link.Digest[0]++ }, seq: 2, id: "a-2", what: audit.EditedColumns, field: "digest"},
		"a hash":          {tamper: func(_ *testing.T, f *fake) { f.links["a"][1].Link.Hash[31]++ }, seq: 2, id: "a-2", what: audit.EditedColumns, field: "hash"},
		"a previous hash": {tamper: func(_ *testing.T, f *fake) { f.links["a"][1].Link.Previous[31]++ }, seq: 2, id: "a-2", what: audit.EditedColumns, field: "previous"},
		"the head": {tamper: func(_ *testing.T, f *fake) {
			f.heads[0].Hash[0]++
		}, seq: 5, id: "a-5", what: audit.EditedColumns, field: "head"},
		"two rows swapped": {tamper: func(_ *testing.T, f *fake) {
			l := f.links["a"]
			l[1], l[2] = l[2], l[1]
			f.renumber("a")
		}, seq: 2, id: "a-3", what: audit.Reordered, field: "previous"},
		"a row moved to the end": {tamper: func(_ *testing.T, f *fake) {
			l := f.links["a"]
			f.links["a"] = append(append(slices.Clone(l[:1]), l[2:]...), l[1])
			f.renumber("a")
		}, seq: 2, id: "a-3", what: audit.Reordered, field: "previous"},
		"two records swapped": {tamper: func(_ *testing.T, f *fake) {
			l := f.links["a"]
			l[1].Canonical, l[3].Canonical = l[3].Canonical, l[1].Canonical
		}, seq: 2, id: "a-2", what: audit.Reordered},
		"the middle deleted": {tamper: func(_ *testing.T, f *fake) {
			f.links["a"] = slices.Delete(f.links["a"], 1, 3)
		}, seq: 2, what: audit.Removed},
		"the middle deleted and renumbered": {tamper: func(_ *testing.T, f *fake) {
			f.links["a"] = slices.Delete(f.links["a"], 1, 3)
			f.renumber("a")
		}, seq: 2, id: "a-4", what: audit.Removed, field: "previous"},
		"the first deleted": {tamper: func(_ *testing.T, f *fake) { f.links["a"] = f.links["a"][1:] }, seq: 1, what: audit.Removed},
		"the tail deleted":  {tamper: func(_ *testing.T, f *fake) { f.links["a"] = f.links["a"][:3] }, seq: 4, what: audit.Truncated},
		"the tail deleted, head included": {checkpoints: true, tamper: func(t *testing.T, f *fake) {
			t.Helper()
			f.links["a"] = f.links["a"][:3]
			f.rehash(t, "a")
		}, seq: 4, what: audit.Truncated},
		"every link deleted": {tamper: func(_ *testing.T, f *fake) { f.links["a"] = nil }, seq: 1, what: audit.Truncated},
		"the account deleted": {checkpoints: true, tamper: func(_ *testing.T, f *fake) {
			delete(f.links, "a")
			f.heads = f.heads[1:]
		}, seq: 1, what: audit.Truncated},
		"everything hashed anew after an edit": {checkpoints: true, tamper: func(t *testing.T, f *fake) {
			t.Helper()
			r := sample("a", 2)
			r.Result.Reason = "another"
			f.replace(t, "a", 1, r)
			f.rehash(t, "a")
		}, seq: 5, id: "a-5", what: audit.Rewritten, field: "hash"},
		"a link twice": {tamper: func(_ *testing.T, f *fake) {
			f.links["a"] = slices.Insert(f.links["a"], 2, f.links["a"][1])
		}, seq: 2, id: "a-2", what: audit.Inserted},
		"a link twice, renumbered": {tamper: func(_ *testing.T, f *fake) {
			f.links["a"] = slices.Insert(f.links["a"], 2, f.links["a"][1])
			f.renumber("a")
		}, seq: 3, id: "a-2", what: audit.Inserted, field: "previous"},
		"a forged link that follows": {tamper: func(t *testing.T, f *fake) {
			t.Helper()
			l := f.links["a"]
			forged := chained(t, "a", sample("a", 9))
			forged.Link = store.Link{Seq: 3, Previous: l[1].Link.Hash, Digest: store.Hash(forged.Canonical.Digest())}
			forged.Link.Hash = store.Next(forged.Link.Previous, 3, forged.Link.Digest)
			f.links["a"] = slices.Insert(l, 2, forged)
			f.renumber("a")
		}, seq: 3, id: "a-9", what: audit.Inserted, field: "hash"},
		"a link of another account": {tamper: func(_ *testing.T, f *fake) {
			f.links["a"] = slices.Insert(f.links["a"], 2, f.links["b"][2])
			f.renumber("a")
		}, seq: 3, id: "b-3", what: audit.Misplaced, field: "/account_id"},
		"a link of another account, hashed anew": {tamper: func(t *testing.T, f *fake) {
			t.Helper()
			f.links["a"] = slices.Insert(f.links["a"], 2, f.links["b"][2])
			f.rehash(t, "a")
		}, seq: 3, id: "b-3", what: audit.Misplaced, field: "/account_id"},
		"a damaged record": {tamper: func(_ *testing.T, f *fake) {
			f.errors["a"] = map[int]error{3: fmt.Errorf("%w: link 4: bad frame", store.ErrCorrupt)}
		}, seq: 4, id: "a-4", what: audit.Unreadable},
		"a record of nonsense, hashed anew": {tamper: func(t *testing.T, f *fake) {
			t.Helper()
			f.links["a"][1].Canonical.Body = []byte(`{"series":{},"record":{"schema":99}}`)
			f.rehash(t, "a")
		}, seq: 2, id: "a-2", what: audit.Unreadable},
		"candles taken away": {tamper: func(_ *testing.T, f *fake) { f.links["a"][1].Canonical.Series = nil }, seq: 2, id: "a-2", what: audit.Unreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, 5, "a", "b")
			var o audit.Options
			if c.checkpoints {
				o.Checkpoints = slices.Clone(f.heads)
			}
			c.tamper(t, f)
			report, err := audit.Verify(t.Context(), f, o)
			require.NoError(t, err)
			require.Len(t, report.Accounts, 2)
			require.Nil(t, report.Accounts[1].Broken, "the other account's chain is whole")
			b := report.Accounts[0].Broken
			require.NotNil(t, b)
			require.Equal(t, c.what, b.What, b)
			require.Equal(t, c.seq, b.Seq, b)
			require.Equal(t, c.id, b.ID, b)
			require.Equal(t, c.field, b.Field, b)
			require.NotEqual(t, b.Expected, b.Found)
			require.ErrorContains(t, report.Err(), `account "a": link `)
			require.Len(t, report.Checkpoints(), 1)
			if !c.checkpoints {
				return
			}
			report, err = audit.Verify(t.Context(), f, audit.Options{})
			require.NoError(t, err)
			require.NoError(t, report.Err(), "only a checkpoint shows it")
		})
	}
}

// Whatever single thing changes in a chain, it is noticed.
func TestVerifyNoticesAnySingleChange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		f := newFake(t, 4, "a")
		i := rapid.IntRange(0, 3).Draw(rt, "link")
		c := &f.links["a"][i]
		bit := func(h *store.Hash) {
			h[rapid.IntRange(0, 31).Draw(rt, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		}
		switch rapid.IntRange(0, 4).Draw(rt, "what") {
		case 0:
			bit(&c.Link.Previous)
		case 1:
			bit(&c.Link.Digest)
		case 2:
			bit(&c.Link.Hash)
		case 3:
			c.Canonical.Body = slices.Clone(c.Canonical.Body)
			c.Canonical.Body[rapid.IntRange(0, len(c.Canonical.Body)-1).Draw(rt, "at")] ^= 1
		case 4:
			c.Link.Seq += rapid.SampledFrom([]int64{-1, 1, 1 << 40}).Draw(rt, "seq")
		}
		report, err := audit.Verify(t.Context(), f, audit.Options{})
		require.NoError(rt, err)
		require.Error(rt, report.Err())
		require.LessOrEqual(rt, report.Accounts[0].Verified, int64(i)+1)
	})
}

func TestVerifyChecksWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	f := newFake(t, 2, "a", "b")
	f.links["b"] = nil
	report, err := audit.Verify(t.Context(), f, audit.Options{Accounts: []string{"a"}, Checkpoints: f.heads})
	require.NoError(t, err)
	require.NoError(t, report.Err())
	require.Len(t, report.Accounts, 1)

	report, err = audit.Verify(t.Context(), f, audit.Options{Accounts: []string{"c"}})
	require.NoError(t, err)
	require.Equal(t, audit.Truncated, report.Accounts[0].Broken.What, "it is not there")

	wrong := store.Checkpoint{AccountID: "a", Hash: store.Hash{1}}
	report, err = audit.Verify(t.Context(), f, audit.Options{Accounts: []string{"a"}, Checkpoints: []store.Checkpoint{wrong}})
	require.NoError(t, err)
	require.Equal(t, audit.Rewritten, report.Accounts[0].Broken.What)
}

// Links that were appended between the heads and the walk are no break.
func TestVerifyTakesWhatIsAppendedMeanwhile(t *testing.T) {
	t.Parallel()
	f := newFake(t, 3, "a")
	old := f.heads
	f.links["a"] = append(f.links["a"], chained(t, "a", sample("a", 4)))
	f.rehash(t, "a")
	f.heads = old
	report, err := audit.Verify(t.Context(), f, audit.Options{})
	require.NoError(t, err)
	require.NoError(t, report.Err())
	require.Equal(t, int64(4), report.Accounts[0].Head.Seq)
}

func TestVerifyEndsWhenReadingDoes(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection lost")
	f := newFake(t, 3, "a")
	f.errors["a"] = map[int]error{1: broken}
	_, err := audit.Verify(t.Context(), f, audit.Options{})
	require.ErrorIs(t, err, broken)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = audit.Verify(ctx, f, audit.Options{})
	require.ErrorIs(t, err, context.Canceled)
}
