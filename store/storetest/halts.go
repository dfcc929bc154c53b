package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
)

// RunHalts checks every promise of store.Halts, one subtest each. open returns
// a store without halts for one subtest; it may skip, and cleans up by
// t.Cleanup. The subtests run in parallel.
func RunHalts(t *testing.T, open func(t *testing.T) store.Halts) {
	t.Helper()
	for _, promise := range [...]struct {
		name  string
		check func(t *testing.T, s store.Halts)
	}{
		{"nothing is halted at first", nothingHalted},
		{"a halt reads back equal", haltReadsBack},
		{"a halt is of one account only", haltOfOneAccount},
		{"the global halt comes before that of the account", globalFirst},
		{"a second halt replaces the first", haltReplaces},
		{"nil turns one switch off, and may again", turnOff},
		{"halts are listed by account", haltOrder},
		{"a halt keeps every character", haltText},
		{"a halt keeps its microseconds in UTC", haltTimes},
		{"the longest halt is kept", longestHalt},
		{"an invalid halt is refused and changes nothing", invalidHalt},
		{"an invalid account is refused", invalidAccount},
		{"a halt that was given may be changed", givenHaltIsCopied},
		{"a halt that was returned may be changed", returnedHaltIsACopy},
		{"writers at once keep every halt", haltWriters},
		{"a switch that is on is never seen off", neverSeenOff},
		{"one switch from many writers is one of theirs", sameSwitch},
		{"an ended context changes nothing", endedHaltContext},
	} {
		t.Run(promise.name, func(t *testing.T) {
			t.Parallel()
			promise.check(t, open(t))
		})
	}
}

// halt is one for the account in which every field is filled.
func halt(accountID string) decision.Halt {
	return decision.Halt{AccountID: accountID, Reason: "drawdown of " + accountID, By: "ops", At: Start()}
}

// on turns a switch on.
func on(t *testing.T, s store.Halts, halts ...decision.Halt) {
	t.Helper()
	for _, h := range halts {
		require.NoError(t, s.SetHalt(t.Context(), h.AccountID, &h))
	}
}

// halted is what holds for the account; the zero halt when nothing does.
func halted(t *testing.T, s store.Halts, accountID string) decision.Halt {
	t.Helper()
	h, err := s.Halted(t.Context(), accountID)
	require.NoError(t, err)
	if h == nil {
		return decision.Halt{}
	}
	return *h
}

// listed are all halts.
func listed(t *testing.T, s store.Halts) []decision.Halt {
	t.Helper()
	all, err := s.Halts(t.Context())
	require.NoError(t, err)
	return append([]decision.Halt{}, all...)
}

func nothingHalted(t *testing.T, s store.Halts) {
	require.Zero(t, halted(t, s, ""))
	require.Zero(t, halted(t, s, "acct-1"))
	require.Empty(t, listed(t, s))
}

func haltReadsBack(t *testing.T, s store.Halts) {
	for _, id := range []string{"acct-1", ""} {
		on(t, s, halt(id))
		require.Equal(t, halt(id), halted(t, s, id))
	}
	require.Equal(t, []decision.Halt{halt(""), halt("acct-1")}, listed(t, s))
	bare := decision.Halt{AccountID: "acct-2", At: Start()}
	require.NoError(t, s.SetHalt(t.Context(), "", nil))
	on(t, s, bare)
	require.Equal(t, bare, halted(t, s, "acct-2"), "nobody has to say why")
}

func haltOfOneAccount(t *testing.T, s store.Halts) {
	on(t, s, halt("acct-1"))
	for _, other := range []string{"", "acct", "acct-", "acct-10", "Acct-1", "acct-1 ", " acct-1", "acct_1", "%", "acct-1\x00"} {
		require.Zero(t, halted(t, s, other), "%q", other)
	}
	on(t, s, halt("%"), halt("acct_2"))
	require.Zero(t, halted(t, s, "acct-2"), "a pattern is not a pattern")
}

func globalFirst(t *testing.T, s store.Halts) {
	on(t, s, halt("acct-1"), halt(""))
	for _, id := range []string{"", "acct-1", "acct-2"} {
		require.Equal(t, halt(""), halted(t, s, id), "%q", id)
	}
	require.NoError(t, s.SetHalt(t.Context(), "", nil))
	require.Equal(t, halt("acct-1"), halted(t, s, "acct-1"), "which nobody turned off")
	require.Zero(t, halted(t, s, ""))
	require.Zero(t, halted(t, s, "acct-2"))
}

func haltReplaces(t *testing.T, s store.Halts) {
	for _, id := range []string{"acct-1", ""} {
		second := decision.Halt{AccountID: id, Reason: "something else", At: Start().Add(-time.Hour)}
		on(t, s, halt(id), second)
		require.Equal(t, second, halted(t, s, id), "the later call counts, not the later time")
	}
	require.Len(t, listed(t, s), 2)
}

