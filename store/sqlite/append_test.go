package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/sqlite"
	"github.com/ballast-go/ballast/store/storetest"
)

var (
	errInjected = errors.New("injected")
	one         = decimal.NewFromInt(1)
)

// fails lets the statement fail that comes after so many.
func fails(after int) (hook func(string) error, reached func() bool) {
	n := 0
	return func(string) error {
		n++
		if n == after+1 {
			return errInjected
		}
		return nil
	}, func() bool { return n > after }
}

// Whatever statement is the last that runs, all of a write is kept or nothing.
func TestAWriteIsAllOrNothing(t *testing.T) {
	t.Parallel()
	at := storetest.Start()
	record := storetest.Sample("r1", at)
	record.Result.Tried = []llm.Attempt{{Model: "m1", Endpoint: "e"}, {Model: "m2", Endpoint: "e", Kind: llm.KindTimeout}}
	record.Input.Account.ID = "acct-new"
	for name, c := range map[string]struct {
		write func(ctx context.Context, s *sqlite.Store) error
		least int // statements
	}{
		"append": {func(ctx context.Context, s *sqlite.Store) error { return s.Append(ctx, record) }, 12},
		"assign": {func(ctx context.Context, s *sqlite.Store) error {
			_, err := s.Assign(ctx, store.Assignment{AccountID: "acct-1", StrategyID: "s2", At: at})
			return err
		}, 6},
		"fill": {func(ctx context.Context, s *sqlite.Store) error {
			return s.AddFill(ctx, store.Fill{DecisionID: "r0", Key: "k", Asset: "ETHUSDT", Quantity: one, Price: one, At: at})
		}, 5},
		"reserve": {func(ctx context.Context, s *sqlite.Store) error {
			return s.Reserve(ctx, llm.Reservation{ID: "x", Account: "a", Day: "2026-03-01", Bound: llm.Amount{Tokens: 1}})
		}, 6},
		"settle": {func(ctx context.Context, s *sqlite.Store) error { return s.Settle(ctx, "held", llm.Amount{Tokens: 2}) }, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			require.NoError(t, s.Append(t.Context(), storetest.Sample("r0", at)))
			require.NoError(t, s.Reserve(t.Context(), llm.Reservation{ID: "held", Account: "a", Day: "2026-03-01", Bound: llm.Amount{Tokens: 5}}))
			before := dump(t, s)
			for after := 0; ; after++ {
				hook, reached := fails(after)
				s.Fail(hook)
				err := c.write(t.Context(), s)
				s.Fail(nil)
				if err == nil {
					require.False(t, reached())
					require.GreaterOrEqual(t, after, c.least)
					break
				}
				require.ErrorIs(t, err, errInjected)
				require.Equal(t, before, dump(t, s), "after %d statements", after)
			}
			require.NotEqual(t, before, dump(t, s))
		})
	}
}

// dump is everything that the store keeps.
func dump(tb testing.TB, s *sqlite.Store) string {
	tb.Helper()
	var b strings.Builder
	for _, table := range []string{
		"accounts", "decisions", "asset_decisions", "decision_records", "record_series", "llm_calls", "fills", "trades",
		"strategies", "strategy_assignments", "halts", "llm_budgets", "llm_reservations", "breaker_states", "candles",
	} {
		columns := scan[string](tb, s, "SELECT group_concat('quote(' || name || ')', ' || ') FROM pragma_table_info(?)", table)
		fmt.Fprintln(&b, table, scan[string](tb, s, "SELECT coalesce(group_concat("+columns+", char(10)), '') FROM "+table))
	}
	return b.String()
}

// together lets writes wait for the writer, until all do, and then go on.
func together(t *testing.T, s *sqlite.Store, writes ...func() error) []error {
	t.Helper()
	free := s.Hold()
	results := make([]error, len(writes))
	var wait sync.WaitGroup
	for i, write := range writes {
		wait.Go(func() { results[i] = write() })
		require.Eventually(t, func() bool { return s.Waiting() == i+1 }, time.Minute, 100*time.Microsecond)
	}
	free()
	wait.Wait()
	return results
}

