package decision_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

func TestEmbeddedStrategiesAreTheSpecifiedOnes(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"aggressive_perps", "conservative_perps", "conservative_swing", "dca_hedge", "scalping_perps", "swing_perps"}, decision.StrategyIDs())
	for _, c := range []struct {
		id, kind, risk, daily, stop, ratio, leverage string
		cooldown                                     int
		funding                                      string
		timeframes                                   []marketdata.Interval
		positions                                    int
		sizing, orders                               string
		stopRequired                                 bool
	}{
		{"conservative_swing", "swing", "2", "5", "3", "2.5", "2", 600, "5", []marketdata.Interval{"4h", "1d"}, 3, "volatility_adjusted", "maker_preferred", true},
		{"conservative_perps", "conservative", "0.5", "2", "1.5", "3", "3", 600, "5", []marketdata.Interval{"5m", "15m", "4h"}, 2, "volatility_adjusted", "maker_only", true},
		{"aggressive_perps", "aggressive", "2", "8", "2", "2", "15", 120, "15", []marketdata.Interval{"5m", "15m", "1h"}, 4, "percentage", "taker_accepted", true},
		{"scalping_perps", "scalping", "0.25", "1.5", "0.15", "1.3", "10", 30, "3", []marketdata.Interval{"1m", "5m"}, 3, "fixed", "maker_only", true},
		{"swing_perps", "swing", "1.5", "5", "2.5", "2.5", "5", 300, "8", []marketdata.Interval{"5m", "15m", "4h"}, 3, "volatility_adjusted", "maker_preferred", true},
		{"dca_hedge", "dca", "1", "3", "5", "3", "1", 900, "10", []marketdata.Interval{"15m", "1h"}, 1, "fixed", "maker_only", false},
	} {
		t.Run(c.id, func(t *testing.T) {
			t.Parallel()
			s, err := decision.LoadStrategy(c.id)
			require.NoError(t, err)
			require.Equal(t, c.id, s.ID)
			require.Equal(t, c.kind, string(s.Type))
			require.Equal(t, c.risk, s.Risk.MaxRiskPerTrade.String())
			require.Equal(t, c.daily, s.Risk.MaxDailyLoss.String())
			require.Equal(t, c.stop, s.Risk.StopLossPercentage.String())
			require.Equal(t, c.ratio, s.Risk.TakeProfitRatio.String())
			require.Equal(t, c.leverage, s.Risk.MaxLeverage.String())
			require.Equal(t, c.cooldown, s.Risk.CooldownSeconds)
			require.Equal(t, c.funding, s.Risk.MaxFundingRateBps.String())
			require.Equal(t, "0.15", s.Risk.LiquidationBuffer.String())
			require.Equal(t, c.timeframes, s.TimeframePreference)
			require.Equal(t, c.positions, s.MaxPositions)
			require.Equal(t, c.sizing, string(s.PositionSizing))
			require.Equal(t, c.orders, string(s.OrderPreference))
			require.Equal(t, c.stopRequired, s.Risk.StopRequired)
			require.True(t, s.IsActive)
			require.NotContains(t, s.Prompt, "{symbol}")
		})
	}
}

func TestLoadStrategyByAliasAndUnknown(t *testing.T) {
	t.Parallel()
	s, err := decision.LoadStrategy("aggressive_scalping")
	require.NoError(t, err)
	require.Equal(t, "scalping_perps", s.ID)
	for _, id := range []string{"", "nope", "../strategies/dca_hedge", "DCA_HEDGE"} {
		_, err = decision.LoadStrategy(id)
		require.ErrorIs(t, err, decision.ErrUnknownStrategy, id)
	}
}

func strategyDocument(t *testing.T, edit func(doc, risk map[string]any)) string {
	t.Helper()
	s := dt.Strategy()
	b, err := json.Marshal(s)
	require.NoError(t, err)
	var doc map[string]any
	require.NoError(t, json.Unmarshal(b, &doc))
	edit(doc, doc["risk_parameters"].(map[string]any))
	b, err = json.Marshal(doc)
	require.NoError(t, err)
	return string(b)
}

func TestReadStrategyReportsEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	text := strategyDocument(t, func(doc, risk map[string]any) {
		doc["strategy_id"] = "My Strategy"
		doc["position_sizing"] = "martingale"
		doc["max_positions"] = 0
		doc["timeframe_preference"] = []string{"5m"}
		risk["max_leverage"] = 125
		risk["max_risk_per_trade"] = 6
		risk["min_confidence"] = 101
	})
	_, err := decision.ReadStrategy(strings.NewReader(text))
	for _, want := range []string{
		"strategy_id must be", `position_sizing must be one of [fixed percentage kelly volatility_adjusted], was "martingale"`,
		"max_positions must be between 1 and 50, was 0", "a swing strategy needs 4h or 1d, was [5m]",
		"risk_parameters.max_leverage must be from 1 to 20, was 125", "max_risk_per_trade must not be above max_daily_loss, was 6 above 5",
		"risk_parameters.min_confidence must be from 0 to 100, was 101",
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestReadStrategyIsStrict(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"missing fields":      {`{"strategy_id":"x","risk_parameters":{}}`, "missing risk_parameters.max_leverage"},
		"unknown field":       {strategyDocument(t, func(doc, _ map[string]any) { doc["leverage"] = 3 }), "leverage"},
		"unknown risk field":  {strategyDocument(t, func(_, risk map[string]any) { risk["max_loss"] = 3 }), "max_loss"},
		"not an object":       {`[]`, "strategy"},
		"unknown interval":    {strategyDocument(t, func(doc, _ map[string]any) { doc["timeframe_preference"] = []string{"4h", "7m"} }), "7m"},
		"scalping on days":    {strategyDocument(t, func(doc, _ map[string]any) { doc["strategy_type"] = "scalping" }), "needs one of 1m, 5m, 15m"},
		"unknown prompt name": {strategyDocument(t, func(doc, _ map[string]any) { doc["prompt"] = "{{.Balance}}" }), "Balance"},
		"broken template":     {strategyDocument(t, func(doc, _ map[string]any) { doc["prompt"] = "{{.At" }), "template"},
		"endless prompt":      {strategyDocument(t, func(doc, _ map[string]any) { doc["prompt"] = strings.Repeat("x", 20_000) }), "prompt must be at most 16384 bytes, was 20000"},
		"too large":           {`{"description":"` + strings.Repeat("x", 70_000) + `"}`, "must be at most 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decision.ReadStrategy(strings.NewReader(c.text))
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestStrategyHashIsOfItsContent(t *testing.T) {
	t.Parallel()
	a, b := dt.Strategy(), dt.Strategy()
	first, err := a.Hash()
	require.NoError(t, err)
	require.Len(t, first, 64)
	b.Risk.MaxDailyLoss = dt.D("5.0")
	second, err := b.Hash()
	require.NoError(t, err)
	require.Equal(t, first, second, "5.0 is 5")
	b.Prompt += " "
	third, err := b.Hash()
	require.NoError(t, err)
	require.NotEqual(t, first, third)
}

func FuzzReadStrategy(f *testing.F) {
	b, err := json.Marshal(dt.Strategy())
	require.NoError(f, err)
	f.Add(string(b))
	f.Add(`{"strategy_id":"x","prompt":"{{range .Symbols}}{{.}}{{end}}"}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := decision.ReadStrategy(strings.NewReader(text))
		if err == nil {
			require.NoError(t, s.Validate())
		}
	})
}
