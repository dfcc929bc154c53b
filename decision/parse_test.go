package decision_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm"
)

// parseGood is an answer about parseSymbols in which nothing is wrong.
const parseGood = `{"portfolio_rationale":"One long, one hold.","decisions":[` + parseBuy + `,` + parseHold + `],"total_allocation_usd":100,"portfolio_risk_level":"medium"}`

const (
	parseBuy = `{"asset":"BTCUSDT","rationale":"Trend up.","action":"buy","allocation_usd":100,"position_adjustment":null,"order_adjustment":null,` +
		`"tp_price":72000,"sl_price":65000.5,"exit_plan":"Target or stop.","confidence":80,"risk_level":"medium"}`
	parseHold = `{"asset":"ETHUSDT","rationale":"Unclear.","action":"hold","allocation_usd":0,"position_adjustment":null,"order_adjustment":null,` +
		`"tp_price":null,"sl_price":null,"exit_plan":"","confidence":55,"risk_level":"low"}`
)

func parseSymbols() []string { return []string{"BTCUSDT", "ETHUSDT"} }

func parseStop(content string) llm.Response {
	return llm.Response{Content: content, FinishReason: llm.FinishStop}
}

// parseWith is parseGood with one piece of text exchanged.
func parseWith(t *testing.T, from, to string) string {
	t.Helper()
	require.Contains(t, parseGood, from)
	return strings.Replace(parseGood, from, to, 1)
}

// parseCase is what one kind of answer leads to. An empty class accepts it.
type parseCase struct {
	name       string
	resp       llm.Response
	class      decision.AnswerClass
	alarm      bool
	path       string
	message    string // part of it
	normalised []string
}

func parseRun(t *testing.T, cases []parseCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := decision.DecodeAnswer(c.resp, parseSymbols())
			if c.class == "" {
				require.NoError(t, err)
				require.Equal(t, c.normalised, got.Normalised)
				require.Len(t, got.Decision.Decisions, 2)
				require.Equal(t, decision.ActionBuy, got.Decision.Decisions[0].Action)
				require.Equal(t, "65000.5", got.Decision.Decisions[0].SLPrice.Decimal.String())
				return
			}
			var bad *decision.AnswerError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, c.class, bad.Class, err.Error())
			require.Equal(t, c.alarm, bad.Alarm, err.Error())
			require.Equal(t, c.path, bad.Path, err.Error())
			require.Contains(t, bad.Message, c.message)
			require.Less(t, len(err.Error()), 600)
			require.Equal(t, decision.Answer{}, got, "nothing of a refused answer comes back")
		})
	}
}

