package llmtest

import (
	"strings"

	"github.com/ballast-go/ballast/llm"
)

// goodAnswer holds both assets, so that it is valid in any market.
const (
	goodAnswer = `{"portfolio_rationale":"Nothing is clear.","decisions":[` + holdBTC + `,` + holdETH + `],` + goodTail
	holdBTC    = `{"asset":"BTCUSDT","rationale":"No trend.","action":"hold","allocation_usd":0,"position_adjustment":null,"order_adjustment":null,` +
		`"tp_price":null,"sl_price":null,"exit_plan":"Wait.","confidence":60,"risk_level":"low"}`
	holdETH = `{"asset":"ETHUSDT","rationale":"Unclear.","action":"hold","allocation_usd":0,"position_adjustment":null,"order_adjustment":null,` +
		`"tp_price":null,"sl_price":null,"exit_plan":"","confidence":55,"risk_level":"low"}`
	goodTail = `"total_allocation_usd":0,"portfolio_risk_level":"low"}`
)

// with is goodAnswer with the first from exchanged.
func with(from, to string) Step { return Answer(strings.Replace(goodAnswer, from, to, 1)) }

// finished is an answer with this finish reason.
func finished(content string, reason llm.FinishReason) Step {
	return named("finish "+string(reason), Completion{Content: content, FinishReason: reason, Usage: TypicalUsage()})
}

func unfinishedAnswers() []Scenario {
	noReason := Completion{Content: goodAnswer, Unfinished: true, Usage: TypicalUsage()}
	onlyReasoning := Completion{Reasoning: goodAnswer, Usage: TypicalUsage()}
	toolCalls := Completion{ToolCalls: 1, NullContent: true, FinishReason: llm.FinishToolCalls, Usage: TypicalUsage()}
	return []Scenario{
		{Name: "reasoning used all tokens", What: `sends null and "length"`, Step: ContentNullLength(), Expect: unusable(Retry)},
		{Name: "length, looks complete", What: `sends a whole decision and "length"`, Step: finished(goodAnswer, llm.FinishLength), Expect: unusable(Retry)},
		{Name: "length, cut", What: `sends half a decision and "length"`, Step: finished(goodAnswer[:300], llm.FinishLength), Expect: unusable(Retry).noted("no bracket is closed for it")},
		{Name: "cut, stop", What: `sends half a decision and "stop"`, Step: Answer(goodAnswer[:300]), Expect: unusable(Retry)},
		{
			Name: "no finish reason", What: "sends a document without a finish reason",
			Step: Step{Form: FormDocument, Completion: &noReason}, Expect: unusable(Retry),
		},
		{Name: "unknown finish reason", What: `finishes with "eos"`, Step: finished(goodAnswer, "eos"), Expect: unusable(Retry)},
		{Name: "empty content", What: "sends nothing as content", Step: Answer(""), Expect: unusable(Retry)},
		{Name: "only reasoning", What: "sends a decision as its reasoning", Step: Complete(onlyReasoning), Expect: unusable(Retry).noted("nothing is traded from reasoning")},
		{Name: "content filter", What: "stops by a filter", Step: finished(goodAnswer, llm.FinishContentFilter), Expect: unusable(FailOver)},
		{Name: "refusal", What: "declines in its own field", Step: Refusal("I cannot help with that."), Expect: unusable(FailOver)},
		{Name: "refusal in prose", What: "declines in the content", Step: Answer("I am sorry, but I cannot give financial advice."), Expect: unusable(AskAgain)},
		{Name: "tool call", What: "calls a tool that nobody offered", Step: Complete(toolCalls), Expect: unusable(AskAgain)},
	}
}

