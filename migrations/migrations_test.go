package migrations_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/migrations"
	"github.com/ballast-go/ballast/store"
)

func TestUp_MakesAnEmptyDatabaseWhole(t *testing.T) {
	t.Parallel()
	each(t, func(p place) {
		t := p.t
		db, m := p.start(t)
		require.ErrorIs(t, m.Check(t.Context()), migrations.ErrOldSchema)
		require.NoError(t, m.Up(t.Context()))
		require.NoError(t, m.Check(t.Context()))
		require.Equal(t, []string{
			"accounts", "api_keys", "asset_decisions", "breaker_states", "candles", "decision_records", "decisions", "equity", "fills", "halts",
			"llm_budgets", "llm_calls", "llm_reservations", "record_series", "strategies", "strategy_assignments", "trades",
		}, tables(t, db, p.dialect))
		current, err := m.Current(t.Context())
		require.NoError(t, err)
		require.Equal(t, "0004 (head) - timescale", current.String())
		require.NoError(t, m.Up(t.Context()), "nothing is left to do")
	})
}

func TestDown_AndUpAgainOfAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	each(t, func(p place) {
		t := p.t
		db, m := p.start(t)
		require.NoError(t, m.Up(t.Context()))
		before := dump(t, db, p.dialect)
		for _, to := range []int64{3, 2, 1, 0} {
			require.NoError(t, m.DownTo(t.Context(), to))
			require.NoError(t, m.Up(t.Context()))
			require.Equal(t, before, dump(t, db, p.dialect))
		}
		for range 4 {
			require.NoError(t, m.Down(t.Context()))
		}
		current, err := m.Current(t.Context())
		require.NoError(t, err)
		require.Equal(t, "0000 - empty", current.String())
		require.NoError(t, m.Down(t.Context()), "nothing is left to do")
		for _, to := range []int64{1, 2, 3, 4} {
			require.NoError(t, m.UpTo(t.Context(), to))
		}
		require.Equal(t, before, dump(t, db, p.dialect))
	})
}

func TestUp_GivesLegacyAccountsTheHeadOfAnEmptyChain(t *testing.T) {
	t.Parallel()
	each(t, func(p place) {
		t := p.t
		db, m := p.start(t)
		require.NoError(t, m.UpTo(t.Context(), 1))
		for _, account := range []int{7, 1, 7} {
			execute(t, db, "INSERT INTO decisions (account_id, symbol, action, allocation_usd, rationale, confidence, risk_level) VALUES ($1, 'BTCUSDT', 'buy', 1, 'r', 50, 'low')", account)
		}
		require.NoError(t, m.Up(t.Context()))
		for id, want := range map[int]struct {
			name  string
			count int
		}{1: {"default", 1}, 7: {"account7", 2}} {
			var name string
			var head []byte
			var count int
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT name, chain_head, decisions FROM accounts WHERE id = $1", id).Scan(&name, &head, &count))
			require.Equal(t, want.name, name)
			require.Equal(t, want.count, count)
			genesis := store.Genesis(want.name)
			require.Equal(t, genesis[:], head)
		}
	})
}
