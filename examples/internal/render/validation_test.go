package render_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/examples/internal/render"
)

// checked has an error of each kind, a warning, and one position that is
// measured beside one that is not.
func checked() render.Validation {
	in := decisiontest.Input("BTCUSDT", "ETHUSDT")
	buy, hold := decisiontest.Buy("BTCUSDT", "12000"), decision.AssetDecision{Asset: "BTCUSDT", Action: decision.ActionHold}
	stay := decision.AssetDecision{Asset: "ETHUSDT", Action: decision.ActionHold}
	return render.Validation{
		Given: decision.Decision{Decisions: []decision.AssetDecision{buy, stay}}, Account: in.Account, Strategy: in.Strategy,
		Checked: decision.Validation{
			Errors: []decision.Violation{
				{Rule: "available_capital", Limit: "5000", Value: "6000", Message: "allocation exceeds available capital: margin 6000 of 5000 available (BTCUSDT 12000 at 2x)"},
				{Rule: "shape", Asset: "BTCUSDT", Message: "BTCUSDT is decided more than once"},
			},
			Warnings: []decision.Violation{{Rule: "price_drift", Asset: "BTCUSDT", Limit: "0.5", Value: "0.7", Message: "price of BTCUSDT moved by 0.7 %"}},
			Degraded: []string{"simulated market"},
			Decision: decision.Decision{Decisions: []decision.AssetDecision{hold, stay}, Timestamp: decisiontest.At()},
			Risk: decision.RiskAssessment{
				PortfolioRiskScore: decisiontest.D("7.5"), ConcentrationRisk: decisiontest.D("0.6"), LeverageRisk: decisiontest.D("0.65"),
				NotionalUSD: decisiontest.D("12100.001"), MarginUSD: decisiontest.D("6050.0005"),
				Positions: []decision.PositionRisk{
					{Asset: "ETHUSDT", Side: decision.Short, NotionalUSD: decisiontest.D("100.001"), MarginUSD: decisiontest.D("50.0005"), Leverage: decisiontest.D("2")},
					{
						Asset: "BTCUSDT", Side: decision.Long, NotionalUSD: decisiontest.D("12000"), MarginUSD: decisiontest.D("6000"), Leverage: decisiontest.D("2"),
						LossAtStopUSD:    decisiontest.Null("240.00000001"),
						LiquidationPrice: decisiontest.Null("47682.2345678"), LiquidationPercent: decisiontest.Null("49.49"),
					},
				},
			},
		},
	}
}

func shown(t *testing.T, v render.Validation, style render.Style) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, v.Write(&b, style))
	return b.String()
}

func TestValidationTable(t *testing.T) {
	t.Parallel()
	for name, style := range map[string]render.Style{
		"validation_wide.txt": {}, "validation_narrow.txt": {Width: 80}, "validation_tiny.txt": {Width: 40}, "validation_color.txt": {Width: 140, Color: true},
	} {
		out := shown(t, checked(), style)
		golden(t, name, out)
		if style.Color {
			require.True(t, strings.HasPrefix(out, "\x1b[31mnot valid: 2 errors, 1 warning\x1b[0m\n"))
			require.NotContains(t, out, "\x1b[2m\x1b[0m")
			continue
		}
		require.NotContains(t, out, "\x1b")
	}
	for _, width := range []int{40, 60, 79, 80, 100, 120} {
		requireFits(t, shown(t, checked(), render.Style{Width: width}), render.Style{Width: width})
	}
}

func TestAValidDecisionHasNoOtherToLetThrough(t *testing.T) {
	t.Parallel()
	v := checked()
	v.Checked.Valid, v.Checked.Errors, v.Checked.Warnings = true, nil, nil
	v.Checked.Decision.Decisions = []decision.AssetDecision{v.Given.Decisions[1], v.Given.Decisions[0]} // in another order
	v.Checked.Decision.Decisions[0].Rationale = "said otherwise"
	out := shown(t, v, render.Style{})
	require.True(t, strings.HasPrefix(out, "valid\n\nrisk "), out)
	require.NotContains(t, out, "let through")
	require.True(t, strings.HasPrefix(shown(t, v, render.Style{Color: true}), "\x1b[32mvalid\x1b[0m\n"))

	v.Checked.Decision.Decisions = append(v.Checked.Decision.Decisions, decision.AssetDecision{Asset: "SOLUSDT", Action: decision.ActionHold})
	require.Contains(t, shown(t, v, render.Style{}), "let through", "an asset was asked about that the decision does not name")
}

func TestSummaryCounts(t *testing.T) {
	t.Parallel()
	v := render.Validation{}
	require.Equal(t, "not valid: 0 errors", v.Summary())
	v.Checked.Errors = make([]decision.Violation, 1)
	require.Equal(t, "not valid: 1 error", v.Summary())
	v.Checked = decision.Validation{Valid: true, Warnings: make([]decision.Violation, 2)}
	require.Equal(t, "valid, 2 warnings", v.Summary())
}

func TestAnEstimatedPriceHasTheDigitsThatItIsGoodFor(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"47682.2345678": "47682.2", "1234567.8": "1234570", "0.0000123456789": "0.0000123457", "139999.999999": "140000", "2": "2", "0": "0",
	} {
		v := checked()
		v.Checked.Risk.Positions[1].LiquidationPrice = decisiontest.Null(in)
		require.Contains(t, shown(t, v, render.Style{}), "│ "+want+", 49.4 % away │", in)
	}
}

func TestForeignTextInAValidationIsClean(t *testing.T) {
	t.Parallel()
	v := checked()
	v.Checked.Errors[0].Message, v.Checked.Errors[0].Limit = "no\x1b[1A", "\x07"
	v.Checked.Risk.Positions[0].Asset = "\x1b[2J" + strings.Repeat("X", 100)
	v.Checked.Decision.Decisions[0].Asset = "\u202eBTC"
	v.Account.ID = "\x1b]0;x\x07"
	out := shown(t, v, render.Style{})
	require.NotContains(t, out, "\x1b")
	require.NotContains(t, out, "\x07")
	require.NotContains(t, out, "\u202e")
	requireFits(t, out, render.Style{})
	require.ErrorIs(t, v.Write(failing{}, render.Style{}), errDisk)
}
