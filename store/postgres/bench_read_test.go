package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/internal/pgtest"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/postgres"
	"github.com/ballast-go/ballast/store/storetest"
)

// rowsVariable lists the sizes of the tables that BenchmarkRead makes, as
// "10000,100000,1000000".
const rowsVariable = "BALLAST_BENCH_ROWS"

// fillSQL makes $1 decisions of ten accounts, one in 315 seconds each, which
// end at storetest.Start: 1,000,000 are a year. Every one has five assets and a
// call, every tenth a fill and a closed trade.
var fillSQL = [...]string{
	`INSERT INTO accounts (id, name, decisions, chain_length, chain_head) SELECT i, 'account ' || i, $1::bigint / 10, $1 / 10, sha256('x') FROM generate_series(1, 10) i`,
	`INSERT INTO decisions (id, uid, account_id, timestamp, strategy_used, strategy_hash, model_used, source, reason, portfolio_rationale, total_allocation_usd,
		portfolio_risk_level, is_valid, errors, warnings, degraded, cached, generation_time_ms, prompt_tokens, completion_tokens, cost_usd, executed, executed_at,
		seq, record_hash, previous_hash, link_hash)
	SELECT i, 'd' || lpad(i::text, 9, '0'), 1 + i % 10, $2::timestamptz - ($1::bigint - i) * interval '31.5 seconds', 'strategy ' || i % 4, repeat('a', 64), 'vendor/model-' || i % 3,
		CASE WHEN i % 20 = 0 THEN 'fallback' ELSE 'model' END, '', repeat('rationale ', 20), 1250.55, 'medium', i % 9 <> 0,
		CASE WHEN i % 9 = 0 THEN '[{"asset":"OTHER","was":{"asset":"OTHER","action":"buy","allocation_usd":1,"position_adjustment":null,"order_adjustment":null,"tp_price":null,"sl_price":null,"exit_plan":"","rationale":"","confidence":1,"risk_level":"low"},"violations":[]}]' ELSE '[]' END::jsonb, '[]', '[]', i % 7 = 0, 1500.125, 900, 80, 0.000123, i % 10 = 0,
		CASE WHEN i % 10 = 0 THEN $2::timestamptz END, 1 + i / 10, sha256(int8send(i)), sha256('p'), sha256('l') FROM generate_series(1, $1) i`,
	`INSERT INTO asset_decisions (decision_id, position, asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level)
	SELECT i, p, (ARRAY['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'BNBUSDT', 'XRPUSDT'])[p + 1], CASE WHEN p = 0 THEN 'buy' ELSE 'hold' END, 250.11, 68800, 62080, 'stop or target',
		repeat('rationale ', 10), 70, 'medium' FROM generate_series(1, $1::bigint) i, generate_series(0, 4) p`,
	`INSERT INTO llm_calls (decision_id, attempt, model, endpoint, status, latency_ms, prompt_tokens, completion_tokens, cost_usd)
	SELECT i, 1, 'vendor/model', 'api.example', CASE WHEN i % 20 = 0 THEN 'timeout' ELSE '' END, 1500, 900, 80, 0.000123 FROM generate_series(1, $1::bigint) i`,
	`INSERT INTO trades (key, decision_id, asset, pnl_usd, pnl_percentage, opened_at, closed_at)
	SELECT 't' || i, i, 'BTCUSDT', (i * 7919 % 1000) / 10.0 - 45, 1.5, d.timestamp, d.timestamp + interval '4 hours' FROM generate_series(10, $1::bigint, 10) i JOIN decisions d ON d.id = i`,
	`ANALYZE`,
}

// BenchmarkRead reports the times of pages and of the statistics of a day.
func BenchmarkRead(b *testing.B) {
	server := pgtest.Start(b, "fsync=off", "shared_buffers=256MB")
	for text := range strings.SplitSeq(defaultTo(os.Getenv(rowsVariable), "2000"), ",") {
		rows, err := strconv.Atoi(text)
		require.NoError(b, err)
		b.Run("rows="+text, func(b *testing.B) {
			s, err := postgres.Open(b.Context(), migrated(b, server.New(b)), postgres.Config{StatementTimeout: time.Hour})
			require.NoError(b, err)
			defer s.Close()
			for _, sql := range fillSQL {
				var args []any
				if strings.Contains(sql, "$1") {
					args = append(args, rows)
				}
				if strings.Contains(sql, "$2") {
					args = append(args, storetest.Start())
				}
				exec(b, s, sql, args...)
			}
			read(b, s, rows)
		})
	}
}

func defaultTo(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func read(b *testing.B, s *postgres.Store, rows int) {
	b.Helper()
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
	for _, c := range []struct {
		name string
		once func(ctx context.Context) error
	}{
		{"page=newest", page(store.Query{Count: true})},
		{"page=account", page(store.Query{Filter: store.Filter{AccountID: "account 3"}, Count: true})},
		{"page=middle", page(store.Query{Filter: store.Filter{AccountID: "account 3"}, Cursor: middle})},
		{"page=symbol", page(store.Query{Filter: store.Filter{AccountID: "account 3", Symbol: "ETHUSDT"}})},
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
	} {
		b.Run(c.name, func(b *testing.B) { percentiles(b, c.once) })
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
