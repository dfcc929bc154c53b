package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/store/storetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.RunAll(t, func(t *testing.T) storetest.Full {
		t.Helper()
		return open(t)
	})
}

func TestLedgerConformance(t *testing.T) {
	t.Parallel()
	llmtest.RunLedger(t, func(tb testing.TB) (llm.Ledger, func() llm.Ledger) {
		tb.Helper()
		path := filepath.Join(tb.TempDir(), "ballast.db")
		return openAt(tb, path), func() llm.Ledger { return openAt(tb, path) }
	})
}
