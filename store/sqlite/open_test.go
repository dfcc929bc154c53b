package sqlite_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/migrations"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/sqlite"
	"github.com/ballast-go/ballast/store/storetest"
)

func TestOpenTakesEveryPath(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"plain", "with space.db", "what?mode=memory", "100%", "%2e%2e", "a#b", ":memory:", "file:x.db", "a&b=c;d+e", "Aufwärts 上昇",
		`quote'"`, `back\slash`, "[1]", "~", "$HOME", "-wal", "line\nbreak",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			path := filepath.Join(folder, name)
			s, err := sqlite.Open(t.Context(), path, sqlite.Config{Migrate: true})
			require.NoError(t, err)
			require.NoError(t, s.Append(t.Context(), storetest.Sample("r1", storetest.Start())))
			require.NoError(t, s.Close())
			require.FileExists(t, path)
			again, err := sqlite.Open(t.Context(), path, sqlite.Config{ReadOnly: true})
			require.NoError(t, err)
			_, err = again.Record(t.Context(), "r1")
			require.NoError(t, err)
			require.NoError(t, again.Close())
			left, err := filepath.Glob(filepath.Join(folder, "*"))
			require.NoError(t, err)
			require.ElementsMatch(t, []string{path, path + ".lock"}, withoutSides(left), "and no other file")
		})
	}
}

// withoutSides leaves out what SQLite itself makes beside a file.
func withoutSides(paths []string) (rest []string) {
	for _, p := range paths {
		if !strings.HasSuffix(p, "-shm") && (!strings.HasSuffix(p, "-wal") || filepath.Base(p) == "-wal") {
			rest = append(rest, p)
		}
	}
	return rest
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path string // in the folder
		make func(t *testing.T, path string)
		cfg  sqlite.Config
		want error
		text string
	}{
		"an empty path":        {want: sqlite.ErrPath},
		"a NUL":                {path: "a\x00b", want: sqlite.ErrPath},
		"no folder":            {path: "no/where.db", cfg: sqlite.Config{Migrate: true}, want: sqlite.ErrFolder},
		"a file as the folder": {path: "file/x.db", make: inFile, cfg: sqlite.Config{Migrate: true}, want: sqlite.ErrFolder},
		"no file":              {path: "x.db", want: sqlite.ErrMissing, text: "ballast migrate up"},
		"no file to read":      {path: "x.db", cfg: sqlite.Config{ReadOnly: true}, want: sqlite.ErrMissing},
		"a folder":             {path: "x.db", make: folder, want: sqlite.ErrNotDatabase},
		"an empty file":        {path: "x.db", make: content(""), want: migrations.ErrOldSchema, text: "ballast migrate up"},
		"a text":               {path: "x.db", make: content("dear diary, today"), want: sqlite.ErrNotDatabase},
		"a long text":          {path: "x.db", make: content(strings.Repeat("dear diary ", 1000)), want: sqlite.ErrNotDatabase},
		"a text to migrate":    {path: "x.db", make: content(strings.Repeat("dear diary ", 1000)), cfg: sqlite.Config{Migrate: true}, want: sqlite.ErrNotDatabase},
		"an old schema":        {path: "x.db", make: schema(2), want: migrations.ErrOldSchema, text: "ballast migrate up"},
		"a newer schema":       {path: "x.db", make: newer, want: migrations.ErrNewerSchema},
		"a newer schema also to migrate": {
			path: "x.db", make: newer, cfg: sqlite.Config{Migrate: true}, want: migrations.ErrNewerSchema,
		},
		"a cut file": {path: "x.db", make: cut, want: store.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := c.path
			if path != "" {
				path = t.TempDir() + "/" + path
			}
			if c.make != nil {
				c.make(t, path)
			}
			before, readErr := os.ReadFile(path)
			s, err := sqlite.Open(t.Context(), path, c.cfg)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.text)
			require.Nil(t, s)
			if after, err := os.ReadFile(path); readErr == nil {
				require.NoError(t, err)
				require.True(t, bytes.Equal(before, after), "the file stays as it was")
			} else if path != "" {
				require.Error(t, err, "no file is made")
			}
		})
	}
}

func inFile(t *testing.T, path string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Dir(path), nil, 0o600))
}

func folder(t *testing.T, path string) {
	t.Helper()
	require.NoError(t, os.Mkdir(path, 0o700))
}