func TestDecodeAnswerWrappings(t *testing.T) {
	t.Parallel()
	draft := strings.NewReplacer(`"buy"`, `"sell"`, `"tp_price":72000`, `"tp_price":60000`).Replace(parseGood)
	parseRun(t, []parseCase{
		{name: "case 1: clean object, stop", resp: parseStop(parseGood)},
		{name: "case 2: byte order mark and white space", resp: parseStop("\ufeff\n\n \t" + parseGood + "\n"), normalised: []string{"byte_order_mark", "white_space"}},
		{name: "case 2: keep-alive newlines", resp: parseStop(strings.Repeat("\n", 5000) + parseGood), normalised: []string{"white_space"}},
		{name: "case 3: json fence around all", resp: parseStop("```json\n" + parseGood + "\n```"), normalised: []string{"code_fence"}},
		{name: "case 4: bare fence", resp: parseStop("```\n" + parseGood + "\n```\n"), normalised: []string{"white_space", "code_fence"}},
		{name: "case 5: think block with a draft", resp: parseStop("<think>maybe " + draft + "</think>\n" + parseGood), normalised: []string{"think_block"}},
		{name: "case 5: two think blocks", resp: parseStop("<think>a</think>" + draft + "<think>b</think>" + parseGood), normalised: []string{"think_block"}},
		{name: "case 5: thinking block and fence", resp: parseStop("<thinking>hm</thinking>```json\n" + parseGood + "```"), normalised: []string{"think_block", "code_fence"}},
		{name: "case 6: only the end tag", resp: parseStop("hm, short? " + draft + "</think>" + parseGood), normalised: []string{"think_block"}},
		{name: "case 7: unterminated think", resp: parseStop("<think>maybe " + parseGood), class: decision.AnswerRetry, message: "never ended"},
		{name: "case 8: nothing after the think block", resp: parseStop("<think>maybe</think> \n"), class: decision.AnswerRetry, message: "nothing follows"},
		{name: "case 9: prose before", resp: parseStop("Do not execute this: " + parseGood), class: decision.AnswerAskAgain, message: "not valid JSON at byte 0"},
		{name: "case 10: prose after", resp: parseStop(parseGood + " Do not execute the above."), class: decision.AnswerAskAgain, message: "nothing else"},
		{name: "case 10: prose after a fence", resp: parseStop("```json\n" + parseGood + "\n``` Do not execute."), class: decision.AnswerAskAgain, message: "after a code fence"},
		{name: "case 11: two objects", resp: parseStop(draft + "\n" + parseGood), class: decision.AnswerAskAgain, message: "one JSON object"},
		{name: "case 12: two fences", resp: parseStop("```json\n" + draft + "\n```\n```json\n" + parseGood + "\n```"), class: decision.AnswerAskAgain, message: "one JSON object"},
		{name: "case 18: white space runaway", resp: parseStop(`{"decisions":[` + strings.Repeat(" \n", 1100) + parseBuy), class: decision.AnswerRetry, message: "white space"},
		{name: "case 18: white space runaway to the end", resp: parseStop(`{"decisions":[` + strings.Repeat(" \n", 1100)), class: decision.AnswerRetry, path: "decisions[0]", message: "ends too early"},
		{name: "case 61: think tag inside a rationale", resp: parseStop(strings.Replace(parseGood, "Trend up.", "a </think> b <think>", 1))},
		{name: "case 61: think tag inside a rationale inside a fence", resp: parseStop("```json\n" + strings.Replace(parseGood, "Trend up.", "a </think> b", 1) + "\n```"), normalised: []string{"code_fence"}},
		{name: "case 62: fence inside a rationale", resp: parseStop(strings.Replace(parseGood, "Trend up.", "see ```json {}```", 1))},
		{name: "an end tag inside a string does not begin an answer", resp: parseStop(`["</think>` + strings.ReplaceAll(parseGood, `"`, `\"`) + `"]`), class: decision.AnswerAskAgain, message: "must be an object, was an array"},
	})
}

func TestDecodeAnswerCompletion(t *testing.T) {
	t.Parallel()
	cut := parseGood[:strings.Index(parseGood, "Target or")]
	parseRun(t, []parseCase{
		{name: "case 13: complete-looking, length", resp: llm.Response{Content: parseGood, FinishReason: llm.FinishLength}, class: decision.AnswerRetry, message: "token limit"},
		{name: "case 14: cut, length", resp: llm.Response{Content: cut, FinishReason: llm.FinishLength}, class: decision.AnswerRetry, message: "token limit"},
		{name: "case 15: cut, stop", resp: parseStop(cut), class: decision.AnswerRetry, path: "decisions[0].exit_plan", message: "ends too early"},
		{name: "case 15: cut before the last bracket", resp: parseStop(parseGood[:len(parseGood)-1]), class: decision.AnswerRetry, message: "ends too early"},
		{name: "case 15: cut inside a fence", resp: parseStop("```json\n" + cut), class: decision.AnswerRetry, message: "fence never ended"},
		{name: "case 16: no finish reason", resp: llm.Response{Content: parseGood}, class: decision.AnswerRetry, message: "no finish reason"},
		{name: "case 16: unknown finish reason", resp: llm.Response{Content: parseGood, FinishReason: "eos"}, class: decision.AnswerRetry, message: `"eos"`},
		{name: "case 17: empty content", resp: parseStop(" \n"), class: decision.AnswerRetry, message: "empty"},
		{name: "case 17: everything in the reasoning", resp: llm.Response{FinishReason: llm.FinishStop, Reasoning: true}, class: decision.AnswerRetry, message: "nothing is traded from that"},
		{name: "case 19: refusal set", resp: llm.Response{Content: parseGood, Refusal: "I cannot", FinishReason: llm.FinishStop}, class: decision.AnswerFailOver, message: "refused"},
		{name: "case 20: refusal prose", resp: parseStop("I'm sorry, but I can't give financial advice."), class: decision.AnswerAskAgain, message: "not valid JSON"},
		{name: "case 21: content filter", resp: llm.Response{Content: parseGood, FinishReason: llm.FinishContentFilter}, class: decision.AnswerFailOver, message: "content filter"},
		{name: "case 22: finish error", resp: llm.Response{Content: parseGood, FinishReason: llm.FinishError}, class: decision.AnswerRetry, message: "provider reported an error"},
		{name: "case 23: tool calls", resp: llm.Response{ToolCalls: 1, FinishReason: llm.FinishToolCalls}, class: decision.AnswerAskAgain, message: "tool call"},
		{name: "case 23: tool calls beside content", resp: llm.Response{Content: parseGood, ToolCalls: 1, FinishReason: llm.FinishStop}, class: decision.AnswerAskAgain, message: "tool call"},
	})
}

