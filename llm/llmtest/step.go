package llmtest

import (
	"net/http"
	"time"

	"github.com/ballast-go/ballast/llm"
)

// Form says how a Completion is sent.
type Form string

// The forms. The zero value is what the request asks for.
const (
	FormAsked    Form = ""
	FormDocument Form = "document" // one JSON document, even to who asks for a stream
	FormStream   Form = "stream"   // events, even to who does not
)

// End says what happens after the body.
type End string

// The ends. The zero value ends the answer as HTTP has it.
const (
	EndClean End = ""
	EndHang  End = "hang"  // nothing more, until the client leaves or the server closes
	EndCut   End = "cut"   // the connection closes before the body is whole
	EndReset End = "reset" // the same, by a TCP reset
)

// Forever in Step.Repeat sends the pieces until the client leaves.
const Forever = -1

// Step is the answer to one request. A Step without Status, Completion and
// Pieces sends nothing before its End, not even headers, unless the End is
// EndClean.
type Step struct {
	Name       string        // for people
	Delay      time.Duration // before anything is sent
	Status     int           // default 200
	Header     http.Header   // over the defaults, of which only Content-Type exists
	Lead       []string      // raw, each flushed, before the body: comments, white space that keeps a connection alive
	Completion *Completion   // the body, in the form below
	Form       Form
	Pieces     []string      // the raw body, each piece flushed; when Completion is nil
	Repeat     int           // how often the body is sent: 0 and 1 once, or Forever
	Pause      time.Duration // between pieces
	Gzip       bool          // compresses the body
	// ContentLength is announced, true or not; default 0 announces none.
	ContentLength int
	End           End
}

// Completion is an answer as a model gives it. Zero fields take the default,
// or are left out where none is named.
type Completion struct {
	ID           string // default "gen-" with the number of the request
	Provider     string // default "llmtest"
	Model        string // default the one asked for
	Content      string
	Parts        []string // content as an array of text parts, instead of Content
	NullContent  bool     // content null, instead of Content
	Refusal      string
	Reasoning    string
	ToolCalls    int
	FinishReason llm.FinishReason // default "stop"
	Usage        llm.Usage        // without tokens and cost: not sent
	NullCost     bool             // usage with cost null
	Unfinished   bool             // a stream ends before its finish reason; in a document it is null
	Error        string           // raw JSON of an error after the content; finish reason "error"
}

// TypicalUsage is what Answer reports: 100 tokens asked, 20 answered, 0.0015 USD.
func TypicalUsage() llm.Usage {
	return llm.Usage{PromptTokens: 100, CompletionTokens: 20, CostUSD: nullDecimal("0.0015")}
}
