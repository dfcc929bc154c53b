package storetest_test

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/memory"
	"github.com/ballast-go/ballast/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRunHaltsPassesASoundStore(t *testing.T) {
	t.Parallel()
	storetest.RunHalts(t, func(*testing.T) store.Halts { return memory.New() })
}

const flawVariable = "STORETEST_FLAWED_HALTS"

// TestRunHaltsOnAFlawedStore fails on purpose, and runs only in the processes
// that the test below starts.
func TestRunHaltsOnAFlawedStore(t *testing.T) {
	t.Parallel()
	name, promised := os.LookupEnv(flawVariable)
	if !promised {
		t.Skip("only as a child of TestRunHaltsRefusesEveryFlawedStore")
	}
	for _, f := range flaws() {
		if f.name == name {
			storetest.RunHalts(t, func(*testing.T) store.Halts { return f.open() })
		}
	}
}

// child runs one test of this program with a flaw; the error is that of the
// process.
func child(ctx context.Context, t *testing.T, flaw, run string) (string, error) {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(ctx, program, "-test.run="+run, "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), flawVariable+"="+flaw)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestRunHaltsRefusesEveryFlawedStore(t *testing.T) {
	t.Parallel()
	const test = "TestRunHaltsOnAFlawedStore"
	broken := map[string]bool{}
	for _, f := range flaws() {
		promise := strings.ReplaceAll(f.breaks, " ", "_")
		broken[promise] = true
		out, err := child(t.Context(), t, f.name, "^"+test+"$/^"+regexp.QuoteMeta(promise)+"$")
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, "a store that %s passed %q:\n%s", f.name, f.breaks, out)
		require.Contains(t, out, "--- FAIL: "+test+"/"+promise, "%s:\n%s", f.name, out)
		require.NotContains(t, out, "panic:", f.name)
	}
	out, err := child(t.Context(), t, "none", "^TestRunHaltsPassesASoundStore$")
	require.NoError(t, err, out)
	promises := map[string]bool{}
	for _, m := range regexp.MustCompile(`--- PASS: TestRunHaltsPassesASoundStore/(\S+)`).FindAllStringSubmatch(out, -1) {
		promises[m[1]] = true
	}
	require.Equal(t, slices.Sorted(maps.Keys(promises)), slices.Sorted(maps.Keys(broken)), "each promise is broken by a flaw")
}