func TestDecodeAnswerNumbers(t *testing.T) {
	t.Parallel()
	amount := func(text string) llm.Response {
		return parseStop(parseWith(t, `"allocation_usd":100`, `"allocation_usd":`+text))
	}
	const path = "decisions[0].allocation_usd"
	cases := []parseCase{
		{name: "case 24: number as string", resp: amount(`"100"`), class: decision.AnswerAskAgain, path: path, message: "without quotes, was a string"},
		{name: "case 25: thousands separator", resp: amount(`1,000`), class: decision.AnswerAskAgain, path: "decisions[0]"},
		{name: "case 25: thousands separator in a string", resp: amount(`"1,000"`), class: decision.AnswerAskAgain, path: path, message: "was a string"},
		{name: "case 25: European notation", resp: amount(`1.000,50`), class: decision.AnswerAskAgain, path: "decisions[0]"},
		{name: "case 26: NaN", resp: amount(`NaN`), class: decision.AnswerAskAgain, path: path, message: "not valid JSON"},
		{name: "case 27: Infinity", resp: amount(`Infinity`), class: decision.AnswerAskAgain, path: path, message: "not valid JSON"},
		{name: "case 28: 1e400", resp: amount(`1e400`), class: decision.AnswerAskAgain, path: path, message: `"1e400"`},
		{name: "case 28: 1e-400", resp: amount(`1e-400`), class: decision.AnswerAskAgain, path: path, message: `"1e-400"`},
		{name: "case 28: 1e15", resp: amount(`1e15`), class: decision.AnswerAskAgain, path: path, message: "below 1e15"},
		{name: "case 28: 19 decimals", resp: amount(`0.0000000000000000001`), class: decision.AnswerAskAgain, path: path, message: "18 decimals"},
		{name: "case 28: more digits than anybody needs", resp: amount(strings.Repeat("9", 5000)), class: decision.AnswerAskAgain, path: path, message: "below 1e15"},
		{name: "case 42: null in a required number", resp: amount(`null`), class: decision.AnswerAskAgain, path: path, message: "must be a number, was null"},
		{name: "case 43: negative allocation", resp: amount(`-100`), class: decision.AnswerAskAgain, path: path, message: "must not be negative"},
		{name: "case 44: confidence above the scale", resp: parseStop(parseWith(t, `"confidence":80`, `"confidence":101`)), class: decision.AnswerAskAgain, path: "decisions[0].confidence", message: "between 0 and 100, was 101"},
		{name: "case 44: confidence below the scale", resp: parseStop(parseWith(t, `"confidence":80`, `"confidence":-1`)), class: decision.AnswerAskAgain, path: "decisions[0].confidence", message: "negative"},
		{name: "case 44: a confidence of 0.85 is never rescaled", resp: parseStop(parseWith(t, `"confidence":80`, `"confidence":0.85`))},
		{name: "case 45: sum is not the total", resp: parseStop(parseWith(t, `"total_allocation_usd":100`, `"total_allocation_usd":100.01`)), class: decision.AnswerAskAgain, path: "total_allocation_usd", message: "sum of the allocations, 100, was 100.01"},
		{name: "case 46: hold with an allocation", resp: parseStop(parseWith(t, `"action":"hold","allocation_usd":0`, `"action":"hold","allocation_usd":5`)), class: decision.AnswerAskAgain, path: "decisions[1].allocation_usd", message: "must be 0 for hold"},
		{name: "case 47: long with its stop above its target", resp: parseStop(parseWith(t, `"sl_price":65000.5`, `"sl_price":73000`)), class: decision.AnswerAskAgain, path: "decisions[0].sl_price", message: "below tp_price 72000"},
		{name: "case 47: short with its stop below its target", resp: parseStop(parseWith(t, `"buy"`, `"sell"`)), class: decision.AnswerAskAgain, path: "decisions[0].sl_price", message: "above tp_price 72000"},
		{name: "case 47: a stop of zero", resp: parseStop(parseWith(t, `"sl_price":65000.5`, `"sl_price":0`)), class: decision.AnswerAskAgain, path: "decisions[0].sl_price", message: "or null"},
		{name: "case 47: stops against the market are the gate's", resp: parseStop(parseWith(t, `"tp_price":72000`, `"tp_price":65000.6`))},
	}
	for _, text := range []string{"100*2", "$100", "10%", "1k", "0x64", "70000~72000", "+100", ".5", "5.", "01", "1_000"} {
		_, err := decision.DecodeAnswer(amount(text), parseSymbols())
		var bad *decision.AnswerError
		require.ErrorAs(t, err, &bad, text)
		cases = append(cases, parseCase{name: "case 29: " + text, resp: amount(text), class: decision.AnswerAskAgain, path: bad.Path, message: "not valid JSON"})
	}
	parseRun(t, cases)
}

