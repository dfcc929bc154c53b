package legacy_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/internal/pgtest"
	"github.com/ballast-go/ballast/migrations"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/legacy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(pgtest.Exit)) }

func empty(t *testing.T, d migrations.Dialect) (db *sql.DB, address string) {
	t.Helper()
	name := "pgx"
	if d == migrations.Postgres {
		address = pgtest.New(t)
	} else {
		name, address = "sqlite", filepath.Join(t.TempDir(), "a b?.db")
	}
	dsn := address
	if d == migrations.SQLite {
		dsn = "file:" + filepath.Join(filepath.Dir(address), "a%20b%3f.db") + "?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)"
	}
	db, err := sql.Open(name, dsn)
	require.NoError(t, err)
	if d == migrations.SQLite {
		db.SetMaxOpenConns(1)
	}
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db, address
}

func target(t *testing.T, d migrations.Dialect) *sql.DB {
	t.Helper()
	db, _ := empty(t, d)
	m, err := migrations.New(db, d, migrations.Config{})
	require.NoError(t, err)
	require.NoError(t, m.Up(t.Context()))
	return db
}

func execute(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), statement, args...)
	require.NoError(t, err, statement)
}

// foreign has columns of its own names and no rules.
const foreign = `CREATE TABLE "Old ""Decisions" ("row id" integer PRIMARY KEY, acct integer, at text, strategy_used text, model_used text, "pair" text,
	action text, allocation_usd text, tp_price text, sl_price text, exit_plan text, rationale text, confidence text, risk_level text)`

const insert = `INSERT INTO "Old ""Decisions" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`

func mapping() legacy.Mapping {
	return legacy.Mapping{Table: `Old "Decisions`, ID: "row id", AccountID: "acct", Timestamp: "at", Symbol: "pair"}
}

func good(id, account int) []any {
	return []any{id, account, "2024-05-06 07:08:09.123456+00", "swing", nil, "BTCUSDT", "buy", "1234.500000000000000001", "70000", nil, "plan", "why ü", "72.5", "low"}
}

type pair struct {
	t        *testing.T
	from, to migrations.Dialect
	source   *sql.DB
	cfg      legacy.Config
}

// each runs a test with a source and a target of each kind.
func each(t *testing.T, test func(p pair)) {
	t.Helper()
	for _, from := range []migrations.Dialect{migrations.SQLite, migrations.Postgres} {
		for _, to := range []migrations.Dialect{migrations.SQLite, migrations.Postgres} {
			t.Run(string(from)+" to "+string(to), func(t *testing.T) {
				t.Parallel()
				writer, address := empty(t, from)
				execute(t, writer, foreign)
				db, d, err := legacy.OpenSource(address)
				require.NoError(t, err)
				require.Equal(t, from, d)
				t.Cleanup(func() { require.NoError(t, db.Close()) })
				test(pair{t, from, to, writer, legacy.Config{
					Source: db, SourceDialect: d, Target: target(t, to), TargetDialect: to, Name: "old_bot", Mapping: mapping(), Batch: 7,
				}})
			})
		}
	}
}

func text(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	var s string
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&s))
	return s
}

func TestImport_KeepsEveryFieldAndCountsAccounts(t *testing.T) {
	t.Parallel()
	each(t, func(p pair) {
		t := p.t
		for id := range 40 {
			execute(t, p.source, insert, good(id-5, 1+id%3)...)
		}
		var told []int64
		p.cfg.Progress = func(done, total int64) {
			require.Equal(t, int64(40), total)
			told = append(told, done)
		}
		report, err := legacy.Import(t.Context(), p.cfg)
		require.NoError(t, err)
		require.Equal(t, legacy.Report{Total: 40, Read: 40, Written: 40, Reasons: map[string]int64{}}, report)
		require.Equal(t, []int64{7, 14, 21, 28, 35, 40}, told)

		var at any
		var strategy, rationale, risk, uid, source, asset, action, plan, why string
		var model sql.NullString
		var total, amount, tp, sure decimal.Decimal
		var sl decimal.NullDecimal
		require.NoError(t, p.cfg.Target.QueryRowContext(t.Context(), `SELECT timestamp, strategy_used, model_used, portfolio_rationale, total_allocation_usd, portfolio_risk_level,
			uid, source, asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence FROM decisions d JOIN asset_decisions a ON a.decision_id = d.id
			WHERE uid = 'legacy-old_bot-7'`).Scan(&at, &strategy, &model, &rationale, &total, &risk, &uid, &source, &asset, &action, &amount, &tp, &sl, &plan, &why, &sure))
		require.Equal(t, "swing|why ü|low|legacy|BTCUSDT|buy|plan|why ü|1234.500000000000000001|1234.500000000000000001|70000|72.5",
			fmt.Sprintf("%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s", strategy, rationale, risk, source, asset, action, plan, why, total, amount, tp, sure))
		require.False(t, model.Valid)
		require.False(t, sl.Valid)
		if when, ok := at.(time.Time); ok {
			at = when.UTC().Format("2006-01-02T15:04:05.000000Z")
		}
		require.Equal(t, "2024-05-06T07:08:09.123456Z", at)

		for name, n := range map[string]string{"default": "14", "account2": "13", "account3": "13"} {
			require.Equal(t, n, text(t, p.cfg.Target, "SELECT decisions FROM accounts WHERE name = '"+name+"'"))
			genesis := store.Genesis(name)
			require.Equal(t, string(genesis[:]), text(t, p.cfg.Target, "SELECT chain_head FROM accounts WHERE name = '"+name+"'"))
		}
		again, err := legacy.Import(t.Context(), p.cfg)
		require.NoError(t, err)
		require.Equal(t, legacy.Report{Total: 40, Read: 40, Present: 40, Reasons: map[string]int64{}}, again)
		require.Equal(t, "14", text(t, p.cfg.Target, "SELECT decisions FROM accounts WHERE name = 'default'"))
	})
}

