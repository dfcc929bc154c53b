package migrations_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/migrations"
)

// furnish fills every table of the newest schema: two decisions in a chain, of
// three assets (one refused) and of none, beside 3 legacy ones.
func furnish(t *testing.T, db *sql.DB, d migrations.Dialect) {
	t.Helper()
	blob, series := func(hex string) string { return "decode('" + hex + "', 'hex')" }, "ARRAY[decode('aa', 'hex')]"
	if d == migrations.SQLite {
		blob = func(hex string) string { return "x'" + hex + "'" }
		series = "x'aa'"
	}
	long := "'" + strings.Repeat("s", 150) + "'"
	for _, statement := range []string{
		"UPDATE accounts SET chain_length = 2, chain_head = " + blob("02") + ", decisions = decisions + 2 WHERE id = 1",
		`INSERT INTO decisions (id, account_id, timestamp, strategy_used, model_used, portfolio_rationale, total_allocation_usd, portfolio_risk_level, uid, source,
			errors, cost_usd, seq, record_hash, previous_hash, link_hash) VALUES
			(20, 1, '2025-03-01T00:00:00.000001Z', ` + long + `, 'm', 'all of it', '8.000000000000000001', 'high', 'a/1', 'model', '[{"a":1}]', '0.01', 1, ` + blob("01") + "," + blob("00") + "," + blob("01") + `),
			(21, 1, '2025-03-01T00:03:00.000000Z', NULL, NULL, 'nothing', '0', 'low', 'a/2', 'hold', '[]', NULL, 2, ` + blob("03") + "," + blob("01") + "," + blob("02") + ")",
		`INSERT INTO asset_decisions (id, decision_id, position, asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level, refused, refusal, order_adjustment) VALUES
			(50, 20, 0, 'A-SYMBOL-OF-MORE-THAN-TWENTY', 'adjust_position', '3.50', '1', NULL, 'x', 'first', '70', 'medium', '0', NULL, NULL),
			(51, 20, 1, 'ETHUSDT', 'adjust_orders', '4.5', NULL, NULL, NULL, 'second', '60', 'extraordinary', '0', NULL, '{"tp":1}'),
			(52, 20, 2, 'SOLUSDT', 'buy', '99', NULL, NULL, NULL, 'refused', '60', 'low', '1', '[{"rule":"r"}]', NULL)`,
		"INSERT INTO record_series VALUES (" + blob("aa") + "," + blob("ab") + ")",
		"INSERT INTO decision_records VALUES (20, 1, " + series + ", " + blob("ac") + ")",
		"INSERT INTO llm_calls VALUES (20, 1, 'm', 'e', '', '1.5', 10, 20, '0.01')",
		"INSERT INTO fills VALUES ('f', 20, 'ETHUSDT', '1', '2', '3', '2025-03-01T00:00:01.000000Z')",
		"INSERT INTO trades VALUES ('t', 20, 'ETHUSDT', '1', NULL, '2025-03-01T00:00:01.000000Z', '2025-03-02T00:00:01.000000Z')",
		"INSERT INTO equity VALUES (1, '2025-03-01T00:00:01.000000Z', '100.10')",
		"INSERT INTO strategies (strategy_id, content_hash, body, saved_at) VALUES ('s', 'h', '{}', '2025-03-01T00:00:01.000000Z')",
		"INSERT INTO strategy_assignments (account_id, strategy_id, strategy_hash, assigned_by, assigned_at, active) VALUES (1, 's', '', 'me', '2025-03-01T00:00:01.000000Z', '1')",
		"INSERT INTO halts VALUES ('', 'why', 'me', '2025-03-01T00:00:01.000000Z')",
		"INSERT INTO llm_budgets VALUES ('default', '2025-03-01', '1', 2, '3', 4)",
		"INSERT INTO llm_reservations VALUES ('r', 'default', '2025-03-01', '1', 2, '0')",
		"INSERT INTO breaker_states VALUES ('b', " + blob("7b7d") + ", '2025-03-01T00:00:01.000000Z')",
		"INSERT INTO candles VALUES ('BTCUSDT', '1h', '2025-03-01T00:00:00.000000Z', '1', '2', '3', '4', '5', '6')",
		"INSERT INTO api_keys (name, key_sha256, scope, created_at) VALUES ('k', " + blob("bb") + ", 'read', '2025-03-01T00:00:00.000000Z')",
	} {
		execute(t, db, statement)
	}
	if d == migrations.Postgres {
		execute(t, db, "SELECT setval(pg_get_serial_sequence('decisions', 'id'), 30), setval(pg_get_serial_sequence('asset_decisions', 'id'), 60)")
	}
}

func furnished(t *testing.T, p place) (*sql.DB, *migrations.Migrator) {
	t.Helper()
	db, m := p.start(t)
	foreign(t, db, p.dialect, 3) // ids 1, 3, 5
	require.NoError(t, m.Up(t.Context()))
	execute(t, db, "INSERT INTO accounts (id, name, chain_head) SELECT 1, 'default', chain_head FROM accounts WHERE NOT EXISTS (SELECT 1 FROM accounts WHERE id = 1) LIMIT 1")
	furnish(t, db, p.dialect)
	return db, m
}