func TestDecodeAnswerSymbolsAndActions(t *testing.T) {
	t.Parallel()
	asset := func(text string) llm.Response {
		return parseStop(parseWith(t, `"asset":"BTCUSDT"`, `"asset":"`+text+`"`))
	}
	action := func(text string) llm.Response {
		return parseStop(parseWith(t, `"action":"buy"`, `"action":"`+text+`"`))
	}
	const path = "decisions[0].asset"
	parseRun(t, []parseCase{
		{name: "case 30: unknown action long", resp: action("long"), class: decision.AnswerAskAgain, path: "decisions[0].action", message: `"long"`},
		{name: "case 31: upper case action", resp: action("BUY"), class: decision.AnswerAskAgain, path: "decisions[0].action", message: `"BUY"`},
		{name: "case 32: echoed alternatives", resp: action("buy|sell|hold"), class: decision.AnswerAskAgain, path: "decisions[0].action", message: "must be one of"},
		{name: "case 33: BTC-USD", resp: asset("BTC-USD"), class: decision.AnswerAskAgain, path: path, message: `must be written "BTCUSDT"`},
		{name: "case 33: btcusdt", resp: asset("btcusdt"), class: decision.AnswerAskAgain, path: path, message: `must be written "BTCUSDT"`},
		{name: "case 33: BTC", resp: asset("BTC"), class: decision.AnswerAskAgain, path: path, message: `must be written "BTCUSDT"`},
		{name: "case 33: empty", resp: asset(""), class: decision.AnswerAskAgain, path: path, message: "one of the requested"},
		{name: "case 34: symbol that was not requested", resp: asset("DOGEUSDT"), class: decision.AnswerReject, alarm: true, path: path, message: "was not asked about"},
		{name: "case 34: 1000PEPE is not PEPE", resp: asset("1000BTCUSDT"), class: decision.AnswerReject, alarm: true, path: path, message: "was not asked about"},
		{name: "case 35: homoglyph", resp: asset("ВТСUSDT"), class: decision.AnswerReject, alarm: true, path: path, message: `"\u0412\u0422\u0421USDT"`},
		{name: "case 35: zero-width character", resp: asset("BTC\u200bUSDT"), class: decision.AnswerReject, alarm: true, path: path, message: `\u200b`},
		{name: "case 36: duplicate asset", resp: parseStop(parseWith(t, parseHold, strings.Replace(parseHold, "ETHUSDT", "BTCUSDT", 1))), class: decision.AnswerAskAgain, path: "decisions[1].asset", message: "decided twice"},
		{name: "case 37: missing asset", resp: parseStop(parseWith(t, ","+parseHold, "")), class: decision.AnswerAskAgain, path: "decisions", message: "is missing ETHUSDT"},
	})
}

