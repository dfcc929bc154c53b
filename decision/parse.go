package decision

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/llm"
)

// Bounds of a model's answer.
const (
	MaxAnswerBytes = 256 << 10 // of the whole answer
	MaxTextBytes   = 8 << 10   // of each rationale and exit plan
	maxAnswerDepth = 32
	maxBlankRun    = 2 << 10 // white space in one piece: a model that ran away
)

// Answer is a model's decision, decoded and consistent in itself. Whether it
// may be acted on is for the gate to say.
type Answer struct {
	Decision Decision // without Timestamp: what the model wrote there is ignored
	// Normalised names the lossless wrappings that were taken off:
	// byte_order_mark, white_space, think_block, code_fence.
	Normalised []string
}

// AnswerClass is what should follow an answer that cannot be used. The zero
// value is invalid.
type AnswerClass string

// The classes.
const (
	AnswerAskAgain AnswerClass = "ask_again" // ask the same model to correct it, once
	AnswerRetry    AnswerClass = "retry"     // incomplete: ask anew, with more tokens when it was cut
	AnswerFailOver AnswerClass = "fail_over" // the model will not answer: ask another
	AnswerReject   AnswerClass = "reject"    // do not ask again
)

// AnswerError is why an answer cannot be used. Its text is made of our own
// words and field paths; what the model wrote appears only quoted, escaped and
// clipped to 40 characters, so the text can be sent back to the model.
type AnswerError struct {
	Class   AnswerClass
	Path    string // of the value: "decisions[0].allocation_usd"; empty: the whole answer
	Message string
	// Alarm says that the answer smells of injection: a symbol that nobody
	// asked about, look-alike or invisible characters, an echo.
	Alarm bool
	// Partial is the decision when nothing is wrong with it except that some
	// requested assets are missing; nil otherwise.
	Partial *Decision
}

// Error reads "decision: answer: path: message".
func (e *AnswerError) Error() string {
	if e.Path == "" {
		return "decision: answer: " + e.Message
	}
	return "decision: answer: " + e.Path + ": " + e.Message
}

// DecodeAnswer reads a model's answer about exactly these symbols. It guesses
// nothing: lossless wrappings are taken off, and everything else that is not
// one complete, strict and consistent decision is an *AnswerError. Numbers
// must be JSON numbers; prices are compared with each other but not with the
// market. Text with control, invisible or direction-changing characters is
// refused, not cleaned, because people read it and records must show what was
// answered.
func DecodeAnswer(resp llm.Response, symbols []string) (Answer, error) {
	if err := checkCompletion(resp); err != nil {
		return Answer{}, err
	}
	text, normalised, err := unwrapAnswer(resp.Content)
	if err != nil {
		return Answer{}, err
	}
	p := answerParser{dec: jsonx.NewDecoder([]byte(text)), text: text, symbols: symbols, asset: -1}
	if err := p.parse(); err != nil {
		if bad, ok := errors.AsType[*AnswerError](err); ok && bad.Partial == nil && nestsDeeper(text, maxAnswerDepth) {
			bad.Class = AnswerReject // a nesting bomb is no slip that a question would repair
		}
		return Answer{}, err
	}
	return Answer{Decision: p.out, Normalised: normalised}, nil
}

