package openrouter

import (
	stdjson "encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"          //nolint:depguard // jsonx refuses the unknown members that providers add; with it, this file follows encoding/json/v2
	"github.com/go-json-experiment/json/jsontext" //nolint:depguard // the same
	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/llm"
)

// decode reads one document of a provider: unknown members are theirs to add,
// duplicate members and invalid UTF-8 are errors.
func decode(data []byte, v any) error { return json.Unmarshal(data, v) }

// brokenAt is the byte at which decode gave up, or -1.
func brokenAt(err error) int64 {
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &syntactic):
		return syntactic.ByteOffset
	case errors.As(err, &semantic):
		return semantic.ByteOffset
	default:
		return -1
	}
}

// raw is a value that is decoded once it is known to be needed.
type raw = stdjson.RawMessage

func isError(value raw) bool { return len(value) > 0 && string(value) != "null" }

// wireResponse is a whole answer or one chunk of a streamed one.
type wireResponse struct {
	ID       text         `json:"id"`
	Provider text         `json:"provider"`
	Model    text         `json:"model"`
	Choices  []wireChoice `json:"choices"`
	Usage    *wireUsage   `json:"usage"`
	Error    raw          `json:"error"`
}

type wireChoice struct {
	Index        int          `json:"index"`
	FinishReason text         `json:"finish_reason"`
	Message      *wireMessage `json:"message"`
	Delta        *wireMessage `json:"delta"`
	Error        raw          `json:"error"`
}

type wireMessage struct {
	Content          content   `json:"content"`
	Refusal          text      `json:"refusal"`
	Reasoning        presence  `json:"reasoning"`
	ReasoningContent presence  `json:"reasoning_content"`
	ReasoningDetails presence  `json:"reasoning_details"`
	ToolCalls        []toolRef `json:"tool_calls"`
	FunctionCall     presence  `json:"function_call"`
}

type toolRef struct {
	Index *int `json:"index"`
}

// wireUsage is what is read of a bill. A figure that cannot be read counts as
// not reported: it must not cost the answer.
type wireUsage struct {
	PromptTokens     count `json:"prompt_tokens"`
	CompletionTokens count `json:"completion_tokens"`
	Cost             price `json:"cost"`
	PromptDetails    *struct {
		CachedTokens count `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	CompletionDetails *struct {
		ReasoningTokens count `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

func (u *wireUsage) usage() llm.Usage {
	usage := llm.Usage{PromptTokens: int(u.PromptTokens), CompletionTokens: int(u.CompletionTokens), CostUSD: decimal.NullDecimal(u.Cost)}
	if u.PromptDetails != nil {
		usage.CachedTokens = int(u.PromptDetails.CachedTokens)
	}
	if u.CompletionDetails != nil {
		usage.ReasoningTokens = int(u.CompletionDetails.ReasoningTokens)
	}
	return usage
}

// presence tells whether there is anything: not null, "", [], {} or false.
type presence bool

// UnmarshalJSONFrom reads one value.
func (p *presence) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	if err != nil {
		return err
	}
	switch string(value) {
	case `null`, `""`, `[]`, `{}`, `false`:
		*p = false
	default:
		*p = true
	}
	return nil
}

// maxCount is beyond any context or wait that exists.
const maxCount = 1_000_000_000

// count is a whole number of at most maxCount; anything else reads as 0.
type count int

// UnmarshalJSONFrom reads one value.
func (c *count) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var number label
	if err := number.UnmarshalJSONFrom(dec); err != nil {
		return err
	}
	*c = 0
	if n, err := strconv.ParseUint(string(number), 10, 64); err == nil && n <= maxCount {
		*c = count(n)
	}
	return nil
}

// price is an amount, as a number or a string, with its exact digits; what
// cannot be read or is negative (a router's "-1": it depends) reads as null.
type price decimal.NullDecimal

// UnmarshalJSONFrom reads one value.
func (p *price) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var number label
	if err := number.UnmarshalJSONFrom(dec); err != nil {
		return err
	}
	*p = price{}
	if d, err := jsonx.ParseDecimal(string(number)); err == nil && !d.IsNegative() {
		*p = price{Decimal: d, Valid: true}
	}
	return nil
}

// content is the text of a message: a string, an array of parts, or null.
type content struct {
	text, refusal string
	reasoning     bool
	unknown       bool // holds something that is no text
}

// UnmarshalJSONFrom reads one value.
func (c *content) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*c = content{}
	switch dec.PeekKind() {
	case '"':
		token, err := dec.ReadToken()
		if err == nil {
			c.text = token.String()
		}
		return err
	case '[':
		var parts []contentPart
		if err := json.UnmarshalDecode(dec, &parts); err != nil {
			return err
		}
		c.join(parts)
		return nil
	case 'n':
		return dec.SkipValue()
	default:
		c.unknown = true
		return dec.SkipValue()
	}
}

type contentPart struct {
	Type    text `json:"type"`
	Text    text `json:"text"`
	Refusal text `json:"refusal"`
}

func (c *content) join(parts []contentPart) {
	var all strings.Builder
	for _, part := range parts {
		switch part.Type {
		case "text", "output_text":
			all.WriteString(string(part.Text))
		case "refusal":
			c.refusal += string(part.Refusal)
		case "thinking", "reasoning":
			c.reasoning = true
		default:
			c.unknown = true
		}
	}
	c.text = all.String()
}

// Members that come as a string, as a number, or not at all.
type (
	text  = jsonx.Text
	label = jsonx.Label
)
