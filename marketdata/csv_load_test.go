package marketdata_test

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
)

// slowFS counts reads and runs a hook inside each.
type slowFS struct {
	fs.FS
	opened atomic.Int32
	hook   func(n int32)
}

func (s *slowFS) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if n := s.opened.Add(1); s.hook != nil {
		s.hook(n)
	}
	return f, err
}

// Stat keeps fs.Stat from opening the file.
func (s *slowFS) Stat(name string) (fs.FileInfo, error) { return fs.Stat(s.FS, name) }

func TestCSVReadsAFileOnce(t *testing.T) {
	t.Parallel()
	files := &slowFS{FS: fstest.MapFS{"B.csv": hourFile(0, 100)}}
	source, err := marketdata.NewCSV(marketdata.CSVConfig{FS: files, Now: func() time.Time { return monday.Add(99 * time.Hour) }})
	require.NoError(t, err)
	var wg sync.WaitGroup
	var answers atomic.Int32
	for range 16 {
		wg.Go(func() {
			if snap, err := source.Snapshot(context.Background(), ask("B", 0)); err == nil {
				answers.Add(int32(len(snap.Assets)))
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 16, answers.Load())
	require.EqualValues(t, 1, files.opened.Load())
}

func TestCSVLeavesTheReadingToTheNextWhenACallerGoes(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	files := &slowFS{FS: fstest.MapFS{"B.csv": hourFile(0, 100)}, hook: func(n int32) {
		if n == 1 {
			cancel()
		}
	}}
	source, err := marketdata.NewCSV(marketdata.CSVConfig{FS: files, Now: func() time.Time { return monday.Add(99 * time.Hour) }})
	require.NoError(t, err)
	_, err = source.Snapshot(ctx, ask("B", 0))
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, snapshot(t, source, ask("B", 0)).Assets, 1)
	require.EqualValues(t, 2, files.opened.Load())
}

// brokenFS fails to read the first time.
type brokenFile struct{ fs.File }

func (brokenFile) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: "/home/someone/B.csv", Err: errors.New("input/output error")}
}

type brokenFS struct {
	fs.FS
	broken atomic.Bool
}

func (b *brokenFS) Open(name string) (fs.File, error) {
	f, err := b.FS.Open(name)
	if err == nil && b.broken.Load() {
		f = brokenFile{f}
	}
	return f, err
}

func TestCSVDoesNotRememberAReadError(t *testing.T) {
	t.Parallel()
	files := &brokenFS{FS: fstest.MapFS{"B.csv": hourFile(0, 10)}}
	files.broken.Store(true)
	source, err := marketdata.NewCSV(marketdata.CSVConfig{FS: files, Now: func() time.Time { return monday.Add(9 * time.Hour) }})
	require.NoError(t, err)
	f := snapshot(t, source, ask("B", 0)).Failures["B"]
	require.Equal(t, marketdata.ReasonUnavailable, f.Reason)
	require.Equal(t, "B.csv: cannot be read: input/output error", f.Detail)
	files.broken.Store(false)
	require.Len(t, snapshot(t, source, ask("B", 0)).Assets, 1)
}
