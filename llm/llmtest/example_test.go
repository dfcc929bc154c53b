package llmtest_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/ballast-go/ballast/llm/llmtest"
)

func ExampleStart() {
	provider, err := llmtest.Start(llmtest.Config{Steps: []llmtest.Step{llmtest.PaymentRequired()}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer provider.Close()
	defer http.DefaultClient.CloseIdleConnections()
	resp, err := http.Post(provider.URL()+"/chat/completions", "application/json", //nolint:noctx // an example
		strings.NewReader(`{"model":"test/model","messages":[{"role":"user","content":"hello"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(body), errors.Join(err, resp.Body.Close()))
	fmt.Println(provider.Requests()[0].Messages[0].Content)
	// Output:
	// 402 {"error":{"code":402,"message":"Insufficient credits"}} <nil>
	// hello
}