func TestDownUp_RestoresRecordsAndChains(t *testing.T) {
	t.Parallel()
	each(t, func(p place) {
		t := p.t
		db, m := furnished(t, p)
		before := dump(t, db, p.dialect)
		for name, rows := range before {
			require.NotEmpty(t, rows, name)
		}
		for _, to := range []int64{3, 2, 1, 0, 1} {
			require.NoError(t, m.DownTo(t.Context(), to))
			require.NoError(t, m.Up(t.Context()))
			require.Equal(t, before, dump(t, db, p.dialect), "from %d", to)
		}
	})
}

func TestDown_GivesTheOldProgramATableThatItCanUse(t *testing.T) {
	t.Parallel()
	each(t, func(p place) {
		t := p.t
		db, m := furnished(t, p)
		require.NoError(t, m.DownTo(t.Context(), 1))
		rows := query1(t, db, "SELECT id, symbol, action, allocation_usd, rationale, risk_level FROM decisions WHERE id > 5 ORDER BY id")
		require.Len(t, rows, 2, "what was refused is no decision")
		require.Equal(t, "20|A-SYMBOL-OF-MORE-THA|adjust_position|3.50|first|medium", rows[0])
		require.Regexp(t, `^\d+\|ETHUSDT\|adjust_orders\|4.5\|second\|extraordin$`, rows[1])
		const insert = "INSERT INTO decisions (account_id, symbol, action, allocation_usd, rationale, confidence, risk_level) VALUES (9, 'BTCUSDT', 'buy', '7.25', 'meanwhile', '50', 'low')"
		execute(t, db, insert)
		execute(t, db, insert)
		require.Equal(t, []string{"2"}, query1(t, db, "SELECT count(DISTINCT id) FROM decisions WHERE account_id = 9"))
	})
}

func TestUp_MergesWhatTheOldProgramDidMeanwhile(t *testing.T) {
	t.Parallel()
	each(t, func(p place) {
		t := p.t
		db, m := furnished(t, p)
		before := dump(t, db, p.dialect)
		require.NoError(t, m.DownTo(t.Context(), 1))
		execute(t, db, "INSERT INTO decisions (account_id, symbol, action, allocation_usd, rationale, confidence, risk_level) VALUES (9, 'BTCUSDT', 'buy', '7.25', 'meanwhile', '50', 'low')")
		added := query1(t, db, "SELECT id FROM decisions WHERE account_id = 9")[0]
		execute(t, db, "UPDATE decisions SET rationale = 'edited', allocation_usd = '12.5' WHERE id = 1")
		execute(t, db, "UPDATE decisions SET model_used = 'other', confidence = '1', account_id = 9 WHERE symbol = 'ETHUSDT' AND rationale = 'second'")
		execute(t, db, "DELETE FROM decisions WHERE id IN (3, 20)")
		require.NoError(t, m.Up(t.Context()))

		require.Equal(t, []string{"edited|12.5|edited|12.5"}, query1(t, db,
			"SELECT portfolio_rationale, total_allocation_usd, rationale, allocation_usd FROM decisions d JOIN asset_decisions a ON a.decision_id = d.id WHERE d.id = 1"),
			"of one asset, the portfolio follows")
		require.Equal(t, []string{"1|other|all of it|8.000000000000000001"}, query1(t, db,
			"SELECT account_id, model_used, portfolio_rationale, total_allocation_usd FROM decisions WHERE id = 20"), "a link stays in its chain")
		require.Equal(t, []string{"1|extraordinary"}, query1(t, db, "SELECT confidence, risk_level FROM asset_decisions WHERE id = 51"))
		require.Equal(t, []string{added + "|legacy-" + added + "|legacy|meanwhile|7.25|buy"}, query1(t, db,
			"SELECT d.id, uid, source, portfolio_rationale, total_allocation_usd, action FROM decisions d JOIN asset_decisions a ON a.decision_id = d.id WHERE account_id = 9"))
		require.Equal(t, []string{"9|account9|1"}, query1(t, db, "SELECT id, name, decisions FROM accounts WHERE id = 9"))
		require.Equal(t, []string{"1"}, query1(t, db, "SELECT count(*) FROM decisions WHERE id = 3"), "what was deleted is back")
		after := dump(t, db, p.dialect)
		for _, table := range []string{"decision_records", "record_series", "llm_calls", "fills", "trades", "equity", "strategies", "halts", "indexes"} {
			require.Equal(t, before[table], after[table], table)
		}
		require.NoError(t, m.DownTo(t.Context(), 1))
		require.NoError(t, m.Up(t.Context()))
		require.Equal(t, after, dump(t, db, p.dialect))
	})
}
