package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ballast-go/ballast/breaker"
	"github.com/ballast-go/ballast/llm"
)

func ExampleWrap() {
	policy, err := breaker.New(breaker.Config{Name: "openrouter", FirstDelay: time.Millisecond})
	if err != nil {
		panic(err)
	}
	attempts := 0
	complete := func(context.Context, llm.Request) (llm.Response, error) {
		if attempts++; attempts == 1 {
			return llm.Response{}, &llm.Error{Kind: llm.KindServer, Endpoint: "openrouter.ai", Status: 503}
		}
		return llm.Response{Content: "hold"}, nil
	}
	client := llm.ClientFunc(breaker.Wrap(policy, complete))

	answer, err := client.Complete(context.Background(), llm.Request{})
	fmt.Println(answer.Content, err, "after", attempts, "attempts")
	// Output: hold <nil> after 2 attempts
}

func ExampleDo() {
	policy, err := breaker.New(breaker.Config{Name: "model", Attempts: 1, FailureThreshold: 1})
	if err != nil {
		panic(err)
	}
	ask := func(context.Context) (string, error) { return "", errors.New("connection refused") }

	_, err = breaker.Do(context.Background(), policy, ask)
	fmt.Println(err)
	_, err = breaker.Do(context.Background(), policy, ask)
	var open *breaker.OpenError
	fmt.Println(errors.As(err, &open), open.Phase, open.RetryIn.Round(time.Second))

	policy.Reset()
	fmt.Println(policy.Stats().State)
	// Output:
	// breaker: model: gave up after 1 attempt: connection refused
	// true open 5m0s
	// closed
}

func ExampleNew() {
	_, err := breaker.New(breaker.Config{AttemptTimeout: time.Minute, Attempts: -1, FirstDelay: -time.Second})
	fmt.Println(err)
	// Output:
	// breaker: AttemptTimeout must be at most Timeout 30s, was 1m0s
	// breaker: Attempts must be between 1 and 10, was -1
	// breaker: FirstDelay must be above 0, was -1s
}

func ExamplePolicy_Restore() {
	cfg := breaker.Config{Name: "model", Attempts: 1, FailureThreshold: 1}
	before, err := breaker.New(cfg)
	if err != nil {
		panic(err)
	}
	_, _ = breaker.Do(context.Background(), before, func(context.Context) (int, error) { return 0, errors.New("down") })
	saved := before.Save() // a small value for a store or a file

	after, err := breaker.New(cfg)
	if err != nil {
		panic(err)
	}
	if err := after.Restore(saved); err != nil {
		panic(err)
	}
	fmt.Println(after.Stats().State)
	// Output: open
}

func ExampleQuality() {
	quality, err := breaker.NewQuality(breaker.QualityConfig{Name: "model"})
	if err != nil {
		panic(err)
	}
	for quality.Allow() == nil {
		fmt.Println("asked, and could not decode the answer")
		quality.Report(false)
	}
	fmt.Println(quality.Stats().State)
	// Output:
	// asked, and could not decode the answer
	// asked, and could not decode the answer
	// asked, and could not decode the answer
	// open
}
