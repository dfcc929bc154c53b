package postgres_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

func decimalOf(text string) decimal.Decimal { return decimal.RequireFromString(text) }

// countingConn counts how often a writer turned into a reader: round trips.
type countingConn struct {
	net.Conn
	trips   *atomic.Int64
	written atomic.Bool
}

func (c *countingConn) Write(b []byte) (int, error) {
	c.written.Store(true)
	return c.Conn.Write(b)
}

func (c *countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.written.Swap(false) {
		c.trips.Add(1)
	}
	return n, err
}

// countingPool is a host's pool of one connection whose round trips are counted.
func countingPool(tb testing.TB, databaseURL string) (*pgxpool.Pool, *atomic.Int64) {
	tb.Helper()
	trips := &atomic.Int64{}
	cfg, err := pgxpool.ParseConfig(databaseURL)
	require.NoError(tb, err)
	cfg.MaxConns = 1
	cfg.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return &countingConn{Conn: conn, trips: trips}, err
	}
	pool, err := pgxpool.NewWithConfig(tb.Context(), cfg)
	require.NoError(tb, err)
	tb.Cleanup(pool.Close)
	return pool, trips
}
