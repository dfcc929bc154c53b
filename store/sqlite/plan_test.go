package sqlite_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Pages and statistics walk along an index and sort nothing.
func TestQueriesUseTheirIndex(t *testing.T) {
	t.Parallel()
	s := open(t)
	for name, c := range map[string]struct{ sql, want string }{
		"a page": {
			"SELECT * FROM decisions d WHERE (d.timestamp, d.uid) < ('2026', 'x') ORDER BY d.timestamp DESC, d.uid DESC LIMIT 51",
			"SEARCH d USING INDEX idx_decisions_timestamp ((timestamp,uid)<(?,?))",
		},
		"a page of an account": {
			"SELECT * FROM decisions d WHERE d.account_id = (SELECT id FROM accounts WHERE name = 'a') AND (d.timestamp, d.uid) < ('2026', 'x') ORDER BY d.timestamp DESC, d.uid DESC LIMIT 51",
			"SEARCH d USING INDEX idx_decisions_account_timestamp (account_id=? AND (timestamp,uid)<(?,?))",
		},
		"a page of a strategy": {
			"SELECT * FROM decisions d WHERE d.strategy_used = 's' ORDER BY d.timestamp DESC, d.uid DESC LIMIT 51",
			"SEARCH d USING INDEX idx_decisions_strategy (strategy_used=?)",
		},
		"the statistics of an account": {
			"SELECT d.id FROM decisions d WHERE d.account_id = (SELECT id FROM accounts WHERE name = 'a') AND d.timestamp >= '2026' AND d.timestamp < '2027'",
			"idx_decisions_account_timestamp (account_id=? AND timestamp>? AND timestamp<?)",
		},
		"the links of an account": {
			"SELECT * FROM decisions d WHERE d.account_id = (SELECT id FROM accounts WHERE name = 'a') AND d.seq > 5 ORDER BY d.seq LIMIT 32",
			"(account_id=? AND seq>?)",
		},
	} {
		plan, err := s.Explain(t.Context(), c.sql)
		require.NoError(t, err, name)
		text := strings.Join(plan, "\n")
		require.Contains(t, text, c.want, name)
		require.NotContains(t, text, "TEMP B-TREE", name)
		require.NotContains(t, text, "SCAN d", name)
	}
}