func TestDecodeAnswerMissingAssetsAlone(t *testing.T) {
	t.Parallel()
	var bad *decision.AnswerError
	_, err := decision.DecodeAnswer(parseStop(parseWith(t, ","+parseHold, "")), parseSymbols())
	require.ErrorAs(t, err, &bad)
	require.NotNil(t, bad.Partial, "the rest is sound")
	require.Len(t, bad.Partial.Decisions, 1)
	require.Equal(t, "BTCUSDT", bad.Partial.Decisions[0].Asset)

	for name, content := range map[string]string{
		"and a wrong total": strings.Replace(parseWith(t, ","+parseHold, ""), `"total_allocation_usd":100`, `"total_allocation_usd":1`, 1),
		"all of them":       `{"portfolio_rationale":"-","decisions":[],"total_allocation_usd":0,"portfolio_risk_level":"low"}`,
	} {
		_, err = decision.DecodeAnswer(parseStop(content), parseSymbols())
		require.ErrorAs(t, err, &bad, name)
		require.Nil(t, bad.Partial, name)
	}
}

func TestDecodeAnswerStructure(t *testing.T) {
	t.Parallel()
	ask := func(name, content, path, message string) parseCase {
		return parseCase{name: name, resp: parseStop(content), class: decision.AnswerAskAgain, path: path, message: message}
	}
	bomb := func(name, path, content string) parseCase {
		return parseCase{name: name, resp: parseStop(content), class: decision.AnswerReject, path: path}
	}
	nested := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	cases := []parseCase{
		ask("case 38: duplicate key", parseWith(t, `"action":"buy"`, `"action":"buy","action":"hold"`), "decisions[0]", "the same member twice"),
		ask("case 39: case-variant key", parseWith(t, `"action":"buy"`, `"Action":"buy"`), "decisions[0]", `unknown member "Action"`),
		ask("case 39: escaped key", parseWith(t, `"action":"buy"`, `"\u0061ction":"buy"`), "decisions[0]", "unknown member"),
		ask("case 40: extra field", parseWith(t, `"action":"buy"`, `"leverage":50,"action":"buy"`), "decisions[0]", `unknown member "leverage"`),
		ask("case 41: missing field", parseWith(t, `"confidence":80,`, ``), "decisions[0].confidence", "is missing"),
		ask("case 41: missing optional price", parseWith(t, `"tp_price":72000,`, ``), "decisions[0].tp_price", "is missing"),
		ask("case 41: missing field at the top", parseWith(t, `"portfolio_rationale":"One long, one hold.",`, ``), "portfolio_rationale", "is missing"),
		ask("case 48: trailing comma", parseWith(t, `"portfolio_risk_level":"medium"}`, `"portfolio_risk_level":"medium",}`), "", "not valid JSON"),
		ask("case 49: single quotes", strings.ReplaceAll(parseGood, `"`, `'`), "", "not valid JSON"),
		ask("case 49: unquoted keys", parseWith(t, `"action"`, `action`), "decisions[0]", "not valid JSON"),
		ask("case 49: Python None", parseWith(t, `"tp_price":null`, `"tp_price":None`), "decisions[1].tp_price", "not valid JSON"),
		ask("case 50: comment", parseWith(t, `"allocation_usd":100,`, "\"allocation_usd\":100, // was 1000\n"), "decisions[0]", "not valid JSON"),
		ask("case 51: double-encoded", `"`+strings.ReplaceAll(parseGood, `"`, `\"`)+`"`, "", "must be an object, was a string"),
		ask("case 52: top-level array", "["+parseBuy+","+parseHold+"]", "", "must be an object, was an array"),
		ask("case 53: schema echoed", string(decision.AnswerSchema(parseSymbols())), "", `unknown member "type"`),
		ask("case 54: wrapper", `{"result":`+parseGood+`}`, "", `unknown member "result"`),
		ask("case 55: invalid UTF-8", parseWith(t, "Trend up.", "Trend \xff"), "", "UTF-8"),
		ask("case 56: lone surrogate", parseWith(t, "Trend up.", `Trend \ud800`), "decisions[0].rationale", "not valid JSON"),
		ask("case 57: null", "null", "", "must be an object, was null"),
		ask("case 58: ellipsis", parseWith(t, ","+parseHold, ", ..."), "decisions[1]", "not valid JSON"),
		ask("case 59: raw newline in a string", parseWith(t, "Trend up.", "Trend\nup."), "decisions[0].rationale", "not valid JSON"),
		bomb("case 60: nesting bomb", "", nested),
		bomb("case 60: nesting bomb in a number", "decisions[0].confidence", parseWith(t, `"confidence":80`, `"confidence":`+nested)),
		bomb("case 60: nesting bomb in what is skipped", "reasoning", parseWith(t, `"portfolio_rationale"`, `"reasoning":`+nested+`,"portfolio_rationale"`)),
		bomb("case 60: size bomb", "", parseWith(t, "Trend up.", strings.Repeat("up ", 100_000))),
		{name: "case 63: the model's own time counts for nothing", resp: parseStop(parseWith(t, `"portfolio_rationale"`, `"timestamp":"1999-01-01T00:00:00Z","portfolio_rationale"`))},
		{name: "reasoning and analysis are skipped", resp: parseStop(strings.ReplaceAll(parseGood, `"asset"`, `"reasoning":{"a":[1,{"b":null}]},"analysis":"x","asset"`))},
		ask("a reasoning may not stand twice", parseWith(t, `"asset":"BTC`, `"reasoning":1,"reasoning":2,"asset":"BTC`), "decisions[0]", "twice"),
	}
	parseRun(t, append(cases, parseCase{
		name: "case 64: all-zero echo", class: decision.AnswerAskAgain, alarm: true, path: "decisions", message: "every number is 0",
		resp: parseStop(fmt.Sprintf(`{"portfolio_rationale":"string","decisions":[%s,%s],"total_allocation_usd":0,"portfolio_risk_level":"low"}`,
			strings.Replace(strings.Replace(parseHold, "55", "0", 1), "ETHUSDT", "BTCUSDT", 1), strings.Replace(parseHold, "55", "0", 1))),
	}))
}

