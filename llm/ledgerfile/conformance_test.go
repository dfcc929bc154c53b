package ledgerfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/ledgerfile"
	"github.com/ballast-go/ballast/llm/llmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(tb testing.TB, path string) *ledgerfile.Ledger {
	tb.Helper()
	ledger, err := ledgerfile.Open(ledgerfile.Config{Path: path, CompactAfter: 50})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, ledger.Close()) })
	return ledger
}

func newPath(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(tb.TempDir(), "budget.jsonl")
}

// crashed is what a process leaves that dies without Close: the file as it is,
// and no lock.
func crashed(tb testing.TB, path string) string {
	tb.Helper()
	data, err := os.ReadFile(path)
	require.NoError(tb, err)
	copied := newPath(tb)
	require.NoError(tb, os.WriteFile(copied, data, 0o600))
	return copied
}

func TestConformance(t *testing.T) {
	t.Parallel()
	llmtest.RunLedger(t, func(tb testing.TB) (llm.Ledger, func() llm.Ledger) {
		tb.Helper()
		path := newPath(tb)
		return open(tb, path), func() llm.Ledger {
			path = crashed(tb, path)
			return open(tb, path)
		}
	})
}
