package openrouter

import (
	"io"
	"strings"
	"time"

	"github.com/ballast-go/ballast/internal/httpx"
	"github.com/ballast-go/ballast/llm"
)

const (
	// maxBlank bounds consecutive white space in an answer: a model that is
	// held to JSON and has lost its way emits it until its tokens run out.
	maxBlank = 2 << 10
	// tail bounds the wait for the bill once an answer is whole.
	tail = 3 * time.Second
)

func (c *call) readDocument(body io.Reader, mediaType string) (llm.Response, error) {
	data, err := io.ReadAll(body)
	if err != nil {
		return llm.Response{}, err
	}
	var document wireResponse
	if err := decode(data, &document); err != nil {
		return llm.Response{}, c.failDecode(err, mediaType)
	}
	answer := answer{call: c}
	if err := answer.add(&document); err != nil {
		return answer.bill(), err
	}
	if len(document.Choices) == 0 {
		return answer.bill(), c.fail(llm.KindMalformed, 0, "no choices and no error")
	}
	return answer.response()
}

// readStream ends at [DONE], at the end of the body, or at the first fault.
func (c *call) readStream(watch *idle, body io.Reader) (llm.Response, error) {
	events := newEvents(body, c.client.cfg.MaxBodyBytes)
	answer := answer{call: c}
	for {
		data, err := events.next()
		switch {
		case err == io.EOF || err == nil && string(data) == "[DONE]": //nolint:errorlint // next returns io.EOF itself
			if !answer.finished {
				return answer.bill(), c.fail(llm.KindTransport, 0, "the stream ended without a finish reason")
			}
			return answer.response()
		case err != nil:
			if answer.finished && !httpx.IsTooLarge(err) && (watch.ctx.Err() == nil || watch.expired()) {
				return answer.response() // whole; only the bill is missing
			}
			return answer.bill(), err
		}
		var chunk wireResponse
		if err := decode(data, &chunk); err != nil {
			return answer.bill(), c.failDecode(err, "text/event-stream")
		}
		if err := answer.add(&chunk); err != nil {
			return answer.bill(), err
		}
		if answer.finished {
			watch.shorten(tail)
		}
	}
}

// failDecode tells where the document broke, never what stood there.
func (c *call) failDecode(err error, mediaType string) error {
	message := "not one JSON document of the protocol"
	if mediaType != "" {
		message += " (" + mediaType + ")"
	}
	failure := c.fail(llm.KindMalformed, 0, message)
	if offset := brokenAt(err); offset >= 0 {
		failure.Err = &decodeError{Offset: offset}
	}
	return failure
}

// answer puts a response together from one document or from many chunks.
type answer struct {
	call      *call
	resp      llm.Response
	model     text // as last reported, checked
	content   strings.Builder
	refusal   strings.Builder
	blank     int
	toolCalls map[int]struct{}
	finished  bool
}

// bill is what a failed call leaves: what it consumed, as far as that was told.
func (a *answer) bill() llm.Response { return llm.Response{Usage: a.resp.Usage} }

func (a *answer) add(chunk *wireResponse) error {
	if a.call.generationID == "" {
		a.call.generationID = clipName(string(chunk.ID))
	}
	if chunk.Usage != nil {
		a.resp.Usage = chunk.Usage.usage()
	}
	if isError(chunk.Error) {
		return a.fail(chunk, chunk.Error)
	}
	if chunk.Model != "" && chunk.Model != a.model {
		if err := a.call.checkModel(string(chunk.Model)); err != nil {
			return err
		}
		a.model = chunk.Model
		a.resp.Model = clipName(string(chunk.Model))
	}
	if a.resp.ID == "" {
		a.resp.ID = clipName(string(chunk.ID))
	}
	if a.resp.Provider == "" {
		a.resp.Provider = clipName(string(chunk.Provider))
	}
	if len(chunk.Choices) == 0 {
		return nil
	}
	if len(chunk.Choices) > 1 || chunk.Choices[0].Index != 0 {
		return a.call.fail(llm.KindMalformed, 0, "more than the one answer that was asked for")
	}
	return a.addChoice(chunk, &chunk.Choices[0])
}

func (a *answer) addChoice(chunk *wireResponse, choice *wireChoice) error {
	if isError(choice.Error) {
		return a.fail(chunk, choice.Error)
	}
	if choice.FinishReason == text(llm.FinishError) {
		return a.call.fail(llm.KindServer, 0, "the provider failed while answering")
	}
	for _, message := range [...]*wireMessage{choice.Message, choice.Delta} {
		if message == nil {
			continue
		}
		if err := a.addMessage(message); err != nil {
			return err
		}
	}
	if choice.FinishReason != "" {
		a.finished = true
		a.resp.FinishReason = llm.FinishReason(clipName(string(choice.FinishReason)))
	}
	return nil
}

func (a *answer) addMessage(message *wireMessage) error {
	switch {
	case message.Content.unknown:
		return a.call.fail(llm.KindMalformed, 0, "the content is not text")
	case a.finished && message.Content.text != "":
		return a.call.fail(llm.KindMalformed, 0, "the answer went on after its finish reason")
	}
	for i := range len(message.Content.text) {
		switch message.Content.text[i] {
		case ' ', '\t', '\n', '\r':
			a.blank++
		default:
			a.blank = 0
		}
		if a.blank > maxBlank {
			return a.call.fail(llm.KindMalformed, 0, "the answer ran away into white space")
		}
	}
	a.content.WriteString(message.Content.text)
	a.refusal.WriteString(string(message.Refusal) + message.Content.refusal)
	if message.Content.reasoning || bool(message.Reasoning || message.ReasoningContent || message.ReasoningDetails) {
		a.resp.Reasoning = true
	}
	a.addToolCalls(message)
	return nil
}

// addToolCalls counts calls by index, since a streamed call comes in pieces;
// without an index the place in the array is the index.
func (a *answer) addToolCalls(message *wireMessage) {
	if a.toolCalls == nil && (len(message.ToolCalls) > 0 || bool(message.FunctionCall)) {
		a.toolCalls = make(map[int]struct{})
	}
	for i, ref := range message.ToolCalls {
		if ref.Index != nil {
			i = *ref.Index
		}
		a.toolCalls[i] = struct{}{}
	}
	if message.FunctionCall {
		a.toolCalls[-1] = struct{}{}
	}
}

func (a *answer) response() (llm.Response, error) {
	if a.resp.Model == "" {
		return a.bill(), a.call.fail(llm.KindMalformed, 0, "the answer does not say which model gave it")
	}
	a.resp.Content = a.content.String()
	a.resp.Refusal = a.refusal.String()
	a.resp.ToolCalls = len(a.toolCalls)
	return a.resp, nil
}

// fail reports an error inside a 200, with the answer's text so far kept out
// of its message.
func (a *answer) fail(chunk *wireResponse, value raw) error {
	quotes := []string{a.content.String()}
	for _, choice := range chunk.Choices {
		for _, message := range [...]*wireMessage{choice.Message, choice.Delta} {
			if message != nil {
				quotes = append(quotes, message.Content.text)
			}
		}
	}
	failure := a.call.failInside(value, quotes)
	failure.Partial = a.resp.Reasoning || len(a.toolCalls) > 0 || strings.Join(quotes, "") != ""
	return failure
}
