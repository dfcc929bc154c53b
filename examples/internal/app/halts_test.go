package app_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/store/haltfile"
)

// switches are those of the settings.
func switches(t *testing.T, c config.Config) *app.Switches {
	t.Helper()
	s, err := app.OpenSwitches(t.Context(), c, false)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func halt(t *testing.T, s *app.Switches, h decision.Halt) {
	t.Helper()
	_, err := s.Halt(t.Context(), h)
	require.NoError(t, err)
}

func TestAnAppThatIsOpenHonoursAHaltAtOnce(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"in memory": "memory:", "in a database": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			honoursAHalt(t, read(t, map[string]string{"DATA_DIR": filepath.Join(t.TempDir(), "data"), "DATABASE_URL": url}))
		})
	}
}

func honoursAHalt(t *testing.T, c config.Config) {
	t.Helper()
	storage, err := app.OpenStorage(t.Context(), c, app.StorageOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, storage.Close()) })
	a := open(t, app.Options{Config: c, AsOf: at(), Storage: storage})
	s := switches(t, c)
	allocated := func() bool {
		out, err := a.Decide(t.Context(), ask(c, "BTCUSDT", "ETHUSDT", "SOLUSDT"))
		require.NoError(t, err)
		return out.Result.Decision.TotalAllocationUSD.IsPositive()
	}
	require.True(t, allocated())
	for _, id := range []string{"", app.DefaultAccount} {
		h := decision.Halt{AccountID: id, Reason: "test", At: at()}
		halt(t, s, h)
		require.False(t, allocated())
		all, err := s.Halts(t.Context())
		require.NoError(t, err)
		require.Equal(t, []decision.Halt{h}, all)
		was, still, err := s.Resume(t.Context(), id)
		require.NoError(t, err)
		require.True(t, was)
		require.Empty(t, still)
		require.True(t, allocated())
	}
	halt(t, s, decision.Halt{AccountID: "another", At: at()})
	require.True(t, allocated())
	require.NoError(t, os.WriteFile(app.HaltsPath(c.DataDir), nil, 0o600))
	require.False(t, allocated(), "a file that cannot be read halts")
}

func TestResumeSaysWhatWasOnAndWhatStillIs(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := switches(t, read(t, map[string]string{"DATA_DIR": dir, "DATABASE_URL": "memory:"}))
	was, still, err := s.Resume(t.Context(), "main")
	require.NoError(t, err)
	require.False(t, was)
	require.Empty(t, still)
	require.NoDirExists(t, dir)

	for _, id := range []string{"", "main", "other"} {
		halt(t, s, decision.Halt{AccountID: id, At: at()})
	}
	was, still, err = s.Resume(t.Context(), "")
	require.NoError(t, err)
	require.True(t, was)
	require.Equal(t, []decision.Halt{{AccountID: "main", At: at()}, {AccountID: "other", At: at()}}, still)
	was, still, err = s.Resume(t.Context(), "third")
	require.NoError(t, err)
	require.False(t, was)
	require.Len(t, still, 2)

	require.NoError(t, os.WriteFile(app.HaltsPath(dir), []byte("{"), 0o600))
	var corrupt *haltfile.CorruptError
	_, _, err = s.Resume(t.Context(), "main")
	require.ErrorAs(t, err, &corrupt)
	_, err = s.Halt(t.Context(), decision.Halt{At: at()})
	require.ErrorAs(t, err, &corrupt)
	_, err = s.Halts(t.Context())
	require.ErrorAs(t, err, &corrupt)
}
