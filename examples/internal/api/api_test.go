package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
)

func TestNumberKeepsEveryDigitAndIsNullWhenUnknown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0.1": "0.1", "114225.10": "114225.1", "123456789012345678.123456789": "123456789012345678.123456789", "-0.000000000001": "-0.000000000001",
		"1e20": "100000000000000000000",
	} {
		got, err := json.Marshal(api.Of(decimal.RequireFromString(text)))
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	got, err := json.Marshal(api.Number{})
	require.NoError(t, err)
	require.Equal(t, "null", string(got))
}

func TestWriteEscapesWhatATerminalWouldObey(t *testing.T) {
	t.Parallel()
	text := "a\x1b[2Jb\u009bc\u202ed\u200be\U000e0041f\u2028g\x7fh<é€😀>"
	var b bytes.Buffer
	require.NoError(t, api.Write(&b, map[string]string{"t": text}))
	require.Contains(t, b.String(), `"a\u001b[2Jb\u009bc\u202ed\u200be\udb40\udc41f\u2028g\u007fh<é€😀>"`)
	var back map[string]string
	require.NoError(t, json.Unmarshal(b.Bytes(), &back))
	require.Equal(t, text, back["t"], "nothing is lost")
}

type failing struct{}

var errDisk = errors.New("disk full")

func (failing) Write([]byte) (int, error) { return 0, errDisk }

func TestWriteReportsWhatCannotBeEncodedOrWritten(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.Error(t, api.Write(&b, math.NaN()))
	require.Empty(t, b.String())
	require.ErrorIs(t, api.Write(failing{}, 1), errDisk)
}

func record(t *testing.T) decision.Record {
	t.Helper()
	in := decisiontest.Input("BTCUSDT", "ETHUSDT")
	series, err := marketdata.NewSeries(marketdata.Interval1h, []marketdata.Candle{{
		OpenTime: decisiontest.At().Add(-time.Hour), Open: decisiontest.D("100"), High: decisiontest.D("101.50"), Low: decisiontest.D("60"),
		Close: decisiontest.D("100"), Volume: decisiontest.D("7"), QuoteVolume: decisiontest.D("700"),
	}})
	require.NoError(t, err)
	asset := in.Market.Assets["BTCUSDT"]
	asset.Series = map[marketdata.Interval]marketdata.Series{marketdata.Interval1h: series}
	in.Market.Assets["BTCUSDT"] = asset
	return decision.Record{Schema: decision.RecordSchema, Input: in}
}

func answer(
	t *testing.T, res decision.Result, rec decision.Record, scores []decision.Assessment, circuit *api.Circuit, took time.Duration,
) api.Decision {
	t.Helper()
	out, err := api.NewDecision(res, rec, scores, circuit, took)
	require.NoError(t, err)
	return out
}

func TestNewDecisionInventsNothing(t *testing.T) {
	t.Parallel()
	rec := record(t)
	got := answer(t, decision.Result{ID: "x", Origin: decision.OriginFallback, Reason: "r"}, rec, nil, nil, 1500*time.Millisecond)

	require.Equal(t, decisiontest.At(), got.Context.AsOf)
	btc, eth := got.Context.MarketData.Assets["BTCUSDT"], got.Context.MarketData.Assets["ETHUSDT"]
	require.Equal(t, decisiontest.At(), btc.LastCandle.CloseTime)
	require.Equal(t, "60", btc.LastCandle.Low.Decimal.String())
	require.Nil(t, eth.LastCandle)
	require.Nil(t, eth.Volatility)
	require.False(t, eth.FundingRate.Valid)
	require.False(t, eth.Volume24h.Valid)
	require.Nil(t, got.Context.Risk.Assets["BTCUSDT"].Scores)

	require.True(t, got.Validation.IsValid)
	require.Nil(t, got.Metadata.ModelUsed)
	require.Nil(t, got.Metadata.CircuitState)
	require.EqualValues(t, 1500, got.Metadata.GenerationTimeMs)
	require.NotNil(t, got.Metadata.Degraded)
	require.NotNil(t, got.Metadata.Refused)
	require.NotNil(t, got.Validation.Errors)
	require.NotNil(t, got.Validation.Warnings)
	require.Zero(t, *got.Metadata.Usage.PromptTokens, "nobody was asked, so nothing was used")
	require.True(t, got.Metadata.Usage.CostUSD.Valid)
}

func TestUsageThatAModelDidNotReportIsUnknown(t *testing.T) {
	t.Parallel()
	rec := record(t)
	rec.Request.Messages = []llm.Message{{Role: llm.RoleUser, Content: "?"}}
	got := answer(t, decision.Result{Origin: decision.OriginModel, Model: "a/b"}, rec, nil, nil, 0).Metadata
	require.Equal(t, "a/b", *got.ModelUsed)
	require.Nil(t, got.Usage.PromptTokens)
	require.Nil(t, got.Usage.CompletionTokens)
	require.False(t, got.Usage.CostUSD.Valid)

	res := decision.Result{Usage: llm.Usage{PromptTokens: 5, CompletionTokens: 6, CostUSD: decisiontest.Null("0.0010")}}
	used := answer(t, res, rec, nil, nil, 0).Metadata.Usage
	require.Equal(t, 5, *used.PromptTokens)
	require.Equal(t, 6, *used.CompletionTokens)
	require.Equal(t, "0.001", used.CostUSD.Decimal.String())
}

func TestRefusalsAreErrorsAndScoresStandBesideTheirAsset(t *testing.T) {
	t.Parallel()
	violation := decision.Violation{Rule: "position_size", Asset: "BTCUSDT", Severity: decision.SeverityError, Limit: "1", Value: "2", Message: "too large"}
	res := decision.Result{Refused: []decision.Refusal{{Asset: "BTCUSDT", Was: decisiontest.Buy("BTCUSDT", "2"), Violations: []decision.Violation{violation}}}}
	got := answer(t, res, record(t), []decision.Assessment{{Symbol: "ETHUSDT", Long: decision.Score{Score: 40}}}, nil, 0)
	require.False(t, got.Validation.IsValid)
	require.Equal(t, []decision.Violation{violation}, got.Validation.Errors)
	require.Nil(t, got.Context.Risk.Assets["BTCUSDT"].Scores)

	whole := decision.Violation{Rule: "exposure", Severity: decision.SeverityError, Message: "too much"}
	res.Refused[0].Violations = []decision.Violation{violation, whole}
	res.Refused = append(res.Refused, decision.Refusal{Asset: "ETHUSDT", Violations: []decision.Violation{whole}})
	both := answer(t, res, record(t), nil, nil, 0)
	require.Equal(t, []decision.Violation{violation, whole}, both.Validation.Errors, "a violation of the whole proposal stands once")
	require.Len(t, both.Metadata.Refused, 2)
	require.Equal(t, 40, got.Context.Risk.Assets["ETHUSDT"].Scores.Long.Score)

	var b bytes.Buffer
	require.NoError(t, api.Write(&b, got))
	require.NotContains(t, b.String(), `: "100"`, "no decimal is a string")
	require.Contains(t, b.String(), `"high": 101.5`)
}
