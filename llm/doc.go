// Package llm describes a question to a language model, its answer and its
// failures, behind a Client of one method, so that any decorator (a breaker,
// a budget, a recorder) fits around any provider.
//
// Adapters live one folder below: package openrouter speaks the chat
// completions protocol of OpenRouter and compatible endpoints, package llmtest
// is a provider on loopback that answers, and fails, from a script.
package llm
