package llm

import (
	"context"
	"encoding/json"
	"time"

	"github.com/shopspring/decimal"
)

// Role is who speaks in a message. The zero value is invalid.
type Role string

// The roles.
const (
	RoleSystem    Role = "system"
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
)

// Message is one turn of a conversation.
type Message struct {
	Role    Role   `json:"role"`
	Content string `json:"content"`
}

// Schema is the JSON schema that an answer must follow.
type Schema struct {
	Name string          `json:"name"` // at most 64 of A–Z a–z 0–9 _ -, versioned: "trading_decision_v1"
	JSON json.RawMessage `json:"json"` // the schema document; read-only
}

// Format is how the structure of an answer is asked for.
type Format string

// The formats, from the strictest. The zero value leaves the choice to the
// client.
const (
	FormatSchema Format = "json_schema" // the endpoint holds the model to the schema
	FormatObject Format = "json_object" // the endpoint holds it to some JSON object
	FormatText   Format = "text"        // the prompt alone asks for JSON
)

// Request is one question to a model. It is read-only once passed to a Client.
type Request struct {
	Model    string    `json:"model"` // as the endpoint names it; empty: the client's own
	Messages []Message `json:"messages"`
	Schema   *Schema   `json:"schema,omitempty"` // nil: free text
	// Temperature 0–2; null sends none, so that the provider's default holds.
	Temperature decimal.NullDecimal `json:"temperature"`
	MaxTokens   int                 `json:"max_tokens"` // bound on the answer, reasoning included; 0 sends none
	Seed        *int64              `json:"seed,omitempty"`
	// User is a stable pseudonym for the account that the provider may use
	// for abuse control. Never a name or an account number.
	User string `json:"user,omitempty"`
	// Format is how the answer's structure is asked for when Schema is set.
	// Empty: the best that the client knows of its endpoint. A client refuses,
	// as KindConfig with FormatRejected, what its endpoint does not take.
	Format Format `json:"format,omitzero"`
	// Skip names the hops of a Failover whose answers to this question were
	// unusable: they are not asked. Only names the one hop that a question is
	// about, because it speaks of that hop's own answer: no other is asked.
	Skip []string `json:"skip,omitempty"`
	Only string   `json:"only,omitzero"`
	// Account is whose budget pays. It is never sent to a provider.
	Account string `json:"account,omitzero"`
}

// FinishReason says why a model stopped. Empty means that none was given.
type FinishReason string

// The finish reasons. Only FinishStop is a complete answer.
const (
	FinishStop          FinishReason = "stop"
	FinishLength        FinishReason = "length"
	FinishContentFilter FinishReason = "content_filter"
	FinishToolCalls     FinishReason = "tool_calls"
	FinishError         FinishReason = "error"
)

// Response is a model's answer. A Client returns it with a nil error even
// when the answer is useless; FinishReason and Refusal say so.
type Response struct {
	ID           string        `json:"id,omitempty"`       // the provider's generation id
	Provider     string        `json:"provider,omitempty"` // who served it, as reported
	Model        string        `json:"model"`              // the model that answered, as reported
	Content      string        `json:"content"`
	Refusal      string        `json:"refusal,omitempty"`
	FinishReason FinishReason  `json:"finish_reason"`
	ToolCalls    int           `json:"tool_calls,omitempty"` // calls that nobody offered it
	Reasoning    bool          `json:"reasoning,omitempty"`  // reasoning was returned apart from Content
	Usage        Usage         `json:"usage"`
	Took         time.Duration `json:"took_ns"`
	// Hop is the name of the Failover's hop that answered, for Skip and Only.
	// Empty without a Failover.
	Hop string `json:"hop,omitzero"`
	// Garbled says that Content was not UTF-8 and has U+FFFD in place of what
	// was not, so that it can be kept. It is not to be trusted.
	Garbled bool `json:"garbled,omitzero"`
	// Tried is what a Failover tried for this answer, in order, the answer
	// itself last. Empty without one.
	Tried []Attempt `json:"tried,omitempty"`
	// Attempts is how many calls were made for this answer; 0: not counted.
	Attempts int `json:"attempts,omitzero"`
}

// Attempt is one call that was made for an answer, or one that a decorator
// refused to make.
type Attempt struct {
	Model    string        `json:"model"`              // as asked
	Endpoint string        `json:"endpoint,omitempty"` // its host, or the name of the Hop
	Kind     Kind          `json:"kind,omitempty"`     // of the failure; empty: it answered
	Took     time.Duration `json:"took_ns"`
	Usage    Usage         `json:"usage,omitzero"` // zero: not reported
}

// Usage is what a call consumed, as the provider reported it. Null or zero
// fields were not reported.
type Usage struct {
	PromptTokens     int                 `json:"prompt_tokens"`
	CompletionTokens int                 `json:"completion_tokens"` // reasoning included
	ReasoningTokens  int                 `json:"reasoning_tokens,omitempty"`
	CachedTokens     int                 `json:"cached_tokens,omitempty"`
	CostUSD          decimal.NullDecimal `json:"cost_usd"`
}

// IsZero reports whether nothing was reported.
func (u Usage) IsZero() bool {
	u.CostUSD.Decimal = decimal.Decimal{} // digits behind a null are none
	return u == Usage{}
}

// Add sums two usages; a cost is unknown unless both are known or one usage
// is entirely zero.
func (u Usage) Add(v Usage) Usage {
	cost := decimal.NullDecimal{}
	switch {
	case u == (Usage{}):
		cost = v.CostUSD
	case v == (Usage{}):
		cost = u.CostUSD
	case u.CostUSD.Valid && v.CostUSD.Valid:
		cost = decimal.NewNullDecimal(u.CostUSD.Decimal.Add(v.CostUSD.Decimal))
	}
	return Usage{
		PromptTokens: u.PromptTokens + v.PromptTokens, CompletionTokens: u.CompletionTokens + v.CompletionTokens,
		ReasoningTokens: u.ReasoningTokens + v.ReasoningTokens, CachedTokens: u.CachedTokens + v.CachedTokens, CostUSD: cost,
	}
}

// Client asks a model. Complete is safe for concurrent use, stops when ctx
// ends, makes one attempt, and reports every failure, an error inside an HTTP
// 200 and a cut stream included, as an *Error or as the context's error.
type Client interface {
	Complete(ctx context.Context, req Request) (Response, error)
}

// ClientFunc makes a function a Client.
type ClientFunc func(ctx context.Context, req Request) (Response, error)

// Complete calls the function.
func (f ClientFunc) Complete(ctx context.Context, req Request) (Response, error) { return f(ctx, req) }
