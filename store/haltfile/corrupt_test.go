package haltfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/haltfile"
)

const whole = `{"schema":1,"halts":[{"account_id":"main","at":"2026-11-21T12:00:00Z"}]}`

// halts requires that a file is an error for everybody and stays as it is.
func halts(t *testing.T, path string) error {
	t.Helper()
	f := open(t, path)
	_, err := f.Halted(t.Context(), "other")
	require.Error(t, err)
	require.LessOrEqual(t, len(err.Error()), 700)
	require.Contains(t, err.Error(), path)
	_, listed := f.Halts(t.Context())
	require.Equal(t, err, listed)
	for _, h := range []*decision.Halt{halt("other"), nil} {
		refused := f.SetHalt(t.Context(), "other", h)
		require.EqualError(t, refused, err.Error()+": not replaced, as its halts would be lost")
	}
	return err
}

func TestAFileThatIsNotWholeHaltsAndIsLeftAlone(t *testing.T) {
	t.Parallel()
	one := func(member string) string { return strings.Replace(whole, `"account_id":"main"`, member, 1) }
	for name, tc := range map[string]struct{ text, says string }{
		"empty":               {"", "unexpected EOF"},
		"blank":               {"\n", "unexpected EOF"},
		"not JSON":            {"halted", "invalid character"},
		"null":                {"null", "schema must be 1, was 0"},
		"a list":              {"[]", "a JSON array does not belong here"},
		"nothing":             {"{}", "schema must be 1, was 0"},
		"no halts":            {`{"schema":1}`, "halts must be a list"},
		"halts of null":       {`{"schema":1,"halts":null}`, "halts must be a list"},
		"no schema":           {`{"halts":[]}`, "schema must be 1, was 0"},
		"a later schema":      {strings.Replace(whole, "1", "2", 1), "schema must be 1, was 2"},
		"more after it":       {whole + whole, "after top-level value"},
		"an unknown member":   {one(`"account":"main"`), "unknown member"},
		"another case":        {one(`"Account_ID":"main"`), "unknown member"},
		"a duplicate member":  {one(`"account_id":"main","account_id":"x"`), "duplicate"},
		"a halt of null":      {`{"schema":1,"halts":[null]}`, "halts.0: decision: halt: at must be a time"},
		"no time":             {`{"schema":1,"halts":[{"account_id":"main"}]}`, "at must be a time"},
		"no such time":        {strings.Replace(whole, "11-21", "02-30", 1), "day out of range"},
		"year 0":              {strings.Replace(whole, "2026", "0000", 1), "the years 1 to 9999"},
		"a number":            {one(`"account_id":5`), "a JSON number does not belong here"},
		"broken text":         {one("\"account_id\":\"\xff\""), "invalid UTF-8"},
		"half a character":    {one(`"account_id":"\ud800"`), "surrogate"},
		"a long account":      {one(`"account_id":"` + strings.Repeat("x", 101) + `"`), "account_id must be at most 100 bytes"},
		"a long reason":       {one(`"reason":"` + strings.Repeat("x", 501) + `"`), "reason must be at most 500 bytes"},
		"one account twice":   {strings.Replace(whole, "]", `,{"account_id":"main","at":"2026-11-21T13:00:00Z"}]`, 1), `each account once, had "main" twice`},
		"two global halts":    {`{"schema":1,"halts":[{"at":"2026-11-21T12:00:00Z"},{"account_id":"","at":"2026-11-21T12:00:00Z"}]}`, `each account once, had "" twice`},
		"too many":            {many(store.MaxHalts + 1), "at most 10000 accounts can be halted one by one, were 10001"},
		"too large":           {whole + strings.Repeat(" ", haltfile.MaxBytes), "must have at most 1048576 bytes"},
		"a long unknown name": {`{"` + strings.Repeat("x", 1<<19) + `":1}`, "x…"},
		"a long time":         {strings.Replace(whole, "2026", strings.Repeat("9", 1<<18), 1), "9…"},
		"nested":              {strings.Repeat(`{"halts":[`, 50_000), "halts.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			write(t, path, tc.text)
			err := halts(t, path)
			var corrupt *haltfile.CorruptError
			require.ErrorAs(t, err, &corrupt)
			require.Equal(t, path, corrupt.Path)
			require.ErrorContains(t, corrupt.Err, tc.says)
			require.Equal(t, tc.text, content(t, path))
			require.NoError(t, os.Remove(path))
			require.NoError(t, open(t, path).SetHalt(t.Context(), "main", halt("main")), "the lock was given up")
		})
	}
}

// many is a file of n accounts that are halted.
func many(n int) string {
	entries := make([]string, n)
	for i := range entries {
		entries[i] = fmt.Sprintf(`{"account_id":"%d","at":"2026-11-21T12:00:00Z"}`, i)
	}
	return document(entries)
}

func TestAFileCutAnywhereHalts(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	for cut := range len(whole) {
		write(t, path, whole[:cut])
		_, err := open(t, path).Halted(t.Context(), "main")
		var corrupt *haltfile.CorruptError
		require.ErrorAs(t, err, &corrupt, "cut at %d", cut)
	}
	write(t, path, whole)
	h, err := open(t, path).Halted(t.Context(), "main")
	require.NoError(t, err)
	require.NotNil(t, h)
}

func TestWhatIsNoFileHalts(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "folder")
	require.NoError(t, os.Mkdir(folder, 0o700))
	require.ErrorContains(t, halts(t, folder), "must be a regular file")

	file := newPath(t)
	write(t, file, whole)
	f := open(t, filepath.Join(file, "halts.json")) // below a file
	_, err := f.Halted(t.Context(), "main")
	require.Error(t, err)
	require.Error(t, f.SetHalt(t.Context(), "main", nil))
}

func TestAFileThatMayNotBeReadHalts(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	write(t, path, whole)
	require.NoError(t, os.Chmod(path, 0))
	if file, err := os.Open(path); err == nil {
		require.NoError(t, file.Close())
		t.Skip("this user may read everything")
	}
	require.ErrorIs(t, halts(t, path), os.ErrPermission)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("{\"schema\":1,\"halts\":[\n{\"reason\":\"maintenance\",\"by\":\"ops\",\"at\":\"2026-11-21T12:00:00+01:00\"},\n{\"account_id\":\"\\u0000\",\"at\":\"0001-01-01T00:00:00.000000001Z\"}\n]}\n"))
	f.Add([]byte(`{"schema":1,"halts":[]}`))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, data []byte) {
		halts, err := haltfile.Decode(data)
		if err != nil {
			require.LessOrEqual(t, len(err.Error()), 400)
			return
		}
		for i := range halts {
			require.NoError(t, store.CheckHalt(halts[i].AccountID, &halts[i]))
			require.True(t, i == 0 || halts[i-1].AccountID < halts[i].AccountID)
		}
		path := filepath.Join(t.TempDir(), "x")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		file := open(t, path)
		require.NoError(t, file.SetHalt(t.Context(), "main", halt("main")))
		require.NoError(t, file.SetHalt(t.Context(), "main", nil))
		again, err := file.Halts(t.Context())
		require.NoError(t, err, "what was written reads back")
		want := []decision.Halt{}
		for _, h := range halts {
			if h.AccountID != "main" {
				want = append(want, h)
			}
		}
		require.Equal(t, want, append([]decision.Halt{}, again...))
	})
}
