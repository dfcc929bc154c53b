package haltfile_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/internal/durable"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/haltfile"
	"github.com/ballast-go/ballast/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newPath(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(tb.TempDir(), "halts.json")
}

func open(tb testing.TB, path string) *haltfile.File {
	tb.Helper()
	f, err := haltfile.Open(path)
	require.NoError(tb, err)
	return f
}

func write(tb testing.TB, path, text string) {
	tb.Helper()
	require.NoError(tb, os.WriteFile(path, []byte(text), 0o600))
}

func content(tb testing.TB, path string) string {
	tb.Helper()
	data, err := os.ReadFile(path)
	require.NoError(tb, err)
	return string(data)
}

func document(entries []string) string {
	return `{"schema":1,"halts":[` + strings.Join(entries, ",") + "]}"
}

func halt(accountID string) *decision.Halt {
	return &decision.Halt{AccountID: accountID, Reason: "maintenance", By: "ops", At: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
}

func TestFileKeepsThePromises(t *testing.T) {
	t.Parallel()
	storetest.RunHalts(t, func(t *testing.T) store.Halts { t.Helper(); return open(t, newPath(t)) })
}

// several asks another File of the same path each time, as processes do.
type several struct {
	files []*haltfile.File
	next  chan int
}

func (s several) file() *haltfile.File {
	i := <-s.next
	s.next <- (i + 1) % len(s.files)
	return s.files[i]
}

func (s several) SetHalt(ctx context.Context, id string, h *decision.Halt) error {
	return s.file().SetHalt(ctx, id, h)
}

func (s several) Halted(ctx context.Context, id string) (*decision.Halt, error) {
	return s.file().Halted(ctx, id)
}

func (s several) Halts(ctx context.Context) ([]decision.Halt, error) { return s.file().Halts(ctx) }

func TestSeveralFilesOfOnePathKeepThePromisesTogether(t *testing.T) {
	t.Parallel()
	storetest.RunHalts(t, func(t *testing.T) store.Halts {
		t.Helper()
		path := newPath(t)
		s := several{next: make(chan int, 1)}
		for range 2 {
			s.files = append(s.files, open(t, path))
		}
		s.next <- 0
		return s
	})
}

func TestThePathMustBeSet(t *testing.T) {
	t.Parallel()
	_, err := haltfile.Open("")
	require.EqualError(t, err, "haltfile: the path must be set")
}

func TestTheFileIsWrittenForPeople(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	f := open(t, path)
	require.NoError(t, f.SetHalt(t.Context(), "main", &decision.Halt{AccountID: "main", At: halt("").At}))
	require.NoError(t, f.SetHalt(t.Context(), "", halt("")))
	require.Equal(t, []string{
		`{"schema":1,"halts":[`,
		`{"reason":"maintenance","by":"ops","at":"2026-11-21T12:00:00Z"},`,
		`{"account_id":"main","at":"2026-11-21T12:00:00Z"}`,
		"]}", "",
	}, strings.Split(content(t, path), "\n"))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	require.NoError(t, f.SetHalt(t.Context(), "", nil))
	require.NoError(t, f.SetHalt(t.Context(), "main", nil))
	require.Equal(t, []string{`{"schema":1,"halts":[`, "]}", ""}, strings.Split(content(t, path), "\n"))
}

func TestWithoutAFileNothingIsHaltedAndNothingIsMade(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "data")
	f := open(t, filepath.Join(folder, "halts.json"))
	h, err := f.Halted(t.Context(), "main")
	require.NoError(t, err)
	require.Nil(t, h)
	all, err := f.Halts(t.Context())
	require.NoError(t, err)
	require.Empty(t, all)
	require.NoError(t, f.SetHalt(t.Context(), "main", nil), "what is off may be turned off")
	require.NoDirExists(t, folder)
	require.ErrorIs(t, f.SetHalt(t.Context(), "main", halt("main")), fs.ErrNotExist, "a switch that was not kept is not on")
}

