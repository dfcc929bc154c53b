package main

import (
	"io"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const committed = "../../indicatortest/testdata"

func TestCommittedTablesAreWhatTheProgramWrites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, run([]string{dir}, io.Discard))
	want, err := filepath.Glob(filepath.Join(committed, "*.csv"))
	require.NoError(t, err)
	got, err := filepath.Glob(filepath.Join(dir, "*.csv"))
	require.NoError(t, err)
	require.Len(t, got, len(want), "a table was added or removed: run go generate ./marketdata/indicator/...")
	for _, path := range got {
		fresh, err := os.ReadFile(path)
		require.NoError(t, err)
		old, err := os.ReadFile(filepath.Join(committed, filepath.Base(path)))
		require.NoError(t, err)
		require.Equal(t, string(old), string(fresh), "%s drifted: run go generate ./marketdata/indicator/...", filepath.Base(path))
	}
}

func TestRunWantsOneDirectory(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, run(nil, io.Discard), "got 0 arguments")
	require.Error(t, run([]string{filepath.Join(t.TempDir(), "absent")}, io.Discard))
}

// Wilder's own kind of example, by hand: three rises of 1, 2 and 3 and a fall
// of 2 at period 3.
func TestRelativeStrengthByHand(t *testing.T) {
	t.Parallel()
	closes := line{}
	for _, v := range []int64{10, 11, 13, 16, 14} {
		closes = append(closes, big.NewRat(v, 1))
	}
	got := relativeStrength(closes, 3)
	require.Nil(t, got[2])
	require.Equal(t, "100", got[3].RatString())
	// gain (2·2 + 0) ÷ 3 = 4/3, loss (0·2 + 2) ÷ 3 = 2/3: 100 − 100 ÷ 3
	require.Equal(t, "200/3", got[4].RatString())
}

func TestMomentsByHand(t *testing.T) {
	t.Parallel()
	values := line{nil, big.NewRat(1, 1), big.NewRat(3, 1), big.NewRat(8, 1)}
	means, variances := moments(values, 2, 1)
	require.Nil(t, means[1])
	require.Equal(t, "2", means[2].RatString())
	require.Equal(t, "2", variances[2].RatString())
	require.Equal(t, "25/2", variances[3].RatString())
}

func TestDecimalPlacesThePoint(t *testing.T) {
	t.Parallel()
	require.Equal(t, "0.00000030", decimal(30, -8))
	require.Equal(t, "600.01", decimal(60001, -2))
	require.Equal(t, "7000", decimal(7, 3))
}
