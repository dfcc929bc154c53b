package postgres_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/internal/pgtest"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/store/postgres"
	"github.com/ballast-go/ballast/store/storetest"
)

// fiveAssets is a record of five assets, each with 200 candles of two
// intervals, as the engine makes it every few minutes.
func fiveAssets(tb testing.TB) decision.Record {
	tb.Helper()
	r := storetest.Sample("", storetest.Start())
	asset := r.Input.Market.Assets["BTCUSDT"]
	r.Input.Market.Assets, r.Input.Symbols = map[string]marketdata.Asset{}, nil
	entry := r.Proposal.Decision.Decisions[0]
	r.Result.Decision.Decisions, r.Result.Refused = nil, nil
	r.Result.Tried = []llm.Attempt{{Model: "vendor/model", Endpoint: "api.example", Took: 1500 * time.Millisecond, Usage: llm.Usage{PromptTokens: 900, CompletionTokens: 80}}}
	for i, symbol := range []string{"BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT"} {
		asset.Symbol = symbol
		asset.Series = map[marketdata.Interval]marketdata.Series{}
		for _, interval := range []marketdata.Interval{marketdata.Interval1h, marketdata.Interval4h} {
			asset.Series[interval] = walk(tb, interval, i)
		}
		r.Input.Market.Assets[symbol] = asset
		r.Input.Symbols = append(r.Input.Symbols, symbol)
		entry.Asset = symbol
		r.Result.Decision.Decisions = append(r.Result.Decision.Decisions, entry)
	}
	return r
}

func walk(tb testing.TB, interval marketdata.Interval, seed int) marketdata.Series {
	tb.Helper()
	candles := make([]marketdata.Candle, 200)
	first := interval.Floor(storetest.Start()).Add(-200 * interval.Duration())
	for i := range candles {
		price := decimal.New(int64(6_400_000+seed*10_000+i*37%991), -2)
		candles[i] = marketdata.Candle{
			OpenTime: first.Add(time.Duration(i) * interval.Duration()), Open: price, High: price.Add(decimal.New(5, 0)), Low: price.Sub(decimal.New(5, 0)), Close: price,
			Volume: decimal.New(int64(1000+i*7919%10_007), -3), QuoteVolume: decimal.New(int64(64_000_000+i), -2),
		}
	}
	series, err := marketdata.NewSeries(interval, candles)
	require.NoError(tb, err)
	return series
}

// BenchmarkAppend compares Append, encoding and all, with a batch that a person
// would write for the same rows, given their bytes; encoded is Append without
// the encoding, which the batch is spared. Each writer has an account. The server syncs every commit to its disk.
func BenchmarkAppend(b *testing.B) {
	server := pgtest.Start(b, "fsync="+cmp.Or(os.Getenv("BALLAST_BENCH_FSYNC"), "on"))
	record := fiveAssets(b)
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprintf("writers=%d/ours", writers), func(b *testing.B) {
			s, err := postgres.Open(b.Context(), migrated(b, server.New(b)), postgres.Config{})
			require.NoError(b, err)
			defer s.Close()
			write(b, writers, func(id, account string) error {
				r := record
				r.Result.ID, r.Input.Account.ID = id, account
				return s.Append(context.Background(), r)
			})
		})
		b.Run(fmt.Sprintf("writers=%d/encoded", writers), func(b *testing.B) {
			s, err := postgres.Open(b.Context(), migrated(b, server.New(b)), postgres.Config{})
			require.NoError(b, err)
			defer s.Close()
			r := record
			r.Result.ID, r.Input.Account.ID = "model", "model"
			appendOne, err := s.AppendEncoded(r)
			require.NoError(b, err)
			write(b, writers, func(id, account string) error { return appendOne(context.Background(), id, account) })
		})
		b.Run(fmt.Sprintf("writers=%d/handwritten", writers), func(b *testing.B) {
			pool, batch := handwritten(b, migrated(b, server.New(b)), record)
			write(b, writers, func(id, account string) error {
				return pool.SendBatch(context.Background(), batch(id, account)).Close()
			})
		})
	}
}

func write(b *testing.B, writers int, appendOne func(id, account string) error) {
	b.Helper()
	for w := range writers { // accounts, candles and prepared statements
		require.NoError(b, appendOne(fmt.Sprint("first ", w), fmt.Sprint("account ", w)))
	}
	var (
		wait sync.WaitGroup
		next atomic.Int64
	)
	b.ResetTimer()
	for w := range writers {
		wait.Go(func() {
			account := fmt.Sprint("account ", w)
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := appendOne(fmt.Sprint(n), account); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wait.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}

// handwritten copies the rows that Append wrote for the record.
func handwritten(b *testing.B, databaseURL string, record decision.Record) (*pgxpool.Pool, func(id, account string) *pgx.Batch) {
	b.Helper()
	s, err := postgres.Open(b.Context(), databaseURL, postgres.Config{})
	require.NoError(b, err)
	b.Cleanup(s.Close)
	record.Result.ID, record.Input.Account.ID = "model", "model"
	require.NoError(b, s.Append(b.Context(), record))
	row := func(sql string) []any {
		rows, err := s.Pool().Query(b.Context(), sql)
		require.NoError(b, err)
		require.True(b, rows.Next())
		values, err := rows.Values()
		require.NoError(b, err)
		rows.Close()
		return values
	}
	d := row(`SELECT timestamp, strategy_used, strategy_hash, model_used, source, reason, portfolio_rationale, total_allocation_usd, portfolio_risk_level,
		is_valid, errors::text, warnings::text, degraded::text, cached, generation_time_ms, prompt_tokens, completion_tokens, cost_usd, record_hash, previous_hash, link_hash FROM decisions`)
	a := row(`SELECT asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level FROM asset_decisions`)
	c := row(`SELECT model, endpoint, status, latency_ms, prompt_tokens, completion_tokens FROM llm_calls`)
	r := row(`SELECT schema, series, body FROM decision_records`)
	const last = `currval('decisions_id_seq')`
	return s.Pool(), func(id, account string) *pgx.Batch {
		batch := &pgx.Batch{}
		batch.Queue(`INSERT INTO accounts AS a (name, decisions, chain_length, chain_head) VALUES ($1, 1, 1, $2)
			ON CONFLICT (name) DO UPDATE SET decisions = a.decisions + 1, chain_length = a.chain_length + 1, chain_head = excluded.chain_head`, account, d[20])
		batch.Queue(`INSERT INTO decisions (timestamp, strategy_used, strategy_hash, model_used, source, reason, portfolio_rationale, total_allocation_usd,
			portfolio_risk_level, is_valid, errors, warnings, degraded, cached, generation_time_ms, prompt_tokens, completion_tokens, cost_usd, record_hash,
			previous_hash, link_hash, uid, account_id, seq) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
			$22, id, chain_length FROM accounts WHERE name = $23`, append(append(make([]any, 0, 23), d...), id, account)...)
		for position := range 5 {
			batch.Queue(`INSERT INTO asset_decisions (decision_id, asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level, position)
				VALUES (`+last+`, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, append(append(make([]any, 0, 10), a...), position)...)
		}
		batch.Queue(`INSERT INTO llm_calls (decision_id, attempt, model, endpoint, status, latency_ms, prompt_tokens, completion_tokens)
			VALUES (`+last+`, 1, $1, $2, $3, $4, $5, $6)`, c...)
		batch.Queue(`INSERT INTO decision_records (decision_id, schema, series, body) VALUES (`+last+`, $1, $2, $3)`, r...)
		return batch
	}
}
