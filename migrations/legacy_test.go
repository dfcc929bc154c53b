package migrations_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/migrations"
)

// legacyRow is a row of the single-asset schema; a nil is NULL.
type legacyRow struct {
	id, account                               int64
	at                                        string
	strategy, model, tp, sl, plan             any
	symbol, action, amount, why, sure, danger string
}

func legacyRows(n int) []legacyRow {
	r := rand.New(rand.NewPCG(6, 1))
	orNull := func(text string) any {
		if r.IntN(4) == 0 {
			return nil
		}
		return text
	}
	amount := func() string { return decimal.New(r.Int64N(1e15), -int32(r.IntN(19))).String() }
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	all := make([]legacyRow, n)
	for i := range all {
		all[i] = legacyRow{
			id: int64(i*2 + 1), account: 1 + r.Int64N(5), // deleted rows left gaps
			at:       start.Add(time.Duration(r.Int64N(1e15)) * time.Microsecond / 100).Truncate(time.Microsecond).Format("2006-01-02T15:04:05.000000Z"),
			strategy: orNull(pick("conservative_swing", "scalp")), model: orNull("x-ai/grok-4"), tp: orNull(amount()), sl: orNull(amount()),
			plan: orNull(pick("", "close at noon", "línea\n末")), symbol: pick("BTCUSDT", "ETHUSDT", "SOLUSDT"), action: pick("buy", "sell", "hold"),
			amount: amount(), why: fmt.Sprintf("reason %d ü %s", i, strings.Repeat("w", r.IntN(80))), sure: decimal.New(r.Int64N(1000), -1).String(),
			danger: pick("low", "medium", "high"),
		}
	}
	return all
}

// foreign makes a database of a single-asset system, as it would itself.
func foreign(t *testing.T, db *sql.DB, d migrations.Dialect, n int) {
	t.Helper()
	create := `CREATE TABLE decisions (id bigserial PRIMARY KEY, account_id bigint NOT NULL, timestamp timestamptz NOT NULL DEFAULT now(),
		strategy_used varchar(100), model_used varchar(100), symbol varchar(20) NOT NULL, action varchar(20) NOT NULL, allocation_usd numeric(38,18) NOT NULL,
		tp_price numeric, sl_price numeric, exit_plan text, rationale text NOT NULL, confidence numeric NOT NULL, risk_level varchar(10) NOT NULL)`
	if d == migrations.SQLite {
		create = `CREATE TABLE decisions (id INTEGER PRIMARY KEY AUTOINCREMENT, account_id INTEGER NOT NULL, timestamp TEXT NOT NULL, strategy_used TEXT,
			model_used TEXT, symbol TEXT NOT NULL, action TEXT NOT NULL, allocation_usd TEXT NOT NULL, tp_price TEXT, sl_price TEXT, exit_plan TEXT,
			rationale TEXT NOT NULL, confidence TEXT NOT NULL, risk_level TEXT NOT NULL)`
	}
	execute(t, db, create)
	fill(t, db, d, legacyRows(n))
}

func fill(t *testing.T, db *sql.DB, d migrations.Dialect, rows []legacyRow) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	insert, err := tx.PrepareContext(t.Context(), `INSERT INTO decisions (id, account_id, timestamp, strategy_used, model_used, symbol, action,
		allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`)
	require.NoError(t, err)
	defer insert.Close()
	for _, r := range rows {
		_, err := insert.ExecContext(t.Context(), r.id, r.account, r.at, r.strategy, r.model, r.symbol, r.action, r.amount, r.tp, r.sl, r.plan, r.why, r.sure, r.danger)
		require.NoError(t, err)
	}
	if d == migrations.Postgres {
		_, err = tx.ExecContext(t.Context(), "SELECT setval(pg_get_serial_sequence('decisions', 'id'), max(id)) FROM decisions")
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit())
}

const legacyColumns = "id, account_id, timestamp, strategy_used, model_used, symbol, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level"

func TestUpDownUp_TenThousandLegacyDecisionsLoseNothing(t *testing.T) {
	t.Parallel()
	const n = 10_000
	each(t, func(p place) {
		t := p.t
		db, m := p.start(t)
		foreign(t, db, p.dialect, n)
		sum := decimal.Zero
		for _, r := range legacyRows(n) {
			sum = sum.Add(decimal.RequireFromString(r.amount))
		}
		legacy := query1(t, db, "SELECT "+legacyColumns+" FROM decisions ORDER BY id")
		require.NoError(t, m.Up(t.Context()))
		guide(t, db, n)
		requireSum(t, db, sum, "SELECT allocation_usd FROM asset_decisions")
		requireSum(t, db, sum, "SELECT total_allocation_usd FROM decisions")
		require.Equal(t, legacy, query1(t, db, `SELECT d.id, account_id, timestamp, strategy_used, model_used, asset, action, allocation_usd, tp_price, sl_price,
			exit_plan, rationale, confidence, risk_level FROM decisions d JOIN asset_decisions a ON a.decision_id = d.id ORDER BY d.id`))
		require.Equal(t, []string{"0"}, query1(t, db, `SELECT count(*) FROM decisions d JOIN asset_decisions a ON a.decision_id = d.id
			WHERE portfolio_rationale <> rationale OR total_allocation_usd <> allocation_usd OR portfolio_risk_level <> risk_level OR uid <> 'legacy-' || d.id OR source <> 'legacy'`))
		converted := dump(t, db, p.dialect)

		require.NoError(t, m.DownTo(t.Context(), 1))
		require.Equal(t, legacy, query1(t, db, "SELECT "+legacyColumns+" FROM decisions ORDER BY id"))
		requireSum(t, db, sum, "SELECT allocation_usd FROM decisions")

		require.NoError(t, m.Up(t.Context()))
		require.Equal(t, converted, dump(t, db, p.dialect))
		guide(t, db, n)
	})
}

func requireSum(t *testing.T, db *sql.DB, want decimal.Decimal, query string) {
	t.Helper()
	sum := decimal.Zero
	for _, text := range query1(t, db, query) {
		sum = sum.Add(decimal.RequireFromString(text))
	}
	require.True(t, want.Equal(sum), "want %s, was %s", want, sum)
}

// guide runs the queries by which the guide of the single-asset system checks
// a conversion, letter for letter.
func guide(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	require.Equal(t, []string{fmt.Sprint(n)}, query1(t, db, "SELECT COUNT(*) as total_decisions FROM decisions;"))
	require.Equal(t, []string{fmt.Sprint(n)}, query1(t, db, "SELECT COUNT(*) as total_asset_decisions FROM asset_decisions;"))
	rows := query1(t, db, `
SELECT d.id, d.portfolio_rationale, COUNT(ad.id) as asset_count
FROM decisions d
LEFT JOIN asset_decisions ad ON d.id = ad.decision_id
GROUP BY d.id
LIMIT 10;
`)
	require.Len(t, rows, min(10, n))
	for _, row := range rows {
		require.True(t, strings.HasSuffix(row, "|1"), row)
	}
}