func TestWhatAnotherWritesCountsAtOnce(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	reader, writer := open(t, path), open(t, path)
	for range 3 {
		require.NoError(t, writer.SetHalt(t.Context(), "", halt("")))
		h, err := reader.Halted(t.Context(), "main")
		require.NoError(t, err)
		require.Equal(t, halt(""), h)
		require.NoError(t, writer.SetHalt(t.Context(), "", nil))
		h, err = reader.Halted(t.Context(), "main")
		require.NoError(t, err)
		require.Nil(t, h)
	}
	// A person's editor may keep size and time.
	write(t, path, `{"schema":1,"halts":[{"account_id":"a","at":"2026-11-21T12:00:00Z"}]}`)
	info, err := os.Stat(path)
	require.NoError(t, err)
	h, err := reader.Halted(t.Context(), "a")
	require.NoError(t, err)
	require.NotNil(t, h)
	write(t, path, `{"schema":1,"halts":[{"account_id":"b","at":"2026-11-21T12:00:00Z"}]}`)
	require.NoError(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
	h, err = reader.Halted(t.Context(), "a")
	require.NoError(t, err)
	require.Nil(t, h)
}

// A crash may leave any part of the next file beside the old one.
func TestWhatACrashLeavesBesideTheFileIsNotRead(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	f := open(t, path)
	require.NoError(t, f.SetHalt(t.Context(), "main", halt("main")))
	whole := content(t, path)
	require.NoError(t, f.SetHalt(t.Context(), "main", nil))
	for cut := range len(whole) + 1 {
		require.NoError(t, os.WriteFile(path+".new", []byte(whole[:cut]), 0o644)) //nolint:gosec // as a crash of another program may
		h, err := f.Halted(t.Context(), "main")
		require.NoError(t, err, "cut at %d", cut)
		require.Nil(t, h, "cut at %d", cut)
	}
	require.NoError(t, f.SetHalt(t.Context(), "", halt("")))
	require.NoFileExists(t, path+".new")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), "not that of what was left")
	h, err := f.Halted(t.Context(), "main")
	require.NoError(t, err)
	require.Equal(t, halt(""), h)
}

func TestAFailureToWriteLeavesTheOldFile(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	f := open(t, path)
	require.NoError(t, f.SetHalt(t.Context(), "main", halt("main")))
	require.NoError(t, os.MkdirAll(filepath.Join(path+".new", "in the way"), 0o700))
	require.ErrorContains(t, f.SetHalt(t.Context(), "main", nil), "haltfile: ")
	require.Error(t, f.SetHalt(t.Context(), "", halt("")))
	all, err := f.Halts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []decision.Halt{*halt("main")}, all)
	require.NoError(t, os.RemoveAll(path+".new"))
	require.NoError(t, f.SetHalt(t.Context(), "main", nil), "the lock was given up")
}

func TestWritersWaitForTheLockAndNotForEver(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	held, err := durable.Acquire(path + ".lock")
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		f, begun := open(t, path), time.Now()
		err := f.SetHalt(t.Context(), "main", halt("main"))
		require.ErrorIs(t, err, haltfile.ErrLocked)
		require.ErrorContains(t, err, "haltfile: another process has it open")
		require.ErrorContains(t, err, path+".lock")
		require.Equal(t, 10*time.Second, time.Since(begun))

		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		begun = time.Now()
		err = f.SetHalt(ctx, "main", halt("main"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, haltfile.ErrLocked, "which is why")
		require.Equal(t, 3*time.Second, time.Since(begun))
		h, err := f.Halted(t.Context(), "main")
		require.NoError(t, err, "readers never wait")
		require.Nil(t, h)

		failed := make(chan error)
		go func() { failed <- f.SetHalt(t.Context(), "main", halt("main")) }()
		time.Sleep(5 * time.Second)
		ended, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, f.SetHalt(ended, "main", nil), context.DeadlineExceeded, "a writer of the same File waits its turn")
		require.NoError(t, held.Release())
		require.NoError(t, <-failed)
		h, err = f.Halted(t.Context(), "main")
		require.NoError(t, err)
		require.Equal(t, halt("main"), h)
	})
}