func turnOff(t *testing.T, s store.Halts) {
	require.NoError(t, s.SetHalt(t.Context(), "", nil), "which was never on")
	require.NoError(t, s.SetHalt(t.Context(), "acct-1", nil))
	on(t, s, halt("acct-1"), halt("acct-2"), halt(""))
	for range 2 {
		require.NoError(t, s.SetHalt(t.Context(), "acct-1", nil))
		require.Equal(t, []decision.Halt{halt(""), halt("acct-2")}, listed(t, s))
	}
	for range 2 {
		require.NoError(t, s.SetHalt(t.Context(), "", nil))
		require.Equal(t, []decision.Halt{halt("acct-2")}, listed(t, s))
	}
	on(t, s, halt("acct-1"))
	require.Equal(t, halt("acct-1"), halted(t, s, "acct-1"), "on again")
}

func haltOrder(t *testing.T, s store.Halts) {
	want := []decision.Halt{halt(""), halt("10"), halt("9"), halt("A"), halt("_"), halt("a"), halt("a-b"), halt("ab"), halt("b"), halt("é"), halt("上")}
	for i := range want {
		on(t, s, want[(i*7+3)%len(want)])
	}
	require.Equal(t, want, listed(t, s))
}

func haltText(t *testing.T, s store.Halts) {
	for i, words := range []string{
		"Aufwärtstrend — 上昇トレンド 📈 \u202eright to left", `quotes " ' \ and {{braces}} %s ; DROP TABLE halts; --`,
		"tab\tnewline\r\n\u2028", "a NUL \x00 and \x7f", "  spaces around  ",
	} {
		want := decision.Halt{AccountID: words, Reason: words, By: words, At: Start()}
		on(t, s, want)
		require.Equal(t, want, halted(t, s, words))
		require.Len(t, listed(t, s), i+1)
	}
}

func haltTimes(t *testing.T, s store.Halts) {
	want := halt("acct-1")
	want.At = time.Date(2026, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	given := want
	given.At = want.At.In(time.FixedZone("CET", 3600))
	on(t, s, given)
	for _, got := range []decision.Halt{halted(t, s, "acct-1"), listed(t, s)[0]} {
		require.Equal(t, want, got)
		require.Equal(t, time.UTC, got.At.Location())
	}
}

func longestHalt(t *testing.T, s store.Halts) {
	id := strings.Repeat("x", store.MaxHaltAccountBytes)
	want := []decision.Halt{{Reason: strings.Repeat("é", 250), By: strings.Repeat("y", 100), At: Start()}}
	want = append(want, want[0])
	want[1].AccountID = id
	on(t, s, want...)
	require.Equal(t, want, listed(t, s))
	require.NoError(t, s.SetHalt(t.Context(), "", nil))
	require.Equal(t, want[1], halted(t, s, id))
}

func invalidHalt(t *testing.T, s store.Halts) {
	on(t, s, halt("acct-1"), halt("acct-2"))
	for name, change := range map[string]func(h *decision.Halt){
		"of every account":   func(h *decision.Halt) { h.AccountID = "" },
		"of another account": func(h *decision.Halt) { h.AccountID = "acct-2" },
		"a long reason":      func(h *decision.Halt) { h.Reason = strings.Repeat("x", 501) },
		"a broken reason":    func(h *decision.Halt) { h.Reason = "\xff" },
		"a long name":        func(h *decision.Halt) { h.By = strings.Repeat("x", 101) },
		"no time":            func(h *decision.Halt) { h.At = time.Time{} },
		"a far time":         func(h *decision.Halt) { h.At = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		h := halt("acct-1")
		h.Reason = "another"
		change(&h)
		require.Error(t, s.SetHalt(t.Context(), "acct-1", &h), name)
	}
	h := halt("acct-3")
	require.Error(t, s.SetHalt(t.Context(), "", &h), "one account's, for every account")
	require.Equal(t, []decision.Halt{halt("acct-1"), halt("acct-2")}, listed(t, s))
}

func invalidAccount(t *testing.T, s store.Halts) {
	for _, id := range []string{strings.Repeat("x", store.MaxHaltAccountBytes+1), "\xff"} {
		h := halt(id)
		require.Error(t, s.SetHalt(t.Context(), id, &h), "on")
		require.Error(t, s.SetHalt(t.Context(), id, nil), "off")
		_, err := s.Halted(t.Context(), id)
		require.Error(t, err)
	}
	require.Empty(t, listed(t, s))
}

func givenHaltIsCopied(t *testing.T, s store.Halts) {
	h := halt("acct-1")
	require.NoError(t, s.SetHalt(t.Context(), "acct-1", &h))
	h = decision.Halt{AccountID: "acct-2", Reason: "X"}
	require.Equal(t, []decision.Halt{halt("acct-1")}, listed(t, s))
}

func returnedHaltIsACopy(t *testing.T, s store.Halts) {
	on(t, s, halt("acct-1"), halt("acct-2"))
	for _, id := range []string{"acct-1", "acct-2"} {
		h, err := s.Halted(t.Context(), id)
		require.NoError(t, err)
		*h = decision.Halt{Reason: "X"}
	}
	all, err := s.Halts(t.Context())
	require.NoError(t, err)
	clear(all)
	require.Equal(t, []decision.Halt{halt("acct-1"), halt("acct-2")}, listed(t, s))
	require.Equal(t, halt("acct-1"), halted(t, s, "acct-1"))
}

// haltWriters turns a switch of each writer on and off and on; in between it
// must read what it wrote.
func haltWriters(t *testing.T, s store.Halts) {
	const writers = 64
	failures := make([]error, writers)
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			h := halt(fmt.Sprintf("acct-%02d", w))
			for _, next := range []*decision.Halt{&h, nil, &h} {
				if failures[w] = setAndSee(t.Context(), s, h.AccountID, next); failures[w] != nil {
					return
				}
			}
			if w%2 == 1 {
				failures[w] = setAndSee(t.Context(), s, h.AccountID, nil)
			}
		})
	}
	wait.Wait()
	for _, err := range failures {
		require.NoError(t, err)
	}
	want := []decision.Halt{}
	for w := 0; w < writers; w += 2 {
		want = append(want, halt(fmt.Sprintf("acct-%02d", w)))
	}
	require.Equal(t, want, listed(t, s))
}

