package app_test

import (
	"context"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/marketdata"
)

func TestValidateJudgesAgainstTheMarketAndTheAccount(t *testing.T) {
	t.Parallel()
	cfg, err := config.Read(nil, nil)
	require.NoError(t, err)
	a, err := app.New(app.Options{Config: cfg, AsOf: time.Date(2025, 10, 10, 22, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close(context.WithoutCancel(t.Context()))) })
	req := decision.Request{Account: app.PaperAccount("main", cfg)}
	hold := decision.Decision{Decisions: []decision.AssetDecision{
		{Asset: "BTCUSDT", Action: decision.ActionHold, Rationale: "No edge.", ExitPlan: "-", RiskLevel: decision.RiskLow},
	}}
	got, err := a.Validate(t.Context(), req, hold)
	require.NoError(t, err)
	require.True(t, got.Valid, got.Errors)
	require.Contains(t, got.Degraded, "simulated market")
	require.Equal(t, time.Date(2025, 10, 10, 22, 0, 0, 0, time.UTC), got.Decision.Timestamp)

	buy := hold
	buy.Decisions = []decision.AssetDecision{hold.Decisions[0]}
	buy.Decisions[0].Action, buy.Decisions[0].AllocationUSD = decision.ActionBuy, decimal.NewFromInt(1_000_000)
	got, err = a.Validate(t.Context(), req, buy)
	require.NoError(t, err)
	require.False(t, got.Valid)
	require.Equal(t, decision.ActionHold, got.Decision.Decisions[0].Action)

	unknown := hold
	unknown.Decisions = []decision.AssetDecision{{Asset: "NOPEUSDT", Action: decision.ActionHold}}
	_, err = a.Validate(t.Context(), req, unknown)
	var data *app.DataError
	require.ErrorAs(t, err, &data)
	require.Equal(t, marketdata.ReasonUnknownSymbol, data.Failures[0].Reason)
}
