package astertest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/astertest"
)

// BenchmarkAdvance is a day without anybody who trades or listens.
func BenchmarkAdvance(b *testing.B) {
	ex, err := astertest.New(astertest.Config{})
	require.NoError(b, err)
	defer ex.Close()
	b.ReportAllocs()
	for b.Loop() {
		ex.Advance(24 * time.Hour)
	}
}

// BenchmarkKlines is one request without the network.
func BenchmarkKlines(b *testing.B) {
	ex, err := astertest.New(astertest.Config{WeightLimit: 1_000_000})
	require.NoError(b, err)
	defer ex.Close()
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		ex.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/fapi/v3/klines?symbol=BTCUSDT&interval=1h&limit=250", nil))
		_, err := io.Copy(io.Discard, w.Body)
		require.NoError(b, err)
		ex.ClearFaults()
		if w.Code != http.StatusOK {
			ex.Advance(time.Minute)
		}
	}
}

// BenchmarkHeldDay is a day with a position, whose price has 5,760 turns.
func BenchmarkHeldDay(b *testing.B) {
	tr := start(b, astertest.Config{Accounts: account(func(a *astertest.Account) { a.Deposit = d("1000000") })})
	tr.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01")
	require.NotEmpty(b, tr.holdings().Positions)
	b.ReportAllocs()
	for b.Loop() {
		tr.ex.Advance(24 * time.Hour)
	}
}
