package llmtest

import (
	"net/http"
	"strings"
	"time"
)

// Answer is a whole answer with TypicalUsage.
func Answer(content string) Step {
	return Step{Name: "answer", Completion: &Completion{Content: content, Usage: TypicalUsage()}}
}

// Complete is the answer that completion describes.
func Complete(completion Completion) Step {
	return Step{Name: "complete", Completion: &completion}
}

// Slow is Answer after a delay.
func Slow(delay time.Duration, content string) Step {
	step := Answer(content)
	step.Name, step.Delay = "slow", delay
	return step
}

// Commented is Answer as a stream that begins with comments, as while a model
// is being reached.
func Commented(content string) Step {
	step := Answer(content)
	step.Name, step.Form = "commented", FormStream
	step.Lead = []string{": OPENROUTER PROCESSING\n\n", ": OPENROUTER PROCESSING\n\n"}
	return step
}

// LeadingWhitespace is Answer as a document after blank lines, which keep the
// connection alive.
func LeadingWhitespace(content string) Step {
	step := Document(content)
	step.Name, step.Lead = "leading white space", []string{"\n \n", "   \n", "\n\n"}
	return step
}

// Document is Answer as one document, even when a stream was asked for.
func Document(content string) Step {
	step := Answer(content)
	step.Name, step.Form = "document", FormDocument
	return step
}

// Stream is Answer as a stream, even when a document was asked for.
func Stream(content string) Step {
	step := Answer(content)
	step.Name, step.Form = "stream", FormStream
	return step
}

// JSONAsText is Answer as a document that calls itself plain text.
func JSONAsText(content string) Step {
	step := Document(content)
	step.Name, step.Header = "JSON as text", http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	return step
}

// Gzip is Answer as a compressed document.
func Gzip(content string) Step {
	step := Document(content)
	step.Name, step.Gzip = "gzip", true
	return step
}

// CacheHit is Answer marked as OpenRouter marks one from its response cache.
func CacheHit(content string) Step {
	step := Answer(content)
	step.Name, step.Header = "cache hit", http.Header{"X-Openrouter-Cache-Status": {"HIT"}}
	return step
}

// OtherModel is Answer by another model than was asked.
func OtherModel(model, content string) Step {
	return named("other model", Completion{Model: model, Content: content, Usage: TypicalUsage()})
}

// ContentParts is an answer whose content is an array of text parts.
func ContentParts(parts ...string) Step {
	return named("content parts", Completion{Parts: append([]string{}, parts...), Usage: TypicalUsage()})
}

// ContentNullLength is a model that spent its tokens on reasoning: content
// null, finish reason "length".
func ContentNullLength() Step {
	return named("content null, length", Completion{
		NullContent: true, Reasoning: "thinking", FinishReason: "length", Usage: TypicalUsage(),
	})
}

// Refusal is a model that declines.
func Refusal(words string) Step {
	return named("refusal", Completion{NullContent: true, Refusal: words, Usage: TypicalUsage()})
}

// UsageMissing is an answer without a bill.
func UsageMissing(content string) Step { return named("usage missing", Completion{Content: content}) }

// CostNull is an answer whose bill counts tokens but names no cost.
func CostNull(content string) Step {
	usage := TypicalUsage()
	usage.CostUSD.Valid = false
	return named("cost null", Completion{Content: content, Usage: usage, NullCost: true})
}

// StreamCut is a stream that ends as if whole, but before the finish reason.
func StreamCut(content string) Step {
	return Step{Name: "stream cut", Form: FormStream, Completion: &Completion{Content: content, Unfinished: true}}
}

// StreamBroken is StreamCut by a connection that breaks.
func StreamBroken(content string) Step {
	step := StreamCut(content)
	step.Name, step.End = "stream broken", EndCut
	return step
}

// StreamError is a stream that fails after some content, its error's code a
// number or a string in JSON.
func StreamError(content, code string) Step {
	return Step{Name: "stream error", Form: FormStream, Completion: &Completion{
		Content: content, Error: `{"code":` + code + `,"message":"Provider disconnected mid-stream"}`,
	}}
}

// WhitespaceRunaway is a stream whose content is white space for ever.
func WhitespaceRunaway() Step {
	step := StreamCut(strings.Repeat(" \n", 64))
	step.Name, step.Repeat = "white space runaway", Forever
	return step
}

// InfiniteWhitespace is a body of nothing but white space for ever.
func InfiniteWhitespace() Step {
	return Step{Name: "infinite white space", Pieces: []string{strings.Repeat(" ", 32<<10)}, Repeat: Forever}
}

// BigBody is a document of more than size bytes.
func BigBody(size int) Step {
	const piece = 64 << 10
	return Step{
		Name: "big body", Lead: []string{`{"id":"`}, Pieces: []string{strings.Repeat("x", piece)}, Repeat: size/piece + 1,
	}
}

// TruncatedBody is a document that ends before its Content-Length.
func TruncatedBody() Step {
	return Step{
		Name: "truncated body", Pieces: []string{`{"id":"gen-1","model":"test/model","choices":[`}, ContentLength: 5000, End: EndCut,
	}
}

// Hang takes the request and never answers.
func Hang() Step { return Step{Name: "hang", End: EndHang} }

// Reset takes the request and resets the connection.
func Reset() Step { return Step{Name: "reset", End: EndReset} }

func named(name string, completion Completion) Step {
	return Step{Name: name, Completion: &completion}
}
