package decision_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/decision"
)

// parseDraw draws a decision that DecodeAnswer must accept.
func parseDraw(t *rapid.T, symbols []string) decision.Decision {
	d := decision.Decision{
		PortfolioRationale: parseDrawText(t, "portfolio_rationale"),
		PortfolioRiskLevel: rapid.SampledFrom([]decision.RiskLevel{decision.RiskLow, decision.RiskMedium, decision.RiskHigh}).Draw(t, "risk"),
	}
	for _, s := range rapid.Permutation(symbols).Draw(t, "order") {
		one := parseDrawAsset(t, s)
		d.TotalAllocationUSD = d.TotalAllocationUSD.Add(one.AllocationUSD)
		d.Decisions = append(d.Decisions, one)
	}
	return d
}

func parseDrawAsset(t *rapid.T, symbol string) decision.AssetDecision {
	d := decision.AssetDecision{
		Asset: symbol, Action: rapid.SampledFrom(decision.Actions()).Draw(t, "action"),
		ExitPlan: parseDrawText(t, "exit_plan"), Rationale: parseDrawText(t, "rationale"),
		Confidence: decimal.New(rapid.Int64Range(1, 10_000).Draw(t, "confidence"), -2),
		RiskLevel:  rapid.SampledFrom([]decision.RiskLevel{decision.RiskLow, decision.RiskMedium, decision.RiskHigh}).Draw(t, "risk"),
	}
	switch d.Action {
	case decision.ActionBuy, decision.ActionSell:
		d.AllocationUSD = parseDrawNumber(t)
		low, high := parseDrawNumber(t), parseDrawNumber(t)
		low, high = decimal.Min(low, high), decimal.Max(low, high).Add(decimal.New(1, -8))
		if d.Action == decision.ActionSell {
			low, high = high, low
		}
		d.SLPrice = decimal.NullDecimal{Decimal: low, Valid: rapid.Bool().Draw(t, "stop")}
		d.TPPrice = decimal.NullDecimal{Decimal: high, Valid: rapid.Bool().Draw(t, "target")}
	case decision.ActionAdjustPosition:
		d.PositionAdjustment = &decision.PositionAdjustment{
			Type:      rapid.SampledFrom([]decision.AdjustmentType{decision.AdjustIncrease, decision.AdjustDecrease}).Draw(t, "type"),
			AmountUSD: parseDrawNumber(t), NewTPPrice: parseDrawPrice(t), NewSLPrice: parseDrawPrice(t),
			Percentage: decimal.NullDecimal{Decimal: decimal.NewFromInt(rapid.Int64Range(0, 100).Draw(t, "percent")), Valid: rapid.Bool().Draw(t, "has percent")},
		}
	case decision.ActionAdjustOrders:
		d.OrderAdjustment = &decision.OrderAdjustment{
			AdjustTP: rapid.Bool().Draw(t, "adjust_tp"), AdjustSL: rapid.Bool().Draw(t, "adjust_sl"),
			CancelTP: rapid.Bool().Draw(t, "cancel_tp"), CancelSL: rapid.Bool().Draw(t, "cancel_sl"),
			NewTPPrice: parseDrawPrice(t), NewSLPrice: parseDrawPrice(t),
		}
	case decision.ActionHold, decision.ActionClosePosition:
	}
	return d
}

func parseDrawNumber(t *rapid.T) decimal.Decimal {
	return decimal.New(rapid.Int64Range(1, 1<<40).Draw(t, "coefficient"), rapid.Int32Range(-12, 2).Draw(t, "exponent"))
}

func parseDrawPrice(t *rapid.T) decimal.NullDecimal {
	return decimal.NullDecimal{Decimal: parseDrawNumber(t), Valid: rapid.Bool().Draw(t, "valid")}
}

func parseDrawText(t *rapid.T, name string) string {
	return rapid.StringMatching("[a-zA-Z0-9 \"\\\\/<>`{}\n\t%$–下é]{0,80}").Draw(t, name)
}

func TestDecodeAnswerRoundTrip(t *testing.T) {
	t.Parallel()
	symbols := []string{"BTCUSDT", "ETHUSDT", "1000PEPEUSDT", "BTC-USD"}
	rapid.Check(t, func(t *rapid.T) {
		want := parseDraw(t, symbols)
		data, err := want.MarshalJSON()
		require.NoError(t, err)
		got, err := decision.DecodeAnswer(parseStop(string(data)), symbols)
		require.NoError(t, err)
		again, err := got.Decision.MarshalJSON()
		require.NoError(t, err)
		require.Equal(t, string(data), string(again))
		require.Empty(t, got.Normalised)
	})
}

