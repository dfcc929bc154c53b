package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
)

func TestNoKeptActionBreaksALimitOnTheSimulatedMarket(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, settings{hours: 60}))
	require.Equal(t, 2*len(decision.StrategyIDs()), strings.Count(out.String(), "fallback")+strings.Count(out.String(), "hostile model"))
}

func TestTwoRunsAreEqual(t *testing.T) {
	t.Parallel()
	var first, second bytes.Buffer
	require.NoError(t, run(t.Context(), &first, settings{hours: 15}))
	require.NoError(t, run(t.Context(), &second, settings{hours: 15}))
	require.Equal(t, first.String(), second.String())
}

// TestNoKeptActionBreaksALimitInACrash runs over real candles where they are at
// hand, a crash among them.
func TestNoKeptActionBreaksALimitInACrash(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "data", "klines-1h")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the recorded candles are not here; any folder of SYMBOL.csv works with the command itself")
	}
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, settings{dir: dir, first: 650, hours: 100}))
	require.Contains(t, out.String(), "the wildest, until 2025-10-10T22:00:00Z, moved", "accounts must have lived through the crash")
}

func TestTheHostileModelGetsSomethingThrough(t *testing.T) {
	t.Parallel()
	f := settings{hours: 48}.simulated()
	r := &trial{strategy: decision.DefaultStrategy, hostile: true}
	require.NoError(t, r.run(t.Context(), f))
	require.Positive(t, r.keptRisky, "a gate that refuses everything proves nothing")
	require.Greater(t, r.refused, r.keptRisky)
	require.Empty(t, r.broken)
}

func TestBadFoldersAreNamed(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), &bytes.Buffer{}, settings{dir: t.TempDir()})
	require.ErrorContains(t, err, "no SYMBOL.csv in")
}