func TestALinkIsFollowedAndKept(t *testing.T) {
	t.Parallel()
	path, link := newPath(t), filepath.Join(t.TempDir(), "link")
	require.NoError(t, open(t, path).SetHalt(t.Context(), "", halt("")))
	require.NoError(t, os.Symlink(path, link))
	require.NoError(t, open(t, link).SetHalt(t.Context(), "main", halt("main")))
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.Equal(t, fs.ModeSymlink, info.Mode().Type())
	all, err := open(t, path).Halts(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.NoFileExists(t, link+".lock", "two names of one file have one lock")
}

// What is not mounted is not known to be missing.
func TestALinkToNothingHalts(t *testing.T) {
	t.Parallel()
	folder, link := t.TempDir(), filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(filepath.Join(folder, "none"), link))
	for _, path := range []string{link, filepath.Join(link, "halts.json"), filepath.Join(link, "data", "halts.json")} {
		f := open(t, path)
		_, err := f.Halted(t.Context(), "main")
		require.ErrorIs(t, err, fs.ErrNotExist, path)
		require.ErrorIs(t, f.SetHalt(t.Context(), "main", nil), fs.ErrNotExist, path)
		require.ErrorIs(t, f.SetHalt(t.Context(), "main", halt("main")), fs.ErrNotExist, path)
	}
	require.NoError(t, os.Mkdir(filepath.Join(folder, "none"), 0o700))
	_, err := open(t, filepath.Join(link, "halts.json")).Halted(t.Context(), "main")
	require.NoError(t, err)
}

func TestManyHaltsFitAndNoMore(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	write(t, path, many(store.MaxHalts))
	f := open(t, path)
	require.ErrorContains(t, f.SetHalt(t.Context(), "x", halt("x")), "at most 10000 accounts can be halted one by one, were 10001: halt every account instead")
	require.NoError(t, f.SetHalt(t.Context(), "9999", halt("9999")), "which is on already")
	require.NoError(t, f.SetHalt(t.Context(), "", halt("")))
	require.NoError(t, f.SetHalt(t.Context(), "0", nil))
	require.NoError(t, f.SetHalt(t.Context(), "x", halt("x")))
	all, err := f.Halts(t.Context())
	require.NoError(t, err)
	require.Len(t, all, store.MaxHalts+1)
	require.Equal(t, *halt("x"), all[store.MaxHalts])
}

func TestTheGlobalHaltHasRoomInAFullFile(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	f := open(t, path)
	longest := func(id string) *decision.Halt {
		h := halt(id)
		h.Reason, h.By = string(make([]byte, 500)), string(make([]byte, 100)) // each byte is six in JSON
		return h
	}
	full := errors.New("not yet")
	var entries []string
	for i := range (haltfile.MaxBytes - haltfile.GlobalBytes) / 3100 {
		entries = append(entries, fmt.Sprintf(`{"account_id":"%03d","reason":"%s","at":"2026-11-21T12:00:00Z"}`, i, strings.Repeat(`\u0000`, 500)))
	}
	write(t, path, document(entries))
	for i := 900; i < 910; i++ {
		if full = f.SetHalt(t.Context(), fmt.Sprint(i), longest(fmt.Sprint(i))); full != nil {
			break
		}
	}
	require.ErrorContains(t, full, "the file must have at most 1040384 bytes, would have 104")
	require.ErrorContains(t, full, "halt every account instead")
	require.NoError(t, f.SetHalt(t.Context(), "", longest("")))
	require.Less(t, len(content(t, path)), haltfile.MaxBytes)
	h, err := f.Halted(t.Context(), "000")
	require.NoError(t, err)
	require.Equal(t, longest(""), h)
	require.NoError(t, f.SetHalt(t.Context(), "", nil))
	require.NoError(t, f.SetHalt(t.Context(), "000", nil))
}

func BenchmarkHalted(b *testing.B) {
	b.ReportAllocs()
	f := open(b, newPath(b))
	require.NoError(b, f.SetHalt(b.Context(), "main", halt("main")))
	for b.Loop() {
		if h, err := f.Halted(b.Context(), "main"); err != nil || h == nil {
			b.Fatal(h, err)
		}
	}
}
