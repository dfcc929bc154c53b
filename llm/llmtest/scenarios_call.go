package llmtest

import (
	"net/http"
	"time"

	"github.com/ballast-go/ballast/llm"
)

const drip = 20 * time.Millisecond

func wholeAnswers() []Scenario {
	return []Scenario{
		{Name: "answer", What: "answers in the form that was asked for", Step: Answer(goodAnswer), Expect: usable()},
		{Name: "slow answer", What: "thinks for 50 ms first", Step: Slow(50*time.Millisecond, goodAnswer), Expect: usable()},
		{Name: "drip", What: "sends an event a millisecond", Step: Drip(time.Millisecond, goodAnswer), Expect: usable()},
		{Name: "leading white space", What: "sends blank lines before the document", Step: LeadingWhitespace(goodAnswer), Expect: usable()},
		{Name: "stream with comments", What: "sends comments before the stream", Step: Commented(goodAnswer), Expect: usable()},
		{Name: "document", What: "sends a document to who asked for a stream", Step: Document(goodAnswer), Expect: usable()},
		{Name: "JSON as text", What: "calls a document text/plain", Step: JSONAsText(goodAnswer), Expect: usable()},
		{Name: "gzip", What: "compresses", Step: Gzip(goodAnswer), Expect: usable()},
		{Name: "content parts", What: "sends content as an array of parts", Step: ContentParts(goodAnswer[:40], goodAnswer[40:]), Expect: usable()},
		{Name: "dated model", What: "names the model by its date", Step: OtherModel("model-2026-05-01", goodAnswer), Expect: usable()},
		{Name: "usage missing", What: "sends no bill", Step: UsageMissing(goodAnswer), Expect: usable().noted("the cost is unknown, not zero")},
		{Name: "cost null", What: "counts tokens but names no cost", Step: CostNull(goodAnswer), Expect: usable().noted("the cost is unknown, not zero")},
	}
}

func stalls() []Scenario {
	return []Scenario{
		{Name: "hang", What: "takes the request and never answers", Step: Hang(), Expect: again(llm.KindTimeout, 0)},
		{Name: "hang in the answer", What: "stops after some content, the connection open", Step: StreamHang(goodAnswer[:40]), Expect: again(llm.KindTimeout, 0)},
		{Name: "comments for ever", What: "sends comments and nothing else", Step: KeepAlive(drip), Expect: again(llm.KindTimeout, 0).noted("comments are no sign of life")},
		{Name: "blank lines for ever", What: "sends white space, slowly", Step: KeepAliveWhitespace(drip), Expect: again(llm.KindTimeout, 0).noted("nor is white space")},
		{
			Name: "endless drip", What: "sends a little content for ever", Step: EndlessDrip(drip),
			Expect: Expectation{Deadline: true, DecidedBy: DecidedByFallback},
		},
	}
}

func brokenConnections() []Scenario {
	return []Scenario{
		{Name: "reset", What: "resets the connection", Step: Reset(), Expect: again(llm.KindTransport, 0)},
		{Name: "half-closed", What: "ends its side of the connection and waits", Step: HalfClosed(), Expect: again(llm.KindTransport, 0)},
		{Name: "truncated body", What: "sends less than Content-Length", Step: TruncatedBody(), Expect: again(llm.KindTransport, 0)},
		{Name: "stream cut", What: "ends the stream as if whole, without a finish reason", Step: StreamCut(goodAnswer), Expect: again(llm.KindTransport, 0)},
		{Name: "stream broken", What: "drops the connection in the stream", Step: StreamBroken(goodAnswer[:40]), Expect: again(llm.KindTransport, 0)},
		{Name: "redirect", What: "redirects to another host", Step: Redirect("https://elsewhere.example/v1"), Expect: final(llm.KindConfig, 307).noted("never followed")},
	}
}

