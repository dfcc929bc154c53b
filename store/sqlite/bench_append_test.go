package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
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

// BenchmarkAppend compares Append, encoding and all, with the same rows from
// bytes made beforehand: each decision a transaction of prepared statements on
// the one connection that SQLite lets write, as a person would write it.
// encoded is Append without the encoding, which that is spared. Each writer has
// an account.
func BenchmarkAppend(b *testing.B) {
	record := fiveAssets(b)
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprintf("writers=%d/ours", writers), func(b *testing.B) {
			s := open(b)
			write(b, writers, func(id, account string) error {
				r := record
				r.Result.ID, r.Input.Account.ID = id, account
				return s.Append(context.Background(), r)
			})
		})
		b.Run(fmt.Sprintf("writers=%d/encoded", writers), func(b *testing.B) {
			r := record
			r.Result.ID, r.Input.Account.ID = "model", "model"
			appendOne, err := open(b).AppendEncoded(b.Context(), r)
			require.NoError(b, err)
			write(b, writers, func(id, account string) error { return appendOne(context.Background(), id, account) })
		})
		b.Run(fmt.Sprintf("writers=%d/handwritten", writers), func(b *testing.B) { write(b, writers, handwritten(b, record)) })
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
func handwritten(b *testing.B, record decision.Record) func(id, account string) error {
	b.Helper()
	path := filepath.Join(b.TempDir(), "ballast.db")
	s := openAt(b, path)
	record.Result.ID, record.Input.Account.ID = "model", "model"
	require.NoError(b, s.Append(b.Context(), record))
	require.NoError(b, s.Close())
	db, err := sql.Open("sqlite", path+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=foreign_keys(on)&_txlock=immediate")
	require.NoError(b, err)
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	ctx := context.Background()
	begin, commit := prepared(ctx, b, db, "BEGIN IMMEDIATE"), prepared(ctx, b, db, "COMMIT")
	var mu sync.Mutex // SQLite lets one write
	// copies inserts a copy of the model's row, with the first columns anew.
	copies := func(table, fresh, columns string) (insert func(fresh ...any) (sql.Result, error), model []any) {
		n := strings.Count(columns, ",") + 1
		values, targets := make([]any, n), make([]any, n)
		for i := range values {
			targets[i] = &values[i]
		}
		require.NoError(b, db.QueryRowContext(ctx, "SELECT "+columns+" FROM "+table).Scan(targets...))
		n += strings.Count(fresh, ",") + 1
		st := prepared(ctx, b, db, "INSERT INTO "+table+" ("+fresh+", "+columns+") VALUES (?"+strings.Repeat(", ?", n-1)+")")
		return func(fresh ...any) (sql.Result, error) { return st.ExecContext(ctx, append(fresh, values...)...) }, values
	}
	d, ofD := copies("decisions", "uid, account_id, seq", `timestamp, strategy_used, strategy_hash, model_used, source, reason, portfolio_rationale,
		total_allocation_usd, portfolio_risk_level, is_valid, errors, warnings, degraded, cached, generation_time_ms, prompt_tokens,
		completion_tokens, cost_usd, record_hash, previous_hash, link_hash`)
	a, _ := copies("asset_decisions", "decision_id, position", "asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level")
	c, _ := copies("llm_calls", "decision_id", "attempt, model, endpoint, status, latency_ms, prompt_tokens, completion_tokens")
	r, _ := copies("decision_records", "decision_id", "schema, series, body")
	account := prepared(ctx, b, db, `INSERT INTO accounts AS a (name, decisions, chain_length, chain_head) VALUES (?, 1, 1, ?)
		ON CONFLICT (name) DO UPDATE SET decisions = a.decisions + 1, chain_length = a.chain_length + 1, chain_head = excluded.chain_head RETURNING id, chain_length`)
	return func(id, name string) (err error) {
		mu.Lock()
		defer mu.Unlock()
		if _, err := begin.ExecContext(ctx); err != nil {
			return err
		}
		defer func() {
			if err == nil {
				_, err = commit.ExecContext(ctx)
			}
		}()
		var number, seq int64
		if err := account.QueryRowContext(ctx, name, ofD[len(ofD)-1]).Scan(&number, &seq); err != nil {
			return err
		}
		result, err := d(id, number, seq)
		if err != nil {
			return err
		}
		key, err := result.LastInsertId()
		if err != nil {
			return err
		}
		for position := range 5 {
			if _, err := a(key, position); err != nil {
				return err
			}
		}
		if _, err := c(key); err != nil {
			return err
		}
		_, err = r(key)
		return err
	}
}

func prepared(ctx context.Context, b *testing.B, db *sql.DB, text string) *sql.Stmt {
	b.Helper()
	st, err := db.PrepareContext(ctx, text)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, st.Close()) })
	return st
}