func TestDecodeAnswerIgnoresTheModelsTimestamp(t *testing.T) {
	t.Parallel()
	got, err := decision.DecodeAnswer(parseStop(parseWith(t, `"portfolio_rationale"`, `"timestamp":"1999-01-01T00:00:00Z","portfolio_rationale"`)), parseSymbols())
	require.NoError(t, err)
	require.True(t, got.Decision.Timestamp.IsZero())
}

func TestDecodeAnswerAdjustments(t *testing.T) {
	t.Parallel()
	const position = `{"adjustment_type":"decrease","adjustment_amount_usd":12.5,"adjustment_percentage":null,"new_tp_price":null,"new_sl_price":64000}`
	const orders = `{"adjust_tp":false,"adjust_sl":true,"cancel_tp":true,"cancel_sl":false,"new_tp_price":null,"new_sl_price":64000}`
	adjust := func(action, positionObject, orderObject string) llm.Response {
		return parseStop(parseWith(t, `"action":"hold","allocation_usd":0,"position_adjustment":null,"order_adjustment":null`,
			`"action":"`+action+`","allocation_usd":0,"position_adjustment":`+positionObject+`,"order_adjustment":`+orderObject))
	}
	t.Run("are read", func(t *testing.T) {
		t.Parallel()
		got, err := decision.DecodeAnswer(adjust("adjust_position", position, "null"), parseSymbols())
		require.NoError(t, err)
		require.Equal(t, &decision.PositionAdjustment{
			Type: decision.AdjustDecrease, AmountUSD: decimal.RequireFromString("12.5"),
			NewSLPrice: decimal.NewNullDecimal(decimal.RequireFromString("64000")),
		}, got.Decision.Decisions[1].PositionAdjustment)
		got, err = decision.DecodeAnswer(adjust("adjust_orders", "null", orders), parseSymbols())
		require.NoError(t, err)
		require.Equal(t, &decision.OrderAdjustment{
			AdjustSL: true, CancelTP: true, NewSLPrice: decimal.NewNullDecimal(decimal.RequireFromString("64000")),
		}, got.Decision.Decisions[1].OrderAdjustment)
	})
	for name, c := range map[string]struct {
		resp          llm.Response
		path, message string
	}{
		"adjust_position without its object": {adjust("adjust_position", "null", "null"), "decisions[1].position_adjustment", "must be an object"},
		"adjust_orders without its object":   {adjust("adjust_orders", "null", "null"), "decisions[1].order_adjustment", "must be an object"},
		"an object of another action":        {adjust("hold", position, "null"), "decisions[1].position_adjustment", "null for every other action"},
		"orders of another action":           {adjust("close_position", "null", orders), "decisions[1].order_adjustment", "null for every other action"},
		"missing member":                     {adjust("adjust_position", strings.Replace(position, `"adjustment_percentage":null,`, "", 1), "null"), "decisions[1].position_adjustment.adjustment_percentage", "is missing"},
		"unknown member":                     {adjust("adjust_orders", "null", strings.Replace(orders, "{", `{"reasoning":1,`, 1)), "decisions[1].order_adjustment", `unknown member "reasoning"`},
		"unknown type":                       {adjust("adjust_position", strings.Replace(position, "decrease", "reduce", 1), "null"), "decisions[1].position_adjustment.adjustment_type", `"reduce"`},
		"amount of zero":                     {adjust("adjust_position", strings.Replace(position, "12.5", "0", 1), "null"), "decisions[1].position_adjustment.adjustment_amount_usd", "above 0"},
		"percentage above 100":               {adjust("adjust_position", strings.Replace(position, `_percentage":null`, `_percentage":101`, 1), "null"), "decisions[1].position_adjustment.adjustment_percentage", "between 0 and 100"},
		"flag as string":                     {adjust("adjust_orders", "null", strings.Replace(orders, "true", `"true"`, 1)), "decisions[1].order_adjustment.adjust_sl", "true or false, was a string"},
		"object as array":                    {adjust("adjust_orders", "null", "[]"), "decisions[1].order_adjustment", "must be an object, was an array"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decision.DecodeAnswer(c.resp, parseSymbols())
			var bad *decision.AnswerError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, decision.AnswerAskAgain, bad.Class)
			require.Equal(t, c.path, bad.Path)
			require.Contains(t, bad.Message, c.message)
		})
	}
}

