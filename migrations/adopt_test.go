package migrations_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/migrations"
)

// Texts that are no times or amounts would be read as year 1 or as zero.
func TestUp_RefusesLegacyTextsThatAreNoTimesOrAmounts(t *testing.T) {
	t.Parallel()
	for column, value := range map[string]string{
		"timestamp": "2025-02-01T00:00:00Z", "allocation_usd": "5x", "confidence": "", "tp_price": "NaN",
	} {
		db, m := sqlitePlace(t).start(t)
		require.NoError(t, m.UpTo(t.Context(), 1))
		for _, table := range []string{migrations.VersionTable, migrations.LogTable} {
			_, err := db.ExecContext(t.Context(), "DROP TABLE "+table)
			require.NoError(t, err)
		}
		_, err := db.ExecContext(t.Context(), `INSERT INTO decisions (account_id, timestamp, symbol, action, allocation_usd, rationale, confidence, risk_level)
			VALUES (1, '2025-02-01T00:00:00.000000Z', 'BTCUSDT', 'buy', '5', 'why', '50', 'low')`)
		require.NoError(t, err)
		_, err = db.ExecContext(t.Context(), "UPDATE decisions SET "+column+" = ?", value)
		require.NoError(t, err)
		err = m.Up(t.Context())
		require.ErrorIs(t, err, migrations.ErrForeignSchema, column)
		require.ErrorContains(t, err, "column decisions."+column+" of 1 rows is not like")
		require.ErrorContains(t, err, "import-legacy")
	}
}