func appends(ctx context.Context, s *sqlite.Store, r decision.Record) func() error {
	return func() error { return s.Append(ctx, r) }
}

func TestThoseWhoWaitAreOneTransactionWithTheirOwnResults(t *testing.T) {
	t.Parallel()
	s := open(t)
	at := storetest.Start()
	other := storetest.Sample("r1", at)
	other.ModelError = "other content"
	var begun, committed int
	s.Fail(func(statement string) error {
		switch statement {
		case "BEGIN IMMEDIATE":
			begun++
		case "COMMIT":
			committed++
		}
		return nil
	})
	results := together(t, s,
		appends(t.Context(), s, storetest.Sample("r1", at)), appends(t.Context(), s, other),
		appends(t.Context(), s, storetest.Sample("r1", at)), appends(t.Context(), s, storetest.Sample("r2", at)),
		func() error {
			return s.AddFill(t.Context(), store.Fill{DecisionID: "nobody", Key: "k", Asset: "A", Quantity: one, Price: one, At: at})
		},
		func() error { return s.SetHalt(t.Context(), "", &decision.Halt{At: at}) })
	s.Fail(nil)
	require.NoError(t, results[0])
	require.ErrorIs(t, results[1], store.ErrConflict)
	require.NoError(t, results[2])
	require.NoError(t, results[3])
	require.ErrorIs(t, results[4], store.ErrNotFound)
	require.NoError(t, results[5])
	require.Equal(t, []int{1, 1}, []int{begun, committed})
	require.Equal(t, []string{"r1", "r2"}, verify(t, s, "acct-1"))
}

func TestAWriteThatFailsHalfwayFailsAlone(t *testing.T) {
	t.Parallel()
	s := open(t)
	at := storetest.Start()
	s.Fail(func(statement string) error {
		if strings.Contains(statement, "llm_calls") {
			return errInjected
		}
		return nil
	})
	bad := storetest.Sample("bad", at)
	bad.Result.Tried = []llm.Attempt{{Model: "m"}}
	results := together(t, s,
		appends(t.Context(), s, storetest.Sample("r1", at)), appends(t.Context(), s, bad), appends(t.Context(), s, storetest.Sample("r2", at)))
	s.Fail(nil)
	require.NoError(t, results[0])
	require.ErrorIs(t, results[1], errInjected)
	require.NoError(t, results[2])
	require.Equal(t, []string{"r1", "r2"}, verify(t, s, "acct-1"))
	require.Equal(t, int64(2), counts(t, s)["decisions"])
}

func TestAWriteWhoseContextEndsWhileItWaitsIsDropped(t *testing.T) {
	t.Parallel()
	s := open(t)
	at := storetest.Start()
	free := s.Hold()
	ctx, cancel := context.WithCancel(t.Context())
	dropped := make(chan error, 1)
	go func() { dropped <- s.Append(ctx, storetest.Sample("r1", at)) }()
	require.Eventually(t, func() bool { return s.Waiting() == 1 }, time.Minute, 100*time.Microsecond)
	cancel()
	require.ErrorIs(t, <-dropped, context.Canceled)
	require.Zero(t, s.Waiting())
	free()
	require.NoError(t, s.Append(t.Context(), storetest.Sample("r2", at)))
	require.Equal(t, []string{"r2"}, verify(t, s, "acct-1"))
}

func TestMoreThanAGroupWaitAndAllAreKept(t *testing.T) {
	t.Parallel()
	s := open(t)
	var writes []func() error
	for i := range 150 {
		writes = append(writes, func() error {
			return s.SetHalt(t.Context(), fmt.Sprint(i), &decision.Halt{AccountID: fmt.Sprint(i), At: storetest.Start()})
		})
	}
	for _, err := range together(t, s, writes...) {
		require.NoError(t, err)
	}
	all, err := s.Halts(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 150)
}

