package astertest_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/astertest"
)

// TestTheCascadeOfOctober2025 holds a long of twenty times through the hour of
// 2025-10-10 21:00 UTC, from real candles where they are at hand.
func TestTheCascadeOfOctober2025(t *testing.T) {
	t.Parallel()
	const dir = "../../../shared/data/klines-1h"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the real candles are not here: ", err)
	}
	tr := start(t, astertest.Config{Dir: dir, Start: time.Date(2025, 10, 10, 20, 0, 0, 0, time.UTC)})
	tr.order(btc + "side=BUY&type=MARKET&quantity=1")
	tr.ex.Advance(time.Hour)
	require.Len(t, tr.holdings().Positions, 1)
	tr.ex.Advance(time.Hour)
	h := tr.holdings()
	require.Empty(t, h.Positions)
	require.False(t, h.Wallet.IsNegative())
	require.Len(t, tr.klines("symbol=SOLUSDT&interval=4h&limit=100"), 100)
}
