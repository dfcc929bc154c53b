package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTradeDecidesOnEveryAssetEachHour(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, trade(t.Context(), &out, time.Date(2025, 10, 10, 22, 0, 0, 0, time.UTC), 2))
	text := out.String()
	require.Equal(t, 4, strings.Count(text, "\n"), text)
	for _, fact := range []string{" BTCUSDT ", " ETHUSDT ", "2025-10-10 22:00:00 fallback ", "2025-10-10 23:00:00 fallback "} {
		require.Equal(t, 2, strings.Count(text, fact), text)
	}
}

func TestTradeReportsAMarketThatHasNoData(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := trade(t.Context(), &out, time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC), 1) // the simulation begins in 2020
	require.ErrorContains(t, err, "Insufficient market data")
	require.Empty(t, out.String())
}
