package ledgerfile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/ledgerfile"
)

const day = "2026-11-21"

func hold(id, usd string) llm.Reservation {
	return llm.Reservation{
		ID: id, Account: "1", Day: day, Bound: llm.Amount{USD: decimal.RequireFromString(usd), Tokens: 10},
		Limits: llm.Limits{USD: decimal.NewNullDecimal(decimal.NewFromInt(100))},
	}
}

func spent(tb testing.TB, ledger llm.Ledger) (string, string) {
	tb.Helper()
	balance, err := ledger.Balance(context.Background(), "1", day)
	require.NoError(tb, err)
	return balance.Spent.USD.String(), balance.Reserved.USD.String()
}

func lines(tb testing.TB, path string) int {
	tb.Helper()
	data, err := os.ReadFile(path)
	require.NoError(tb, err)
	return bytes.Count(data, []byte("\n"))
}

func TestOnlyOneProcessHasItOpen(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	first := open(t, path)
	_, err := ledgerfile.Open(ledgerfile.Config{Path: path})
	require.ErrorIs(t, err, ledgerfile.ErrLocked)
	require.NoError(t, first.Close())
	require.NoError(t, open(t, path).Close())
}

func TestBadConfigurationIsReportedWhole(t *testing.T) {
	t.Parallel()
	_, err := ledgerfile.Open(ledgerfile.Config{CompactAfter: 1})
	require.EqualError(t, err, "ledgerfile: Path must be set\nCompactAfter must be between 2 and 1000000, was 1")
	_, err = ledgerfile.Open(ledgerfile.Config{Path: filepath.Join(t.TempDir(), "none", "x")})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestAfterCloseNothingIsReserved(t *testing.T) {
	t.Parallel()
	ledger := open(t, newPath(t))
	require.NoError(t, ledger.Close())
	require.NoError(t, ledger.Close())
	require.ErrorIs(t, ledger.Reserve(t.Context(), hold("a", "1")), ledgerfile.ErrClosed)
	require.ErrorIs(t, ledger.Settle(t.Context(), "a", llm.Amount{}), ledgerfile.ErrClosed)
	_, err := ledger.Balance(t.Context(), "1", day)
	require.ErrorIs(t, err, ledgerfile.ErrClosed)
}

func TestAnEndedContextReservesNothingAndStillSettles(t *testing.T) {
	t.Parallel()
	ledger := open(t, newPath(t))
	require.NoError(t, ledger.Reserve(t.Context(), hold("a", "1")))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, ledger.Reserve(ended, hold("b", "1")), context.Canceled)
	require.NoError(t, ledger.Settle(ended, "a", llm.Amount{USD: decimal.New(5, -1)}))
	was, reserved := spent(t, ledger)
	require.Equal(t, [2]string{"0.5", "0"}, [2]string{was, reserved})
}

// A power cut may leave any part of the last line behind.
func TestAJournalCutAnywhereInItsLastLineOpens(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	ledger := open(t, path)
	require.NoError(t, ledger.Reserve(t.Context(), hold("a", "1")))
	require.NoError(t, ledger.Settle(t.Context(), "a", llm.Amount{USD: decimal.New(25, -2)}))
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, ledger.Reserve(t.Context(), hold("b", "2")))
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for cut := len(before); cut <= len(whole); cut++ {
		damaged := newPath(t)
		require.NoError(t, os.WriteFile(damaged, whole[:cut], 0o600))
		again, err := ledgerfile.Open(ledgerfile.Config{Path: damaged})
		require.NoError(t, err, "cut at %d", cut)
		want := "0.25"
		if cut >= len(whole)-1 { // all but its end is there
			want = "2.25"
		}
		was, reserved := spent(t, again)
		require.Equal(t, [2]string{want, "0"}, [2]string{was, reserved}, "cut at %d", cut)
		require.NoError(t, again.Reserve(t.Context(), hold("b", "2")))
		require.NoError(t, again.Close())
	}
}

func TestACorruptJournalIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	const first = `{"op":"version","version":1,"usd":0,"tokens":0}` + "\n"
	for name, tc := range map[string]struct {
		text string
		line int
		says string
	}{
		"not JSON":           {first + "x\n", 2, "invalid character"},
		"no version":         {`{"op":"settle","id":"a","usd":0,"tokens":0}` + "\n", 1, "begin with its version"},
		"two versions":       {first + first, 2, "begin with its version"},
		"a later version":    {`{"op":"version","version":2,"usd":0,"tokens":0}` + "\n", 1, "version must be 1, was 2"},
		"an unknown op":      {first + `{"op":"refund","usd":0,"tokens":0}` + "\n", 2, `was "refund"`},
		"an unknown member":  {first + `{"op":"settle","id":"a","usd":0,"tokens":0,"x":1}` + "\n", 2, "unknown"},
		"a duplicate member": {first + `{"op":"settle","id":"a","id":"b","usd":0,"tokens":0}` + "\n", 2, "duplicate"},
		"negative":           {first + `{"op":"spent","account":"1","day":"2026-11-21","usd":-5,"tokens":0}` + "\n", 2, "usd must be at least 0"},
		"negative reserve":   {first + `{"op":"reserve","id":"a","account":"1","day":"2026-11-21","usd":-5,"tokens":0}` + "\n", 2, "usd must be at least 0"},
		"spent on no day":    {first + `{"op":"spent","account":"1","day":"","usd":5,"tokens":0}` + "\n", 2, "day must be a date"},
		"a huge exponent":    {first + `{"op":"settle","id":"a","usd":1e999999999,"tokens":0}` + "\n", 2, "not a decimal"},
		"a long line":        {first + strings.Repeat(" ", 5000) + "\n", 2, "buffer full"},
		"empty":              {"", 1, "EOF"},
		"a torn first line":  {first[:20], 1, "EOF"},
		"a bad last line":    {first + `{"op":"refund","usd":0,"tokens":0}`, 2, `was "refund"`},
		"the same id twice": {
			first + strings.Repeat(`{"op":"reserve","id":"a","account":"1","day":"2026-11-21","usd":1,"tokens":0}`+"\n", 2), 3, "exists",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			require.NoError(t, os.WriteFile(path, []byte(tc.text), 0o600))
			_, err := ledgerfile.Open(ledgerfile.Config{Path: path})
			var corrupt *ledgerfile.CorruptError
			require.ErrorAs(t, err, &corrupt)
			require.Equal(t, tc.line, corrupt.Line)
			require.ErrorContains(t, corrupt.Err, tc.says)
			require.Contains(t, corrupt.Error(), fmt.Sprintf("budget.jsonl: line %d: ", tc.line))
			kept, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, tc.text, string(kept))
			require.NoError(t, os.Remove(path))
			require.NoError(t, open(t, path).Close(), "the lock was given up")
		})
	}
}

func TestTheJournalStaysBounded(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	ledger := open(t, path)
	for i := range 400 {
		r := hold(fmt.Sprint(i), "0.1")
		require.NoError(t, ledger.Reserve(t.Context(), r))
		require.NoError(t, ledger.Settle(t.Context(), r.ID, r.Bound))
		require.LessOrEqual(t, lines(t, path), 53, "50 and what is kept")
	}
	was, _ := spent(t, ledger)
	require.Equal(t, "40", was)
	require.NoError(t, ledger.Close())
	was, _ = spent(t, open(t, path))
	require.Equal(t, "40", was)
}

// No one account spends that; the ledger must still open.
func TestASumBeyondOneAmountReadsBack(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	ledger := open(t, path)
	most := llm.Amount{USD: decimal.RequireFromString("999999999999.999999999999999999"), Tokens: 999_999_999_999_999}
	for i := range 3 {
		r := hold(fmt.Sprint(i), "0")
		r.Limits = llm.Limits{}
		require.NoError(t, ledger.Reserve(t.Context(), r))
		require.NoError(t, ledger.Settle(t.Context(), r.ID, most))
	}
	for range 2 {
		require.NoError(t, ledger.Close())
		ledger = open(t, path)
		balance, err := ledger.Balance(t.Context(), "1", day)
		require.NoError(t, err)
		require.Equal(t, "2999999999999.999999999999999997", balance.Spent.USD.String())
		require.Equal(t, int64(2_999_999_999_999_997), balance.Spent.Tokens)
	}
}