func TestImport_GoesOnAfterItWasCancelled(t *testing.T) {
	t.Parallel()
	each(t, func(p pair) {
		t := p.t
		for id := range 30 {
			execute(t, p.source, insert, good(id, 1)...)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cfg := p.cfg
		cfg.Progress = func(done, _ int64) {
			if done >= 14 {
				cancel()
			}
		}
		report, err := legacy.Import(ctx, cfg)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, int64(14), report.Written)
		require.Equal(t, "14", text(t, p.cfg.Target, "SELECT count(*) FROM decisions"))
		report, err = legacy.Import(t.Context(), p.cfg)
		require.NoError(t, err)
		require.Equal(t, legacy.Report{Total: 30, Read: 30, Written: 16, Present: 14, Reasons: map[string]int64{}}, report)
		require.Equal(t, "30", text(t, p.cfg.Target, "SELECT count(*) FROM asset_decisions"))
		require.Equal(t, "30", text(t, p.cfg.Target, "SELECT decisions FROM accounts"))
	})
}

func TestImport_SkipsWhatItCannotTakeAsItIs(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("x", n) }
	bad := []struct {
		column int
		value  any
		reason string
	}{
		{1, nil, "account_id is missing"},
		{1, -4, "account_id is not a positive number"},
		{2, "yesterday", "timestamp is not a time"},
		{2, "infinity", "timestamp is not a time"},
		{2, nil, "timestamp is missing"},
		{3, long(101), "strategy_used is too long"},
		{5, "", "symbol must have 1 to 100 bytes"},
		{6, "BUY", "action is invalid"},
		{6, nil, "action is missing"},
		{7, "-1", "allocation_usd is negative"},
		{7, "NaN", "allocation_usd is not a number"},
		{7, "1e900000000000", "allocation_usd is not a number"},
		{7, "1e90", "allocation_usd has too many digits"},
		{7, nil, "allocation_usd is missing"},
		{8, "-0.1", "tp_price is negative"},
		{10, long(legacy.MaxTextChars + 1), "exit_plan is too long"},
		{11, nil, "rationale is missing"},
		{12, "100.01", "confidence is above 100"},
		{13, "extreme", "risk_level is invalid"},
	}
	each(t, func(p pair) {
		t := p.t
		want := map[string]int64{}
		for id, b := range bad {
			values := good(id, 1)
			values[b.column] = b.value
			execute(t, p.source, insert, values...)
			want[b.reason]++
		}
		execute(t, p.source, insert, good(len(bad), 1)...)
		p.cfg.MaxSkips = 5
		report, err := legacy.Import(t.Context(), p.cfg)
		require.NoError(t, err)
		require.Equal(t, want, report.Reasons)
		require.Len(t, report.Skips, 5)
		require.Equal(t, legacy.Skip{ID: 1, Reason: "account_id is not a positive number", Value: "-4"}, report.Skips[1])
		require.Equal(t, [3]int64{int64(len(bad)) + 1, 1, int64(len(bad))}, [3]int64{report.Read, report.Written, report.Skipped})
	})
}

