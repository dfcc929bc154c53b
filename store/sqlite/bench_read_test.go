package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/sqlite"
	"github.com/ballast-go/ballast/store/storetest"
)

// rowsVariable lists the sizes of the tables that BenchmarkRead makes, as
// "10000,100000,1000000".
const rowsVariable = "BALLAST_BENCH_ROWS"

// fillSQL makes ?1 decisions of ten accounts, one in 31.5 seconds, which end at
// storetest.Start: 1,000,000 are a year. Every one has five assets and a call,
// every tenth a fill and a closed trade.
var fillSQL = [...]string{
	`CREATE TEMP TABLE n (i INTEGER PRIMARY KEY, at TEXT)`,
	`WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ?1)
	INSERT INTO n SELECT i, strftime('%Y-%m-%dT%H:%M:%f', 1772366400 - (?1 - i) * 31.5, 'unixepoch') || '000Z' FROM c`,
	`INSERT INTO accounts (id, name, decisions, chain_length, chain_head) SELECT i, 'account ' || i, ?1 / 10, ?1 / 10, zeroblob(32) FROM n WHERE i <= 10`,
	`INSERT INTO decisions (id, uid, account_id, timestamp, strategy_used, strategy_hash, model_used, source, reason, portfolio_rationale, total_allocation_usd,
		portfolio_risk_level, is_valid, cached, generation_time_ms, prompt_tokens, completion_tokens, cost_usd, executed, executed_at,
		seq, record_hash, previous_hash, link_hash)
	SELECT i, printf('d%09d', i), 1 + i % 10, at, 'strategy ' || (i % 4), printf('%064d', i % 4), 'vendor/model-' || (i % 3),
		CASE WHEN i % 20 = 0 THEN 'fallback' ELSE 'model' END, '', replace(hex(zeroblob(20)), '00', 'rationale '), '1250.55', 'medium', 1, i % 7 = 0,
		printf('%d.%03d', 1000 + i * 7919 % 2000, i % 1000), 900, 80, printf('0.%06d', i * 7919 % 1000), i % 10 = 0, CASE WHEN i % 10 = 0 THEN at END,
		1 + i / 10, randomblob(32), randomblob(32), randomblob(32) FROM n ORDER BY i`,
	`INSERT INTO asset_decisions (decision_id, position, asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level)
	SELECT i, value, json_extract('["BTCUSDT","ETHUSDT","SOLUSDT","BNBUSDT","XRPUSDT"]', '$[' || value || ']'), CASE WHEN value = 0 THEN 'hold' ELSE 'buy' END,
		'250.11', '68800', '62080', 'stop or target', replace(hex(zeroblob(10)), '00', 'rationale '), (i * 31 + value) % 101, 'medium'
	FROM n, json_each('[0,1,2,3,4]') ORDER BY i, value`,
	`INSERT INTO llm_calls (decision_id, attempt, model, endpoint, status, latency_ms, prompt_tokens, completion_tokens, cost_usd)
	SELECT i, 1, 'vendor/model', 'api.example', CASE WHEN i % 20 = 0 THEN 'timeout' ELSE '' END, '1500', 900, 80, '0.000123' FROM n ORDER BY i`,
	`INSERT INTO trades (key, decision_id, asset, pnl_usd, pnl_percentage, opened_at, closed_at)
	SELECT 't' || i, i, 'BTCUSDT', printf('%d.%02d', i * 7919 % 90 - 45, i % 100), '1.5', at, at FROM n WHERE i % 10 = 0 ORDER BY i`,
	`INSERT INTO asset_decisions (decision_id, position, asset, action, allocation_usd, rationale, confidence, risk_level)
	SELECT i, 5, 'RARE', 'hold', '0', '', '50', 'low' FROM n WHERE i % 1000 = 0`,
	`DROP TABLE n`,
	`PRAGMA wal_checkpoint(TRUNCATE)`,
}

// filled is a store with that many decisions.
func filled(tb testing.TB, rows int) *sqlite.Store {
	tb.Helper()
	s := open(tb)
	s.Writing(func(c *sql.Conn) {
		for _, text := range fillSQL {
			_, err := c.ExecContext(context.Background(), text, rows)
			require.NoError(tb, err, text)
		}
	})
	return s
}

// BenchmarkRead reports the times of pages and of the statistics of a day.
func BenchmarkRead(b *testing.B) {
	sizes := os.Getenv(rowsVariable)
	if sizes == "" {
		sizes = "2000"
	}
	for text := range strings.SplitSeq(sizes, ",") {
		rows, err := strconv.Atoi(text)
		require.NoError(b, err)
		b.Run("rows="+text, func(b *testing.B) {
			s := filled(b, rows)
			for _, c := range readings(s, rows) {
				b.Run(c.name, func(b *testing.B) { percentiles(b, c.once) })
			}
		})
	}
}

type reading struct {
	name string
	once func(ctx context.Context) error
}

func readings(s *sqlite.Store, rows int) []reading {
	page := func(q store.Query) func(ctx context.Context) error {
		q.Limit = 50
		return func(ctx context.Context) error {
			p, err := s.Page(ctx, q)
			if err == nil && len(p.Entries) == 0 {
				err = errors.New("an empty page")
			}
			return err
		}
	}
	end := storetest.Start()
	middle := store.Position{At: end.Add(-time.Duration(rows/2) * 31500 * time.Millisecond), ID: "x"}.Cursor()
	day := store.Span{Since: end.Add(-24 * time.Hour), Until: end.Add(time.Second)}
	return []reading{
		{"page=newest", page(store.Query{Count: true})},
		{"page=account", page(store.Query{Filter: store.Filter{AccountID: "account 3"}, Count: true})},
		{"page=middle", page(store.Query{Filter: store.Filter{AccountID: "account 3"}, Cursor: middle})},
		{"page=symbol", page(store.Query{Filter: store.Filter{AccountID: "account 3", Symbol: "ETHUSDT"}})},
		{"page=rare symbol", page(store.Query{Filter: store.Filter{Symbol: "RARE"}})},
		{"page=unknown symbol", func(ctx context.Context) error {
			p, err := s.Page(ctx, store.Query{Filter: store.Filter{AccountID: "account 3", Symbol: "GONE"}})
			if len(p.Entries) > 0 {
				err = errors.New("entries of an unknown symbol")
			}
			return err
		}},
		{"page=strategy", page(store.Query{Filter: store.Filter{StrategyID: "strategy 2"}})},
		{"page=day", page(store.Query{Filter: store.Filter{Since: day.Since}, Count: true})},
		{"metrics=day", func(ctx context.Context) error {
			_, err := s.DecisionMetrics(ctx, "", day)
			return err
		}},
		{"metrics=day,account", func(ctx context.Context) error {
			_, err := s.DecisionMetrics(ctx, "account 3", day)
			return err
		}},
		{"performance=month", func(ctx context.Context) error {
			_, err := s.StrategyPerformance(ctx, "strategy 2", "", store.Span{Since: end.Add(-30 * 24 * time.Hour)})
			return err
		}},
	}
}

func percentiles(b *testing.B, once func(ctx context.Context) error) {
	b.Helper()
	for range 8 { // statements are prepared and caches warm
		require.NoError(b, once(b.Context()))
	}
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		require.NoError(b, once(b.Context()))
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(took[(len(took)-1)*p/100].Microseconds())/1000, fmt.Sprintf("p%d-ms", p))
	}
}