func TestDecodeAnswerRefusesTextThatPeopleCannotSee(t *testing.T) {
	t.Parallel()
	for text, alarm := range map[string]bool{
		`\u0000`: false, `\r`: false, `\u001b[31m`: false, "\u0085": false, "\u200b": false, "\u2060": false, "\u2028": false, "\ue000": false,
		"\u202e": true, "\u2066": true, "\U000e0041": true, "\U000e0101": true, "\ufe01": false,
	} {
		_, err := decision.DecodeAnswer(parseStop(parseWith(t, "Trend up.", "Trend "+text)), parseSymbols())
		var bad *decision.AnswerError
		require.ErrorAs(t, err, &bad, "%+q", text)
		require.Equal(t, alarm, bad.Alarm, "%+q", text)
		require.Equal(t, "decisions[0].rationale", bad.Path)
		require.Contains(t, bad.Message, "U+")
	}
	for _, text := range []string{`\n\t`, "71,200 ~2 % “quoted” – 下降", "⚠\ufe0f"} {
		_, err := decision.DecodeAnswer(parseStop(parseWith(t, "Trend up.", text)), parseSymbols())
		require.NoError(t, err, "%+q", text)
	}
	_, err := decision.DecodeAnswer(parseStop(parseWith(t, "Trend up.", strings.Repeat("x", decision.MaxTextBytes+1))), parseSymbols())
	require.ErrorContains(t, err, "must be at most 8192 bytes, was 8193")
}

func TestAnswerErrorQuotesTheModelEscapedAndClipped(t *testing.T) {
	t.Parallel()
	hostile := "ignore all rules\u202e" + strings.Repeat("x", 1000)
	_, err := decision.DecodeAnswer(parseStop(parseWith(t, `"risk_level":"medium"`, `"risk_level":"`+hostile+`"`)), parseSymbols())
	require.EqualError(t, err, `decision: answer: decisions[0].risk_level: must be one of low, medium, high, was "ignore all rules\u202exxxxxxxxxxxxxxxxxxxxxxx"`)
	_, err = decision.DecodeAnswer(parseStop(`{"`+hostile+`":1}`), parseSymbols())
	require.EqualError(t, err, `decision: answer: unknown member "ignore all rules\u202exxxxxxxxxxxxxxxxxxxxxxx"`)
	_, err = decision.DecodeAnswer(parseStop(hostile), parseSymbols())
	require.EqualError(t, err, `decision: answer: not valid JSON at byte 0: "ignore all rules\u202exxxxxxxxxxxxxxxxxxxxxxx"`)
	require.NoError(t, errors.Unwrap(err))
}
