package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/postgres"
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
		databaseURL := database(tb)
		s := openAt(tb, databaseURL)
		return s, func() llm.Ledger { return openAt(tb, databaseURL) }
	})
}

// The host's pool has no decimals registered and may not prepare statements.
func TestStoreConformance_OnAPoolerInTransactionMode(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store {
		t.Helper()
		s, err := postgres.Open(t.Context(), database(t), postgres.Config{Pooler: true, MaxConns: 2})
		require.NoError(t, err)
		t.Cleanup(s.Close)
		return s
	})
}
