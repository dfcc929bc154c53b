// Package openrouter asks models through the chat completions protocol of
// OpenRouter and of the endpoints that speak it too: OpenAI, NanoGPT,
// DeepSeek, Ollama, vLLM.
//
// A Client makes exactly one attempt. Retries, breakers, failover and budgets
// are decorators around llm.Client and compose outside:
//
//	client, err := openrouter.New(openrouter.Config{APIKey: key, Model: "x-ai/grok-4.3"})
//	ask := llm.ClientFunc(breaker.Wrap(policy, client.Complete))
//
// Answers are streamed and put together inside, because a stream can be given
// up early, and hosts that cancel one stop paying for it. Whatever is not one
// whole answer of the model that was asked for is an *llm.Error: an error
// inside an HTTP 200, a stream without finish reason, a cached answer, another
// model's answer. Nothing is read from the environment.
package openrouter