func TestDecodeAnswerNeverAcceptsAPrefix(t *testing.T) {
	t.Parallel()
	for n := range len(parseGood) {
		_, err := decision.DecodeAnswer(parseStop(parseGood[:n]), parseSymbols())
		require.Error(t, err, "%d bytes", n)
	}
}

func FuzzDecodeAnswer(f *testing.F) {
	for _, seed := range []string{
		parseGood, "```json\n" + parseGood + "\n```", "<think>" + parseGood + "</think>" + parseGood, parseGood + parseGood,
		strings.Replace(parseGood, "100", "1e2", 2), strings.Replace(parseGood, "Trend", `\u202e`, 1), `{"decisions":[`, strings.Repeat("[", 40), "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		got, err := decision.DecodeAnswer(parseStop(content), parseSymbols())
		if err != nil {
			var bad *decision.AnswerError
			require.ErrorAs(t, err, &bad)
			require.Contains(t, []decision.AnswerClass{decision.AnswerAskAgain, decision.AnswerRetry, decision.AnswerFailOver, decision.AnswerReject}, bad.Class)
			require.Less(t, len(err.Error()), 800)
			if bad.Partial != nil {
				parseCheckAccepted(t, *bad.Partial)
			}
			return
		}
		require.Len(t, got.Decision.Decisions, 2)
		parseCheckAccepted(t, got.Decision)
	})
}

func parseCheckAccepted(t *testing.T, d decision.Decision) {
	t.Helper()
	sum := decimal.Zero
	var assets []string
	for _, one := range d.Decisions {
		sum = sum.Add(one.AllocationUSD)
		assets = append(assets, one.Asset)
		require.Contains(t, parseSymbols(), one.Asset)
		require.True(t, one.Action.Valid())
		require.True(t, one.RiskLevel.Valid())
		require.False(t, one.AllocationUSD.IsNegative())
		require.True(t, one.Confidence.GreaterThanOrEqual(decimal.Zero) && one.Confidence.LessThanOrEqual(decimal.NewFromInt(100)))
	}
	require.True(t, d.PortfolioRiskLevel.Valid())
	require.True(t, sum.Equal(d.TotalAllocationUSD))
	slices.Sort(assets)
	require.Len(t, slices.Compact(assets), len(d.Decisions), "no asset twice")
	data, err := d.MarshalJSON()
	require.NoError(t, err)
	var again decision.Decision
	require.NoError(t, again.UnmarshalJSON(data), "what is accepted can be recorded and read")
	second, err := again.MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, string(data), string(second))
}

// parseTen is an answer about ten assets.
func parseTen() (string, []string) {
	symbols := make([]string, 10)
	entries := make([]string, 10)
	for i := range symbols {
		symbols[i] = fmt.Sprintf("COIN%dUSDT", i)
		entries[i] = strings.Replace(parseBuy, "BTCUSDT", symbols[i], 1)
		entries[i] = strings.Replace(entries[i], "Trend up.", strings.Repeat("The trend of the longer candles is up and momentum agrees. ", 4), 1)
	}
	return `{"portfolio_rationale":"Ten.","decisions":[` + strings.Join(entries, ",") + `],"total_allocation_usd":1000,"portfolio_risk_level":"medium"}`, symbols
}

func BenchmarkDecodeAnswer(b *testing.B) {
	content, symbols := parseTen()
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decision.DecodeAnswer(parseStop(content), symbols); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleDecodeAnswer() {
	answer := parseStop("```json\n" + strings.Replace(parseGood, `"allocation_usd":100`, `"allocation_usd":"100"`, 1) + "\n```")
	_, err := decision.DecodeAnswer(answer, []string{"BTCUSDT", "ETHUSDT"})
	fmt.Println(err)

	answer.Content = "<think>Long BTC?</think>" + parseGood
	decoded, err := decision.DecodeAnswer(answer, []string{"BTCUSDT", "ETHUSDT"})
	fmt.Println(decoded.Decision.Decisions[0].Action, decoded.Decision.TotalAllocationUSD, decoded.Normalised, err)
	// Output:
	// decision: answer: decisions[0].allocation_usd: must be a JSON number without quotes, was a string
	// buy 100 [think_block] <nil>
}