func TestSharedCandlesAreKeptOnceAndComeBackAfterPruning(t *testing.T) {
	t.Parallel()
	s := open(t)
	at := storetest.Start()
	require.NoError(t, s.Append(t.Context(), storetest.Sample("r1", at)))
	require.NoError(t, s.Append(t.Context(), storetest.Sample("r2", at)))
	require.Equal(t, int64(1), counts(t, s)["record_series"])
	// What was there when the record was prepared is gone when it is written.
	free := s.Hold()
	appended := make(chan error, 1)
	go func() { appended <- s.Append(t.Context(), storetest.Sample("r3", at)) }()
	require.Eventually(t, func() bool { return s.Waiting() == 1 }, time.Minute, 100*time.Microsecond)
	s.Held("DELETE FROM record_series")
	free()
	require.NoError(t, <-appended)
	require.Equal(t, []string{"r1", "r2", "r3"}, verify(t, s, "acct-1"))
}

func TestAFullDiskKeepsNothingAndIsNoEnd(t *testing.T) {
	t.Parallel()
	s := open(t)
	at := storetest.Start()
	require.NoError(t, s.Append(t.Context(), storetest.Sample("r0", at)))
	before := dump(t, s)
	execute(t, s, fmt.Sprint("PRAGMA max_page_count = ", scan[int64](t, s, "PRAGMA page_count")))
	big := storetest.Sample("big", at)
	big.ModelError = noise(1 << 20)
	results := together(t, s, appends(t.Context(), s, big), appends(t.Context(), s, big))
	for _, err := range results {
		require.ErrorIs(t, err, sqlite.ErrFull)
	}
	require.Equal(t, before, dump(t, s))
	got, err := s.Record(t.Context(), "r0")
	require.NoError(t, err)
	require.Equal(t, "r0", got.Result.ID)
	execute(t, s, "PRAGMA max_page_count = 1073741823")
	require.NoError(t, s.Append(t.Context(), big))
	require.Equal(t, []string{"r0", "big"}, verify(t, s, "acct-1"))
}

// noise does not compress.
func noise(n int) string {
	b := make([]byte, n)
	state := uint64(1)
	for i := range b {
		state = state*6364136223846793005 + 1442695040888963407
		b[i] = 'a' + byte(state>>59)%26
	}
	return string(b)
}

func TestOthersWhoHoldTheFileAreWaitedForWithinBounds(t *testing.T) {
	t.Parallel()
	s := open(t)
	path := s.Path()
	impatient, err := sqlite.Open(t.Context(), path, sqlite.Config{BusyTimeout: 10 * time.Millisecond})
	require.NoError(t, err)
	at := storetest.Start()
	execute(t, s, "BEGIN IMMEDIATE")
	require.ErrorIs(t, impatient.Append(t.Context(), storetest.Sample("r1", at)), sqlite.ErrBusy)
	_, err = impatient.Accounts(t.Context())
	require.NoError(t, err, "who only reads does not wait")
	execute(t, s, "ROLLBACK")
	require.NoError(t, impatient.Append(t.Context(), storetest.Sample("r1", at)))
	require.NoError(t, impatient.Close())
	require.Equal(t, []string{"r1"}, verify(t, s, "acct-1"))
}

func TestWhoWaitsForOthersMayGiveUp(t *testing.T) {
	t.Parallel()
	s := open(t)
	b := openAt(t, s.Path())
	execute(t, s, "BEGIN IMMEDIATE")
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	require.ErrorIs(t, b.SetHalt(ctx, "", &decision.Halt{At: storetest.Start()}), context.DeadlineExceeded)
	execute(t, s, "ROLLBACK")
	h, err := b.Halted(t.Context(), "")
	require.NoError(t, err)
	require.Nil(t, h)
}

