package api_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/examples/internal/api"
)

func written(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, api.Write(&b, v))
	return b.String()
}

func TestAVerdictInventsNothing(t *testing.T) {
	t.Parallel()
	require.JSONEq(t, `{"is_valid":false,"errors":[],"warnings":[],"degraded":[],
		"risk_assessment":{"portfolio_risk_score":0,"concentration_risk":0,"leverage_risk":0,"notional_usd":0,"margin_usd":0,
			"loss_at_stops_usd":null,"positions":[]},
		"decision":{"decisions":[],"portfolio_rationale":"","total_allocation_usd":0,"portfolio_risk_level":"","timestamp":"0001-01-01T00:00:00Z"}}`,
		written(t, api.NewVerdict(decision.Validation{})))
}

func TestAVerdictKeepsEveryDigit(t *testing.T) {
	t.Parallel()
	text := written(t, api.NewVerdict(decision.Validation{
		Valid:    true,
		Warnings: []decision.Violation{{Rule: "reward_risk", Asset: "BTCUSDT", Severity: decision.SeverityWarning, Message: "low"}},
		Degraded: []string{"simulated market"},
		Risk: decision.RiskAssessment{
			PortfolioRiskScore: decisiontest.D("6.42"), ConcentrationRisk: decisiontest.D("0.1234"), LeverageRisk: decisiontest.D("1"),
			NotionalUSD: decisiontest.D("123456789.123456789"), MarginUSD: decisiontest.D("61728394.5617283945"), LossAtStopsUSD: decisiontest.Null("0.00000001"),
			Positions: []decision.PositionRisk{{
				Asset: "BTCUSDT", Side: decision.Short, NotionalUSD: decisiontest.D("1.10"), MarginUSD: decisiontest.D("0.55"), Leverage: decisiontest.D("2"),
				LiquidationPrice: decisiontest.Null("139999.999999999"),
			}},
		},
	}))
	for _, want := range []string{
		`"is_valid": true`, `"portfolio_risk_score": 6.42`, `"concentration_risk": 0.1234`, `"leverage_risk": 1,`, `"notional_usd": 123456789.123456789`,
		`"loss_at_stops_usd": 0.00000001`, `"side": "short"`, `"liquidation_price": 139999.999999999`, `"liquidation_percent": null`,
		`"loss_at_stop_usd": null`, `"rule": "reward_risk"`, `"simulated market"`,
	} {
		require.Contains(t, text, want)
	}
}

func TestAStrategyIsWrittenWithItsHash(t *testing.T) {
	t.Parallel()
	strategy := decisiontest.Strategy()
	hash, err := strategy.Hash()
	require.NoError(t, err)
	text := written(t, api.Strategy{Strategy: strategy})
	var back map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(text), &back))
	require.Equal(t, `"`+hash+`"`, string(back["strategy_hash"]))
	delete(back, "strategy_hash")
	bare, err := json.Marshal(back)
	require.NoError(t, err)
	read, err := decision.ReadStrategy(strings.NewReader(string(bare)))
	require.NoError(t, err)
	again, err := read.Hash()
	require.NoError(t, err)
	require.Equal(t, hash, again, "nothing but the hash was added")
}

func TestADecisionHasTheHashOfItsStrategyAndTheSizesThatItSuggests(t *testing.T) {
	t.Parallel()
	rec := record(t)
	rec.Input.Envelope.Assets = []decision.AssetEnvelope{
		{Asset: "BTCUSDT", SuggestedLongUSD: decisiontest.Null("1250.50"), SuggestedShortUSD: decisiontest.Null("0")}, {Asset: "ETHUSDT"},
	}
	hash, err := rec.Input.Strategy.Hash()
	require.NoError(t, err)
	got := answer(t, decision.Result{}, rec, nil, nil, 0)
	require.Equal(t, hash, got.Metadata.StrategyHash)
	text := written(t, got.Context.Risk.Assets)
	require.Contains(t, text, `"suggested_long_usd": 1250.5,`)
	require.Contains(t, text, `"suggested_short_usd": 0,`)
	require.Contains(t, text, `"suggested_long_usd": null,`, "a size that cannot be computed is not zero")
}
