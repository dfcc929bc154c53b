package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/audit"
)

// export is the lines of accounts, one after the other by turns.
func export(t *testing.T, f *fake, n int, accounts ...string) []string {
	t.Helper()
	var file bytes.Buffer
	for i := range n {
		for _, account := range accounts {
			require.NoError(t, audit.WriteLine(&file, f.links[account][i]))
		}
	}
	lines := strings.SplitAfter(file.String(), "\n")
	return lines[:len(lines)-1]
}

func TestAnExportIsVerifiedWithoutADatabase(t *testing.T) {
	t.Parallel()
	f := newFake(t, 3, "a", "b")
	lines := export(t, f, 3, "a", "b")
	require.Len(t, lines, 6)
	require.True(t, strings.HasPrefix(lines[0], `{"account_id":"a","seq":1,"previous":"`+store.Genesis("a").String()+`","digest":"`))
	count := 0
	report, err := audit.VerifyExport(t.Context(), strings.NewReader(strings.Join(lines, "")), audit.Options{
		Checkpoints: f.heads, Progress: func(p audit.Progress) { count++; require.Equal(t, int64(count), p.Total) },
	})
	require.NoError(t, err)
	require.NoError(t, report.Err())
	require.Equal(t, f.heads, report.Checkpoints(), "times included")
	require.Equal(t, 6, count)
}

func TestReadLinesGivesBackWhatWasWritten(t *testing.T) {
	t.Parallel()
	f := newFake(t, 2, "a")
	i := 0
	for c, err := range audit.ReadLines(t.Context(), strings.NewReader(strings.Join(export(t, f, 2, "a"), ""))) {
		require.NoError(t, err)
		want := f.links["a"][i]
		require.Equal(t, want.Link, c.Link)
		require.Equal(t, string(want.Canonical.Body), string(c.Canonical.Body))
		require.Equal(t, want.Row.ID, c.Row.ID)
		i++
	}
	require.Equal(t, 2, i)
	for _, err := range audit.ReadLines(t.Context(), strings.NewReader(strings.Join(export(t, f, 2, "a"), ""))) {
		require.NoError(t, err)
		break
	}
}

func TestATamperedExport(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tamper      func(lines []string) []string
		checkpoints bool
		seq         int64
		what        audit.What
	}{
		"a digit":         {func(l []string) []string { l[1] = strings.Replace(l[1], "1250.55", "1250.56", 1); return l }, false, 2, audit.EditedRecord},
		"a candle":        {func(l []string) []string { l[1] = strings.Replace(l[1], "64100.5", "64100.6", 1); return l }, false, 2, audit.EditedRecord},
		"a line removed":  {func(l []string) []string { return append(l[:1], l[2:]...) }, false, 2, audit.Removed},
		"lines swapped":   {func(l []string) []string { l[1], l[2] = l[2], l[1]; return l }, false, 2, audit.Reordered},
		"a line twice":    {func(l []string) []string { return append(l, l[2]) }, false, 3, audit.Inserted},
		"the end cut":     {func(l []string) []string { return l[:2] }, true, 3, audit.Truncated},
		"everything gone": {func([]string) []string { return nil }, true, 1, audit.Truncated},
		"the beginning":   {func(l []string) []string { return l[1:] }, false, 1, audit.Removed},
		"another account's": {func(l []string) []string {
			l[1] = strings.Replace(l[1], `"account":{"account_id":"a"`, `"account":{"account_id":"b"`, 1)
			return l
		}, false, 2, audit.EditedRecord},
		"a newer schema": {func(l []string) []string { l[1] = strings.Replace(l[1], `"schema":1`, `"schema":7`, 1); return l }, false, 2, audit.Unreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, 3, "a")
			var o audit.Options
			if c.checkpoints {
				o.Checkpoints = f.heads
			}
			file := strings.Join(c.tamper(export(t, f, 3, "a")), "")
			report, err := audit.VerifyExport(t.Context(), strings.NewReader(file), o)
			require.NoError(t, err)
			require.Len(t, report.Accounts, 1)
			b := report.Accounts[0].Broken
			require.NotNil(t, b)
			require.Equal(t, c.what, b.What, b)
			require.Equal(t, c.seq, b.Seq, b)
		})
	}
}

func TestAnExportMayBeginAtACheckpoint(t *testing.T) {
	t.Parallel()
	f := newFake(t, 4, "a")
	lines := export(t, f, 4, "a")
	second := store.Checkpoint{AccountID: "a", Seq: 2, Hash: f.links["a"][1].Link.Hash, At: f.links["a"][1].Row.At}
	read := func(o audit.Options) audit.Report {
		report, err := audit.VerifyExport(t.Context(), strings.NewReader(strings.Join(lines[2:], "")), o)
		require.NoError(t, err)
		return report
	}
	require.NoError(t, read(audit.Options{Checkpoints: []store.Checkpoint{second}}).Err())
	require.Error(t, read(audit.Options{}).Err())
	second.Hash[0]++
	require.Error(t, read(audit.Options{Checkpoints: []store.Checkpoint{second}}).Err())
	require.Empty(t, read(audit.Options{Accounts: []string{"a"}, Checkpoints: nil}).Checkpoints())
}

func TestLinesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"x\n", "{}x\n", `{"unknown":1}`, `{"account_id":"a","account_id":"b"}`, "[]"} {
		_, err := audit.VerifyExport(t.Context(), strings.NewReader(file), audit.Options{})
		require.ErrorIs(t, err, audit.ErrLine, file)
		require.ErrorContains(t, err, "line 1")
	}
	_, err := audit.VerifyExport(t.Context(), endless{}, audit.Options{})
	require.ErrorIs(t, err, audit.ErrLine)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = audit.VerifyExport(ctx, strings.NewReader("{}"), audit.Options{})
	require.ErrorIs(t, err, context.Canceled)
}

// endless is a line without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestWriteLineRefusesWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1, "a")
	c := f.links["a"][0]
	c.Canonical.Series = nil
	require.ErrorContains(t, audit.WriteLine(&bytes.Buffer{}, c), "link 1")
	require.ErrorContains(t, audit.WriteLine(failing{}, f.links["a"][0]), "disk full")
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, fmt.Errorf("disk full") }

func FuzzVerifyExport(f *testing.F) {
	f.Add(`{"account_id":"a","seq":1,"previous":"","digest":"","hash":"","record":{"schema":1}}`)
	f.Add(`{"account_id":"a","seq":-1,"record":null}` + "\n{}")
	f.Fuzz(func(t *testing.T, file string) {
		report, err := audit.VerifyExport(t.Context(), strings.NewReader(file), audit.Options{})
		if err == nil && report.Links() > 0 {
			require.Error(t, report.Err(), "nobody guesses a hash")
		}
	})
}
