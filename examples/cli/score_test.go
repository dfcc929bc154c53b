package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
)

func TestScoreTable(t *testing.T) {
	t.Parallel()
	golden(t, "score.txt", ballast(t, nil, "score", "--at", demoTime).succeeds(t))
}

func TestScoreJSONHasTheContributionsOfBothSides(t *testing.T) {
	t.Parallel()
	dir := folder(t, "SOLUSDT", "BTCUSDT")
	text := ballast(t, nil, csvArgs("score", dir, lastClose(), "--symbols", "SOL,BTC", "--json")...).succeeds(t)
	var all []object
	require.NoError(t, json.Unmarshal([]byte(text), &all))
	require.Len(t, all, 2)
	for i, symbol := range []string{"SOLUSDT", "BTCUSDT"} {
		one := all[i]
		require.ElementsMatch(t, []string{"symbol", "as_of", "long", "short", "degraded"}, one.keys())
		require.Equal(t, symbol, one["symbol"])
		require.Equal(t, lastClose().Format("2006-01-02T15:04:05Z"), one["as_of"])
		require.Equal(t, []any{}, one["degraded"])
		for _, side := range []string{"long", "short"} {
			require.ElementsMatch(t, []string{"base", "contributions", "raw", "score"}, one.at(t, side).keys())
			contributions := one.at(t, side, "contributions")
			require.ElementsMatch(t, []string{"rsi", "volatility", "trend", "price_change"}, contributions.keys())
			sum := one.at(t, side)["base"].(float64)
			for _, name := range contributions.keys() {
				c := contributions.at(t, name)
				require.ElementsMatch(t, []string{"input", "points", "weight_percent"}, c.keys())
				sum += c["points"].(float64)
			}
			require.InDelta(t, sum, one.at(t, side)["raw"], 0)
		}
	}
}

func TestScoreSaysWhenTheMarketIsSimulatedAndAnInputIsMissing(t *testing.T) {
	t.Parallel()
	text := ballast(t, nil, "score", "--at", "2020-01-02T10:00:00Z", "--symbols", "BTC", "--json").succeeds(t)
	var all []decision.Assessment
	require.NoError(t, json.Unmarshal([]byte(text), &all))
	require.Equal(t, []string{"simulated market", "trend"}, all[0].Degraded, "the cloud needs 78 candles")
	require.Contains(t, ballast(t, nil, "score", "--at", "2020-01-02T10:00:00Z", "--symbols", "BTC").succeeds(t), "unknown: 0")
}

func TestScoreWorksOnEveryInterval(t *testing.T) {
	t.Parallel()
	for _, interval := range []string{"5m", "1h", "4h", "12h", "1d", "3d"} {
		out := ballast(t, nil, "score", "--at", demoTime, "--interval", interval).succeeds(t)
		require.Contains(t, out, "SOLUSDT", interval)
	}
}