func TestWhatWasChangedIsCorruptAndTheRestIsRead(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"a record's digest":  "UPDATE decisions SET record_hash = zeroblob(32) WHERE uid = 'r1'",
		"half a digest":      "UPDATE decisions SET record_hash = x'00' WHERE uid = 'r1'",
		"a digest as text":   "UPDATE decisions SET record_hash = 'abc' WHERE uid = 'r1'",
		"a number":           "UPDATE decisions SET total_allocation_usd = 'much' WHERE uid = 'r1'",
		"a huge number":      "UPDATE decisions SET total_allocation_usd = '1e1000000000' WHERE uid = 'r1'",
		"a number as a blob": "UPDATE decisions SET total_allocation_usd = x'00ff' WHERE uid = 'r1'",
		"a flag":             "UPDATE decisions SET is_valid = 'yes' WHERE uid = 'r1'",
		"a text":             "UPDATE decisions SET reason = x'00ff' WHERE uid = 'r1'",
		"refusals":           "UPDATE decisions SET errors = '{' WHERE uid = 'r1'",
		"an asset's number":  "UPDATE asset_decisions SET confidence = 'sure' WHERE decision_id = (SELECT id FROM decisions WHERE uid = 'r1')",
		"an asset's flag":    "UPDATE asset_decisions SET refused = 'x' WHERE decision_id = (SELECT id FROM decisions WHERE uid = 'r1')",
		"a body":             "UPDATE decision_records SET body = x'00' WHERE decision_id = (SELECT id FROM decisions WHERE uid = 'r1')",
		"a body as a number": "UPDATE decision_records SET body = 5 WHERE decision_id = (SELECT id FROM decisions WHERE uid = 'r1')",
		"a list of candles":  "UPDATE decision_records SET series = x'00' WHERE decision_id = (SELECT id FROM decisions WHERE uid = 'r1')",
		"lost candles":       "UPDATE decision_records SET series = zeroblob(32) WHERE decision_id = (SELECT id FROM decisions WHERE uid = 'r1')",
		"a lost record":      "DELETE FROM decision_records WHERE decision_id = (SELECT id FROM decisions WHERE uid = 'r1')",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			for i := range 3 {
				require.NoError(t, s.Append(t.Context(), storetest.Sample(fmt.Sprint("r", i), storetest.Start().Add(time.Duration(i)*time.Second))))
			}
			execute(t, s, change)
			var ids []string
			for l, err := range s.Links(t.Context(), "acct-1", 0) {
				ids = append(ids, l.Row.ID)
				if l.Row.ID == "r1" && err == nil {
					require.NotEqual(t, store.Hash(l.Canonical.Digest()), l.Link.Digest, "the audit finds it")
					continue
				}
				if l.Row.ID == "r1" {
					require.ErrorIs(t, err, store.ErrCorrupt)
					continue
				}
				require.NoError(t, err)
			}
			require.Equal(t, []string{"r0", "r1", "r2"}, ids)
			page, err := s.Page(t.Context(), store.Query{})
			require.NoError(t, err)
			require.Len(t, page.Entries, 3)
			for _, id := range []string{"r0", "r2"} {
				_, err := s.Record(t.Context(), id)
				require.NoError(t, err)
			}
			if _, err := s.Record(t.Context(), "r1"); err != nil {
				require.True(t, errors.Is(err, store.ErrCorrupt) || errors.Is(err, store.ErrNotFound), err)
			}
		})
	}
}

func TestADamagedPageIsCorrupt(t *testing.T) {
	t.Parallel()
	s := open(t)
	for i := range 20 {
		r := storetest.Sample(fmt.Sprint("r", i), storetest.Start())
		r.ModelError = noise(20_000 + i)
		require.NoError(t, s.Append(t.Context(), r))
	}
	path := s.Path()
	require.NoError(t, s.Close())
	damagePages(t, path)
	s, err := sqlite.Open(t.Context(), path, sqlite.Config{})
	if err == nil {
		var problems []error
		for _, err := range s.Records(t.Context(), store.Filter{}) {
			problems = append(problems, err)
		}
		err = errors.Join(slices.DeleteFunc(problems, func(err error) bool { return err == nil })...)
		require.NoError(t, s.Close())
	}
	require.ErrorIs(t, err, store.ErrCorrupt)
}
