package openrouter_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/llm/openrouter"
	"github.com/ballast-go/ballast/secret"
)

func Example() {
	provider, err := llmtest.Start(llmtest.Config{Steps: []llmtest.Step{llmtest.RateLimited("2"), llmtest.Answer(`{"decisions":[]}`)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer provider.Close()
	client, err := openrouter.New(openrouter.Config{
		APIKey: secret.New("sk-or-v1-demo"), BaseURL: provider.URL(), Dialect: openrouter.OpenRouter(), Model: "x-ai/grok-4.3",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.CloseIdleConnections()

	question := llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Content: "What would you do?"}}}
	for range 2 {
		answer, err := client.Complete(context.Background(), question)
		var failure *llm.Error
		if errors.As(err, &failure) {
			fmt.Println(failure.Kind, failure.Retryable(), failure.RetryAfter())
			continue
		}
		fmt.Println(answer.Content, answer.FinishReason, answer.Usage.CostUSD.Decimal, "USD")
	}
	// Output:
	// rate_limited true 2s
	// {"decisions":[]} stop 0.0015 USD
}
