package llmtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/llm"
)

const chunkRunes = 16 // of content per event

type object = map[string]any

func (c *Completion) head(req Request, kind string) object {
	head := object{"id": c.ID, "provider": c.Provider, "model": c.Model, "object": kind, "created": 1767225600}
	if c.ID == "" {
		head["id"] = fmt.Sprintf("gen-%d", req.Number)
	}
	if c.Provider == "" {
		head["provider"] = "llmtest"
	}
	if c.Model == "" {
		head["model"] = req.Model
	}
	return head
}

func (c *Completion) finish() llm.FinishReason {
	switch {
	case c.Error != "":
		return llm.FinishError
	case c.FinishReason == "":
		return llm.FinishStop
	default:
		return c.FinishReason
	}
}

func (c *Completion) content() any {
	switch {
	case c.NullContent:
		return nil
	case c.Parts != nil:
		parts := make([]object, 0, len(c.Parts))
		for _, part := range c.Parts {
			parts = append(parts, object{"type": "text", "text": part})
		}
		return parts
	default:
		return c.Content
	}
}

func (c *Completion) extras() object {
	extras := object{}
	if c.Refusal != "" {
		extras["refusal"] = c.Refusal
	}
	if c.Reasoning != "" {
		extras["reasoning"] = c.Reasoning
	}
	calls := make([]object, 0, c.ToolCalls)
	for i := range c.ToolCalls {
		calls = append(calls, object{"index": i, "id": fmt.Sprintf("call_%d", i), "type": "function", "function": object{"name": "f", "arguments": "{}"}})
	}
	if len(calls) > 0 {
		extras["tool_calls"] = calls
	}
	return extras
}

func (c *Completion) usage() object {
	u := c.Usage
	if u == (llm.Usage{}) {
		return nil
	}
	usage := object{
		"prompt_tokens": u.PromptTokens, "completion_tokens": u.CompletionTokens, "total_tokens": u.PromptTokens + u.CompletionTokens,
		"prompt_tokens_details":     object{"cached_tokens": u.CachedTokens},
		"completion_tokens_details": object{"reasoning_tokens": u.ReasoningTokens},
	}
	if u.CostUSD.Valid || c.NullCost {
		usage["cost"] = u.CostUSD
	}
	return usage
}

// document is the answer in one piece.
func (c *Completion) document(req Request) string {
	message := c.extras()
	message["role"] = "assistant"
	message["content"] = c.content()
	choice := object{"index": 0, "finish_reason": c.finish(), "message": message}
	if c.Unfinished {
		choice["finish_reason"] = nil
	}
	if c.Error != "" {
		choice["error"] = json.RawMessage(c.Error)
	}
	document := c.head(req, "chat.completion")
	document["choices"] = []object{choice}
	if usage := c.usage(); usage != nil {
		document["usage"] = usage
	}
	return encode(document)
}

// stream is the answer as events, the end mark included.
func (c *Completion) stream(req Request) []string {
	events := make([]string, 0, len(c.Content)/chunkRunes+5)
	add := func(choices []object, rest object) {
		chunk := c.head(req, "chat.completion.chunk")
		chunk["choices"] = choices
		maps.Copy(chunk, rest)
		events = append(events, "data: "+encode(chunk)+"\n\n")
	}
	delta := func(delta object) { add([]object{{"index": 0, "delta": delta, "finish_reason": nil}}, nil) }

	first := c.extras()
	first["role"] = "assistant"
	if c.NullContent || c.Parts != nil {
		first["content"] = c.content()
	}
	delta(first)
	if first["content"] == nil {
		for _, part := range split(c.Content) {
			delta(object{"content": part})
		}
	}
	if c.Unfinished {
		return events
	}
	last := object{}
	if c.Error != "" {
		last["error"] = json.RawMessage(c.Error)
	}
	add([]object{{"index": 0, "delta": object{}, "finish_reason": c.finish()}}, last)
	if c.Error != "" {
		return events
	}
	if usage := c.usage(); usage != nil {
		add([]object{}, object{"usage": usage})
	}
	return append(events, "data: [DONE]\n\n")
}

func split(content string) []string {
	var parts []string
	for len(content) > 0 {
		end := 0
		for range chunkRunes {
			if end < len(content) {
				_, size := utf8.DecodeRuneInString(content[end:])
				end += size
			}
		}
		parts = append(parts, content[:end])
		content = content[end:]
	}
	return parts
}

func nullDecimal(text string) decimal.NullDecimal {
	return decimal.NewNullDecimal(decimal.RequireFromString(text))
}