func statuses() []Scenario {
	return []Scenario{
		{Name: "400 invalid model", What: "knows no such model", Step: InvalidModel(), Expect: final(llm.KindConfig, 400)},
		{Name: "400 unsupported temperature", What: "takes no temperature", Step: UnsupportedTemperature(), Expect: final(llm.KindConfig, 400)},
		{Name: "400 context length", What: "finds the prompt too long", Step: ContextLength(), Expect: final(llm.KindConfig, 400)},
		{Name: "401", What: "does not know the key", Step: Unauthorized(), Expect: final(llm.KindAuth, 401)},
		{Name: "402", What: "wants money", Step: PaymentRequired(), Expect: final(llm.KindPayment, 402)},
		{Name: "402 as text", What: "wants money, its error a string", Step: PaymentRequiredText(), Expect: final(llm.KindPayment, 402)},
		{Name: "403 moderation", What: "refuses the input and quotes it", Step: Moderation(), Expect: final(llm.KindForbidden, 403).noted("the quote is in no error")},
		{Name: "403 guardrail", What: "suspects an injection", Step: Guardrail(), Expect: final(llm.KindForbidden, 403)},
		{Name: "404 constraint filtered", What: "has no endpoint for these parameters", Step: ConstraintFiltered(), Expect: final(llm.KindConfig, 404)},
		{Name: "408", What: "timed out itself", Step: RequestTimeout(), Expect: again(llm.KindTimeout, 408)},
		{Name: "413", What: "finds the request too large", Step: PayloadTooLarge(), Expect: final(llm.KindConfig, 413)},
		{Name: "429", What: "limits the rate", Step: RateLimited(""), Expect: again(llm.KindRateLimited, 429)},
		{Name: "429 in seconds", What: "limits the rate, Retry-After: 40", Step: RateLimited("40"), Expect: again(llm.KindRateLimited, 429).after(40 * time.Second)},
		{Name: "429 until a date", What: "limits the rate, Retry-After a date", Step: RateLimited("Fri, 10 Oct 2025 22:02:00 GMT"), Expect: again(llm.KindRateLimited, 429).after(2 * time.Minute)},
		{Name: "429 for ages", What: "limits the rate, Retry-After beyond all numbers", Step: RateLimited("99999999999999999999"), Expect: again(llm.KindRateLimited, 429).after(time.Hour)},
		{Name: "429 in the body", What: "is at capacity and says in the body for how long", Step: CapacityExhausted(40), Expect: again(llm.KindRateLimited, 429).after(40 * time.Second)},
		{Name: "500", What: "fails and does not say why", Step: ServerError(), Expect: again(llm.KindServer, 500)},
		{Name: "502", What: "says that its upstream failed", Step: BadGateway(), Expect: again(llm.KindServer, 502)},
		{Name: "502 page", What: "sends the error page of the network in between", Step: HTML502(), Expect: again(llm.KindServer, 502)},
		{Name: "503 empty", What: "sends no body", Step: Unavailable(), Expect: again(llm.KindServer, 503)},
		{Name: "504", What: "waited for its upstream in vain", Step: Status(504, "Gateway timeout"), Expect: again(llm.KindTimeout, 504)},
		{Name: "524", What: "is cut off by the network in between", Step: EdgeTimeout(), Expect: again(llm.KindTimeout, 524)},
		{Name: "529", What: "is overloaded", Step: Overloaded(), Expect: again(llm.KindServer, 529)},
	}
}

func errorsInside200() []Scenario {
	return []Scenario{
		{Name: "200 with an error", What: "reports its upstream's 429 in a 200", Step: Error200A(), Expect: again(llm.KindRateLimited, 429)},
		{Name: "200 with an error and null choices", What: "reports a 502 in a 200", Step: Error200B(), Expect: again(llm.KindServer, 502)},
		{Name: "200 with an error in the choice", What: "reports a 502 after part of an answer", Step: Error200C(), Expect: again(llm.KindServer, 502).noted("the part is dropped")},
		{Name: "stream error, number", What: "fails in the stream with code 502", Step: StreamError(goodAnswer[:40], "502"), Expect: again(llm.KindServer, 502)},
		{Name: "stream error, word", What: `fails in the stream with code "server_error"`, Step: StreamError(goodAnswer[:40], `"server_error"`), Expect: again(llm.KindServer, 0)},
		{Name: "login page", What: "is a portal that wants a login", Step: LoginPage(), Expect: again(llm.KindMalformed, 0)},
		{Name: "empty body", What: "sends nothing in a 200", Step: Step{}, Expect: again(llm.KindMalformed, 0)},
		{Name: "no choices", What: "sends an answer without choices", Step: document(`"choices":[]`), Expect: again(llm.KindMalformed, 0)},
		{Name: "two choices", What: "sends two answers", Step: document(`"choices":[{"index":0},{"index":1}]`), Expect: again(llm.KindMalformed, 0)},
		{Name: "truncated JSON", What: "sends half a document as a whole one", Step: document(`"choices":[{"message":{"content":"{}`), Expect: again(llm.KindMalformed, 0)},
		{Name: "duplicate member", What: "sends content twice in a message", Step: document(`"choices":[{"message":{"content":"a","content":"b"}}]`), Expect: again(llm.KindMalformed, 0)},
		{Name: "invalid UTF-8", What: "sends bytes that are no text", Step: document("\"choices\":[{\"message\":{\"content\":\"\xff\"}}]"), Expect: again(llm.KindMalformed, 0)},
		{Name: "content of a wrong type", What: "sends content as a number", Step: document(`"choices":[{"message":{"content":7}}]`), Expect: again(llm.KindMalformed, 0)},
		{Name: "other model", What: "lets another model answer", Step: OtherModel("other/model", goodAnswer), Expect: final(llm.KindModel, 0)},
		{Name: "cached answer", What: "sends an old answer from its cache", Step: CacheHit(goodAnswer), Expect: final(llm.KindConfig, 0).noted("prices have moved since")},
	}
}

func oversized() []Scenario {
	return []Scenario{
		{Name: "5 MB body", What: "sends more than the bound of 4 MiB", Step: BigBody(5 << 20), Expect: again(llm.KindMalformed, 0)},
		{Name: "20 MB body", What: "sends far more than the bound", Step: BigBody(20 << 20), Expect: again(llm.KindMalformed, 0)},
		{Name: "white space for ever", What: "sends white space, fast", Step: InfiniteWhitespace(), Expect: again(llm.KindMalformed, 0)},
		{Name: "white space runaway", What: "lets the model write white space for ever", Step: WhitespaceRunaway(), Expect: again(llm.KindMalformed, 0).noted("left after 2 KiB")},
	}
}

// document is a document of the protocol whose last members are raw.
func document(members string) Step {
	return Step{
		Name: "document", Header: http.Header{"Content-Type": {"application/json"}},
		Pieces: []string{`{"id":"gen-1","model":"` + ScenarioModel + `",` + members + `}`},
	}
}