// Many open reservations must not have the journal written anew at every call.
func TestALongJournalIsWrittenAnewMoreRarely(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	ledger := open(t, path)
	longest := 0
	for i := range 300 {
		require.NoError(t, ledger.Reserve(t.Context(), hold(fmt.Sprint(i), "0.1")))
		longest = max(longest, lines(t, path))
	}
	for i := range 300 {
		require.NoError(t, ledger.Settle(t.Context(), fmt.Sprint(i), llm.Amount{}))
		longest = max(longest, lines(t, path))
	}
	require.Greater(t, longest, 300)
	require.LessOrEqual(t, longest, 3*300+3)
}

func TestANewDayWritesTheJournalAnew(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	ledger := open(t, path)
	for i := range 10 {
		require.NoError(t, ledger.Reserve(t.Context(), hold(fmt.Sprint(i), "1")))
		require.NoError(t, ledger.Settle(t.Context(), fmt.Sprint(i), llm.Amount{USD: decimal.New(5, -1)}))
	}
	require.Greater(t, lines(t, path), 20)
	next := hold("next", "3")
	next.Day = "2026-11-22"
	require.NoError(t, ledger.Reserve(t.Context(), next))
	require.Equal(t, 4, lines(t, path), "the version, two days, one open reservation")
	again := open(t, crashed(t, path))
	balance, err := again.Balance(t.Context(), "1", "2026-11-22")
	require.NoError(t, err)
	require.Equal(t, "3", balance.Spent.USD.String())
	was, _ := spent(t, again)
	require.Equal(t, "5", was)
}

func TestAfterAFailureToWriteNothingIsReserved(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.Mkdir(folder, 0o700))
	ledger, err := ledgerfile.Open(ledgerfile.Config{Path: filepath.Join(folder, "x"), CompactAfter: 2})
	require.NoError(t, err)
	require.NoError(t, ledger.Reserve(t.Context(), hold("a", "1")))
	require.NoError(t, ledger.Settle(t.Context(), "a", llm.Amount{}))
	require.NoError(t, os.RemoveAll(folder))
	failure := error(nil)
	for i := 0; failure == nil && i < 50; i++ { // until the journal is to be written anew
		failure = ledger.Reserve(t.Context(), hold(fmt.Sprint(i), "1"))
	}
	require.ErrorIs(t, failure, os.ErrNotExist)
	require.Equal(t, failure, ledger.Reserve(t.Context(), hold("b", "1")))
	require.Equal(t, failure, ledger.Settle(t.Context(), "b", llm.Amount{}))
	require.NoError(t, ledger.Close())
}

// The ledger dies at any byte of its journal: what a caller was told is held
// back or spent still is, and nothing else.
func TestCrashesAtAnyPointMatchTheModel(t *testing.T) {
	t.Parallel()
	folder, starts := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{t: t, folder: folder, starts: &starts, open: map[string]int64{}}
		m.start(nil)
		defer func() { require.NoError(t, m.ledger.Close()) }()
		t.Repeat(map[string]func(*rapid.T){"reserve": m.reserve, "settle": m.settle, "crash": m.die, "": m.check})
	})
}

const limit = 60

type machine struct {
	t      *rapid.T
	folder string
	path   string
	starts *int // names files
	ledger *ledgerfile.Ledger
	spent  int64
	open   map[string]int64
}

func (m *machine) start(journal []byte) {
	*m.starts++
	m.path = filepath.Join(m.folder, fmt.Sprint(*m.starts))
	if journal != nil {
		require.NoError(m.t, os.WriteFile(m.path, journal, 0o600))
	}
	ledger, err := ledgerfile.Open(ledgerfile.Config{Path: m.path, CompactAfter: 4})
	require.NoError(m.t, err)
	m.ledger = ledger
}

