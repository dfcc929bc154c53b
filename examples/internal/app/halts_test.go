package app_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/store/haltfile"
)

func TestAnAppThatIsOpenHonoursAHaltAtOnce(t *testing.T) {
	t.Parallel()
	c := read(t, map[string]string{"DATA_DIR": filepath.Join(t.TempDir(), "data")})
	a := open(t, app.Options{Config: c, AsOf: at()})
	allocated := func() bool {
		out, err := a.Decide(t.Context(), ask(c, "BTCUSDT", "ETHUSDT", "SOLUSDT"))
		require.NoError(t, err)
		return out.Result.Decision.TotalAllocationUSD.IsPositive()
	}
	require.True(t, allocated())
	for _, id := range []string{"", app.DefaultAccount} {
		h := decision.Halt{AccountID: id, Reason: "test", At: at()}
		require.NoError(t, app.Halt(t.Context(), c.DataDir, h))
		require.False(t, allocated())
		all, err := app.Halts(t.Context(), c.DataDir)
		require.NoError(t, err)
		require.Equal(t, []decision.Halt{h}, all)
		was, still, err := app.Resume(t.Context(), c.DataDir, id)
		require.NoError(t, err)
		require.True(t, was)
		require.Empty(t, still)
		require.True(t, allocated())
	}
	require.NoError(t, app.Halt(t.Context(), c.DataDir, decision.Halt{AccountID: "another", At: at()}))
	require.True(t, allocated())
	require.NoError(t, os.Truncate(app.HaltsPath(c.DataDir), 0))
	require.False(t, allocated(), "a file that cannot be read halts")
}

func TestResumeSaysWhatWasOnAndWhatStillIs(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	was, still, err := app.Resume(t.Context(), dir, "main")
	require.NoError(t, err)
	require.False(t, was)
	require.Empty(t, still)
	require.NoDirExists(t, dir)

	for _, id := range []string{"", "main", "other"} {
		require.NoError(t, app.Halt(t.Context(), dir, decision.Halt{AccountID: id, At: at()}))
	}
	was, still, err = app.Resume(t.Context(), dir, "")
	require.NoError(t, err)
	require.True(t, was)
	require.Equal(t, []decision.Halt{{AccountID: "main", At: at()}, {AccountID: "other", At: at()}}, still)
	was, still, err = app.Resume(t.Context(), dir, "third")
	require.NoError(t, err)
	require.False(t, was)
	require.Len(t, still, 2)

	require.NoError(t, os.WriteFile(app.HaltsPath(dir), []byte("{"), 0o600))
	var corrupt *haltfile.CorruptError
	_, _, err = app.Resume(t.Context(), dir, "main")
	require.ErrorAs(t, err, &corrupt)
	require.ErrorAs(t, app.Halt(t.Context(), dir, decision.Halt{At: at()}), &corrupt)
	_, err = app.Halts(t.Context(), dir)
	require.ErrorAs(t, err, &corrupt)
}
