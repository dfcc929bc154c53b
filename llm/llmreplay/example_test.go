package llmreplay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmreplay"
)

func Example() {
	model := llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) { // an openrouter.Client, say
		return llm.Response{Model: "test/model", Content: "hold", FinishReason: llm.FinishStop}, nil
	})
	question := llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Content: "Buy or hold?"}}}

	var file bytes.Buffer
	recorder := llmreplay.Record(model, &file)
	if _, err := recorder.Complete(context.Background(), question); err != nil {
		fmt.Println(err)
	}
	if err := recorder.Err(); err != nil {
		fmt.Println("the recording is incomplete:", err)
	}

	player, err := llmreplay.Open(&file)
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := player.Complete(context.Background(), question)
	fmt.Println(answer.Content, err)
	_, err = player.Complete(context.Background(), question)
	fmt.Println(errors.Is(err, llmreplay.ErrNotRecorded))
	// Output:
	// hold <nil>
	// true
}