func (m *machine) held() int64 {
	sum := m.spent
	for _, bound := range m.open {
		sum += bound
	}
	return sum
}

func (m *machine) reserve(t *rapid.T) {
	r := llm.Reservation{ID: fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "id")), Account: "1", Day: day, Limits: llm.Limits{Tokens: limit}}
	r.Bound.Tokens = rapid.Int64Range(0, 20).Draw(t, "bound")
	_, taken := m.open[r.ID]
	err := m.ledger.Reserve(t.Context(), r)
	switch room := m.held()+r.Bound.Tokens <= limit; {
	case taken || !room:
		require.Error(t, err)
		require.Equal(t, !taken, errors.Is(err, llm.ErrBudget))
	default:
		require.NoError(t, err)
		m.open[r.ID] = r.Bound.Tokens
	}
}

func (m *machine) settle(t *rapid.T) {
	id, actual := fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "id")), rapid.Int64Range(0, 25).Draw(t, "actual")
	require.NoError(t, m.ledger.Settle(t.Context(), id, llm.Amount{Tokens: actual}))
	if _, held := m.open[id]; held {
		m.spent += actual
		delete(m.open, id)
	}
}

// die adds what a write that was under way may have left.
func (m *machine) die(t *rapid.T) {
	journal, err := os.ReadFile(m.path)
	require.NoError(t, err)
	const unfinished = `{"op":"reserve","id":"torn","account":"1","day":"2026-11-21","usd":0,"tokens":50}`
	torn := rapid.IntRange(0, len(unfinished)).Draw(t, "torn")
	journal = append(journal, unfinished[:torn]...)
	require.NoError(t, m.ledger.Close())
	m.spent, m.open = m.held(), map[string]int64{}
	if torn == len(unfinished) {
		m.spent += 50
	}
	m.start(journal)
}

func (m *machine) check(t *rapid.T) {
	balance, err := m.ledger.Balance(t.Context(), "1", day)
	require.NoError(t, err)
	require.Equal(t, m.spent, balance.Spent.Tokens)
	require.Equal(t, m.held()-m.spent, balance.Reserved.Tokens)
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte(`{"op":"version","version":1,"usd":0,"tokens":0}` + "\n" + `{"op":"reserve","id":"a","account":"1","day":"2026-11-21","usd":1,"tokens":0}` + "\n"))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, journal []byte) {
		path := filepath.Join(t.TempDir(), "x")
		require.NoError(t, os.WriteFile(path, journal, 0o600))
		ledger, err := ledgerfile.Open(ledgerfile.Config{Path: path})
		if err != nil {
			var corrupt *ledgerfile.CorruptError
			require.ErrorAs(t, err, &corrupt)
			return
		}
		before, err := ledger.Balance(t.Context(), "1", day)
		require.NoError(t, err)
		require.NoError(t, ledger.Close())
		again, err := ledgerfile.Open(ledgerfile.Config{Path: path})
		require.NoError(t, err, "what was opened opens again")
		after, err := again.Balance(t.Context(), "1", day)
		require.NoError(t, err)
		require.True(t, before.Spent.USD.Equal(after.Spent.USD) && before.Spent.Tokens == after.Spent.Tokens)
		require.NoError(t, again.Close())
	})
}

func BenchmarkReserveAndSettle(b *testing.B) {
	b.ReportAllocs()
	ledger, err := ledgerfile.Open(ledgerfile.Config{Path: newPath(b)})
	require.NoError(b, err)
	defer ledger.Close()
	r := hold("", "0")
	for n := 0; b.Loop(); n++ {
		r.ID = fmt.Sprint(n)
		if err := errors.Join(ledger.Reserve(b.Context(), r), ledger.Settle(b.Context(), r.ID, r.Bound)); err != nil {
			b.Fatal(err)
		}
	}
}