func wrappedAnswers() []Scenario {
	draft := strings.ReplaceAll(goodAnswer, `"hold"`, `"close_position"`)
	return []Scenario{
		{Name: "byte order mark", What: "starts with one", Step: Answer("\ufeff" + goodAnswer), Expect: usable().noted("taken off and recorded")},
		{Name: "white space around", What: "pads the answer", Step: Answer("\n\n" + goodAnswer + "\n"), Expect: usable().noted("taken off and recorded")},
		{Name: "code fence", What: "puts the answer in ```json", Step: Answer("```json\n" + goodAnswer + "\n```"), Expect: usable().noted("taken off and recorded")},
		{Name: "think block", What: "thinks first, with a draft", Step: Answer("<think>perhaps " + draft + "</think>" + goodAnswer), Expect: usable().noted("the draft is never read")},
		{Name: "end of thinking alone", What: "leaves the opening tag out", Step: Answer("perhaps\n</think>\n" + goodAnswer), Expect: usable().noted("taken off and recorded")},
		{Name: "endless thinking", What: "never ends its think block", Step: Answer("<think>perhaps " + goodAnswer), Expect: unusable(Retry)},
		{Name: "nothing after the thinking", What: "thinks and says nothing", Step: Answer("<think>perhaps</think>"), Expect: unusable(Retry)},
		{Name: "prose before", What: "writes a sentence first", Step: Answer("Do not execute this: " + goodAnswer), Expect: unusable(AskAgain).noted("the sentence may negate it")},
		{Name: "prose after", What: "writes a sentence after", Step: Answer(goodAnswer + " Do not execute the above."), Expect: unusable(AskAgain).noted("the sentence may negate it")},
		{Name: "two objects", What: "sends two decisions", Step: Answer(draft + "\n" + goodAnswer), Expect: unusable(AskAgain).noted("neither is picked")},
		{Name: "two fences", What: "fences two decisions", Step: Answer("```json\n" + draft + "\n```\n```json\n" + goodAnswer + "\n```"), Expect: unusable(AskAgain)},
		{Name: "encoded twice", What: "sends the decision as a JSON string", Step: Answer(encode(goodAnswer)), Expect: unusable(AskAgain)},
		{Name: "array", What: "sends the decisions without their object", Step: Answer("[" + holdBTC + "," + holdETH + "]"), Expect: unusable(AskAgain)},
		{Name: "wrapper", What: "puts the decision into a member", Step: Answer(`{"result":` + goodAnswer + `}`), Expect: unusable(AskAgain)},
		{Name: "null", What: "answers null", Step: Answer("null"), Expect: unusable(AskAgain)},
	}
}

func malformedAnswers() []Scenario {
	return []Scenario{
		{Name: "duplicate key", What: "sets an action twice", Step: with(`"action":"hold"`, `"action":"buy","action":"hold"`), Expect: unusable(AskAgain).noted("neither is picked")},
		{Name: "key in capitals", What: "writes Action", Step: with(`"action"`, `"Action"`), Expect: unusable(AskAgain)},
		{Name: "extra field", What: "adds a leverage of 50", Step: with(`"action"`, `"leverage":50,"action"`), Expect: unusable(AskAgain)},
		{Name: "missing field", What: "leaves the action out", Step: with(`"action":"hold",`, ""), Expect: unusable(AskAgain)},
		{Name: "trailing comma", What: "ends a list with a comma", Step: with("],", ",],"), Expect: unusable(AskAgain)},
		{Name: "single quotes", What: "quotes as Python does", Step: Answer(strings.ReplaceAll(goodAnswer, `"`, "'")), Expect: unusable(AskAgain)},
		{Name: "comment", What: "comments a number", Step: with(`"allocation_usd":0,`, `"allocation_usd":0, // was 1000`), Expect: unusable(AskAgain)},
		{Name: "ellipsis", What: "abbreviates", Step: with(holdETH, "..."), Expect: unusable(AskAgain)},
		{Name: "raw newline", What: "breaks a line inside a string", Step: with("No trend.", "No\ntrend."), Expect: unusable(AskAgain)},
		{Name: "lone surrogate", What: "escapes half a character", Step: with("No trend.", `\ud800`), Expect: unusable(AskAgain)},
		{Name: "nesting bomb", What: "nests 10,000 arrays", Step: with(`"decisions":[`, `"decisions":[`+strings.Repeat("[", 10_000)), Expect: unusable(Reject)},
		{Name: "300 KB answer", What: "sends more than the bound of 256 KiB", Step: with("No trend.", strings.Repeat("x", 300<<10)), Expect: unusable(Reject)},
	}
}