// checkCompletion demands the positive signal that the model finished.
func checkCompletion(resp llm.Response) error {
	fail := func(class AnswerClass, format string, args ...any) error {
		return &AnswerError{Class: class, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case resp.FinishReason == llm.FinishError:
		return fail(AnswerRetry, "the provider reported an error while it answered")
	case resp.Refusal != "":
		return fail(AnswerFailOver, "the model refused to answer")
	case resp.FinishReason == llm.FinishContentFilter:
		return fail(AnswerFailOver, "a content filter stopped the answer")
	case resp.FinishReason == llm.FinishLength:
		return fail(AnswerRetry, "the answer was cut at the token limit")
	case resp.ToolCalls > 0 || resp.FinishReason == llm.FinishToolCalls:
		return fail(AnswerAskAgain, "expected one JSON object, got a tool call")
	case resp.FinishReason == "":
		return fail(AnswerRetry, "the answer has no finish reason, so it may be incomplete")
	case resp.FinishReason != llm.FinishStop:
		return fail(AnswerRetry, "unknown finish reason %+.40q", string(resp.FinishReason))
	case len(resp.Content) > MaxAnswerBytes:
		return fail(AnswerReject, "must be at most %d bytes, was %d", MaxAnswerBytes, len(resp.Content))
	case strings.TrimSpace(resp.Content) == "" && resp.Reasoning:
		return fail(AnswerRetry, "the answer is empty; only reasoning was returned, and nothing is traded from that")
	case strings.TrimSpace(resp.Content) == "":
		return fail(AnswerRetry, "the answer is empty")
	case resp.Garbled || !utf8.ValidString(resp.Content):
		return fail(AnswerAskAgain, "must be valid UTF-8")
	}
	return nil
}

// unwrapAnswer takes off what can be taken off without loss.
func unwrapAnswer(content string) (text string, normalised []string, err error) {
	text, bom := strings.CutPrefix(content, "\ufeff")
	if bom {
		normalised = append(normalised, "byte_order_mark")
	}
	trimmed := strings.TrimSpace(text)
	if len(trimmed) != len(text) {
		normalised = append(normalised, "white_space")
	}
	text = trimmed
	if blankRun(text) {
		return "", nil, &AnswerError{Class: AnswerRetry, Message: fmt.Sprintf("more than %d bytes of white space in one piece", maxBlankRun)}
	}
	if rest, ok, err := cutThinking(text); err != nil {
		return "", nil, err
	} else if ok {
		text, normalised = rest, append(normalised, "think_block")
	}
	if rest, ok, err := cutFence(text); err != nil {
		return "", nil, err
	} else if ok {
		text, normalised = rest, append(normalised, "code_fence")
	}
	return text, normalised, nil
}

// cutThinking drops a leading think block up to the last end tag. The block is
// never searched: it may hold a draft of the opposite decision.
func cutThinking(text string) (rest string, cut bool, err error) {
	opened := strings.HasPrefix(text, "<think>") || strings.HasPrefix(text, "<thinking>")
	if !opened && strings.ContainsAny(text[:min(1, len(text))], "{[\"`") {
		return text, false, nil // what looks like an end tag belongs to a string
	}
	end := -1
	for _, tag := range [...]string{"</think>", "</thinking>"} {
		if i := strings.LastIndex(text, tag); i >= 0 {
			end = max(end, i+len(tag))
		}
	}
	if end < 0 {
		if opened {
			return "", false, &AnswerError{Class: AnswerRetry, Message: "the thinking never ended"}
		}
		return text, false, nil
	}
	rest = strings.TrimSpace(text[end:])
	if rest == "" {
		return "", false, &AnswerError{Class: AnswerRetry, Message: "nothing follows the thinking"}
	}
	return rest, true, nil
}

// cutFence drops one code fence around everything.
func cutFence(text string) (rest string, cut bool, err error) {
	const fence = "```"
	inner, ok := strings.CutPrefix(text, fence)
	if !ok {
		return text, false, nil
	}
	inner = strings.TrimPrefix(strings.TrimPrefix(inner, "json"), "JSON")
	body, closed := strings.CutSuffix(inner, fence)
	switch {
	case closed:
		return strings.TrimSpace(body), true, nil
	case strings.Contains(inner, fence):
		return "", false, &AnswerError{Class: AnswerAskAgain, Message: "expected one JSON object and nothing else, got text after a code fence"}
	}
	return "", false, &AnswerError{Class: AnswerRetry, Message: "the code fence never ended"}
}

// blankRun finds a run of white space of at least maxBlankRun bytes. Any such
// run covers a multiple of maxBlankRun, so only those places are looked at.
func blankRun(text string) bool {
	blank := func(i int) bool { return strings.IndexByte(" \n\r\t", text[i]) >= 0 }
	for i := 0; i < len(text); i += maxBlankRun {
		if !blank(i) {
			continue
		}
		from, to := i, i
		for from > 0 && blank(from-1) {
			from--
		}
		for to < len(text) && blank(to) {
			to++
		}
		if to-from >= maxBlankRun {
			return true
		}
	}
	return false
}

// nestsDeeper reports whether brackets outside of strings nest deeper.
func nestsDeeper(text string, limit int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
