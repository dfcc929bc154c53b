package llm

import (
	"context"
	"errors"
	"fmt"
)

// What a chat template adds around each message and around them all.
const (
	tokensPerMessage = 8
	tokensPerRequest = 16
)

// EstimateTokens is an upper bound on the tokens of a prompt: one per byte of
// its messages and schema, because no token of a byte-level tokenizer stands
// for less, and a margin for the chat template. English text has about a
// quarter of that, dense figures about half.
func EstimateTokens(req Request) int {
	tokens := tokensPerRequest
	for _, message := range req.Messages {
		tokens += tokensPerMessage + len(message.Content)
	}
	if req.Schema != nil {
		tokens += len(req.Schema.Name) + len(req.Schema.JSON)
	}
	return tokens
}

// ErrContextTooSmall says that a request was not sent because it might not fit
// the model; the error is a *ContextError.
var ErrContextTooSmall = errors.New("llm: the request may exceed the model's context")

// ContextError is a request that may exceed its model's context. It is
// ErrContextTooSmall.
type ContextError struct {
	Model   string
	Context int // tokens that the model takes
	Prompt  int // by EstimateTokens
	Answer  int // MaxTokens
}

// Error names the figures.
func (e *ContextError) Error() string {
	return fmt.Sprintf("llm: %s takes %d tokens; the prompt may have %d and the answer %d", e.Model, e.Context, e.Prompt, e.Answer)
}

// Is reports whether target is ErrContextTooSmall.
func (e *ContextError) Is(target error) bool { return target == ErrContextTooSmall }

// Retryable is false: the same request stays as long.
func (e *ContextError) Retryable() bool { return false }

// Fit refuses, before any call, a request that may exceed the context of its
// model: EstimateTokens and MaxTokens together. contexts holds tokens by model
// and is read-only; a model that is absent is not checked.
func Fit(c Client, contexts map[string]int) Client {
	return ClientFunc(func(ctx context.Context, req Request) (Response, error) {
		size, known := contexts[req.Model]
		prompt := EstimateTokens(req)
		if known && (prompt > size || req.MaxTokens > size-prompt) {
			return Response{}, &ContextError{Model: req.Model, Context: size, Prompt: prompt, Answer: req.MaxTokens}
		}
		return c.Complete(ctx, req)
	})
}
