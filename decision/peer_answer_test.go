package decision_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/llm"
)

// peerResponse is a finished answer of a model.
func peerResponse(content string) llm.Response {
	return llm.Response{Model: "test/model", Content: content, FinishReason: llm.FinishStop}
}

func peerJSON(tb testing.TB, d decision.Decision) string {
	tb.Helper()
	b, err := json.Marshal(d)
	require.NoError(tb, err)
	return string(b)
}

// A peer takes the time of a decision from the model, unchecked, and orders
// and deletes its history by it.
func TestPeer_TheModelSetsTheTimestamp(t *testing.T) {
	t.Parallel()
	for name, stamp := range map[string]string{
		"far future": "9999-12-31T23:59:59Z", "past": "1970-01-01T00:00:00Z", "no zone": "2025-10-10 22:00", "no time": "yesterday",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dt.Propose(dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold)).Decision
			text := strings.Replace(peerJSON(t, d), `"0001-01-01T00:00:00Z"`, `"`+stamp+`"`, 1)
			require.Contains(t, text, stamp)
			b := newBench(t, fixed)
			b.cfg.LLM = answering(text)
			res, err := b.decide(t, request())
			require.NoError(t, err)
			require.Equal(t, decision.OriginModel, res.Origin)
			require.Equal(t, dt.At(), res.Decision.Timestamp)
			require.Equal(t, time.UTC, res.Decision.Timestamp.Location())
			require.Equal(t, dt.At(), b.records[0].Result.At)
		})
	}
}

// A peer searches a cut answer for its first array and takes a list of MACD
// values for the list of decisions.
func TestPeer_AnArrayOfIndicatorsIsTheDecision(t *testing.T) {
	t.Parallel()
	prose := "MACD has turned: [-12.5, -3.1, 4.75]. RSI: [55, 61]. So I would"
	for name, resp := range map[string]llm.Response{
		"cut reasoning":   {Content: prose, FinishReason: llm.FinishLength},
		"whole reasoning": {Content: prose + " hold.", FinishReason: llm.FinishStop},
		"the array alone": {Content: "[-12.5, -3.1, 4.75]", FinishReason: llm.FinishStop},
		"in the place of the decisions": {
			Content:      `{"decisions":[-12.5,-3.1,4.75],"portfolio_rationale":"x","total_allocation_usd":0,"portfolio_risk_level":"low"}`,
			FinishReason: llm.FinishStop,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decision.DecodeAnswer(resp, []string{"BTCUSDT"})
			var bad *decision.AnswerError
			require.ErrorAs(t, err, &bad)
			require.Empty(t, got.Decision.Decisions)
		})
	}
}

// A peer reads an answer that was cut at the token limit as far as it goes.
func TestPeer_ACutAnswerIsTraded(t *testing.T) {
	t.Parallel()
	for _, finish := range []llm.FinishReason{llm.FinishLength, "", llm.FinishContentFilter, llm.FinishError, "done"} {
		resp := peerResponse(peerAnswer(t)) // it happens to be whole
		resp.FinishReason = finish
		_, err := decision.DecodeAnswer(resp, []string{"BTCUSDT"})
		require.Error(t, err, "finish reason %q", finish)
	}
}

// Peers meet full-width characters and typographic dashes in answers, turn
// what they know into ASCII and trade what comes of it.
func TestPeer_FullWidthCharactersAreTurned(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string][2]string{
		"digits":          {`"allocation_usd":100`, `"allocation_usd":１００`},
		"comma":           {`"action":"buy",`, `"action":"buy"，`},
		"colon":           {`"action":"buy"`, `"action"："buy"`},
		"word":            {`"buy"`, `"ｂｕｙ"`},
		"asset":           {`"BTCUSDT"`, `"ＢＴＣＵＳＤＴ"`},
		"range as number": {`"confidence":70`, `"confidence":1–0`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := peerDecode(peerAnswer(t, replace[0], replace[1]))
			var bad *decision.AnswerError
			require.ErrorAs(t, err, &bad)
		})
	}
}

// Peers let an answer name its leverage, and one raises the account's to it
// without a word. Here leverage is the account's: an answer has no place for it.
func TestPeer_TheModelRaisesLeverage(t *testing.T) {
	t.Parallel()
	for _, place := range []string{`"action":"buy"`, `"portfolio_rationale":"test"`} {
		_, err := peerDecode(peerAnswer(t, place, place+`,"leverage":20`))
		require.ErrorContains(t, err, "unknown member")
	}
	require.NotContains(t, string(decision.AnswerSchema([]string{"BTCUSDT"})), `"leverage":`)

	b := newBench(t, fixed)
	text := answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold))
	b.cfg.LLM = answering(strings.Replace(text, `"action":"buy"`, `"action":"buy","leverage":20`, 1))
	res, err := b.decide(t, request())
	require.NoError(t, err)
	require.Equal(t, decision.OriginFallback, res.Origin)
	require.Equal(t, "2", b.records[0].Input.Account.Leverage.String())
}

// A peer reads an account or a position that could not be read as zero: no
// positions, so it enters again, and limits of 0 that bind nothing.
func TestPeer_WhatIsMissingReadsAsZero(t *testing.T) {
	t.Parallel()
	account := dt.Account()
	account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "1")}
	whole, err := json.Marshal(account)
	require.NoError(t, err)
	_, err = decision.ReadAccount(strings.NewReader(string(whole)))
	require.NoError(t, err)
	var members map[string]any
	require.NoError(t, json.Unmarshal(whole, &members))
	for _, name := range []string{"positions", "available_usd", "max_position_size_usd", "realized_pnl_today_usd", "halted", "leverage"} {
		without := make(map[string]any, len(members))
		for k, v := range members {
			without[k] = v
		}
		for what, change := range map[string]func(){"missing": func() { delete(without, name) }, "null": func() { without[name] = nil }} {
			change()
			text, err := json.Marshal(without)
			require.NoError(t, err)
			_, err = decision.ReadAccount(strings.NewReader(string(text)))
			require.ErrorContains(t, err, name, what)
		}
	}
	_, err = decision.ReadAccount(strings.NewReader(strings.Replace(string(whole), `"quantity":1,`, ``, 1)))
	require.ErrorContains(t, err, "missing positions[0].quantity")
	_, err = decision.ReadAccount(strings.NewReader(strings.Replace(string(whole), `"max_position_size_usd":10000`, `"max_position_size_usd":0`, 1)))
	require.ErrorContains(t, err, "max_position_size_usd must be positive, was 0")
}