func TestImport_ReadsTheSingleAssetSchemaByDefault(t *testing.T) {
	t.Parallel()
	for _, d := range []migrations.Dialect{migrations.SQLite, migrations.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			source, _ := empty(t, d)
			m, err := migrations.New(source, d, migrations.Config{})
			require.NoError(t, err)
			require.NoError(t, m.UpTo(t.Context(), 1))
			execute(t, source, "INSERT INTO decisions (account_id, symbol, action, allocation_usd, rationale, confidence, risk_level) VALUES (1, 'BTCUSDT', 'hold', '0', 'r', '5', 'high')")
			report, err := legacy.Import(t.Context(), legacy.Config{Source: source, SourceDialect: d, Target: target(t, d), TargetDialect: d, Name: "a"})
			require.NoError(t, err)
			require.Equal(t, int64(1), report.Written)
		})
	}
}

func TestImport_TellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := legacy.Import(t.Context(), legacy.Config{Name: "No!", Batch: 5000, MaxSkips: -1, Mapping: legacy.Mapping{Table: "a\x00"}})
	for _, part := range []string{
		"Source and Target must be given", `SourceDialect must be "postgres" or "sqlite", was ""`, `Name must have 1 to 32 of a-z, 0-9 and _, was "No!"`,
		"Batch must be between 1 and 1000, was 5000", "MaxSkips must not be negative, was -1", "the name for table must have at most 128 bytes",
	} {
		require.ErrorContains(t, err, part)
	}
	each(t, func(p pair) {
		t := p.t
		p.cfg.Mapping.Symbol = `none"; DROP TABLE decisions; --`
		execute(t, p.source, insert, good(1, 1)...)
		_, err := legacy.Import(t.Context(), p.cfg)
		require.ErrorContains(t, err, "read the source")
		require.Equal(t, "0", text(t, p.cfg.Target, "SELECT count(*) FROM decisions"))
		p.cfg.Target = p.source
		p.cfg.TargetDialect = p.from
		_, err = legacy.Import(t.Context(), p.cfg)
		require.ErrorIs(t, err, migrations.ErrOldSchema)
	})
}

func TestOpenSource_KeepsThePassword(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"postgres://u:hunter2@host:99999/db", "postgres://u:hunter2@[::1/db", "mysql://u:hunter2@h/db", "postgres://u:hunter2@h/db?sslmode=never"} {
		_, _, err := legacy.OpenSource(address)
		require.Error(t, err, address)
		require.NotContains(t, err.Error(), "hunter2")
	}
	_, _, err := legacy.OpenSource(t.TempDir())
	require.ErrorContains(t, err, "must be a file")
	_, _, err = legacy.OpenSource("sqlite:///" + filepath.Join(t.TempDir(), "none.db"))
	require.ErrorContains(t, err, "no such file")
	db, d, err := legacy.OpenSource("postgresql+asyncpg://u:p@127.0.0.1:1/db")
	require.NoError(t, err)
	require.Equal(t, migrations.Postgres, d)
	require.NoError(t, db.Close())
}

func TestImport_AnyRowIsWrittenOrSkipped(t *testing.T) {
	t.Parallel()
	source, address := empty(t, migrations.SQLite)
	execute(t, source, foreign)
	db, _, err := legacy.OpenSource(address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	into := target(t, migrations.SQLite)
	runs := 0
	rapid.Check(t, func(r *rapid.T) {
		runs++
		execute(t, source, `DELETE FROM "Old ""Decisions"`)
		rows := rapid.SliceOfN(rapid.SliceOfN(rapid.OneOf(
			rapid.Just[any](nil), rapid.Map(rapid.String(), func(s string) any { return s }), rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 9), func(b []byte) any { return b }),
			rapid.Map(rapid.Int64(), func(n int64) any { return n }), rapid.Map(rapid.Float64(), func(f float64) any { return f }),
			rapid.SampledFrom([]any{"buy", "low", "1.5", "2024-01-01", "2024-01-01T00:00:00Z"}),
		), 14, 14), 1, 6).Draw(r, "rows")
		for id, values := range rows {
			chosen := good(id, 1)
			for _, i := range rapid.SliceOfN(rapid.IntRange(1, 13), 0, 3).Draw(r, "changed") {
				chosen[i] = values[i]
			}
			execute(t, source, insert, chosen...)
		}
		report, err := legacy.Import(t.Context(), legacy.Config{
			Source: db, SourceDialect: migrations.SQLite, Target: into, TargetDialect: migrations.SQLite, Name: fmt.Sprintf("r%d", runs), Mapping: mapping(),
		})
		require.NoError(t, err)
		require.Equal(t, int64(len(rows)), report.Written+report.Skipped)
	})
}