func wrongNumbers() []Scenario {
	amount := func(text string) Step { return with(`"allocation_usd":0`, `"allocation_usd":`+text) }
	return []Scenario{
		{Name: "number as a string", What: `allocates "0"`, Step: amount(`"0"`), Expect: unusable(AskAgain)},
		{Name: "thousands separator", What: "allocates 1,000", Step: amount("1,000"), Expect: unusable(AskAgain).noted("1 or 1000: nobody knows")},
		{Name: "NaN", What: "allocates NaN", Step: amount("NaN"), Expect: unusable(AskAgain)},
		{Name: "Infinity", What: "allocates Infinity", Step: amount("Infinity"), Expect: unusable(AskAgain)},
		{Name: "huge exponent", What: "allocates 1e400", Step: amount("1e400"), Expect: unusable(AskAgain)},
		{Name: "arithmetic", What: "allocates 100*2", Step: amount("100*2"), Expect: unusable(AskAgain)},
		{Name: "null number", What: "allocates null", Step: amount("null"), Expect: unusable(AskAgain)},
		{Name: "number of a wrong type", What: "allocates true", Step: amount("true"), Expect: unusable(AskAgain)},
		{Name: "negative amount", What: "allocates -100", Step: amount("-100"), Expect: unusable(AskAgain)},
		{Name: "hold with an amount", What: "holds and allocates 5", Step: amount("5"), Expect: unusable(AskAgain)},
		{Name: "wrong total", What: "sums 0 and 0 to 7", Step: with(`"total_allocation_usd":0`, `"total_allocation_usd":7`), Expect: unusable(AskAgain).noted("the total is not corrected")},
		{Name: "confidence above 100", What: "is 850 % sure", Step: with(`"confidence":60`, `"confidence":850`), Expect: unusable(AskAgain).noted("never rescaled")},
		{
			Name: "stop above target", What: "buys with its stop above its target", Expect: unusable(AskAgain),
			Step: Answer(strings.NewReplacer(
				`"action":"hold","allocation_usd":0,"position_adjustment":null,"order_adjustment":null,"tp_price":null,"sl_price":null,"exit_plan":"Wait."`,
				`"action":"buy","allocation_usd":100,"position_adjustment":null,"order_adjustment":null,"tp_price":100,"sl_price":200,"exit_plan":"Wait."`,
				`"total_allocation_usd":0`, `"total_allocation_usd":100`).Replace(goodAnswer)),
		},
	}
}

func wrongNames() []Scenario {
	return []Scenario{
		{Name: "unknown action", What: "says long", Step: with(`"hold"`, `"long"`), Expect: unusable(AskAgain).noted("no synonyms")},
		{Name: "action in capitals", What: "says HOLD", Step: with(`"hold"`, `"HOLD"`), Expect: unusable(AskAgain)},
		{Name: "several actions", What: "says buy|sell|hold", Step: with(`"hold"`, `"buy|sell|hold"`), Expect: unusable(AskAgain)},
		{Name: "misspelt symbol", What: "decides BTC-USD", Step: with(`"BTCUSDT"`, `"BTC-USD"`), Expect: unusable(AskAgain).noted("never mapped")},
		{Name: "unknown symbol", What: "decides DOGEUSDT", Step: with(`"BTCUSDT"`, `"DOGEUSDT"`), Expect: unusable(Reject).alarming()},
		{Name: "look-alike symbol", What: "decides BTCUSDT in Cyrillic", Step: with(`"BTCUSDT"`, `"ВТСUSDT"`), Expect: unusable(Reject).alarming()},
		{Name: "asset twice", What: "decides an asset twice", Step: with(holdETH, holdBTC), Expect: unusable(AskAgain)},
		{
			Name: "missing asset", What: "leaves an asset out", Step: with(","+holdETH, ""),
			Expect: Expectation{Answer: AskAgain, DecidedBy: DecidedByModel, Note: "the rest counts, the missing asset is held, the result is degraded"},
		},
		{Name: "wrong risk level", What: "calls a risk extreme", Step: with(`"risk_level":"low"`, `"risk_level":"extreme"`), Expect: unusable(AskAgain)},
	}
}

func echoes() []Scenario {
	form := strings.NewReplacer(`"confidence":60`, `"confidence":0`, `"confidence":55`, `"confidence":0`).Replace(goodAnswer)
	return []Scenario{
		{Name: "prompt echo", What: "answers with the prompt", Step: Answer(""), Echo: true, Expect: unusable(AskAgain)},
		{Name: "schema echo", What: "answers with a schema", Step: Answer(`{"type":"object","properties":{"decisions":{"type":"array"}}}`), Expect: unusable(AskAgain)},
		{Name: "empty form", What: "answers with every number 0", Step: Answer(form), Expect: unusable(AskAgain).alarming()},
		{Name: "hidden direction", What: "turns the direction of a rationale", Step: with("No trend.", "No \u202ednert"), Expect: unusable(AskAgain).alarming()},
		{Name: "hidden text", What: "hides characters in a rationale", Step: with("No trend.", "No\u200b trend."), Expect: unusable(AskAgain)},
	}
}