// setAndSee is an error unless a switch that nobody else sets is seen as set.
func setAndSee(ctx context.Context, s store.Halts, accountID string, h *decision.Halt) error {
	if err := s.SetHalt(ctx, accountID, h); err != nil {
		return err
	}
	got, err := s.Halted(ctx, accountID)
	switch {
	case err != nil:
		return err
	case (got == nil) != (h == nil) || got != nil && *got != *h:
		return fmt.Errorf("%s: set to %v, read as %v", accountID, h, got)
	}
	return nil
}

func neverSeenOff(t *testing.T, s store.Halts) {
	on(t, s, halt("standing"))
	done := make(chan struct{})
	failures := make([]error, 4)
	var writers, readers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			h := halt(fmt.Sprint("acct-", w))
			for range 6 {
				failures[w] = setAndSee(t.Context(), s, h.AccountID, &h)
				if failures[w] == nil {
					failures[w] = setAndSee(t.Context(), s, h.AccountID, nil)
				}
				if failures[w] != nil {
					return
				}
			}
		})
	}
	for r := 2; r < len(failures); r++ {
		readers.Go(func() { failures[r] = watch(t.Context(), s, halt("standing"), done) })
	}
	writers.Wait()
	close(done)
	readers.Wait()
	for _, err := range failures {
		require.NoError(t, err)
	}
	require.Equal(t, []decision.Halt{halt("standing")}, listed(t, s))
}

// watch is an error when the halt is not seen before done.
func watch(ctx context.Context, s store.Halts, want decision.Halt, done <-chan struct{}) error {
	for {
		got, err := s.Halted(ctx, want.AccountID)
		if err != nil {
			return err
		}
		all, err := s.Halts(ctx)
		if err != nil {
			return err
		}
		if got == nil || *got != want || !slices.Contains(all, want) {
			return fmt.Errorf("the halt was read as %v, and listed in %v", got, all)
		}
		select {
		case <-done:
			return nil
		default:
		}
	}
}

func sameSwitch(t *testing.T, s store.Halts) {
	const writers = 16
	failures, want, seen := make([]error, writers), make([]decision.Halt, writers), make([]*decision.Halt, writers)
	var wait sync.WaitGroup
	for w := range writers {
		want[w] = halt("acct-1")
		want[w].Reason, want[w].By = fmt.Sprint("reason ", w), fmt.Sprint("writer ", w)
		wait.Go(func() {
			h := want[w]
			if failures[w] = s.SetHalt(t.Context(), "acct-1", &h); failures[w] == nil {
				seen[w], failures[w] = s.Halted(t.Context(), "acct-1")
			}
		})
	}
	wait.Wait()
	for w, err := range failures {
		require.NoError(t, err)
		require.NotNil(t, seen[w], "nobody turned it off")
		require.Contains(t, want, *seen[w], "read while others write")
	}
	all := listed(t, s)
	require.Len(t, all, 1)
	require.Contains(t, want, all[0])
}

func endedHaltContext(t *testing.T, s store.Halts) {
	on(t, s, halt("acct-1"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, id := range []string{"", "acct-1"} {
		h := halt(id)
		h.Reason = "another"
		require.ErrorIs(t, s.SetHalt(ctx, id, &h), context.Canceled)
		require.ErrorIs(t, s.SetHalt(ctx, id, nil), context.Canceled)
		_, err := s.Halted(ctx, id)
		require.ErrorIs(t, err, context.Canceled)
	}
	_, err := s.Halts(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []decision.Halt{halt("acct-1")}, listed(t, s))
}