func content(text string) func(t *testing.T, path string) {
	return func(t *testing.T, path string) {
		t.Helper()
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
}

// schema migrates down to a version.
func schema(version int64) func(t *testing.T, path string) {
	return func(t *testing.T, path string) {
		t.Helper()
		db := rawDB(t, path)
		m, err := migrations.New(db, migrations.SQLite, migrations.Config{})
		require.NoError(t, err)
		require.NoError(t, m.UpTo(t.Context(), version))
		require.NoError(t, db.Close())
	}
}

func newer(t *testing.T, path string) {
	t.Helper()
	db := rawDB(t, path)
	m, err := migrations.New(db, migrations.SQLite, migrations.Config{})
	require.NoError(t, err)
	require.NoError(t, m.Up(t.Context()))
	_, err = db.ExecContext(t.Context(), "INSERT INTO "+migrations.VersionTable+" (version_id, is_applied) VALUES (9999, 1)")
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

func cut(t *testing.T, path string) {
	t.Helper()
	schema(4)(t, path)
	require.NoError(t, os.Truncate(path, 6000))
}

func TestConfigReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := sqlite.Open(t.Context(), "x", sqlite.Config{ReadOnly: true, Migrate: true, BusyTimeout: time.Hour, Readers: 65})
	for _, text := range []string{
		"Migrate must be false with ReadOnly, was true", "BusyTimeout must be between 1ms and 10m, was 1h0m0s", "Readers must be between 1 and 64, was 65",
	} {
		require.ErrorContains(t, err, text)
	}
}

func TestReadOnlyReadsAndWritesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ballast.db")
	w, err := sqlite.Open(t.Context(), path, sqlite.Config{Migrate: true})
	require.NoError(t, err)
	require.NoError(t, w.Append(t.Context(), storetest.Sample("r1", storetest.Start())))
	require.NoError(t, w.Close())
	before, err := os.ReadFile(path)
	require.NoError(t, err)

	s, err := sqlite.Open(t.Context(), path, sqlite.Config{ReadOnly: true})
	require.NoError(t, err)
	at := storetest.Start()
	for name, write := range map[string]func(ctx context.Context) error{
		"append":   func(ctx context.Context) error { return s.Append(ctx, storetest.Sample("r2", at)) },
		"the same": func(ctx context.Context) error { return s.Append(ctx, storetest.Sample("r1", at)) },
		"account":  func(ctx context.Context) error { _, err := s.AddAccount(ctx, "a"); return err },
		"assign": func(ctx context.Context) error {
			_, err := s.Assign(ctx, store.Assignment{AccountID: "a", StrategyID: "s", At: at})
			return err
		},
		"halt": func(ctx context.Context) error { return s.SetHalt(ctx, "", &decision.Halt{At: at}) },
		"breaker": func(ctx context.Context) error {
			return s.SaveBreaker(ctx, store.BreakerState{Name: "b", State: []byte("{}"), SavedAt: at})
		},
		"settle": func(ctx context.Context) error { return s.Settle(ctx, "x", llm.Amount{}) },
		"candles": func(ctx context.Context) error {
			return s.SaveCandles(ctx, "BTCUSDT", marketdata.Interval1h, storetest.Sample("r", at).Input.Market.Assets["BTCUSDT"].Series[marketdata.Interval1h].Candles())
		},
	} {
		require.ErrorIs(t, write(t.Context()), store.ErrReadOnly, name)
	}
	require.Equal(t, []string{"r1"}, verify(t, s, "acct-1"))
	require.NoError(t, s.Close())
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(before, after))
}

func TestReadOnlySeesWhatIsWrittenMeanwhile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ballast.db")
	w := openAt(t, path)
	r, err := sqlite.Open(t.Context(), path, sqlite.Config{ReadOnly: true})
	require.NoError(t, err)
	require.NoError(t, w.Append(t.Context(), storetest.Sample("r1", storetest.Start())))
	_, err = r.Record(t.Context(), "r1")
	require.NoError(t, err)
	require.NoError(t, r.Close())
}

func TestCloseIsIdempotentAndEndsAllUse(t *testing.T) {
	t.Parallel()
	s := open(t)
	require.NoError(t, s.Append(t.Context(), storetest.Sample("r1", storetest.Start())))
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Append(t.Context(), storetest.Sample("r2", storetest.Start())), sqlite.ErrClosed)
	_, err := s.Record(t.Context(), "r1")
	require.ErrorIs(t, err, sqlite.ErrClosed)
	for _, err := range s.Records(t.Context(), store.Filter{}) {
		require.ErrorIs(t, err, sqlite.ErrClosed)
	}
}

func TestCloseWaitsForAWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ballast.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Config{Migrate: true})
	require.NoError(t, err)
	free := s.Hold()
	appended, closed := make(chan error, 1), make(chan error, 1)
	go func() { appended <- s.Append(context.Background(), storetest.Sample("r1", storetest.Start())) }()
	require.Eventually(t, func() bool { return s.Waiting() == 1 }, time.Minute, time.Millisecond)
	go func() { closed <- s.Close() }()
	require.Empty(t, closed)
	free()
	require.NoError(t, <-appended)
	require.NoError(t, <-closed)
	require.Equal(t, []string{"r1"}, verify(t, openAt(t, path), "acct-1"))
}
